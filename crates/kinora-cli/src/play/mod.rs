//! `kinora play`.

use std::sync::Arc;

use kinora::{LoopMode, Player, SeekAccuracy, Time};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::PlayArgs;
use crate::credential;
use crate::record;
use crate::report::{Failure, Style};
use crate::source::{decoders, net_config, player_config};

mod control;
mod keys;
mod outputs;
mod session;
mod show;

use session::Session;

pub(crate) fn run(args: PlayArgs, style: &Style) -> Result<(), Failure> {
    let outputs = outputs::choose(&args)?;
    let terminal = outputs.terminal;
    let mut builder = Player::builder()
        .config(player_config(&args.net))
        .network(net_config(&args.net)?)
        .decoders(decoders(args.decoder))
        .video_sink(outputs.video)
        .audio_sink(outputs.audio)
        .autoplay(!args.paused);
    if let Some(path) = &args.record {
        builder = builder.record(record::to_file(path)?);
    }
    let player = Arc::new(builder.build()?);
    player.set_source(credential::source(&args.source, &args.vid)?);
    player.set_volume(args.volume);
    player.set_mute(args.mute);
    if args.speed != 1.0 {
        player.set_speed(args.speed);
    }
    if args.looping {
        player.set_loop(LoopMode::On);
    }
    if let Some(seconds) = args.start {
        player.seek(Time::from_secs_f64(seconds), SeekAccuracy::Exact);
    }
    player.prepare();
    if args.control.is_some() {
        control::listen(&player);
    }
    let keys = terminal.then(|| keys::listen(&player));
    let _signals = signals(&player)?;
    let mut session = Session::new(&player, &args, style, terminal);
    let played = session.run();
    drop(keys);
    played?;
    // The terminal shows its own screen again before anything is printed there.
    player.release()?;
    session.summary();
    Ok(())
}

/// A signal that ends the program ends playing first, so that files are whole and the terminal is as it was.
fn signals(player: &Arc<Player>) -> Result<Runtime, Failure> {
    let failed = |error: std::io::Error| Failure::io("signals", &error);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .build()
        .map_err(failed)?;
    let player = Arc::clone(player);
    let inside = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    runtime.spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
        player.stop();
    });
    drop(inside);
    Ok(runtime)
}
