//! Licences of ClearKey: keys that the tracks of a lane need are asked for before the tracks are reported.

use std::sync::Arc;

use kinora_errors::{Coded, Fault, Secret};
use kinora_fetch::Progress;
use kinora_media::{ByteRange, KeyId, MediaInfo, RequestId};
use kinora_protect::{ContentKey, KeySystem, clear_key};

use super::lane::LaneRole;
use super::requests::{Request, Resource};
use super::{ROOT, Segmented};
use crate::cx::Cx;
use crate::decrypt::{can_open, key_missing};
use crate::ingest::Notice;

/// So many keys are asked for in one session: a stream that rotates them has to come back to old ones.
const MAX_ASKED: usize = 1_024;

/// Each key is asked for once.
#[derive(Debug, Default)]
pub(super) struct Licences {
    asked: Vec<KeyId>,
}

impl Licences {
    /// Those of the keys that were not asked for yet.
    fn new_of(&mut self, wanted: Vec<KeyId>) -> Vec<KeyId> {
        let room = MAX_ASKED.saturating_sub(self.asked.len());
        let new = wanted.into_iter().filter(|id| !self.asked.contains(id));
        let new: Vec<KeyId> = new.take(room).collect();
        self.asked.extend(&new);
        new
    }
}

impl Segmented {
    /// A licence is on its way: what it opens is not known yet.
    pub(super) fn awaits_licence(&self) -> bool {
        self.requests.any(ROOT, Request::is_licence)
    }

    /// The tracks of a lane are known: keys that are missing are asked for where the manifest says.
    pub(super) fn ask_licence(&mut self, cx: &mut Cx, role: LaneRole, info: &MediaInfo) {
        let index = self.lane(role).and_then(|lane| lane.loader.index.as_ref());
        let Some(url) = index.and_then(|index| index.licence.clone()) else {
            return;
        };
        let protections = info.tracks.iter().filter_map(|it| it.protection.as_ref());
        let mut wanted: Vec<KeyId> = protections.flat_map(KeySystem::wanted_keys).collect();
        wanted.retain(|id| cx.keys.ids.get(id).is_none());
        let wanted = self.licences.new_of(wanted);
        if wanted.is_empty() {
            return;
        }
        let place = (url, ByteRange::default());
        let (resource, named_by) = (Resource::Licence(wanted.into()), self.root.names());
        self.requests.start(cx, ROOT, resource, place, named_by);
    }

    pub(super) fn licence_progressed(&mut self, cx: &mut Cx, id: RequestId, progress: Progress) {
        match progress {
            Progress::None | Progress::Head(_) => {}
            Progress::Data(_, data) => {
                let Some(request) = self.requests.entry(id) else {
                    return;
                };
                request.data.extend_from_slice(&data);
                if request.is_too_long() {
                    let flaw = clear_key::LicenceFlaw::TooLong(request.data.len());
                    let fault = kinora_protect::ProtectError::from(flaw).fault();
                    self.licence_failed(cx, id, fault);
                }
            }
            Progress::Done => self.licence_is_here(cx, id),
            Progress::Expired(fault)
            | Progress::Parked(fault)
            | Progress::Elsewhere(fault)
            | Progress::Failed(fault) => self.licence_failed(cx, id, fault),
        }
    }

    fn licence_is_here(&mut self, cx: &mut Cx, id: RequestId) {
        let Some(request) = self.requests.remove(id) else {
            return;
        };
        let url = request.transfer.url().clone();
        // The ids are seen, never the keys.
        let mut keys = Vec::new();
        let ids = cx.tape.try_see("licence", || {
            keys = clear_key::licence(&request.data).map_err(|error| error.fault())?;
            Ok(keys
                .iter()
                .map(|(id, _)| id.to_string())
                .collect::<Vec<_>>())
        });
        let ids = match ids {
            Ok(ids) => ids,
            Err(fault) => return self.without_licence(cx, fault.at_url(url.expose())),
        };
        if keys.is_empty() {
            let known = ids.iter().filter_map(|id| KeyId::from_hex(id));
            keys = known.map(|id| (id, ContentKey::new([0; 16]))).collect();
        }
        let count = keys.len();
        for (id, key) in keys {
            cx.keys.ids.add(id, key);
        }
        match missing_of(cx, &request.resource) {
            Some(id) => self.without_licence(cx, incomplete(id, count, &url)),
            None => self.report_tracks(cx),
        }
    }

    fn licence_failed(&mut self, cx: &mut Cx, id: RequestId, fault: Fault) {
        if let Some(mut request) = self.requests.remove(id) {
            request.transfer.cancel(cx);
            let url = request.transfer.url();
            self.without_licence(cx, fault.at_url(url.expose()));
        }
    }

    /// What is clear, or has its key otherwise, plays all the same; where there is nothing, this is why.
    fn without_licence(&mut self, cx: &mut Cx, fault: Fault) {
        let infos = self.lanes.iter().map(|lane| lane.info.as_ref());
        // What is not known yet may be clear.
        let is_clear = |info: Option<&Arc<MediaInfo>>| {
            info.is_none_or(|info| info.tracks.iter().any(|it| can_open(it, &cx.keys)))
        };
        if self.reported.is_none() && !infos.into_iter().any(is_clear) {
            return self.notices.push_back(Notice::Failed(fault));
        }
        cx.recovered(fault);
        self.report_tracks(cx);
    }
}

/// The first of the keys that were asked for that is not there.
fn missing_of(cx: &Cx, resource: &Resource) -> Option<KeyId> {
    let Resource::Licence(ids) = resource else {
        return None;
    };
    let ids: &Arc<[KeyId]> = ids;
    ids.iter().copied().find(|id| cx.keys.ids.get(id).is_none())
}

fn incomplete(id: KeyId, count: usize, url: &Secret) -> Fault {
    key_missing(id)
        .because(format!("the licence of {count} keys holds none of id {id}"))
        .at_url(url.expose())
}
