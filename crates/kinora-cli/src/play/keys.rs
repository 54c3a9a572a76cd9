//! Keys of the terminal while a video plays in it.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use kinora::{Player, SeekAccuracy, State, Time, TrackChoice};
use tokio::signal::unix::SignalKind;

use super::ending::Ending;

/// Reads keys until it is dropped.
pub(crate) struct Keys {
    ended: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
    raw: bool,
}

/// How often a key reader looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn listen(player: &Arc<Player>, ending: &Ending) -> Keys {
    let ended = Arc::new(AtomicBool::new(false));
    // A key counts when it is pressed, not when the line ends, and is not shown.
    let raw = std::io::stdin().is_terminal() && enable_raw_mode().is_ok();
    let (player, ending, stop) = (Arc::clone(player), ending.clone(), Arc::clone(&ended));
    let thread = std::thread::Builder::new()
        .name("kinora-keys".into())
        .spawn(move || {
            let mut muted = false;
            while !stop.load(Ordering::Acquire) {
                match event::poll(LOOK) {
                    Ok(false) => {}
                    Ok(true) => match event::read() {
                        Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                            press(&player, &ending, key, &mut muted)
                        }
                        Ok(_) => {}
                        Err(_) => return,
                    },
                    Err(_) => return,
                }
            }
        })
        .ok();
    Keys { ended, thread, raw }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if self.raw {
            let _ = disable_raw_mode();
        }
    }
}

fn press(player: &Player, ending: &Ending, key: KeyEvent, muted: &mut bool) {
    // In raw mode the key comes as it is; elsewhere the terminal makes the signal of it.
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        _ if interrupt => ending.end(SignalKind::interrupt()),
        KeyCode::Char('q') | KeyCode::Esc => player.stop(),
        KeyCode::Char(' ' | 'p') if player.state() == State::Started => player.pause(),
        KeyCode::Char(' ' | 'p') => player.start(),
        KeyCode::Left => hop(player, -10),
        KeyCode::Right => hop(player, 10),
        KeyCode::Down => hop(player, -60),
        KeyCode::Up => hop(player, 60),
        KeyCode::Char('m') => {
            *muted = !*muted;
            player.set_mute(*muted);
        }
        KeyCode::Char('n') => next_quality(player),
        _ => {}
    }
}

fn hop(player: &Player, seconds: i64) {
    let target = player.position() + Time::from_millis(seconds * 1_000);
    player.seek(target.max(Time::ZERO), SeekAccuracy::KeyFrame);
}

fn next_quality(player: &Player) {
    let Some(tracks) = player.tracks() else {
        return;
    };
    let videos: Vec<_> = tracks
        .iter()
        .filter(|track| track.kind == kinora::TrackKind::Video)
        .collect();
    let now = videos.iter().position(|track| track.selected).unwrap_or(0);
    if let Some(next) = videos.get((now + 1) % videos.len().max(1)) {
        player.select_track(TrackChoice::Index(next.index));
    }
}
