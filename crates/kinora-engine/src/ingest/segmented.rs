//! Presentations by segments: lanes that read renditions onto one timeline, switching between renditions, and what is
//! done when one fails. What names the segments is a manifest, which a front end reads (`ingest::hls`,
//! `ingest::dash`): it alone knows its text.

mod abandonment;
mod angles;
mod audio;
mod bursts;
mod clock;
mod decryption;
mod events;
mod failure;
pub(in crate::ingest) mod index;
mod input;
mod lane;
mod licences;
mod loader;
mod manifest;
mod places;
mod poll;
mod requests;
mod scan;
mod seek;
mod segment_reader;
mod session_facts;
mod sound_first;
mod steering;
mod switching;
mod text;
mod text_segment;
mod timeline;
mod variants;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_errors::{Fault, Secret, codes};
use kinora_fetch::{Initiator, Transfer};
use kinora_media::{MediaInfo, Now, Time};

use self::abandonment::SegmentStart;
use self::angles::Angles;
use self::audio::AudioRenditions;
use self::events::SeenEvents;
use self::index::{
    AlternativeRendition, LatencyGoal, Manifest, SegmentIndex, SteeringServer, TextRendition,
    Variant,
};
pub(in crate::ingest) use self::input::clock_of;
pub(crate) use self::lane::is_audio_rendition;
use self::lane::{Lane, LaneRole};
use self::licences::Licences;
use self::loader::{Loader, Rendition, StartPosition};
use self::requests::{LaneId, Requests, Resource};
use self::scan::Search;
use self::seek::SeekAim;
use self::segment_reader::Carries;
use self::session_facts::{ToldInterstitials, ToldRanges};
use self::steering::Steering;
use self::text::TextRenditions;
use self::timeline::TimestampOffsets;
use self::variants::Variants;
use super::Notice;
use super::manifest_reader::{ManifestReader, RenditionId};
use crate::TimingMark;
use crate::abr::ThroughputWindow;
use crate::cx::{Cx, Renditions};

/// Segments begin where the manifest says, give or take its rounding.
const ROUNDING: Time = Time::from_millis(50);

/// The manifest that the user named.
struct Root {
    /// Where it is asked for.
    asked: Secret,
    /// Who named it.
    named_by: Initiator,
    /// Where it came from.
    found: Secret,
    playlist: ManifestReader,
    /// What the server's time of day was ahead of ours when it answered last.
    clock: Option<Time>,
    /// Until when a clock is waited for that the manifest names.
    clock_due: Option<Time>,
    /// When clocks are asked again.
    clock_again: Option<Time>,
    /// When it is asked for again, and where, if elsewhere.
    refresh: Option<(Time, Option<Secret>)>,
}

impl Root {
    /// Who names the renditions in it.
    fn names(&self) -> Initiator {
        self.named_by.within(&self.asked, &self.found)
    }
}

/// Requests for the manifest that the user named are its.
const ROOT: LaneId = LaneId(0);

/// A presentation by segments.
pub(crate) struct Segmented {
    root: Root,
    requests: Requests,
    /// The id of the lane that was opened last.
    last_lane: LaneId,
    variants: Variants,
    audio: AudioRenditions,
    angles: Angles,
    text: TextRenditions,
    /// The lanes that are read, one a role.
    lanes: Vec<Lane>,
    /// Of another variant: it takes over when the segments under way are read.
    incoming: Option<Lane>,
    offsets: TimestampOffsets,
    throughput: ThroughputWindow,
    /// How long the last segment of the main lane took to come.
    pictures_took: Time,
    /// When the tracks of sound with segments of its own became known.
    sound_known: Option<Time>,
    /// Segments in the buffer, the newest behind.
    starts: VecDeque<SegmentStart>,
    /// A seek that has not found its segment yet.
    aim: Option<SeekAim>,
    /// Where lanes that are opened begin.
    start: StartPosition,
    seen_events: SeenEvents,
    licences: Licences,
    /// The tracks of all lanes, as they were reported last.
    reported: Option<Arc<MediaInfo>>,
    notices: VecDeque<Notice>,
    told: ToldRanges,
    told_interstitials: ToldInterstitials,
    /// Who says which pathway is played.
    steering: Option<Steering>,
    /// Renditions of key pictures alone.
    key_pictures: Vec<Variant>,
    /// Key pictures are looked for.
    search: Option<Search>,
}

impl Segmented {
    /// Takes over a transfer whose first bytes turned out to be a manifest.
    pub(crate) fn adopt(
        transfer: Transfer,
        data: &Bytes,
        (found, named_by): (Secret, Initiator),
        clock: Option<Time>,
    ) -> Self {
        let asked = transfer.url().clone();
        let mut requests = Requests::default();
        let text = BytesMut::from(data.as_ref());
        requests.adopt(ROOT, Resource::Playlist, transfer, text, Time::ZERO);
        Self {
            root: Root {
                asked,
                named_by,
                found,
                playlist: ManifestReader::default(),
                clock,
                clock_due: None,
                clock_again: None,
                refresh: None,
            },
            requests,
            last_lane: ROOT,
            variants: Variants::default(),
            audio: AudioRenditions::default(),
            angles: Angles::default(),
            text: TextRenditions::default(),
            lanes: Vec::new(),
            incoming: None,
            offsets: TimestampOffsets::default(),
            throughput: ThroughputWindow::default(),
            pictures_took: Time::ZERO,
            sound_known: None,
            starts: VecDeque::new(),
            aim: None,
            start: StartPosition::Default,
            seen_events: SeenEvents::default(),
            licences: Licences::default(),
            reported: None,
            notices: VecDeque::new(),
            told: ToldRanges::default(),
            told_interstitials: ToldInterstitials::default(),
            steering: None,
            key_pictures: Vec::new(),
            search: None,
        }
    }

    fn lane(&self, role: LaneRole) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.role == role)
    }

    fn loader(&mut self, role: LaneRole) -> Option<&mut Loader> {
        let mut lanes = self.lanes.iter_mut();
        let lane = lanes.find(|lane| lane.role == role);
        lane.map(|lane| &mut lane.loader)
    }

    /// Whether nothing more comes of a lane: it ended, or there is none.
    fn is_over(&self, role: LaneRole) -> bool {
        self.lane(role).is_none_or(|lane| lane.ended)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.lane(LaneRole::Main)
            .is_some_and(|it| it.loader.is_live())
    }

    pub(crate) fn hold_back(&self) -> Option<Time> {
        self.index()?.live_edge().map(|edge| edge.hold_back)
    }

    /// What its author wants of latency.
    pub(crate) fn latency_goal(&self) -> Option<LatencyGoal> {
        self.index()?.live_edge()?.latency
    }

    /// How long ago what lies at a time happened, where the manifest tells dates.
    pub(crate) fn latency_at(&self, now: Now, time: Time) -> Option<Time> {
        let index = self.index()?;
        let edge = index.live_edge()?;
        let date = index.date_of_time(time)?;
        let today = match edge.clock {
            Some(clock) => now.mono + clock,
            None => Time::from_millis(now.unix_ms),
        };
        Some(today - Time::from_millis(date))
    }

    pub(crate) fn is_low_latency(&self) -> bool {
        let index = self.index();
        index.is_some_and(|index| index.is_live() && index.part_duration().is_some())
    }

    /// Bytes of segments that wait for their demuxers.
    pub(crate) fn held_bytes(&self) -> usize {
        self.lanes.iter().map(|lane| lane.loader.held_bytes()).sum()
    }

    /// The segments of the variant that plays.
    fn index(&self) -> Option<&SegmentIndex> {
        self.lane(LaneRole::Main)?.loader.index.as_ref()
    }

    pub(crate) fn first_time(&self) -> Time {
        let first = self.index().and_then(|index| index.segments.first());
        first.map_or(Time::ZERO, |segment| segment.start)
    }

    /// The manifest that the user named is here, for the first time or after a renewal.
    fn opened(&mut self, cx: &mut Cx, text: &[u8]) {
        cx.mark(TimingMark::Playlist);
        let root = &mut self.root;
        let read = root.playlist.read(cx, text, &root.found, root.clock);
        self.described(cx, read);
    }

    /// What it says is known.
    fn described(&mut self, cx: &mut Cx, read: Result<Manifest, Fault>) {
        let read = match read {
            Ok(manifest) => match self.held_for_steering(cx, manifest) {
                Some(manifest) => Ok(manifest),
                None => return,
            },
            Err(fault) => Err(fault),
        };
        match read {
            Ok(Manifest::Media { .. }) if matches!(cx.renditions, Renditions::KeyPictures) => {
                let fault = no_key_pictures().at_url(self.root.found.expose());
                self.notices.push_back(Notice::Failed(fault));
            }
            Ok(Manifest::Media { index, .. }) => self.open_single(cx, index),
            Ok(Manifest::Multivariant {
                variants,
                audio,
                text,
                captions,
                named,
                session,
                angles,
                key_pictures,
            }) => {
                let (variants, audio) = match cx.renditions {
                    Renditions::KeyPictures => (key_pictures.clone(), Vec::new()),
                    _ => (variants, audio),
                };
                self.key_pictures = key_pictures;
                if variants.is_empty() {
                    let fault = no_key_pictures().at_url(self.root.found.expose());
                    return self.notices.push_back(Notice::Failed(fault));
                }
                self.root.clock_due = None;
                self.refresh_later(cx, named);
                let steering = session.steering.clone();
                self.take_session(cx, session);
                match self.variants.is_empty() {
                    true => {
                        self.angles = Angles::new(angles, cx.config.video_angle.clone());
                        self.text = TextRenditions::new(text, captions);
                        self.open_variants(cx, variants, audio, steering.as_ref());
                        self.begin_steering(cx, steering);
                    }
                    false => {
                        self.angles.renew(angles);
                        self.moved(cx, variants, audio, text);
                    }
                }
            }
            Ok(Manifest::Partial) => self.ask_clock(cx),
            Ok(Manifest::Unfit) => {
                let what = "the server leaves out segments though the whole playlist was asked for";
                let fault = super::hls::malformed(what, &self.root.found);
                self.notices.push_back(Notice::Failed(fault));
            }
            // What is known plays on; the next version may be right again.
            Err(fault) if self.follows_manifest() => {
                cx.recovered(fault);
                self.refresh_failed(cx);
            }
            Err(fault) => self.notices.push_back(Notice::Failed(fault)),
        }
    }

    /// It names the segments itself.
    fn open_single(&mut self, cx: &mut Cx, index: SegmentIndex) {
        let rendition = Rendition {
            url: self.root.asked.clone(),
            named_by: self.root.named_by.clone(),
            playlist: std::mem::take(&mut self.root.playlist),
            reference: None,
            carries: Carries::Media,
        };
        let mut loader = Loader::new(self.next_lane(), rendition, self.start);
        let found = self.root.found.clone();
        loader.open_with(cx, &mut self.requests, index, found);
        self.lanes = vec![Lane::new(LaneRole::Main, 0, loader)];
    }

    /// It names variants.
    fn open_variants(
        &mut self,
        cx: &mut Cx,
        variants: Vec<Variant>,
        audio: Vec<AlternativeRendition>,
        steering: Option<&SteeringServer>,
    ) {
        let (variants, audio) = self.wanted(cx, variants, audio);
        self.variants = Variants::new(cx, variants);
        let pathway = steering.map(|server| server.pathway.clone());
        self.variants.pathway = pathway.filter(|id| self.variants.has_pathway(id));
        self.audio = AudioRenditions::new(audio);
        if let Err(fault) = self.choose_first(cx) {
            return self.notices.push_back(Notice::Failed(fault));
        }
        let main = self.open_variant(cx, self.variants.current, self.start);
        self.lanes = main.into_iter().collect();
        self.follow_audio_group(cx, self.start);
        if let Err(fault) = self.choose_audio(cx) {
            self.notices.push_back(Notice::Failed(fault));
        }
        self.choose_text(cx);
    }

    /// The renditions that are read: where no pictures are wanted, those of sound alone.
    fn wanted(
        &self,
        cx: &Cx,
        variants: Vec<Variant>,
        audio: Vec<AlternativeRendition>,
    ) -> (Vec<Variant>, Vec<AlternativeRendition>) {
        // A manifest that names segments as well has left out the others itself.
        match cx.config.disable_video && !self.root.playlist.places_exactly() {
            true => audio::alone(variants, audio),
            false => (variants, audio),
        }
    }

    fn next_lane(&mut self) -> LaneId {
        self.last_lane.0 += 1;
        self.last_lane
    }

    /// A rendition that the manifest names, beside the one that plays.
    fn rendition(&self, id: RenditionId, url: Secret) -> Rendition {
        let main = self.lane(LaneRole::Main).map(|lane| &lane.loader);
        // One that is placed exactly needs no other to go by.
        let main = main.filter(|_| !self.root.playlist.places_exactly());
        Rendition {
            url,
            named_by: self.root.names(),
            playlist: match main {
                Some(main) => main.playlist_alongside(id),
                None => self.root.playlist.rendition(id),
            },
            reference: main.and_then(Loader::reference),
            carries: Carries::Media,
        }
    }

    /// A lane for a variant, which asks for its segments from now on.
    fn open_variant(&mut self, cx: &mut Cx, index: usize, start: StartPosition) -> Option<Lane> {
        let url = self.angles.url(self.variants.get(index)?);
        let rendition = self.rendition(RenditionId::Variant(index), url);
        let mut loader = Loader::new(self.next_lane(), rendition, start);
        loader.read_one_at_a_time(matches!(cx.renditions, Renditions::KeyPictures));
        loader.open(cx, &mut self.requests);
        Some(Lane::new(LaneRole::Main, index, loader))
    }

    /// The audio of the variant that plays, where that has segments of its own.
    fn follow_audio_group(&mut self, cx: &mut Cx, start: StartPosition) {
        let variant = self.variants.get(self.variants.current);
        let group = variant.and_then(|variant| variant.audio_group.clone());
        let language = cx.config.audio_language.clone();
        if self.audio.follow(group.as_deref(), language.as_deref()) {
            self.open_audio(cx, start);
        }
    }

    /// Reads the audio rendition that is current, if it has segments of its own.
    fn open_audio(&mut self, cx: &mut Cx, start: StartPosition) {
        self.close_lane(cx, LaneRole::Audio);
        let source = self.audio.source().filter(|_| !cx.config.disable_audio);
        let Some((at, url)) = source else { return };
        let rendition = self.rendition(RenditionId::Audio(at), url);
        let mut loader = Loader::new(self.next_lane(), rendition, start);
        loader.open(cx, &mut self.requests);
        self.lanes.push(Lane::new(LaneRole::Audio, at, loader));
    }

    fn close_lane(&mut self, cx: &mut Cx, role: LaneRole) {
        if let Some(loader) = self.loader(role) {
            let id = loader.id();
            self.requests.cancel(cx, id, |_| true);
            self.lanes.retain(|lane| lane.role != role);
        }
    }

    /// The manifest names the same renditions at other URLs.
    fn moved(
        &mut self,
        cx: &mut Cx,
        variants: Vec<Variant>,
        audio: Vec<AlternativeRendition>,
        text: Vec<TextRendition>,
    ) {
        let (variants, audio) = self.wanted(cx, variants, audio);
        self.variants.renew(variants);
        self.audio.renew(audio);
        self.renew_text(cx, text);
        if self.root.playlist.places_exactly() {
            for lane in self.lanes.iter_mut().chain(&mut self.incoming) {
                let loader = &mut lane.loader;
                loader.manifest_changed(cx, &mut self.requests, &self.root.playlist);
            }
            return;
        }
        let audio = self.audio.source().map(|(_, url)| url);
        for lane in self.lanes.iter_mut().chain(&mut self.incoming) {
            let url = match lane.role {
                LaneRole::Main => self
                    .variants
                    .get(lane.rendition)
                    .map(|it| self.angles.url(it)),
                LaneRole::Audio => audio.clone(),
            };
            if let Some(url) = url {
                let named_by = self.root.names();
                lane.loader.renew(cx, &mut self.requests, &url, named_by);
            }
        }
    }
}

fn no_key_pictures() -> Fault {
    Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "thumbnail.none")
        .because("the playlist names no rendition of key pictures")
}
