//! Renditions of text (RFC 8216 4.3.4.1, ISO/IEC 23009-1): one is read beside the pictures, and behind them. Nothing waits for
//! it: what is missing or late is reported and passed over.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_errors::{Coded, Fault, codes};
use kinora_manifest::select::{self, TextCandidate, TextPreference};
use kinora_media::{MediaInfo, Packet, Time, TrackKind};
use kinora_subtitle::{TrackDecoder, Update};

use super::Segmented;
use super::index::{CaptionGroup, CaptionRendition, Segment, TextRendition};
use super::lane::LaneRole;
use super::loader::{Failure, Loader, LoaderEvent, StartPosition};
use super::requests::{LaneId, Requests};
use super::segment_reader::Carries;
use crate::TrackOption;
use crate::cx::{Cx, Renditions};
use crate::decrypt::{decrypted, key_missing};
use crate::ingest::Notice;
use crate::ingest::manifest_reader::RenditionId;
use crate::recover::segments::{Decision, decide_text};
use crate::subtitles::Announced;
use crate::tape::NotedUpdates;

/// The renditions of text beside the variants.
#[derive(Default)]
pub(super) struct TextRenditions {
    list: Vec<TextRendition>,
    captions: Vec<CaptionRendition>,
    /// The group that the variant names.
    group: Option<String>,
    /// The one that is shown, among all.
    current: Option<usize>,
    lane: Option<TextLane>,
    /// When the first packet of the pictures is shown that came since the last seek.
    begun: Option<Time>,
    /// What the session must know. A seek does not make it void.
    notices: VecDeque<Notice>,
}

/// The rendition that is read.
struct TextLane {
    loader: Loader,
    /// Of packets; documents come as cues.
    decoder: Option<TrackDecoder>,
    /// It is read from there on.
    from: Time,
    ended: bool,
}

impl TextRenditions {
    pub(super) fn new(list: Vec<TextRendition>, captions: Vec<CaptionRendition>) -> Self {
        Self {
            list,
            captions,
            ..Self::default()
        }
    }

    fn group(&self) -> impl Iterator<Item = (usize, &TextRendition)> {
        let of_group = |(_, rendition): &(usize, &TextRendition)| {
            self.group.as_ref() == Some(&rendition.group)
        };
        self.list.iter().enumerate().filter(of_group)
    }

    fn playing(&self) -> Option<&TextRendition> {
        self.list.get(self.current?)
    }

    /// Which of its group is current.
    fn place(&self) -> Option<usize> {
        self.group().position(|(at, _)| self.current == Some(at))
    }

    /// A variant plays, which names a group: what was shown goes on in that group, if it is there.
    fn follow(&mut self, group: Option<&str>) {
        if self.group.as_deref() == group {
            return;
        }
        let before = self.playing().cloned();
        self.group = group.map(str::to_owned);
        let like = before.and_then(|before| self.group().find(|(_, it)| it.is_like(&before)));
        self.current = like.map(|(at, _)| at);
    }

    /// The one of the group that is to be shown where nobody chose any.
    fn preferred(&self, preference: TextPreference<'_>) -> Option<usize> {
        let (places, candidates): (Vec<usize>, Vec<TextCandidate<'_>>) =
            self.group().map(|(at, it)| (at, it.candidate())).unzip();
        let chosen = select::text(&candidates, preference);
        chosen.and_then(|chosen| places.get(chosen).copied())
    }

    fn is_forced(&self, at: usize) -> bool {
        self.list.get(at).is_some_and(|it| it.forced)
    }

    /// What can be chosen, counted from `first` on.
    /// How many renditions a group has at most.
    pub(super) fn most(&self) -> usize {
        let size = |of: &TextRendition| self.list.iter().filter(|it| it.group == of.group).count();
        self.list.iter().map(size).max().unwrap_or(0)
    }

    pub(super) fn options(&self, first: usize) -> Vec<TrackOption> {
        let option = |(place, (at, rendition)): (usize, (usize, &TextRendition))| TrackOption {
            index: u32::try_from(first + place).unwrap_or(u32::MAX),
            kind: TrackKind::Subtitle,
            label: rendition.label(),
            size: None,
            bitrate: None,
            selected: self.current == Some(at),
        };
        self.group().enumerate().map(option).collect()
    }

    /// The loader of the lane of that id.
    pub(super) fn loader(&mut self, id: LaneId) -> Option<&mut Loader> {
        self.reading().filter(|loader| loader.id() == id)
    }

    /// What reads the text that is chosen.
    pub(super) fn reading(&mut self) -> Option<&mut Loader> {
        self.lane.as_mut().map(|lane| &mut lane.loader)
    }

    pub(super) fn on_time(&mut self, cx: &mut Cx, requests: &mut Requests) {
        if let Some(lane) = &mut self.lane {
            lane.loader.on_time(cx, requests);
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.lane.as_ref()?.loader.deadline()
    }

    fn close(&mut self, cx: &mut Cx, requests: &mut Requests) {
        if let Some(lane) = self.lane.take() {
            requests.cancel(cx, lane.loader.id(), |_| true);
        }
    }
}

impl Segmented {
    /// The index of the first rendition of text: behind those of sound, whichever group of them plays.
    pub(super) fn first_text(&self) -> usize {
        self.variants.len() + self.audio.most()
    }

    /// The place in its group of the text rendition of that index.
    pub(crate) fn text_place(&self, index: u32) -> Option<usize> {
        let place = usize::try_from(index)
            .ok()?
            .checked_sub(self.first_text())?;
        (place < self.text.group().count()).then_some(place)
    }

    fn text_index(&self) -> Option<u32> {
        u32::try_from(self.first_text() + self.text.place()?).ok()
    }

    fn text_group(&self) -> Option<String> {
        let variant = self.variants.get(self.variants.current)?;
        variant.text_group.clone()
    }

    /// What the variant that plays says of captions within its pictures.
    pub(crate) fn captions(&self) -> Announced {
        let variant = self.variants.get(self.variants.current);
        match variant.map(|variant| &variant.captions) {
            None | Some(CaptionGroup::Untold) => Announced::Untold,
            Some(CaptionGroup::None) => Announced::None,
            Some(CaptionGroup::Named(group)) => {
                let of_group = self.text.captions.iter().filter(|it| it.group == *group);
                Announced::Services(of_group.filter_map(CaptionRendition::known).collect())
            }
        }
    }

    /// The text that is shown where nobody chose any. Who reads packets wants those of pictures and sound.
    pub(super) fn choose_text(&mut self, cx: &Cx) {
        let group = self.text_group();
        self.text.follow(group.as_deref());
        if cx.config.disable_subtitles || matches!(cx.renditions, Renditions::Fixed(_)) {
            return;
        }
        self.text.current = self.preferred_text(cx);
        if self.text.current.is_some() {
            self.note_text();
        }
    }

    fn preferred_text(&self, cx: &Cx) -> Option<usize> {
        self.text.preferred(TextPreference {
            language: cx.config.subtitle_language.as_deref(),
            audio: self.audio.language(),
        })
    }

    /// Another language is heard: what is shown of foreign speech goes with it, unless other text is shown.
    pub(super) fn follow_sound(&mut self, cx: &mut Cx) {
        let before = self.text.current;
        let is_forced = |at: &usize| self.text.is_forced(*at);
        if cx.config.disable_subtitles || before.is_some_and(|at| !is_forced(&at)) {
            return;
        }
        let forced = self.preferred_text(cx).filter(is_forced);
        if forced != before {
            self.text.current = forced;
            self.text.close(cx, &mut self.requests);
            self.note_text();
        }
    }

    /// Another variant plays.
    pub(super) fn follow_text_group(&mut self, cx: &mut Cx) {
        let before = self.text.current;
        let group = self.text_group();
        self.text.follow(group.as_deref());
        if self.text.current != before {
            self.text.close(cx, &mut self.requests);
            self.note_text();
        }
    }

    fn note_text(&mut self) {
        let index = self.text_index();
        self.text.notices.push_back(Notice::Text(index));
    }

    pub(super) fn text_notice(&mut self) -> Option<Notice> {
        self.text.notices.pop_front()
    }

    pub(crate) fn select_text(&mut self, cx: &mut Cx, index: Option<u32>) {
        let place = index.and_then(|index| self.text_place(index));
        let at = place.and_then(|place| self.text.group().nth(place));
        self.text.current = at.map(|(at, _)| at);
        self.text.close(cx, &mut self.requests);
        self.note_text();
    }

    pub(super) fn seek_text(&mut self, cx: &mut Cx, target: Time) {
        self.text.begun = None;
        if let Some(lane) = &mut self.text.lane {
            (lane.ended, lane.from) = (false, target);
            lane.loader.seek(cx, &mut self.requests, target);
        }
    }

    /// Pictures that are there are shown again from a time on: text that was not read is.
    pub(crate) fn rewind_text(&mut self, cx: &mut Cx, target: Time) {
        if let Some(lane) = self.text.lane.as_mut().filter(|lane| target < lane.from) {
            (lane.ended, lane.from) = (false, target);
            lane.loader.seek(cx, &mut self.requests, target);
        }
    }

    /// A packet of the pictures goes to the buffer.
    pub(super) fn note_begun(&mut self, packet: &Packet) {
        self.text.begun.get_or_insert(packet.pts);
    }

    /// The manifest names the same renditions at other URLs.
    pub(super) fn renew_text(&mut self, cx: &mut Cx, list: Vec<TextRendition>) {
        if list.len() == self.text.list.len() {
            self.text.list = list;
        }
        let named_by = self.root.names();
        let url = self.text.playing().map(|playing| playing.url.clone());
        let (Some(lane), Some(url)) = (&mut self.text.lane, url) else {
            return;
        };
        match self.root.playlist.places_exactly() {
            true => lane
                .loader
                .manifest_changed(cx, &mut self.requests, &self.root.playlist),
            false => lane.loader.renew(cx, &mut self.requests, &url, named_by),
        }
    }

    /// Up to where the clock of the pictures is known.
    fn pictures_until(&self) -> Option<Time> {
        let main = self.lane(LaneRole::Main)?;
        let known = main.loader.given_until();
        match main.ended {
            true => known.map(|_| Time::MAX),
            false => known,
        }
    }

    /// Begins to read the text that is current, where playback is.
    fn open_text(&mut self, cx: &mut Cx, position: Time) {
        let url = self.text.playing().map(|playing| playing.url.clone());
        let (Some(at), Some(url), Some(begun)) = (self.text.current, url, self.text.begun) else {
            return;
        };
        if self.text.lane.is_some() {
            return;
        }
        let mut rendition = self.rendition(RenditionId::Text(at), url);
        rendition.carries = Carries::Text;
        let from = position.max(begun);
        let mut loader = Loader::new(self.next_lane(), rendition, StartPosition::At(from));
        loader.open(cx, &mut self.requests);
        self.text.lane = Some(TextLane {
            loader,
            decoder: None,
            from,
            ended: false,
        });
    }

    /// Takes one thing from the lane of text. `false`: it has none, or nothing that is needed yet.
    pub(super) fn poll_text(&mut self, cx: &mut Cx, position: Time, max_ahead: Time) -> bool {
        let Some(until) = self.pictures_until() else {
            return false;
        };
        self.open_text(cx, position);
        let Some(lane) = self.text.lane.as_mut().filter(|lane| !lane.ended) else {
            return false;
        };
        let until = until.min(position + max_ahead);
        let at_hand = lane.loader.at_hand();
        if at_hand.is_some_and(|segment| segment.start >= until) {
            return false;
        }
        match lane.loader.poll(cx, &mut self.requests, &mut self.offsets) {
            Some(event) => self.take_text(cx, event, position),
            None => return self.skip_late_text(cx, position),
        }
        true
    }

    fn take_text(&mut self, cx: &mut Cx, event: LoaderEvent, position: Time) {
        let Some(lane) = &mut self.text.lane else {
            return;
        };
        let updates = match event {
            LoaderEvent::Cues(cues) => cues.into_iter().map(Update::Add).collect(),
            LoaderEvent::Packet(packet) => match decrypted(&cx.keys, packet) {
                Packet {
                    crypto: Some(crypto),
                    ..
                } => return self.lose_text(cx, key_missing(crypto.key_id)),
                clear => lane.decode(cx, &clear),
            },
            LoaderEvent::Info(info) => match decoder(&info) {
                Ok(decoder) => {
                    lane.decoder = Some(decoder);
                    return;
                }
                Err(fault) => return self.lose_text(cx, fault),
            },
            LoaderEvent::Ended => {
                lane.ended = true;
                return;
            }
            LoaderEvent::Failed(failure) => return self.text_failed(cx, failure),
            LoaderEvent::Parked(fault) => return self.text_parked(cx, fault, position),
            // The pictures ask for a fresh address, or what is asked for is late some time; the sizes of texts say nothing of
            // the network.
            LoaderEvent::Expired(_)
            | LoaderEvent::Downloaded(_)
            | LoaderEvent::Events(..)
            | LoaderEvent::ClockIsFast(_) => return,
        };
        if !updates.is_empty() {
            self.text.notices.push_back(Notice::Cues(updates));
        }
    }

    fn text_failed(&mut self, cx: &mut Cx, failure: Failure) {
        let Some(lane) = &mut self.text.lane else {
            return;
        };
        let loader = &mut lane.loader;
        match decide_text(&failure.fault, failure.failed, loader.is_live()) {
            Decision::Gap | Decision::NotYet => {
                loader.pass_over(cx, failure.number);
                cx.recovered(passed_over(failure.fault));
            }
            Decision::ReloadLater => loader.reload_later(cx),
            Decision::SwitchRendition | Decision::GoOnWithout | Decision::GiveUp => {
                self.lose_text(cx, failure.fault);
            }
        }
    }

    /// Nobody reloads what merely accompanies the pictures: it is passed over.
    fn text_parked(&mut self, cx: &mut Cx, fault: Fault, position: Time) {
        let Some(lane) = &mut self.text.lane else {
            return;
        };
        let (loader, requests) = (&mut lane.loader, &mut self.requests);
        let of_playlist = !requests.any(loader.id(), |request| {
            request.transfer.is_parked() && !request.is_playlist()
        });
        if !of_playlist {
            loader.skip(cx, requests, position);
        } else if !loader.outlasts_playlist(cx, requests) {
            return self.lose_text(cx, fault);
        }
        cx.recovered(passed_over(fault));
    }

    /// What is asked for would be shown only when it is over: something later is asked for.
    fn skip_late_text(&mut self, cx: &mut Cx, position: Time) -> bool {
        let Some(lane) = &mut self.text.lane else {
            return false;
        };
        let late = lane.loader.at_hand();
        let Some(late) = late.filter(|segment| segment.end() <= position) else {
            return false;
        };
        let fault = too_late(late);
        lane.loader.skip(cx, &mut self.requests, position);
        cx.recovered(passed_over(fault));
        true
    }

    /// The rendition can not be shown. It may be chosen again.
    fn lose_text(&mut self, cx: &mut Cx, fault: Fault) {
        let index = self.text_index();
        self.text.close(cx, &mut self.requests);
        self.text.current = None;
        let failed = index.map(|index| Notice::TextFailed(index, fault));
        self.text.notices.extend(failed);
    }
}

impl TextLane {
    fn decode(&mut self, cx: &Cx, packet: &Packet) -> Vec<Update> {
        let Some(decoder) = &mut self.decoder else {
            return Vec::new();
        };
        decoder.set_origin(self.loader.offset().unwrap_or_default());
        let read = || NotedUpdates(decoder.decode(packet));
        let NotedUpdates(updates) = cx.tape.see("cues", read);
        updates
    }
}

/// The decoder of the text that a container holds.
fn decoder(info: &Arc<MediaInfo>) -> Result<TrackDecoder, Fault> {
    let track = info.first(TrackKind::Subtitle).ok_or_else(|| {
        Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "text.no_track")
            .because("the rendition of subtitles holds no track of text")
    })?;
    TrackDecoder::new(track).map_err(|error| error.fault())
}

fn too_late(segment: &Segment) -> Fault {
    Fault::new(codes::ERROR_NETWORK_CONNECT_TIMEOUT, "text.late")
        .because("a segment of subtitles is not there when it is over")
        .at_url(segment.url.expose())
        .with(|context| context.segment = Some(segment.number))
}

fn passed_over(fault: Fault) -> Fault {
    fault.because("the pictures play on without these subtitles")
}
