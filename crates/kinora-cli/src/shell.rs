//! Completions and the manual page, made by the program itself.

use std::io;

use clap::builder::PossibleValue;
use clap::{Arg, CommandFactory};
use clap_complete::Shell;
use kinora_errors::Lang;

use crate::args::Cli;
use crate::help;
use crate::out;
use crate::report::Failure;

pub(crate) fn completions(shell: Shell, lang: Lang) -> Result<(), Failure> {
    out::print(&script(shell, lang));
    Ok(())
}

fn script(shell: Shell, lang: Lang) -> String {
    // The generator panics where it can not write; memory always takes it.
    let mut script = Vec::new();
    let mut command = match lang {
        Lang::En => Cli::command(),
        Lang::Zh => help::chinese_for_completions(Cli::command()),
    };
    clap_complete::generate(shell, &mut command, "kinora", &mut script);
    let script = String::from_utf8_lossy(&script);
    match shell {
        Shell::Fish => mended_for_fish(&script),
        _ => script.into_owned(),
    }
}

/// The generator takes the word `help` itself for the command that is asked about, and knows no values of options
/// before a command nor of arguments without a name.
fn mended_for_fish(script: &str) -> String {
    const HELP: &str = "complete -c kinora -n \"__fish_kinora_using_subcommand help; and not";
    let mend = |line: &str| match line.starts_with(HELP) {
        true => line.replacen(" help\" -f", "\" -f", 1) + "\n",
        false => format!("{line}\n"),
    };
    let command = Cli::command();
    let options = command.get_arguments().filter_map(|option| {
        let (name, values) = (option.get_long()?, values(option)?);
        Some(format!("complete -c kinora -l {name} -x -a '{values}'\n"))
    });
    let arguments = command.get_subcommands().filter_map(|command| {
        let (name, values) = (
            command.get_name(),
            command.get_positionals().find_map(values)?,
        );
        let inside = format!("__fish_kinora_using_subcommand {name}");
        Some(format!(
            "complete -c kinora -n '{inside}' -f -a '{values}'\n"
        ))
    });
    script
        .lines()
        .map(mend)
        .chain(options)
        .chain(arguments)
        .collect()
}

fn values(arg: &Arg) -> Option<String> {
    let values = arg.get_possible_values();
    let names: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
    (arg.get_action().takes_values() && !names.is_empty()).then(|| names.join(" "))
}

/// The pages of the program and of each command, one after the other.
pub(crate) fn man(lang: Lang) -> Result<(), Failure> {
    let pages = pages(lang).map_err(|error| Failure::io("stdout", &error))?;
    out::print(&pages);
    Ok(())
}

fn pages(lang: Lang) -> io::Result<String> {
    let english = Cli::command().disable_help_subcommand(true);
    let command = match lang {
        Lang::En => english,
        Lang::Zh => help::chinese(english),
    };
    let mut pages = Vec::new();
    for page in std::iter::once(&command).chain(command.get_subcommands()) {
        clap_mangen::Man::new(page.clone()).render(&mut pages)?;
    }
    // An ellipsis that every roff can draw.
    let pages = String::from_utf8_lossy(&pages).replace('…', "...");
    Ok(match lang {
        Lang::En => pages,
        Lang::Zh => headings_in_chinese(&pages),
    })
}

/// The generator knows its own headings in English only.
fn headings_in_chinese(pages: &str) -> String {
    const HEADINGS: [(&str, &str); 6] = [
        (".SH NAME", ".SH 名称"),
        (".SH SYNOPSIS", ".SH 用法"),
        (".SH DESCRIPTION", ".SH 说明"),
        (".SH OPTIONS", ".SH 选项"),
        (".SH EXTRA", ".SH 补充"),
        (".SH VERSION", ".SH 版本"),
    ];
    let line = |line: &str| {
        let known = HEADINGS.iter().find(|(english, _)| *english == line);
        known.map_or(line, |(_, chinese)| chinese).to_owned() + "\n"
    };
    pages.lines().map(line).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fish_offers_commands_after_help() {
        let script = script(Shell::Fish, Lang::En);
        let offers = |line: &&str| line.contains("help; and not") && line.contains("-a \"play\"");
        let line = script.lines().find(offers).unwrap();
        // Fish has seen `help` by then.
        let (condition, _) = line.split_once("\" -f").unwrap();
        assert!(!condition.ends_with(" help"), "{line}");
    }

    #[test]
    fn fish_offers_values_before_a_command_and_of_arguments_without_a_name() {
        let script = script(Shell::Fish, Lang::En);
        assert!(script.contains("complete -c kinora -l lang -x -a 'zh en'\n"));
        assert!(script.contains("-f -a 'bash elvish fish powershell zsh'\n"));
    }

    #[test]
    fn no_name_of_a_value_has_a_colon_which_zsh_would_run_as_a_command() {
        fn look(command: &clap::Command) {
            for arg in command.get_arguments() {
                for name in arg.get_value_names().unwrap_or_default() {
                    assert!(!name.contains(':'), "{} {name}", command.get_name());
                }
            }
            command.get_subcommands().for_each(look);
        }
        look(&Cli::command());
    }

    #[test]
    fn completions_and_manual_pages_in_chinese_leave_no_english_text() {
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Elvish,
        ] {
            let script = script(shell, Lang::Zh);
            for english in ["Play a file", "Print help", "Only libavcodec", "A path"] {
                assert!(!script.contains(english), "{english} for {shell}");
            }
        }
        assert!(script(Shell::Zsh, Lang::Zh).contains("只用 libavcodec"));
        assert!(script(Shell::Fish, Lang::Zh).contains("播放文件、URL"));

        let pages = pages(Lang::Zh).unwrap();
        let headings = pages.lines().filter(|line| line.starts_with(".SH"));
        for heading in headings {
            assert!(!heading.is_ascii(), "{heading}");
        }
        for english in [
            "Print help",
            "Possible values",
            "[default",
            "May also",
            "Examples:",
            "OPTIONS",
        ] {
            assert!(!pages.contains(english), "{english} in {pages}");
        }
    }
}
