//! What plays: the presentation that the user named, and in its place for a while what its playlist wants to be played in
//! between (decision 40).

use kinora_errors::Secret;
use kinora_media::Time;

use crate::cx::Cx;
use crate::interstitials::{
    Interlude, LEAD, Left, Preload, Resume, Schedule, ScheduledInterstitial,
};
use crate::metadata::InterstitialStatus;
use crate::present::{Begin, earliest};
use crate::session::{Origin, Outcome, Postlude, Session, Wishes};
use crate::{Credential, Input, Output, Refusal, Repeat, SPEEDS, SeekAccuracy, State, TrackChoice};

/// A presentation and its interstitials.
pub(crate) struct Programme {
    presentation: Session,
    schedule: Schedule,
    /// While it is on, nothing of the presentation is decoded or shown; what it reads goes on.
    interlude: Option<Box<Interlude>>,
    /// What will be played in its place soon.
    preload: Option<Preload>,
    /// Names the presentation to who chooses assets, once somebody does.
    id: Option<u64>,
}

impl Programme {
    pub(crate) fn open(cx: &mut Cx, origin: Origin, begin: Begin, wishes: Wishes) -> Self {
        cx.forget_marks();
        cx.keys.forget_uris();
        Self {
            presentation: Session::open(cx, origin, begin, wishes),
            schedule: Schedule::default(),
            interlude: None,
            preload: None,
            id: None,
        }
    }

    /// What the user named, whatever plays.
    pub(crate) fn presentation(&self) -> &Session {
        &self.presentation
    }

    pub(crate) fn state(&self) -> State {
        match &self.interlude {
            None => self.presentation.state(),
            Some(interlude) if interlude.is_held() => State::Paused,
            Some(_) => State::Started,
        }
    }

    /// Where the presentation is, or where it was left.
    pub(crate) fn position(&self, mono: Time) -> Time {
        match &self.interlude {
            None => self.presentation.position(mono),
            Some(interlude) => match interlude.resume() {
                Resume::Sought(target, _) => target,
                Resume::AsTheySay | Resume::AtTheEnd => interlude.left().position,
            },
        }
    }

    /// What plays in its place.
    pub(crate) fn interstitial(&self, mono: Time) -> Option<InterstitialStatus> {
        self.interlude.as_ref()?.status(mono)
    }

    /// Takes what came from outside.
    pub(crate) fn input(&mut self, cx: &mut Cx, input: Input) {
        let Some(interlude) = &mut self.interlude else {
            match (&mut self.preload, &input) {
                (Some(preload), Input::Fetch(event)) if preload.awaits(event.id()) => {
                    return preload.on_fetch(cx, event.clone());
                }
                (Some(preload), Input::Timeout) => preload.on_time(cx),
                _ => {}
            }
            return self.presentation.input(cx, input);
        };
        match input {
            Input::Fetch(event) if interlude.awaits(event.id()) => interlude.on_fetch(cx, event),
            Input::Fetch(_) => self.presentation.input(cx, input),
            // Of the time and of what outputs can do both must know.
            Input::Timeout | Input::OutputFailed { .. } => {
                interlude.input(cx, input.clone());
                self.presentation.input(cx, input);
            }
            input => interlude.input(cx, input),
        }
    }

    /// Goes as far as can be gone now.
    pub(crate) fn advance(&mut self, cx: &mut Cx, wishes: Wishes) -> Outcome {
        loop {
            if let Some(interlude) = &mut self.interlude {
                if !interlude.advance(cx, wishes) {
                    return Outcome::Continues;
                }
                self.go_on(cx, wishes);
            }
            if self.begins_interlude(cx) {
                continue;
            }
            let wants = !cx.config.disable_interstitials && self.schedule.has_after();
            self.presentation.plan_postlude(wants);
            let outcome = self.presentation.advance(cx, wishes);
            if let Some(all) = self.presentation.take_interstitials() {
                self.schedule.set(all);
            }
            if let Outcome::Failed(_) = outcome {
                return outcome;
            }
            if !self.begins_interlude(cx) {
                self.read_ahead(cx);
                return outcome;
            }
        }
    }

    /// What is played in between next is read shortly before its time, once all until then is there.
    fn read_ahead(&mut self, cx: &mut Cx) {
        let due = self.soon(cx).cloned();
        let is_known = |it: &Preload| due.as_ref().is_some_and(|due| it.is_of(due));
        if let Some(other) = self.preload.take_if(|it| !is_known(it)) {
            other.close(cx);
        }
        if let (Some(due), None) = (due, &self.preload) {
            let presentation = *self.id.get_or_insert_with(|| cx.random());
            self.preload = Some(Preload::begin(cx, &due, presentation));
        }
    }

    /// What is to be read now of what is played in between; what is read stays wanted while its time is near.
    fn soon(&self, cx: &Cx) -> Option<&ScheduledInterstitial> {
        let plays = self.presentation.state() == State::Started && !self.presentation.is_scanning();
        if cx.config.disable_interstitials || !plays && self.preload.is_none() {
            return None;
        }
        let place = self.presentation.place(cx.mono())?;
        let end = self.presentation.info().and_then(|info| info.duration);
        let (start, due) = self.schedule.upcoming(end)?;
        let is_near = place <= start && start <= place + LEAD;
        let is_read = self.preload.as_ref().is_some_and(|it| it.is_of(due));
        let is_wanted = is_read || self.presentation.is_buffered_until(cx, start);
        (is_near && is_wanted).then_some(due)
    }

    /// Leaves the presentation where something is to be played in between. `false`: nothing is now.
    fn begins_interlude(&mut self, cx: &mut Cx) -> bool {
        if cx.config.disable_interstitials || self.presentation.state() != State::Started {
            return false;
        }
        if self.presentation.postlude() == Postlude::Due {
            let due = self.schedule.take_after();
            let at = self.presentation.position(cx.mono());
            // Where nothing is left to play it is over all the same.
            return self.leave_for(cx, due, at, Resume::AtTheEnd) || {
                self.presentation.plan_postlude(false);
                false
            };
        }
        let Some(place) = self.presentation.place(cx.mono()) else {
            return false;
        };
        if self.presentation.is_scanning() {
            // What is searched through is passed over, but for what may not be.
            let due = self.schedule.take_scanned(place);
            return self.leave_for(cx, due, place, Resume::AsTheySay);
        }
        let before = self.schedule.take_before();
        if self.leave_for(cx, before, place, Resume::AsTheySay) {
            return true;
        }
        let due = self.schedule.take_at(place);
        let at = due.first().map_or(place, |first| first.start);
        self.leave_for(cx, due, at, Resume::AsTheySay)
    }

    fn leave_for(
        &mut self,
        cx: &mut Cx,
        due: Vec<ScheduledInterstitial>,
        at: Time,
        resume: Resume,
    ) -> bool {
        if due.is_empty() {
            return false;
        }
        let left = Left {
            presentation: *self.id.get_or_insert_with(|| cx.random()),
            at,
            position: self.presentation.position(cx.mono()),
            is_held: self.presentation.state() == State::Paused,
        };
        self.presentation.suspend(cx);
        let preload = self.preload.take();
        self.interlude = Interlude::begin(cx, due, preload, (left, resume)).map(Box::new);
        self.interlude.is_some()
    }

    /// All was played: the presentation goes on.
    fn go_on(&mut self, cx: &mut Cx, wishes: Wishes) {
        let Some(interlude) = self.interlude.take() else {
            return;
        };
        cx.push(Output::Rate(Wishes::audible(wishes.speed)));
        let held = interlude.is_held();
        match interlude.resume() {
            Resume::AsTheySay => {
                let (to, snaps) = interlude.resumption();
                let to = self.presentation.resume(cx, to, snaps, held);
                self.schedule.resumes_at(to);
            }
            Resume::Sought(target, accuracy) => {
                self.presentation.wake(cx, held);
                self.presentation.seek(cx, target, accuracy);
                self.schedule.resumes_at(target);
            }
            Resume::AtTheEnd => {
                self.presentation.wake(cx, held);
                self.presentation.conclude(cx, wishes);
            }
        }
    }

    /// Plays, or plays on.
    pub(crate) fn start(&mut self, cx: &mut Cx) {
        match &mut self.interlude {
            Some(interlude) => interlude.hold(cx, false),
            None => self.presentation.start(cx),
        }
    }

    /// Holds.
    pub(crate) fn pause(&mut self, cx: &mut Cx) {
        match &mut self.interlude {
            Some(interlude) => interlude.hold(cx, true),
            None => self.presentation.pause(cx),
        }
    }

    /// Sound is to be heard that much later from now on.
    pub(crate) fn follow_audio_delay(&mut self, cx: &mut Cx) {
        self.presentation.follow_audio_delay(cx);
        if let Some(interlude) = &mut self.interlude {
            interlude.follow_audio_delay(cx);
        }
    }

    /// Whether a speed may be played at.
    pub(crate) fn set_speed(&mut self, cx: &mut Cx, speed: f64) -> Result<(), Refusal> {
        match &mut self.interlude {
            Some(interlude) if interlude.may_not_skip() && !(0.0..=1.0).contains(&speed) => {
                return Err(Refusal::Restricted);
            }
            Some(interlude) => interlude.set_speed(cx, speed),
            None if !SPEEDS.contains(&speed) => self.presentation.check_scan()?,
            None => self.presentation.set_speed(cx, speed),
        }
        Ok(())
    }

    /// Goes to a time of the presentation. What may not be skipped, or passed over, is played first.
    pub(crate) fn seek(
        &mut self,
        cx: &mut Cx,
        target: Time,
        accuracy: SeekAccuracy,
    ) -> Result<(), Refusal> {
        let from = self.position(cx.mono());
        if let Some(interlude) = &mut self.interlude {
            let restricted = interlude.may_not_skip() || interlude.may_not_jump();
            if restricted && target >= interlude.left().at {
                return Err(Refusal::Restricted);
            }
            interlude.close(cx);
            let held = interlude.is_held();
            self.interlude = None;
            self.presentation.wake(cx, held);
        }
        let due = match cx.config.disable_interstitials {
            true => Vec::new(),
            false => self.schedule.take_jumped(from, target),
        };
        let at = due.first().map_or(from, |first| first.start);
        if matches!(self.state(), State::Started | State::Paused)
            && self.leave_for(cx, due, at, Resume::Sought(target, accuracy))
        {
            return Ok(());
        }
        self.presentation.seek(cx, target, accuracy);
        self.schedule.jumped(target);
        Ok(())
    }

    /// Ends the interstitial that plays.
    pub(crate) fn skip_interstitial(&mut self, cx: &mut Cx) -> Result<(), Refusal> {
        let interlude = self.interlude.as_mut().ok_or(Refusal::NoInterstitial)?;
        if interlude.may_not_skip() {
            return Err(Refusal::Restricted);
        }
        interlude.skip(cx);
        Ok(())
    }

    /// The presentation, where nothing else plays in its place.
    fn undisturbed(&mut self) -> Result<&mut Session, Refusal> {
        match self.interlude {
            None => Ok(&mut self.presentation),
            Some(_) => Err(Refusal::Interstitial),
        }
    }

    pub(crate) fn select(&mut self, cx: &mut Cx, choice: TrackChoice) -> Result<(), Refusal> {
        self.undisturbed()?.select(cx, choice)
    }

    pub(crate) fn select_subtitle(
        &mut self,
        cx: &mut Cx,
        index: u32,
        on: bool,
    ) -> Result<(), Refusal> {
        self.undisturbed()?.select_subtitle(cx, index, on)
    }

    pub(crate) fn set_repeat(
        &mut self,
        cx: &mut Cx,
        repeat: Option<Repeat>,
    ) -> Result<(), Refusal> {
        self.undisturbed()?.set_repeat(cx, repeat)
    }

    pub(crate) fn step(&mut self, cx: &mut Cx) -> Result<(), Refusal> {
        self.undisturbed()?.step(cx)
    }

    pub(crate) fn add_subtitle(&mut self, cx: &mut Cx, url: Secret) -> Result<(), Refusal> {
        self.presentation.add_subtitle(cx, url)
    }

    pub(crate) fn delay_subtitle(&mut self, index: u32, delay: Time) -> Result<(), Refusal> {
        self.presentation.delay_subtitle(index, delay)
    }

    pub(crate) fn refresh(&mut self, cx: &mut Cx, credential: Credential) -> Result<(), Refusal> {
        self.presentation.refresh(cx, credential)
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx) -> Result<(), Refusal> {
        self.presentation.reload(cx)
    }

    /// Connections are lost: everything that is under way is asked for again.
    pub(crate) fn reconnect(&mut self, cx: &mut Cx) {
        if let Some(interlude) = &mut self.interlude {
            interlude.reconnect(cx);
        }
        self.forget_preload(cx);
        self.presentation.reconnect(cx);
    }

    /// Lets everything go.
    pub(crate) fn close(mut self, cx: &mut Cx) {
        if let Some(interlude) = &mut self.interlude {
            interlude.close(cx);
        }
        self.forget_preload(cx);
        self.presentation.leave(cx);
        cx.push(Output::Close);
    }

    /// It is begun anew where it is still wanted.
    fn forget_preload(&mut self, cx: &mut Cx) {
        if let Some(preload) = self.preload.take() {
            preload.close(cx);
        }
    }

    /// The next moment at which something must be done though nothing comes in.
    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        let Some(interlude) = &self.interlude else {
            let next = self.schedule.next_start();
            let next = next.filter(|_| !cx.config.disable_interstitials);
            let reads_at = next.and_then(|next| self.presentation.when(next - LEAD));
            return earliest([
                self.presentation.deadline(cx),
                next.and_then(|next| self.presentation.when(next)),
                reads_at.filter(|at| *at > cx.mono()),
                self.preload.as_ref().and_then(|it| it.deadline(cx)),
            ]);
        };
        earliest([
            interlude.deadline(cx),
            self.presentation.reading_deadline(cx),
        ])
    }
}
