//! Usage errors in Chinese.

use std::error::Error as _;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use kinora_errors::Lang;

use crate::out;
use crate::words::Words;

/// Prints the help or the error, as wide as the terminal is, and ends the program with clap's status.
pub(crate) fn exit(error: &Error, lang: Lang) -> ! {
    let is_help =
        !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    match (error.use_stderr(), lang) {
        (true, Lang::Zh) if !is_help => out::reported(sentence(error).trim_end()),
        (true, _) => out::reported(rendered(error, &std::io::stderr()).trim_end()),
        (false, _) => out::prose(&rendered(error, &std::io::stdout())),
    }
    std::process::exit(error.exit_code())
}

/// As clap writes it, with colours where the stream takes them.
fn rendered(error: &Error, stream: &impl RawStream) -> String {
    let text = error.render();
    match AutoStream::choice(stream) {
        ColorChoice::Never => text.to_string(),
        _ => text.ansi().to_string(),
    }
}

/// What is wrong, what may have been meant, how it is used.
pub(super) fn sentence(error: &Error) -> String {
    let mut text = format!("错误: {}\n", wrong(error));
    let meant = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ];
    for kind in meant {
        if let Some(names) = context(error, kind) {
            text += &format!("\n  提示: 是否想用 {names}？\n");
        }
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let usage = super::usage(&usage.to_string());
        text += &format!("\n用法: {usage}\n");
    }
    text + "\n详见 '--help'。\n"
}

/// What is wrong with a value, in a sentence.
pub(crate) fn wrong_value(error: &Error, lang: Lang) -> String {
    let english = error.to_string();
    match lang {
        Lang::Zh => wrong(error),
        // The first paragraph; what follows is about the command line.
        Lang::En => {
            let first = english.split("\n\n").next().unwrap_or_default();
            let words: Vec<_> = first.split_whitespace().collect();
            words.join(" ").trim_start_matches("error: ").to_owned()
        }
    }
}

fn wrong(error: &Error) -> String {
    let reported = |kind| context(error, kind).unwrap_or_default();
    let (arg, value) = (
        reported(ContextKind::InvalidArg),
        reported(ContextKind::InvalidValue),
    );
    match error.kind() {
        ErrorKind::UnknownArgument => format!("没有 {arg} 这个参数"),
        ErrorKind::InvalidSubcommand => {
            format!("没有 {} 这个命令", reported(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数：{arg}"),
        ErrorKind::MissingSubcommand => "缺少命令".to_owned(),
        ErrorKind::ArgumentConflict => {
            format!("{arg} 不能与 {} 同时使用", reported(ContextKind::PriorArg))
        }
        ErrorKind::InvalidValue if value.is_empty() || value == "''" => {
            format!("{arg} 需要一个值{}", choices(error))
        }
        ErrorKind::InvalidValue => format!("{arg} 的值 {value} 无效{}", choices(error)),
        ErrorKind::ValueValidation => format!("{arg} 的值 {value} 无效{}", reason(error)),
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
            format!("{arg} 的值的个数不对")
        }
        ErrorKind::InvalidUtf8 => "参数不是有效的 UTF-8 文本".to_owned(),
        _ => format!("参数有误 {arg}"),
    }
}

/// Why one of our own parsers refused it.
fn reason(error: &Error) -> String {
    let words = error
        .source()
        .and_then(|source| source.downcast_ref::<Words>());
    words.map_or_else(String::new, |words| {
        format!("：{}", words.in_language(Lang::Zh))
    })
}

fn choices(error: &Error) -> String {
    match context(error, ContextKind::ValidValue) {
        Some(values) => format!(" [可选值: {values}]"),
        None => String::new(),
    }
}

fn context(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(format!("'{text}'")),
        ContextValue::Strings(texts) if !texts.is_empty() => {
            let quoted: Vec<_> = texts.iter().map(|text| format!("'{text}'")).collect();
            Some(quoted.join("、"))
        }
        _ => None,
    }
}
