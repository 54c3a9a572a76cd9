//! From the words of the command line to what is asked for: a source without a command is played, and the
//! configuration file gives the defaults.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _, FromArgMatches as _};
use kinora_errors::Lang;

use crate::args::Cli;
use crate::config::Config;
use crate::report::{Style, asked_lang, locale_lang};
use crate::{help, report};

/// Help, usage errors and errors of the configuration end the program here, in the user's language.
pub(crate) fn parse() -> Cli {
    let command = Cli::command();
    let args = with_play(std::env::args_os().collect(), &command);
    let asked = asked_lang(args.iter().cloned());
    let reported = |failure: &report::Failure| -> ! {
        let style = Style::plain(asked.unwrap_or_else(locale_lang));
        style.fail(failure);
        std::process::exit(2)
    };
    let config = Config::find(&args).unwrap_or_else(|failure| reported(&failure));
    let lang = asked.or(config.lang()).unwrap_or_else(locale_lang);
    let mut command = config
        .apply(command)
        .unwrap_or_else(|failure| reported(&failure));
    if lang == Lang::Zh {
        command = help::chinese(command);
    }
    let parsed = command.try_get_matches_from_mut(args);
    match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => help::exit(&error.format(&mut command), lang),
    }
}

/// The same words, with `play` before a source that has no command.
fn with_play(mut args: Vec<OsString>, command: &Command) -> Vec<OsString> {
    if let Some(place) = place_of_play(&args, command) {
        args.insert(place, "play".into());
    }
    args
}

fn place_of_play(args: &[OsString], command: &Command) -> Option<usize> {
    let play = command.find_subcommand("play")?;
    let mut at = 1;
    loop {
        let word = args.get(at)?;
        let text = word.to_str().unwrap_or_default();
        let option = text
            .starts_with('-')
            .then(|| text.split('=').next().unwrap_or_default());
        match option {
            Some("-") => return Some(at),
            Some("--") => return args.get(at + 1).map(|_| at),
            Some("-h" | "--help" | "-V" | "--version") => return None,
            Some(option) => match named(command, option) {
                Some(arg) => {
                    let apart = arg.get_action().takes_values() && !text.contains('=');
                    at += 1 + usize::from(apart);
                }
                None => return named(play, option).map(|_| at),
            },
            None if command.find_subcommand(word).is_some() || word == "help" => return None,
            None => return is_source(word).then_some(at),
        }
    }
}

fn named<'a>(command: &'a Command, option: &str) -> Option<&'a Arg> {
    let long = option.strip_prefix("--")?;
    command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(long))
}

/// It names something that could be played, rather than a command with a letter wrong.
fn is_source(word: &OsStr) -> bool {
    let like_a_path = |text: &str| text.contains(['/', '.']) || text.contains("://");
    let like_a_source = |text: &str| text.starts_with("vid:") || text.starts_with("file:");
    match word.to_str() {
        Some(text) => like_a_path(text) || like_a_source(text) || Path::new(text).exists(),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(line: &str) -> String {
        let words = line.split(' ').map(OsString::from).collect();
        let words = with_play(words, &Cli::command());
        words.join(OsStr::new(" ")).to_string_lossy().into_owned()
    }

    #[test]
    fn a_source_without_a_command_is_played() {
        for (given, meant) in [
            ("kinora film.mp4", "kinora play film.mp4"),
            ("kinora -", "kinora play -"),
            ("kinora vid:5aed", "kinora play vid:5aed"),
            (
                "kinora https://a/b --mute",
                "kinora play https://a/b --mute",
            ),
            ("kinora --lang zh ./film", "kinora --lang zh play ./film"),
            (
                "kinora --lang=zh Cargo.toml",
                "kinora --lang=zh play Cargo.toml",
            ),
            ("kinora src", "kinora play src"),
            ("kinora --mute film.mp4", "kinora play --mute film.mp4"),
            (
                "kinora --start 1:30 film.mp4",
                "kinora play --start 1:30 film.mp4",
            ),
            ("kinora -- -odd", "kinora play -- -odd"),
        ] {
            assert_eq!(completed(given), meant);
        }
    }

    #[test]
    fn commands_and_what_is_misspelt_stay_as_they_are() {
        for line in [
            "kinora",
            "kinora play film.mp4",
            "kinora --json probe film.mp4",
            "kinora plya film.mp4",
            "kinora --frob film.mp4",
            "kinora --help film.mp4",
            "kinora help play",
            "kinora --lang",
            "kinora --",
        ] {
            assert_eq!(completed(line), line);
        }
    }
}
