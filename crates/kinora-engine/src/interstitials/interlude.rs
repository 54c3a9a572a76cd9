//! The time during which assets play in the place of the presentation.

use std::collections::VecDeque;

use kinora_errors::{Fault, codes};
use kinora_fetch::FetchEvent;
use kinora_media::{RequestId, Time};

use super::ScheduledInterstitial;
use super::asset_list::{AssetPlace, ListDownload, Listed};
use super::preload::{AssetAhead, Assets, LEAD, Preload};
use crate::cx::Cx;
use crate::metadata::{InterstitialAsset, InterstitialEnd, InterstitialStatus, Resumption};
use crate::present::earliest;
use crate::session::{Outcome, Session, Wishes};
use crate::{Event, Input, LoopMode, Output, State};

/// An asset whose first picture is not out by then is passed over, and so is a list that is not here.
const PATIENCE: Time = Time::from_millis(10_000);
/// Assets of one interlude, those of all its interstitials together.
const MAX_ASSETS: u32 = 256;

/// How the presentation goes on behind an interlude.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Resume {
    /// By what the interstitials say.
    AsTheySay,
    /// Where the user wanted to go, which an interstitial came before.
    Sought(Time, crate::SeekAccuracy),
    /// It is over.
    AtTheEnd,
}

/// The presentation, as it was left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    /// Names it to who chooses assets.
    pub(crate) presentation: u64,
    /// Where it was to be left: it goes on by that.
    pub(crate) at: Time,
    /// Where it was.
    pub(crate) position: Time,
    /// It was held.
    pub(crate) is_held: bool,
}

/// An asset that plays.
struct PlayingAsset {
    session: Box<Session>,
    /// Its first picture is to be out by then; `None`: it is, or it is held.
    due: Option<Time>,
}

/// What is on.
enum Now {
    /// The next thing is to be begun.
    Nothing,
    Listing(Box<ListDownload>, Time),
    Playing(PlayingAsset),
}

/// Interstitials that are played one after the other.
pub(crate) struct Interlude {
    current: ScheduledInterstitial,
    waiting: VecDeque<ScheduledInterstitial>,
    assets: VecDeque<AssetPlace>,
    /// The first of them, read ahead of its time.
    ahead: Option<AssetAhead>,
    /// The assets of the current one that were begun, and how many it has.
    begun: u32,
    of: u32,
    /// Those of all of them.
    begun_in_all: u32,
    now: Now,
    told: Option<InterstitialAsset>,
    /// How long earlier assets of the current one played.
    played: Time,
    /// How long all of them did.
    length: Time,
    is_held: bool,
    left: Left,
    resume: Resume,
}

impl Interlude {
    /// Begins, with what was read ahead of its first interstitial; `None`: there is nothing to play.
    pub(crate) fn begin(
        cx: &mut Cx,
        due: Vec<ScheduledInterstitial>,
        preload: Option<Preload>,
        (left, resume): (Left, Resume),
    ) -> Option<Self> {
        let mut waiting = VecDeque::from(due);
        let current = waiting.pop_front()?;
        let mut interlude = Self {
            current,
            waiting,
            assets: VecDeque::new(),
            ahead: None,
            begun: 0,
            of: 0,
            begun_in_all: 0,
            now: Now::Nothing,
            told: None,
            played: Time::ZERO,
            length: Time::ZERO,
            is_held: left.is_held,
            left,
            resume,
        };
        interlude.find_assets(cx, preload);
        Some(interlude)
    }

    pub(crate) fn resume(&self) -> Resume {
        self.resume
    }

    pub(crate) fn left(&self) -> Left {
        self.left
    }

    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    pub(crate) fn may_not_skip(&self) -> bool {
        self.current.interstitial.may_not_skip
    }

    pub(crate) fn may_not_jump(&self) -> bool {
        self.current.interstitial.may_not_jump
    }

    /// Where the presentation goes on, by what the last one says; and whether at the border of a segment.
    pub(crate) fn resumption(&self) -> (Time, bool) {
        let it = &self.current.interstitial;
        let to = match it.resumption {
            // Who goes back before its place would play it again.
            Resumption::After(offset) => self.left.at + offset.max(Time::ZERO),
            Resumption::ByItsLength => self.left.at + self.length,
        };
        (to, it.snaps_in)
    }

    /// The asset that plays.
    pub(crate) fn status(&self, mono: Time) -> Option<InterstitialStatus> {
        let asset = self.told.clone()?;
        let Now::Playing(playing) = &self.now else {
            return None;
        };
        let own = playing.session.info().and_then(|info| info.duration);
        Some(InterstitialStatus {
            position: playing.session.position(mono),
            duration: own.or(asset.duration),
            asset,
        })
    }

    pub(crate) fn awaits(&self, id: RequestId) -> bool {
        self.is_ahead(id)
            || match &self.now {
                Now::Nothing => false,
                Now::Listing(list, _) => list.awaits(id),
                Now::Playing(playing) => playing.session.awaits(id),
            }
    }

    fn is_ahead(&self, id: RequestId) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.awaits(id))
    }

    /// The network answers one of its requests.
    pub(crate) fn on_fetch(&mut self, cx: &mut Cx, event: FetchEvent) {
        if let Some(ahead) = self.ahead.as_mut().filter(|it| it.awaits(event.id())) {
            return ahead.input(cx, Input::Fetch(event));
        }
        if let Now::Listing(list, _) = &mut self.now {
            let listed = list.on_event(cx, event);
            return self.listed(cx, listed);
        }
        self.input(cx, Input::Fetch(event));
    }

    /// Takes what came from outside, the time included.
    pub(crate) fn input(&mut self, cx: &mut Cx, input: Input) {
        if let (Some(ahead), Input::Timeout) = (&mut self.ahead, &input) {
            ahead.input(cx, Input::Timeout);
        }
        match &mut self.now {
            Now::Nothing => {}
            Now::Listing(list, _) => {
                if let Input::Timeout = input {
                    let listed = list.on_time(cx);
                    self.listed(cx, listed);
                }
            }
            Now::Playing(playing) => {
                let from = cx.out.len();
                playing.session.input(cx, input);
                self.sift(cx, from);
            }
        }
    }

    /// Connections are lost: what plays asks anew. A list that is lost is passed over in time.
    pub(crate) fn reconnect(&mut self, cx: &mut Cx) {
        if let Some(ahead) = &mut self.ahead {
            ahead.reconnect(cx);
        }
        if let Now::Playing(playing) = &mut self.now {
            let from = cx.out.len();
            playing.session.reconnect(cx);
            self.sift(cx, from);
        }
    }

    /// Holds, or plays on.
    pub(crate) fn hold(&mut self, cx: &mut Cx, held: bool) {
        if self.is_held == held {
            return;
        }
        self.is_held = held;
        if let Now::Playing(playing) = &mut self.now {
            let from = cx.out.len();
            match held {
                true => playing.session.pause(cx),
                false => playing.session.start(cx),
            }
            // Nobody is to blame for what is held.
            playing.due = playing.due.map(|_| cx.mono() + PATIENCE);
            self.sift(cx, from);
        }
        let (old, new) = match held {
            true => (State::Started, State::Paused),
            false => (State::Paused, State::Started),
        };
        cx.event(Event::StateChanged { old, new });
    }

    pub(crate) fn set_speed(&mut self, cx: &mut Cx, speed: f64) {
        let speed = self.speed(speed);
        if let Now::Playing(playing) = &mut self.now {
            playing.session.set_speed(cx, speed);
        }
    }

    pub(crate) fn follow_audio_delay(&mut self, cx: &Cx) {
        if let Now::Playing(playing) = &mut self.now {
            playing.session.follow_audio_delay(cx);
        }
    }

    /// What may not be skipped is not played faster (X-RESTRICT: `SKIP`).
    fn speed(&self, wished: f64) -> f64 {
        let audible = Wishes::audible(wished);
        match self.may_not_skip() {
            true => audible.min(1.0),
            false => audible,
        }
    }

    /// The user has enough of the current one.
    pub(crate) fn skip(&mut self, cx: &mut Cx) {
        self.forget_assets(cx);
        self.end_asset(cx, InterstitialEnd::Skipped);
    }

    /// Goes as far as can be gone now. `true`: all of it was played.
    pub(crate) fn advance(&mut self, cx: &mut Cx, wishes: Wishes) -> bool {
        loop {
            match &mut self.now {
                Now::Nothing => {
                    if !self.begin_next(cx, wishes) {
                        return true;
                    }
                }
                Now::Listing(list, due) if *due <= cx.mono() => {
                    list.cancel(cx);
                    self.listed(cx, Listed::Failed(late()));
                }
                Now::Listing(..) => return false,
                Now::Playing(playing) => {
                    let from = cx.out.len();
                    let wishes = Wishes {
                        looped: LoopMode::Off,
                        ..wishes
                    };
                    let outcome = playing.session.advance(cx, wishes);
                    let failed = self.sift(cx, from);
                    let Some(end) = self.ended(cx, outcome, failed) else {
                        self.read_ahead(cx);
                        return false;
                    };
                    self.end_asset(cx, end);
                }
            }
        }
    }

    /// How the asset ended that plays; `None`: it plays on.
    fn ended(
        &mut self,
        cx: &mut Cx,
        outcome: Outcome,
        failed: Option<Fault>,
    ) -> Option<InterstitialEnd> {
        let Now::Playing(playing) = &self.now else {
            return None;
        };
        let failed = match outcome {
            Outcome::Failed(fault) => Some(fault),
            Outcome::Continues => failed,
        };
        let is_late = !self.is_held && playing.due.is_some_and(|due| due <= cx.mono());
        if let Some(fault) = failed.or_else(|| is_late.then(late)) {
            cx.recovered(passed_over(fault));
            return Some(InterstitialEnd::Failed);
        }
        if playing.session.state() == State::Completion {
            return Some(InterstitialEnd::Played);
        }
        let limit = self.limit()?;
        (playing.session.position(cx.mono()) >= limit).then_some(InterstitialEnd::Limit)
    }

    /// Where in the asset that plays the interstitial's time is up.
    fn limit(&self) -> Option<Time> {
        Some(self.current.interstitial.playout_limit? - self.played)
    }

    /// The asset that plays is over; with its time the interstitial's is up.
    fn end_asset(&mut self, cx: &mut Cx, end: InterstitialEnd) {
        match std::mem::replace(&mut self.now, Now::Nothing) {
            Now::Nothing => {}
            Now::Listing(mut list, _) => list.cancel(cx),
            Now::Playing(mut playing) => {
                let position = playing.session.position(cx.mono());
                self.played += position;
                self.length += position;
                let from = cx.out.len();
                playing.session.suspend(cx);
                playing.session.leave(cx);
                self.sift(cx, from);
            }
        }
        if end == InterstitialEnd::Limit {
            self.forget_assets(cx);
        }
        if let Some(InterstitialAsset { id, asset, .. }) = self.told.take() {
            cx.event(Event::InterstitialEnd { id, asset, end });
        }
    }

    /// No other asset of the current one is played.
    fn forget_assets(&mut self, cx: &mut Cx) {
        self.assets.clear();
        if let Some(ahead) = self.ahead.take() {
            ahead.close(cx);
        }
    }

    /// The next asset is read once the one that plays is nearly over, and all of that is there.
    fn read_ahead(&mut self, cx: &mut Cx) {
        let (Now::Playing(playing), None) = (&self.now, &self.ahead) else {
            return;
        };
        let begins = self.ends_at(playing).filter(|end| {
            let near = playing.session.position(cx.mono()) + LEAD >= *end;
            near && playing.session.is_buffered_until(cx, *end)
        });
        if let (Some(_), Some(place)) = (begins, self.assets.front().cloned()) {
            self.ahead = Some(AssetAhead::open(cx, place));
        }
    }

    /// Where the asset that plays ends, as far as that is known.
    fn ends_at(&self, playing: &PlayingAsset) -> Option<Time> {
        let own = playing.session.info().and_then(|info| info.duration);
        let told = self.told.as_ref().and_then(|told| told.duration);
        earliest([own.or(told), self.limit()])
    }

    /// Everything is let go.
    pub(crate) fn close(&mut self, cx: &mut Cx) {
        self.waiting.clear();
        self.skip(cx);
    }

    /// Begins the next asset, of the current interstitial or of the next one. `false`: there is none.
    fn begin_next(&mut self, cx: &mut Cx, wishes: Wishes) -> bool {
        if let Some(place) = self.assets.pop_front() {
            if self.begun_in_all >= MAX_ASSETS {
                self.forget_assets(cx);
                return true;
            }
            self.begin_asset(cx, place, wishes);
            return true;
        }
        let Some(next) = self.waiting.pop_front() else {
            return false;
        };
        self.current = next;
        (self.begun, self.played) = (0, Time::ZERO);
        self.find_assets(cx, None);
        true
    }

    fn find_assets(&mut self, cx: &mut Cx, preload: Option<Preload>) {
        let preload = match preload {
            Some(preload) if preload.is_of(&self.current) => preload,
            other => {
                if let Some(other) = other {
                    other.close(cx);
                }
                Preload::begin(cx, &self.current, self.left.presentation)
            }
        };
        match preload.into_assets() {
            Assets::Listing(list) => self.now = Now::Listing(list, cx.mono() + PATIENCE),
            Assets::Known(assets, first) => {
                self.ahead = first;
                self.listed(cx, Listed::Assets(assets.into()));
            }
            Assets::Failed(fault) => self.listed(cx, Listed::Failed(fault)),
        }
    }

    fn listed(&mut self, cx: &mut Cx, listed: Listed) {
        match listed {
            Listed::Pending => return,
            Listed::Assets(assets) => {
                self.of = u32::try_from(assets.len()).unwrap_or(u32::MAX);
                self.assets = assets.into();
            }
            Listed::Failed(fault) => cx.recovered(passed_over(fault)),
        }
        self.now = Now::Nothing;
    }

    fn begin_asset(&mut self, cx: &mut Cx, place: AssetPlace, wishes: Wishes) {
        let asset = InterstitialAsset {
            id: self.current.id.clone(),
            asset: self.begun,
            assets: self.of,
            duration: place.duration,
            may_not_skip: self.may_not_skip(),
        };
        self.begun += 1;
        self.begun_in_all += 1;
        cx.event(Event::InterstitialStart(asset.clone()));
        self.told = Some(asset);
        let wishes = Wishes {
            looped: LoopMode::Off,
            autoplay: !self.is_held,
            speed: self.speed(wishes.speed),
        };
        let from = cx.out.len();
        let ahead = self.ahead.take();
        let ahead = ahead.unwrap_or_else(|| AssetAhead::open(cx, place));
        let session = ahead.begin(cx, wishes);
        cx.push(Output::Rate(wishes.speed));
        self.now = Now::Playing(PlayingAsset {
            session,
            due: Some(cx.mono() + PATIENCE),
        });
        self.sift(cx, from);
    }

    /// What the session of an asset reports is told where it is so of playback as a whole. Gives what it fails by.
    fn sift(&mut self, cx: &mut Cx, from: usize) -> Option<Fault> {
        let mut failed = None;
        let outputs: Vec<Output> = cx.out.drain(from..).collect();
        for output in outputs {
            match output {
                Output::Event(Event::Error(fault) | Event::CredentialExpired(fault)) => {
                    failed = Some(fault);
                }
                Output::Event(Event::FirstFrame { .. }) => {
                    if let Now::Playing(playing) = &mut self.now {
                        playing.due = None;
                    }
                }
                Output::Event(event) if !is_of_playback(&event) => {}
                output => cx.push(output),
            }
        }
        failed
    }

    /// The next moment at which something must be done though nothing comes in.
    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        match &self.now {
            Now::Nothing => None,
            Now::Listing(list, due) => earliest([Some(*due), list.deadline(cx)]),
            Now::Playing(playing) => earliest([
                playing.due.filter(|_| !self.is_held),
                self.limit().and_then(|limit| playing.session.when(limit)),
                self.reads_ahead_at(cx, playing),
                self.ahead.as_ref().and_then(|ahead| ahead.deadline(cx)),
                playing.session.deadline(cx),
            ]),
        }
    }

    /// When the next asset is read ahead, if that is later.
    fn reads_ahead_at(&self, cx: &Cx, playing: &PlayingAsset) -> Option<Time> {
        self.assets.front()?;
        let at = playing.session.when(self.ends_at(playing)? - LEAD);
        at.filter(|at| *at > cx.mono())
    }
}

/// Whether it is so of playback as a whole, whatever plays.
fn is_of_playback(event: &Event) -> bool {
    matches!(
        event,
        Event::VideoSize { .. }
            | Event::LoadingBegin
            | Event::LoadingProgress(_)
            | Event::LoadingEnd
            | Event::Info { .. }
            | Event::Recovered(_)
            | Event::SubtitleShown { .. }
            | Event::SubtitleHidden { .. }
            | Event::KeyRequired(_)
            | Event::DownloadSpeed(_)
    )
}

fn late() -> Fault {
    Fault::new(codes::ERROR_LOADING_TIMEOUT, "interstitial.late")
        .because("nothing of it was there within ten seconds")
}

fn passed_over(fault: Fault) -> Fault {
    fault.because("what was to be played in between is passed over: the presentation goes on")
}
