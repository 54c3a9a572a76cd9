//! A playlist that moved: requests that were refused go on by its new version.

use kinora_errors::{Fault, Secret};

use super::{Loader, Offer, Task};
use crate::cx::Cx;
use crate::ingest::hls::plan::{Key, Segment};

impl Loader {
    /// The playlist moved: what waits for a fresh credential goes on with the URLs that it names.
    pub(in crate::ingest::hls) fn renew(&mut self, cx: &mut Cx, url: &Secret) {
        (self.asked, self.url) = (url.clone(), url.clone());
        self.renewing = true;
        // They are mended together with what was told.
        self.offers
            .retain(|offer| !matches!(offer, Offer::Expired(_)));
        self.drop_jobs(cx, |job| matches!(job.task, Task::Playlist));
        self.ask_playlist(cx);
    }

    /// Requests that were refused are made again by the newest playlist.
    pub(super) fn revive(&mut self, cx: &mut Cx) {
        let Some(plan) = &self.plan else { return };
        for job in self.jobs.iter_mut().filter(|job| job.transfer.is_parked()) {
            if let Task::Segment(number) = job.task
                && let Some(segment) = plan.segment(number)
            {
                job.transfer.renew(cx, segment.url.clone());
            }
        }
        // Keys and init sections are asked for by their new URLs together with the segment.
        for load in &mut self.loads {
            if let Some(segment) = plan.segment(load.segment.number) {
                load.segment = segment.clone();
            }
        }
        let wanted: Vec<Segment> = self.loads.iter().map(|load| load.segment.clone()).collect();
        self.drop_jobs(cx, |job| job.transfer.is_parked());
        for segment in wanted {
            if let Some(Key::Aes128 { url, .. }) = segment.key.as_deref() {
                self.want_key(cx, url);
            }
            if let Some(init) = segment.init {
                self.want_init(cx, init);
            }
        }
    }

    /// A request was refused because its address is too old.
    pub(super) fn expired(&mut self, cx: &mut Cx, at: usize, fault: Fault) {
        let Some(job) = self.jobs.get_mut(at) else {
            return;
        };
        let plan = self.plan.as_ref();
        let newest = match &job.task {
            Task::Segment(number) => plan
                .and_then(|plan| plan.segment(*number))
                .map(|it| &it.url),
            _ => None,
        };
        // It was asked for before the newest playlist came.
        if let Some(url) = newest.filter(|url| url.expose() != job.transfer.url().expose()) {
            return job.transfer.renew(cx, url.clone());
        }
        let awaited = self.renewing && !matches!(job.task, Task::Playlist);
        if !awaited {
            self.offers.push_back(Offer::Expired(fault));
        }
    }
}
