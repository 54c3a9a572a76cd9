//! A DASH presentation: its manifest, and the first piece of every set that plays.

use bytes::Bytes;
use kinora_container::mp4::sidx;
use kinora_errors::{Coded as _, Fault, codes, mask_url};
use kinora_manifest::dash::{self, Mpd, Period, Purpose, Representation, Resource};
use kinora_manifest::policy;
use kinora_media::Time;

use crate::check::{Check, CheckKind};
use crate::media::{Held, describe, held, yes_or_no};
use crate::run::Run;
use crate::stream::{base_of, line};

/// No more sets are looked at.
const MAX_SETS: usize = 12;
/// Segments of a representation that are counted.
const MAX_SEGMENTS: usize = 10_000;

impl Run<'_> {
    /// Checks the manifest, and of each set the first segment that is there.
    pub(crate) fn manifest(&mut self, url: &str) {
        let check = Check::new(CheckKind::Playlist).url("url", url);
        let reply = match self.fetch(url, Default::default(), None) {
            Ok(reply) => reply,
            Err(fault) => return self.add(check.failed(fault)),
        };
        let found = reply.info.final_url.as_deref().unwrap_or(url).to_owned();
        let Some(base) = base_of(&found) else {
            let fault = Fault::new(codes::ERROR_DEMUXER_OPENURL, "dash.uri").at_url(&found);
            return self.add(check.failed(fault));
        };
        let check = check.fact("bytes", reply.body.len());
        let mpd = match dash::parse(&reply.body, &base, &dash::Limits::default()) {
            Ok(mpd) => mpd,
            Err(error) => {
                let text = line(&reply.body, error.line);
                let check = check.fact("line", error.line).maybe("text", text);
                return self.add(check.failed(error.fault().at_url(&found)));
            }
        };
        let check = check
            .fact("periods", mpd.periods.len())
            .maybe("duration", mpd.total_duration())
            .fact("live", yes_or_no(mpd.is_dynamic()));
        let left_out = mpd.ignored.iter().map(ToString::to_string);
        self.add(left_out.fold(check, Check::note));
        let own = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let own = own.map(Time::from).unwrap_or_default();
        let now = reply.info.server_date_ms.map_or(own, Time::from_millis);
        let first = mpd.periods.iter().find(|it| !it.adaptation_sets.is_empty());
        let Some(period) = first else { return };
        let sets = period.adaptation_sets.iter();
        for set in sets.filter(|it| it.purpose == Purpose::Main).take(MAX_SETS) {
            for it in set.representations.iter().take(1) {
                self.representation(&mpd, period, it, now);
            }
        }
    }

    fn representation(&mut self, mpd: &Mpd, period: &Period, it: &Representation, now: Time) {
        let check = Check::new(CheckKind::Segment)
            .fact("rendition", &*it.id)
            .fact("place", "first");
        match self.first_segment(mpd, period, it, now) {
            Ok((number, held)) => {
                let tracks = held.info.tracks.iter().map(describe);
                let tracks: Vec<String> = tracks.collect();
                let check = check.fact("number", number).fact("packets", held.packets);
                self.add(
                    tracks
                        .into_iter()
                        .fold(check, |check, it| check.fact("track", it)),
                );
                self.codecs(&held.info, mpd.url.as_str());
            }
            Err(fault) => self.add(check.failed(fault)),
        }
    }

    /// Fetches and reads the newest segment's like: the first one that is there.
    fn first_segment(
        &self,
        mpd: &Mpd,
        period: &Period,
        it: &Representation,
        now: Time,
    ) -> Result<(u64, Held), Fault> {
        let located = |error: dash::DashError| error.fault().at_url(mpd.url.as_str());
        let base = it.base(&mpd.url);
        let init = it.initialization(&base).map_err(located)?;
        let init = init.map(|it| self.bytes(mpd, &it)).transpose()?;
        let segments = it.available(mpd, &base, period, now, MAX_SEGMENTS);
        let segment = segments.map_err(located)?.into_iter().next();
        let Some(mut segment) = segment else {
            let fault = Fault::new(codes::ERROR_DEMUXER_OPENURL, "dash.segments.none");
            return Err(fault
                .because("the manifest names no segment")
                .at_url(mpd.url.as_str()));
        };
        if let Some(index) = it.index(&base).map_err(located)? {
            let data = self.bytes(mpd, &index)?;
            let references = sidx::parse(&data, index.range.start);
            let references =
                references.map_err(|error| error.fault().at_url(index.url.as_str()))?;
            if let Some(first) = references.first() {
                segment.resource.range = first.range;
            }
        }
        let data = self.bytes(mpd, &segment.resource)?;
        let held = held(init, data).map_err(|it| it.at_url(segment.resource.url.as_str()))?;
        Ok((segment.number, held))
    }

    fn bytes(&self, mpd: &Mpd, at: &Resource) -> Result<Bytes, Fault> {
        let refused =
            |error: policy::UrlPolicyError| error.fault().at_url(&mask_url(at.url.as_str()));
        policy::may_fetch(&mpd.url, &at.url).map_err(refused)?;
        let reply = self.fetch(at.url.as_str(), at.range, Some(mpd.url.as_str()))?;
        Ok(reply.body)
    }
}
