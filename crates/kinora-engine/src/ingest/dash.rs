//! The DASH front end (ISO/IEC 23009-1): from an MPD to what `segmented` plays. One manifest names all renditions and their
//! segments; the segment index of a file (`sidx`) is asked for beside it. The rules are `kinora_manifest`'s.

mod index;
mod renditions;

use std::sync::Arc;

use bytes::Bytes;
use kinora_container::mp4::sidx::{self, Reference};
use kinora_errors::{Coded, Fault, Secret};
use kinora_manifest::dash::{Document, Limits, LiveState, Mpd, Update};
use kinora_media::{ByteRange, Time};

use self::index::Numbering;
use self::renditions::{Rendition, audio_renditions, main_renditions};
use super::base::{Base, malformed};
use super::manifest_reader::{IndexSource, RenditionId};
use super::segmented::index::{Change, Manifest, ManifestRefresh, SegmentsNamed};
use crate::cx::Cx;

/// A clock that is set wrong by less is believed, where the manifest names no other.
const CLOCK_TOLERANCE: Time = Time::from_millis(60_000);

/// What is known of a presentation.
#[derive(Debug)]
struct Presentation {
    document: Document,
    state: LiveState,
    base: Base,
    /// What the server's time of day is ahead of ours.
    clock: Time,
    /// How often the packager began anew.
    restarts: u32,
    variants: Vec<Rendition>,
    audio: Vec<Rendition>,
}

impl Presentation {
    fn mpd(&self) -> &Mpd {
        self.state.mpd()
    }

    /// The time of day by the server's clock.
    fn now(&self, cx: &Cx) -> Time {
        Time::from_millis(cx.now.unix_ms) + self.clock
    }
}

/// A manifest, read once or again and again; or one of its renditions.
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct MpdReader {
    /// None while a recording is replayed: what it meant is on the tape.
    presentation: Option<Arc<Presentation>>,
    rendition: Option<Rendition>,
    /// Segment indexes that are here, by where they are.
    indexes: Vec<(Place, Arc<[Reference]>)>,
    /// The one that is asked for.
    awaited: Option<Place>,
    numbering: Numbering,
    restarts: u32,
}

/// Where bytes are.
type Place = (Secret, ByteRange);

impl MpdReader {
    /// Reads the manifest, or the segment index that was asked for.
    pub(super) fn read(
        &mut self,
        cx: &Cx,
        text: &[u8],
        url: &Secret,
        clock: Option<Time>,
    ) -> Result<Manifest, Fault> {
        match self.awaited.take() {
            Some(place) => self.read_index(text, place),
            None => self.read_mpd(cx, text, url, clock),
        }
    }

    fn read_index(&mut self, data: &[u8], place: Place) -> Result<Manifest, Fault> {
        let references = sidx::parse(&Bytes::copy_from_slice(data), place.1.start);
        let references = references.map_err(|error| error.fault().at_url(place.0.expose()))?;
        self.indexes.push((place, references.into()));
        Ok(Manifest::Partial)
    }

    fn read_mpd(
        &mut self,
        cx: &Cx,
        text: &[u8],
        url: &Secret,
        clock: Option<Time>,
    ) -> Result<Manifest, Fault> {
        let located = |error: kinora_manifest::dash::DashError| error.fault().at_url(url.expose());
        let before = self.presentation.clone();
        let mut document = Document::parse(text, &Limits::default()).map_err(located)?;
        let mut base = Base::new(url.expose());
        if let Some(before) = before.as_ref().filter(|_| document.is_patch()) {
            document = before.document.patched(&document).map_err(located)?;
            base = Some(before.base.clone());
        }
        let base = base.ok_or_else(|| malformed("its own URL can not be read", url))?;
        let mpd = document.mpd(base.url()).map_err(located)?;
        let clock = server_clock(&mpd, clock, cx);
        let sound_alone = cx.config.disable_video;
        let presentation = match before {
            Some(before) => update(&before, document, mpd, base, clock),
            None => Presentation {
                variants: main_renditions(&mpd, sound_alone),
                audio: match sound_alone {
                    true => Vec::new(),
                    false => audio_renditions(&mpd, &|it| cx.capabilities.can_decode(it)),
                },
                state: LiveState::new(mpd),
                document,
                base,
                clock,
                restarts: 0,
            },
        };
        if presentation.variants.is_empty() {
            return Err(malformed("the manifest names no video or audio", url));
        }
        let described = self.describe(&presentation, url);
        self.presentation = Some(Arc::new(presentation));
        Ok(described)
    }

    /// The renditions, and when the manifest is asked for again.
    fn describe(&self, presentation: &Presentation, url: &Secret) -> Manifest {
        let mpd = presentation.mpd();
        let has_audio = !presentation.audio.is_empty();
        let variants = presentation.variants.iter();
        let audio = presentation.audio.iter();
        let location = mpd.locations.first();
        let patch = mpd.patch_locations.first();
        let next = patch.map(|it| &it.url).or(location.map(|it| &it.url));
        Manifest::Multivariant {
            variants: variants.map(|it| it.variant(url, has_audio)).collect(),
            audio: audio.map(|it| it.audio_rendition(url)).collect(),
            named: SegmentsNamed::Here {
                refresh: mpd.update_delay().map(|after| ManifestRefresh {
                    after,
                    url: next.and_then(|url| presentation.base.allow(url).ok()),
                }),
                ignored: mpd.ignored.iter().map(ToString::to_string).collect(),
            },
        }
    }

    /// The reader of one rendition.
    pub(super) fn rendition(&self, id: RenditionId) -> Self {
        let known = self.presentation.as_ref();
        let rendition = known.and_then(|known| match id {
            RenditionId::Variant(at) => known.variants.get(at),
            RenditionId::Audio(at) => known.audio.get(at),
        });
        Self {
            presentation: self.presentation.clone(),
            rendition: rendition.cloned(),
            restarts: known.map_or(0, |known| known.restarts),
            numbering: Numbering::new(known.is_some_and(|it| it.mpd().is_dynamic())),
            ..Self::default()
        }
    }

    /// Goes on with what another reader knows.
    pub(super) fn follow(&mut self, other: &Self) {
        self.presentation.clone_from(&other.presentation);
    }

    /// The segments of its rendition, or the bytes that must be here first.
    pub(super) fn source(&mut self, cx: &Cx) -> Result<IndexSource, Fault> {
        let known = self.presentation.clone();
        let Some((known, rendition)) = known.zip(self.rendition.clone()) else {
            let nowhere = Secret::new("");
            return Err(malformed("the manifest names no such rendition", &nowhere));
        };
        if let Some((url, range)) = self.missing_index(&known, &rendition)? {
            self.awaited = Some((url.clone(), range));
            return Ok(IndexSource::Bytes { url, range });
        }
        let restarted = known.restarts != self.restarts;
        if restarted {
            self.restarts = known.restarts;
            self.numbering = Numbering::new(known.mpd().is_dynamic());
        }
        let (index, change) = self.index(&known, &rendition, known.now(cx))?;
        let change = match restarted {
            true => Change::Restarted,
            false => change,
        };
        Ok(IndexSource::Known(Box::new(Manifest::Media {
            index,
            change,
        })))
    }
}

/// What is known, with a newer version of the manifest.
fn update(
    before: &Presentation,
    document: Document,
    mpd: Mpd,
    base: Base,
    clock: Time,
) -> Presentation {
    let mut state = before.state.clone();
    let restarted = state.update(mpd) == Update::Restarted;
    Presentation {
        document,
        state,
        base,
        clock,
        restarts: before.restarts + u32::from(restarted),
        variants: before.variants.clone(),
        audio: before.audio.clone(),
    }
}

/// What the server's time of day is ahead of ours: by the manifest's word, or by the date of the answer that brought it. A
/// clock that the manifest names is that of its server, give or take the second that a date is rounded to; without one,
/// ours is believed unless it can not be right.
fn server_clock(mpd: &Mpd, date: Option<Time>, cx: &Cx) -> Time {
    use kinora_manifest::dash::Clock;
    let own = Time::from_millis(cx.now.unix_ms);
    let clocks = mpd.clocks();
    let said = clocks.iter().find_map(|clock| match clock {
        Clock::Said(time) => Some(*time - own),
        Clock::Body(_) | Clock::Head(_) => None,
    });
    let date = date.filter(|ahead| !clocks.is_empty() || ahead.abs() > CLOCK_TOLERANCE);
    said.or(date).unwrap_or(Time::ZERO)
}
