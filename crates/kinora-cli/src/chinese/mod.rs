//! The help texts in Chinese: the commands are the same, their words come from one table.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory as _, FromArgMatches as _};
use kinora_errors::Lang;

use crate::args::Cli;
use crate::report;

mod table;

/// Whether the arguments or the locale ask for Chinese; looked at before anything is parsed.
pub(crate) fn is_wanted(mut args: impl Iterator<Item = OsString>) -> bool {
    let mut asked = None;
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--") => break,
            Some("--lang") => asked = args.next(),
            Some(text) => {
                if let Some(lang) = text.strip_prefix("--lang=") {
                    asked = Some(lang.into());
                }
            }
            None => {}
        }
    }
    match asked {
        Some(lang) => lang == "zh",
        None => report::locale_lang() == Lang::Zh,
    }
}

/// Parses the arguments of the process; help comes in Chinese.
pub(crate) fn parse() -> Cli {
    let matches = command().get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The program's commands with Chinese words.
fn command() -> Command {
    let mut command = Cli::command();
    // What clap adds itself (help, version) is there after this.
    command.build();
    translated(command, "")
}

const TEMPLATE: &str = "{before-help}{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

fn translated(command: Command, path: &str) -> Command {
    let mut command = command
        .help_template(TEMPLATE)
        .subcommand_help_heading("命令");
    if let Some(about) = text(path, "") {
        command = command.about(about).long_about(None);
    }
    if let Some(after) = text(path, "after") {
        command = command.after_help(after);
    }
    command
        .mut_args(|arg| argument(arg, path))
        .mut_subcommands(|sub| {
            let path = format!("{path} {}", sub.get_name());
            translated(sub, path.trim_start())
        })
}

fn argument(arg: Arg, path: &str) -> Arg {
    let heading = match arg.get_help_heading() {
        Some("Network") => "网络",
        Some("Video by id") => "按 ID 播放",
        _ if arg.is_positional() => "参数",
        _ => "选项",
    };
    let Some(help) = text(path, arg.get_id().as_str()) else {
        return arg.help_heading(heading);
    };
    let explained = arg
        .get_possible_values()
        .iter()
        .any(|value| value.get_help().is_some());
    arg.help_heading(heading)
        .help(help)
        .long_help(None)
        // Their own words are English; the table tells them.
        .hide_possible_values(explained)
}

/// The words of a command (`id` empty), of what stands after its options (`after`), or of an argument: its own,
/// or those of all arguments of that name.
fn text(path: &str, id: &str) -> Option<&'static str> {
    let find = |path: &str| {
        let row = table::TEXTS
            .iter()
            .find(|row| row.0 == path && row.1 == id)?;
        Some(row.2)
    };
    let shared = || match id {
        "" | "after" => None,
        _ => find("*"),
    };
    find(&known_path(path)).or_else(shared)
}

/// `help` lists the commands once more, on every level.
fn known_path(path: &str) -> String {
    if path.split(' ').next_back() == Some("help") {
        return "help".to_owned();
    }
    let words: Vec<_> = path.split(' ').filter(|word| *word != "help").collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn needed(command: &Command, path: &str, rows: &mut Vec<(String, String)>) {
        rows.push((path.to_owned(), String::new()));
        if command.get_after_help().is_some() {
            rows.push((path.to_owned(), "after".to_owned()));
        }
        for arg in command.get_arguments() {
            rows.push((path.to_owned(), arg.get_id().to_string()));
        }
        for sub in command.get_subcommands() {
            let below = format!("{path} {}", sub.get_name());
            needed(sub, below.trim_start(), rows);
        }
    }

    #[test]
    fn every_command_and_argument_has_its_chinese_words() {
        let mut command = Cli::command();
        command.build();
        let mut rows = Vec::new();
        needed(&command, "", &mut rows);
        let missing: Vec<_> = rows
            .iter()
            .filter(|(path, id)| text(path, id).is_none())
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn no_words_are_left_of_what_is_gone() {
        let mut command = Cli::command();
        command.build();
        let mut rows = Vec::new();
        needed(&command, "", &mut rows);
        let ids: HashSet<_> = rows.iter().map(|(_, id)| id.as_str()).collect();
        for (path, id, _) in table::TEXTS {
            let used = match *path {
                "*" => ids.contains(id),
                path => rows
                    .iter()
                    .any(|row| known_path(&row.0) == path && row.1 == *id),
            };
            assert!(used, "{path:?} {id:?}");
        }
    }

    #[test]
    fn help_is_in_chinese_throughout() {
        let help = command()
            .find_subcommand_mut("play")
            .map(|play| play.render_long_help().to_string())
            .unwrap();
        for words in ["用法：", "选项:", "网络:", "按 ID 播放:", "示例：", "静音"] {
            assert!(help.contains(words), "{words} is missing in {help}");
        }
        for words in ["Usage", "Options", "Print help", "Which", "Examples"] {
            assert!(!help.contains(words), "{words} is left in {help}");
        }
    }

    #[test]
    fn the_language_is_found_before_anything_is_parsed() {
        let args = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(is_wanted(args("kinora play --lang zh --help").into_iter()));
        assert!(is_wanted(args("kinora --lang=zh").into_iter()));
        assert!(!is_wanted(args("kinora --lang en play").into_iter()));
    }
}
