use bytes::Bytes;

use crate::{
    ByteRange, CodecId, ColorInfo, DisplayHints, Mirror, Palette, Protection, Rotation, Time,
    TrackKind,
};

/// Names a track within one presentation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TrackId(pub u32);

/// A selectable sequence of packets of one codec, as its container describes it.
#[derive(Clone, PartialEq, Debug)]
pub struct TrackInfo {
    /// Its name within the presentation.
    pub id: TrackId,
    /// Its codec, which also determines its kind.
    pub codec: CodecId,
    /// Decoder configuration as the container stores it: the body of `avcC`/`hvcC`/`av1C`
    /// (then packets are length-prefixed), an AudioSpecificConfig, FLAC STREAMINFO, Opus and
    /// Vorbis headers. PCM: two bytes, [flags](pcm_flag) and bits a
    /// sample. Empty when it is in the packets (Annex B, ADTS).
    pub config: Bytes,
    /// The sample entry's four characters or the stream type, for people: `avc1`, `0x1b`.
    pub codec_tag: String,
    /// RFC 6381 codec string where known: `avc1.64001f`.
    pub codec_string: Option<String>,
    /// Length of the track where its container has it.
    pub duration: Option<Time>,
    /// Language, BCP 47 or ISO 639-2; `None` when undetermined.
    pub language: Option<String>,
    /// What people call it: "Commentary".
    pub title: Option<String>,
    /// For whom it is meant, as the container says.
    pub disposition: Disposition,
    /// Average bits per second where known.
    pub bitrate: Option<u32>,
    /// Set for video tracks.
    pub video: Option<VideoParams>,
    /// Set for audio tracks.
    pub audio: Option<AudioParams>,
    /// How its payload is protected; `None`: it is clear.
    pub protection: Option<Protection>,
    /// The colours of its pixels, where those are numbers and the container says what they stand for.
    pub palette: Option<Palette>,
}

impl TrackInfo {
    /// A track of which only the name and the codec are known.
    #[must_use]
    pub fn new(id: TrackId, codec: CodecId) -> Self {
        Self {
            id,
            codec,
            config: Bytes::new(),
            codec_tag: String::new(),
            codec_string: None,
            duration: None,
            language: None,
            title: None,
            disposition: Disposition::default(),
            bitrate: None,
            video: None,
            audio: None,
            protection: None,
            palette: None,
        }
    }

    /// Video, audio, subtitle or data.
    #[must_use]
    pub const fn kind(&self) -> TrackKind {
        self.codec.kind()
    }
}

/// How PCM samples are written: the first byte of such a track's configuration; the second is the number of bits in a
/// sample.
pub mod pcm_flag {
    /// The least significant byte comes first.
    pub const LITTLE_ENDIAN: u8 = 1;
    /// Floating point, from -1 to 1 (IEEE 754).
    pub const FLOAT: u8 = 2;
    /// Silence is in the middle, not at zero.
    pub const UNSIGNED: u8 = 4;
}

/// For whom a track is meant (RFC 9559 5.1.4.1.5 and those that follow it, FFmpeg's `AV_DISPOSITION_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Disposition {
    /// To be taken where nobody chose another one of its kind.
    pub default: bool,
    /// To be shown also where nobody asked for subtitles: translations of foreign speech and signs.
    pub forced: bool,
    /// Describes sounds too, for those who do not hear them.
    pub hearing_impaired: bool,
    /// Describes pictures too, for those who do not see them.
    pub visual_impaired: bool,
    /// In the language in which the content was made.
    pub original: bool,
    /// Holds a commentary.
    pub comment: bool,
}

/// What a container says of its pictures.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct VideoParams {
    /// Coded width in pixels; 0 when only the packets know.
    pub width: u32,
    /// Coded height in pixels; 0 when only the packets know.
    pub height: u32,
    /// Pixel aspect ratio, width to height, by the container or a parameter set in it.
    pub pixel_aspect: Option<(u32, u32)>,
    /// How the picture must be turned to stand upright.
    pub rotation: Rotation,
    /// How it is mirrored after that.
    pub mirror: Mirror,
    /// Colour description, by the container or a parameter set in it.
    pub color: ColorInfo,
    /// Which of both the container states itself, whatever the bitstream says: see [`shown`](Self::shown).
    pub stated: DisplayHints,
    /// Frames a second where known.
    pub frame_rate: Option<f64>,
    /// Bits a pixel as its container tells (`depth` of QuickTime, `biBitCount` of BITMAPINFOHEADER), for codecs that do not
    /// tell themselves.
    pub bits_per_coded_sample: Option<u16>,
}

/// What a container says of its audio.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AudioParams {
    /// Samples a second; 0 when only the packets know.
    pub sample_rate: u32,
    /// Channels; 0 when only the packets know.
    pub channels: u16,
    /// Bits a sample, for PCM and lossless codecs.
    pub bits_per_sample: Option<u16>,
    /// Bits a sample as its coding counts them, where the container tells: 4 of ADPCM.
    pub bits_per_coded_sample: Option<u16>,
    /// Bytes of a block of coded sound, where the container tells (`nBlockAlign` of WAVEFORMATEX).
    pub block_align: Option<u32>,
    /// Samples at the start that the encoder added and the player must not play.
    pub encoder_delay: u32,
    /// Samples at the end that the encoder added.
    pub encoder_padding: u32,
}

/// What is known of a presentation once its headers are read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MediaInfo {
    /// The container's short name: `mp4`, `mkv`, `ts`, `adts`, `mp3`.
    pub container: &'static str,
    /// Length where known.
    pub duration: Option<Time>,
    /// Its tracks, in the order of the container.
    pub tracks: Vec<TrackInfo>,
    /// Whether the demuxer can find a time in it without reading all before it.
    pub seekable: bool,
    /// Title from the container's metadata.
    pub title: Option<String>,
    /// Its chapters, in their order.
    pub chapters: Vec<Chapter>,
    /// The container wants chapters played in an order of its own, perhaps from other files too. They are not: all plays as
    /// it lies.
    pub ordered_chapters: bool,
    /// Files that it holds beside its tracks: fonts, covers.
    pub attachments: Vec<Attachment>,
    /// The programs of a transport stream, in the order of its table. Its tracks are those of the one that is
    /// [chosen](Program::chosen).
    pub programs: Vec<Program>,
}

/// One of the programs that a transport stream carries side by side (ISO/IEC 13818-1 2.4.4.3). Its map and its names come
/// when they come: what is not known yet is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Program {
    /// Its number, which is the service's id (ETSI EN 300 468 5.2.3).
    pub number: u16,
    /// The PID of its map.
    pub map_pid: u16,
    /// The name of its service (`service_descriptor`).
    pub name: Option<String>,
    /// Who provides the service.
    pub provider: Option<String>,
    /// The streams of its map.
    pub streams: Vec<ProgramStream>,
    /// It is the one that plays.
    pub chosen: bool,
}

/// A stream as the map of its program lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramStream {
    /// Its PID; the track's id, where the program is the one that plays.
    pub id: TrackId,
    /// Its coding.
    pub codec: CodecId,
    /// Its language (ISO 639-2).
    pub language: Option<String>,
}

/// A named part of a presentation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Chapter {
    /// When it begins.
    pub start: Time,
    /// When it ends; `None`: with the next one, or with the presentation.
    pub end: Option<Time>,
    /// Its name, in the first language that the container has.
    pub title: Option<String>,
    /// How deep it lies: one of a level above 0 is a part of the last one before it of the level below.
    pub level: u8,
}

/// A file within a file. Its bytes are not kept: they lie in the resource.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attachment {
    /// Its file name.
    pub name: String,
    /// Its media type: `font/ttf`.
    pub media_type: String,
    /// Where in the resource its bytes lie.
    pub range: ByteRange,
}

impl MediaInfo {
    /// The first track of a kind.
    #[must_use]
    pub fn first(&self, kind: TrackKind) -> Option<&TrackInfo> {
        self.tracks.iter().find(|track| track.kind() == kind)
    }

    /// The track of that name.
    #[must_use]
    pub fn track(&self, id: TrackId) -> Option<&TrackInfo> {
        self.tracks.iter().find(|track| track.id == id)
    }
}
