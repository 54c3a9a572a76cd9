//! `kinora play`.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use kinora::{LoopMode, Player, SeekAccuracy};
use serde_json::json;

use crate::args::PlayArgs;
use crate::credential;
use crate::json;
use crate::record;
use crate::report::{Failure, Style};
use crate::source::{self, decoders, net_config, player_config};
use crate::term::Keyboard;

mod control;
mod desk;
mod ending;
mod jobs;
mod keys;
mod outputs;
mod refresh;
mod remote;
mod screen;
mod session;
mod show;
mod turn;
mod waits;

use desk::Desk;
use ending::Ending;
use outputs::Outputs;
use remote::Remote;
use session::{READER_GONE, Session, Stage};
use turn::{Turns, follows};
use waits::Waits;

/// The outputs have so long to write what they hold.
const OUTPUT_LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn run(args: PlayArgs, style: &Style) -> Result<(), Failure> {
    if args.control.is_some() && args.sources.iter().any(|source| source == "-") {
        return Err(Failure::usage(
            "standard input takes one thing only: the source (-) or --control",
            "标准输入只能用于一处：作为来源（-）或用于 --control",
        ));
    }
    let outputs = outputs::choose(&args)?;
    let (screen, waits, turns) = (outputs.screen.clone(), Waits::default(), Turns::default());
    let player = Arc::new(player(&args, outputs, &waits, style)?);
    let keyboard = has_keyboard(&args, style).then(Keyboard::open).flatten();
    let desk = Desk::open(&screen, keyboard);
    let ending = Ending::new(&player, &desk, &turns);
    let remote = Remote::new(&player, &screen, &turns, style);
    if args.control.is_some() {
        let machine = args.stats.is_some() || style.json;
        control::listen(&remote, machine).map_err(|error| Failure::io("stdin", &error))?;
    }
    let keys = keys::listen(&desk, &remote, &ending);
    let _signals = jobs::listen(&player, &desk, &ending)?;
    let stage = Stage {
        player: &player,
        args: &args,
        style,
        screen: &screen,
        turns: &turns,
        waits: &waits,
    };
    let Played {
        last,
        first_failure,
    } = play_all(&stage);
    drop(keys);
    // The terminal shows its own screen again before anything is printed there.
    let released = player.release(OUTPUT_LIMIT);
    screen.close();
    // What a person asked for is not a failure of what was being played.
    ending.verdict()?;
    match released {
        Err(fault) if fault.reason() == READER_GONE => {}
        released => released?,
    }
    match (last, first_failure) {
        (Ok(last), None) => last.summary(),
        (Err(failure), None) => return Err(failure),
        (last, Some(first)) => {
            match last {
                Ok(last) => last.summary(),
                Err(failure) => drop(style.fail(&failure)),
            }
            // The first failure gives the exit status.
            return Err(Failure::Told(Box::new(first)));
        }
    }
    Ok(())
}

/// How a list of sources went.
struct Played<'a> {
    /// The last one's session, or its failure; neither was told yet.
    last: Result<Session<'a>, Failure>,
    /// The first failure of those before, which was told.
    first_failure: Option<Failure>,
}

fn player(
    args: &PlayArgs,
    outputs: Outputs,
    waits: &Waits,
    style: &Style,
) -> Result<Player, Failure> {
    let mut net = net_config(&args.net)?;
    net.watch = waits.watch();
    let mut builder = Player::builder()
        .config(player_config(&args.net))
        .network(net)
        .decoders(decoders(args.decoder))
        .video_sink(outputs.video)
        .audio_sink(outputs.audio)
        .autoplay(!args.paused);
    for (id, key) in source::keys(&args.protection)? {
        builder = builder.key(id, key);
    }
    if let Some(path) = &args.record {
        builder = builder.record(record::to_file(path, style)?);
    }
    let player = builder.build()?;
    player.set_volume(args.volume);
    player.set_mute(args.mute);
    if args.speed != 1.0 {
        player.set_speed(args.speed);
    }
    if args.looping && args.sources.len() == 1 {
        player.set_loop(LoopMode::On);
    }
    Ok(player)
}

/// Keys are listened to where a person sees what they do, and where stdin is not for commands.
fn has_keyboard(args: &PlayArgs, style: &Style) -> bool {
    let seen = io::stdout().is_terminal() || io::stderr().is_terminal();
    seen && !args.headless && args.stats.is_none() && args.control.is_none() && !style.json
}

/// Plays one file after the other. All but the last are told of when they end.
fn play_all<'a>(stage: &'a Stage<'a>) -> Played<'a> {
    let count = stage.args.sources.len();
    let (mut at, mut first_failure, mut failures) = (0, None, 0);
    loop {
        let played = play_one(stage, at);
        failures = match played {
            Ok(_) => 0,
            Err(_) => failures + 1,
        };
        // A list of which nothing can be played is not gone through for ever.
        let looped = stage.args.looping && count > 1 && failures < count;
        let Some(next) = follows(at, count, stage.turns.take(), looped) else {
            let last = played;
            return Played {
                last,
                first_failure,
            };
        };
        match played {
            Ok(session) => session.summary(),
            Err(failure) => {
                stage.style.fail(&failure);
                first_failure.get_or_insert(failure);
            }
        }
        at = next;
    }
}

fn play_one<'a>(stage: &'a Stage<'a>, at: usize) -> Result<Session<'a>, Failure> {
    let mut session = Session::new(stage);
    let (args, player) = (stage.args, stage.player);
    let (given, count) = (&args.sources[at], args.sources.len());
    let named = source::locate(given)?;
    if count > 1 {
        let (number, title) = (at + 1, source::shown(given));
        match args.stats.is_some() || stage.style.json {
            true => json::line(
                &json!({ "event": "file", "number": number, "of": count, "source": title }),
            ),
            false => stage.screen.emit(&format!("{number}/{count} {title}")),
        }
    }
    player.set_source(credential::source(&named, &args.vid)?);
    if let Some(start) = args.start {
        player.seek(start, SeekAccuracy::Exact);
    }
    player.prepare();
    session.run()?;
    Ok(session)
}
