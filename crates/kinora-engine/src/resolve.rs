//! From a video id and a credential to a URL: the call GetPlayInfo, signed anew for each try.

use std::sync::LazyLock;

use std::sync::Arc;

use bytes::BytesMut;
use kinora_cloud::{
    ClockSkew, CloudError, Definition, PlayInfo, PlayInfoEntry, Quality, UnixTime, VidSource,
    VideoBase, choose, get_play_info, parse_play_info,
};
use kinora_container::ContainerKind;
use kinora_errors::{Coded, Fault, Secret, codes};
use kinora_fetch::{Progress, RequestSpec, RetryContext, Transfer};
use kinora_media::{ByteRange, Header, RequestId, Time, TrackKind};

use crate::cx::Cx;
use crate::recover::{self, CallRecovery, SigningClock};
use crate::tape::Place;
use crate::{Credential, Initiator, Input, Purpose, Refusal, TimingMark, TrackOption};

/// Formats that can be played here, best first: the service names them as files end.
static PLAYABLE_FORMATS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let playable = ContainerKind::ALL.iter().filter(|kind| kind.is_playable());
    playable
        .filter_map(|kind| kind.extensions().first().copied())
        .collect()
});

/// A reply beyond that is none.
const MAX_REPLY: usize = 1 << 20;

/// The rendition that a player takes of what the service offers.
///
/// # Errors
/// When nothing is offered, nothing fits the wish or can be played here, or all of it is encrypted by the vendor's scheme.
pub fn entry_to_play(info: &PlayInfo, quality: Quality) -> Result<&PlayInfoEntry, CloudError> {
    choose(info, quality.definition, quality.forced, &PLAYABLE_FORMATS)
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

/// A source named by its video id.
pub(crate) struct Resolve {
    source: VidSource,
    call: Option<(Transfer, BytesMut, u16)>,
    clock: SigningClock,
    info: Option<PlayInfo>,
    chosen: Option<usize>,
}

impl Resolve {
    pub(crate) fn new(source: VidSource) -> Self {
        Self {
            source,
            call: None,
            clock: SigningClock::default(),
            info: None,
            chosen: None,
        }
    }

    /// Makes the call.
    pub(crate) fn ask(&mut self, cx: &mut Cx) -> Result<(), Fault> {
        self.cancel(cx);
        let (url, headers) = self.signed(cx)?;
        let spec = RequestSpec {
            purpose: Purpose::Api,
            url,
            range: ByteRange::default(),
            initiator: Initiator::User,
        };
        let transfer = Transfer::start_with(cx, spec, headers, MAX_REPLY as u64);
        self.call = Some((transfer, BytesMut::new(), 0));
        Ok(())
    }

    /// The call, signed anew: where it goes, and what signs it beside that.
    fn signed(&self, cx: &mut Cx) -> Result<(Secret, Vec<Header>), Fault> {
        let nonce = format!("{:016x}{:016x}", cx.random(), cx.random());
        let own = cx.now.unix_ms;
        let skew = self.clock.corrected;
        let now = skew.map_or_else(|| UnixTime::from_millis(own), |skew| skew.server_time(own));
        // A session that is played again asks nobody: it needs none.
        let mut headers = Vec::new();
        let signed = cx.tape.try_see("signed", || {
            let signed = get_play_info(&self.source, &nonce, now);
            let signed = signed.map_err(|error| error.fault())?;
            headers = signed.headers;
            Ok(Place(signed.url.into_secret()))
        });
        signed.map(|Place(url)| (url, headers))
    }

    /// The service has not answered yet.
    pub(crate) fn is_asking(&self) -> bool {
        self.call.is_some()
    }

    pub(crate) fn owns(&self, id: RequestId) -> bool {
        self.call
            .as_ref()
            .is_some_and(|(transfer, ..)| transfer.is(id))
    }

    /// Takes what is for the call; `None`: it is for others as well.
    pub(crate) fn input(&mut self, cx: &mut Cx, input: &Input) -> Option<Resolved> {
        match input {
            Input::Fetch(event) if self.owns(event.id()) => {
                let event = event.clone();
                Some(self.route(cx, |cx, transfer| {
                    transfer.on_event(cx, event, RetryContext::default())
                }))
            }
            Input::Timeout => match self.on_time(cx, RetryContext::default()) {
                Resolved::Pending => None,
                resolved => Some(resolved),
            },
            _ => None,
        }
    }

    /// Lets the call's transfer take an input.
    fn route(
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

    fn on_time(&mut self, cx: &mut Cx, context: RetryContext) -> Resolved {
        let due = self
            .call
            .as_ref()
            .is_some_and(|(transfer, ..)| transfer.is_backing_off());
        if due && self.deadline(cx).is_some_and(|at| at <= cx.mono()) {
            // A nonce is good for one call only.
            match self.signed(cx) {
                Ok((url, headers)) => {
                    if let Some((transfer, body, _)) = &mut self.call {
                        transfer.restart_at(url, headers);
                        body.clear();
                    }
                }
                Err(fault) => return self.fail(cx, fault),
            }
        }
        self.route(cx, |cx, transfer| transfer.on_time(cx, context))
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
                self.clock.measured = server.and_then(|ms| ClockSkew::between(ms, cx.now.unix_ms));
            }
            Progress::Data(_, data) if body.len() + data.len() > MAX_REPLY => {
                transfer.cancel(cx);
                let fault = Fault::new(codes::ERROR_SERVER_WRONG_JSON, "service.reply.too_long")
                    .because("the service's reply has no end");
                return self.fail(cx, fault);
            }
            Progress::Data(_, data) => body.extend_from_slice(&data),
            Progress::Done => return self.read(cx),
            Progress::Expired(fault)
            | Progress::Parked(fault)
            | Progress::Elsewhere(fault)
            | Progress::Failed(fault) => {
                return self.fail(cx, recover::call_failed(fault));
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
            Err(fault) => self.refused(cx, transfer, fault),
        }
    }

    /// What is done about the service's refusal, as `recover` decides.
    fn refused(&mut self, cx: &mut Cx, mut transfer: Transfer, fault: Fault) -> Resolved {
        match recover::call_refused(&fault, self.clock) {
            CallRecovery::SignAgain(skew) => {
                self.clock.corrected = Some(skew);
                if let Err(fault) = self.ask(cx) {
                    return Resolved::Failed(fault);
                }
                cx.recovered(skew.explain(fault));
                Resolved::Pending
            }
            CallRecovery::Retry => {
                let progress = transfer.on_refused(cx, fault, RetryContext::default());
                self.call = Some((transfer, BytesMut::new(), 0));
                self.take(cx, progress)
            }
            CallRecovery::GiveUp => Resolved::Failed(match self.clock.corrected {
                Some(skew) if ClockSkew::is_blamed_by(&fault) => skew.explain(fault),
                _ => fault,
            }),
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
        let option = |(at, entry): (usize, &PlayInfoEntry)| TrackOption {
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

fn is_playable(entry: &PlayInfoEntry) -> bool {
    PLAYABLE_FORMATS
        .iter()
        .any(|format| entry.format.eq_ignore_ascii_case(format))
        && !entry.play_url.is_empty()
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
