//! `kinora play`.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use kinora::{FIRST_EXTERNAL_SUBTITLE, LoopMode, Player, PlayerConfig, SeekAccuracy, Time};
use serde_json::json;

use crate::args::{PlayArgs, Until};
use crate::cache;
use crate::credential;
use crate::json;
use crate::record;
use crate::report::{Failure, Style};
use crate::source::{self, decoders, demuxers, net_config, player_config};
use crate::term::Keyboard;

mod ahead;
mod bindings;
mod control;
mod controlling_terminal;
mod jobs;
mod keys;
mod memory;
mod navigation;
mod outputs;
mod refresh;
mod remote;
mod screen;
mod session;
mod shutdown;
mod snapshot;
mod status_line;
mod waits;
#[cfg(not(feature = "window"))]
#[path = "play/no_window.rs"]
mod window;
#[cfg(feature = "window")]
mod window;

use ahead::Ahead;
use bindings::Bindings;
use controlling_terminal::ControllingTerminal;
use navigation::{PendingNavigation, next_index};
use outputs::Outputs;
use remote::Remote;
use session::{PlaybackContext, Session, reader_has_gone};
use shutdown::Shutdown;
use waits::Waits;
use window::PlayWindow;

/// The outputs have so long to write what they hold.
const OUTPUT_LIMIT: Duration = Duration::from_secs(10);

/// `usual`: files of the user's own configuration are read.
pub(crate) fn run(args: PlayArgs, usual: bool, style: &Style) -> Result<(), Failure> {
    if args.control.is_some() && args.sources.iter().any(|source| source == "-") {
        return Err(Failure::usage(
            "standard input takes one thing only: the source (-) or --control",
            "标准输入只能用于一处：作为来源（-）或用于 --control",
        ));
    }
    if !args.subtitles.is_empty() && args.sources.len() > 1 {
        return Err(Failure::usage(
            "--subtitle is for one source; play the sources one by one",
            "--subtitle 只用于一个来源；请逐个播放",
        ));
    }
    let keys = keys::bindings(&args, usual)?;
    window::with_window(&args, style, |window| play(&args, keys, style, window))
}

/// Pictures are in `window`, where there is one, which another thread serves.
fn play(
    args: &PlayArgs,
    bindings: Bindings,
    style: &Style,
    window: Option<PlayWindow>,
) -> Result<(), Failure> {
    let outputs = outputs::choose(args, window.as_ref())?;
    let (screen, waits, navigation) = (
        outputs.screen.clone(),
        Waits::default(),
        PendingNavigation::default(),
    );
    let player = Arc::new(player(args, outputs, &waits, style)?);
    player.set_viewport(screen.picture_area());
    let keyboard = has_keyboard(args, style).then(Keyboard::open).flatten();
    let terminal = ControllingTerminal::open(&screen, keyboard);
    let shutdown = Shutdown::new(&player, &terminal, &navigation);
    let remote = Remote::new(
        &player,
        &screen,
        &navigation,
        style,
        outputs::cue_drawing(args),
        bindings,
    );
    if args.control.is_some() {
        let machine = args.stats.is_some() || style.json;
        control::listen(&remote, machine).map_err(|error| Failure::io("stdin", &error))?;
    }
    let keys = keys::listen(&terminal, &remote, &shutdown);
    if let Some(window) = &window {
        window.listen(&remote, &shutdown);
    }
    let _signals = jobs::listen(&player, &terminal, &shutdown)?;
    let ahead = Ahead::new(args, &player)?;
    let context = PlaybackContext {
        player: &player,
        args,
        window: window.as_ref(),
        style,
        screen: &screen,
        navigation: &navigation,
        waits: &waits,
        repeat: remote.repeat(),
    };
    let Played {
        last,
        first_failure,
    } = play_all(&context, ahead.as_ref());
    drop(keys);
    // The terminal shows its own screen again before anything is printed there.
    let released = player.release(OUTPUT_LIMIT);
    screen.close();
    // What a person asked for is not a failure of what was being played.
    shutdown.result()?;
    match released {
        Err(fault) if reader_has_gone(&fault) => {}
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
            return Err(Failure::Reported(Box::new(first)));
        }
    }
    Ok(())
}

/// A window does not close with a failure that nobody has read.
fn show_failure(context: &PlaybackContext<'_>, last: &Result<Session<'_>, Failure>) {
    let (args, quits) = (context.args, context.navigation.is_pending());
    let watched = args.stats.is_none() && !context.style.json && args.until == Until::End;
    if let (Some(window), Err(Failure::Fault(fault))) = (context.window, last)
        && watched
        && !quits
    {
        window.show_failure(fault, context.style);
    }
}

/// How a list of sources went.
struct Played<'a> {
    /// The last one's session, or its failure; neither was reported yet.
    last: Result<Session<'a>, Failure>,
    /// The first failure of those before, which was reported.
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
        .config(PlayerConfig {
            audio_language: args.audio_language.clone(),
            subtitle_language: args.subtitle_language.clone(),
            video_angle: args.angle.clone(),
            program: args.program,
            disable_interstitials: args.no_interstitials,
            disable_subtitles: args.no_subtitles,
            disable_video: args.no_video,
            disable_audio: args.no_audio,
            prefer_audio: args.prefer_audio,
            enable_sei: args.sei,
            max_delay: Duration::from_millis(args.max_delay),
            live_start_index: args.live_start,
            ..player_config(&args.net)
        })
        .network(net)
        .decoders(decoders(args.decoder))
        .demuxers(demuxers(args.demuxer))
        .video_sink(outputs.video)
        .audio_sink(outputs.audio)
        .autoplay(!args.paused);
    if let Some(cache) = cache::config(&args.caching) {
        builder = builder.cache(cache);
    }
    for (id, key) in source::keys(&args.protection)? {
        builder = builder.key(id, key);
    }
    if let Some(path) = &args.record {
        builder = builder.record(record::to_file(path, style)?);
    }
    let player = builder.build()?;
    player.set_volume(args.volume);
    player.set_mute(args.mute);
    if args.audio_delay != Time::ZERO {
        player.set_audio_delay(args.audio_delay);
    }
    player.set_rotation(args.rotate);
    player.set_mirror(args.mirror.into());
    player.set_scale_mode(args.scale.into());
    if args.speed != 1.0 {
        player.set_speed(args.speed);
    }
    Ok(player)
}

/// What is played one after the other.
struct Queue<'a> {
    sources: Vec<OsString>,
    /// Where each begins, and its subtitles: said on the command line, of what is named there.
    start: Option<Time>,
    subtitles: &'a [OsString],
}

impl<'a> Queue<'a> {
    fn given(context: &PlaybackContext<'a>) -> Self {
        let args = context.args;
        Self {
            start: args.start,
            subtitles: &args.subtitles,
            ..Self::opened(context, args.sources.clone())
        }
    }

    /// What a person opened in place of it.
    fn opened(context: &PlaybackContext<'_>, sources: Vec<OsString>) -> Self {
        let repeats = context.args.looping && sources.len() == 1;
        let mode = if repeats { LoopMode::On } else { LoopMode::Off };
        if context.player.loop_mode() != mode {
            context.player.set_loop(mode);
        }
        Self {
            sources,
            start: None,
            subtitles: &[],
        }
    }
}

/// Keys are listened to where a person sees what they do, and where stdin is not for commands.
fn has_keyboard(args: &PlayArgs, style: &Style) -> bool {
    let seen = io::stdout().is_terminal() || io::stderr().is_terminal();
    seen && !args.headless && args.stats.is_none() && args.control.is_none() && !style.json
}

/// Plays one file after the other. All but the last are reported when they end.
fn play_all<'a>(context: &'a PlaybackContext<'a>, ahead: Option<&Ahead>) -> Played<'a> {
    let mut queue = Queue::given(context);
    let (mut at, mut first_failure, mut failures) = (0, None, 0);
    loop {
        let played = play_one(context, ahead, &queue, at);
        let count = queue.sources.len();
        failures = match played {
            Ok(_) => 0,
            Err(_) => failures + 1,
        };
        // A list of which nothing can be played is not gone through for ever.
        let looped = context.args.looping && count > 1 && failures < count;
        let mut next = next_index(at, count, context.navigation.take(), looped);
        let mut opened = context.navigation.take_opened();
        if next.is_none() && opened.is_none() {
            show_failure(context, &played);
            opened = context.navigation.take_opened();
        }
        if let Some(sources) = opened {
            queue = Queue::opened(context, sources);
            (next, failures) = (Some(0), 0);
        }
        let Some(next) = next else {
            let last = played;
            return Played {
                last,
                first_failure,
            };
        };
        match played {
            Ok(session) => session.summary(),
            Err(failure) => {
                context.style.fail(&failure);
                first_failure.get_or_insert(failure);
            }
        }
        at = next;
    }
}

fn play_one<'a>(
    context: &'a PlaybackContext<'a>,
    ahead: Option<&Ahead>,
    queue: &Queue<'a>,
    at: usize,
) -> Result<Session<'a>, Failure> {
    let (args, player) = (context.args, context.player);
    let (given, count) = (&queue.sources[at], queue.sources.len());
    let title = source::shown(given);
    let mut session = Session::new(context, &title, queue.start, queue.subtitles.len());
    let named = source::locate(given)?;
    if let Some(window) = context.window {
        window.set_title(&title);
    }
    if count > 1 {
        let number = at + 1;
        match args.stats.is_some() || context.style.json {
            true => json::line(
                &json!({ "event": "file", "number": number, "of": count, "source": title }),
            ),
            false => context.screen.emit(&format!("{number}/{count} {title}")),
        }
    }
    player.set_source(credential::source(&named, &args.vid)?);
    if let Some(start) = queue.start {
        player.seek(start, SeekAccuracy::Exact);
    }
    player.prepare();
    if let Some(ahead) = ahead {
        ahead.beside(&queue.sources, at);
    }
    for (index, given) in (FIRST_EXTERNAL_SUBTITLE..).zip(queue.subtitles) {
        player.add_external_subtitle(source::locate(given)?);
        player.set_subtitle_delay(index, Time::from_millis(args.subtitle_delay));
        player.select_subtitle(index, true);
    }
    session.run()?;
    Ok(session)
}
