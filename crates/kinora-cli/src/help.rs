//! Help, usage errors, completions and manual pages in Chinese. English is clap's own and does not pass through here.

mod errors;
#[cfg(test)]
mod tests;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, Command};

pub(crate) use errors::{exit, wrong_value as wrong};

/// Rows of command, argument (or `about`, `after`) and text, with tabs between.
const TABLE: &str = include_str!("help/zh.tsv");
/// The row of the program itself.
const ROOT: &str = "-";
/// Rows of arguments that many commands take.
const ANY: &str = "*";
/// Rows of what stands for a value: `FILE`.
const PLACEHOLDER: &str = "<>";

const TEMPLATE: &str = "{about-with-newline}\n用法: {usage}\n\n{all-args}{after-help}";

pub(super) struct Row {
    command: &'static str,
    name: &'static str,
    text: &'static str,
}

pub(super) struct Table(Vec<Row>);

impl Table {
    fn new() -> Self {
        let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
        Self(
            rows.filter_map(|line| {
                let mut cells = line.splitn(3, '\t');
                Some(Row {
                    command: cells.next()?,
                    name: cells.next()?,
                    text: cells.next()?,
                })
            })
            .collect(),
        )
    }

    /// The row for an argument: the command's own, else the one that is shared.
    fn row(&self, path: &str, name: &str) -> Option<&Row> {
        let of = |command: &str| {
            let mut rows = self.0.iter();
            rows.find(|row| row.command == command && row.name == name)
        };
        of(path).or_else(|| of(ANY))
    }

    fn text(&self, path: &str, name: &str) -> Option<String> {
        Some(self.row(path, name)?.text.replace("\\n", "\n"))
    }
}

/// The same commands, in Chinese.
pub(crate) fn chinese(command: Command) -> Command {
    in_chinese(command, in_help)
}

/// The same for a generator of completions, which writes values and their meanings by itself. Nothing is parsed by it.
pub(crate) fn chinese_for_completions(command: Command) -> Command {
    in_chinese(command, in_completions)
}

/// The help of an argument: by its own command's rows, or the shared ones.
type Describe = fn(Arg, &str, &Table) -> Arg;

fn in_chinese(mut command: Command, describe: Describe) -> Command {
    // Only now are clap's own `help` and `--version` there, and the shared arguments everywhere.
    command.build();
    translate(command, ROOT, &Table::new(), describe)
}

fn translate(command: Command, path: &str, table: &Table, describe: Describe) -> Command {
    let mut command = command
        .help_template(TEMPLATE)
        .subcommand_help_heading("命令")
        .subcommand_value_name("命令")
        .mut_args(|arg| describe(placeholders(arg, table), path, table));
    if let Some(about) = table.text(path, "about") {
        command = command.about(about);
    }
    if let Some(after) = table.text(path, "after") {
        command = command.after_help(after);
    }
    let usage = usage(&command.render_usage().to_string());
    command.override_usage(usage).mut_subcommands(|sub| {
        let path = below(path, sub.get_name());
        translate(sub, &path, table, describe)
    })
}

/// The usage of a command, as clap prints it.
fn usage(english: &str) -> String {
    let usage = english.trim().trim_start_matches("Usage:").trim_start();
    usage.replace("[OPTIONS]", "[选项]")
}

/// `account set`; what hangs under `help` is the same command again.
fn below(path: &str, name: &str) -> String {
    match path {
        ROOT | "help" => name.to_owned(),
        _ => format!("{} {name}", path.strip_suffix(" help").unwrap_or(path)),
    }
}

/// `<FILE>` as `<文件>`.
fn placeholders(arg: Arg, table: &Table) -> Arg {
    let Some(names) = arg.get_value_names() else {
        return arg;
    };
    let names: Vec<&'static str> = names
        .iter()
        .filter_map(|name| Some(table.row(PLACEHOLDER, name)?.text))
        .collect();
    match names.is_empty() {
        true => arg,
        false => arg.value_names(names),
    }
}

fn in_completions(arg: Arg, path: &str, table: &Table) -> Arg {
    let id = arg.get_id().to_string();
    let values: Vec<PossibleValue> = arg
        .get_possible_values()
        .into_iter()
        .map(|value| {
            let meaning = table.text(path, &format!("{id}={}", value.get_name()));
            meaning.map_or(value.clone(), |meaning| value.help(meaning))
        })
        .collect();
    let takes_one_of_them = arg.get_action().takes_values() && !values.is_empty();
    let arg = arg.help(table.text(path, &id).unwrap_or_default());
    let arg = arg.long_help(None::<&str>);
    match takes_one_of_them {
        true => arg.value_parser(PossibleValuesParser::new(values)),
        false => arg,
    }
}

fn in_help(arg: Arg, path: &str, table: &Table) -> Arg {
    let mut text = table.text(path, arg.get_id().as_str()).unwrap_or_default();
    let takes_value = arg.get_action().takes_values();
    if takes_value && !arg.is_hide_possible_values_set() {
        let values: Vec<String> = arg
            .get_possible_values()
            .iter()
            .map(|value| {
                let name = format!("{}={}", arg.get_id(), value.get_name());
                match table.text(path, &name) {
                    Some(meaning) => format!("{}（{meaning}）", value.get_name()),
                    None => value.get_name().to_owned(),
                }
            })
            .collect();
        if !values.is_empty() {
            text += &format!(" [可选值: {}]", values.join("、"));
        }
    }
    let defaults = arg.get_default_values();
    if takes_value && !defaults.is_empty() && !arg.is_hide_default_value_set() {
        let shown: Vec<_> = defaults
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        text += &format!(" [默认: {}]", shown.join(" "));
    }
    if let Some(name) = arg.get_env() {
        text += &format!(" [环境变量: {}]", name.to_string_lossy());
    }
    let heading = match arg.get_help_heading() {
        Some("Cache") => "缓存",
        Some("Network") => "网络",
        Some("Protection") => "内容保护",
        Some("Video by id") => "按 ID 播放",
        Some("Limits") => "限制",
        Some("Playlists") => "播放列表",
        _ if arg.is_positional() => "参数",
        _ => "选项",
    };
    arg.help(text)
        .long_help(None::<&str>)
        .help_heading(heading)
        .hide_possible_values(true)
        .hide_default_value(true)
        .hide_env(true)
}
