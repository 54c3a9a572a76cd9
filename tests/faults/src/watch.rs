//! The events of a player, collected.

use kinora::{Event, Fault, Player, PlayerBuilder, PlayerConfig, Source, Time};

use crate::{PATIENCE, evidence};

/// A player and all that it has reported so far.
pub struct Watch {
    /// The player.
    pub player: Player,
    /// Failures that were mended.
    pub recovered: Vec<Fault>,
    /// Notices by their numbers.
    pub notices: Vec<kinora::InfoCode>,
}

/// What a wait ended with.
#[derive(Debug)]
pub enum Outcome {
    /// Played to the end.
    Completion,
    /// A failure.
    Error(Box<Fault>),
    /// A credential is asked for.
    Expired(Box<Fault>),
    /// The first picture or sound is out.
    FirstFrame(Time),
}

impl Watch {
    /// A player that starts by itself, put together as `with` wants it.
    pub fn new(with: impl FnOnce(PlayerBuilder) -> PlayerBuilder) -> Self {
        let player = with(Player::builder().autoplay(true))
            .build()
            .expect("a player");
        Self {
            player,
            recovered: Vec::new(),
            notices: Vec::new(),
        }
    }
    /// With the settings as they come.
    #[must_use]
    pub fn plain() -> Self {
        Self::new(|builder| builder)
    }
    /// A URL, opened.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let watch = Self::plain();
        watch.player.open(url);
        watch
    }
    /// Sets a source and prepares it.
    pub fn open(&mut self, source: Source) {
        self.player.set_source(source);
        self.player.prepare();
    }

    /// The next event of `wanted`'s kind, whatever comes before it.
    ///
    /// # Panics
    /// When none comes in time.
    pub fn until<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let mut last = None;
        loop {
            let Ok(event) = self.player.next_event(PATIENCE) else {
                panic!(
                    "nothing more within {PATIENCE:?}; the last was {last:?}, the state is {:?}",
                    self.player.state()
                )
            };
            let found = wanted(&event);
            match &event {
                Event::Recovered(fault) => self.recovered.push(fault.clone()),
                Event::Info { code, .. } => self.notices.push(*code),
                _ => {}
            }
            if let Some(found) = found {
                return found;
            }
            last = Some(event);
        }
    }

    /// What becomes of it: the end, a failure, or the wish for a credential.
    pub fn outcome(&mut self) -> Outcome {
        self.until(|event| match event {
            Event::Completion => Some(Outcome::Completion),
            Event::Error(fault) => Some(Outcome::Error(Box::new(fault.clone()))),
            Event::CredentialExpired(fault) => Some(Outcome::Expired(Box::new(fault.clone()))),
            _ => None,
        })
    }
    /// The failure that it ends with.
    ///
    /// # Panics
    /// When it does not.
    pub fn fault(&mut self) -> Fault {
        match self.outcome() {
            Outcome::Error(fault) | Outcome::Expired(fault) => *fault,
            reported => panic!("a failure was expected, but: {reported:?}"),
        }
    }
    /// Waits for the end.
    ///
    /// # Panics
    /// When it fails instead.
    pub fn completes(&mut self) {
        match self.outcome() {
            Outcome::Completion => evidence::mended(),
            reported => panic!("the end was expected, but: {reported:?}"),
        }
    }
    /// Waits for the first picture.
    ///
    /// # Panics
    /// When it fails instead.
    pub fn first_frame(&mut self) -> Time {
        self.until(|event| match event {
            Event::FirstFrame { pts } => Some(*pts),
            Event::Error(fault) | Event::CredentialExpired(fault) => {
                panic!("a picture was expected, but: {fault}")
            }
            _ => None,
        })
    }
    /// A failure with this name was mended.
    ///
    /// # Panics
    /// When none was.
    pub fn recovered_from(&self, name: &str) -> &Fault {
        let found = self
            .recovered
            .iter()
            .find(|fault| fault.code().name() == name);
        let found =
            found.unwrap_or_else(|| panic!("{name} is not among the mended: {:?}", self.recovered));
        evidence::raised(name);
        evidence::mended();
        found
    }
}

/// Settings that do not make a test wait.
#[must_use]
pub fn brisk() -> PlayerConfig {
    PlayerConfig {
        network_timeout: std::time::Duration::from_millis(600),
        network_retry_count: 2,
        ..PlayerConfig::default()
    }
}
