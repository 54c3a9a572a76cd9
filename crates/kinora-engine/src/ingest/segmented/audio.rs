//! Audio with playlists of its own: EXT-X-MEDIA of type AUDIO (RFC 8216 4.3.4.1).

use std::sync::Arc;

use kinora_errors::{Fault, Secret};
use kinora_manifest::hls::Variables;
use kinora_media::{MediaInfo, Packet, Time, TrackId, TrackKind};

use super::index::{AudioRendition, SegmentIndex};
use super::loader::{Loader, StartPosition, named_in};
use crate::TrackOption;
use crate::cx::Cx;
use crate::ingest::Rebuffer;

/// Tracks of a separate playlist of sound carry this in their names.
const SEPARATE: u32 = 0x8000_0000;

/// Whether a track is of a playlist of sound alone.
pub(crate) fn is_audio_rendition(track: TrackId) -> bool {
    track.0 & SEPARATE != 0
}

/// The sound of a presentation, as far as it is not in the playlist of the pictures.
#[derive(Default)]
pub(super) struct AudioRenditions {
    renditions: Vec<AudioRendition>,
    /// The group that the variant names.
    group: Option<String>,
    /// Among all renditions.
    current: Option<usize>,
    bad: Vec<usize>,
    pub(super) loader: Option<Loader>,
    pub(super) ended: bool,
    pub(super) info: Option<Arc<MediaInfo>>,
    /// Where the packets given so far end: another rendition goes on from there.
    until: Option<Time>,
    /// The choice took effect and was not told yet; its place in the group.
    pub(super) changed: Option<usize>,
    variables: Variables,
    /// Where the playlist that names the renditions came from.
    playlist: Secret,
}

impl AudioRenditions {
    pub(super) fn new(
        renditions: Vec<AudioRendition>,
        variables: Variables,
        playlist: Secret,
    ) -> Self {
        Self {
            renditions,
            variables,
            playlist,
            ..Self::default()
        }
    }

    /// It comes from a playlist of its own.
    pub(super) fn is_separate(&self) -> bool {
        self.loader.is_some()
    }

    fn choice(&self) -> impl DoubleEndedIterator<Item = (usize, &AudioRendition)> {
        let of_group = |(_, rendition): &(usize, &AudioRendition)| {
            self.group.as_ref() == Some(&rendition.group)
        };
        self.renditions.iter().enumerate().filter(of_group)
    }

    /// A variant plays, which names a group. The rendition that played goes on in that group under its name.
    pub(super) fn follow(
        &mut self,
        cx: &mut Cx,
        group: Option<&str>,
        from: StartPosition,
        like: Option<SegmentIndex>,
    ) {
        if self.group.as_deref() == group && self.current.is_some() {
            return;
        }
        let known = self.current.and_then(|at| self.renditions.get(at)).cloned();
        self.group = group.map(str::to_owned);
        let same = |rendition: &AudioRendition| {
            known
                .as_ref()
                .is_some_and(|known| known.name == rendition.name)
        };
        let find = |is: &dyn Fn(&AudioRendition) -> bool| {
            let mut choice = self.choice();
            choice.find(|(at, rendition)| !self.bad.contains(at) && is(rendition))
        };
        let chosen = find(&same)
            .or_else(|| find(&|rendition| rendition.default))
            .or_else(|| find(&|_| true));
        let chosen = chosen.map(|(at, rendition)| (at, rendition.url.clone()));
        self.current = chosen.as_ref().map(|(at, _)| *at);
        let url = chosen.and_then(|(_, url)| url);
        let as_before = known.and_then(|known| known.url);
        if url.as_ref().map(|url| url.expose()) == as_before.as_ref().map(|url| url.expose()) {
            return;
        }
        self.load(cx, from, like);
    }

    /// Reads the rendition that is current, if it has a playlist of its own.
    fn load(&mut self, cx: &mut Cx, from: StartPosition, like: Option<SegmentIndex>) {
        if let Some(mut old) = self.loader.take() {
            old.close(cx);
        }
        self.ended = false;
        self.info = None;
        let current = self.current.and_then(|at| self.renditions.get(at));
        let Some(url) = current.and_then(|rendition| rendition.url.clone()) else {
            return;
        };
        if cx.config.disable_audio {
            return;
        }
        let loader = Loader::new(url, from, like, self.variables.clone());
        let mut loader = loader.named_in(&self.playlist);
        loader.open(cx);
        self.loader = Some(loader);
    }

    /// Where another rendition goes on.
    pub(super) fn resumes(&self, begin: StartPosition) -> StartPosition {
        match (self.until, &self.loader) {
            (Some(until), _) => StartPosition::At(until),
            (None, Some(loader)) => loader.resumes(),
            (None, None) => begin,
        }
    }

    /// Another rendition of the group may be tried.
    pub(super) fn has_other(&self) -> bool {
        self.choice()
            .any(|(at, _)| self.current != Some(at) && !self.bad.contains(&at))
    }

    /// Another rendition of the group goes on where this one fails. `false`: there is none.
    pub(super) fn fall_back(&mut self, cx: &mut Cx) -> bool {
        self.bad.extend(self.current);
        let other = self.choice().find(|(at, _)| !self.bad.contains(at));
        let other = other.map(|(at, _)| at);
        let from = self.resumes(StartPosition::Default);
        let like = self.loader.as_ref().and_then(Loader::timeline);
        self.current = other;
        self.load(cx, from, like);
        self.changed = self.place();
        other.is_some()
    }

    /// A packet of the separate playlist, under a name of its own; `None` when another rendition gave it before.
    pub(super) fn give(&mut self, mut packet: Packet) -> Option<Packet> {
        if self.until.is_some_and(|until| packet.pts < until) {
            return None;
        }
        self.until = Some(packet.pts + packet.duration.max(Time::from_micros(1)));
        packet.track = TrackId(packet.track.0 | SEPARATE);
        Some(packet)
    }

    /// Puts its tracks in the place of those that the pictures bring along. `false`: they are not known yet.
    pub(super) fn merge(&self, info: &mut MediaInfo) -> bool {
        if !self.is_separate() {
            return true;
        }
        let Some(own) = &self.info else { return false };
        info.tracks.retain(|track| track.kind() != TrackKind::Audio);
        let tracks = own
            .tracks
            .iter()
            .filter(|track| track.kind() == TrackKind::Audio);
        info.tracks.extend(tracks.cloned().map(|mut track| {
            track.id = TrackId(track.id.0 | SEPARATE);
            track
        }));
        true
    }

    /// Which of its group is current.
    fn place(&self) -> Option<usize> {
        self.choice().position(|(at, _)| self.current == Some(at))
    }

    /// What can be chosen, counted from `first` on; nothing when there is but one.
    pub(super) fn options(&self, first: usize) -> Vec<TrackOption> {
        let option = |(place, (at, rendition)): (usize, (usize, &AudioRendition))| TrackOption {
            index: u32::try_from(first + place).unwrap_or(u32::MAX),
            kind: TrackKind::Audio,
            label: rendition.label(),
            size: None,
            bitrate: None,
            selected: self.current == Some(at),
        };
        let options: Vec<TrackOption> = self.choice().enumerate().map(option).collect();
        if options.len() < 2 {
            return Vec::new();
        }
        options
    }

    /// How many renditions the group has.
    pub(super) fn count(&self) -> usize {
        self.choice().count()
    }

    /// Takes the rendition of that place in the group.
    pub(super) fn select(
        &mut self,
        cx: &mut Cx,
        place: usize,
        like: Option<SegmentIndex>,
    ) -> Rebuffer {
        let Some(at) = self.choice().nth(place).map(|(at, _)| at) else {
            return Rebuffer::None;
        };
        if self.current == Some(at) {
            return Rebuffer::None;
        }
        let was_separate = self.is_separate();
        self.current = Some(at);
        self.bad.retain(|bad| *bad != at);
        self.changed = Some(place);
        // The seek that follows says where to.
        self.load(cx, StartPosition::Default, like);
        match was_separate && self.is_separate() {
            true => Rebuffer::Audio,
            // It was or will be in the playlist of the pictures.
            false => Rebuffer::All,
        }
    }

    pub(super) fn seek(&mut self, cx: &mut Cx, target: Time, like: Option<SegmentIndex>) {
        self.until = None;
        self.ended = false;
        if !self.bad.is_empty() && self.current.is_none() {
            // All renditions were refused: the user tries again.
            self.bad.clear();
            let group = self.group.clone();
            return self.follow(cx, group.as_deref(), StartPosition::At(target), like);
        }
        self.bad.clear();
        if let Some(loader) = &mut self.loader {
            loader.seek(cx, target);
        }
    }

    /// The multivariant playlist came anew, with other URLs.
    pub(super) fn renew(&mut self, cx: &mut Cx, renditions: Vec<AudioRendition>, playlist: Secret) {
        self.playlist = playlist;
        if renditions.len() == self.renditions.len() {
            self.renditions = renditions;
        }
        let current = self.current.and_then(|at| self.renditions.get(at));
        if let (Some(loader), Some(url)) = (
            &mut self.loader,
            current.and_then(|rendition| rendition.url.clone()),
        ) {
            loader.renew(cx, &url, named_in(&self.playlist));
        }
    }
}

/// No rendition of sound is left: the pictures play on.
pub(super) fn without(fault: Fault) -> Fault {
    fault.because("no other rendition of the sound can be had: the pictures play on")
}
