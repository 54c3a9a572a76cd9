//! Files: which format, within which bounds.

use crate::bitmap::file::{VobSubPart, is_of_pictures, is_sup, parse_sup};
use crate::charset::{self, Decoded};
use crate::text::Lines;
use crate::{Document, SubtitleError, ass, microdvd, srt, ttml, webvtt};

/// How subtitles are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    /// SubRip, `.srt`.
    Srt,
    /// WebVTT, `.vtt` (W3C).
    WebVtt,
    /// Advanced SubStation Alpha and its predecessor, `.ass`, `.ssa`.
    Ass,
    /// TTML and its profiles for text: IMSC, EBU-TT, SMPTE-TT; `.ttml`, `.dfxp`, `.xml` (W3C).
    Ttml,
    /// MicroDVD, `.sub` of text.
    MicroDvd,
    /// Presentation graphics of Blu-ray, `.sup`.
    Pgs,
    /// VobSub, `.idx` and `.sub`: two files.
    VobSub,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Srt,
        Self::WebVtt,
        Self::Ass,
        Self::Ttml,
        Self::MicroDvd,
        Self::Pgs,
        Self::VobSub,
    ];

    /// `srt`, `webvtt`, `ass`, `ttml`, `microdvd`, `pgs` or `vobsub`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Srt => "srt",
            Self::WebVtt => "webvtt",
            Self::Ass => "ass",
            Self::Ttml => "ttml",
            Self::MicroDvd => "microdvd",
            Self::Pgs => "pgs",
            Self::VobSub => "vobsub",
        }
    }

    /// The format that a text is of, by what it begins with.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n', '\0']);
        if webvtt::has_signature(text) {
            return Some(Self::WebVtt);
        }
        if text.starts_with('<') {
            return ttml::is_ttml(text).then_some(Self::Ttml);
        }
        Lines::new(text).take(SEARCHED_LINES).find_map(|line| {
            if srt::is_timing(line) {
                return Some(Self::Srt);
            }
            if microdvd::is_event(line) {
                return Some(Self::MicroDvd);
            }
            let section = line.trim().to_ascii_lowercase();
            let known = ["[script info]", "[v4+ styles]", "[v4 styles]", "[events]"];
            known.contains(&section.as_str()).then_some(Self::Ass)
        })
    }
}

/// Notes of whoever made the file come first, in SubRip and ASS.
const SEARCHED_LINES: usize = 200;

/// What a file may hold at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Cues.
    pub cues: usize,
    /// Bytes that they take in memory, about.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            cues: 100_000,
            memory: 32 << 20,
        }
    }
}

impl Limits {
    /// Those of a file that begins so: pictures of text are longer than text.
    #[must_use]
    pub fn of_file(begin: &[u8]) -> Self {
        let text = Self::default();
        match is_of_pictures(begin) {
            true => Self {
                bytes: 128 << 20,
                memory: 128 << 20,
                ..text
            },
            false => text,
        }
    }
}

/// What is known of a file beside its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options<'a> {
    /// The format of its text; `None`: the text tells.
    pub format: Option<Format>,
    /// Its charset, as a label of the Encoding Standard, where somebody claims to know it; see [`charset::decode`].
    pub charset: Option<&'a str>,
    /// What it may hold.
    pub limits: Limits,
}

/// Reads a file of subtitles. An empty one is SubRip without cues.
///
/// # Errors
/// When it is none, one of the two that VobSub subtitles are ([`parse_vobsub`](crate::parse_vobsub) reads both together), or
/// exceeds the limits. What can be passed over is, and counted in [`Document::damaged`].
pub fn parse(bytes: &[u8], options: &Options<'_>) -> Result<Document, SubtitleError> {
    let limits = &options.limits;
    if bytes.len() > limits.bytes {
        return Err(SubtitleError::TooLong {
            limit: limits.bytes,
        });
    }
    if is_sup(bytes) {
        return parse_sup(bytes, limits);
    }
    if let Some(part) = VobSubPart::of(bytes) {
        return Err(SubtitleError::Incomplete(part));
    }
    let Decoded {
        text,
        charset,
        damaged,
    } = charset::decode(bytes, options.charset);
    let format = options.format.or_else(|| Format::of(&text));
    let empty = || text.trim().is_empty().then_some(Format::Srt);
    let mut document = match format.or_else(empty) {
        Some(Format::Srt) => srt::parse(&text, limits),
        Some(Format::WebVtt) => webvtt::parse(&text, limits),
        Some(Format::Ass) => ass::parse(&text, limits),
        Some(Format::Ttml) => ttml::parse(&text, limits),
        Some(Format::MicroDvd) => microdvd::parse(&text, limits),
        Some(Format::Pgs | Format::VobSub) | None => Err(SubtitleError::UnknownFormat),
    }?;
    document.charset = charset;
    if damaged {
        document.damage();
    }
    Ok(document)
}

impl Limits {
    /// # Errors
    /// When there are more cues, or longer ones, than allowed.
    pub(crate) fn check(&self, document: &Document) -> Result<(), SubtitleError> {
        if document.cues.len() > self.cues {
            return Err(SubtitleError::TooMany("cues"));
        }
        if document.weight() > self.memory {
            return Err(SubtitleError::TooMany("texts"));
        }
        Ok(())
    }
}
