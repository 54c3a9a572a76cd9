//! Searching by key pictures: those of a rendition that holds nothing else (EXT-X-I-FRAMES-ONLY, RFC 8216 4.3.3.6), or
//! those that segments begin with.

use std::sync::Arc;

use kinora_media::{MediaInfo, Time};

use super::Segmented;
use super::index::{SegmentIndex, Variant};
use super::lane::{Lane, LaneRole};
use super::loader::{Failure, Loader, StartPosition};
use crate::cx::Cx;
use crate::ingest::manifest_reader::RenditionId;
use crate::recover::segments::Failed;

/// What plays again behind a search.
pub(super) struct Search {
    /// The lanes that rest meanwhile.
    resting: Vec<Lane>,
    reported: Option<Arc<MediaInfo>>,
    /// Where a key picture was looked for last.
    target: Time,
}

impl Segmented {
    pub(crate) fn begin_scan(&mut self, cx: &mut Cx) {
        if self.search.is_some() {
            return;
        }
        self.drop_incoming(cx);
        let of_key_pictures = self.open_key_pictures(cx);
        let by_segments = of_key_pictures.is_none();
        let (reading, resting): (Vec<Lane>, Vec<Lane>) = std::mem::take(&mut self.lanes)
            .into_iter()
            .partition(|lane| by_segments && lane.role == LaneRole::Main);
        self.lanes = reading.into_iter().chain(of_key_pictures).collect();
        for lane in &resting {
            self.requests.cancel(cx, lane.loader.id(), |_| true);
        }
        if let Some(main) = self.loader(LaneRole::Main) {
            main.read_one_at_a_time(true);
        }
        self.search = Some(Search {
            resting,
            reported: self.reported.clone(),
            target: Time::ZERO,
        });
    }

    /// A lane for the rendition of key pictures that is nearest in size to what plays, if there is any.
    fn open_key_pictures(&mut self, cx: &mut Cx) -> Option<Lane> {
        let playing = self.variants.get(self.variants.current)?;
        let height = |variant: &Variant| variant.size.map_or(0, |(_, height)| height);
        let (wanted, codec) = (height(playing), playing.candidate().video_codec());
        let can_decode = |(_, it): &(usize, &Variant)| {
            let own = it.candidate().video_codec();
            own.is_none() || own == codec || own.is_some_and(|id| cx.capabilities.can_decode(id))
        };
        let fits = |(_, it): &(usize, &Variant)| (height(it).abs_diff(wanted), it.bandwidth);
        let all = self.key_pictures.iter().enumerate().filter(can_decode);
        let nearest = match self.key_pictures.is_empty() {
            true => None,
            false => cx
                .tape
                .see("key_pictures", || all.min_by_key(fits).map(|(at, _)| at)),
        };
        let url = self.key_pictures.get(nearest?)?.url.clone();
        let rendition = self.rendition(RenditionId::Variant(0), url);
        let mut loader = Loader::new(self.next_lane(), rendition, StartPosition::Default);
        loader.read_one_at_a_time(true);
        loader.open(cx, &mut self.requests);
        Some(Lane::new(LaneRole::Main, self.variants.current, loader))
    }

    pub(crate) fn end_scan(&mut self, cx: &mut Cx) {
        let Some(search) = self.search.take() else {
            return;
        };
        let rests = |role: LaneRole| search.resting.iter().any(|lane| lane.role == role);
        let over: Vec<_> = self.lanes.iter().filter(|it| rests(it.role)).collect();
        for lane in over {
            self.requests.cancel(cx, lane.loader.id(), |_| true);
        }
        self.lanes.retain(|lane| !rests(lane.role));
        self.lanes.extend(search.resting);
        self.lanes.sort_by_key(|lane| lane.role != LaneRole::Main);
        for lane in &mut self.lanes {
            lane.loader.read_one_at_a_time(false);
        }
        self.reported = search.reported;
        self.notices.clear();
        self.aim = None;
    }

    /// The next key picture is looked for at a time.
    pub(super) fn note_search(&mut self, target: Time) -> bool {
        if let Some(search) = &mut self.search {
            search.target = target;
        }
        self.search.is_some()
    }

    /// Something could not be had or read while key pictures are looked for: what plays is not lost by it.
    pub(super) fn search_failed(&mut self, cx: &mut Cx, failure: Failure) {
        let Some(search) = &self.search else { return };
        let target = search.target;
        let main = self.lane(LaneRole::Main).map(|lane| &lane.loader);
        // A range ends with its picture, whatever its container announces beyond.
        let was_given = main.is_some_and(|main| main.given() == Some(failure.number));
        let of_key_pictures = search.resting.iter().any(|it| it.role == LaneRole::Main);
        if matches!(failure.failed, Failed::SegmentContent { .. }) && was_given {
            return;
        }
        cx.recovered(failure.fault);
        if !of_key_pictures {
            return;
        }
        // Those that the segments begin with are there still.
        self.key_pictures.clear();
        self.end_scan(cx);
        self.begin_scan(cx);
        self.reported = None;
        self.report_tracks(cx);
        if let Some(main) = self.lanes.iter_mut().find(|it| it.role == LaneRole::Main) {
            main.loader.seek(cx, &mut self.requests, target);
        }
    }

    pub(crate) fn key_border(&self, time: Time, forward: bool) -> Option<Time> {
        let index: &SegmentIndex = self.index()?;
        let at = index.at(time)?;
        match forward {
            true => index.segment(at.number + 1).map(|next| next.start),
            false => Some(at.start - Time::from_nanos(1)),
        }
    }
}
