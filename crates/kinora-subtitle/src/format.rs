//! Files: which format, within which bounds.

use crate::charset::{self, Decoded};
use crate::text::Lines;
use crate::{Document, SubtitleError, ass, srt, ttml, webvtt};

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
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Srt, Self::WebVtt, Self::Ass, Self::Ttml];

    /// `srt`, `webvtt`, `ass` or `ttml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Srt => "srt",
            Self::WebVtt => "webvtt",
            Self::Ass => "ass",
            Self::Ttml => "ttml",
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

/// What is known of a file beside its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options<'a> {
    /// Its format; `None`: the text tells.
    pub format: Option<Format>,
    /// Its charset, as a label of the Encoding Standard, where somebody claims to know it; see [`charset::decode`].
    pub charset: Option<&'a str>,
    /// What it may hold.
    pub limits: Limits,
}

/// Reads a file of subtitles. An empty one is SubRip without cues.
///
/// # Errors
/// When it is none, or exceeds the limits. What can be passed over is, and counted in [`Document::damaged`].
pub fn parse(bytes: &[u8], options: &Options<'_>) -> Result<Document, SubtitleError> {
    let limits = &options.limits;
    if bytes.len() > limits.bytes {
        return Err(SubtitleError::TooLong {
            limit: limits.bytes,
        });
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
        None => Err(SubtitleError::UnknownFormat),
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
