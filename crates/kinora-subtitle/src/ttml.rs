//! TTML (W3C TTML2) and its profiles for text: IMSC, EBU-TT-D, SMPTE-TT, DFXP. As files, and as samples of MP4 (`stpp`, ISO/IEC
//! 14496-30), each of which is a document.
//!
//! Elements and attributes are known by their local names: the prefixes differ, and so do the namespaces of the older drafts. Styles
//! refer to those before them; pictures (IMSC image profile), `set` and `animate` are passed over.

mod look;
mod paragraph;
mod timing;

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_media::Time;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use look::{Attributes, Canvas, Look};
use paragraph::Paragraph;
use timing::{Clock, Interval};

use crate::text::{self, Mark};
use crate::{Document, Format, Limits, Region, SubtitleError};

/// Whether a text that begins with `<` is a TTML document: its root is called `tt`.
pub(crate) fn is_ttml(text: &str) -> bool {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => return start.local_name().into_inner() == "tt",
            Ok(Event::Eof | Event::Empty(_)) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

/// Reads a file, or a sample of a track, whose times count on the track's timeline.
///
/// # Errors
/// When there is no `tt` element, the XML breaks off before the first cue, or there are more cues than allowed.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Document, SubtitleError> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    config.expand_empty_elements = true;
    let mut machine = Machine::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => machine.start(&start),
            Ok(Event::End(_)) => machine.end(limits)?,
            Ok(Event::Text(text)) => machine.text(&text.xml10_content()),
            Ok(Event::CData(text)) => machine.text(&text.xml10_content()),
            Ok(Event::GeneralRef(name)) => machine.reference(&name),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            // What follows broken XML is lost; what was read before is not.
            Err(_) => {
                machine.document.damage();
                break;
            }
        }
    }
    machine.finish(limits)
}

/// What an element is to its children.
#[derive(Clone)]
struct Frame {
    element: Element,
    interval: Interval,
    /// Children follow each other (`timeContainer="seq"`); the next one begins here.
    sequence: Option<Time>,
    look: Look,
    preserve: bool,
    language: Option<Arc<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Element {
    Tt,
    Style,
    Region,
    /// `body` and `div`.
    Block,
    P,
    Span,
    Br,
    Title,
    /// Its children may count: `head`, `styling`, `layout`.
    Head,
    Other,
}

impl Element {
    fn of(name: &str) -> Self {
        match name {
            "tt" => Self::Tt,
            "head" | "styling" | "layout" => Self::Head,
            "style" => Self::Style,
            "region" => Self::Region,
            "body" | "div" => Self::Block,
            "p" => Self::P,
            "span" => Self::Span,
            "br" => Self::Br,
            "title" => Self::Title,
            _ => Self::Other,
        }
    }
}

/// Elements within each other; what is deeper is passed over.
const MAX_DEPTH: usize = 64;
/// Styles and regions of one document.
const MAX_DEFINITIONS: usize = 4_096;

struct Machine {
    document: Document,
    clock: Clock,
    canvas: Canvas,
    styles: BTreeMap<String, Attributes>,
    regions: BTreeMap<String, Look>,
    stack: Vec<Frame>,
    /// Elements that were too deep to be put on the stack.
    too_deep: usize,
    /// The region that is being defined.
    region: Option<String>,
    paragraph: Option<Paragraph>,
    has_root: bool,
}

impl Machine {
    fn new() -> Self {
        Self {
            document: Document::new(Format::Ttml),
            clock: Clock::default(),
            canvas: Canvas::default(),
            styles: BTreeMap::new(),
            regions: BTreeMap::new(),
            stack: Vec::new(),
            too_deep: 0,
            region: None,
            paragraph: None,
            has_root: false,
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) {
        if self.stack.len() >= MAX_DEPTH {
            self.too_deep = self.too_deep.saturating_add(1);
            return;
        }
        let element = Element::of(start.local_name().into_inner());
        let attributes = Attributes::of(start);
        match element {
            Element::Tt => self.root(&attributes),
            Element::Style => self.style(&attributes),
            Element::Region => self.define_region(&attributes),
            Element::Br => self.push_text("\n", true),
            _ => {}
        }
        let frame = self.frame(element, &attributes);
        if element == Element::P && self.paragraph.is_none() {
            self.paragraph = Some(Paragraph::new(
                attributes.get("id"),
                frame.interval,
                &frame.look,
            ));
        }
        self.stack.push(frame);
    }

    fn frame(&mut self, element: Element, attributes: &Attributes) -> Frame {
        let base = self.stack.last().cloned().unwrap_or_else(|| Frame {
            element: Element::Other,
            interval: Interval::ALWAYS,
            sequence: None,
            look: Look::default(),
            preserve: false,
            language: None,
        });
        let is_timed = matches!(element, Element::Block | Element::P | Element::Span);
        let interval = if is_timed {
            let from = base.sequence.unwrap_or(base.interval.start);
            self.clock.interval(attributes, base.interval, from)
        } else {
            base.interval
        };
        if let Some(parent) = self.stack.last_mut().filter(|_| is_timed)
            && parent.sequence.is_some()
        {
            parent.sequence = Some(interval.end);
        }
        let language = attributes.get("lang").map(Arc::from);
        Frame {
            element,
            interval,
            sequence: (attributes.get("timeContainer") == Some("seq")).then_some(interval.start),
            look: self.look(element, &base.look, attributes),
            preserve: match attributes.get("space") {
                Some(space) => space == "preserve",
                None => base.preserve,
            },
            language: language.or(base.language),
        }
    }

    /// Regions lie under all; then what is inherited, what is referred to, and what the element says itself (TTML2 10.4.4).
    fn look(&self, element: Element, inherited: &Look, attributes: &Attributes) -> Look {
        let mut look = inherited.clone();
        if !matches!(element, Element::Block | Element::P | Element::Span) {
            return look;
        }
        let region = attributes.get("region");
        if let Some(region) = region.and_then(|name| self.regions.get(name)) {
            look = region.clone().under(inherited);
        }
        if element != Element::Span {
            look.forget_place(attributes);
        }
        for name in attributes.references() {
            if let Some(style) = self.styles.get(name) {
                look.apply(style, &self.canvas);
            }
        }
        look.apply(attributes, &self.canvas);
        look
    }

    fn root(&mut self, attributes: &Attributes) {
        self.has_root = true;
        self.clock = Clock::of(attributes);
        self.canvas = Canvas::of(attributes);
        let language = attributes.get("lang").filter(|name| !name.is_empty());
        self.document.language = language.map(str::to_owned);
    }

    /// A style of the head, or of the region that it stands in.
    fn style(&mut self, attributes: &Attributes) {
        let mut all = Attributes::default();
        for name in attributes.references() {
            if let Some(style) = self.styles.get(name) {
                all.lay_over(style);
            }
        }
        all.lay_over(attributes);
        if let Some(region) = self.region.as_ref().and_then(|id| self.regions.get_mut(id)) {
            region.apply(&all, &self.canvas);
        } else if let Some(id) = attributes.get("id")
            && self.styles.len() < MAX_DEFINITIONS
        {
            self.styles.insert(id.to_owned(), all);
        }
    }

    fn define_region(&mut self, attributes: &Attributes) {
        let Some(id) = attributes.get("id") else {
            return;
        };
        if self.regions.len() >= MAX_DEFINITIONS {
            return self.document.damage();
        }
        let mut look = Look::region(id);
        for name in attributes.references() {
            if let Some(style) = self.styles.get(name) {
                look.apply(style, &self.canvas);
            }
        }
        look.apply(attributes, &self.canvas);
        self.regions.insert(id.to_owned(), look);
        self.region = Some(id.to_owned());
    }

    fn end(&mut self, limits: &Limits) -> Result<(), SubtitleError> {
        if let Some(left) = self.too_deep.checked_sub(1) {
            self.too_deep = left;
            return Ok(());
        }
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        match frame.element {
            Element::Region => self.region = None,
            Element::P if !self.stack.iter().any(|open| open.element == Element::P) => {
                self.flush(limits)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn flush(&mut self, limits: &Limits) -> Result<(), SubtitleError> {
        let Some(paragraph) = self.paragraph.take() else {
            return Ok(());
        };
        for cue in paragraph.cues() {
            self.document.add(cue);
            limits.check(&self.document)?;
        }
        Ok(())
    }

    fn reference(&mut self, name: &str) {
        if let Some(letter) = text::character(name) {
            self.push_text(letter.encode_utf8(&mut [0; 4]), true);
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(top) = self.stack.last()
            && top.element == Element::Title
            && self.document.title.is_none()
        {
            self.document.title = Some(text.trim().to_owned());
        }
        let preserve = self.stack.last().is_some_and(|top| top.preserve);
        self.push_text(text, preserve);
    }

    /// Text of the paragraph that is open, in the look of the element that it stands in. Text in metadata is none.
    fn push_text(&mut self, text: &str, preserve: bool) {
        let (Some(paragraph), Some(top)) = (self.paragraph.as_mut(), self.stack.last()) else {
            return;
        };
        let is_content = matches!(top.element, Element::P | Element::Span);
        if !is_content || top.look.hidden {
            return;
        }
        let mark = Mark {
            style: Arc::clone(&top.look.style),
            voice: None,
            language: top.language.clone().filter(|name| !name.is_empty()),
            ruby: top.look.ruby,
            ..Mark::default()
        };
        paragraph.push(text, preserve, mark, top.interval);
    }

    fn finish(mut self, limits: &Limits) -> Result<Document, SubtitleError> {
        self.flush(limits)?;
        if !self.has_root || (self.document.cues.is_empty() && self.document.damaged > 0) {
            return Err(SubtitleError::NotTtml);
        }
        Ok(self.document)
    }
}

/// The region of a document that names none: see [`Look::layout`].
fn anonymous() -> Region {
    Region {
        width: 1.0,
        height: Some(1.0),
        lines: 0,
        anchor: (0.0, 0.0),
        viewport_anchor: (0.0, 0.0),
        display_align: crate::Anchor::Start,
        ..Region::default()
    }
}

#[cfg(test)]
mod tests;
