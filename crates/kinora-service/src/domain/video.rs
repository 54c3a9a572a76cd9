use std::fmt;

use kinora_cloud::Definition;
use serde::{Deserialize, Serialize};

use super::{ApiError, ApiErrorCode, VideoDetails};

/// A video's id: 32 lower-case hexadecimal digits, nothing else. It is safe as a name of a directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct VideoId(String);

impl VideoId {
    /// Reads an id; nothing for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 32
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VideoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for VideoId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no video id"))
    }
}

/// A closed set of words, each with its text on the wire and in the database.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$word_doc])* $word,)+ }

        impl $name {
            /// The word on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }
            /// Reads the word of the wire.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$word),)+ _ => None }
            }
        }
    };
}

wire_enum! {
    /// Where a video stands between upload and play.
    VideoStatus {
        /// The file is on its way.
        Uploading = "Uploading",
        /// The upload failed.
        UploadFail = "UploadFail",
        /// The file is here, nothing was made of it yet.
        UploadSucc = "UploadSucc",
        /// Renditions are being made.
        Transcoding = "Transcoding",
        /// No rendition could be made.
        TranscodeFail = "TranscodeFail",
        /// It waits for review.
        Checking = "Checking",
        /// It was taken down.
        Blocked = "Blocked",
        /// It can be played.
        Normal = "Normal",
        /// Its production failed.
        ProduceFail = "ProduceFail",
    }
}

impl VideoStatus {
    /// Whether the machine allows that step.
    #[must_use]
    pub fn can_become(self, next: Self) -> bool {
        use VideoStatus::{
            Blocked, Checking, Normal, ProduceFail, TranscodeFail, Transcoding, UploadFail,
            UploadSucc, Uploading,
        };
        match self {
            Uploading => matches!(next, UploadSucc | UploadFail),
            UploadSucc => matches!(next, Transcoding | Checking | Blocked),
            Transcoding => matches!(next, Normal | TranscodeFail | Checking | Blocked),
            TranscodeFail | ProduceFail => matches!(next, Transcoding),
            Checking => matches!(next, Normal | Blocked),
            Blocked => matches!(next, Normal | Checking),
            Normal => matches!(next, Blocked | Checking | Transcoding),
            UploadFail => matches!(next, Uploading),
        }
    }
}

/// Reads a definition exactly as it is on the wire.
pub(crate) fn parse_definition(text: &str) -> Option<Definition> {
    Definition::parse(text).filter(|definition| definition.as_str() == text)
}

wire_enum! {
    /// A container as a player asks for it.
    Format {
        /// One MP4 file.
        Mp4 = "mp4",
        /// An HLS playlist.
        M3u8 = "m3u8",
        /// An MP3 file.
        Mp3 = "mp3",
        /// An FLV file: known to clients, made by nobody here.
        Flv = "flv",
        /// A DASH manifest.
        Mpd = "mpd",
    }
}

wire_enum! {
    /// How the media is encrypted.
    RenditionEncryption {
        /// Not at all.
        None = "Unencrypted",
        /// HLS AES-128, RFC 8216 4.3.2.4.
        Hls = "HLSEncryption",
        /// The private scheme.
        Private = "AliyunVoDEncryption",
    }
}

/// A video.
#[derive(Clone, PartialEq, Debug)]
pub struct Video {
    /// Its id.
    pub id: VideoId,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub status: VideoStatus,
    /// Duration in seconds.
    pub duration_s: f64,
    /// Size of the imported file in bytes.
    pub size: u64,
    /// The file name of its cover picture.
    pub cover: Option<String>,
    /// When it was made, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// What people say of it beside its title.
    pub details: VideoDetails,
}

/// One playable encoding of a video.
#[derive(Clone, PartialEq, Debug)]
pub struct Rendition {
    /// Name of the file to open.
    pub file: String,
    /// Container.
    pub format: Format,
    /// Quality.
    pub definition: Definition,
    /// Encryption.
    pub encryption: RenditionEncryption,
    /// Sound only.
    pub audio_only: bool,
    /// Kilobits per second.
    pub bitrate_kbps: f64,
    /// Frames per second; 0 for sound.
    pub fps: f64,
    /// Seconds.
    pub duration_s: f64,
    /// Bytes of all its files.
    pub size: u64,
    /// Pixels; 0 for sound.
    pub width: u32,
    /// Pixels; 0 for sound.
    pub height: u32,
}

/// A number as replies show it: with so many decimal places at most.
pub(crate) fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// What a client wants of a video's renditions. Empty lists ask for all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PlayFilter {
    pub(crate) formats: Vec<Format>,
    pub(crate) definitions: Vec<Definition>,
    pub(crate) video: bool,
    pub(crate) audio: bool,
    pub(crate) encryption: Option<RenditionEncryption>,
    pub(crate) multiple: bool,
}

impl PlayFilter {
    fn wants(&self, rendition: &Rendition) -> bool {
        (self.formats.is_empty() || self.formats.contains(&rendition.format))
            && (self.definitions.is_empty() || self.definitions.contains(&rendition.definition))
            && (if rendition.audio_only {
                self.audio
            } else {
                self.video
            })
            && self
                .encryption
                .is_none_or(|encryption| encryption == rendition.encryption)
    }
}

/// The renditions that answer a wish, or why there are none.
pub(crate) fn pick_renditions(
    all: Vec<Rendition>,
    filter: &PlayFilter,
) -> Result<Vec<Rendition>, ApiError> {
    // What is encrypted is not given in the clear beside it, whoever put it there.
    let protected = all
        .iter()
        .any(|rendition| rendition.encryption != RenditionEncryption::None);
    let wanted: Vec<Rendition> = all
        .into_iter()
        .filter(|rendition| !protected || rendition.encryption != RenditionEncryption::None)
        .filter(|rendition| filter.wants(rendition))
        .collect();
    if wanted.is_empty() {
        return Err(ApiErrorCode::NoneStream.because("The video has no rendition that matches Formats, Definition, StreamType and EncryptType. Ask for fewer of them."));
    }
    if filter.multiple {
        return Ok(wanted);
    }
    // Single: only what any player can open, and one of a kind.
    let mut single: Vec<Rendition> = Vec::with_capacity(wanted.len());
    for rendition in wanted {
        let private = rendition.encryption == RenditionEncryption::Private;
        let twin = single.iter().any(|other| {
            other.format == rendition.format && other.definition == rendition.definition
        });
        if !twin && (!private || filter.encryption == Some(RenditionEncryption::Private)) {
            single.push(rendition);
        }
    }
    if single.is_empty() {
        return Err(ApiErrorCode::PrivateEncryption.because("The video has only renditions with private encryption. Set ResultType=Multiple and use a player that knows it."));
    }
    Ok(single)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendition(
        format: Format,
        definition: Definition,
        encryption: RenditionEncryption,
    ) -> Rendition {
        Rendition {
            file: "x".into(),
            format,
            definition,
            encryption,
            audio_only: false,
            bitrate_kbps: 1.0,
            fps: 25.0,
            duration_s: 1.0,
            size: 1,
            width: 2,
            height: 2,
        }
    }
    fn filter() -> PlayFilter {
        PlayFilter {
            video: true,
            audio: true,
            ..PlayFilter::default()
        }
    }

    #[test]
    fn only_32_hex_digits_are_a_video_id() {
        assert!(VideoId::parse("5aed81b74ba84920be578cdfe004af4b").is_some());
        for bad in [
            "",
            "..",
            "5AED81B74BA84920BE578CDFE004AF4B",
            "5aed81b74ba84920be578cdfe004af4b0",
            "../../../../../../../../../../etc",
        ] {
            assert_eq!(VideoId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn filters_choose_by_format_and_definition() {
        let all = vec![
            rendition(Format::Mp4, Definition::Fd, RenditionEncryption::None),
            rendition(Format::M3u8, Definition::Sd, RenditionEncryption::None),
        ];
        let mp4 = PlayFilter {
            formats: vec![Format::Mp4],
            ..filter()
        };
        assert_eq!(pick_renditions(all.clone(), &mp4).unwrap().len(), 1);
        let hd = PlayFilter {
            definitions: vec![Definition::Hd],
            ..filter()
        };
        assert_eq!(
            pick_renditions(all.clone(), &hd).unwrap_err().why,
            ApiErrorCode::NoneStream
        );
        let sound = PlayFilter {
            video: false,
            ..filter()
        };
        assert_eq!(
            pick_renditions(all, &sound).unwrap_err().why,
            ApiErrorCode::NoneStream
        );
    }

    #[test]
    fn a_protected_video_has_no_clear_twin() {
        let all = vec![
            rendition(Format::Mp4, Definition::Fd, RenditionEncryption::None),
            rendition(Format::M3u8, Definition::Fd, RenditionEncryption::Hls),
            rendition(Format::Mp3, Definition::Sq, RenditionEncryption::None),
        ];
        for filter in [
            filter(),
            PlayFilter {
                multiple: true,
                ..filter()
            },
        ] {
            let given = pick_renditions(all.clone(), &filter).unwrap();
            assert_eq!(given, [all[1].clone()]);
        }
        for clear in [
            PlayFilter {
                formats: vec![Format::Mp4, Format::Mp3],
                ..filter()
            },
            PlayFilter {
                encryption: Some(RenditionEncryption::None),
                ..filter()
            },
        ] {
            let refused = pick_renditions(all.clone(), &clear).unwrap_err();
            assert_eq!(refused.why, ApiErrorCode::NoneStream);
        }
    }

    #[test]
    fn private_encryption_alone_is_refused_unless_all_is_asked_for() {
        let all = vec![rendition(
            Format::M3u8,
            Definition::Fd,
            RenditionEncryption::Private,
        )];
        assert_eq!(
            pick_renditions(all.clone(), &filter()).unwrap_err().why,
            ApiErrorCode::PrivateEncryption
        );
        let multiple = PlayFilter {
            multiple: true,
            ..filter()
        };
        assert_eq!(pick_renditions(all, &multiple).unwrap().len(), 1);
    }

    #[test]
    fn the_status_machine_allows_no_leap() {
        assert!(VideoStatus::Transcoding.can_become(VideoStatus::Normal));
        assert!(VideoStatus::Normal.can_become(VideoStatus::Blocked));
        assert!(!VideoStatus::Uploading.can_become(VideoStatus::Normal));
        assert!(!VideoStatus::UploadFail.can_become(VideoStatus::Normal));
    }
}
