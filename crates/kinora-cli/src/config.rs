//! The configuration file: defaults of options, by their long names.
//!
//! An option on the command line counts more than the environment, and that more than the file. A name before all
//! tables counts in every command that has such an option; a table `[play]` or `[account.set]` is for that command.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use clap::builder::OsStr;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, value_parser};
use kinora_errors::Lang;
use kinora_errors::explain::nearest_word;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::help;
use crate::report::Failure;

/// No configuration is longer.
const MAX_LEN: u64 = 1 << 20;
/// What must not be in a file that others can read.
const SECRETS: [&str; 3] = ["play-auth", "access-key-secret", "security-token"];
/// What belongs on the command line only.
const NOT_HERE: [&str; 4] = ["help", "version", "config", "no-config"];

/// A configuration that was read; empty where there is none.
#[derive(Default)]
pub(crate) struct Config {
    path: PathBuf,
    text: String,
    /// Others than its owner can read it.
    is_open: bool,
}

impl Config {
    /// The file that the command line names, or else the user's own, where there is one.
    pub(crate) fn find(args: &[OsString]) -> Result<Self, Failure> {
        match named(args) {
            Named::None => Ok(Self::default()),
            Named::File(path) => Self::read(path),
            Named::Usual => match usual().filter(|path| path.exists()) {
                Some(path) => Self::read(path),
                None => Ok(Self::default()),
            },
        }
    }

    fn read(path: PathBuf) -> Result<Self, Failure> {
        let failed = |error: &std::io::Error| Failure::io(&path.display().to_string(), error);
        let file = File::open(&path).map_err(|error| failed(&error))?;
        let is_open = can_be_read_by_others(&file);
        let mut text = String::new();
        let read = file.take(MAX_LEN + 1).read_to_string(&mut text);
        read.map_err(|error| failed(&error))?;
        let config = Self {
            path,
            text,
            is_open,
        };
        if config.text.len() as u64 > MAX_LEN {
            return Err(config.wrong(0, "it is longer than 1 MiB", "超过 1 MiB"));
        }
        Ok(config)
    }

    fn table(&self) -> Result<Spanned<DeTable<'_>>, Failure> {
        DeTable::parse(&self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let said = error.message();
            self.wrong(at, said, &format!("不是有效的 TOML（{said}）"))
        })
    }

    /// The language that it sets. What else is wrong with it is reported by [`Config::apply`].
    pub(crate) fn lang(&self) -> Option<Lang> {
        let table = self.table().ok()?;
        match table.get_ref().get("lang")?.get_ref().as_str()? {
            "zh" => Some(Lang::Zh),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// The same command with the defaults of this file.
    pub(crate) fn apply(&self, command: Command) -> Result<Command, Failure> {
        self.apply_table(command, self.table()?.get_ref(), true)
    }

    fn apply_table(
        &self,
        mut command: Command,
        table: &DeTable<'_>,
        for_all: bool,
    ) -> Result<Command, Failure> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if let DeValue::Table(below) = value.get_ref() {
                let Some(sub) = command.find_subcommand(name).cloned() else {
                    return Err(self.unknown(key.span().start, name, &command, for_all));
                };
                let sub = self.apply_table(sub, below, false)?;
                command = command.mut_subcommand(name, |_| sub);
                continue;
            }
            let (changed, found) = self.set(command, key, value, for_all)?;
            command = changed;
            if !found {
                return Err(self.unknown(key.span().start, name, &command, for_all));
            }
        }
        Ok(command)
    }

    /// Sets an option of the command, and `for_all` of those below it, too. Whether one has it.
    fn set(
        &self,
        mut command: Command,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        for_all: bool,
    ) -> Result<(Command, bool), Failure> {
        let name = key.get_ref().as_ref();
        let mut found = false;
        let arg = command
            .get_arguments()
            .find(|arg| arg.get_long() == Some(name) && !NOT_HERE.contains(&name))
            .cloned();
        if let Some(arg) = arg {
            let with = self.with_default(&arg, &command, name, value)?;
            command = command.mut_arg(arg.get_id().clone(), |_| with);
            found = true;
        }
        if for_all {
            let names: Vec<_> = command
                .get_subcommands()
                .map(|sub| sub.get_name().to_owned())
                .collect();
            for below in names {
                let Some(sub) = command.find_subcommand(&below).cloned() else {
                    continue;
                };
                let (sub, has) = self.set(sub, key, value, true)?;
                command = command.mut_subcommand(below, |_| sub);
                found |= has;
            }
        }
        Ok((command, found))
    }

    fn with_default(
        &self,
        arg: &Arg,
        command: &Command,
        name: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Arg, Failure> {
        let at = value.span().start;
        if !arg.get_action().takes_values() {
            let DeValue::Boolean(on) = value.get_ref() else {
                return Err(self.wrong(
                    at,
                    &format!("`{name}` is true or false"),
                    &format!("`{name}` 应为 true 或 false"),
                ));
            };
            // `--mute=false` takes back what the file sets.
            let arg = arg
                .clone()
                .action(ArgAction::Set)
                .num_args(0..=1)
                .require_equals(true);
            return Ok(arg
                .value_parser(value_parser!(bool))
                .default_missing_value("true")
                .default_value(if *on { "true" } else { "false" })
                .hide_possible_values(true)
                .required(false));
        }
        let many = matches!(arg.get_action(), ArgAction::Append);
        let values = texts(value.get_ref()).filter(|values| many || values.len() == 1);
        let Some(values) = values else {
            return Err(self.wrong(
                at,
                &format!("`{name}` takes one text or number"),
                &format!("`{name}` 应为一个文本或数字"),
            ));
        };
        for text in &values {
            self.check_secret(at, name, text)?;
            self.check(at, arg, command, text)?;
        }
        let values: Vec<OsStr> = values.into_iter().map(OsStr::from).collect();
        // What the file holds may be secret, and is not for the help to show.
        Ok(arg
            .clone()
            .default_values(values)
            .hide_default_value(true)
            .required(false))
    }

    /// Lets the option itself look at its value.
    fn check(&self, at: usize, arg: &Arg, command: &Command, text: &str) -> Result<(), Failure> {
        let long = arg.get_long().unwrap_or_default();
        let trial = command.clone().ignore_errors(false).no_binary_name(true);
        let tried = trial.try_get_matches_from([format!("--{long}={text}")]);
        match tried {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidValue | ErrorKind::ValueValidation
                ) =>
            {
                Err(self.wrong(
                    at,
                    &help::wrong(&error, Lang::En),
                    &help::wrong(&error, Lang::Zh),
                ))
            }
            // What is missing beside it is of the command line.
            _ => Ok(()),
        }
    }

    fn check_secret(&self, at: usize, name: &str, text: &str) -> Result<(), Failure> {
        let lower = text.to_ascii_lowercase();
        let secret = match name {
            "proxy" => text.contains('@'),
            "header" => ["authorization", "proxy-authorization", "cookie"]
                .iter()
                .any(|header| lower.starts_with(header)),
            // `@FILE` names a file that holds it.
            name => SECRETS.contains(&name) && !text.starts_with('@'),
        };
        if !(secret && self.is_open) {
            return Ok(());
        }
        let path = self.path.display();
        Err(self.wrong(
            at,
            &format!("`{name}` is secret and others can read this file: chmod 600 {path}"),
            &format!("`{name}` 是机密，而其他用户能读取此文件：chmod 600 {path}"),
        ))
    }

    fn unknown(&self, at: usize, name: &str, command: &Command, for_all: bool) -> Failure {
        let mut known = Vec::new();
        names(command, for_all, &mut known);
        let known = known.iter().map(String::as_str);
        match nearest_word(name, known) {
            Some(near) => self.wrong(
                at,
                &format!("no option is called `{name}`; did you mean `{near}`?"),
                &format!("没有名为 `{name}` 的选项；是否想用 `{near}`？"),
            ),
            None => self.wrong(
                at,
                &format!(
                    "no option is called `{name}`; see `kinora help {}`",
                    command.get_name()
                ),
                &format!(
                    "没有名为 `{name}` 的选项；见 `kinora help {}`",
                    command.get_name()
                ),
            ),
        }
    }

    fn wrong(&self, at: usize, english: &str, chinese: &str) -> Failure {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let place = format!("{}:{line}", self.path.display());
        Failure::usage(format!("{place}: {english}"), format!("{place}：{chinese}"))
    }
}

/// The options of a command, and `deep` of those below it; commands are tables.
fn names(command: &Command, deep: bool, into: &mut Vec<String>) {
    let longs = command.get_arguments().filter_map(Arg::get_long);
    into.extend(
        longs
            .filter(|name| !NOT_HERE.contains(name))
            .map(str::to_owned),
    );
    for sub in command.get_subcommands() {
        into.push(sub.get_name().to_owned());
        if deep {
            names(sub, true, into);
        }
    }
}

/// One value, or those of a list, as they would be on the command line.
fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    Some(match value {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Integer(number) => vec![number.to_string()],
        DeValue::Float(number) => vec![number.to_string()],
        DeValue::Array(values) => {
            let texts: Option<Vec<_>> = values.iter().map(|value| texts(value.get_ref())).collect();
            texts?.concat()
        }
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Table(_) => return None,
    })
}

enum Named {
    Usual,
    None,
    File(PathBuf),
}

/// What the command line says of the file, before it is parsed.
fn named(args: &[OsString]) -> Named {
    let mut words = args.iter().take_while(|word| *word != "--");
    let mut named = Named::Usual;
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == "--no-config" {
            named = Named::None;
        } else if text == "--config" {
            named = words.next().map_or(named, |path| Named::File(path.into()));
        } else if let Some(path) = text.strip_prefix("--config=") {
            named = Named::File(path.into());
        }
    }
    named
}

/// XDG Base Directory 0.8: a relative path is as if there was none.
fn usual() -> Option<PathBuf> {
    beside("config.toml")
}

/// A file of the user's own configuration, whether it is there or not.
pub(crate) fn beside(name: &str) -> Option<PathBuf> {
    let absolute = |name| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let dir = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(dir.join("kinora").join(name))
}

fn can_be_read_by_others(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _};

    use super::*;
    use crate::args::{Cli, Command as Asked, PlayArgs};

    fn config(text: &str) -> Config {
        Config {
            path: "c.toml".into(),
            text: text.into(),
            is_open: true,
        }
    }

    fn play(text: &str, line: &str) -> PlayArgs {
        let command = config(text).apply(Cli::command()).unwrap();
        let matches = command.try_get_matches_from(line.split(' ')).unwrap();
        match Cli::from_arg_matches(&matches).unwrap().command {
            Asked::Play(args) => *args,
            _ => panic!("{line}"),
        }
    }

    fn refused(text: &str) -> String {
        match config(text).apply(Cli::command()) {
            Err(Failure::Usage(words)) => words.to_string(),
            _ => panic!("{text} is taken"),
        }
    }

    #[test]
    fn the_file_gives_defaults_and_the_command_line_counts_more() {
        let text =
            "timeout = 500\n[play]\nmute = true\nspeed = 1.5\nheader = [\"A: b\", \"C: d\"]\n";
        let args = play(text, "kinora play f");
        assert_eq!((args.mute, args.speed, args.net.timeout), (true, 1.5, 500));
        assert_eq!(args.net.headers, ["A: b", "C: d"]);
        let args = play(
            text,
            "kinora play f --mute=false --speed 2 --timeout 7 --header E:f",
        );
        assert_eq!((args.mute, args.speed, args.net.timeout), (false, 2.0, 7));
        assert_eq!(args.net.headers, ["E:f"]);
    }

    #[test]
    fn what_a_command_needs_may_be_in_the_file() {
        let text = "data = \"./vod\"\n[account.set]\nstate = \"active\"\n";
        let command = config(text).apply(Cli::command()).unwrap();
        for line in [
            "kinora account set",
            "kinora account videos",
            "kinora serve",
        ] {
            let parsed = command.clone().try_get_matches_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}");
        }
    }

    #[test]
    fn an_error_names_file_line_and_what_was_meant() {
        assert_eq!(
            refused("timeout = 1\n[play]\nspede = 1\n"),
            "c.toml:3: no option is called `spede`; did you mean `speed`?"
        );
        assert!(
            refused("[plya]\nmute = true")
                .starts_with("c.toml:1: no option is called `plya`; did you mean `play`?")
        );
        assert!(
            refused("\n\ntimout = 1")
                .contains("c.toml:3: no option is called `timout`; did you mean `timeout`?")
        );
        assert!(refused("[play]\nspeed = 3").contains("a factor from 0.5 to 2"));
        assert!(refused("[play]\ndecoder = \"x\"").contains("c.toml:2"));
        assert!(refused("[play]\nmute = 1").contains("true or false"));
        assert!(refused("[play]\nspeed = [1, 2]").contains("one text or number"));
        assert!(refused("a = ").starts_with("c.toml:1: "));
        assert!(refused("config = \"x\"").contains("no option"));
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_and_not_repeated() {
        for text in [
            "[play]\nplay-auth = \"canary\"",
            "proxy = \"http://me:canary@host:1\"",
            "header = \"authorization: canary\"",
        ] {
            let reported = refused(text);
            assert!(
                reported.contains("chmod 600") && !reported.contains("canary"),
                "{reported}"
            );
        }
        assert!(
            config("[play]\nplay-auth = \"@file\"")
                .apply(Cli::command())
                .is_ok()
        );
    }

    #[test]
    fn help_shows_nothing_that_the_file_holds() {
        let mut config = config("[play]\nplay-auth = \"canary\"");
        config.is_open = false;
        let command = config.apply(Cli::command()).unwrap();
        for command in [command.clone(), help::chinese(command)] {
            let mut command = command;
            let play = command.find_subcommand_mut("play").unwrap();
            assert!(!play.render_long_help().to_string().contains("canary"));
        }
    }
}
