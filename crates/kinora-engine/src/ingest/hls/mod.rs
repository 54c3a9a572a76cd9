//! HLS (RFC 8216): renditions, and the loaders that read them.

mod exact;
mod hurry;
mod load;
mod loader;
mod plan;
mod read;
mod requests;
mod sound;
mod switching;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_errors::{Fault, Secret};
use kinora_manifest::hls::Variables;
use kinora_media::{MediaInfo, Packet, Time, TrackKind};

use self::exact::Aim;
use self::hurry::Begun;
use self::load::Timeline;
use self::loader::{From, Loader, Offer};
use self::plan::{AudioRendition, Plan, Playlist, Variant};
use self::sound::Sound;
pub(crate) use self::sound::is_separate_sound;
use super::{Buffer, Notice};
use crate::abr::{Abr, Pace};
use crate::cx::Cx;
use crate::pipelines::Sources;
use crate::recover;
use crate::transfer::Transfer;
use crate::{ByRole, Role, SeekAccuracy, TimingMark};

/// A playlist beyond that is refused.
const LONGEST_PLAYLIST: usize = 8 << 20;
/// Segments begin where the playlist says, give or take its rounding.
const ROUNDING: Time = Time::from_millis(50);

/// A presentation by playlists.
pub(crate) struct Hls {
    /// The playlist that the user named, while it comes.
    first: Option<(Transfer, BytesMut)>,
    /// Where it is asked for.
    asked: Secret,
    /// Where it came from.
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
    /// An exact seek that has not found its segment yet.
    aim: Option<Aim>,
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
            asked: transfer.url().clone(),
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
            aim: None,
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
        let plan = self.plan()?;
        (!plan.ended).then(|| plan.target.scale(3.0))
    }

    /// The playlist of the rendition that plays.
    fn plan(&self) -> Option<&Plan> {
        self.main.as_ref()?.plan.as_ref()
    }

    pub(crate) fn first_time(&self) -> Time {
        let first = self.plan().and_then(|plan| plan.segments.first());
        first.map_or(Time::ZERO, |segment| segment.start)
    }

    fn opened(&mut self, cx: &mut Cx, text: &[u8]) {
        cx.mark(TimingMark::Playlist);
        match read::playlist(cx, text, &self.url, &Variables::default()) {
            Ok(Playlist::Media(plan)) => {
                let loader =
                    Loader::new(self.asked.clone(), self.begin, None, Variables::default());
                let mut loader = loader.redirected(self.url.clone());
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
                if let Err(fault) = self.choose_first(cx) {
                    return self.notices.push_back(Notice::Failed(fault));
                }
                self.main = self.loader(cx, self.current, self.begin);
                self.open_sound(cx, self.begin);
                if let Err(fault) = self.choose_sound(cx) {
                    self.notices.push_back(Notice::Failed(fault));
                }
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
        buffer: &mut dyn Buffer,
        position: Time,
        most: Time,
    ) -> Option<Notice> {
        loop {
            let separate = self.sound.is_separate();
            buffer.set_sources(match separate {
                false => Sources::Shared,
                true => Sources::Separate {
                    complete: ByRole {
                        video: self.main_ended,
                        audio: self.sound.ended,
                        text: true,
                    },
                },
            });
            if let Some(place) = self.sound.changed.take() {
                let index = u32::try_from(self.variants.len() + place).unwrap_or(u32::MAX);
                return Some(Notice::Switched(index));
            }
            if let Some(notice) = self.notices.pop_front() {
                return Some(notice);
            }
            // What is alone with the rest of the presentation has nobody to wait for.
            let alone = most.max(cx.config.max_buffer.into());
            let room = |role: Role, other_ended: bool| {
                buffer.ahead_of(role, position) < if other_ended { alone } else { most }
            };
            let [room_for_main, room_for_sound] = match separate {
                true => [
                    room(Role::Video, self.sound.ended),
                    room(Role::Audio, self.main_ended),
                ],
                false => [!buffer.is_full(position, most), false],
            };
            let mut idle = true;
            // Until the tracks of all playlists are told nobody takes their packets.
            let untold = self.told.is_none();
            let main_waits = untold && self.main_info.is_some() && separate && !self.sound.ended;
            // The pictures say where the presentation begins, whichever of the two comes first.
            let unplaced = untold || self.timeline.is_empty();
            let sound_waits = unplaced && self.sound.info.is_some() && !self.main_ended;
            if room_for_main && !self.main_ended && !main_waits {
                idle &= !self.poll_main(cx, buffer, position);
            }
            if room_for_sound && !self.sound.ended && !sound_waits {
                idle &= !self.poll_sound(cx, buffer);
            }
            if idle && self.notices.is_empty() {
                return None;
            }
        }
    }

    fn poll_main(&mut self, cx: &mut Cx, buffer: &mut dyn Buffer, position: Time) -> bool {
        self.hurry(cx, buffer, position);
        let Some(main) = &mut self.main else {
            return false;
        };
        let Some(offer) = main.poll(cx, &mut self.timeline) else {
            return self.take_over(cx);
        };
        match offer {
            Offer::Packet(packet) => self.arrived(cx, buffer, packet),
            Offer::Info(info) => {
                self.main_info = Some(info);
                self.merge(cx);
            }
            Offer::Ended => {
                // By now it is known how long it is.
                self.merge(cx);
                self.main_ended = true;
                self.tell_end();
            }
            Offer::Failed(fault) => self.variant_failed(cx, fault),
            Offer::Parked(fault) => self.notices.push_back(Notice::Parked(fault)),
            Offer::Expired(fault) => self.expired(fault),
            Offer::Measured { bytes, took } => {
                self.abr.sample(bytes, took);
                self.adapt(cx, buffer.ahead(position));
            }
        }
        true
    }

    fn push(&mut self, cx: &mut Cx, buffer: &mut dyn Buffer, packet: Packet) {
        let track = || self.main_info.as_ref()?.track(packet.track);
        if self.sound.is_separate() && track().is_some_and(|track| track.kind() == TrackKind::Audio)
        {
            // What plays is the sound of another playlist.
            return;
        }
        self.note_begin(buffer, &packet);
        if packet.flags.key {
            cx.mark(TimingMark::FirstKeyFrame);
        }
        buffer.push(packet);
    }

    fn poll_sound(&mut self, cx: &mut Cx, buffer: &mut dyn Buffer) -> bool {
        let offer = match &mut self.sound.loader {
            Some(loader) => loader.poll(cx, &mut self.timeline),
            None => None,
        };
        let Some(offer) = offer else { return false };
        match offer {
            Offer::Packet(packet) => {
                if let Some(packet) = self.sound.give(packet) {
                    buffer.push(packet);
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
        let settled = self.is_settled(cx, |choice| choice.audio);
        if (settled || !self.sound.has_other())
            && pass_over(cx, self.sound.loader.as_mut(), &fault, self.told.is_some())
        {
            return cx.recovered(fault);
        }
        if settled {
            return self.notices.push_back(Notice::Failed(fault));
        }
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
        info.duration = self.plan().and_then(Plan::duration);
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

    pub(crate) fn seek(&mut self, cx: &mut Cx, target: Time, accuracy: SeekAccuracy) {
        self.notices.clear();
        self.aim = (accuracy == SeekAccuracy::Exact).then(|| Aim::at(target));
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
}

/// A segment that the server has lost is a gap, as one is that the playlist calls so. `begun`: something of the
/// presentation is known. `false`: nothing goes on behind it.
fn pass_over(cx: &mut Cx, loader: Option<&mut Loader>, fault: &Fault, begun: bool) -> bool {
    let lost = fault.context().segment.filter(|_| recover::is_gone(fault));
    let (Some(loader), Some(number)) = (loader, lost) else {
        return false;
    };
    (begun || !loader.is_last(number)) && loader.pass_over(cx, number)
}
