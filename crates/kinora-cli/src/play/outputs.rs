//! Where pictures and sound go.

use std::io::IsTerminal;
use std::path::Path;

use kinora::output::{AudioSink, ContactSheet, NullAudio, NullVideo, PngDir, Terminal, VideoSink, WavFile, YuvFile};

use crate::args::PlayArgs;
use crate::report::Failure;

pub(crate) struct Outputs {
    pub(crate) video: Box<dyn VideoSink>,
    pub(crate) audio: Box<dyn AudioSink>,
    /// The pictures are drawn on the terminal, and keys are read from it.
    pub(crate) terminal: bool,
    /// Something on disk must be finished before the program ends.
    pub(crate) keeps_files: bool,
}

pub(crate) fn choose(args: &PlayArgs) -> Result<Outputs, Failure> {
    let interactive = !args.headless && args.stats.is_none() && std::io::stdout().is_terminal();
    let vo = match args.vo.as_str() {
        "auto" if interactive => "terminal",
        "auto" => "null",
        given => given,
    };
    let fault = |error: &dyn kinora::Coded| Failure::Fault(error.fault());
    let video: Box<dyn VideoSink> = match vo.split_once(':').unwrap_or((vo, "")) {
        ("null", "") => Box::new(NullVideo::new()),
        ("terminal", "") => Box::new(Terminal::open().map_err(|error| fault(&error))?),
        ("png", dir) if !dir.is_empty() => Box::new(PngDir::create(Path::new(dir)).map_err(|error| fault(&error))?),
        ("yuv", file) if !file.is_empty() => Box::new(YuvFile::create(Path::new(file)).map_err(|error| fault(&error))?),
        ("sheet", file) if !file.is_empty() => {
            Box::new(ContactSheet::create(Path::new(file)).map_err(|error| fault(&error))?)
        }
        _ => {
            return Err(Failure::Usage(format!(
                "--vo {vo} is none of null, terminal, png:DIR, yuv:FILE, sheet:FILE.png"
            )));
        }
    };
    let audio: Box<dyn AudioSink> = match args.ao.split_once(':').unwrap_or((&args.ao, "")) {
        ("null", "") => Box::new(NullAudio::new()),
        ("wav", file) if !file.is_empty() => Box::new(WavFile::create(Path::new(file)).map_err(|error| fault(&error))?),
        _ => return Err(Failure::Usage(format!("--ao {} is none of null, wav:FILE", args.ao))),
    };
    Ok(Outputs {
        video,
        audio,
        terminal: vo == "terminal",
        keeps_files: !matches!(vo, "null" | "terminal") || args.ao != "null",
    })
}
