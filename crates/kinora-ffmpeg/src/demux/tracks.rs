//! What libavformat knows of a file and its streams, as tracks.

use std::collections::BTreeSet;
use std::ffi::{CString, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use kinora_media::{
    AudioParams, Chapter, CodecId, DisplayHints, Disposition, MediaInfo, Orientation, Palette,
    Time, TrackId, TrackInfo, TrackKind, VideoParams, pcm_flag,
};

use super::input::Input;
use crate::library::Ffmpeg;
use crate::raw::{NO_PTS, get, text};
use crate::{frame, tag};

/// More configuration than any decoder takes.
pub(super) const MAX_CONFIG: usize = 1 << 20;
/// More chapters than anybody chooses from.
const MAX_CHAPTERS: u32 = 10_000;
/// Bytes of a title.
const MAX_TEXT: usize = 4_096;
/// `AV_DISPOSITION_ATTACHED_PIC`: a cover, no track.
const ATTACHED_PICTURE: c_int = 0x400;
/// More than a stream has beside its parameters.
const MAX_SIDE_DATA: usize = 64;
/// `AV_PKT_DATA_DISPLAYMATRIX`.
const DISPLAY_MATRIX: c_int = 5;
/// Microseconds, `AV_TIME_BASE_Q`.
const MICROS: TimeBase = TimeBase {
    num: 1,
    den: 1_000_000,
};

/// What a number in a time stamp counts, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeBase {
    num: i64,
    den: i64,
}

impl TimeBase {
    /// # Safety
    /// An `AVRational` lies there.
    unsafe fn read(base: NonNull<c_void>, offset: usize) -> Self {
        // SAFETY: by the caller's promise: two ints.
        let [num, den] = unsafe { get::<[c_int; 2]>(base, offset) };
        Self {
            num: num.into(),
            den: i64::from(den).max(1),
        }
    }

    pub(super) fn time(self, value: i64) -> Time {
        let nanos = i128::from(value) * i128::from(self.num) * 1_000_000_000;
        let half = i128::from(self.den / 2) * nanos.signum();
        let nanos = (nanos + half) / i128::from(self.den);
        let limit = if nanos < 0 { i64::MIN } else { i64::MAX };
        Time::from_nanos(i64::try_from(nanos).unwrap_or(limit))
    }

    /// The last number that is not after the time.
    pub(super) fn value(self, time: Time) -> i64 {
        let unit = i128::from(self.num.max(1)) * 1_000_000_000;
        let value = (i128::from(time.as_nanos()) * i128::from(self.den)).div_euclid(unit);
        i64::try_from(value).unwrap_or(i64::MAX)
    }
}

/// A stream that is a track.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) base: TimeBase,
    /// Parameter sets that only the description of the stream has, for packets with start codes.
    pub(super) parameter_sets: Bytes,
    pub(super) info: TrackInfo,
}

/// What is known of the file.
pub(super) struct Described {
    pub(super) info: MediaInfo,
    /// By the stream's number; `None` for what is no track.
    pub(super) streams: Vec<Option<Stream>>,
    /// The first time of the file, which is zero on its timeline.
    pub(super) start: Time,
}

/// How many streams there are: some formats have more when their packets come.
pub(super) fn stream_count(input: &Input) -> usize {
    let abi = input.ffmpeg().abi;
    // SAFETY: the context is open and the table says that the number lies there.
    let count: u32 = unsafe { get(input.context(), abi.format_stream_count) };
    usize::try_from(count).unwrap_or(0)
}

/// Reads what libavformat has found out.
pub(super) fn describe(input: &Input) -> Described {
    let (ffmpeg, context) = (input.ffmpeg(), input.context());
    let abi = ffmpeg.abi;
    // SAFETY: the context is open and the table says what lies there.
    let (start, duration, metadata) = unsafe {
        (
            get::<i64>(context, abi.format_start_time),
            get::<i64>(context, abi.format_duration),
            get::<*const c_void>(context, abi.format_metadata),
        )
    };
    let start = match start {
        NO_PTS => Time::ZERO,
        start => MICROS.time(start),
    };
    let duration = (duration > 0).then(|| MICROS.time(duration));
    let streams: Vec<Option<Stream>> = (0..stream_count(input))
        .map(|index| stream(ffmpeg, context, index))
        .collect();
    let tracks = streams.iter().flatten().map(|stream| stream.info.clone());
    let info = MediaInfo {
        container: interned(match input.name().as_str() {
            "mov" => "mp4",
            "matroska" => "mkv",
            "mpegts" => "ts",
            other => other,
        }),
        duration,
        tracks: tracks.collect(),
        // Without a length there are no times to look for.
        seekable: duration.is_some(),
        title: entry(ffmpeg, metadata, "title"),
        chapters: chapters(ffmpeg, context, start),
        ..MediaInfo::default()
    };
    Described {
        info,
        streams,
        start,
    }
}

impl Described {
    /// From here on a stream is decoded with another configuration. Whether that makes another track of it.
    pub(super) fn configure(&mut self, index: usize, config: &[u8]) -> bool {
        let found = self.streams.get_mut(index).and_then(Option::as_mut);
        let Some(stream) = found.filter(|stream| stream.info.codec != CodecId::Pcm) else {
            return false;
        };
        let mut config = Bytes::copy_from_slice(config);
        stream.parameter_sets = by_start_codes(stream.info.codec, &mut config);
        if stream.info.config == config {
            return false;
        }
        stream.info.config = config;
        self.changed(index);
        true
    }

    /// From here on the numbers of a stream's pixels stand for other colours. Whether that makes another track of it.
    pub(super) fn recolour(&mut self, index: usize, palette: Palette) -> bool {
        let found = self.streams.get_mut(index).and_then(Option::as_mut);
        let Some(stream) = found.filter(|it| it.info.palette.as_ref() != Some(&palette)) else {
            return false;
        };
        stream.info.palette = Some(palette);
        self.changed(index);
        true
    }

    /// What is known of a stream has changed.
    fn changed(&mut self, index: usize) {
        let Some(Some(stream)) = self.streams.get(index) else {
            return;
        };
        let mut tracks = self.info.tracks.iter_mut();
        if let Some(track) = tracks.find(|track| track.id == stream.info.id) {
            track.clone_from(&stream.info);
        }
    }
}

fn stream(ffmpeg: &Ffmpeg, context: NonNull<c_void>, index: usize) -> Option<Stream> {
    let abi = ffmpeg.abi;
    // SAFETY: the context is open and has so many pointers to streams there, each of which has parameters.
    let (stream, parameters) = unsafe {
        let streams: *const *mut c_void = get(context, abi.format_streams);
        let stream = NonNull::new(streams.add(index).read())?;
        let parameters: *mut c_void = get(stream, abi.stream_parameters);
        (stream, NonNull::new(parameters)?)
    };
    // SAFETY: the stream is live and the table says what lies there.
    let (base, disposition, metadata, duration) = unsafe {
        (
            TimeBase::read(stream, abi.stream_time_base),
            get::<c_int>(stream, abi.stream_disposition),
            get::<*const c_void>(stream, abi.stream_metadata),
            get::<i64>(stream, abi.stream_duration),
        )
    };
    if disposition & ATTACHED_PICTURE != 0 {
        return None;
    }
    let parameters = Parameters { ffmpeg, parameters };
    let (codec, name) = parameters.codec()?;
    let mut info = TrackInfo::new(TrackId(u32::try_from(index).ok()?), codec);
    info.codec_tag = tag::shown(parameters.tag());
    // What it is called where that is no codec of ours.
    info.codec_string = codec.is_unknown().then_some(name.clone());
    info.duration = (duration > 0).then(|| base.time(duration));
    info.language = entry(ffmpeg, metadata, "language").filter(|language| language != "und");
    info.title = entry(ffmpeg, metadata, "title");
    info.disposition = dispositions(disposition);
    info.bitrate = parameters.bit_rate();
    info.config = parameters.extradata();
    match codec.kind() {
        TrackKind::Video => info.video = Some(parameters.video(stream)),
        TrackKind::Audio => info.audio = Some(parameters.audio()),
        TrackKind::Subtitle | TrackKind::Data => {}
    }
    if codec == CodecId::Pcm {
        (info.config, info.audio) = pcm(&name, info.audio.unwrap_or_default());
    }
    let parameter_sets = by_start_codes(codec, &mut info.config);
    Some(Stream {
        base,
        parameter_sets,
        info,
    })
}

/// Of H.264 and H.265 with start codes: the packets tell all, and what they may lack is put before the key frames.
fn by_start_codes(codec: CodecId, config: &mut Bytes) -> Bytes {
    let is_record = config.first() == Some(&1);
    match codec {
        CodecId::H264 | CodecId::H265 if !is_record => std::mem::take(config),
        _ => Bytes::new(),
    }
}

/// An `AVCodecParameters`, live.
struct Parameters<'a> {
    ffmpeg: &'a Ffmpeg,
    parameters: NonNull<c_void>,
}

impl Parameters<'_> {
    fn int(&self, offset: usize) -> c_int {
        // SAFETY: the parameters are live and the table says that an int lies there.
        unsafe { get(self.parameters, offset) }
    }

    fn number(&self, offset: usize) -> u32 {
        u32::try_from(self.int(offset)).unwrap_or(0)
    }

    fn tag(&self) -> u32 {
        // SAFETY: as for an int.
        unsafe { get(self.parameters, self.ffmpeg.abi.parameters_codec_tag) }
    }

    /// The codec and what libavcodec calls it; `None` for what is no track of ours.
    fn codec(&self) -> Option<(CodecId, String)> {
        let abi = self.ffmpeg.abi;
        // `AVMEDIA_TYPE_*`.
        let (kind, unknown) = match self.int(abi.parameters_codec_type) {
            0 => (TrackKind::Video, CodecId::UnknownVideo),
            1 => (TrackKind::Audio, CodecId::UnknownAudio),
            2 => (TrackKind::Data, CodecId::UnknownData),
            3 => (TrackKind::Subtitle, CodecId::UnknownSubtitle),
            _ => return None,
        };
        let id = self.int(abi.parameters_codec_id);
        // SAFETY: takes a number; gives a static of the library with a zero-terminated name, or null.
        let name = unsafe {
            let descriptor = (self.ffmpeg.call.avcodec_descriptor_get)(id).cast_mut();
            NonNull::new(descriptor).map(|descriptor| text(get(descriptor, abi.descriptor_name)))
        };
        let name = name.unwrap_or_default();
        let codec = match pcm_format(&name) {
            Some(_) => Some(CodecId::Pcm),
            None => CodecId::by_name(&name),
        };
        let codec = codec.filter(|codec| codec.kind() == kind);
        Some((codec.unwrap_or(unknown), name))
    }

    fn bit_rate(&self) -> Option<u32> {
        // SAFETY: the parameters are live and the table says that a 64-bit number lies there.
        let rate: i64 = unsafe { get(self.parameters, self.ffmpeg.abi.parameters_bit_rate) };
        u32::try_from(rate).ok().filter(|rate| *rate > 0)
    }

    fn extradata(&self) -> Bytes {
        let abi = self.ffmpeg.abi;
        let len = usize::try_from(self.int(abi.parameters_extradata_size)).unwrap_or(0);
        // SAFETY: as for an int: a pointer.
        let data: *const u8 = unsafe { get(self.parameters, abi.parameters_extradata) };
        if data.is_null() || len > MAX_CONFIG {
            return Bytes::new();
        }
        // SAFETY: so many bytes lie there while the parameters are live.
        Bytes::copy_from_slice(unsafe { std::slice::from_raw_parts(data, len) })
    }

    fn bits(&self) -> Option<u16> {
        let bits = self.number(self.ffmpeg.abi.parameters_bits_per_coded_sample);
        u16::try_from(bits).ok().filter(|bits| *bits > 0)
    }

    fn video(&self, stream: NonNull<c_void>) -> VideoParams {
        let abi = self.ffmpeg.abi;
        let aspect = |base, offset| {
            // SAFETY: the struct is live and the table says that an AVRational lies there: two ints.
            let [num, den] = unsafe { get::<[c_int; 2]>(base, offset) };
            let (num, den) = (u32::try_from(num).ok()?, u32::try_from(den).ok()?);
            (num > 0 && den > 0).then_some((num, den))
        };
        let color = [
            abi.parameters_color_range,
            abi.parameters_color_primaries,
            abi.parameters_color_transfer,
            abi.parameters_color_matrix,
        ];
        let color = frame::color(color.map(|offset| self.int(offset)), Default::default());
        let stated = aspect(stream, abi.stream_pixel_aspect);
        let rate = aspect(stream, abi.stream_frame_rate);
        let matrix = self.side_data(stream, DISPLAY_MATRIX);
        let Orientation { rotation, mirror } = matrix.and_then(turned).unwrap_or_default();
        VideoParams {
            width: self.number(abi.parameters_width),
            height: self.number(abi.parameters_height),
            pixel_aspect: stated.or(aspect(self.parameters, abi.parameters_pixel_aspect)),
            color: color.unwrap_or_default(),
            stated: DisplayHints {
                pixel_aspect: stated,
                color: None,
            },
            frame_rate: rate.map(|(num, den)| f64::from(num) / f64::from(den)),
            bits_per_coded_sample: self.bits(),
            rotation,
            mirror,
        }
    }

    /// What is known of the stream beside its parameters, of a kind.
    fn side_data(&self, stream: NonNull<c_void>, kind: c_int) -> Option<&[u8]> {
        let abi = self.ffmpeg.abi;
        let owner = match abi.side_data_is_of_parameters() {
            true => self.parameters,
            false => stream,
        };
        // SAFETY: both are live; the table says that in this major a pointer and an int lie there.
        let (first, count) = unsafe {
            (
                get::<*const SideData>(owner, abi.side_data),
                get::<c_int>(owner, abi.side_data_count),
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        if first.is_null() || count > MAX_SIDE_DATA {
            return None;
        }
        // SAFETY: so many lie there, while the stream and its parameters are live.
        let all = unsafe { std::slice::from_raw_parts(first, count) };
        let found = all
            .iter()
            .find(|it| it.kind == kind && !it.data.is_null())?;
        // SAFETY: so many bytes lie there, as long.
        Some(unsafe { std::slice::from_raw_parts(found.data, found.size) })
    }

    fn audio(&self) -> AudioParams {
        let abi = self.ffmpeg.abi;
        let raw = u16::try_from(self.number(abi.parameters_bits_per_raw_sample)).ok();
        let block = self.number(abi.parameters_block_align);
        AudioParams {
            sample_rate: self.number(abi.parameters_sample_rate),
            channels: u16::try_from(self.number(abi.parameters_channels)).unwrap_or(0),
            bits_per_sample: raw.filter(|bits| *bits > 0),
            encoder_delay: self.number(abi.parameters_initial_padding),
            encoder_padding: self.number(abi.parameters_trailing_padding),
            bits_per_coded_sample: self.bits(),
            block_align: (block > 0).then_some(block),
        }
    }
}

/// `AVPacketSideData`, the same in all majors of the tables.
#[repr(C)]
struct SideData {
    data: *const u8,
    size: usize,
    kind: c_int,
}

/// How a display matrix turns and mirrors: nine numbers in the machine's order, `a b u c d v x y w`.
fn turned(matrix: &[u8]) -> Option<Orientation> {
    let (numbers, _) = matrix.as_chunks::<4>();
    let number = |index: usize| numbers.get(index).map(|it| i32::from_ne_bytes(*it));
    let places = [number(0)?, number(1)?, number(3)?, number(4)?];
    Some(Orientation::of_matrix(places))
}

/// Flags and bits of a PCM codec by its name: `pcm_s16le`; `None` for those that are stored otherwise.
fn pcm_format(name: &str) -> Option<[u8; 2]> {
    let format = name.strip_prefix("pcm_")?;
    let (format, mut flags) = match (format.strip_suffix("le"), format.strip_suffix("be")) {
        (Some(format), _) => (format, pcm_flag::LITTLE_ENDIAN),
        (None, Some(format)) => (format, 0),
        (None, None) => (format, 0),
    };
    let (kind, bits) = format.split_at_checked(1)?;
    flags |= match kind {
        "s" => 0,
        "u" => pcm_flag::UNSIGNED,
        "f" => pcm_flag::FLOAT,
        _ => return None,
    };
    let bits: u8 = bits.parse().ok()?;
    matches!(bits, 8 | 16 | 24 | 32 | 64).then_some([flags, bits])
}

fn pcm(name: &str, audio: AudioParams) -> (Bytes, Option<AudioParams>) {
    let [flags, bits] = pcm_format(name).unwrap_or_default();
    let audio = AudioParams {
        bits_per_sample: Some(bits.into()),
        ..audio
    };
    (Bytes::copy_from_slice(&[flags, bits]), Some(audio))
}

/// `AV_DISPOSITION_*`.
const fn dispositions(flags: c_int) -> Disposition {
    Disposition {
        default: flags & 1 != 0,
        original: flags & 4 != 0,
        comment: flags & 8 != 0,
        forced: flags & 0x40 != 0,
        hearing_impaired: flags & 0x80 != 0,
        visual_impaired: flags & 0x100 != 0,
    }
}

fn chapters(ffmpeg: &Ffmpeg, context: NonNull<c_void>, start: Time) -> Vec<Chapter> {
    let abi = ffmpeg.abi;
    // SAFETY: the context is open and the table says what lies there.
    let (count, chapters) = unsafe {
        (
            get::<u32>(context, abi.format_chapter_count).min(MAX_CHAPTERS),
            get::<*const *mut c_void>(context, abi.format_chapters),
        )
    };
    let count = usize::try_from(count).unwrap_or(0);
    let chapter = |index: usize| {
        // SAFETY: so many pointers to chapters lie there.
        let chapter = NonNull::new(unsafe { chapters.add(index).read() })?;
        // SAFETY: the chapter is live and the table says what lies there.
        let (base, begin, end, metadata) = unsafe {
            (
                TimeBase::read(chapter, abi.chapter_time_base),
                get::<i64>(chapter, abi.chapter_start),
                get::<i64>(chapter, abi.chapter_end),
                get::<*const c_void>(chapter, abi.chapter_metadata),
            )
        };
        Some(Chapter {
            level: 0,
            start: base.time(begin) - start,
            end: (end > begin).then(|| base.time(end) - start),
            title: entry(ffmpeg, metadata, "title"),
        })
    };
    if chapters.is_null() {
        return Vec::new();
    }
    (0..count).filter_map(chapter).collect()
}

/// What a dictionary has under a name, if that is something.
fn entry(ffmpeg: &Ffmpeg, dictionary: *const c_void, name: &str) -> Option<String> {
    let name = CString::new(name).ok()?;
    // SAFETY: a dictionary of an open context, or null, which is an empty one; a zero-terminated name; gives an entry of the
    // dictionary, or null.
    let found = unsafe { (ffmpeg.call.av_dict_get)(dictionary, name.as_ptr(), ptr::null(), 0) };
    let found = NonNull::new(found.cast_mut())?;
    // SAFETY: an entry has a zero-terminated value.
    let mut value = unsafe { text(get(found, ffmpeg.abi.entry_value)) };
    value.truncate(value.floor_char_boundary(MAX_TEXT));
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// The name for ever: libavformat has some hundreds.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_once_and_found_again() {
        let base = TimeBase {
            num: 1001,
            den: 24_000,
        };
        assert_eq!(base.time(3), Time::from_nanos(125_125_000));
        assert_eq!(base.value(Time::from_millis(125)), 2);
        assert_eq!(base.value(base.time(3)), 3);
        assert_eq!(base.time(-3), Time::from_nanos(-125_125_000));
        assert_eq!(base.time(i64::MAX), Time::MAX);
    }

    #[test]
    fn pcm_is_told_by_its_name() {
        use pcm_flag::{FLOAT, LITTLE_ENDIAN, UNSIGNED};
        assert_eq!(pcm_format("pcm_s16le"), Some([LITTLE_ENDIAN, 16]));
        assert_eq!(pcm_format("pcm_u8"), Some([UNSIGNED, 8]));
        assert_eq!(pcm_format("pcm_f64be"), Some([FLOAT, 64]));
        for other in [
            "pcm_s16le_planar",
            "pcm_alaw",
            "pcm_bluray",
            "pcm_",
            "h264",
            "pcm_s20le",
        ] {
            assert_eq!(pcm_format(other), None, "{other}");
        }
    }
}
