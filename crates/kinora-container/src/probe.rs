//! From the first bytes of a resource to the demuxer for it.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::ByteRange;

use crate::container::{Lead, Opening, Purpose};
use crate::demuxer::End;
use crate::foreign::{Demuxers, ForeignDemuxers};
use crate::registry::ContainerKind;
use crate::sniff::{
    LONG_TAG, MAX_TAGS, PICTURE_LIMIT, SNIFF_LIMIT, Sniff, describe, is_picture, look,
    look_behind_picture, may_be_media,
};
use crate::tags::{
    TAG_HEAD, TITLE_SEARCH, Tag, chapters, is_stepped_over, leading_tag, title, transport_timestamp,
};
use crate::window::Window;
use crate::{ClockKind, DemuxError, Demuxer, EventMessage, SeekTo, Step};

/// A demuxer that looks at the first bytes and then is the one for them.
pub struct ProbingDemuxer {
    purpose: Purpose,
    demuxers: Demuxers,
    program: Option<u16>,
    state: State,
    total_len: Option<u64>,
    random_access: bool,
    /// Of demuxers that were replaced.
    damage_before: u64,
}

enum State {
    Looking(Looking),
    Found(Found),
    Failed(DemuxError),
}

/// What is known before the container is.
#[derive(Default)]
struct Looking {
    window: Window,
    end: Option<End>,
    lead: Lead,
    tags: usize,
    /// Where the long tag ends that is being passed over.
    tag_end: Option<u64>,
    /// The demuxer of the resource before this one.
    earlier: Option<Found>,
}

struct Found {
    known: Known,
    demuxer: Box<dyn Demuxer>,
}

/// What is known of what a demuxer reads.
enum Known {
    Container(ContainerKind),
    /// A foreign demuxer is to find out; this is what the bytes look like.
    Look(String),
}

impl Found {
    fn poll(&mut self) -> Result<Step, DemuxError> {
        self.demuxer
            .poll()
            .map_err(|error| match (error, &self.known) {
                // We know better what to tell of bytes that nobody knows.
                (DemuxError::UnknownContainer(_), Known::Look(look)) => {
                    DemuxError::UnknownContainer(look.clone())
                }
                (DemuxError::NeedsLibrary { why, .. }, Known::Look(look)) => {
                    let look = look.clone();
                    DemuxError::NeedsLibrary { look, why }
                }
                (error, _) => error,
            })
    }
}

/// What a look at the bytes came to.
enum Looked {
    Container(ContainerKind),
    NeedMore,
    Want(ByteRange),
    Nothing(String),
}

impl Default for ProbingDemuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl ProbingDemuxer {
    /// Waits for the first bytes of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::with_demuxers(Demuxers::Own)
    }

    /// The same, for a file that foreign demuxers may read.
    #[must_use]
    pub fn with_demuxers(demuxers: Demuxers) -> Self {
        Self {
            demuxers,
            ..Self::with(Purpose::File)
        }
    }

    /// The program of that number is to be played where a transport stream has it among several, instead of the first one.
    #[must_use]
    pub fn with_program(mut self, program: Option<u16>) -> Self {
        self.program = program;
        self
    }

    /// Waits for the first bytes of a segment, its init section before it where it has one. Times are those of the
    /// media's [clock](Demuxer::clock). The segments behind it may follow, each after
    /// [`next_resource`](Demuxer::next_resource).
    #[must_use]
    pub fn for_segments() -> Self {
        Self::with(Purpose::Segment)
    }

    fn with(purpose: Purpose) -> Self {
        Self {
            purpose,
            demuxers: Demuxers::Own,
            program: None,
            state: State::Looking(Looking::default()),
            total_len: None,
            random_access: false,
            damage_before: 0,
        }
    }

    /// The demuxer, once it is known.
    fn demuxer(&mut self) -> Option<&mut dyn Demuxer> {
        match &mut self.state {
            State::Found(found) => Some(&mut *found.demuxer),
            State::Looking(_) | State::Failed(_) => None,
        }
    }

    fn reach(&mut self, end: End) {
        match &mut self.state {
            State::Looking(looking) => looking.end = Some(end),
            State::Found(found) => end.reach(&mut *found.demuxer),
            State::Failed(_) => {}
        }
    }

    /// Looks at what is there, and becomes the demuxer for it.
    fn look(&mut self) -> Option<Step> {
        let State::Looking(looking) = &mut self.state else {
            return None;
        };
        let looked = looking.look(self.purpose, self.total_len);
        let kind = match looked {
            Looked::NeedMore => return Some(Step::NeedMore),
            Looked::Want(range) => return Some(Step::Want(range)),
            Looked::Container(kind) => Some(kind),
            Looked::Nothing(_) => None,
        };
        let foreign = match &self.demuxers {
            Demuxers::Own => None,
            Demuxers::Fallback(foreign) => {
                let is_candidate = match kind {
                    Some(kind) => !kind.is_playable(),
                    None => may_be_media(looking.window.peek(SNIFF_LIMIT)),
                };
                is_candidate.then(|| Arc::clone(foreign))
            }
            Demuxers::Foreign(foreign) => {
                let is_candidate = kind.is_none_or(|kind| !kind.is_playlist());
                is_candidate.then(|| Arc::clone(foreign))
            }
        };
        match (foreign, looked) {
            (Some(foreign), Looked::Nothing(look)) => self.become_foreign(&*foreign, look),
            (Some(foreign), _) => {
                let title = kind.map(ContainerKind::title).unwrap_or_default();
                self.become_foreign(&*foreign, format!("it looks like {title}"));
            }
            (None, Looked::Container(kind)) => self.become_demuxer(kind),
            (None, Looked::Nothing(look)) => {
                self.state = State::Failed(DemuxError::UnknownContainer(look));
            }
            (None, Looked::NeedMore | Looked::Want(_)) => {}
        }
        None
    }

    /// Becomes a foreign demuxer for what looks so.
    fn become_foreign(&mut self, foreign: &dyn ForeignDemuxers, look: String) {
        if let State::Looking(looking) = &mut self.state {
            let looking = mem::take(looking);
            self.found(looking, Known::Look(look), foreign.open());
        }
    }

    /// Becomes the demuxer of the container that was found.
    fn become_demuxer(&mut self, kind: ContainerKind) {
        let State::Looking(looking) = &mut self.state else {
            return;
        };
        let mut looking = mem::take(looking);
        let opening = Opening {
            purpose: self.purpose,
            lead: mem::take(&mut looking.lead),
            program: self.program,
        };
        let earlier = looking.earlier.take();
        let demuxer = match going_on(earlier, kind, &mut self.damage_before) {
            Some(demuxer) => demuxer,
            None => match kind.open(opening) {
                Some(demuxer) => demuxer,
                None => {
                    self.state = State::Failed(no_demuxer(kind));
                    return;
                }
            },
        };
        self.found(looking, Known::Container(kind), demuxer);
    }

    /// Gives the demuxer what came so far.
    fn found(&mut self, mut looking: Looking, known: Known, mut demuxer: Box<dyn Demuxer>) {
        if let Some(total_len) = self.total_len {
            demuxer.set_len(total_len);
        }
        if self.random_access {
            demuxer.allow_random_access();
        }
        while let Some((offset, chunk)) = looking.window.pop_chunk() {
            demuxer.push(offset, chunk);
        }
        if let Some(end) = looking.end {
            end.reach(&mut *demuxer);
        }
        self.state = State::Found(Found { known, demuxer });
    }
}

/// The demuxer of the resource before, if it goes on with this one.
fn going_on(
    earlier: Option<Found>,
    kind: ContainerKind,
    damage: &mut u64,
) -> Option<Box<dyn Demuxer>> {
    let mut earlier = earlier?;
    let is_same = matches!(earlier.known, Known::Container(before) if before == kind);
    if is_same && earlier.demuxer.next_resource() {
        return Some(earlier.demuxer);
    }
    *damage = damage.saturating_add(earlier.demuxer.damage());
    None
}

fn no_demuxer(kind: ContainerKind) -> DemuxError {
    match kind {
        kind if kind.is_playlist() => DemuxError::Playlist,
        kind => DemuxError::UnknownContainer(format!("{} is not supported here", kind.title())),
    }
}

impl Looking {
    fn look(&mut self, purpose: Purpose, total_len: Option<u64>) -> Looked {
        loop {
            if let Some(end) = self.tag_end {
                match self.pass_tag(end, total_len) {
                    Some(looked) => return looked,
                    None => continue,
                }
            }
            let begins = self.window.start();
            match leading_tag(self.window.peek(TAG_HEAD)) {
                Tag::Bytes(len) if len > LONG_TAG && self.tags < MAX_TAGS => {
                    self.tag_end = Some(begins.saturating_add(len));
                }
                _ => return self.emit(purpose),
            }
        }
    }

    /// What lies behind a long tag, if there is one, is looked at when it has come. `None`: there it is.
    fn pass_tag(&mut self, end: u64, total_len: Option<u64>) -> Option<Looked> {
        if self.lead == Lead::default() && !self.read_tag() {
            return Some(Looked::NeedMore);
        }
        let left = end.saturating_sub(self.window.start());
        let here = u64::try_from(self.window.len()).unwrap_or(u64::MAX);
        if here < left && is_stepped_over(left, end, total_len) {
            self.window.restart(end);
            self.end = None;
            self.tag_passed(end);
            return Some(Looked::Want(ByteRange::from(end)));
        }
        self.window
            .skip(usize::try_from(left).unwrap_or(usize::MAX));
        if here < left && self.end.is_none() {
            return Some(Looked::NeedMore);
        }
        self.tag_passed(end);
        None
    }

    fn tag_passed(&mut self, end: u64) {
        self.tag_end = None;
        self.tags = self.tags.saturating_add(1);
        self.lead.begins = end;
    }

    /// Reads the start of a tag. `false`: it is not there yet.
    fn read_tag(&mut self) -> bool {
        if self.window.len() < TITLE_SEARCH && self.end.is_none() {
            return false;
        }
        let tag = self.window.peek(TITLE_SEARCH);
        self.lead.title = Some(title(tag).unwrap_or_default());
        self.lead.chapters = chapters(tag);
        self.lead.time = transport_timestamp(tag);
        true
    }

    fn emit(&mut self, purpose: Purpose) -> Looked {
        let ended = self.end.is_some();
        let behind_tag = self.lead.begins > 0;
        if purpose == Purpose::Segment && self.window.len() < TAG_HEAD && !ended {
            // Too little to tell a picture from what begins alike (RIFF).
            return Looked::NeedMore;
        }
        let is_picture = purpose == Purpose::Segment && is_picture(self.window.peek(TAG_HEAD));
        let (head, sniffed) = match is_picture {
            true => {
                let head = self.window.peek(PICTURE_LIMIT);
                (head, look_behind_picture(head, ended))
            }
            false => {
                let head = self.window.peek(SNIFF_LIMIT);
                (head, look(head, ended, MAX_TAGS))
            }
        };
        match sniffed {
            Sniff::Known(kind) => Looked::Container(kind),
            Sniff::NeedMore => Looked::NeedMore,
            // Padding or damage behind the tag: players of tagged music scan on, so do we.
            Sniff::Unknown if behind_tag => Looked::Container(ContainerKind::Mp3),
            Sniff::Unknown => Looked::Nothing(describe(head)),
        }
    }
}

impl Demuxer for ProbingDemuxer {
    fn push(&mut self, offset: u64, data: Bytes) {
        match &mut self.state {
            State::Looking(looking) => looking.window.push(offset, data),
            State::Found(found) => found.demuxer.push(offset, data),
            State::Failed(_) => {}
        }
    }

    fn finish(&mut self) {
        self.reach(End::Final);
    }

    fn pause(&mut self) {
        self.reach(End::Continued);
    }

    fn allow_random_access(&mut self) {
        self.random_access = true;
        if let Some(demuxer) = self.demuxer() {
            demuxer.allow_random_access();
        }
    }

    fn set_len(&mut self, total_len: u64) {
        self.total_len = Some(total_len);
        if let Some(demuxer) = self.demuxer() {
            demuxer.set_len(total_len);
        }
    }

    fn poll(&mut self) -> Result<Step, DemuxError> {
        if let Some(step) = self.look() {
            return Ok(step);
        }
        match &mut self.state {
            State::Looking(_) => Ok(Step::NeedMore),
            State::Found(found) => found.poll(),
            State::Failed(error) => Err(error.clone()),
        }
    }

    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        match &mut self.state {
            State::Looking(_) => Err(DemuxError::NotSeekable("its headers are not read yet")),
            State::Found(found) => found.demuxer.seek(target),
            State::Failed(error) => Err(error.clone()),
        }
    }

    fn find_duration(&mut self) -> bool {
        self.demuxer()
            .is_some_and(|demuxer| demuxer.find_duration())
    }

    fn next_resource(&mut self) -> bool {
        let fresh = State::Looking(Looking::default());
        let before = mem::replace(&mut self.state, fresh);
        self.total_len = None;
        let earlier = match before {
            State::Found(found) => Some(found),
            State::Looking(looking) => looking.earlier,
            State::Failed(_) => None,
        };
        self.state = State::Looking(Looking {
            earlier,
            ..Looking::default()
        });
        true
    }

    fn take_events(&mut self) -> Vec<EventMessage> {
        self.demuxer().map_or_else(Vec::new, |it| it.take_events())
    }

    fn clock(&self) -> ClockKind {
        match &self.state {
            State::Found(found) => found.demuxer.clock(),
            State::Looking(_) | State::Failed(_) => ClockKind::default(),
        }
    }

    fn damage(&self) -> u64 {
        let found = match &self.state {
            State::Found(found) => Some(found),
            State::Looking(looking) => looking.earlier.as_ref(),
            State::Failed(_) => None,
        };
        let damage = found.map_or(0, |found| found.demuxer.damage());
        self.damage_before.saturating_add(damage)
    }
}

#[cfg(test)]
mod tests;
