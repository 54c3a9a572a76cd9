use core::fmt;

use kinora_errors::{Code, Coded, codes};

/// What is wrong with an MPD.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DashErrorKind {
    /// It is not well-formed XML.
    Malformed,
    /// An element of that name has no end.
    Unclosed(Box<str>),
    /// An element ends where another one is open.
    Mismatched {
        /// The name of the one that is open.
        open: Box<str>,
        /// The name of the one that ends.
        ends: Box<str>,
    },
    /// Its document type declares entities: they could multiply it, or name files (CVE-2013-0340).
    Doctype,
    /// Its root is another element.
    Root(&'static str),
    /// More of that than allowed.
    Limit(&'static str),
    /// No period with a representation that can be played.
    Nothing,
    /// All that it has stands elsewhere, by `xlink:href`, which is not followed.
    Remote,
    /// A URL that cannot be resolved.
    Uri,
    /// A patch that does not fit the MPD that it is for (ISO/IEC 23009-1 5.15).
    Patch(&'static str),
}

impl DashErrorKind {
    /// In that line, counted from 1.
    pub(crate) const fn at(self, line: u32) -> DashError {
        DashError { line, kind: self }
    }
}

/// An MPD that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DashError {
    /// The line, counted from 1; 0 for the MPD as a whole.
    pub line: u32,
    /// What is wrong.
    pub kind: DashErrorKind,
}

impl fmt::Display for DashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DashErrorKind as K;
        if self.line > 0 {
            write!(f, "MPD line {}: ", self.line)?;
        }
        match &self.kind {
            K::Malformed => f.write_str("the XML is not well-formed"),
            K::Unclosed(name) => write!(f, "the element <{name}> has no end"),
            K::Mismatched { open, ends } => {
                write!(f, "</{ends}> stands where </{open}> is due")
            }
            K::Doctype => f.write_str("a document type that declares entities is not allowed here"),
            K::Root(due) => write!(f, "the root element is not {due}"),
            K::Limit(what) => write!(f, "the manifest has too many {what}"),
            K::Nothing => f.write_str("the manifest names no representation that can be played"),
            K::Remote => f.write_str(
                "the manifest consists of remote elements (xlink), which are not followed",
            ),
            K::Uri => f.write_str("a URL of the manifest cannot be resolved"),
            K::Patch(what) => write!(f, "the patch does not fit the manifest: {what}"),
        }
    }
}

impl core::error::Error for DashError {}

impl Coded for DashError {
    fn code(&self) -> Code {
        codes::ERROR_DEMUXER_OPENURL
    }
    fn reason(&self) -> &'static str {
        use DashErrorKind as K;
        match &self.kind {
            K::Malformed | K::Unclosed(_) | K::Mismatched { .. } => "dash.xml",
            K::Doctype => "dash.doctype",
            K::Root(_) => "dash.root",
            K::Limit(_) => "dash.limit",
            K::Nothing => "dash.empty",
            K::Remote => "dash.xlink",
            K::Uri => "dash.uri",
            K::Patch(_) => "dash.patch",
        }
    }
}
