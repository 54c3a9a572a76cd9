//! Every word of the help is there in Chinese, and no row is left over.

use std::collections::HashSet;

use clap::{Command, CommandFactory as _};

use super::{ANY, PLACEHOLDER, ROOT, TABLE, Table, below, chinese, errors};
use crate::args::Cli;

/// The keys that a command and those below it need: some row, or the name of what has none.
fn needed(command: &Command, path: &str, table: &Table, found: &mut Found) {
    found.need(table, path, "about");
    if command.get_after_help().is_some() {
        found.need(table, path, "after");
    }
    for arg in command.get_arguments() {
        found.need(table, path, arg.get_id().as_str());
        let names = arg.get_value_names().unwrap_or_default();
        for name in names.iter().filter(|_| arg.get_action().takes_values()) {
            found.need(table, PLACEHOLDER, name);
        }
        for value in arg.get_possible_values() {
            if value.get_help().is_some() {
                let name = format!("{}={}", arg.get_id(), value.get_name());
                found.need(table, path, &name);
            }
        }
    }
    for sub in command.get_subcommands() {
        // Under `help` hang the same commands again.
        if !path.ends_with("help") {
            needed(sub, &below(path, sub.get_name()), table, found);
        }
    }
}

#[derive(Default)]
struct Found {
    used: HashSet<(&'static str, &'static str)>,
    missing: Vec<String>,
}

impl Found {
    fn need(&mut self, table: &Table, path: &str, name: &str) {
        let row = table.row(path, name);
        // A command's own text is never a shared one.
        match row.filter(|row| row.command != ANY || !["about", "after"].contains(&name)) {
            Some(row) => {
                self.used.insert((row.command, row.name));
            }
            None => self.missing.push(format!("{path} {name}")),
        }
    }
}

fn built() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

#[test]
fn every_command_argument_and_value_has_a_chinese_text_and_no_row_is_stale() {
    let (table, mut found) = (Table::new(), Found::default());
    needed(&built(), ROOT, &table, &mut found);
    assert_eq!(found.missing, Vec::<String>::new());
    let keys = table.0.iter().map(|row| (row.command, row.name));
    let stale: Vec<_> = keys.filter(|key| !found.used.contains(key)).collect();
    assert_eq!(stale, []);
    let rows = TABLE.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(
        found.used.len(),
        rows,
        "two rows of one key, or a broken row"
    );
}

#[test]
fn no_english_heading_is_left_in_the_chinese_help() {
    fn look(command: &mut Command) {
        let help = command.render_long_help().to_string();
        let capitals = |c: char| c.is_ascii_uppercase();
        let english = help
            .match_indices('<')
            .find(|(at, _)| help[at + 1..].starts_with(capitals));
        // What is the same in both languages.
        let same = |at: usize| {
            ["<URL>", "<ID>"]
                .iter()
                .any(|name| help[at..].starts_with(name))
        };
        assert!(english.is_none_or(|(at, _)| same(at)), "{help}");
        for word in [
            "Usage",
            "OPTIONS",
            "Options:",
            "Arguments:",
            "Commands:",
            "Print",
            "default:",
            "env:",
            "values:",
            "Examples",
        ] {
            assert!(!help.contains(word), "{word} in: {help}");
        }
        command.get_subcommands_mut().for_each(look);
    }
    look(&mut chinese(Cli::command()));
}

#[test]
fn the_chinese_commands_take_what_the_english_ones_take() {
    let line = ["kinora", "play", "film.mp4", "--lang", "zh", "--speed", "2"];
    assert!(chinese(Cli::command()).try_get_matches_from(line).is_ok());
}

#[test]
fn usage_errors_are_reported_in_chinese() {
    let reported = |line: &[&str]| {
        let line = ["kinora"].iter().chain(line);
        let error = chinese(Cli::command())
            .try_get_matches_from(line)
            .expect_err("wrong");
        errors::sentence(&error)
    };
    assert!(reported(&["frob"]).starts_with("错误: 没有 'frob' 这个命令"));
    assert!(reported(&["play", "f", "--hedless"]).contains("'--headless'"));
    assert!(
        reported(&["play", "f", "--decoder", "x"]).contains("可选值: 'auto'、'rust'、'ffmpeg'")
    );
    assert!(reported(&["probe"]).contains("缺少必需的参数"));
    assert!(reported(&["play", "f", "--speed", "3"]).contains("应为 0.5 到 2 的倍数"));
    for line in [
        &["frob"][..],
        &["probe"],
        &["play", "f", "--ipv4", "--ipv6"],
        &["play", "f", "--start"],
        &["play", "f", "--retries", "x"],
    ] {
        let text = reported(line);
        assert!(
            !text.contains("Usage") && !text.contains("OPTIONS"),
            "{text}"
        );
    }
}
