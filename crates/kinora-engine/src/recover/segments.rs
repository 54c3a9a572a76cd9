//! What is done about a rendition of which something can not be had or read. A request that fails is asked again by its
//! transfer first; what comes here failed for good.

use kinora_errors::Fault;

use super::{is_gone, may_come_back};

/// So many segments in a row may be lost; more are a fault of the stream.
const MAX_LOST_IN_A_ROW: u32 = 3;

/// So many of a live stream are passed over until the first one comes.
const MAX_LOST_BEFORE_LIVE: u32 = 8;

/// What could not be had or read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failed {
    /// The request for the playlist, or for its next version.
    PlaylistRequest,
    /// What the playlist, a key or an init section says.
    Description,
    /// The request for a segment.
    SegmentRequest,
    /// What a segment holds.
    SegmentContent {
        /// A wrong key makes noise of all segments.
        encrypted: bool,
    },
}

/// What else there is to play.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Alternative {
    /// Another rendition of the same.
    Other,
    /// None; without it the rest of the presentation plays on.
    WithoutIt,
    /// None: it was named, is being read, or everything else failed.
    None,
}

/// What is known of the rendition that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenditionState {
    /// Its playlist grows.
    pub(crate) live: bool,
    /// Nothing comes behind the segment.
    pub(crate) last: bool,
    /// Segments lost in a row, this one included.
    pub(crate) lost_in_a_row: u32,
    /// Something of the presentation is known: it does not begin with the loss.
    pub(crate) begun: bool,
    pub(crate) alternative: Alternative,
    /// By the clock the segment has just come to be: the clock may be wrong.
    pub(crate) just_due: bool,
}

/// What is done about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// The playlist is asked for again when it is due.
    ReloadLater,
    /// The segment is not there yet: the clock is wrong, and is corrected.
    NotYet,
    /// The segment is a gap, as one is that the playlist calls so.
    Gap,
    /// Another rendition goes on.
    SwitchRendition,
    /// The presentation plays on without it.
    GoOnWithout,
    /// The presentation fails.
    GiveUp,
}

pub(crate) fn decide(fault: &Fault, failed: Failed, state: RenditionState) -> Decision {
    let few = state.lost_in_a_row <= MAX_LOST_IN_A_ROW;
    let gap = match failed {
        Failed::PlaylistRequest if state.live && may_come_back(fault) => {
            return Decision::ReloadLater;
        }
        Failed::SegmentRequest if state.live && state.just_due && is_gone(fault) => {
            return Decision::NotYet;
        }
        // A live stream goes on without a segment that is gone; one of which nothing ever came is none.
        Failed::SegmentRequest
            if state.live && (state.begun || state.lost_in_a_row <= MAX_LOST_BEFORE_LIVE) =>
        {
            return Decision::Gap;
        }
        Failed::SegmentContent { encrypted: false } if few && !state.last => return Decision::Gap,
        Failed::SegmentRequest => few && is_gone(fault) && (state.begun || !state.last),
        _ => false,
    };
    match state.alternative {
        Alternative::Other => Decision::SwitchRendition,
        _ if gap => Decision::Gap,
        Alternative::WithoutIt => Decision::GoOnWithout,
        Alternative::None => Decision::GiveUp,
    }
}

/// The same of a rendition of text, which nothing else waits for: what is missing of it is passed over.
pub(crate) fn decide_text(fault: &Fault, failed: Failed, live: bool) -> Decision {
    match failed {
        Failed::SegmentRequest | Failed::SegmentContent { encrypted: false } => Decision::Gap,
        Failed::PlaylistRequest if live && may_come_back(fault) => Decision::ReloadLater,
        // Noise is all that would come.
        Failed::SegmentContent { encrypted: true }
        | Failed::PlaylistRequest
        | Failed::Description => Decision::GoOnWithout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_errors::{Retry, codes};

    const VOD: RenditionState = RenditionState {
        live: false,
        last: false,
        lost_in_a_row: 1,
        begun: true,
        alternative: Alternative::None,
        just_due: false,
    };
    const LIVE: RenditionState = RenditionState { live: true, ..VOD };
    const DAMAGE: Failed = Failed::SegmentContent { encrypted: false };

    fn status(status: u16) -> Fault {
        Fault::new(codes::ERROR_NETWORK_HTTP_4XX, "http.status")
            .retry_class(Retry::Never)
            .with(|context| context.http_status = Some(status))
    }

    #[test]
    fn another_rendition_comes_before_a_gap() {
        let with = |alternative| RenditionState { alternative, ..VOD };
        let of = |state| decide(&status(404), Failed::SegmentRequest, state);
        assert_eq!(of(with(Alternative::Other)), Decision::SwitchRendition);
        assert_eq!(of(with(Alternative::WithoutIt)), Decision::Gap);
        assert_eq!(of(VOD), Decision::Gap);
    }

    #[test]
    fn only_what_the_server_has_lost_is_a_gap_of_vod() {
        let of = |number| decide(&status(number), Failed::SegmentRequest, VOD);
        assert_eq!(
            [404, 410, 403, 451].map(of),
            [
                Decision::Gap,
                Decision::Gap,
                Decision::GiveUp,
                Decision::GiveUp
            ]
        );
        let row = RenditionState {
            lost_in_a_row: MAX_LOST_IN_A_ROW + 1,
            ..VOD
        };
        let all = RenditionState {
            begun: false,
            last: true,
            ..VOD
        };
        for state in [row, all] {
            let decision = decide(&status(404), Failed::SegmentRequest, state);
            assert_eq!(decision, Decision::GiveUp, "{state:?}");
        }
    }

    #[test]
    fn a_live_stream_goes_on_without_a_segment_and_waits_for_its_playlist() {
        let of = |number, failed| decide(&status(number), failed, LIVE);
        assert_eq!(of(451, Failed::SegmentRequest), Decision::Gap);
        let nothing = RenditionState {
            begun: false,
            lost_in_a_row: MAX_LOST_BEFORE_LIVE + 1,
            ..LIVE
        };
        let decision = decide(&status(404), Failed::SegmentRequest, nothing);
        assert_eq!(decision, Decision::GiveUp, "nothing ever came");
        assert_eq!(of(404, Failed::PlaylistRequest), Decision::ReloadLater);
        assert_eq!(of(451, Failed::PlaylistRequest), Decision::GiveUp);
        assert_eq!(of(404, Failed::Description), Decision::GiveUp);
        let vod = decide(&status(404), Failed::PlaylistRequest, VOD);
        assert_eq!(vod, Decision::GiveUp);
    }

    #[test]
    fn a_segment_that_is_due_by_the_clock_alone_is_waited_for() {
        let due = RenditionState {
            just_due: true,
            ..LIVE
        };
        let of = |number, state| decide(&status(number), Failed::SegmentRequest, state);
        assert_eq!(of(404, due), Decision::NotYet);
        assert_eq!(of(451, due), Decision::Gap);
        assert_eq!(of(404, LIVE), Decision::Gap);
    }

    #[test]
    fn damage_is_a_gap_unless_it_is_all_there_is() {
        let of = |failed, state| decide(&status(200), failed, state);
        let other = RenditionState {
            alternative: Alternative::Other,
            ..VOD
        };
        assert_eq!(of(DAMAGE, VOD), Decision::Gap);
        assert_eq!(of(DAMAGE, other), Decision::Gap, "it may be so in all");
        let last = RenditionState { last: true, ..VOD };
        assert_eq!(of(DAMAGE, last), Decision::GiveUp);
        let noise = Failed::SegmentContent { encrypted: true };
        assert_eq!(of(noise, VOD), Decision::GiveUp);
    }

    #[test]
    fn without_audio_the_video_plays_on() {
        let audio = RenditionState {
            alternative: Alternative::WithoutIt,
            ..VOD
        };
        let decision = decide(&status(403), Failed::SegmentRequest, audio);
        assert_eq!(decision, Decision::GoOnWithout);
    }
}
