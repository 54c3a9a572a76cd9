//! `kinora play`.

use std::sync::Arc;
use std::time::Duration;

use kinora::{LoopMode, Player, SeekAccuracy, Time};

use crate::args::PlayArgs;
use crate::credential;
use crate::record;
use crate::report::{Failure, Style};
use crate::source::{decoders, net_config, player_config};

mod control;
mod ending;
mod keys;
mod outputs;
mod session;
mod show;

use ending::Ending;
use session::Session;

/// The outputs have so long to write what they hold.
const OUTPUT_LIMIT: Duration = Duration::from_secs(10);

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
        builder = builder.record(record::to_file(path, style)?);
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
        control::listen(&player, style);
    }
    let ending = Ending::new(&player);
    let keys = terminal.then(|| keys::listen(&player, &ending));
    let _signals = ending.on_signals()?;
    let mut session = Session::new(&player, &args, style, terminal);
    let played = session.run();
    drop(keys);
    played?;
    // The terminal shows its own screen again before anything is printed there.
    player.release(OUTPUT_LIMIT)?;
    session.summary();
    ending.verdict()
}
