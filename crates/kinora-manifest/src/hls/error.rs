use core::fmt;

use kinora_errors::{Code, Coded, codes};

/// What is wrong with a playlist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HlsErrorKind {
    /// The first line is not `#EXTM3U`.
    MissingHeader,
    /// No tag that a playlist must have.
    Nothing,
    /// More of that than allowed.
    Limit(&'static str),
    /// That tag lacks that attribute.
    MissingAttribute(&'static str, &'static str),
    /// That tag has an unreadable value.
    Value(&'static str),
    /// A variable that nothing defines.
    UndefinedVariable(String),
    /// A variable that is defined twice.
    DuplicateVariable(String),
    /// An init section is encrypted, but its key names no IV.
    MapWithoutIv,
    /// A URI that cannot be resolved.
    Uri,
    /// What is to steer among pathways can not be read.
    Steering,
    /// What is to say which assets an interstitial has can not be read.
    AssetList,
    /// The server left out more than this playlist's predecessor can give back.
    SkippedTooMuch,
}

impl HlsErrorKind {
    /// In that line, counted from 1.
    pub(crate) const fn at(self, line: u32) -> HlsError {
        HlsError { line, kind: self }
    }
}

/// A playlist that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HlsError {
    /// The line, counted from 1; 0 for the playlist as a whole.
    pub line: u32,
    /// What is wrong.
    pub kind: HlsErrorKind,
}

impl fmt::Display for HlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use HlsErrorKind as K;
        if self.line > 0 {
            write!(f, "playlist line {}: ", self.line)?;
        }
        match &self.kind {
            K::MissingHeader => {
                f.write_str("this is no HLS playlist: it does not begin with #EXTM3U")
            }
            K::Nothing => f.write_str("the playlist names neither segments nor renditions"),
            K::Limit(what) => write!(f, "the playlist has too many {what}"),
            K::MissingAttribute(tag, name) => write!(f, "{tag} lacks {name}"),
            K::Value(tag) => write!(f, "{tag} has a value that cannot be read"),
            K::UndefinedVariable(name) => write!(f, "the variable {} is not defined", Named(name)),
            K::DuplicateVariable(name) => {
                write!(f, "the variable {} is defined twice", Named(name))
            }
            K::MapWithoutIv => {
                f.write_str("the init section is encrypted by a key that names no IV")
            }
            K::Uri => f.write_str("a URI cannot be resolved"),
            K::Steering => f.write_str("this is no steering manifest of version 1"),
            K::AssetList => f.write_str("this is no list of an interstitial's assets"),
            K::SkippedTooMuch => f.write_str("the update skips segments that were never seen"),
        }
    }
}

impl core::error::Error for HlsError {}

/// A playlist's own word: its control characters escaped, and no longer than names are.
struct Named<'a>(&'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_LEN: usize = 64;
        match self.0.char_indices().nth(MAX_LEN) {
            Some((end, _)) => write!(f, "{:?}...", self.0.get(..end).unwrap_or_default()),
            None => write!(f, "{:?}", self.0),
        }
    }
}

impl Coded for HlsError {
    fn code(&self) -> Code {
        codes::ERROR_DEMUXER_OPENURL
    }
    fn reason(&self) -> &'static str {
        use HlsErrorKind as K;
        match &self.kind {
            K::MissingHeader => "hls.missing_extm3u",
            K::Nothing => "hls.empty",
            K::Limit(_) => "hls.limit",
            K::MissingAttribute(..) => "hls.attribute.missing",
            K::Value(_) => "hls.value",
            K::UndefinedVariable(_) => "hls.variable.undefined",
            K::DuplicateVariable(_) => "hls.variable.duplicate",
            K::MapWithoutIv => "hls.map.iv",
            K::Uri => "hls.uri",
            K::Steering => "hls.steering",
            K::AssetList => "hls.asset_list",
            K::SkippedTooMuch => "hls.skip",
        }
    }
}
