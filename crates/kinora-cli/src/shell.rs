//! Completions and the manual page, made by the program itself.

use clap::builder::PossibleValue;
use clap::{Arg, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::out;
use crate::report::Failure;

pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    out::print(&script(shell));
    Ok(())
}

fn script(shell: Shell) -> String {
    // The generator panics where it can not write; memory always takes it.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "kinora", &mut script);
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
pub(crate) fn man() -> Result<(), Failure> {
    let command = Cli::command();
    let mut pages = Vec::new();
    for page in std::iter::once(&command).chain(command.get_subcommands()) {
        let rendered = clap_mangen::Man::new(page.clone()).render(&mut pages);
        rendered.map_err(|error| Failure::io("stdout", &error))?;
    }
    // An ellipsis that every roff can draw.
    out::print(&String::from_utf8_lossy(&pages).replace('…', "..."));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fish_offers_commands_after_help() {
        let script = script(Shell::Fish);
        let offers = |line: &&str| line.contains("help; and not") && line.contains("-a \"play\"");
        let line = script.lines().find(offers).unwrap();
        // Fish has seen `help` by then.
        let (condition, _) = line.split_once("\" -f").unwrap();
        assert!(!condition.ends_with(" help"), "{line}");
    }

    #[test]
    fn fish_offers_values_before_a_command_and_of_arguments_without_a_name() {
        let script = script(Shell::Fish);
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
}
