//! A seek ends in the segment that holds its target. By the manifest, whose durations are rounded (RFC 8216 4.3.2.1), that
//! may seem to be another one: where the first packet that comes says so, a neighbour is read instead.

use kinora_media::{Packet, Time, TrackKind};

use super::Segmented;
use super::lane::LaneRole;
use super::loader::StartPosition;
use crate::SeekAccuracy;
use crate::cx::Cx;
use crate::ingest::Buffer;
use crate::queue::is_shown_by;

/// Packets of audio that come before the first video frame of a segment, which decides.
const MAX_HELD: usize = 512;
/// So many segments are tried: some manifests name durations that are far from the truth.
const MAX_STEPS: u32 = 8;

/// Where neighbours may be tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Course {
    /// On both sides.
    Free,
    /// Only further back.
    Back,
}

/// A seek whose first video frame has not come yet.
#[derive(Debug)]
pub(super) struct SeekAim {
    target: Time,
    accuracy: SeekAccuracy,
    held: Vec<Packet>,
    course: Course,
    steps: u32,
}

impl SeekAim {
    fn at(target: Time, accuracy: SeekAccuracy) -> Self {
        Self {
            target,
            accuracy,
            held: Vec::new(),
            course: Course::Free,
            steps: 0,
        }
    }
}

impl Segmented {
    pub(crate) fn seek(&mut self, cx: &mut Cx, target: Time, accuracy: SeekAccuracy) {
        self.notices.clear();
        self.aim = Some(SeekAim::at(target, accuracy));
        self.start = StartPosition::At(target);
        self.forget_throughput();
        self.starts.clear();
        self.variants.forgive();
        self.install(cx, self.start);
        let main = self
            .lanes
            .iter_mut()
            .find(|lane| lane.role == LaneRole::Main);
        if let Some(main) = main {
            main.ended = false;
            main.loader.seek(cx, &mut self.requests, target);
        }
        if self.note_search(target) {
            return;
        }
        self.seek_audio(cx, target);
        self.seek_text(cx, target);
    }

    /// Only the audio goes to a time.
    pub(crate) fn seek_audio(&mut self, cx: &mut Cx, target: Time) {
        self.audio.given_until = None;
        let language = cx.config.audio_language.clone();
        if self.audio.forgive(language.as_deref()) {
            return self.open_audio(cx, StartPosition::At(target));
        }
        let audio = self
            .lanes
            .iter_mut()
            .find(|lane| lane.role == LaneRole::Audio);
        if let Some(audio) = audio {
            audio.ended = false;
            audio.loader.seek(cx, &mut self.requests, target);
        }
    }

    /// Takes a packet of a lane. What comes first of the main one after a seek waits for the first video frame: where that
    /// is shown only after the target of an exact seek, reading begins a segment earlier; where its segment ends before
    /// the target, in the one that holds it.
    pub(super) fn arrived(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        role: LaneRole,
        packet: Packet,
    ) {
        let aim = self.aim.take_if(|_| role == LaneRole::Main);
        let lane = self.lanes.iter_mut().find(|lane| lane.role == role);
        let (Some(mut aim), Some(lane)) = (aim, lane) else {
            return self.push(cx, buffer, role, packet);
        };
        if !lane.leads(&packet) && aim.held.len() < MAX_HELD {
            aim.held.push(packet);
            self.aim = Some(aim);
            return;
        }
        let has_video = lane.info.as_ref();
        let has_video = has_video.is_some_and(|info| info.first(TrackKind::Video).is_some());
        let exact = aim.accuracy == SeekAccuracy::Exact;
        let late = exact && has_video && !is_shown_by(packet.pts, aim.target);
        let requests = &mut self.requests;
        let moves = aim.steps < MAX_STEPS
            && match (late, aim.course) {
                (true, _) => lane.loader.step_back(cx, requests),
                (false, Course::Free) => lane.loader.step_on(cx, requests, aim.target),
                (false, Course::Back) => false,
            };
        if moves {
            aim.held.clear();
            aim.steps += 1;
            if late {
                aim.course = Course::Back;
            }
            self.aim = Some(aim);
            return;
        }
        for held in aim.held {
            self.push(cx, buffer, role, held);
        }
        self.push(cx, buffer, role, packet);
    }
}
