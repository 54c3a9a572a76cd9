//! Where pictures and sound go.

use std::io::IsTerminal;

use kinora::output::{
    AudioOutput, AudioSink, OutputSpecError, TeeVideo, Terminal, VideoOutput, VideoSink,
};
use kinora::{Coded, LibassError, ScriptChoice};
use kinora_errors::{Lang, causes};

use super::screen::Screen;
use super::snapshot::CueDrawing;
use super::window::PlayWindow;
use crate::args::{PlayArgs, ScriptArg};
use crate::report::Failure;
use crate::term;

pub(crate) struct Outputs {
    pub(crate) video: Box<dyn VideoSink>,
    pub(crate) audio: Box<dyn AudioSink>,
    /// What a person sees; the pictures, where they go to the terminal.
    pub(crate) screen: Screen,
}

/// Where pictures go.
#[derive(PartialEq, Eq)]
enum Pictures {
    /// The window that was made.
    Window,
    /// Anything else.
    Elsewhere(VideoOutput),
}

impl Pictures {
    fn is_stdout(&self) -> bool {
        matches!(self, Self::Elsewhere(output) if output.is_stdout())
    }
}

const TERMINAL: Pictures = Pictures::Elsewhere(VideoOutput::Terminal);

pub(crate) fn choose(args: &PlayArgs, window: Option<&PlayWindow>) -> Result<Outputs, Failure> {
    let videos = videos(args, window.is_some())?;
    let audio = match args.ao.as_str() {
        // Who watches nothing listens to nothing, and a machine need not make noise.
        "auto" if args.headless => "null",
        given => given,
    };
    let audio: AudioOutput = audio
        .parse()
        .map_err(|error| unknown(("--ao", ""), "声音", &error))?;
    let machine = args.stats.is_some();
    check_stdout(&videos, &audio, machine)?;
    let terminal = videos.contains(&TERMINAL);
    let pictures = match terminal {
        true => Some(Terminal::open().map_err(|error| error.fault())?),
        false => None,
    };
    let screen = Screen::new(pictures, !machine).with_window(window.cloned());
    let mut sinks: Vec<Box<dyn VideoSink>> = Vec::new();
    for output in &videos {
        sinks.push(match output {
            Pictures::Window => match window {
                Some(window) => window.sink(),
                None => continue,
            },
            Pictures::Elsewhere(VideoOutput::Terminal) => Box::new(screen.sink()),
            Pictures::Elsewhere(output) => {
                let renderer = script_choice(args)
                    .renderer()
                    .map_err(|error| no_libass(&error))?;
                let renderer = renderer.with_scale(args.subtitle_scale);
                output.open_with(renderer).map_err(|error| error.fault())?
            }
        });
    }
    let video = match sinks.len() {
        1 => sinks.remove(0),
        _ => Box::new(TeeVideo::new(sinks)),
    };
    let audio = audio.open().map_err(|error| error.fault())?;
    Ok(Outputs {
        video,
        audio,
        screen,
    })
}

pub(crate) fn cue_drawing(args: &PlayArgs) -> CueDrawing {
    CueDrawing {
        scripts: script_choice(args),
        scale: args.subtitle_scale,
    }
}

fn script_choice(args: &PlayArgs) -> ScriptChoice {
    match args.script_renderer {
        ScriptArg::Auto => ScriptChoice::Auto,
        ScriptArg::Kinora => ScriptChoice::Kinora,
        ScriptArg::Libass => ScriptChoice::Libass,
    }
}

fn no_libass(error: &LibassError) -> Failure {
    let error = error.to_string();
    Failure::usage(
        format!("--script-renderer libass: {error}"),
        format!(
            "--script-renderer libass：{}",
            causes::in_language(&error, Lang::Zh)
        ),
    )
}

fn videos(args: &PlayArgs, has_window: bool) -> Result<Vec<Pictures>, Failure> {
    let interactive = !args.headless
        && args.stats.is_none()
        && std::io::stdout().is_terminal()
        && !term::is_dumb();
    let named = match args.vo.as_str() {
        "auto" if has_window => "window",
        "auto" if interactive => "terminal",
        "auto" => "null",
        given => given,
    };
    named
        .split(',')
        .map(|name| match name {
            "window" | "window:gpu" | "window:software" => Ok(Pictures::Window),
            name => name.parse().map(Pictures::Elsewhere),
        })
        .collect::<Result<_, _>>()
        .map_err(|error| unknown(("--vo", "window, "), "画面", &error))
}

/// Standard output holds pictures, or sound, or lines for a machine, and is no terminal then.
fn check_stdout(videos: &[Pictures], audio: &AudioOutput, machine: bool) -> Result<(), Failure> {
    let pictures = videos.iter().filter(|output| output.is_stdout()).count();
    let drawn = usize::from(videos.contains(&TERMINAL));
    let media = pictures + usize::from(audio.is_stdout());
    if media > 0 && media + drawn + usize::from(machine) > 1 {
        return Err(Failure::usage(
            "standard output (-) takes one thing only: pictures, sound, or --stats",
            "标准输出（-）只能用于一处：画面、声音或 --stats",
        ));
    }
    if media > 0 && std::io::stdout().is_terminal() {
        return Err(Failure::usage(
            "standard output (-) is a terminal: redirect it to a file or another program",
            "标准输出（-）是终端：请重定向到文件或其他程序",
        ));
    }
    Ok(())
}

/// `also`: outputs that only this program has.
fn unknown((option, also): (&str, &str), what: &str, error: &OutputSpecError) -> Failure {
    let OutputSpecError { given, kind, known } = error;
    Failure::usage(
        format!("{option}: `{given}` names no {kind} output; there are {also}{known}"),
        format!("{option}：没有名为 `{given}` 的{what}输出；可用 {also}{known}"),
    )
}
