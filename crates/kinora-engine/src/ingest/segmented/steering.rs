//! Content steering (RFC 8216bis 7; ETSI TS 103 998): a server says which of several pathways is preferred; one that fails is
//! left for a while. Pathways are variants in HLS; in DASH they are places, which the manifest's reader knows.

use kinora_errors::{Fault, Secret};
use kinora_fetch::Progress;
use kinora_manifest::hls::set_param;
use kinora_media::{ByteRange, RequestId, Time};
use url::Url;

use super::index::{Manifest, Steered, SteeringServer};
use super::requests::Resource;
use super::{ROOT, Segmented};
use crate::cx::Cx;
use crate::ingest::base::malformed;

/// Where the server says nothing, or nothing that can be read, it is asked again then (RFC 8216bis 7.2).
const USUAL_TTL: Time = Time::from_millis(300_000);
/// Who is to be asked before anything plays is waited for so long.
const PATIENCE: Time = Time::from_millis(2_000);
/// It needs nobody any more (RFC 9110 15.5.11).
const GONE: u16 = 410;

/// Who steers, and what was said.
pub(super) struct Steering {
    url: Secret,
    /// When it is asked again.
    due: Option<Time>,
    /// Pathways, the best first.
    priority: Vec<String>,
    /// Those that failed since the server was asked last.
    penalised: Vec<String>,
    /// What waits for the first answer, and until when.
    held: Option<(Time, Box<Manifest>)>,
}

impl Segmented {
    /// The playlist names somebody who steers.
    pub(super) fn begin_steering(&mut self, cx: &mut Cx, server: Option<SteeringServer>) {
        let Some(server) = server.filter(|_| self.steering.is_none()) else {
            return;
        };
        self.steering = Some(Steering {
            url: server.url,
            due: Some(cx.mono()),
            priority: Vec::new(),
            penalised: Vec::new(),
            held: None,
        });
        self.steer_if_due(cx);
    }

    /// The renditions wait until he who steers was asked for the first time, where he is to be. Gives them if they need not.
    pub(super) fn held_for_steering(
        &mut self,
        cx: &mut Cx,
        manifest: Manifest,
    ) -> Option<Manifest> {
        let Manifest::Multivariant { session, .. } = &manifest else {
            return Some(manifest);
        };
        let server = session.steering.clone().filter(|it| it.before_start);
        if server.is_none() || self.steering.is_some() {
            return Some(manifest);
        }
        self.begin_steering(cx, server);
        if let Some(steering) = &mut self.steering {
            steering.held = Some((cx.mono() + PATIENCE, Box::new(manifest)));
        }
        None
    }

    /// He said something, or it took too long: what waited for that goes on.
    fn release(&mut self, cx: &mut Cx) {
        let held = self.steering.as_mut().and_then(|it| it.held.take());
        if let Some((_, manifest)) = held {
            self.described(cx, Ok(*manifest));
        }
    }

    pub(super) fn steering_due(&self) -> Option<Time> {
        let steering = self.steering.as_ref()?;
        let held = steering.held.as_ref().map(|(until, _)| *until);
        crate::present::earliest([steering.due, held])
    }

    pub(super) fn steer_if_due(&mut self, cx: &mut Cx) {
        let Some(steering) = &mut self.steering else {
            return;
        };
        let held = steering.held.as_ref();
        if held.is_some_and(|(until, _)| *until <= cx.mono()) {
            return self.release(cx);
        }
        if steering.due.take_if(|due| *due <= cx.mono()).is_none() {
            return;
        }
        let bandwidth = cx.abr.bandwidth().map(|bits| bits.to_string());
        let (names, pathway) = self.root.playlist.told_to_steer(cx.mono());
        let pathway = self.variants.pathway.clone().or(pathway);
        let url = asked(&steering.url, names.into_iter().zip([pathway, bandwidth]));
        let named_by = self.root.names();
        let place = (url, ByteRange::default());
        self.requests
            .start(cx, ROOT, Resource::Steering, place, named_by);
    }

    pub(super) fn steering_progressed(&mut self, cx: &mut Cx, id: RequestId, progress: Progress) {
        match progress {
            Progress::None => {}
            Progress::Head(info) => {
                if let (Some(steering), Some(url)) = (&mut self.steering, info.final_url) {
                    steering.url = Secret::new(url);
                }
            }
            Progress::Data(_, data) => {
                if let Some(request) = self.requests.entry(id) {
                    request.data.extend_from_slice(&data);
                    if request.is_too_long() {
                        let fault =
                            malformed("what is to steer has no end", request.transfer.url());
                        self.requests
                            .cancel(cx, ROOT, |it| it.resource == Resource::Steering);
                        self.not_steered(cx, fault);
                    }
                }
            }
            Progress::Done => {
                if let Some(request) = self.requests.remove(id) {
                    self.steered(cx, &request.data);
                }
            }
            Progress::Failed(fault)
            | Progress::Elsewhere(fault)
            | Progress::Parked(fault)
            | Progress::Expired(fault) => {
                self.requests
                    .cancel(cx, ROOT, |it| it.resource == Resource::Steering);
                self.not_steered(cx, fault);
            }
        }
    }

    fn steered(&mut self, cx: &mut Cx, text: &[u8]) {
        let Some(steering) = &mut self.steering else {
            return;
        };
        match self.root.playlist.steer(cx, text, &steering.url) {
            Ok(steered) => self.obey(cx, steered),
            Err(fault) => self.not_steered(cx, fault),
        }
    }

    /// Nobody steers for now: what plays goes on.
    fn not_steered(&mut self, cx: &mut Cx, fault: Fault) {
        let gone = fault.context().http_status == Some(GONE);
        if let Some(steering) = &mut self.steering {
            steering.due = (!gone).then(|| cx.mono() + USUAL_TTL);
        }
        cx.recovered(fault.because("the steering server can not be asked: the pathway stays"));
        self.release(cx);
    }

    fn obey(&mut self, cx: &mut Cx, steered: Steered) {
        self.variants.add(cx, steered.variants);
        self.audio.add(steered.audio);
        let Some(steering) = &mut self.steering else {
            return;
        };
        steering.due = Some(cx.mono() + steered.ttl);
        if let Some(url) = steered.url {
            steering.url = url;
        }
        steering.priority = steered.priority;
        // The server knows by now what failed.
        steering.penalised.clear();
        self.variants.forgive();
        let mut preferred = steering.priority.iter();
        if let Some(best) = preferred.find(|id| self.variants.has_pathway(id)) {
            self.variants.pathway = Some(best.clone());
        }
        if self.root.playlist.places_exactly() {
            self.follow_root(cx);
        }
        self.release(cx);
    }

    /// The variant that the user chose is played from the pathway that is preferred now.
    pub(super) fn follow_pathway(&mut self, cx: &mut Cx) {
        let current = self.variants.current;
        let other = self.variants.counterpart(current);
        let moves = self.variants.pathway.is_some();
        if let Some(other) = other.filter(|other| moves && *other != current) {
            self.switch(cx, other);
        }
    }

    /// The pathway fails: the next one by priority is played, until the server is asked again. Gives the variant to go on
    /// with; `None`: there is no other.
    pub(super) fn leave_pathway(&mut self) -> Option<usize> {
        let steering = self.steering.as_mut()?;
        let failed = self.variants.pathway.clone()?;
        steering.penalised.push(failed);
        let all = self.variants.pathways();
        let mut ordered = steering.priority.iter().chain(&all);
        let usable =
            |id: &&String| self.variants.has_pathway(id) && !steering.penalised.contains(*id);
        let next = ordered.find(usable)?.clone();
        let before = self.variants.pathway.replace(next);
        let other = self.variants.counterpart(self.variants.current);
        if other.is_none() {
            self.variants.pathway = before;
        }
        other
    }
}

/// Where a steering manifest is asked for, with what it is told.
fn asked<'a>(url: &Secret, told: impl Iterator<Item = (&'a str, Option<String>)>) -> Secret {
    let Ok(mut parsed) = Url::parse(url.expose()) else {
        return url.clone();
    };
    if !matches!(parsed.scheme(), "http" | "https") {
        return url.clone();
    }
    for (name, value) in told {
        if let Some(value) = value {
            // It may stand there already: where he was found, he was asked so.
            set_param(&mut parsed, name, &value);
        }
    }
    Secret::new(parsed.as_str())
}
