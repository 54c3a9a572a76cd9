//! From the lanes to the buffer.

use std::sync::Arc;

use kinora_media::{Packet, Time};

use super::Segmented;
use super::lane::{self, LaneRole};
use super::loader::LoaderEvent;
use crate::cx::Cx;
use crate::ingest::segmented::index::SegmentIndex;
use crate::ingest::{Buffer, Notice};
use crate::pipelines::Sources;
use crate::{ByRole, TimingMark};

impl Segmented {
    pub(crate) fn poll(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
        max_ahead: Time,
    ) -> Option<Notice> {
        loop {
            buffer.set_sources(self.sources(cx));
            if let Some(place) = self.audio.changed.take() {
                let index = u32::try_from(self.variants.len() + place).unwrap_or(u32::MAX);
                return Some(Notice::Switched(index));
            }
            if let Some(notice) = self.text_notice().or_else(|| self.notices.pop_front()) {
                return Some(notice);
            }
            let mut idle = true;
            for role in LaneRole::ALL {
                let yields = role == LaneRole::Main && self.yields_to_sound(cx, buffer, position);
                let has_room = !yields && self.has_room(cx, buffer, role, position, max_ahead);
                if has_room && !self.is_over(role) && !self.waits(cx, role) {
                    idle &= !self.poll_lane(cx, buffer, role, position);
                }
            }
            idle &= !self.poll_text(cx, position, max_ahead);
            if idle && self.notices.is_empty() {
                return None;
            }
        }
    }

    fn sources(&self, cx: &Cx) -> Sources {
        let ended = |role| self.lane(role).map(|lane| lane.ended);
        let Some(audio) = ended(LaneRole::Audio) else {
            return Sources::Shared;
        };
        Sources::Separate {
            complete: ByRole {
                video: ended(LaneRole::Main).unwrap_or(false),
                audio,
                text: true,
            },
            sound_first: self.puts_sound_first(cx),
        }
    }

    fn has_room(
        &self,
        cx: &Cx,
        buffer: &dyn Buffer,
        role: LaneRole,
        position: Time,
        max_ahead: Time,
    ) -> bool {
        if self.lane(LaneRole::Audio).is_none() {
            return !buffer.is_full(position, max_ahead);
        }
        // What is alone with the rest of the presentation has nobody to wait for.
        let alone = self.is_over(role.other());
        let max = match alone {
            true => max_ahead.max(cx.max_buffer()),
            false => max_ahead,
        };
        buffer.ahead_of(role.of_pipeline(), position) < max
    }

    /// Whether the packets of a lane have to wait for the other one: until the tracks of all lanes are reported nobody
    /// takes them, and video says where the presentation begins, whichever of the two comes first.
    fn waits(&self, cx: &Cx, role: LaneRole) -> bool {
        let known = self.lane(role).is_some_and(|lane| lane.info.is_some());
        let unreported = self.reported.is_none();
        if known && unreported && self.awaits_licence() {
            return true;
        }
        let holds = match role {
            LaneRole::Main => unreported,
            // What the manifest places itself need not wait to be placed.
            LaneRole::Audio if self.root.playlist.places_exactly() && self.puts_sound_first(cx) => {
                unreported
            }
            LaneRole::Audio => unreported || self.offsets.is_empty(),
        };
        known && holds && !self.is_over(role.other())
    }

    /// Takes one thing from a lane. `false`: it has none.
    fn poll_lane(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        role: LaneRole,
        position: Time,
    ) -> bool {
        if role == LaneRole::Main {
            self.consider_abandonment(cx, buffer, position);
        }
        let lane = self.lanes.iter_mut().find(|lane| lane.role == role);
        let Some(lane) = lane else { return false };
        if std::mem::take(&mut lane.loader.is_renewed) && role == LaneRole::Main {
            self.tell_date_ranges(cx);
        }
        let lane = self.lanes.iter_mut().find(|lane| lane.role == role);
        let Some(lane) = lane else { return false };
        let event = lane.loader.poll(cx, &mut self.requests, &mut self.offsets);
        let Some(event) = event else {
            return role == LaneRole::Main && self.take_over(cx);
        };
        match event {
            LoaderEvent::Packet(packet) => {
                self.ask_key_of(cx, role, &packet);
                self.arrived(cx, buffer, role, packet);
            }
            // Only text brings some.
            LoaderEvent::Cues(_) => {}
            LoaderEvent::Info(info) => {
                lane.info = Some(Arc::clone(&info));
                if role == LaneRole::Audio {
                    self.sound_known.get_or_insert(cx.mono());
                }
                self.ask_licence(cx, role, &info);
                self.report_tracks(cx);
            }
            LoaderEvent::Events(events) => self.events_came(cx, events),
            LoaderEvent::Ended => {
                lane.ended = true;
                // By now it is known how long it is.
                self.report_tracks(cx);
                self.report_end();
            }
            LoaderEvent::Failed(failure) => self.lane_failed(cx, role, failure),
            LoaderEvent::Parked(fault) => self.notices.push_back(Notice::Parked(fault)),
            LoaderEvent::Expired(fault) => self.expired(fault),
            LoaderEvent::ClockIsFast(by) => self.correct_clock(cx, by),
            LoaderEvent::Downloaded(download) => {
                if let Some(download) = download {
                    cx.abr.downloaded(&download);
                }
                if role == LaneRole::Main {
                    let took = download.map(|it| it.transfer + it.latency.unwrap_or_default());
                    self.pictures_took = took.unwrap_or(self.pictures_took);
                    // The sound may be far ahead of what is asked for here.
                    let ahead = match self.puts_sound_first(cx) {
                        true => buffer.ahead_of(role.of_pipeline(), position),
                        false => buffer.ahead(position),
                    };
                    self.adapt(cx, ahead);
                }
            }
        }
        true
    }

    /// Puts a packet into the buffer.
    pub(super) fn push(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        role: LaneRole,
        packet: Packet,
    ) {
        if role == LaneRole::Audio {
            if let Some(packet) = self.audio.take(packet) {
                buffer.push(packet);
            }
            return;
        }
        let separate = self.lane(LaneRole::Audio).is_some();
        if separate && self.lane(role).is_some_and(|lane| lane.is_audio(&packet)) {
            // What plays is the audio of its own lane.
            return;
        }
        if self.lane(role).is_some_and(|lane| lane.is_tag(&packet)) {
            return self.tag_came(cx, packet);
        }
        self.note_begun(&packet);
        self.note_segment_start(buffer, &packet);
        if packet.flags.key {
            cx.mark(TimingMark::FirstKeyFrame);
        }
        buffer.push(packet);
    }

    pub(super) fn report_end(&mut self) {
        if !self.lanes.is_empty() && self.lanes.iter().all(|lane| lane.ended) {
            self.notices.push_back(Notice::Ended);
        }
    }

    /// Reports the tracks of all lanes together, when they changed.
    pub(super) fn report_tracks(&mut self, cx: &mut Cx) {
        let Some(main) = self.main_info(cx) else {
            return;
        };
        let audio = match self.lane(LaneRole::Audio) {
            Some(lane) if lane.info.is_none() => return,
            audio => audio.and_then(|lane| lane.info.clone()),
        };
        if self.reported.is_none() && self.awaits_licence() {
            return;
        }
        let mut info = lane::merge(&main, audio.as_deref());
        info.duration = self.index().and_then(SegmentIndex::duration);
        info.seekable = info.duration.is_some();
        for track in &mut info.tracks {
            // A segment's own length says nothing of the track's.
            track.duration = None;
        }
        if self.reported.as_ref().is_some_and(|known| **known == info) {
            return;
        }
        cx.mark(TimingMark::Headers);
        let info = Arc::new(info);
        self.reported = Some(Arc::clone(&info));
        self.notices.push_back(Notice::Info(info));
    }
}
