//! Presentations by segments: renditions, and the loaders that read them. What names the segments is a manifest, which a
//! front end reads (`ingest::hls`).

mod abandonment;
mod audio;
mod exact_seek;
pub(in crate::ingest) mod index;
mod input;
mod loader;
mod segment_reader;
mod switching;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_errors::{Fault, Secret};
use kinora_manifest::hls::Variables;
use kinora_media::{MediaInfo, Packet, Time, TrackKind};

use self::abandonment::SegmentStart;
use self::audio::AudioRenditions;
pub(crate) use self::audio::is_audio_rendition;
use self::exact_seek::ExactSeek;
use self::index::{AudioRendition, Manifest, SegmentIndex, Variant};
use self::loader::{Loader, LoaderEvent, StartPosition, named_in};
use self::segment_reader::TimestampOffsets;
use super::{Buffer, Notice, hls};
use crate::abr::{Abr, ThroughputWindow};
use crate::cx::Cx;
use crate::recover;
use crate::transfer::Transfer;
use crate::{SeekAccuracy, Slot, TimingMark};

/// A playlist beyond that is refused.
const MAX_PLAYLIST_BYTES: usize = 8 << 20;
/// Segments begin where the playlist says, give or take its rounding.
const ROUNDING: Time = Time::from_millis(50);

/// A presentation by playlists.
pub(crate) struct Segmented {
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
    audio: AudioRenditions,
    main_ended: bool,
    abr: Abr,
    throughput: ThroughputWindow,
    segment_start: Option<SegmentStart>,
    /// An exact seek that has not found its segment yet.
    exact_seek: Option<ExactSeek>,
    timeline: TimestampOffsets,
    main_info: Option<Arc<MediaInfo>>,
    reported: Option<Arc<MediaInfo>>,
    begin: StartPosition,
    variables: Variables,
    notices: VecDeque<Notice>,
}

impl Segmented {
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
            audio: AudioRenditions::default(),
            main_ended: false,
            abr: Abr::default(),
            throughput: ThroughputWindow::default(),
            segment_start: None,
            exact_seek: None,
            timeline: TimestampOffsets::default(),
            main_info: None,
            reported: None,
            begin: StartPosition::Default,
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
    fn plan(&self) -> Option<&SegmentIndex> {
        self.main.as_ref()?.plan.as_ref()
    }

    pub(crate) fn first_time(&self) -> Time {
        let first = self.plan().and_then(|plan| plan.segments.first());
        first.map_or(Time::ZERO, |segment| segment.start)
    }

    fn opened(&mut self, cx: &mut Cx, text: &[u8]) {
        cx.mark(TimingMark::Playlist);
        match hls::playlist(cx, text, &self.url, &Variables::default()) {
            Ok(Manifest::Media(plan)) => {
                let loader =
                    Loader::new(self.asked.clone(), self.begin, None, Variables::default());
                let mut loader = loader.redirected(self.url.clone());
                loader.playlist_came(cx, plan);
                self.main = Some(loader);
            }
            Ok(Manifest::Multivariant {
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
                self.audio = AudioRenditions::new(audio, variables, self.url.clone());
                if self.variants.is_empty() {
                    let fault = hls::malformed("the playlist names no rendition", &self.url);
                    return self.notices.push_back(Notice::Failed(fault));
                }
                if let Err(fault) = self.choose_first(cx) {
                    return self.notices.push_back(Notice::Failed(fault));
                }
                self.main = self.loader(cx, self.current, self.begin);
                self.open_audio(cx, self.begin);
                if let Err(fault) = self.choose_audio(cx) {
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

    fn loader(&self, cx: &mut Cx, index: usize, from: StartPosition) -> Option<Loader> {
        let url = self.variants.get(index)?.url.clone();
        let known = self.main.as_ref().and_then(Loader::timeline);
        let loader = Loader::new(url, from, known, self.variables.clone());
        let mut loader = loader.named_in(&self.url);
        loader.open(cx);
        Some(loader)
    }

    /// The sound of the variant, where it has a playlist of its own.
    fn open_audio(&mut self, cx: &mut Cx, from: StartPosition) {
        let variant = self.variants.get(self.current);
        let group = variant.and_then(|variant| variant.audio_group.clone());
        let like = self.main.as_ref().and_then(Loader::timeline);
        self.audio.follow(cx, group.as_deref(), from, like);
    }

    /// The multivariant playlist names the same renditions at other URLs.
    fn moved(&mut self, cx: &mut Cx, variants: Vec<Variant>, audio: Vec<AudioRendition>) {
        if variants.len() == self.variants.len() {
            self.variants = variants;
        }
        let url = |index: usize| self.variants.get(index).map(|variant| variant.url.clone());
        if let (Some(main), Some(url)) = (&mut self.main, url(self.current)) {
            main.renew(cx, &url, named_in(&self.url));
        }
        if let Some((index, loader)) = &mut self.incoming
            && let Some(url) = url(*index)
        {
            loader.renew(cx, &url, named_in(&self.url));
        }
        self.audio.renew(cx, audio, self.url.clone());
    }

    pub(crate) fn poll(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
        most: Time,
    ) -> Option<Notice> {
        loop {
            let separate = self.audio.is_separate();
            buffer.set_sources(separate, [self.main_ended, self.audio.ended]);
            if let Some(place) = self.audio.changed.take() {
                let index = u32::try_from(self.variants.len() + place).unwrap_or(u32::MAX);
                return Some(Notice::Switched(index));
            }
            if let Some(notice) = self.notices.pop_front() {
                return Some(notice);
            }
            // What is alone with the rest of the presentation has nobody to wait for.
            let alone = most.max(cx.config.max_buffer.into());
            let room = |slot: Slot, other_ended: bool| {
                buffer.ahead_of(slot, position) < if other_ended { alone } else { most }
            };
            let [room_for_main, room_for_audio] = match separate {
                true => [
                    room(Slot::Video, self.audio.ended),
                    room(Slot::Audio, self.main_ended),
                ],
                false => [!buffer.is_full(position, most), false],
            };
            let mut idle = true;
            // Until the tracks of all playlists are reported nobody takes their packets.
            let unreported = self.reported.is_none();
            let main_waits =
                unreported && self.main_info.is_some() && separate && !self.audio.ended;
            // The pictures say where the presentation begins, whichever of the two comes first.
            let unplaced = unreported || self.timeline.is_empty();
            let audio_waits = unplaced && self.audio.info.is_some() && !self.main_ended;
            if room_for_main && !self.main_ended && !main_waits {
                idle &= !self.poll_main(cx, buffer, position);
            }
            if room_for_audio && !self.audio.ended && !audio_waits {
                idle &= !self.poll_audio(cx, buffer);
            }
            if idle && self.notices.is_empty() {
                return None;
            }
        }
    }

    fn poll_main(&mut self, cx: &mut Cx, buffer: &mut dyn Buffer, position: Time) -> bool {
        self.consider_abandonment(cx, buffer, position);
        let Some(main) = &mut self.main else {
            return false;
        };
        let Some(event) = main.poll(cx, &mut self.timeline) else {
            return self.take_over(cx);
        };
        match event {
            LoaderEvent::Packet(packet) => self.arrived(cx, buffer, packet),
            LoaderEvent::Info(info) => {
                self.main_info = Some(info);
                self.merge(cx);
            }
            LoaderEvent::Ended => {
                // By now it is known how long it is.
                self.merge(cx);
                self.main_ended = true;
                self.report_end();
            }
            LoaderEvent::Failed(fault) => self.variant_failed(cx, fault),
            LoaderEvent::Parked(fault) => self.notices.push_back(Notice::Parked(fault)),
            LoaderEvent::Expired(fault) => self.expired(fault),
            LoaderEvent::Measured { bytes, took } => {
                self.abr.sample(bytes, took);
                self.adapt(cx, buffer.ahead(position));
            }
        }
        true
    }

    fn push(&mut self, cx: &mut Cx, buffer: &mut dyn Buffer, packet: Packet) {
        let track = || self.main_info.as_ref()?.track(packet.track);
        if self.audio.is_separate() && track().is_some_and(|track| track.kind() == TrackKind::Audio)
        {
            // What plays is the sound of another playlist.
            return;
        }
        self.note_segment_start(buffer, &packet);
        if packet.flags.key {
            cx.mark(TimingMark::FirstKeyFrame);
        }
        buffer.push(packet);
    }

    fn poll_audio(&mut self, cx: &mut Cx, buffer: &mut dyn Buffer) -> bool {
        let event = match &mut self.audio.loader {
            Some(loader) => loader.poll(cx, &mut self.timeline),
            None => None,
        };
        let Some(event) = event else { return false };
        match event {
            LoaderEvent::Packet(packet) => {
                if let Some(packet) = self.audio.give(packet) {
                    buffer.push(packet);
                }
            }
            LoaderEvent::Info(info) => {
                self.audio.info = Some(info);
                self.merge(cx);
            }
            LoaderEvent::Ended => {
                self.audio.ended = true;
                self.report_end();
            }
            LoaderEvent::Failed(fault) => self.audio_failed(cx, fault),
            LoaderEvent::Parked(fault) => self.notices.push_back(Notice::Parked(fault)),
            LoaderEvent::Expired(fault) => self.expired(fault),
            LoaderEvent::Measured { .. } => {}
        }
        true
    }

    /// Another rendition of the sound goes on; without one the pictures do.
    fn audio_failed(&mut self, cx: &mut Cx, fault: Fault) {
        let settled = self.is_settled(cx, |choice| choice.audio);
        if (settled || !self.audio.has_other())
            && pass_over(
                cx,
                self.audio.loader.as_mut(),
                &fault,
                self.reported.is_some(),
            )
        {
            return cx.recovered(fault);
        }
        if settled {
            return self.notices.push_back(Notice::Failed(fault));
        }
        if self.audio.fall_back(cx) {
            cx.recovered(fault);
        } else if self.variants.is_empty() {
            return self.notices.push_back(Notice::Failed(fault));
        } else {
            cx.recovered(audio::without(fault));
        }
        self.merge(cx);
        if self.main_ended {
            self.report_end();
        }
    }

    fn expired(&mut self, fault: Fault) {
        // While the list of renditions comes anew, so do the addresses.
        if self.first.is_none() {
            self.notices.push_back(Notice::Expired(fault));
        }
    }

    fn report_end(&mut self) {
        if self.main_ended && (!self.audio.is_separate() || self.audio.ended) {
            self.notices.push_back(Notice::Ended);
        }
    }

    /// Tells the tracks of all playlists together, when they changed.
    fn merge(&mut self, cx: &mut Cx) {
        let Some(main) = &self.main_info else { return };
        let mut info = MediaInfo::clone(main);
        if !self.audio.merge(&mut info) {
            return;
        }
        info.duration = self.plan().and_then(SegmentIndex::duration);
        info.seekable = info.duration.is_some();
        for track in &mut info.tracks {
            // A segment's own length says nothing of the track's.
            track.duration = None;
        }
        if self
            .reported
            .as_ref()
            .is_some_and(|reported| **reported == info)
        {
            return;
        }
        cx.mark(TimingMark::Headers);
        let info = Arc::new(info);
        self.reported = Some(Arc::clone(&info));
        self.notices.push_back(Notice::Info(info));
    }

    pub(crate) fn seek(&mut self, cx: &mut Cx, target: Time, accuracy: SeekAccuracy) {
        self.notices.clear();
        self.exact_seek = (accuracy == SeekAccuracy::Exact).then(|| ExactSeek::at(target));
        self.begin = StartPosition::At(target);
        self.forget_throughput();
        self.bad.clear();
        self.main_ended = false;
        self.install(cx, self.begin);
        if let Some(main) = &mut self.main {
            main.seek(cx, target);
        }
        self.seek_audio(cx, target);
    }

    /// Only the sound goes to a time.
    pub(crate) fn seek_audio(&mut self, cx: &mut Cx, target: Time) {
        let like = self.main.as_ref().and_then(Loader::timeline);
        self.audio.seek(cx, target, like);
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
