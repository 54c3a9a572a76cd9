//! The signals of a job: those that end it, stop it, continue it, and report that its terminal has another size.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use kinora::{Player, State};
use rustix::process::{Signal, getpid, kill_process};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::SignalKind;

use super::controlling_terminal::ControllingTerminal;
use super::shutdown::Shutdown;
use crate::membership::Membership;
use crate::report::Failure;
use crate::signals::Signals;

/// A player that is asked to hold does so at once; it is not waited for longer.
const HOLDS_WITHIN: Duration = Duration::from_millis(500);

/// One may stand still with the whole program, or wait for the screen.
const THREADS: usize = 2;

/// What it starts and opens is tried before: building one panics where the system gives none of it.
fn runtime() -> io::Result<Runtime> {
    let held = Arc::new(Barrier::new(THREADS + 1));
    let threads = (0..THREADS).map(|_| {
        let held = Arc::clone(&held);
        thread::Builder::new().spawn(move || {
            held.wait();
        })
    });
    // Those that did start wait for the others, and end with the program that can not go on.
    threads.collect::<io::Result<Vec<_>>>()?;
    held.wait();
    let files = [
        UnixStream::pair()?,
        UnixStream::pair()?,
        UnixStream::pair()?,
    ];
    drop(files);
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_io()
        .build()
}

/// Listens to signals while the runtime is held.
pub(crate) fn listen(
    player: &Arc<Player>,
    terminal: &ControllingTerminal,
    shutdown: &Shutdown,
) -> Result<Runtime, Failure> {
    let runtime = runtime().map_err(|error| Failure::io("signals", &error))?;
    let inside = runtime.enter();
    let mut ends = Signals::listen(&[
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
        SignalKind::quit(),
    ])?;
    let mut moves = Signals::listen(&[STOP, CONTINUE, SignalKind::window_change()])?;
    drop(inside);
    let shutdown = shutdown.clone();
    runtime.spawn(async move {
        loop {
            shutdown.end(ends.next().await);
        }
    });
    let (player, terminal) = (Arc::clone(player), terminal.clone());
    runtime.spawn(async move {
        let mut played = false;
        loop {
            match moves.next().await {
                STOP if is_orphan() => {}
                STOP => played |= stop(&player, &terminal),
                CONTINUE => {
                    terminal.resume();
                    if std::mem::take(&mut played) {
                        player.start();
                    }
                }
                _ => player.set_viewport(terminal.resized()),
            }
        }
    });
    Ok(runtime)
}

/// Ctrl-Z.
const STOP: SignalKind = SignalKind::from_raw(Signal::TSTP.as_raw());
const CONTINUE: SignalKind = SignalKind::from_raw(Signal::CONT.as_raw());

/// Gives the terminal back and stops the program, as the signal does where nobody listens to it. The media's clock is
/// held meanwhile, so that playing goes on where it was. Whether it played.
fn stop(player: &Player, terminal: &ControllingTerminal) -> bool {
    let played = player.state() == State::Started;
    if played {
        player.pause();
        let until = Instant::now() + HOLDS_WITHIN;
        while player.state() == State::Started && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    terminal.stop();
    // All threads stop soon, this one not at once: it is the signal to continue that goes on from here.
    let _ = kill_process(getpid(), Signal::STOP);
    played
}

/// Nobody could continue it: whoever started this job is of another session (POSIX.1 3.264). Such a job is not stopped.
fn is_orphan() -> bool {
    let Some(ours) = Membership::read("self") else {
        return true;
    };
    let mut parent = ours.parent;
    while let Some(membership) = Membership::read(&parent.to_string()) {
        if membership.session != ours.session {
            return true;
        }
        if membership.group != ours.group {
            return false;
        }
        // Of the same job: its own parent is who counts.
        parent = membership.parent;
    }
    true
}
