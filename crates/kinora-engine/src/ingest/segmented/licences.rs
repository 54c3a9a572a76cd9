//! Licences of ClearKey: keys that the tracks of a lane need are asked for before the tracks are reported.

use std::sync::Arc;

use kinora_errors::{Coded, Fault, Secret};
use kinora_fetch::Progress;
use kinora_media::{ByteRange, KeyId, MediaInfo, Packet, RequestId};
use kinora_protect::{ContentKey, KeySystem, clear_key};

use super::lane::LaneRole;
use super::requests::{Request, Resource};
use super::{ROOT, Segmented};
use crate::Event;
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
        let protections = info.tracks.iter().filter_map(|it| it.protection.as_ref());
        let wanted = protections.flat_map(KeySystem::wanted_keys).collect();
        self.ask_for_keys(cx, role, wanted);
    }

    /// Samples may name keys that their track does not: those rotate (ISO/IEC 23001-7 6, `seig`).
    pub(super) fn ask_key_of(&mut self, cx: &mut Cx, role: LaneRole, packet: &Packet) {
        if let Some(crypto) = &packet.crypto
            && cx.keys.ids.get(&crypto.key_id).is_none()
            && let Some(id) = self.ask_for_keys(cx, role, vec![crypto.key_id])
        {
            // The application is asked where the licence does not hold it.
            cx.keys.ids.ask(id);
        }
    }

    /// Asks where the manifest says for keys that are missing. Gives the first of them.
    fn ask_for_keys(
        &mut self,
        cx: &mut Cx,
        role: LaneRole,
        mut wanted: Vec<KeyId>,
    ) -> Option<KeyId> {
        wanted.retain(|id| cx.keys.ids.get(id).is_none());
        if wanted.is_empty() {
            return None;
        }
        let index = self.lane(role)?.loader.index.as_ref()?;
        let url = index.licence.clone()?;
        let wanted = self.licences.new_of(wanted);
        let first = wanted.first().copied()?;
        let place = (url, ByteRange::default());
        let (resource, named_by) = (Resource::Licence(wanted.into()), self.root.names());
        self.requests.start(cx, ROOT, resource, place, named_by);
        Some(first)
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
        let missing = missing_of(cx, &request.resource).next();
        match missing {
            Some(id) => {
                ask_application(cx, &request.resource);
                self.without_licence(cx, incomplete(id, count, &url));
            }
            None => self.report_tracks(cx),
        }
    }

    fn licence_failed(&mut self, cx: &mut Cx, id: RequestId, fault: Fault) {
        if let Some(mut request) = self.requests.remove(id) {
            request.transfer.cancel(cx);
            ask_application(cx, &request.resource);
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

/// The keys that were asked for and are not there.
fn missing_of<'a>(cx: &'a Cx, resource: &'a Resource) -> impl Iterator<Item = KeyId> + 'a {
    let ids: &[KeyId] = match resource {
        Resource::Licence(ids) => ids,
        _ => &[],
    };
    ids.iter()
        .copied()
        .filter(|id| cx.keys.ids.get(id).is_none())
}

/// Samples that wait for a key which no licence gives: the application may have it.
fn ask_application(cx: &mut Cx, resource: &Resource) {
    let missing: Vec<KeyId> = missing_of(cx, resource).collect();
    for id in missing {
        if cx.keys.ids.is_awaited(&id) {
            cx.event(Event::KeyRequired(id));
        }
    }
}

fn incomplete(id: KeyId, count: usize, url: &Secret) -> Fault {
    key_missing(id)
        .because(format!("the licence of {count} keys holds none of id {id}"))
        .at_url(url.expose())
}
