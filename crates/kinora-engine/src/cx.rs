use std::collections::VecDeque;

use kinora_errors::Fault;
use kinora_fetch::{FetchLimits, FetchNotice, FetchRequest, Host};
use kinora_media::{Now, RequestId, Time};
use kinora_protect::KeyRing;

use crate::abr::{self, Predictive};
use crate::capabilities::Capabilities;
use crate::stats::Tally;
use crate::tape::Tape;
use crate::{CueId, Epoch, Event, InfoCode, Output, PlayerConfig, RenditionChoice, TimingMark};

/// How the renditions of a playlist are chosen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Renditions {
    /// By what the network carries and the user wants.
    #[default]
    Adaptive,
    /// As playing begins, for all that is read.
    First,
    /// Once, for all that is read.
    Fixed(RenditionChoice),
    /// Those of key pictures alone, the least of them: one picture with each seek.
    KeyPictures,
}

/// What every part of the engine works with: the time of this step, the outputs, the settings
/// and the sources of names.
pub(crate) struct Cx {
    pub(crate) now: Now,
    pub(crate) out: VecDeque<Output>,
    pub(crate) config: PlayerConfig,
    pub(crate) tally: Tally,
    pub(crate) tape: Tape,
    pub(crate) renditions: Renditions,
    pub(crate) capabilities: Capabilities,
    pub(crate) keys: KeyRing,
    /// Video frames are presented so much before they are due.
    pub(crate) frames_ahead: Time,
    /// The size of the area in which pictures are seen, where it is known.
    pub(crate) viewport: Option<(u32, u32)>,
    /// Sound is heard so much later than its pictures are seen.
    pub(crate) audio_delay: Time,
    /// Chooses renditions; what it learns of the network serves the next source too.
    pub(crate) abr: Box<dyn abr::Rule>,
    requests: u64,
    epochs: u64,
    cues: u64,
    random: u64,
    /// The system has little memory left.
    low_memory: bool,
    /// When the source was prepared.
    prepared_at: Time,
    /// The steps of the start-up, and when they were reached.
    marks: Vec<(TimingMark, Time)>,
}

impl Cx {
    pub(crate) fn new(config: PlayerConfig, entropy: u64, tape: Tape) -> Self {
        Self {
            abr: Box::new(Predictive::default()),
            now: Now::default(),
            out: VecDeque::with_capacity(64),
            config,
            tally: Tally::default(),
            tape,
            renditions: Renditions::default(),
            capabilities: Capabilities::default(),
            keys: KeyRing::default(),
            frames_ahead: Time::ZERO,
            viewport: None,
            audio_delay: Time::ZERO,
            requests: 0,
            epochs: 0,
            cues: 0,
            // Xorshift stays at zero for ever.
            random: entropy | 1,
            low_memory: false,
            prepared_at: Time::ZERO,
            marks: Vec::new(),
        }
    }

    pub(crate) fn mono(&self) -> Time {
        self.now.mono
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.out.push_back(output);
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    pub(crate) fn info(&mut self, code: InfoCode, text: impl Into<String>) {
        self.event(Event::Info {
            code,
            text: text.into(),
        });
    }

    pub(crate) fn recovered(&mut self, fault: Fault) {
        self.event(Event::Recovered(fault.mark_recovered()));
    }

    /// A name no earlier request had, not even one of another source.
    pub(crate) fn next_request(&mut self) -> RequestId {
        self.requests += 1;
        self.tally.requests += 1;
        RequestId(self.requests)
    }

    pub(crate) fn next_epoch(&mut self) -> Epoch {
        self.epochs += 1;
        Epoch(self.epochs)
    }

    /// A name that no cue that was shown has.
    pub(crate) fn next_cue(&mut self) -> CueId {
        self.cues += 1;
        CueId(self.cues)
    }

    /// A pseudo-random number; different from player to player, the same in each replay.
    pub(crate) fn random(&mut self) -> u64 {
        // Marsaglia, "Xorshift RNGs", 2003.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// What a player is spread among others by; asking for it changes no number that is drawn later.
    pub(crate) fn lot(&self) -> u64 {
        // Knuth, "The Art of Computer Programming", 6.4: seeds that are near to each other spread.
        self.random.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33
    }

    /// Reports a step of the start-up the first time it is reached.
    pub(crate) fn mark(&mut self, mark: TimingMark) {
        if self.marks.iter().all(|(reached, _)| *reached != mark) {
            self.marks.push((mark, self.mono()));
            self.event(Event::Timing(mark));
        }
    }

    /// A new session begins: its steps are reported anew.
    pub(crate) fn forget_marks(&mut self) {
        self.marks.clear();
        self.prepared_at = self.mono();
    }

    /// The first frame is out: how long each step took.
    pub(crate) fn started_up(&mut self) {
        let since = |at: Time| ((at - self.prepared_at).as_secs_f64() * 1e6).round() / 1e3;
        let mut steps = serde_json::Map::new();
        for (mark, at) in &self.marks {
            steps.insert(mark.name().to_owned(), since(*at).into());
        }
        steps.insert("first_frame".to_owned(), since(self.mono()).into());
        let text = serde_json::Value::Object(steps).to_string();
        self.info(InfoCode::StartupInfo, text);
    }

    /// The system has little memory left, or no longer.
    pub(crate) fn set_low_memory(&mut self, low: bool) {
        if low && !self.low_memory {
            self.info(InfoCode::LowMemory, "little memory is left: less is held");
        }
        self.low_memory = low;
    }

    /// So much is read ahead at most.
    pub(crate) fn max_buffer(&self) -> Time {
        let max = Time::from(self.config.max_buffer);
        match self.low_memory {
            true => max.min(self.config.high_buffer.max(self.config.start_buffer).into()),
            false => max,
        }
    }

    /// So much of what was played is kept.
    pub(crate) fn max_backward_buffer(&self) -> Time {
        match self.low_memory {
            true => Time::ZERO,
            false => self.config.max_backward_buffer.into(),
        }
    }
}

impl Host for Cx {
    fn now(&self) -> Time {
        self.mono()
    }
    fn limits(&self) -> FetchLimits {
        FetchLimits {
            timeout: self.config.network_timeout,
            retries: self.config.network_retry_count,
        }
    }
    fn random(&mut self) -> u64 {
        Self::random(self)
    }
    fn next_request(&mut self) -> RequestId {
        Self::next_request(self)
    }
    fn fetch(&mut self, request: FetchRequest) {
        self.push(Output::Fetch(Box::new(request)));
    }
    fn grant(&mut self, id: RequestId, bytes: u64) {
        self.push(Output::Grant { id, bytes });
    }
    fn cancel(&mut self, id: RequestId) {
        self.push(Output::Cancel(id));
    }
    fn received(&mut self, bytes: u64) {
        self.tally.bytes += bytes;
    }
    fn notice(&mut self, notice: FetchNotice) {
        match notice {
            FetchNotice::Retrying {
                attempt,
                retries,
                fault,
            } => {
                let text = format!("try {attempt} of {retries}: {fault}");
                self.info(InfoCode::NetworkRetry, text);
            }
            FetchNotice::RetrySucceeded { fault, told } => {
                if told {
                    self.info(InfoCode::NetworkRetrySuccess, "the network is back");
                }
                self.recovered(fault);
            }
            FetchNotice::CompleteDespite(fault) => self.recovered(fault),
        }
    }
}
