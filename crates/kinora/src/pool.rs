//! Players that are lent: who needs one for a moment gets one that is there already.

use std::fmt;
use std::ops::Deref;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kinora_errors::{Code, Fault};

use crate::deadline::Deadline;
use crate::{Player, PlayerBuilder};

/// A player that was given back is as new within so long: its thread has only commands to obey.
const RENEWAL: Duration = Duration::from_secs(1);

/// Lends players, no more than so many at a time. One that is given back is lent again, with its threads and its sinks: a feed of
/// short videos needs no player for each.
///
/// What is lent is as it was built: nothing is left of who had it before, neither source, settings, picture nor events. A player
/// that was given a content key or another audio output is not lent again, since it would keep them; nor is one that was released.
///
/// ```no_run
/// use std::time::Duration;
/// use kinora::{Event, Player, PlayerPool};
///
/// # fn main() -> Result<(), kinora::Fault> {
/// let pool = PlayerPool::new(4, || Player::builder().autoplay(true));
/// for clip in ["1.mp4", "2.mp4", "3.mp4"] {
///     let player = pool.take(Duration::from_secs(5))?;
///     player.open(clip);
///     for event in player.events() {
///         if matches!(event, Event::Completion | Event::Error(_)) {
///             break;
///         }
///     }
///     // Dropped, it is given back.
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PlayerPool(Arc<Shared>);

struct Shared {
    max: usize,
    build: Box<dyn Fn() -> PlayerBuilder + Send + Sync>,
    players: Mutex<Players>,
    given_back: Condvar,
}

#[derive(Default)]
struct Players {
    idle: Vec<Idle>,
    lent: usize,
}

/// A player that waits for the next who needs one.
struct Idle {
    player: Player,
    /// Told when nothing is left of who had it before.
    renewed: Receiver<()>,
}

impl PlayerPool {
    /// A pool of at most so many players, one at least. Each is put together by `build` when it is first needed.
    #[must_use]
    pub fn new(max: usize, build: impl Fn() -> PlayerBuilder + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            max: max.max(1),
            build: Box::new(build),
            players: Mutex::default(),
            given_back: Condvar::new(),
        }))
    }

    /// Takes a player. Where all are lent it waits until one is given back, no longer than the limit; zero waits for nothing.
    ///
    /// # Errors
    /// EAGAIN, `pool.all_lent`, when none was given back in time; else as for [`PlayerBuilder::build`].
    pub fn take(&self, limit: Duration) -> Result<PooledPlayer, Fault> {
        let by = Deadline::after(limit);
        let mut players = self.0.lock();
        while players.lent >= self.0.max {
            players = match by.left() {
                Some(Duration::ZERO) => return Err(all_lent(self.0.max)),
                left => self.0.wait(players, left),
            };
        }
        players.lent += 1;
        let idle = players.idle.pop();
        drop(players);
        let renewed = idle.filter(|idle| idle.renewed.recv_timeout(RENEWAL).is_ok());
        let player = match renewed {
            Some(idle) => Ok(idle.player),
            None => (self.0.build)().build(),
        };
        match player {
            Ok(player) => Ok(PooledPlayer {
                player: Some(player),
                pool: Arc::clone(&self.0),
            }),
            Err(fault) => {
                self.0.give_back(None);
                Err(fault)
            }
        }
    }

    /// How many are lent now.
    #[must_use]
    pub fn lent(&self) -> usize {
        self.0.lock().lent
    }

    /// How many wait to be lent again. They hold their threads and sinks, no media.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.0.lock().idle.len()
    }

    /// Lets go of those that wait, as an application does that goes into the background.
    pub fn shrink(&self) {
        let idle = std::mem::take(&mut self.0.lock().idle);
        // Their sinks may take a moment to end: nobody else waits for that.
        drop(idle);
    }
}

impl fmt::Debug for PlayerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let players = self.0.lock();
        f.debug_struct("PlayerPool")
            .field("max", &self.0.max)
            .field("lent", &players.lent)
            .field("idle", &players.idle.len())
            .finish()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Players> {
        self.players.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        players: MutexGuard<'a, Players>,
        left: Option<Duration>,
    ) -> MutexGuard<'a, Players> {
        match left {
            None => self
                .given_back
                .wait(players)
                .unwrap_or_else(PoisonError::into_inner),
            Some(left) => {
                let waited = self.given_back.wait_timeout(players, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// One is lent no more; it waits for the next where it can be lent again.
    fn give_back(&self, idle: Option<Idle>) {
        let mut players = self.lock();
        players.lent -= 1;
        players.idle.extend(idle);
        drop(players);
        self.given_back.notify_one();
    }
}

/// A player that is lent; dropped, it is given back to its [`PlayerPool`], which waits for nothing.
pub struct PooledPlayer {
    /// Until it is given back.
    player: Option<Player>,
    pool: Arc<Shared>,
}

impl Deref for PooledPlayer {
    type Target = Player;
    #[allow(clippy::expect_used, reason = "it is taken by `drop` alone")]
    fn deref(&self) -> &Player {
        self.player.as_ref().expect("it is lent")
    }
}

impl Drop for PooledPlayer {
    fn drop(&mut self) {
        let player = self.player.take();
        // One that can not be lent again ends here, before its place is given to another.
        let idle = player.filter(Player::can_be_renewed).map(|player| Idle {
            renewed: player.renew(),
            player,
        });
        self.pool.give_back(idle);
    }
}

fn all_lent(max: usize) -> Fault {
    Fault::new(Code::from_errno(11), "pool.all_lent").because(format!(
        "all {max} players of the pool are lent; give one back, or let the pool have more"
    ))
}
