//! What `recover` decided about a rendition that failed, carried out.

use kinora_media::{CodecId, Time};

use super::lane::LaneRole;
use super::loader::Failure;
use super::variants::Selection;
use super::{Segmented, audio};
use crate::RenditionChoice;
use crate::cx::{Cx, Renditions};
use crate::ingest::Notice;
use crate::recover::segments::{Alternative, Decision, RenditionState, decide};

impl Segmented {
    pub(super) fn lane_failed(&mut self, cx: &mut Cx, role: LaneRole, failure: Failure) {
        if self.search.is_some() {
            return self.search_failed(cx, failure);
        }
        let alternative = self.alternative(cx, role);
        let begun = self.reported.is_some();
        let lane = self.lanes.iter_mut().find(|lane| lane.role == role);
        let Some(lane) = lane else { return };
        let loader = &mut lane.loader;
        let state = RenditionState {
            live: loader.is_live(),
            last: failure.last,
            lost_in_a_row: loader.lost_in_a_row(),
            begun,
            alternative,
            just_due: loader.is_just_due(failure.number),
        };
        match decide(&failure.fault, failure.failed, state) {
            Decision::ReloadLater => loader.reload_later(cx),
            Decision::NotYet => self.not_there_yet(cx, role, &failure),
            Decision::Gap => {
                loader.pass_over(cx, failure.number);
                cx.recovered(failure.fault);
            }
            Decision::SwitchRendition => {
                loader.give_up(cx, &mut self.requests, failure.number);
                cx.recovered(failure.fault);
                self.switch_away(cx, role);
            }
            Decision::GoOnWithout => {
                cx.recovered(audio::without(failure.fault));
                self.audio.current_failed();
                self.close_lane(cx, role);
                self.report_tracks(cx);
                self.report_end();
            }
            Decision::GiveUp => {
                loader.give_up(cx, &mut self.requests, failure.number);
                self.notices.push_back(Notice::Failed(failure.fault));
            }
        }
    }

    /// A segment that was to be there by the clock is not: the clock is corrected, and it is asked for again when it is due by
    /// that.
    fn not_there_yet(&mut self, cx: &mut Cx, role: LaneRole, failure: &Failure) {
        let Some(early) = self
            .loader(role)
            .and_then(|it| it.wait_for(cx, failure.number))
        else {
            return;
        };
        cx.recovered(failure.fault.clone().because(
            "the segment is not there yet: the clocks differ, and it is asked for again later",
        ));
        self.correct_clock(cx, early);
    }

    /// By the clock segments are there too early by so much.
    pub(super) fn correct_clock(&mut self, cx: &mut Cx, early: Time) {
        self.root.playlist.clock_is_wrong(early);
        self.doubt_clock(cx);
        self.follow_root(cx);
    }

    /// What else there is in the place of the rendition of a lane.
    fn alternative(&self, cx: &Cx, role: LaneRole) -> Alternative {
        let named: fn(RenditionChoice) -> Option<u32> = match role {
            LaneRole::Main => |choice| choice.video,
            LaneRole::Audio => |choice| choice.audio,
        };
        // One that was named, or is being read, is the only one that will do.
        let settled = match cx.renditions {
            Renditions::Adaptive | Renditions::First | Renditions::KeyPictures => false,
            Renditions::Fixed(choice) => named(choice).is_some() || self.reported.is_some(),
        };
        let other = match role {
            LaneRole::Main => self.variants.alternative().is_some(),
            LaneRole::Audio => self.audio.has_other(),
        };
        match role {
            _ if settled => Alternative::None,
            _ if other => Alternative::Other,
            LaneRole::Audio if !self.variants.is_empty() => Alternative::WithoutIt,
            LaneRole::Main | LaneRole::Audio => Alternative::None,
        }
    }

    /// Another rendition goes on in the place of one that failed.
    fn switch_away(&mut self, cx: &mut Cx, role: LaneRole) {
        match role {
            LaneRole::Main => {
                self.variants.current_failed();
                let from = self.loader(role).map(|loader| loader.resumes());
                let elsewhere = self.leave_pathway();
                let other = elsewhere.or_else(|| self.variants.alternative());
                if let (Some(from), Some(other)) = (from, other) {
                    self.drop_incoming(cx);
                    self.incoming = self.open_variant(cx, other, from);
                }
            }
            LaneRole::Audio => {
                let from = self.audio_resumes();
                self.audio.current_failed();
                self.open_audio(cx, from);
            }
        }
    }

    /// No decoder takes the video of the variant that plays. `true`: another variant will come, once reading begins anew
    /// from the position.
    pub(crate) fn decoder_failed(&mut self, cx: &mut Cx, codec: CodecId) -> bool {
        let adaptive = matches!(cx.renditions, Renditions::Adaptive);
        if !adaptive || self.variants.selection == Selection::Manual {
            return false;
        }
        self.variants.codec_failed(codec);
        let Some(other) = self.variants.eligible_alternative() else {
            return false;
        };
        self.drop_incoming(cx);
        self.incoming = self.open_variant(cx, other, self.start);
        self.incoming.is_some()
    }
}
