//! Where pictures and sound go.

use std::io::IsTerminal;

use kinora::output::{
    AudioOutput, AudioSink, OutputSpecError, TeeVideo, Terminal, VideoOutput, VideoSink,
};
use kinora::{Coded, LibassError, ScriptChoice};
use kinora_errors::{Lang, causes};

use super::screen::Screen;
use super::snapshot::CueDrawing;
use crate::args::{PlayArgs, ScriptArg};
use crate::report::Failure;
use crate::term;

pub(crate) struct Outputs {
    pub(crate) video: Box<dyn VideoSink>,
    pub(crate) audio: Box<dyn AudioSink>,
    /// What a person sees; the pictures, where they go to the terminal.
    pub(crate) screen: Screen,
}

pub(crate) fn choose(args: &PlayArgs) -> Result<Outputs, Failure> {
    let videos = videos(args)?;
    let audio: AudioOutput = args
        .ao
        .parse()
        .map_err(|error| unknown("--ao", "声音", &error))?;
    let machine = args.stats.is_some();
    check_stdout(&videos, &audio, machine)?;
    let terminal = videos.contains(&VideoOutput::Terminal);
    let pictures = match terminal {
        true => Some(Terminal::open().map_err(|error| error.fault())?),
        false => None,
    };
    let screen = Screen::new(pictures, !machine);
    let mut sinks: Vec<Box<dyn VideoSink>> = Vec::new();
    for output in &videos {
        sinks.push(match output {
            VideoOutput::Terminal => Box::new(screen.sink()),
            output => {
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

fn videos(args: &PlayArgs) -> Result<Vec<VideoOutput>, Failure> {
    let interactive = !args.headless
        && args.stats.is_none()
        && std::io::stdout().is_terminal()
        && !term::is_dumb();
    let named = match args.vo.as_str() {
        "auto" if interactive => "terminal",
        "auto" => "null",
        given => given,
    };
    named
        .split(',')
        .map(|name| name.parse())
        .collect::<Result<_, _>>()
        .map_err(|error| unknown("--vo", "画面", &error))
}

/// Standard output holds pictures, or sound, or lines for a machine, and is no terminal then.
fn check_stdout(videos: &[VideoOutput], audio: &AudioOutput, machine: bool) -> Result<(), Failure> {
    let pictures = videos.iter().filter(|output| output.is_stdout()).count();
    let drawn = usize::from(videos.contains(&VideoOutput::Terminal));
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

fn unknown(option: &str, what: &str, error: &OutputSpecError) -> Failure {
    let (given, known) = (&error.given, error.known);
    Failure::usage(
        format!("{option}: {error}"),
        format!("{option}：没有名为 `{given}` 的{what}输出；可用 {known}"),
    )
}
