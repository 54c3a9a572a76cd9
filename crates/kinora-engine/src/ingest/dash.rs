//! The DASH front end (ISO/IEC 23009-1): from an MPD to what `segmented` plays. One manifest names all renditions and their
//! segments; the segment index of a file (`sidx`) is asked for beside it. The rules are `kinora_manifest`'s.

mod clock;
mod events;
mod index;
mod places;
mod renditions;
mod steering;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_container::mp4::sidx::{self, Reference};
use kinora_errors::{Coded, Fault, Secret};
use kinora_manifest::dash::{Clock, Document, Limits, LiveState, Mpd, Update};
use kinora_media::{ByteRange, Time};

use self::clock::ServerClock;
use self::index::Numbering;
use self::places::Places;
use self::renditions::{
    Rendition, audio_renditions, caption_renditions, main_renditions, text_renditions,
};
use super::base::{Base, malformed};
use super::manifest_reader::{IndexSource, RenditionId};
use super::segmented::index::{Change, Manifest, ManifestRefresh, SegmentsNamed, SessionFacts};
use crate::cx::Cx;

/// What is known of a presentation.
#[derive(Debug)]
struct Presentation {
    document: Document,
    state: LiveState,
    base: Base,
    /// Where its newest version came from.
    found: Secret,
    /// How often the packager began anew.
    restarts: u32,
    variants: Vec<Rendition>,
    audio: Vec<Rendition>,
    text: Vec<Rendition>,
}

impl Presentation {
    fn mpd(&self) -> &Mpd {
        self.state.mpd()
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
    clock: ServerClock,
    /// Clocks that were not asked yet, the best first.
    clocks: VecDeque<Clock>,
    places: Places,
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
        self.guess_clock(cx, &mpd, clock, before.is_none());
        if before.is_none() {
            self.places = Places::drawn(cx.lot());
            let steering = mpd.steering.as_ref();
            let begin = steering.map(|it| it.default_service_locations.clone());
            self.places.prefer(begin.unwrap_or_default());
        }
        let found = url.clone();
        let sound_alone = cx.config.disable_video;
        let presentation = match before {
            Some(before) => update(&before, document, mpd, base, found),
            None => Presentation {
                variants: main_renditions(&mpd, sound_alone),
                audio: match sound_alone {
                    true => Vec::new(),
                    false => audio_renditions(&mpd, &|it| cx.capabilities.can_decode(it)),
                },
                text: text_renditions(&mpd),
                state: LiveState::new(mpd),
                document,
                base,
                found,
                restarts: 0,
            },
        };
        if presentation.variants.is_empty() {
            return Err(malformed("the manifest names no video or audio", url));
        }
        self.presentation = Some(Arc::new(presentation));
        Ok(self.describe())
    }

    /// The renditions, and when the manifest is asked for again; in part, while a clock is to be asked.
    fn describe(&self) -> Manifest {
        let Some(known) = self
            .presentation
            .as_ref()
            .filter(|_| self.clocks.is_empty())
        else {
            return Manifest::Partial;
        };
        let (mpd, url) = (known.mpd(), &known.found);
        let text = known.text.iter();
        let captions = caption_renditions(mpd);
        let location = self.places.location(&mpd.locations);
        let patch = mpd.patch_locations.first();
        let next = patch.map(|it| &it.url).or(location.map(|it| &it.url));
        let variants = known.variants.iter();
        let audio = known.audio.iter();
        Manifest::Multivariant {
            variants: variants
                .map(|it| it.variant(url, &known.audio, !captions.is_empty()))
                .collect(),
            audio: audio.map(|it| it.audio_rendition(url)).collect(),
            text: text.map(|it| it.text_rendition(url)).collect(),
            captions,
            session: SessionFacts {
                steering: steering::server(mpd, &known.base),
                ..SessionFacts::default()
            },
            angles: Vec::new(),
            key_pictures: Vec::new(),
            named: SegmentsNamed::Here {
                refresh: mpd.update_delay().map(|after| ManifestRefresh {
                    after,
                    url: next.and_then(|url| known.base.allow(url).ok()),
                }),
                ignored: mpd.ignored.iter().map(ToString::to_string).collect(),
                events: events::of(mpd),
            },
        }
    }

    /// The reader of one rendition.
    pub(super) fn rendition(&self, id: RenditionId) -> Self {
        let known = self.presentation.as_ref();
        let rendition = known.and_then(|known| match id {
            RenditionId::Variant(at) => known.variants.get(at),
            RenditionId::Audio(at) => known.audio.get(at),
            RenditionId::Text(at) => known.text.get(at),
        });
        Self {
            presentation: self.presentation.clone(),
            rendition: rendition.cloned(),
            restarts: known.map_or(0, |known| known.restarts),
            clock: self.clock,
            places: self.places.clone(),
            numbering: Numbering::new(known.is_some_and(|it| it.mpd().is_dynamic())),
            ..Self::default()
        }
    }

    /// Goes on with what another reader knows.
    pub(super) fn follow(&mut self, other: &Self) {
        self.presentation.clone_from(&other.presentation);
        self.places.clone_from(&other.places);
        self.clock = other.clock;
    }

    /// The segments of its rendition, or the bytes that must be here first.
    pub(super) fn source(&mut self, cx: &Cx) -> Result<IndexSource, Fault> {
        let known = self.presentation.clone();
        let Some((known, rendition)) = known.zip(self.rendition.clone()) else {
            let nowhere = Secret::new("");
            return Err(malformed("the manifest names no such rendition", &nowhere));
        };
        if let Some(((url, range), elsewhere)) =
            self.missing_index(&known, &rendition, cx.mono())?
        {
            self.awaited = Some((url.clone(), range));
            return Ok(IndexSource::Bytes {
                url,
                range,
                elsewhere,
            });
        }
        let restarted = known.restarts != self.restarts;
        if restarted {
            self.restarts = known.restarts;
            self.numbering = Numbering::new(known.mpd().is_dynamic());
        }
        let (index, change) = self.index(&known, &rendition, cx)?;
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
    found: Secret,
) -> Presentation {
    let mut state = before.state.clone();
    let restarted = state.update(mpd) == Update::Restarted;
    Presentation {
        document,
        state,
        base,
        found,
        restarts: before.restarts + u32::from(restarted),
        variants: before.variants.clone(),
        audio: before.audio.clone(),
        text: before.text.clone(),
    }
}
