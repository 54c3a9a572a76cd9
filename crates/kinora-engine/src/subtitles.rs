//! The subtitles of a session: which there are, which are on, and which of their cues are shown now.

mod captions;
mod embedded;
mod file;
mod fonts;

use std::sync::Arc;

use kinora_errors::{Fault, Secret};
use kinora_fetch::FetchEvent;
use kinora_media::{Attachment, Packet, RequestId, Time, TrackInfo};
use kinora_subtitle::{AttachedFonts, CaptionService, Cue, Cues, ShownCues, Update};

pub(crate) use self::captions::{Announced, Captions, Known};
pub(crate) use self::embedded::Embedded;
use self::file::{Download, Downloaded};
use self::fonts::Fonts;
use crate::cx::Cx;
use crate::present::earliest;
use crate::tape::NotedFile;
use crate::{CueId, Event, FIRST_EXTERNAL_SUBTITLE, InfoCode, Output, Refusal};

/// External subtitles of one session; each may hold as much as `kinora_subtitle::Limits` say.
const MAX_FILES: usize = 8;

/// What is known of a file of subtitles.
enum Contents {
    /// It is on its way.
    Coming(Box<Download>),
    /// Its cues are there.
    Read,
    /// There are none to be had.
    Failed,
}

/// External subtitles.
struct File {
    contents: Contents,
    /// Its cues are shown, as soon as they are there.
    on: bool,
    cues: Cues,
}

/// A cue that is shown.
struct Shown {
    track: u32,
    id: CueId,
    cue: Arc<Cue>,
}

/// All subtitles of a session.
#[derive(Default)]
pub(crate) struct Subtitles {
    /// By their index, from [`FIRST_EXTERNAL_SUBTITLE`] on.
    files: Vec<File>,
    /// The text within the source that is on.
    embedded: Option<Embedded>,
    /// Captions within the pictures.
    pub(crate) captions: Captions,
    shown: Vec<Shown>,
    /// The cues that lie on the video frame which went out last, or on the next, and the fonts that were told with them.
    laid: Vec<Arc<Cue>>,
    laid_fonts: AttachedFonts,
    /// The time of that frame.
    laid_at: Time,
    /// Fonts of the film's file.
    fonts: Fonts,
}

impl Subtitles {
    /// Asks for a file.
    pub(crate) fn add(&mut self, cx: &mut Cx, url: Secret) -> Result<(), Refusal> {
        if self.files.len() >= MAX_FILES {
            return Err(Refusal::TooManySubtitles);
        }
        self.files.push(File {
            contents: Contents::Coming(Box::new(Download::start(cx, url))),
            on: false,
            cues: Cues::default(),
        });
        Ok(())
    }

    /// Shows subtitles, or no longer.
    pub(crate) fn select(&mut self, index: u32, on: bool) -> Result<(), Refusal> {
        let file = self.file(index)?;
        if on && matches!(file.contents, Contents::Failed) {
            return Err(Refusal::SubtitleFailed);
        }
        file.on = on;
        Ok(())
    }

    /// Shows the cues of subtitles so much later.
    pub(crate) fn set_delay(&mut self, index: u32, delay: Time) -> Result<(), Refusal> {
        let embedded = self.embedded.as_mut().filter(|it| it.index == index);
        match embedded {
            Some(embedded) => embedded.cues.set_delay(delay),
            None => self.file(index)?.cues.set_delay(delay),
        }
        Ok(())
    }

    /// Shows text within the source in place of another, or none.
    pub(crate) fn embed(&mut self, embedded: Option<Embedded>) {
        self.embedded = embedded;
    }

    /// The index of the text within the source that is on.
    pub(crate) fn embedded_index(&self) -> Option<u32> {
        self.embedded.as_ref().map(|it| it.index)
    }

    /// Asks for the fonts among the files that the film's own one holds, where a script is shown that may name them.
    pub(crate) fn ask_fonts(&mut self, cx: &mut Cx, url: &Secret, attachments: &[Attachment]) {
        if self.embedded.as_ref().is_some_and(Embedded::is_script) {
            self.fonts.ask(cx, url, attachments);
        }
    }

    /// Takes a packet of that track.
    pub(crate) fn push(&mut self, cx: &Cx, packet: &Packet) {
        if let Some(embedded) = &mut self.embedded {
            embedded.push(cx, packet);
        }
    }

    /// A rendition is on.
    pub(crate) fn is_rendition_on(&self) -> bool {
        self.embedded.as_ref().is_some_and(Embedded::is_rendition)
    }

    /// Looks for captions in a picture on its way to the decoder. `true`: there is something new to choose.
    pub(crate) fn look(&mut self, cx: &Cx, track: &TrackInfo, packet: &Packet) -> bool {
        let decoder = self.embedded.as_mut().and_then(Embedded::caption_decoder);
        let looked = self.captions.look(cx, (track, packet), decoder);
        self.apply(looked.updates);
        looked.is_new
    }

    /// Shows captions within the pictures in place of what else of the source is shown.
    pub(crate) fn embed_captions(&mut self, cx: &Cx, index: u32, service: CaptionService) {
        let (decoder, updates) = self.captions.decoder(cx, service);
        self.embed(Some(Embedded::captions(index, decoder)));
        self.apply(updates);
    }

    /// The pictures begin anew.
    pub(crate) fn restart(&mut self) {
        self.captions.restart();
        if let Some(embedded) = &mut self.embedded {
            embedded.restart();
        }
    }

    /// Takes what the rendition that is on brought.
    pub(crate) fn apply(&mut self, updates: Vec<Update>) {
        if let Some(embedded) = &mut self.embedded {
            embedded.apply(updates);
        }
    }

    /// Its packets come from another place.
    pub(crate) fn interrupt(&mut self) {
        if let Some(embedded) = &mut self.embedded {
            embedded.interrupt();
        }
    }

    fn file(&mut self, index: u32) -> Result<&mut File, Refusal> {
        let place = index.checked_sub(FIRST_EXTERNAL_SUBTITLE);
        let place = place.and_then(|place| usize::try_from(place).ok());
        let file = place.and_then(|place| self.files.get_mut(place));
        file.ok_or(Refusal::NoSuchSubtitle)
    }

    /// Whether an answer of the network is for a file.
    pub(crate) fn is_for(&self, id: RequestId) -> bool {
        self.downloads().any(|download| download.is_for(id)) || self.fonts.is_for(id)
    }

    fn downloads(&self) -> impl Iterator<Item = &Download> {
        self.files.iter().filter_map(|file| match &file.contents {
            Contents::Coming(download) => Some(download.as_ref()),
            Contents::Read | Contents::Failed => None,
        })
    }

    pub(crate) fn on_fetch(&mut self, cx: &mut Cx, event: FetchEvent) {
        let id = event.id();
        if self.fonts.is_for(id) {
            return self.fonts.on_event(cx, event);
        }
        for (track, file) in (FIRST_EXTERNAL_SUBTITLE..).zip(&mut self.files) {
            if let Contents::Coming(download) = &mut file.contents
                && download.is_for(id)
            {
                let downloaded = download.on_event(cx, event);
                return file.take(cx, track, downloaded);
            }
        }
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx) {
        self.fonts.on_time(cx);
        for (track, file) in (FIRST_EXTERNAL_SUBTITLE..).zip(&mut self.files) {
            if let Contents::Coming(download) = &mut file.contents {
                let downloaded = download.on_time(cx);
                file.take(cx, track, downloaded);
            }
        }
    }

    /// Connections are lost: files that are on their way are asked for again.
    pub(crate) fn reconnect(&mut self, cx: &mut Cx) {
        for file in &mut self.files {
            if let Contents::Coming(download) = &mut file.contents {
                download.reconnect(cx);
            }
        }
    }

    /// When a file that is on its way needs the time.
    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        let files = self.downloads().map(|download| download.deadline(cx));
        earliest(files.chain([self.fonts.deadline(cx)]))
    }

    /// The cues that are on, by the index of their subtitles.
    fn cues(&self) -> impl Iterator<Item = (u32, &Cues)> {
        let files = (FIRST_EXTERNAL_SUBTITLE..).zip(&self.files);
        let files = files.filter(|(_, file)| file.on);
        let embedded = self.embedded.iter().map(|it| (it.index, &it.cues));
        embedded.chain(files.map(|(track, file)| (track, &file.cues)))
    }

    /// Those that are shown at that time, with the index of their subtitles.
    fn active(&self, at: Time) -> Vec<(u32, Arc<Cue>)> {
        let active = |(track, cues): (u32, &Cues)| {
            let cues = cues.active(at).into_iter();
            cues.map(move |cue| (track, cue)).collect::<Vec<_>>()
        };
        self.cues().flat_map(active).collect()
    }

    /// Tells what lies on the video frame of that time, which goes out next.
    pub(crate) fn lay(&mut self, cx: &mut Cx, frame: Time) {
        self.laid_at = frame;
        let laid = |(_, cues): (u32, &Cues)| {
            let cues_now = cues.active(frame).into_iter();
            let delay = cues.delay();
            cues_now
                .map(move |cue| delayed(cue, delay))
                .collect::<Vec<_>>()
        };
        let laid = self.cues().flat_map(laid).collect();
        self.lay_all(cx, laid);
    }

    fn lay_all(&mut self, cx: &mut Cx, mut cues: Vec<Arc<Cue>>) {
        // Those of all tracks together: layers go before tracks.
        cues.sort_by_key(|cue| cue.layer);
        let pairs = || self.laid.iter().zip(&cues);
        let fonts = self.fonts.known();
        if self.laid.len() == cues.len()
            && pairs().all(|(had, has)| is_same(had, has))
            && fonts::are_same(&self.laid_fonts, fonts)
        {
            return;
        }
        let shown = ShownCues::from(cues.as_slice()).with_fonts(Arc::clone(fonts));
        cx.push(Output::Cues(shown));
        self.laid_fonts = Arc::clone(fonts);
        self.laid = cues;
    }

    /// Tells which cues appear and which go, where playback is at that time.
    pub(crate) fn show(&mut self, cx: &mut Cx, at: Time) {
        // Of a frame that went out ahead of its time the cues are known already.
        self.lay(cx, at.max(self.laid_at));
        let active = self.active(at);
        let is_shown = |shown: &Shown, (track, cue): &(u32, Arc<Cue>)| {
            shown.track == *track && is_same(&shown.cue, cue)
        };
        self.shown.retain_mut(|shown| {
            let still = active.iter().find(|cue| is_shown(shown, cue));
            match still {
                Some((_, cue)) => shown.cue = Arc::clone(cue),
                None => hide(cx, shown),
            }
            still.is_some()
        });
        for cue in active {
            if self.shown.iter().any(|shown| is_shown(shown, &cue)) {
                continue;
            }
            let ((track, cue), id) = (cue, cx.next_cue());
            cx.event(Event::SubtitleShown {
                track,
                id,
                cue: Arc::clone(&cue),
            });
            self.shown.push(Shown { track, id, cue });
        }
    }

    /// When, on the media's timeline, something appears or goes after that time.
    pub(crate) fn next_change(&self, after: Time) -> Option<Time> {
        earliest(self.cues().map(|(_, cues)| cues.next_change(after)))
    }

    /// Nothing is shown for now.
    pub(crate) fn hide(&mut self, cx: &mut Cx) {
        self.lay_all(cx, Vec::new());
        self.fonts.close(cx);
        for shown in self.shown.drain(..) {
            hide(cx, &shown);
        }
    }

    /// Nothing is shown any more, and nothing asked for.
    pub(crate) fn close(&mut self, cx: &mut Cx) {
        self.hide(cx);
        for file in self.files.drain(..) {
            if let Contents::Coming(mut download) = file.contents {
                download.cancel(cx);
            }
        }
    }
}

/// A cue that stays until another one comes gets its end when that is read, which may be long before.
fn is_same(one: &Arc<Cue>, other: &Arc<Cue>) -> bool {
    Arc::ptr_eq(one, other) || one.is_same_but_for_its_end(other)
}

/// A cue that changes while it is shown, as it does so much later; what stands still is the same at any time.
fn delayed(cue: Arc<Cue>, delay: Time) -> Arc<Cue> {
    if delay == Time::ZERO || !(cue.is_animated() || cue.script.is_some()) {
        return cue;
    }
    let mut delayed = Arc::unwrap_or_clone(cue);
    delayed.start += delay;
    delayed.end += delay;
    Arc::new(delayed)
}

fn hide(cx: &mut Cx, shown: &Shown) {
    let Shown { track, id, .. } = *shown;
    cx.event(Event::SubtitleHidden { track, id });
}

impl File {
    fn take(&mut self, cx: &mut Cx, track: u32, downloaded: Downloaded) {
        match downloaded {
            Downloaded::Pending => {}
            Downloaded::Read(read) => self.read(cx, track, read),
            Downloaded::Failed(fault) => self.fail(cx, track, fault),
        }
    }

    fn read(&mut self, cx: &mut Cx, track: u32, read: NotedFile) {
        let delay = self.cues.delay();
        cx.event(Event::SubtitleAdded {
            track,
            format: read.format.0,
            charset: read.charset.0,
            cues: read.cues.len(),
            damaged: read.damaged,
        });
        self.contents = Contents::Read;
        self.cues = Cues::new(read.cues);
        self.cues.set_delay(delay);
    }

    fn fail(&mut self, cx: &mut Cx, track: u32, fault: Fault) {
        if std::mem::take(&mut self.on) {
            let text = format!("subtitles {track} can not be shown: {fault}");
            cx.info(InfoCode::SubtitleSelectError, text);
        }
        self.contents = Contents::Failed;
        cx.event(Event::SubtitleFailed { track, fault });
    }
}
