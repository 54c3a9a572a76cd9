//! The proof: it is played for a while, into nothing.

use std::time::{Duration, Instant};

use kinora::{Event, Player, Source};
use kinora_errors::{Fault, codes};
use kinora_media::Time;

use crate::check::{Check, CheckKind};
use crate::run::Run;

/// Longer than it is to be played: for the opening, and for what is slow.
const SLACK: Duration = Duration::from_secs(30);

impl Run<'_> {
    pub(crate) fn play(&mut self, source: &Source) {
        let check = Check::new(CheckKind::Play);
        let player = Player::builder()
            .network(self.options.net.clone())
            .decoders(self.options.decoders)
            .autoplay(true)
            .build();
        let player = match player {
            Ok(player) => player,
            Err(fault) => return self.add(check.failed(fault)),
        };
        let since = Instant::now();
        player.set_source(source.clone());
        player.prepare();
        let (first_frame, ended) = watch(&player, self.options.play_for, since);
        let (stats, shown) = (player.stats(), player.output_stats());
        let check = check
            .maybe("first_frame_ms", first_frame.map(|took| took.as_millis()))
            .fact("played", player.position())
            .fact("frames_shown", stats.frames_shown)
            .fact("frames_dropped", stats.frames_dropped)
            .fact("offset_ms", format!("{:.1}", shown.offset_p50_ms))
            .fact("stalls", stats.stalls)
            .fact("bytes", stats.bytes)
            .took(since.elapsed());
        let check = match ended {
            // Known already, by the step that it failed at.
            Err(fault) if self.has_failed() => check.note(fault.reason()),
            Err(fault) => check.failed(fault),
            Ok(()) if stats.stalls > 0 => check.note("the stream arrives slower than it is played"),
            Ok(()) if stats.frames_dropped * 20 > stats.frames_shown => {
                check.note("this machine is too slow for it: pictures were dropped")
            }
            Ok(()) => check,
        };
        self.add(check);
    }
}

/// Follows the player to the time, the end, a failure or the limit. When the first picture came, and how it ended.
fn watch(
    player: &Player,
    play_for: Duration,
    since: Instant,
) -> (Option<Duration>, Result<(), Fault>) {
    // A time beyond all clocks is no limit.
    let until = since.checked_add(play_for.saturating_add(SLACK));
    let wanted = Time::from(play_for);
    let mut first_frame = None;
    loop {
        let left = until.map_or(Duration::MAX, |until| {
            until.saturating_duration_since(Instant::now())
        });
        match player.next_event(left) {
            Ok(Event::FirstFrame { .. }) => first_frame = Some(since.elapsed()),
            Ok(Event::Position(time)) if time >= wanted => return (first_frame, Ok(())),
            Ok(Event::Completion) => return (first_frame, Ok(())),
            Ok(Event::Error(fault) | Event::CredentialExpired(fault)) => {
                return (first_frame, Err(fault));
            }
            Ok(_) => {}
            Err(_) => {
                let fault = Fault::new(codes::ERROR_LOADING_TIMEOUT, "diagnose.too_slow").because(
                    "it did not get as far as it was to be played, within half a minute more",
                );
                return (first_frame, Err(fault));
            }
        }
    }
}
