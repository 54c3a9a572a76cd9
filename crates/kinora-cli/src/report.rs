//! How failures are shown, and the exit status they give.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use kinora_errors::{Code, Coded, Fault, Lang, ReportStyle};
use tokio::signal::unix::SignalKind;

use crate::args::{ColorArg, Common, LangArg};
use crate::out;
use crate::words::Words;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A numbered failure.
    Fault(Fault),
    /// The arguments contradict each other or the world.
    Usage(Words),
    /// A signal ended it, in order: there is nothing to report.
    Signal(SignalKind),
    /// It was reported already; only its exit status is left.
    Reported(Box<Failure>),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Failure {
    /// A usage error, in English and in Chinese.
    pub(crate) fn usage(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::Usage(Words::new(en, zh))
    }
    /// What a part of Kinora refused, by its number.
    pub(crate) fn of(error: &dyn Coded) -> Self {
        Self::Fault(error.fault())
    }
    /// The exit status that it gives.
    fn status(&self) -> u8 {
        match self {
            Self::Signal(signal) => signal_status(*signal),
            Self::Usage(_) => 2,
            Self::Fault(fault) => exit_status(fault),
            Self::Reported(failure) => failure.status(),
        }
    }
    /// A failure of the system at a path.
    pub(crate) fn io(path: &str, error: &std::io::Error) -> Self {
        Self::Fault(system(path, error))
    }
}

/// What the system refused at a path, by its number.
pub(crate) fn system(path: &str, error: &std::io::Error) -> Fault {
    let code = Code::from_errno(error.raw_os_error().unwrap_or(0));
    Fault::new(code, "file.io").cause(error).at_url(path)
}

/// Language, colour and format of the output.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) lang: Lang,
    pub(crate) json: bool,
    /// Colour on stdout.
    pub(crate) color: bool,
    color_stderr: bool,
}

impl Style {
    pub(crate) fn new(common: &Common) -> Self {
        let lang = match common.lang {
            Some(LangArg::Zh) => Lang::Zh,
            Some(LangArg::En) => Lang::En,
            None => locale_lang(),
        };
        Self {
            lang,
            json: common.json,
            color: colored(common.color, std::io::stdout().is_terminal()),
            color_stderr: colored(common.color, std::io::stderr().is_terminal()),
        }
    }

    /// The sentence in the user's language.
    pub(crate) const fn say<'a>(&self, english: &'a str, chinese: &'a str) -> &'a str {
        match self.lang {
            Lang::En => english,
            Lang::Zh => chinese,
        }
    }

    /// For a file: no colour.
    pub(crate) fn plain(lang: Lang) -> Self {
        Self {
            lang,
            json: false,
            color: false,
            color_stderr: false,
        }
    }

    /// Reports a failure on stderr.
    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        match failure {
            Failure::Signal(_) | Failure::Reported(_) => {}
            Failure::Usage(words) => {
                out::reported(&format!("kinora: {}", words.in_language(self.lang)));
            }
            Failure::Fault(fault) => self.emit(fault),
        }
        ExitCode::from(failure.status())
    }

    /// Shows a fault whole.
    pub(crate) fn emit(&self, fault: &Fault) {
        if self.json {
            let detail = serde_json::to_string(fault).unwrap_or_else(|_| format!("{fault}"));
            out::emit(&detail);
            return;
        }
        let style = if self.color_stderr {
            ReportStyle::Ansi
        } else {
            ReportStyle::Plain
        };
        out::reported(fault.report(self.lang, style).trim_end());
    }
}

/// The status of the fault's group; that of wrong arguments for a proxy of the environment that can not be used, as for
/// one of the command line.
fn exit_status(fault: &Fault) -> u8 {
    match fault.context().variable {
        Some(_) => 2,
        None => fault.code().exit_status(),
    }
}

/// What a shell gives a program that a signal killed, so that scripts see no difference.
pub(crate) fn signal_status(signal: SignalKind) -> u8 {
    u8::try_from(128 + signal.as_raw_value()).unwrap_or(u8::MAX)
}

/// <https://no-color.org>: set and not empty means no colour, unless it is asked for.
fn colored(when: ColorArg, terminal: bool) -> bool {
    match when {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => {
            let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            terminal && !set("NO_COLOR") && std::env::var("TERM").as_deref() != Ok("dumb")
        }
    }
}

/// The language that the arguments ask for, before they are parsed; else the locale's.
pub(crate) fn lang_of(args: impl Iterator<Item = OsString>) -> Lang {
    asked_lang(args).unwrap_or_else(locale_lang)
}

/// The language that the arguments ask for, before they are parsed.
pub(crate) fn asked_lang(args: impl Iterator<Item = OsString>) -> Option<Lang> {
    let (mut asked, mut follows) = (None, false);
    for arg in args.take_while(|arg| arg != "--") {
        let Some(text) = arg.to_str() else { continue };
        let value = match text.strip_prefix("--lang=") {
            Some(value) => Some(value),
            None => follows.then_some(text),
        };
        asked = match value {
            Some("zh") => Some(Lang::Zh),
            Some("en") => Some(Lang::En),
            _ => asked,
        };
        follows = text == "--lang";
    }
    asked
}

/// The language of the locale.
pub(crate) fn locale_lang() -> Lang {
    Lang::from_locale(&locale())
}

/// POSIX's order: LC_ALL, LC_MESSAGES, LANG.
fn locale() -> String {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .unwrap_or_default()
}
