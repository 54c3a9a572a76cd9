//! HLS (RFC 8216): renditions, and the loaders that read them.

mod hurry;
mod load;
mod loader;
mod plan;
mod read;
mod sound;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_errors::{Fault, Secret};
use kinora_manifest::hls::Variables;
use kinora_media::{ByteRange, Chunk, MediaInfo, Packet, RequestId, ResponseInfo, Time, TrackKind};

use self::hurry::Begun;
use self::load::Timeline;
use self::loader::{From, Loader, Offer};
use self::plan::{AudioRendition, Playlist, Variant};
use self::sound::Sound;
use super::{Anew, Notice};
use crate::abr::{Abr, Pace};
use crate::cx::Cx;
use crate::line::{Line, Lines};
use crate::transfer::{Progress, Terms, Transfer, Want};
use crate::{Initiator, Purpose, TimingMark, TrackChoice, TrackOption};

/// A playlist beyond that is refused.
const LONGEST_PLAYLIST: usize = 8 << 20;
/// Segments begin where the playlist says, give or take its rounding.
const ROUNDING: Time = Time::from_millis(50);

/// A presentation by playlists.
pub(crate) struct Hls {
    /// The playlist that the user named, while it comes.
    first: Option<(Transfer, BytesMut)>,
    url: Secret,
    variants: Vec<Variant>,
    /// Variants that failed.
    bad: Vec<usize>,
    current: usize,
    manual: bool,
    main: Option<Loader>,
    /// The loader of another variant, which takes over when the segments under way are read.
    incoming: Option<(usize, Loader)>,
    sound: Sound,
    main_ended: bool,
    abr: Abr,
    pace: Pace,
    begun: Option<Begun>,
    timeline: Timeline,
    main_info: Option<Arc<MediaInfo>>,
    told: Option<Arc<MediaInfo>>,
    begin: From,
    variables: Variables,
    notices: VecDeque<Notice>,
}

impl Hls {
    /// Takes over a transfer whose first bytes turned out to be a playlist.
    pub(crate) fn adopt(transfer: Transfer, data: &Bytes, url: Secret) -> Self {
        Self {
            first: Some((transfer, BytesMut::from(data.as_ref()))),
            url,
            variants: Vec::new(),
            bad: Vec::new(),
            current: 0,
            manual: false,
            main: None,
            incoming: None,
            sound: Sound::default(),
            main_ended: false,
            abr: Abr::default(),
            pace: Pace::default(),
            begun: None,
            timeline: Timeline::default(),
            main_info: None,
            told: None,
            begin: From::Start,
            variables: Variables::default(),
            notices: VecDeque::new(),
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.main.as_ref().is_some_and(Loader::is_live)
    }

    pub(crate) fn hold_back(&self) -> Option<Time> {
        let plan = self.main.as_ref()?.plan.as_ref()?;
        (!plan.ended).then(|| plan.target.scale(3.0))
    }

    fn opened(&mut self, cx: &mut Cx, text: &[u8]) {
        cx.mark(TimingMark::Playlist);
        match read::playlist(cx, text, &self.url, &Variables::default()) {
            Ok(Playlist::Media(plan)) => {
                let mut loader =
                    Loader::new(self.url.clone(), self.begin, None, Variables::default());
                loader.playlist_came(cx, plan);
                self.main = Some(loader);
            }
            Ok(Playlist::Multivariant {
                variants,
                audio,
                variables,
            }) => {
                let mut variants = variants;
                variants.sort_by_key(|variant| variant.bandwidth);
                if !self.variants.is_empty() {
                    return self.moved(cx, variants, audio);
                }
                self.variables = variables.clone();
                self.variants = variants;
                self.sound = Sound::new(audio, variables);
                if self.variants.is_empty() {
                    let fault = read::malformed("the playlist names no rendition", &self.url);
                    return self.notices.push_back(Notice::Failed(fault));
                }
                self.current = Abr::first(&self.bitrates());
                self.main = self.loader(cx, self.current, self.begin);
                self.open_sound(cx, self.begin);
            }
            Err(fault) => self.notices.push_back(Notice::Failed(fault)),
        }
    }

    fn bitrates(&self) -> Vec<u64> {
        self.variants
            .iter()
            .map(|variant| variant.bandwidth)
            .collect()
    }

    fn loader(&self, cx: &mut Cx, index: usize, from: From) -> Option<Loader> {
        let url = self.variants.get(index)?.url.clone();
        let known = self.main.as_ref().and_then(Loader::timeline);
        let mut loader = Loader::new(url, from, known, self.variables.clone());
        loader.open(cx);
        Some(loader)
    }

    /// The sound of the variant, where it has a playlist of its own.
    fn open_sound(&mut self, cx: &mut Cx, from: From) {
        let variant = self.variants.get(self.current);
        let group = variant.and_then(|variant| variant.audio_group.clone());
        let like = self.main.as_ref().and_then(Loader::timeline);
        self.sound.follow(cx, group.as_deref(), from, like);
    }

    /// The multivariant playlist names the same renditions at other URLs.
    fn moved(&mut self, cx: &mut Cx, variants: Vec<Variant>, audio: Vec<AudioRendition>) {
        if variants.len() == self.variants.len() {
            self.variants = variants;
        }
        let url = |index: usize| self.variants.get(index).map(|variant| variant.url.clone());
        if let (Some(main), Some(url)) = (&mut self.main, url(self.current)) {
            main.renew(cx, &url);
        }
        if let Some((index, loader)) = &mut self.incoming
            && let Some(url) = url(*index)
        {
            loader.renew(cx, &url);
        }
        self.sound.renew(cx, audio);
    }

    pub(crate) fn poll(
        &mut self,
        cx: &mut Cx,
        lines: &mut Lines,
        position: Time,
        most: Time,
    ) -> Option<Notice> {
        loop {
            lines.separate = self.sound.is_separate();
            lines.complete = [self.main_ended, self.sound.ended];
            if let Some(place) = self.sound.changed.take() {
                let index = u32::try_from(self.variants.len() + place).unwrap_or(u32::MAX);
                return Some(Notice::Switched(index));
            }
            if let Some(notice) = self.notices.pop_front() {
                return Some(notice);
            }
            // What is alone with the rest of the presentation has nobody to wait for.
            let alone = most.max(cx.config.max_buffer.into());
            let room = |line: &Line, other_ended: bool| {
                line.ahead(position) < if other_ended { alone } else { most }
            };
            let [room_for_main, room_for_sound] = match self.sound.is_separate() {
                true => [
                    room(&lines.video, self.sound.ended),
                    room(&lines.audio, self.main_ended),
                ],
                false => [!lines.is_full(position, most), false],
            };
            let mut idle = true;
            if room_for_main && !self.main_ended {
                idle &= !self.poll_main(cx, lines, position);
            }
            if room_for_sound && !self.sound.ended {
                idle &= !self.poll_sound(cx, lines);
            }
            if idle && self.notices.is_empty() {
                return None;
            }
        }
    }

    fn poll_main(&mut self, cx: &mut Cx, lines: &mut Lines, position: Time) -> bool {
        self.hurry(cx, lines, position);
        let Some(main) = &mut self.main else {
            return false;
        };
        let Some(offer) = main.poll(cx, &mut self.timeline) else {
            return self.take_over(cx);
        };
        match offer {
            Offer::Packet(packet) => self.push(cx, lines, packet),
            Offer::Info(info) => {
                self.main_info = Some(info);
                self.merge(cx);
            }
            Offer::Ended => {
                self.main_ended = true;
                self.tell_end();
            }
            Offer::Failed(fault) => self.variant_failed(cx, fault),
            Offer::Parked(fault) => self.notices.push_back(Notice::Parked(fault)),
            Offer::Expired(fault) => self.expired(fault),
            Offer::Measured { bytes, took } => {
                self.abr.sample(bytes, took);
                self.adapt(cx, lines.ahead(position));
            }
        }
        true
    }

    fn push(&mut self, cx: &mut Cx, lines: &mut Lines, packet: Packet) {
        let track = || self.main_info.as_ref()?.track(packet.track);
        if self.sound.is_separate() && track().is_some_and(|track| track.kind() == TrackKind::Audio)
        {
            // What plays is the sound of another playlist.
            return;
        }
        self.note_begin(lines, &packet);
        if packet.flags.key {
            cx.mark(TimingMark::FirstKeyFrame);
        }
        lines.push(packet);
    }

    fn poll_sound(&mut self, cx: &mut Cx, lines: &mut Lines) -> bool {
        let offer = match &mut self.sound.loader {
            Some(loader) => loader.poll(cx, &mut self.timeline),
            None => None,
        };
        let Some(offer) = offer else { return false };
        match offer {
            Offer::Packet(packet) => {
                if let Some(packet) = self.sound.give(packet) {
                    lines.push(packet);
                }
            }
            Offer::Info(info) => {
                self.sound.info = Some(info);
                self.merge(cx);
            }
            Offer::Ended => {
                self.sound.ended = true;
                self.tell_end();
            }
            Offer::Failed(fault) => self.sound_failed(cx, fault),
            Offer::Parked(fault) => self.notices.push_back(Notice::Parked(fault)),
            Offer::Expired(fault) => self.expired(fault),
            Offer::Measured { .. } => {}
        }
        true
    }

    /// Another rendition of the sound goes on; without one the pictures do.
    fn sound_failed(&mut self, cx: &mut Cx, fault: Fault) {
        if self.sound.fall_back(cx) {
            cx.recovered(fault);
        } else if self.variants.is_empty() {
            return self.notices.push_back(Notice::Failed(fault));
        } else {
            cx.recovered(sound::without(fault));
        }
        self.merge(cx);
        if self.main_ended {
            self.tell_end();
        }
    }

    fn expired(&mut self, fault: Fault) {
        // While the list of renditions comes anew, so do the addresses.
        if self.first.is_none() {
            self.notices.push_back(Notice::Expired(fault));
        }
    }

    fn tell_end(&mut self) {
        if self.main_ended && (!self.sound.is_separate() || self.sound.ended) {
            self.notices.push_back(Notice::Ended);
        }
    }

    /// Tells the tracks of all playlists together, when they changed.
    fn merge(&mut self, cx: &mut Cx) {
        let Some(main) = &self.main_info else { return };
        let mut info = MediaInfo::clone(main);
        if !self.sound.merge(&mut info) {
            return;
        }
        let plan = self.main.as_ref().and_then(|main| main.plan.as_ref());
        info.duration = plan.and_then(plan::Plan::duration);
        info.seekable = info.duration.is_some();
        for track in &mut info.tracks {
            // A segment's own length says nothing of the track's.
            track.duration = None;
        }
        if self.told.as_ref().is_some_and(|told| **told == info) {
            return;
        }
        cx.mark(TimingMark::Headers);
        let info = Arc::new(info);
        self.told = Some(Arc::clone(&info));
        self.notices.push_back(Notice::Info(info));
    }

    /// Chooses the rendition of the segments after those under way.
    fn adapt(&mut self, cx: &mut Cx, ahead: Time) {
        if self.manual || self.incoming.is_some() || self.variants.len() < 2 {
            return;
        }
        let mut wanted = self.abr.choose(&self.bitrates(), self.current, ahead);
        while wanted > 0 && self.bad.contains(&wanted) {
            wanted -= 1;
        }
        if wanted != self.current && !self.bad.contains(&wanted) {
            self.switch(cx, wanted);
        }
    }

    fn switch(&mut self, cx: &mut Cx, index: usize) {
        let Some(border) = self.main.as_ref().and_then(Loader::border) else {
            return;
        };
        if let Some(loader) = self.loader(cx, index, From::Time(border + ROUNDING)) {
            self.incoming = Some((index, loader));
            if let Some(main) = &mut self.main {
                main.stop_after_loads();
            }
        }
    }

    /// The other variant takes over once everything of the old one is read.
    fn take_over(&mut self, cx: &mut Cx) -> bool {
        if self.incoming.is_none() || self.main.as_ref().is_some_and(Loader::has_loads) {
            return false;
        }
        let from = self.sound.resumes(self.begin);
        self.install(cx, from)
    }

    /// Puts the incoming variant in the place of the one that plays; its sound goes on from there. `false`: there is none.
    fn install(&mut self, cx: &mut Cx, sound_from: From) -> bool {
        let Some((index, loader)) = self.incoming.take() else {
            return false;
        };
        if let Some(mut old) = self.main.replace(loader) {
            old.close(cx);
        }
        self.current = index;
        self.forget_pace();
        self.notices
            .push_back(Notice::Switched(u32::try_from(index).unwrap_or(u32::MAX)));
        self.open_sound(cx, sound_from);
        true
    }

    /// The incoming variant is not wanted any more. `false`: there was none.
    fn drop_incoming(&mut self, cx: &mut Cx) -> bool {
        let incoming = self.incoming.take();
        let dropped = incoming.is_some();
        if let Some((_, mut unused)) = incoming {
            unused.close(cx);
        }
        dropped
    }

    /// Another variant goes on where this one fails; without one the presentation fails.
    fn variant_failed(&mut self, cx: &mut Cx, fault: Fault) {
        self.bad.push(self.current);
        let below = (0..self.current).rev();
        let above = self.current + 1..self.variants.len();
        let other = below.chain(above).find(|index| !self.bad.contains(index));
        let from = self.main.as_ref().map_or(self.begin, Loader::resumes);
        let Some(loader) = other.and_then(|other| self.loader(cx, other, from)) else {
            return self.notices.push_back(Notice::Failed(fault));
        };
        cx.recovered(fault);
        self.drop_incoming(cx);
        self.incoming = other.map(|other| (other, loader));
        if let Some(main) = &mut self.main {
            main.close(cx);
        }
    }

    fn loaders(&mut self) -> impl Iterator<Item = &mut Loader> {
        let incoming = self.incoming.as_mut().map(|(_, loader)| loader);
        [self.main.as_mut(), incoming, self.sound.loader.as_mut()]
            .into_iter()
            .flatten()
    }

    fn route(
        &mut self,
        cx: &mut Cx,
        id: RequestId,
        terms: Terms,
        act: impl FnOnce(&mut Cx, &mut Transfer) -> Progress,
    ) {
        if let Some((transfer, _)) = self.first.as_mut().filter(|(transfer, _)| transfer.is(id)) {
            let progress = act(cx, transfer);
            return self.first_progress(cx, progress);
        }
        if let Some(loader) = self.loaders().find(|loader| loader.owns(id)) {
            loader.route(cx, id, terms, act);
        }
    }

    fn first_progress(&mut self, cx: &mut Cx, progress: Progress) {
        match progress {
            Progress::None => {}
            Progress::Head(info) => {
                if let Some(url) = info.final_url {
                    self.url = Secret::new(url);
                }
            }
            Progress::Data(_, data) => {
                let Some((transfer, text)) = &mut self.first else {
                    return;
                };
                text.extend_from_slice(&data);
                transfer.grant(cx);
                if text.len() > LONGEST_PLAYLIST {
                    transfer.cancel(cx);
                    let fault = read::malformed("the playlist has no end", &self.url);
                    self.notices.push_back(Notice::Failed(fault));
                }
            }
            Progress::Done => {
                if let Some((_, text)) = self.first.take() {
                    self.opened(cx, &text);
                }
            }
            Progress::Expired(fault) => self.notices.push_back(Notice::Expired(fault)),
            Progress::Parked(fault) => self.notices.push_back(Notice::Parked(fault)),
            Progress::Failed(fault) => self.notices.push_back(Notice::Failed(fault)),
        }
    }

    pub(crate) fn on_head(&mut self, cx: &mut Cx, id: RequestId, info: ResponseInfo, terms: Terms) {
        self.route(cx, id, terms, |cx, transfer| {
            transfer.on_head(cx, info, terms)
        });
    }
    pub(crate) fn on_chunk(&mut self, cx: &mut Cx, chunk: Chunk, terms: Terms) {
        self.route(cx, chunk.id, terms, |cx, transfer| {
            transfer.on_chunk(cx, chunk)
        });
    }
    pub(crate) fn on_done(&mut self, cx: &mut Cx, id: RequestId, terms: Terms) {
        self.route(cx, id, terms, |cx, transfer| transfer.on_done(cx));
    }
    pub(crate) fn on_failed(&mut self, cx: &mut Cx, id: RequestId, fault: Fault, terms: Terms) {
        self.route(cx, id, terms, |cx, transfer| {
            transfer.on_failed(cx, fault, terms)
        });
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx, terms: Terms) {
        if let Some((transfer, _)) = &mut self.first {
            let progress = transfer.on_time(cx, terms);
            self.first_progress(cx, progress);
        }
        for loader in self.loaders() {
            loader.on_time(cx, terms);
        }
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        let first = self
            .first
            .as_ref()
            .and_then(|(transfer, _)| transfer.deadline(cx));
        let of = |loader: Option<&Loader>| loader.and_then(|loader| loader.deadline(cx));
        let incoming = self.incoming.as_ref().map(|(_, loader)| loader);
        crate::present::earliest([
            first,
            of(self.main.as_ref()),
            of(incoming),
            of(self.sound.loader.as_ref()),
        ])
    }

    pub(crate) fn seek(&mut self, cx: &mut Cx, target: Time) {
        self.notices.clear();
        self.begin = From::Time(target);
        self.forget_pace();
        self.bad.clear();
        self.main_ended = false;
        self.install(cx, self.begin);
        if let Some(main) = &mut self.main {
            main.seek(cx, target);
        }
        self.seek_sound(cx, target);
    }

    /// Only the sound goes to a time.
    pub(crate) fn seek_sound(&mut self, cx: &mut Cx, target: Time) {
        let like = self.main.as_ref().and_then(Loader::timeline);
        self.sound.seek(cx, target, like);
    }

    /// What can be chosen; `None` when there is but one rendition.
    pub(crate) fn options(&self) -> Option<Arc<[TrackOption]>> {
        let sounds = self.sound.options(self.variants.len());
        if self.variants.len() < 2 && sounds.is_empty() {
            return None;
        }
        let option = |(index, variant): (usize, &Variant)| TrackOption {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            kind: TrackKind::Video,
            label: variant.label(),
            size: variant.size,
            bitrate: Some(variant.bandwidth),
            selected: index == self.current,
        };
        Some(
            self.variants
                .iter()
                .enumerate()
                .map(option)
                .chain(sounds)
                .collect(),
        )
    }

    /// Takes a rendition for good, or leaves the choice to the engine again.
    pub(crate) fn select(&mut self, cx: &mut Cx, choice: TrackChoice) -> Anew {
        let TrackChoice::Index(index) = choice else {
            self.manual = false;
            return Anew::Nothing;
        };
        let Ok(index) = usize::try_from(index) else {
            return Anew::Nothing;
        };
        if let Some(place) = index.checked_sub(self.variants.len()) {
            let like = self.main.as_ref().and_then(Loader::timeline);
            return self.sound.select(cx, place, like);
        }
        self.manual = true;
        // One that was about to be left asks for nothing more: it begins anew.
        let was_left = self.drop_incoming(cx);
        if index == self.current && !was_left {
            return Anew::Nothing;
        }
        self.incoming = self
            .loader(cx, index, self.begin)
            .map(|loader| (index, loader));
        Anew::All
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx) {
        if let Some((transfer, _)) = &mut self.first {
            transfer.reload(cx);
        }
        for loader in self.loaders() {
            loader.reload(cx);
        }
    }

    /// The playlist is to be found at another URL now; segments that it names keep theirs.
    pub(crate) fn renew(&mut self, cx: &mut Cx, url: &Secret) {
        match (&mut self.first, &mut self.main) {
            (Some((transfer, _)), _) => transfer.renew(cx, url.clone()),
            (None, Some(main)) if self.variants.is_empty() => main.renew(cx, url),
            // The list of renditions comes first: it says where theirs are now.
            (None, Some(_)) => {
                self.url = url.clone();
                let want = Want {
                    purpose: Purpose::Playlist,
                    url: url.clone(),
                    range: ByteRange::default(),
                    initiator: Initiator::User,
                };
                let transfer = Transfer::start(cx, want, LONGEST_PLAYLIST as u64);
                self.first = Some((transfer, BytesMut::new()));
            }
            (None, None) => {}
        }
    }

    pub(crate) fn close(&mut self, cx: &mut Cx) {
        if let Some((mut transfer, _)) = self.first.take() {
            transfer.cancel(cx);
        }
        for loader in self.loaders() {
            loader.close(cx);
        }
    }
}
