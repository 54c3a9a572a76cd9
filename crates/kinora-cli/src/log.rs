//! The log: lines on standard error. A reader of them that does not read must not hold the player or the service up, so that
//! lines are written by a thread of their own, and lost where it falls far behind.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use crate::args::{Cli, Command, LogFormat, LogLevel};
use crate::report::{Failure, Style};

/// The level, where the command line names none.
const VARIABLE: &str = "KINORA_LOG";
/// Lines that wait to be written.
const WAITING: usize = 4096;
/// What the last lines have to be written in, when the service ends.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Writes what waits, when dropped.
pub(crate) struct Log(SyncSender<LogMessage>);

enum LogMessage {
    Line(Vec<u8>),
    /// Answered when all before it is written.
    Flush(SyncSender<()>),
}

/// Begins the log that the command line and the environment ask for, if any.
pub(crate) fn begin(cli: &Cli, style: &Style) -> Result<Option<Log>, Failure> {
    let (usual, format) = match &cli.command {
        Command::Serve(args) => (LevelFilter::INFO, args.log_format),
        _ => (LevelFilter::OFF, None),
    };
    let by_style = match style.json {
        true => LogFormat::Json,
        false => LogFormat::Text,
    };
    let level = match cli.common.log {
        Some(level) => filter(level),
        None => of_environment()?.unwrap_or(usual),
    };
    if level == LevelFilter::OFF {
        return Ok(None);
    }
    start(level, format.unwrap_or(by_style)).map(Some)
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

fn start(level: LevelFilter, format: LogFormat) -> Result<Log, Failure> {
    let (sender, reported) = sync_channel(WAITING);
    let lost = Arc::new(AtomicU64::new(0));
    let lines = Lines {
        sender: sender.clone(),
        lost: lost.clone(),
    };
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write(&reported, &lost, format))
        .map_err(|error| Failure::io("the log's thread", &error))?;
    // All of ours begin with that name. Of others only what concerns the operator: HTTP's own log would show requests whole.
    let filter = Targets::new()
        .with_target("kinora", level)
        .with_target("sqlx", level.min(LevelFilter::WARN));
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(lines)
        .with_target(false);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
    // Fails where there is a log already, which then goes on.
    let _ = subscriber.try_init();
    Ok(Log(sender))
}

fn of_environment() -> Result<Option<LevelFilter>, Failure> {
    let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    // The type itself would take numbers, too.
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let level = text.parse().ok().filter(|_| is_word);
    level.map(Some).ok_or_else(|| {
        Failure::usage(
            format!("{VARIABLE} must be off, error, warn, info, debug or trace, not {text:?}"),
            format!("{VARIABLE} 应为 off、error、warn、info、debug 或 trace，而不是 {text:?}"),
        )
    })
}

fn write(reported: &Receiver<LogMessage>, lost: &AtomicU64, format: LogFormat) {
    let mut stderr = io::stderr();
    for reported in reported {
        // Where nobody reads them any more, the service goes on without.
        match reported {
            LogMessage::Line(line) => drop(stderr.write_all(&line)),
            LogMessage::Flush(done) => drop(done.try_send(())),
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let line = match format {
                LogFormat::Text => {
                    format!("WARN {lost} lines of the log were lost: they were not read in time\n")
                }
                LogFormat::Json => format!(
                    "{{\"level\":\"WARN\",\"message\":\"lines of the log were lost: they were not read in time\",\"lines\":{lost}}}\n"
                ),
            };
            let _ = stderr.write_all(line.as_bytes());
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let (done, waits) = sync_channel(1);
        if self.0.try_send(LogMessage::Flush(done)).is_ok() {
            let _ = waits.recv_timeout(LAST_LINES);
        }
    }
}

/// Takes whole lines.
#[derive(Clone)]
struct Lines {
    sender: SyncSender<LogMessage>,
    lost: Arc<AtomicU64>,
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self
            .sender
            .try_send(LogMessage::Line(line.to_vec()))
            .is_err()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
