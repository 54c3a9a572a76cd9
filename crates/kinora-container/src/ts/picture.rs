//! Where pictures begin in a byte stream, and what they are.

use kinora_media::bitstream::h264::{self, SliceHeader};
use kinora_media::bitstream::mpeg_video::{SequenceHeader, picture_type, start_code};
use kinora_media::bitstream::{h265, mpeg_video, mpeg4};
use kinora_media::{CodecId, VideoParams};

/// How a NAL unit, or what follows a start code, relates to access units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// It belongs to the access unit at hand.
    Within,
    /// It begins an access unit.
    Begins,
    /// It begins one if a new picture follows.
    MayBegin,
    /// It belongs to a new picture, whose access unit begins here or at the first unit that
    /// [may begin](Self::MayBegin) one.
    BeginsBefore,
}

/// What is known of a track from its own bytes.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Parameters {
    pub(super) video: VideoParams,
    pub(super) codec_string: Option<String>,
    /// MPEG-1 video in a stream of type MPEG-2, or the other way round.
    pub(super) codec: Option<CodecId>,
}

/// What an access unit turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Picture {
    /// Decoding can start here.
    pub(super) key: bool,
    /// Nothing refers to it.
    pub(super) disposable: bool,
    /// It completes the frame of which the access unit before was the first field.
    pub(super) second_field: bool,
}

/// Follows the syntax of one track.
pub(super) struct Pictures {
    syntax: Syntax,
    parameters: Option<Parameters>,
    /// A slice of the access unit at hand was seen.
    picture_seen: bool,
    key: bool,
    disposable: bool,
}

enum Syntax {
    H264(Box<H264>),
    /// The temporal sub-layers that the sequence parameter set tells; 0 before it.
    H265 {
        sub_layers: u8,
    },
    Mpeg,
    Mpeg4,
}

#[derive(Default)]
struct H264 {
    sps: Vec<h264::Sps>,
    pps: Vec<h264::Pps>,
    slice: Option<SliceHeader>,
    /// Number and parity of the access unit before, if it was the first field of a frame.
    field: Option<(u32, bool)>,
}

impl Pictures {
    pub(super) fn new(codec: CodecId) -> Self {
        Self {
            syntax: match codec {
                CodecId::H264 => Syntax::H264(Box::default()),
                CodecId::H265 => Syntax::H265 { sub_layers: 0 },
                CodecId::Mpeg4 => Syntax::Mpeg4,
                _ => Syntax::Mpeg,
            },
            parameters: None,
            picture_seen: false,
            key: false,
            disposable: false,
        }
    }

    /// What the track is, once its parameter sets were seen.
    pub(super) fn parameters(&self) -> Option<&Parameters> {
        self.parameters.as_ref()
    }

    /// The access unit at hand holds a picture.
    pub(super) fn picture_seen(&self) -> bool {
        self.picture_seen
    }

    /// Forgets the access unit at hand.
    pub(super) fn restart(&mut self) {
        let _ = self.finish();
    }

    /// The access unit at hand is whole.
    pub(super) fn finish(&mut self) -> Picture {
        let mut second_field = false;
        if let Syntax::H264(state) = &mut self.syntax {
            let field = state
                .slice
                .take()
                .and_then(|slice| Some((slice.frame_num, slice.bottom_field?)));
            // The fields of a frame follow one another, with one number and opposite parity.
            second_field = matches!((state.field, field),
                (Some((before, first)), Some((number, second)))
                    if before == number && first != second);
            state.field = field.filter(|_| !second_field);
        }
        self.picture_seen = false;
        Picture {
            key: std::mem::take(&mut self.key),
            disposable: std::mem::take(&mut self.disposable),
            second_field,
        }
    }

    /// Looks at what follows a start code: the first bytes suffice.
    pub(super) fn unit(&self, nal: &[u8]) -> Unit {
        if !self.picture_seen {
            return Unit::Within;
        }
        match &self.syntax {
            Syntax::H264(state) => state.unit(nal),
            Syntax::H265 { .. } => h265_unit(nal),
            Syntax::Mpeg => mpeg_unit(nal),
            Syntax::Mpeg4 => mpeg4_unit(nal),
        }
    }

    /// Reads a whole unit of the access unit at hand.
    pub(super) fn read(&mut self, nal: &[u8]) {
        match &mut self.syntax {
            Syntax::H264(state) => {
                let kind = h264::nal_type_of(nal);
                match kind {
                    h264::nal_type::SLICE | h264::nal_type::PARTITION_A | h264::nal_type::IDR => {
                        self.key |= kind == h264::nal_type::IDR;
                        self.disposable = h264::is_unreferenced(nal).unwrap_or(false);
                        self.picture_seen = true;
                        state.slice = state.header(nal);
                    }
                    h264::nal_type::SEI => self.key |= h264::has_recovery_point(nal),
                    h264::nal_type::SPS => {
                        if let Some(sps) = state.keep_sps(nal) {
                            self.parameters = Some(h264_parameters(sps));
                        }
                    }
                    h264::nal_type::PPS => state.keep_pps(nal),
                    _ => {}
                }
            }
            Syntax::H265 { sub_layers } => {
                let kind = h265::nal_type_of(nal);
                if h265::is_slice(kind) {
                    self.key |= h265::is_irap(kind);
                    self.disposable = h265::is_unreferenced(nal, *sub_layers).unwrap_or(false);
                    self.picture_seen = true;
                } else if kind == h265::nal_type::SPS
                    && let Ok(sps) = h265::Sps::parse(trimmed(nal))
                {
                    *sub_layers = sps.sub_layers;
                    self.parameters = Some(h265_parameters(&sps));
                }
            }
            Syntax::Mpeg => match nal.split_first() {
                Some((&start_code::SEQUENCE, _)) => {}
                Some((&start_code::PICTURE, header)) => {
                    let kind = picture_type(header).unwrap_or(0);
                    self.key |= kind == 1;
                    self.disposable = kind == 3;
                    self.picture_seen = true;
                }
                _ => {}
            },
            Syntax::Mpeg4 => self.read_mpeg4(nal),
        }
    }

    fn read_mpeg4(&mut self, unit: &[u8]) {
        use mpeg4::start_code::{FIRST_LAYER, LAST_LAYER, PLANE};
        match unit.split_first() {
            Some((&(FIRST_LAYER..=LAST_LAYER), header)) => {
                if let Ok(layer) = mpeg4::LayerHeader::parse(header) {
                    self.parameters = Some(mpeg4_parameters(&layer));
                }
            }
            Some((&PLANE, header)) => {
                let kind = mpeg4::plane_type(header).ok();
                self.key |= kind == Some(0);
                self.disposable = kind == Some(2);
                self.picture_seen = true;
            }
            _ => {}
        }
    }

    /// A sequence header of MPEG video is described by the extension behind it, so it is read
    /// from the access unit when that is whole.
    pub(super) fn read_access_unit(&mut self, data: &[u8]) {
        if !matches!(self.syntax, Syntax::Mpeg) {
            return;
        }
        let sequence = memchr::memmem::find(data, &[0, 0, 1, start_code::SEQUENCE])
            .and_then(|at| data.get(at.saturating_add(4)..))
            .and_then(|header| SequenceHeader::parse(header).ok());
        if let Some(sequence) = sequence {
            self.parameters = Some(mpeg_parameters(&sequence));
        }
    }
}

fn trimmed(nal: &[u8]) -> &[u8] {
    let zeros = nal.iter().rev().take_while(|byte| **byte == 0).count();
    nal.get(..nal.len().saturating_sub(zeros))
        .unwrap_or_default()
}

impl H264 {
    fn keep_sps(&mut self, nal: &[u8]) -> Option<&h264::Sps> {
        let sps = h264::Sps::parse(trimmed(nal)).ok()?;
        self.sps.retain(|known| known.id != sps.id);
        self.sps.push(sps);
        self.sps.last()
    }

    fn keep_pps(&mut self, nal: &[u8]) {
        if let Ok(pps) = h264::Pps::parse(nal) {
            self.pps.retain(|known| known.id != pps.id);
            self.pps.push(pps);
        }
    }

    fn header(&self, nal: &[u8]) -> Option<SliceHeader> {
        let pps_id = SliceHeader::pps_id_of(nal).ok()?;
        let pps = self.pps.iter().find(|pps| pps.id == pps_id)?;
        let sps = self.sps.iter().find(|sps| sps.id == pps.sps_id)?;
        SliceHeader::parse(nal, sps, pps).ok()
    }

    /// ITU-T H.264 7.4.1.2.3
    fn unit(&self, nal: &[u8]) -> Unit {
        match h264::nal_type_of(nal) {
            h264::nal_type::SEI..=h264::nal_type::AUD => Unit::Begins,
            // Prefix units also stand between the slices of one picture.
            14..=18 => Unit::MayBegin,
            1 | 2 | 5 if self.begins_picture(nal) => Unit::BeginsBefore,
            _ => Unit::Within,
        }
    }

    fn begins_picture(&self, nal: &[u8]) -> bool {
        match (&self.slice, self.header(nal)) {
            (Some(before), Some(next)) => before.is_followed_by_new_picture(&next),
            // Without parameter sets only the first macroblock tells: ue(v) 0 is a 1 bit.
            _ => nal.get(1).is_some_and(|byte| byte & 0x80 != 0),
        }
    }
}

/// ITU-T H.265 7.4.2.4.4
fn h265_unit(nal: &[u8]) -> Unit {
    use h265::nal_type::{AUD, PREFIX_SEI, VPS};
    let kind = h265::nal_type_of(nal);
    let base_layer = nal.first().is_some_and(|byte| byte & 1 == 0)
        && nal.get(1).is_some_and(|byte| byte & 0xf8 == 0);
    if !base_layer {
        return Unit::Within;
    }
    match kind {
        VPS..=AUD | PREFIX_SEI | 41..=44 | 48..=55 => Unit::Begins,
        // first_slice_segment_in_pic_flag
        0..=31 if nal.get(2).is_some_and(|byte| byte & 0x80 != 0) => Unit::BeginsBefore,
        _ => Unit::Within,
    }
}

/// ISO/IEC 13818-2 6.1.1, 6.2: headers come before the picture that they are for.
fn mpeg_unit(nal: &[u8]) -> Unit {
    match nal.first() {
        Some(&(start_code::SEQUENCE | start_code::GROUP | start_code::PICTURE)) => Unit::Begins,
        _ => Unit::Within,
    }
}

/// ISO/IEC 14496-2 6.2.2: whatever follows a plane but its end is for the next one.
fn mpeg4_unit(unit: &[u8]) -> Unit {
    use mpeg4::start_code::{SEQUENCE_END, SLICE};
    match unit.first() {
        None | Some(&(SEQUENCE_END | SLICE)) => Unit::Within,
        _ => Unit::Begins,
    }
}

fn h264_parameters(sps: &h264::Sps) -> Parameters {
    Parameters {
        video: VideoParams {
            width: sps.width,
            height: sps.height,
            pixel_aspect: sps.pixel_aspect,
            color: sps.color.unwrap_or_default(),
            frame_rate: sps.frame_rate,
            ..VideoParams::default()
        },
        codec_string: Some(sps.codec_string()),
        codec: None,
    }
}

fn h265_parameters(sps: &h265::Sps) -> Parameters {
    Parameters {
        video: VideoParams {
            width: sps.width,
            height: sps.height,
            pixel_aspect: sps.pixel_aspect,
            color: sps.color.unwrap_or_default(),
            frame_rate: sps.frame_rate,
            ..VideoParams::default()
        },
        codec_string: Some(sps.codec_string()),
        codec: None,
    }
}

fn mpeg_parameters(sequence: &mpeg_video::SequenceHeader) -> Parameters {
    Parameters {
        video: VideoParams {
            width: sequence.width,
            height: sequence.height,
            pixel_aspect: sequence.pixel_aspect,
            frame_rate: sequence.frame_rate,
            ..VideoParams::default()
        },
        codec_string: None,
        codec: Some(if sequence.mpeg2 {
            CodecId::Mpeg2Video
        } else {
            CodecId::Mpeg1Video
        }),
    }
}

fn mpeg4_parameters(layer: &mpeg4::LayerHeader) -> Parameters {
    Parameters {
        video: VideoParams {
            width: layer.width,
            height: layer.height,
            pixel_aspect: layer.pixel_aspect,
            frame_rate: layer.frame_rate,
            ..VideoParams::default()
        },
        codec_string: None,
        codec: None,
    }
}
