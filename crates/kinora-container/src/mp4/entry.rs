//! Sample entries: which codec a track has and how its decoder is set up (ISO/IEC 14496-12 8.5.2).

use bytes::Bytes;
use kinora_media::{
    AudioParams, CodecId, ColorInfo, ColorRange, DisplayHints, Palette, Protection, TrackKind,
    VideoParams,
};

use super::boxes::{Child, FourCc, Reader, Short, children, find};
use super::{audio_entry, config, protection};
use crate::codec_tags;

/// What a sample entry tells.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct SampleEntry {
    pub(crate) tag: FourCc,
    pub(crate) codec: CodecId,
    pub(crate) codec_string: Option<String>,
    pub(crate) config: Bytes,
    pub(crate) video: Option<VideoParams>,
    pub(crate) audio: Option<AudioParams>,
    pub(crate) protection: Option<Protection>,
    pub(crate) bitrate: Option<u32>,
    /// For sound whose samples are single instants: bytes of one, and how many share a frame.
    pub(crate) frame: Option<(u32, u32)>,
    /// For pictures whose pixels are numbers.
    pub(crate) palette: Option<Palette>,
}

impl SampleEntry {
    pub(crate) fn new(tag: FourCc, codec: CodecId) -> Self {
        Self {
            tag,
            codec,
            codec_string: None,
            config: Bytes::new(),
            video: None,
            audio: None,
            protection: None,
            bitrate: None,
            frame: None,
            palette: None,
        }
    }
}

impl SampleEntry {
    /// What a sample description tells that stands alone, as in a file of another container.
    pub(crate) fn of_description(description: &Bytes, handler: FourCc) -> Option<Self> {
        let kind = *description.get(4..)?.first_chunk()?;
        let body = description.slice(8..);
        Some(read(&Child { kind, body }, handler, 0))
    }
}

/// More descriptions than the parts of one recording need.
const MAX_ENTRIES: usize = 32;

/// Reads the sample entries of an `stsd` whose track has that handler.
pub(crate) fn parse(stsd: &Bytes, handler: FourCc) -> Result<Vec<SampleEntry>, Short> {
    let mut reader = Reader::new(stsd);
    let (version, _) = reader.full_box()?;
    let count = usize::try_from(reader.u32()?).unwrap_or(MAX_ENTRIES);
    let entries = children(&reader.rest()).take(count.clamp(1, MAX_ENTRIES));
    Ok(entries
        .map(|child| read(&child, handler, version))
        .collect())
}

fn read(child: &Child, handler: FourCc, stsd_version: u8) -> SampleEntry {
    let (tag, protection) = original_format(child, handler);
    let codec = codec_of(tag, handler);
    let mut entry = SampleEntry::new(tag, codec);
    entry.protection = protection;
    // An entry that is cut short still names its codec.
    let _ = match codec.kind() {
        TrackKind::Video => visual(&mut entry, &child.body),
        TrackKind::Audio => audio_entry::read(&mut entry, &child.body, stsd_version),
        _ => text_or_metadata(&mut entry, &child.body),
    };
    entry
}

/// What a protected entry was before it was protected (8.12.1), and how it is.
fn original_format(child: &Child, handler: FourCc) -> (FourCc, Option<Protection>) {
    if !protection::is_protected_entry(child.kind) {
        return (child.kind, None);
    }
    let fields = match &handler {
        b"vide" => 78,
        b"soun" => 28,
        _ => 8,
    };
    let boxes = child.body.slice(fields.min(child.body.len())..);
    let (tag, protection) = protection::of_entry(child.kind, &boxes);
    (tag, Some(protection))
}

pub(crate) fn codec_of(tag: FourCc, handler: FourCc) -> CodecId {
    match &tag {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dvav" | b"dva1" => CodecId::H264,
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" | b"hvc2" | b"hev2" => CodecId::H265,
        b"vvc1" | b"vvi1" => CodecId::H266,
        b"av01" | b"dav1" => CodecId::Av1,
        b"vp08" => CodecId::Vp8,
        b"vp09" => CodecId::Vp9,
        b"mp4v" | b"XVID" | b"DIVX" | b"xvid" => CodecId::Mpeg4,
        b"mp2v" | b"m2v1" | b"mpg2" | b"mx5p" | b"hdv2" | b"hdv3" | b"xdvc" => CodecId::Mpeg2Video,
        b"m1v1" | b"mpeg" => CodecId::Mpeg1Video,
        b"s263" | b"h263" | b"H263" => CodecId::H263,
        b"mjpg" | b"mjpa" | b"jpeg" | b"MJPG" => CodecId::Mjpeg,
        b"vc-1" => CodecId::Vc1,
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => CodecId::ProRes,
        b"mp4a" => CodecId::Aac,
        b".mp1" => CodecId::Mp1,
        b".mp2" | b"ms\0P" => CodecId::Mp2,
        b".mp3" | b"mp3 " | b"ms\0U" => CodecId::Mp3,
        b"ac-3" | b"sac3" => CodecId::Ac3,
        b"ec-3" => CodecId::Eac3,
        b"ac-4" => CodecId::Ac4,
        b"Opus" => CodecId::Opus,
        b"fLaC" => CodecId::Flac,
        b"alac" => CodecId::Alac,
        b"dtsc" | b"dtsh" | b"dtsl" | b"dtse" | b"dtsx" => CodecId::Dts,
        b"mlpa" => CodecId::TrueHd,
        b"mha1" | b"mha2" | b"mhm1" | b"mhm2" => CodecId::MpegH,
        b"iamf" => CodecId::Iamf,
        b"samr" => CodecId::AmrNb,
        b"sawb" => CodecId::AmrWb,
        b"sowt" | b"twos" | b"in24" | b"in32" | b"fl32" | b"fl64" | b"ipcm" | b"fpcm" | b"lpcm"
        | b"NONE" => CodecId::Pcm,
        b"raw " if handler == *b"soun" => CodecId::Pcm,
        b"alaw" => CodecId::Alaw,
        b"ulaw" => CodecId::Mulaw,
        b"ima4" => CodecId::AdpcmImaQt,
        b"ms\0\x02" => CodecId::AdpcmMs,
        b"ms\0\x11" => CodecId::AdpcmImaWav,
        b"nmos" => CodecId::Nellymoser,
        b"spex" => CodecId::Speex,
        b"tx3g" => CodecId::Tx3g,
        b"text" if handler != *b"vide" => CodecId::Tx3g,
        b"wvtt" => CodecId::WebVtt,
        b"stpp" => CodecId::Ttml,
        b"c608" => CodecId::Cea608,
        b"c708" => CodecId::Cea708,
        // The subpictures of DVD are all that is known of this kind; `text_or_metadata` looks.
        b"mp4s" if matches!(&handler, b"subp" | b"text" | b"sbtl") => CodecId::VobSub,
        other => of_handler(other, &handler),
    }
}

/// A codec that has no name of its own here, or what is known of it by the kind of its track.
fn of_handler(tag: &FourCc, handler: &FourCc) -> CodecId {
    let (kind, unknown) = match handler {
        b"vide" => (TrackKind::Video, CodecId::UnknownVideo),
        b"soun" => (TrackKind::Audio, CodecId::UnknownAudio),
        b"sbtl" | b"subt" | b"clcp" | b"subp" => return CodecId::UnknownSubtitle,
        _ => return CodecId::UnknownData,
    };
    let named = codec_tags::by_sample_entry(tag);
    named
        .filter(|codec| codec.kind() == kind)
        .unwrap_or(unknown)
}

/// A `VisualSampleEntry` (12.1.3).
fn visual(entry: &mut SampleEntry, body: &Bytes) -> Result<(), Short> {
    let mut reader = Reader::new(body);
    reader.skip(24)?;
    let mut video = VideoParams {
        width: u32::from(reader.u16()?),
        height: u32::from(reader.u16()?),
        ..VideoParams::default()
    };
    entry.video = Some(video);
    reader.skip(46)?;
    // QuickTime's depth: 33 to 40 stand for gray of 1 to 8 bits.
    let depth = reader.u16()?;
    video.bits_per_coded_sample = Some(depth).filter(|depth| (1..=40).contains(depth));
    entry.video = Some(video);
    entry.palette = palette(entry.codec, depth, &mut reader)?;
    if entry.palette.is_some() {
        // What is gray by a palette is no other coding.
        video.bits_per_coded_sample = Some(depth & 0x1f);
        entry.video = Some(video);
    }
    let boxes = reader.rest();
    let mut colr = None;
    for child in children(&boxes) {
        match &child.kind {
            b"pasp" => video.stated.pixel_aspect = pixel_aspect(&child.body),
            b"colr" => colr = color(&child.body).or(colr),
            b"btrt" => entry.bitrate = average_bitrate(&child.body),
            _ => config::read_video(entry, &mut video, child.kind, &child.body),
        }
    }
    video.stated.color = colr.map(|(color, range)| ColorInfo {
        range: range.unwrap_or(video.color.range),
        ..color
    });
    // What the boxes leave open the parameter set has told.
    let shown = video.shown(DisplayHints::default());
    video.pixel_aspect = shown.pixel_aspect;
    video.color = shown.color.unwrap_or_default();
    entry.video = Some(video);
    Ok(())
}

/// The colour table that a depth of 1, 2, 4 or 8 bits has, which lies here or is known by its number (QuickTime File Format,
/// "Video sample description").
fn palette(codec: CodecId, depth: u16, reader: &mut Reader) -> Result<Option<Palette>, Short> {
    let table = reader.u16()?;
    let bits = depth & 0x1f;
    let is_gray = depth > 0x20;
    if !matches!(bits, 1 | 2 | 4 | 8) || depth > 40 {
        return Ok(None);
    }
    Ok(match table {
        0 => color_table(reader)?,
        // Its decoders know gray.
        _ if is_gray && Some(codec) == CodecId::by_name("cinepak") => None,
        _ if is_gray || bits == 1 => Some(Palette::gray(bits)),
        _ => (bits == 8).then(Palette::of_quicktime),
    })
}

/// A colour table: the first number, flags, the last number, then of each colour four words, of which the first says nothing
/// and each other one begins with the level.
fn color_table(reader: &mut Reader) -> Result<Option<Palette>, Short> {
    let (first, _flags, last) = (reader.u32()?, reader.u16()?, reader.u16()?);
    let (Ok(first), Ok(last)) = (u8::try_from(first), u8::try_from(last)) else {
        return Ok(None);
    };
    let mut colors = vec![0; first.into()];
    for _ in first..=last {
        let [_, _, red, _, green, _, blue, _] = reader.take()?;
        colors.push(u32::from_be_bytes([0xff, red, green, blue]));
    }
    Ok(Some(Palette::new(colors)))
}

/// 12.1.4.
fn pixel_aspect(pasp: &Bytes) -> Option<(u32, u32)> {
    let mut reader = Reader::new(pasp);
    match (reader.u32().ok()?, reader.u32().ok()?) {
        (0, _) | (_, 0) => None,
        aspect => Some(aspect),
    }
}

/// 12.1.5; `nclc` is QuickTime's, without the range.
fn color(colr: &Bytes) -> Option<(ColorInfo, Option<ColorRange>)> {
    let mut reader = Reader::new(colr);
    let kind = reader.take::<4>().ok()?;
    if !matches!(&kind, b"nclx" | b"nclc") {
        return None;
    }
    let mut number = || u8::try_from(reader.u16().ok()?).ok();
    let (primaries, transfer, matrix) = (number()?, number()?, number()?);
    let color = ColorInfo {
        primaries,
        transfer,
        matrix,
        range: ColorRange::default(),
    };
    let flags = reader.u8().ok().filter(|_| kind == *b"nclx");
    let range = flags.map(|flags| match flags & 0x80 != 0 {
        true => ColorRange::Full,
        false => ColorRange::Limited,
    });
    Some((color, range))
}

/// 8.5.2.2 `BitRateBox`; zero is "unknown".
pub(crate) fn average_bitrate(btrt: &Bytes) -> Option<u32> {
    let mut reader = Reader::new(btrt);
    reader.skip(8).ok()?;
    reader.u32().ok().filter(|rate| *rate > 0)
}

/// The `objectTypeIndication` of DVD subpictures, a user private one.
const SUBPICTURES: u8 = 0xe0;

fn text_or_metadata(entry: &mut SampleEntry, body: &Bytes) -> Result<(), Short> {
    let mut reader = Reader::new(body);
    reader.skip(8)?;
    let rest = reader.rest();
    match &entry.tag {
        b"wvtt" => entry.config = find(&rest, b"vttC").unwrap_or_default(),
        b"tx3g" | b"text" => entry.config = rest,
        b"mp4s" => {
            let esds = find(&rest, b"esds");
            let descriptor = esds.as_ref().and_then(config::descriptor);
            match descriptor.filter(|it| it.object_type == SUBPICTURES) {
                Some(descriptor) => entry.config = descriptor.specific,
                None => entry.codec = CodecId::UnknownSubtitle,
            }
        }
        // content_encoding, then mime_format (12.3.3.2).
        b"mett" => {
            let media_type = rest.split(|byte| *byte == 0).nth(1).unwrap_or_default();
            let name = String::from_utf8_lossy(media_type.get(..100).unwrap_or(media_type));
            entry.codec_string = Some(name.into_owned()).filter(|name| !name.is_empty());
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_mpeg_audio_are_told_by_their_tags() {
        for (tag, codec) in [
            (b".mp2", CodecId::Mp2),
            (b"ms\0P", CodecId::Mp2),
            (b".mp3", CodecId::Mp3),
            (b"ms\0U", CodecId::Mp3),
        ] {
            assert_eq!(codec_of(*tag, *b"soun"), codec);
        }
    }

    /// An entry of raw pictures with that depth, and what lies behind it.
    fn pictures(tag: &FourCc, depth: u16, behind: &[u8]) -> SampleEntry {
        let body = [&[0; 74][..], &depth.to_be_bytes(), behind].concat();
        let child = Child {
            kind: *tag,
            body: Bytes::from(body),
        };
        read(&child, *b"vide", 0)
    }

    #[test]
    fn pixels_of_few_bits_have_a_palette_of_their_own_or_a_known_one() {
        // From number 2 to number 3; each level is the first byte of its word.
        let table = [
            &[0, 0][..],
            &[0, 0, 0, 2, 0x80, 0, 0, 3],
            &[0, 0, 0x12, 1, 0x34, 1, 0x56, 1],
            &[0, 0, 0xff, 1, 0xff, 1, 0xff, 1],
            &[0, 0, 0, 16],
            b"pasp",
            &[0, 0, 0, 4, 0, 0, 0, 3],
        ];
        let own = pictures(b"raw ", 8, &table.concat());
        let palette = own.palette.unwrap();
        assert_eq!(palette.colors()[..4], [0, 0, 0xff12_3456, 0xffff_ffff]);
        assert_eq!(
            own.video.unwrap().pixel_aspect,
            Some((4, 3)),
            "the boxes lie behind it"
        );

        let known = [0xff, 0xff];
        let of = |tag, depth| pictures(tag, depth, &known).palette;
        assert_eq!(of(b"raw ", 8), Some(Palette::of_quicktime()));
        assert_eq!(of(b"raw ", 40), Some(Palette::gray(8)));
        assert_eq!(of(b"raw ", 1), Some(Palette::gray(1)));
        let gray = pictures(b"raw ", 40, &known).video.unwrap();
        assert_eq!(gray.bits_per_coded_sample, Some(8));
        for (tag, depth) in [(b"raw ", 24), (b"raw ", 4), (b"cvid", 40), (b"raw ", 0)] {
            assert_eq!(of(tag, depth), None, "{depth}");
        }
        for cut in 0..20 {
            pictures(b"raw ", 8, &table.concat()[..cut]);
        }
        let endless = [&[0, 0][..], &[0, 0, 1, 0, 0x80, 0, 0xff, 0xff]].concat();
        assert_eq!(pictures(b"raw ", 8, &endless).palette, None);
    }

    #[test]
    fn subpictures_of_dvd_are_told_by_their_object_type() {
        let palette = [1; 64];
        let entry = |object_type: u8| {
            let decoder = [&[4, 13 + 66, object_type][..], &[0; 12], &[5, 64], &palette].concat();
            let esds = [&[0, 0, 0, 0, 3, 3 + 81, 0, 1, 0][..], &decoder].concat();
            let size = u32::try_from(esds.len() + 8).unwrap().to_be_bytes();
            let body = [&[0; 8][..], &size, b"esds", &esds].concat();
            let child = Child {
                kind: *b"mp4s",
                body: Bytes::from(body),
            };
            read(&child, *b"subp", 0)
        };
        let known = entry(0xe0);
        assert_eq!(
            (known.codec, &known.config[..]),
            (CodecId::VobSub, &palette[..])
        );
        assert_eq!(entry(0x01).codec, CodecId::UnknownSubtitle);
    }
}
