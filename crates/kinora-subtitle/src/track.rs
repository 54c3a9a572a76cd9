//! Packets of subtitle tracks.

use kinora_media::{CodecId, Packet, Time, TrackInfo, TrackKind};

use crate::ass::Script;
use crate::bitmap::{dvb, pgs, vobsub};
use crate::tx3g::SampleDescription;
use crate::webvtt::{Context, sample::boxes};
use crate::{
    CaptionDecoder, CaptionService, Cue, Limits, SubtitleError, Update, charset, srt, ttml,
};

/// Reads the packets of a subtitle track. Each is read by itself, captions aside: after a seek there is nothing to do but
/// [`TrackDecoder::reset`].
#[derive(Debug)]
pub struct TrackDecoder {
    kind: Kind,
    /// Where the track's zero lies on the presentation's timeline.
    origin: Time,
    damaged: u32,
}

#[derive(Debug)]
enum Kind {
    Srt,
    WebVtt { context: Context, form: WebVttForm },
    Ass(Script),
    Tx3g(SampleDescription),
    Ttml,
    Captions(CaptionDecoder),
    Pgs(pgs::Decoder),
    VobSub(Box<vobsub::Decoder>),
    Dvb(dvb::Decoder),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum WebVttForm {
    /// Boxes (ISO/IEC 14496-30).
    Mp4,
    /// Text alone (Matroska `S_TEXT/WEBVTT`).
    Text,
    /// Two lines of head before the text (WebM `D_WEBVTT/SUBTITLES`).
    Headed,
}

/// A cue without an end of its own is shown that long, if nothing comes after it.
const UNKNOWN_DURATION: Time = Time::from_millis(5_000);

impl TrackDecoder {
    /// One for a track, by its codec, its configuration and, of WebVTT, the container's name for it.
    ///
    /// # Errors
    /// When the track holds no subtitles, or of a kind that is not read.
    pub fn new(track: &TrackInfo) -> Result<Self, SubtitleError> {
        let config = || charset::decode(&track.config, None).text;
        let kind = match track.codec {
            CodecId::Subrip => Kind::Srt,
            CodecId::Ass => Kind::Ass(Script::header(&config())),
            CodecId::Ttml => Kind::Ttml,
            CodecId::Tx3g => {
                let size = track
                    .video
                    .filter(|video| video.width > 0 && video.height > 0);
                let canvas = size.map(|v| (f64::from(v.width), f64::from(v.height)));
                Kind::Tx3g(SampleDescription::new(&track.config, canvas))
            }
            CodecId::WebVtt => Kind::WebVtt {
                context: Context::header(&config()),
                form: match track.codec_tag.as_str() {
                    "wvtt" => WebVttForm::Mp4,
                    tag if tag.starts_with("D_WEBVTT") => WebVttForm::Headed,
                    _ => WebVttForm::Text,
                },
            },
            CodecId::Cea608 => Kind::Captions(CaptionDecoder::new(CaptionService::CC1)),
            CodecId::Cea708 => Kind::Captions(CaptionDecoder::new(CaptionService::Cea708(1))),
            CodecId::Pgs => Kind::Pgs(pgs::Decoder::default()),
            CodecId::VobSub => {
                Kind::VobSub(Box::new(vobsub::Decoder::new(&track.config, size(track))))
            }
            CodecId::DvbSubtitle => Kind::Dvb(dvb::Decoder::new(&track.config)),
            codec => return Err(SubtitleError::Unsupported(codec)),
        };
        debug_assert_eq!(track.codec.kind(), TrackKind::Subtitle);
        Ok(Self {
            kind,
            origin: Time::ZERO,
            damaged: 0,
        })
    }

    /// Where the track's zero lies on the presentation's timeline. Documents within packets (TTML) count from there.
    #[must_use]
    pub fn with_origin(mut self, origin: Time) -> Self {
        self.set_origin(origin);
        self
    }

    /// The same, where that changes: segments of a presentation may count anew.
    pub fn set_origin(&mut self, origin: Time) {
        self.origin = origin;
    }

    /// Packets, and parts of them, that could not be read.
    #[must_use]
    pub const fn damaged(&self) -> u32 {
        match &self.kind {
            Kind::Pgs(decoder) => decoder.damaged(),
            Kind::VobSub(decoder) => decoder.damaged(),
            Kind::Dvb(decoder) => decoder.damaged(),
            _ => self.damaged,
        }
    }

    /// What a packet brings.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub fn decode(&mut self, packet: &Packet) -> Vec<Update> {
        let start = packet.pts;
        let duration = match packet.duration {
            Time::ZERO => UNKNOWN_DURATION,
            known => known,
        };
        let times = (start, start + duration);
        let data = &packet.data;
        let cues = match &mut self.kind {
            Kind::Captions(decoder) => {
                return decoder.push(start, packet.dts, &cc_data(data));
            }
            Kind::Pgs(decoder) => return decoder.decode(data, start),
            Kind::Dvb(decoder) => return decoder.decode(data, start),
            Kind::VobSub(decoder) => {
                let told = (packet.duration > Time::ZERO).then_some(packet.duration);
                return decoder.decode(data, start, told);
            }
            Kind::Srt => vec![srt_cue(&decoded(data), times)],
            Kind::Ass(script) => {
                let cue = script.packet(&decoded(data), times.0, times.1);
                self.damaged = self.damaged.saturating_add(u32::from(cue.is_none()));
                cue.into_iter().collect()
            }
            Kind::Tx3g(description) => description.cue(data, times).into_iter().collect(),
            Kind::WebVtt { context, form } => match form {
                WebVttForm::Mp4 => context.sample(data, times),
                WebVttForm::Text => vec![context.block(&decoded(data), false, times)],
                WebVttForm::Headed => vec![context.block(&decoded(data), true, times)],
            },
            Kind::Ttml => self.document(data, times),
        };
        let shown = cues.into_iter().filter(Cue::is_shown);
        shown.map(Update::Add).collect()
    }

    /// A document within a packet is shown while the packet lasts (ISO/IEC 14496-30 6.4).
    fn document(&mut self, data: &[u8], (start, end): (Time, Time)) -> Vec<Cue> {
        let Ok(document) = ttml::parse(&decoded(data), &Limits::default()) else {
            self.damaged = self.damaged.saturating_add(1);
            return Vec::new();
        };
        self.damaged = self.damaged.saturating_add(document.damaged);
        let mut cues = document.cues;
        for cue in &mut cues {
            cue.shift(self.origin);
            cue.start = cue.start.max(start);
            cue.end = cue.end.min(end);
        }
        cues
    }

    /// What the last packets still hold: at the end of the track.
    pub fn finish(&mut self) -> Vec<Update> {
        match &mut self.kind {
            Kind::Captions(decoder) => decoder.finish(),
            _ => Vec::new(),
        }
    }

    /// The packets that follow do not continue those before: after a seek.
    pub fn reset(&mut self) {
        match &mut self.kind {
            Kind::Captions(decoder) => decoder.reset(),
            Kind::Pgs(decoder) => *decoder = pgs::Decoder::default(),
            Kind::Dvb(decoder) => decoder.reset(),
            _ => {}
        }
    }
}

/// The size of the picture that a track was made for, where it tells it.
fn size(track: &TrackInfo) -> Option<(u16, u16)> {
    let video = track.video?;
    let size = (
        u16::try_from(video.width).ok()?,
        u16::try_from(video.height).ok()?,
    );
    (size.0 > 0 && size.1 > 0).then_some(size)
}

fn decoded(data: &[u8]) -> String {
    charset::decode(data, None).text
}

fn srt_cue(text: &str, (start, end): (Time, Time)) -> Cue {
    let (spans, layout) = srt::markup(text.trim_end_matches('\0'));
    Cue {
        id: None,
        start,
        end,
        spans,
        layout,
        ..Cue::default()
    }
}

/// The triplets of a caption track's sample: QuickTime keeps pairs of bytes by field in `cdat` and `cdt2`, and triplets in `ccdp`
/// (QuickTime File Format, "Closed captioning media"); others keep the triplets bare.
fn cc_data(sample: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, body) in boxes(sample) {
        let field = match kind {
            b"cdat" => 0xfc,
            b"cdt2" => 0xfd,
            b"ccdp" => {
                out.extend_from_slice(cdp_triplets(body));
                continue;
            }
            _ => continue,
        };
        for pair in body.chunks_exact(2) {
            out.push(field);
            out.extend_from_slice(pair);
        }
    }
    if out.is_empty() && !sample.is_empty() && sample.len().is_multiple_of(3) {
        out.extend_from_slice(sample);
    }
    out
}

/// The triplets in a caption distribution packet (SMPTE 334-2 5.4): 0x9669, length, rate, flags, sequence; then, where there is
/// one, a time code of five bytes; then 0x72 and a count.
fn cdp_triplets(packet: &[u8]) -> &[u8] {
    let section = |skip: usize| {
        let [0x72, count, rest @ ..] = packet.get(skip..)? else {
            return None;
        };
        rest.get(..usize::from(count & 0x1f).saturating_mul(3))
    };
    section(7).or_else(|| section(12)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kinora_media::{PacketFlags, TrackId};

    use super::*;

    fn track(codec: CodecId, tag: &str, config: &str) -> TrackInfo {
        TrackInfo {
            codec_tag: tag.to_owned(),
            config: Bytes::copy_from_slice(config.as_bytes()),
            ..TrackInfo::new(TrackId(1), codec)
        }
    }

    fn packet(start: i64, duration: i64, data: &[u8]) -> Packet {
        Packet {
            track: TrackId(1),
            pts: Time::from_millis(start),
            dts: Time::from_millis(start),
            duration: Time::from_millis(duration),
            flags: PacketFlags::default(),
            data: Bytes::copy_from_slice(data),
            crypto: None,
        }
    }

    fn told(track: &TrackInfo, data: &str) -> Vec<(i64, i64, String)> {
        let mut decoder = TrackDecoder::new(track).unwrap();
        let updates = decoder.decode(&packet(1_000, 500, data.as_bytes()));
        let cue = |update| match update {
            Update::Add(cue) => cue,
            Update::Replace { .. } => panic!("no caption"),
        };
        let cues = updates.into_iter().map(cue);
        cues.map(|cue| (cue.start.as_millis(), cue.end.as_millis(), cue.text()))
            .collect()
    }

    #[test]
    fn packets_of_text_become_cues() {
        let one = |text: &str| vec![(1_000, 1_500, text.to_owned())];
        let srt = track(CodecId::Subrip, "S_TEXT/UTF8", "");
        assert_eq!(told(&srt, "<i>a</i>\r\nb"), one("a\nb"));
        let ass = track(CodecId::Ass, "S_TEXT/ASS", "[Script Info]\n[V4+ Styles]\n");
        assert_eq!(told(&ass, "0,0,Default,,0,0,0,,{\\i1}a, b"), one("a, b"));
        let vtt = track(CodecId::WebVtt, "S_TEXT/WEBVTT", "WEBVTT\n");
        assert_eq!(told(&vtt, "<b>a</b>"), one("a"));
        let webm = track(CodecId::WebVtt, "D_WEBVTT/SUBTITLES", "");
        assert_eq!(told(&webm, "id\nline:0\na\nb"), one("a\nb"));
        let mp4 = track(CodecId::WebVtt, "wvtt", "WEBVTT");
        assert_eq!(told(&mp4, "\0\0\0\x11vttc\0\0\0\x09payla"), one("a"));
        let tx3g = track(CodecId::Tx3g, "tx3g", "");
        assert_eq!(told(&tx3g, "\0\x01a"), one("a"));
        assert_eq!(told(&tx3g, "\0\0"), []);
    }

    #[test]
    fn documents_in_packets_are_cut_to_them() {
        let ttml = track(CodecId::Ttml, "stpp", "");
        let text = "<tt><body><p begin=\"0.9s\" end=\"1.2s\">a</p><p begin=\"1.4s\" end=\"3s\">b</p><p begin=\"3s\">c</p></body></tt>";
        assert_eq!(
            told(&ttml, text),
            [
                (1_000, 1_200, "a".to_owned()),
                (1_400, 1_500, "b".to_owned())
            ]
        );
        let mut decoder = TrackDecoder::new(&ttml).unwrap();
        assert_eq!(decoder.decode(&packet(0, 1, b"<html>")), []);
        assert_eq!(decoder.damaged(), 1);
    }

    #[test]
    fn tracks_of_other_things_are_refused() {
        let error = TrackDecoder::new(&track(CodecId::UnknownSubtitle, "", "")).unwrap_err();
        assert_eq!(error, SubtitleError::Unsupported(CodecId::UnknownSubtitle));
    }

    #[test]
    fn caption_samples_of_quicktime_are_triplets() {
        assert_eq!(
            cc_data(b"\0\0\0\x0ccdat\x94\x20\x94\x20"),
            b"\xfc\x94\x20\xfc\x94\x20"
        );
        let cdp = b"\x96\x69\x0f\x4f\x43\0\x01\x72\xe1\xfc\x94\x20\x74\0\x01\0";
        let sample = [b"\0\0\0\x18ccdp", &cdp[..]].concat();
        assert_eq!(cc_data(&sample), b"\xfc\x94\x20");
        assert_eq!(cc_data(b"\xfc\x94\x20"), b"\xfc\x94\x20");
        assert_eq!(cc_data(b""), b"");
    }
}
