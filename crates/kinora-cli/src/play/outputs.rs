//! Where pictures and sound go.

use std::io::IsTerminal;

use kinora::Coded;
use kinora::output::{AudioOutput, AudioSink, OutputSpecError, TeeVideo, VideoOutput, VideoSink};

use crate::args::PlayArgs;
use crate::report::Failure;

pub(crate) struct Outputs {
    pub(crate) video: Box<dyn VideoSink>,
    pub(crate) audio: Box<dyn AudioSink>,
    /// The pictures are drawn on the terminal, and keys are read from it.
    pub(crate) terminal: bool,
}

pub(crate) fn choose(args: &PlayArgs) -> Result<Outputs, Failure> {
    let interactive = !args.headless && args.stats.is_none() && std::io::stdout().is_terminal();
    let named = match args.vo.as_str() {
        "auto" if interactive => "terminal",
        "auto" => "null",
        given => given,
    };
    let outputs: Vec<VideoOutput> = named
        .split(',')
        .map(|name| name.parse())
        .collect::<Result<_, _>>()
        .map_err(|error| unknown("--vo", "画面", &error))?;
    let audio: AudioOutput = args
        .ao
        .parse()
        .map_err(|error| unknown("--ao", "声音", &error))?;
    let mut sinks = Vec::new();
    for output in &outputs {
        sinks.push(output.open().map_err(|error| error.fault())?);
    }
    let video = match sinks.len() {
        1 => sinks.remove(0),
        _ => Box::new(TeeVideo::new(sinks)),
    };
    Ok(Outputs {
        video,
        audio: audio.open().map_err(|error| error.fault())?,
        terminal: outputs.contains(&VideoOutput::Terminal),
    })
}

fn unknown(option: &str, what: &str, error: &OutputSpecError) -> Failure {
    let (given, known) = (&error.given, error.known);
    Failure::usage(
        format!("{option}: {error}"),
        format!("{option}：没有名为 `{given}` 的{what}输出；可用 {known}"),
    )
}
