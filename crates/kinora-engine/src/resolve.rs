//! From a video id and a credential to a URL: the call GetPlayInfo, signed anew for each try.

use std::sync::Arc;

use bytes::BytesMut;
use kinora_cloud::{
    ClockSkew, CloudError, Definition, Entry, PlayInfo, Quality, UnixTime, VidSource, VideoBase,
    choose, get_play_info, parse_play_info,
};
use kinora_container::ContainerKind;
use kinora_errors::{Coded, Fault, Retry, Secret, codes};
use kinora_media::{ByteRange, RequestId, Time, TrackKind};

use crate::cx::Cx;
use crate::tape::Place;
use crate::transfer::{Progress, Terms, Transfer, Want};
use crate::{Credential, Initiator, Purpose, Refusal, TimingMark, TrackOption};

/// Formats that can be played here, best first: the service names them as files end.
fn playable_formats() -> Vec<&'static str> {
    let playable = ContainerKind::ALL.iter().filter(|kind| kind.is_playable());
    playable
        .filter_map(|kind| kind.extensions().first().copied())
        .collect()
}

/// A reply beyond that is none.
const LONGEST_REPLY: usize = 1 << 20;

/// The rendition that a player takes of what the service offers.
///
/// # Errors
/// When nothing is offered, nothing fits the wish or can be played here, or all of it is encrypted by the vendor's scheme.
pub fn entry_to_play(info: &PlayInfo, quality: Quality) -> Result<&Entry, CloudError> {
    choose(
        info,
        quality.definition,
        quality.forced,
        &playable_formats(),
    )
}

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Resolved {
    /// Not yet known.
    Pending,
    /// The video is to be had there.
    Url(Secret),
    /// It can not be had.
    Failed(Fault),
}

/// The time that calls are signed at.
#[derive(Default)]
struct Clock {
    /// What the last answer told of this machine's clock.
    told: Option<ClockSkew>,
    /// Calls are signed by the server's clock.
    corrected: Option<ClockSkew>,
}

/// A source named by its video id.
pub(crate) struct Resolve {
    source: VidSource,
    call: Option<(Transfer, BytesMut, u16)>,
    clock: Clock,
    info: Option<PlayInfo>,
    chosen: Option<usize>,
}

impl Resolve {
    pub(crate) fn new(source: VidSource) -> Self {
        Self {
            source,
            call: None,
            clock: Clock::default(),
            info: None,
            chosen: None,
        }
    }

    /// Makes the call.
    pub(crate) fn ask(&mut self, cx: &mut Cx) -> Result<(), Fault> {
        self.cancel(cx);
        let url = self.signed(cx)?;
        let want = Want {
            purpose: Purpose::Api,
            url,
            range: ByteRange::default(),
            initiator: Initiator::User,
        };
        let transfer = Transfer::start(cx, want, LONGEST_REPLY as u64);
        self.call = Some((transfer, BytesMut::new(), 0));
        Ok(())
    }

    fn signed(&self, cx: &mut Cx) -> Result<Secret, Fault> {
        let nonce = format!("{:016x}{:016x}", cx.random(), cx.random());
        let own = cx.now.unix_ms;
        let skew = self.clock.corrected;
        let now = skew.map_or_else(|| UnixTime::from_millis(own), |skew| skew.server_time(own));
        let signed = cx.tape.try_see("signed", || {
            let signed = get_play_info(&self.source, &nonce, now);
            let signed = signed.map_err(|error| error.fault())?;
            Ok(Place(signed.url.into_secret()))
        });
        signed.map(|Place(url)| url)
    }

    pub(crate) fn owns(&self, id: RequestId) -> bool {
        self.call
            .as_ref()
            .is_some_and(|(transfer, ..)| transfer.is(id))
    }

    /// Lets the call's transfer take an input.
    pub(crate) fn route(
        &mut self,
        cx: &mut Cx,
        act: impl FnOnce(&mut Cx, &mut Transfer) -> Progress,
    ) -> Resolved {
        let Some((transfer, ..)) = &mut self.call else {
            return Resolved::Pending;
        };
        let progress = act(cx, transfer);
        self.take(cx, progress)
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx, terms: Terms) -> Resolved {
        let due = self
            .call
            .as_ref()
            .is_some_and(|(transfer, ..)| transfer.is_waiting());
        if due && self.deadline(cx).is_some_and(|at| at <= cx.mono()) {
            // A nonce is good for one call only.
            match self.signed(cx) {
                Ok(url) => {
                    if let Some((transfer, body, _)) = &mut self.call {
                        transfer.restart_at(url);
                        body.clear();
                    }
                }
                Err(fault) => return self.fail(cx, fault),
            }
        }
        self.route(cx, |cx, transfer| transfer.on_time(cx, terms))
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        self.call
            .as_ref()
            .and_then(|(transfer, ..)| transfer.deadline(cx))
    }

    fn take(&mut self, cx: &mut Cx, progress: Progress) -> Resolved {
        let Some((transfer, body, status)) = &mut self.call else {
            return Resolved::Pending;
        };
        match progress {
            Progress::None => {}
            Progress::Head(info) => {
                *status = info.status.unwrap_or(200);
                let server = info.server_date_ms;
                self.clock.told = server.and_then(|ms| ClockSkew::between(ms, cx.now.unix_ms));
            }
            Progress::Data(_, data) if body.len() + data.len() > LONGEST_REPLY => {
                transfer.cancel(cx);
                let fault = Fault::new(codes::ERROR_SERVER_WRONG_JSON, "service.reply.too_long")
                    .because("the service's reply has no end");
                return self.fail(cx, fault);
            }
            Progress::Data(_, data) => body.extend_from_slice(&data),
            Progress::Done => return self.read(cx),
            Progress::Expired(fault) | Progress::Parked(fault) | Progress::Failed(fault) => {
                let fault = if is_service_fault(&fault) {
                    fault
                } else {
                    not_reached(&fault)
                };
                return self.fail(cx, fault);
            }
        }
        Resolved::Pending
    }

    fn read(&mut self, cx: &mut Cx) -> Resolved {
        let Some((mut transfer, body, status)) = self.call.take() else {
            return Resolved::Pending;
        };
        cx.mark(TimingMark::PlayInfo);
        let read = cx.tape.try_see("play_info", || {
            let info = parse_play_info(status, &body).map_err(|error| error.fault())?;
            Ok(match cx.tape.is_off() {
                true => info,
                false => untitled(info),
            })
        });
        match read {
            Ok(info) => {
                transfer.mended(cx);
                self.info = Some(info);
                self.choose()
            }
            Err(fault) if ClockSkew::is_blamed_by(&fault) => self.mistimed(cx, fault),
            Err(fault) if matches!(fault.retry(), Retry::Backoff | Retry::Now) => {
                let progress = transfer.on_refused(cx, fault, Terms::default());
                self.call = Some((transfer, BytesMut::new(), 0));
                self.take(cx, progress)
            }
            Err(fault) => Resolved::Failed(fault),
        }
    }

    /// The service says that the call was signed at a wrong time: it is signed once more, by the service's own clock.
    fn mistimed(&mut self, cx: &mut Cx, fault: Fault) -> Resolved {
        let explained = |skew: ClockSkew, fault| Resolved::Failed(skew.explain(fault));
        match (self.clock.corrected, self.clock.told) {
            (Some(skew), _) => explained(skew, fault),
            (None, None) => Resolved::Failed(fault),
            (None, Some(skew)) => {
                self.clock.corrected = Some(skew);
                match self.ask(cx) {
                    Ok(()) => {
                        cx.recovered(skew.explain(fault));
                        Resolved::Pending
                    }
                    Err(fault) => Resolved::Failed(fault),
                }
            }
        }
    }

    fn choose(&mut self) -> Resolved {
        let Some(info) = &self.info else {
            return Resolved::Pending;
        };
        let quality = self.source.quality();
        let wish = match self
            .chosen
            .and_then(|at| info.play_info_list.play_info.get(at))
        {
            Some(entry) => entry.definition(),
            None => quality.definition,
        };
        let wish = Quality {
            definition: wish,
            ..quality
        };
        match entry_to_play(info, wish) {
            Ok(entry) => {
                self.chosen = info
                    .play_info_list
                    .play_info
                    .iter()
                    .position(|known| known == entry);
                Resolved::Url(entry.play_url.clone().into_secret())
            }
            Err(error) => Resolved::Failed(error.fault()),
        }
    }

    fn fail(&mut self, cx: &mut Cx, fault: Fault) -> Resolved {
        self.cancel(cx);
        Resolved::Failed(fault)
    }

    pub(crate) fn cancel(&mut self, cx: &mut Cx) {
        if let Some((mut transfer, ..)) = self.call.take() {
            transfer.cancel(cx);
        }
    }

    /// Takes a fresh credential. `false`: it is of another kind than this source's.
    pub(crate) fn refresh(&mut self, credential: Credential) -> bool {
        match (&mut self.source, credential) {
            (VidSource::Auth(source), Credential::PlayAuth(play_auth)) => {
                source.play_auth = play_auth
            }
            (
                VidSource::Sts(source),
                Credential::Sts {
                    access_key_id,
                    access_key_secret,
                    security_token,
                },
            ) => {
                source.access_key_id = access_key_id;
                source.access_key_secret = access_key_secret;
                source.security_token = security_token;
            }
            _ => return false,
        }
        true
    }

    /// Takes another definition, by its index in [`options`](Self::options); `None` for the one that plays.
    pub(crate) fn select(&mut self, index: u32) -> Result<Option<Secret>, Refusal> {
        let entries = self.info.iter().flat_map(|it| &it.play_info_list.play_info);
        let mut indexed = (0u32..).zip(entries).enumerate();
        let entry = indexed.find(|(_, (number, _))| *number == index);
        let (at, (_, entry)) = entry.ok_or(Refusal::NoSuchTrack)?;
        if !is_playable(entry) {
            return Err(Refusal::NotPlayable);
        }
        let is_new = self.chosen.replace(at) != Some(at);
        Ok(is_new.then(|| entry.play_url.clone().into_secret()))
    }

    /// The definitions that the service offers; `None` when there is but one.
    pub(crate) fn options(&self) -> Option<Arc<[TrackOption]>> {
        let entries = &self.info.as_ref()?.play_info_list.play_info;
        if entries.len() < 2 {
            return None;
        }
        let pixels = |number: u64| u32::try_from(number).ok().filter(|pixels| *pixels > 0);
        let option = |(at, entry): (usize, &Entry)| TrackOption {
            index: u32::try_from(at).unwrap_or(u32::MAX),
            kind: if entry.stream_type == "audio" {
                TrackKind::Audio
            } else {
                TrackKind::Video
            },
            label: entry.definition().map_or_else(
                || entry.definition.clone(),
                |known: Definition| known.to_string(),
            ),
            size: pixels(entry.width).zip(pixels(entry.height)),
            bitrate: bits_per_second(entry.bitrate),
            selected: self.chosen == Some(at),
        };
        Some(entries.iter().enumerate().map(option).collect())
    }
}

/// From kbit/s as a reply gives them.
fn bits_per_second(kilobits: f64) -> Option<u64> {
    // Saturates, and no rendition comes near to that.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bits = (kilobits * 1_000.0).round() as u64;
    (bits > 0).then_some(bits)
}

fn is_playable(entry: &Entry) -> bool {
    playable_formats()
        .iter()
        .any(|format| entry.format.eq_ignore_ascii_case(format))
        && !entry.play_url.is_empty()
}

/// The service has spoken; it was not the network.
fn is_service_fault(fault: &Fault) -> bool {
    fault.code().number() >> 16 == 0x2001
}

/// What became of a call when the network ended it.
fn not_reached(fault: &Fault) -> Fault {
    // Somebody answered, but no service does so: asking again would get the same.
    let unheard_of = fault.reason().starts_with("http.redirect");
    let told = if unheard_of {
        Fault::new(codes::ERROR_UNKNOWN_ERROR, "service.unmapped")
            .because(format!(
                "something else than the video service answered: {fault}"
            ))
            .retry_class(Retry::AfterUser)
    } else {
        Fault::new(codes::ERROR_REQUEST_FAIL, "service.not_reached")
            .because(format!("the video service could not be asked: {fault}"))
            .retry_class(Retry::Backoff)
    };
    with_causes(told, fault)
}

fn with_causes(mut told: Fault, fault: &Fault) -> Fault {
    for cause in fault.causes() {
        told = told.because(cause.0.clone());
    }
    let context = fault.context().clone();
    told.with(|own| *own = context)
}

/// What a viewer would know the video by is not written down.
fn untitled(mut info: PlayInfo) -> PlayInfo {
    info.video_base = VideoBase {
        video_id: info.video_base.video_id,
        status: info.video_base.status,
        ..VideoBase::default()
    };
    info
}
