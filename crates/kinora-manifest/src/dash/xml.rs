//! The XML of a manifest as a tree: bounded in depth and size, without entities of its own, and lenient where peers are.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::errors::IllFormedError;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::Limits;
use super::error::{DashError, DashErrorKind};

/// One element.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Element {
    /// Its name without the prefix of its namespace.
    pub(super) name: Box<str>,
    /// Names as they are written, and values.
    pub(super) attributes: Vec<(Box<str>, Arc<str>)>,
    pub(super) children: Vec<Element>,
    /// Its own text, that of its children left out.
    pub(super) text: String,
    pub(super) line: u32,
}

impl Element {
    /// The value of an attribute of that name, which has no prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&Arc<str>> {
        let mut all = self.attributes.iter();
        all.find(|(key, _)| &**key == name).map(|(_, value)| value)
    }

    /// The value of an attribute of that name, in whichever namespace it is.
    pub(super) fn foreign(&self, name: &str) -> Option<&Arc<str>> {
        let mut all = self.attributes.iter();
        let found = all.find(|(key, _)| local(key) == name);
        found.map(|(_, value)| value)
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|it| &*it.name == name)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |it| &*it.name == name)
    }

    /// Its text without the blanks around it.
    pub(super) fn content(&self) -> &str {
        self.text.trim()
    }
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Reads a document; gives its root element.
pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Element, DashError> {
    if bytes.len() > limits.bytes {
        return Err(DashErrorKind::Limit("bytes").at(0));
    }
    let text = decode(bytes);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().allow_dangling_amp = true;
    let mut tree = Tree {
        text: &text,
        seen: 0,
        line: 1,
        open: Vec::new(),
        root: None,
        left: limits.elements,
        depth: limits.depth,
    };
    loop {
        let before = reader.buffer_position();
        let event = reader.read_event();
        tree.reach(before);
        match event.map_err(|error| tree.error(malformed(error)))? {
            Event::Start(start) => tree.open(&start)?,
            Event::Empty(start) => {
                tree.open(&start)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(data) => tree.say(&data),
            Event::CData(data) => tree.say(&data),
            Event::GeneralRef(name) => {
                let reference = format!("&{};", &*name);
                tree.say(&clear(&reference));
            }
            Event::DocType(declared) if declares_entities(&declared) => {
                return Err(tree.error(DashErrorKind::Doctype));
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if let Some(open) = tree.open.pop() {
        return Err(DashErrorKind::Unclosed(open.name).at(open.line));
    }
    let complete = tree.root.take();
    complete.ok_or_else(|| tree.error(DashErrorKind::Malformed))
}

/// What is wrong, in the words of a manifest's author.
fn malformed(error: quick_xml::Error) -> DashErrorKind {
    match error {
        quick_xml::Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
            DashErrorKind::Mismatched {
                open: short(expected),
                ends: short(found),
            }
        }
        quick_xml::Error::IllFormed(IllFormedError::MissingEndTag(name)) => {
            DashErrorKind::Unclosed(short(name))
        }
        _ => DashErrorKind::Malformed,
    }
}

/// A name that fits into a sentence.
fn short(name: String) -> Box<str> {
    const MAX_NAME: usize = 60;
    name.chars().take(MAX_NAME).collect()
}

/// Whether a document type does more than name itself: what it declares elsewhere is not read, nor are its rules applied, but
/// entities would be meant to be replaced.
fn declares_entities(declared: &str) -> bool {
    let within = declared.split_once('[').map_or("", |(_, within)| within);
    within.contains("<!ENTITY") || within.contains('%')
}

/// Manifests are UTF-8; some packagers on Windows write UTF-16.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2);
        let units: Vec<u16> = units
            .filter_map(|unit| unit.try_into().ok().map(read))
            .collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes),
    }
}

/// Entities are replaced; what is none stays as it is written: many URLs have bare ampersands.
fn clear(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    if let Ok(clear) = unescape(raw) {
        return clear;
    }
    let mut out = String::with_capacity(raw.len());
    for piece in raw.split_inclusive(';') {
        let start = piece.rfind('&').unwrap_or(0);
        let (before, entity) = piece.split_at(start);
        out.push_str(before);
        match unescape(entity) {
            Ok(clear) => out.push_str(&clear),
            Err(_) => out.push_str(entity),
        }
    }
    Cow::Owned(out)
}

/// The elements that are not closed yet.
struct Tree<'a> {
    text: &'a str,
    /// Bytes of which the lines are counted.
    seen: usize,
    line: u32,
    open: Vec<Element>,
    root: Option<Element>,
    /// Elements and attributes that may still come.
    left: usize,
    depth: usize,
}

impl Tree<'_> {
    fn error(&self, kind: DashErrorKind) -> DashError {
        kind.at(self.line)
    }

    /// Counts the lines up to a byte.
    fn reach(&mut self, position: u64) {
        let to = usize::try_from(position).unwrap_or(usize::MAX);
        let passed = self.text.as_bytes().get(self.seen..to).unwrap_or_default();
        let lines = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.seen = self.seen.max(to);
    }

    fn count(&mut self) -> Result<(), DashError> {
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| self.error(DashErrorKind::Limit("elements")))?;
        Ok(())
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), DashError> {
        self.count()?;
        if self.open.len() >= self.depth {
            return Err(self.error(DashErrorKind::Limit("nested elements")));
        }
        if self.root.is_some() {
            return Err(self.error(DashErrorKind::Malformed));
        }
        let mut attributes = Vec::new();
        // Duplicates are looked for in quadratic time otherwise; the first one counts.
        for attribute in start.attributes().with_checks(false) {
            self.count()?;
            let attribute = attribute.map_err(|_| self.error(DashErrorKind::Malformed))?;
            let value = Arc::from(&*clear(&attribute.value));
            attributes.push((Box::from(attribute.key.0), value));
        }
        attributes.shrink_to_fit();
        self.open.push(Element {
            name: Box::from(local(start.name().0)),
            attributes,
            children: Vec::new(),
            text: String::new(),
            line: self.line,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), DashError> {
        let Some(element) = self.open.pop() else {
            return Err(self.error(DashErrorKind::Malformed));
        };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn say(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut()
            && !(element.text.is_empty() && text.trim().is_empty())
        {
            element.text.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Element, DashError> {
        parse(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn entities_are_replaced_and_bare_ampersands_stay() {
        let root =
            read("<a b=\"x?1&amp;2&#x26;3&y=4;&lt;\">u&amp;v&w <![CDATA[<&>]]></a>").unwrap();
        assert_eq!(&**root.attribute("b").unwrap(), "x?1&2&3&y=4;<");
        assert_eq!(root.content(), "u&v&w <&>");
    }

    #[test]
    fn prefixes_of_namespaces_do_not_count() {
        let root = read("<m:MPD xmlns:c='u'><c:pssh c:k='1' k='2'/></m:MPD>").unwrap();
        let child = root.child("pssh").unwrap();
        assert_eq!(&*root.name, "MPD");
        assert_eq!(child.attribute("k").map(|it| &**it), Some("2"));
        assert_eq!(child.foreign("k").map(|it| &**it), Some("1"));
    }

    #[test]
    fn a_document_type_with_entities_is_refused_where_it_stands() {
        let bomb = "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY b 'x'>]>\n<a>&b;</a>";
        assert_eq!(read(bomb), Err(DashErrorKind::Doctype.at(2)));
        for entities in [
            "<!ENTITY b SYSTEM 'file:///etc/passwd'>",
            "<!ENTITY % b 'x'> %b;",
            "%b;",
        ] {
            let text = format!("<!DOCTYPE MPD [{entities}]><MPD/>");
            assert_eq!(read(&text), Err(DashErrorKind::Doctype.at(1)));
        }
    }

    #[test]
    fn a_document_type_that_names_itself_is_passed_over() {
        for declared in [
            "MPD",
            "MPD SYSTEM 'http://a.test/mpd.dtd'",
            "MPD [<!ELEMENT MPD ANY>]",
        ] {
            let root = read(&format!(
                "<?xml version='1.0'?><!DOCTYPE {declared}>\n<MPD a='1'/>"
            ));
            let root = root.unwrap();
            assert_eq!((&*root.name, root.line), ("MPD", 2), "{declared}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_told_with_its_place() {
        let told = |text: &str| read(text).unwrap_err().to_string();
        assert_eq!(
            told("<MPD>\n<Period>\n</MPD>"),
            "MPD line 3: </MPD> stands where </Period> is due"
        );
        assert_eq!(
            told("<MPD>\n<Period>\n<BaseURL>"),
            "MPD line 3: the element <BaseURL> has no end"
        );
    }

    #[test]
    fn what_is_not_closed_or_too_deep_is_refused() {
        let kind = |text: &str| read(text).map_err(|error| error.kind);
        assert_eq!(kind("<a>"), Err(DashErrorKind::Unclosed("a".into())));
        assert_eq!(kind(""), Err(DashErrorKind::Malformed));
        assert_eq!(kind("<a/><b/>"), Err(DashErrorKind::Malformed));
        let deep = "<a>".repeat(100);
        assert_eq!(kind(&deep), Err(DashErrorKind::Limit("nested elements")));
        let many = format!("<a>{}</a>", "<b/>".repeat(Limits::default().elements));
        assert_eq!(kind(&many), Err(DashErrorKind::Limit("elements")));
    }

    #[test]
    fn wide_characters_are_read() {
        let wide: Vec<u8> = "\u{feff}<a b='é'/>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let root = parse(&wide, &Limits::default()).unwrap();
        assert_eq!(root.attribute("b").map(|it| &**it), Some("é"));
    }
}
