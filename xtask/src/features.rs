//! `docs/features.md`: what the documented player can do, and where it is here. It is made of two tables that people write
//! (`docs/features.tsv`, `docs/documented.tsv`) and of the sources, which must have what the tables name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::codes::Mode;

mod code;
mod table;

use code::Code;
use table::{Name, Row, State};

const FEATURES: &str = "docs/features.tsv";
const DOCUMENTED: &str = "docs/documented.tsv";
const DOCUMENT: &str = "docs/features.md";
/// The checklist has so many.
const COUNT: usize = 46;

/// Writes the document, or checks that it is what would be written; complains of what the tables name and the sources lack.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<(), String> {
    let (document, complaints) = make(root)?;
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    let file = root.join(DOCUMENT);
    match mode {
        Mode::Write => {
            std::fs::write(&file, document).map_err(|error| format!("{DOCUMENT}: {error}"))?;
            println!("{DOCUMENT} is written");
        }
        Mode::Check => complain_if_old(&file, &document)?,
    }
    Ok(())
}

/// What is wrong with the tables and the document, a line each.
pub(crate) fn check(root: &Path) -> Result<Vec<String>, String> {
    let (document, mut complaints) = make(root)?;
    complaints.extend(complain_if_old(&root.join(DOCUMENT), &document).err());
    Ok(complaints)
}

fn complain_if_old(file: &Path, document: &str) -> Result<(), String> {
    match std::fs::read_to_string(file) {
        Ok(written) if written == document => Ok(()),
        _ => Err(format!(
            "{DOCUMENT} is not what the tables say: cargo xtask features"
        )),
    }
}

fn make(root: &Path) -> Result<(String, Vec<String>), String> {
    let code = Code::read(root)?;
    let features = read(root, FEATURES)?;
    let documented = read(root, DOCUMENTED)?;
    let mut complaints = numbers(&features);
    for (file, rows) in [(FEATURES, &features), (DOCUMENTED, &documented)] {
        for row in rows {
            complaints.extend(
                judge(row, &code)
                    .into_iter()
                    .map(|what| format!("{file}:{}: {what}", row.line)),
            );
        }
    }
    Ok((print(&features, &documented, &code), complaints))
}

fn read(root: &Path, file: &str) -> Result<Vec<Row>, String> {
    let text =
        std::fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
    table::parse(&text).map_err(|error| format!("{file}:{error}"))
}

/// The checklist is whole and in order.
fn numbers(features: &[Row]) -> Vec<String> {
    let found = features.iter().map(|row| row.key.clone());
    let wanted = (1..=COUNT).map(|number| number.to_string());
    match found.eq(wanted) {
        true => Vec::new(),
        false => vec![format!("{FEATURES}: the rows are not 1 to {COUNT}")],
    }
}

/// What a row says and the sources do not.
fn judge(row: &Row, code: &Code) -> Vec<String> {
    let mut complaints = Vec::new();
    let is_there = matches!(row.state, State::Here | State::InPart);
    if is_there && (row.names.is_empty() || row.tests.is_empty()) {
        complaints.push("what is there has a name and a test".to_owned());
    }
    if row.state != State::Here && row.reason.is_empty() {
        complaints.push(format!("`{}` has a reason", row.state.word()));
    }
    for name in &row.names {
        if !code.has(name) {
            complaints.push(format!("{name} is nothing that the SDK gives"));
        } else if is_there && !code.has_example(name) {
            complaints.push(format!("{name} is in no example"));
        }
    }
    for test in &row.tests {
        complaints.extend((!code.has_test(test)).then(|| format!("{test} is no test")));
    }
    if row.state == State::Here
        && let Some(own) = &row.own_name
    {
        // Rust's getters have no `get_`, its setters a `set_` (API guidelines, C-GETTER).
        let spelt = |member: &str| {
            member == own
                || own.strip_prefix("get_") == Some(member)
                || member.strip_prefix("set_") == Some(own)
        };
        let is_named = |name: &Name| spelt(name.member());
        let named = row.names.iter().any(is_named);
        complaints.extend((!named).then(|| format!("no name of the row is `{own}`")));
    }
    complaints
}

fn print(features: &[Row], documented: &[Row], code: &Code) -> String {
    let mut text = String::from(
        "# 功能 · Features\n\n\
         Made by `cargo xtask features` from [features.tsv](features.tsv), [documented.tsv](documented.tsv) and the sources: each name is \
         one that the SDK (crate `kinora`) gives, unless a crate stands before it, and is in an example that compiles; each test is one \
         that `make test` runs. `cargo xtask tidy` checks it. Why it is so: [decision 55](decisions/0055-documented-names-beside-our-own.md).\n",
    );
    let _ = writeln!(text, "\n{}", tally(features));
    text.push_str("\n| | 功能 · feature | 状态 · state | Rust | 测试 · tests | 说明 · why |\n|---|---|---|---|---|---|\n");
    for row in features {
        let _ = writeln!(
            text,
            "| {} | {} · {} | {} | {} | {} | {} |",
            row.key,
            row.chinese,
            row.title,
            row.state.in_both(),
            names(row, code),
            tests(row),
            row.reason
        );
    }
    for (kind, rows) in by_kind(documented) {
        let _ = writeln!(
            text,
            "\n## {kind}\n\n{}\n\n| documented | 状态 · state | Rust | 测试 · tests | 说明 · why |\n|---|---|---|---|---|",
            tally(rows.iter().copied())
        );
        for row in rows {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} |",
                row.title,
                row.state.in_both(),
                names(row, code),
                tests(row),
                row.reason
            );
        }
    }
    text
}

fn by_kind(rows: &[Row]) -> BTreeMap<&str, Vec<&Row>> {
    let mut kinds: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        kinds.entry(&row.key).or_default().push(row);
    }
    kinds
}

fn tally<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut counts: BTreeMap<State, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.state).or_default() += 1;
    }
    let counts = counts.iter();
    let parts: Vec<String> = counts
        .map(|(state, count)| format!("{count} {}", state.in_both()))
        .collect();
    format!("{}.", parts.join(", "))
}

fn names(row: &Row, code: &Code) -> String {
    let names = row.names.iter().map(|name| match code.example(name) {
        Some(example) => format!("`{name}` ([e.g.](../{example}))"),
        None => format!("`{name}`"),
    });
    names.collect::<Vec<_>>().join("<br>")
}

fn tests(row: &Row) -> String {
    let tests = row.tests.iter();
    let links = tests.map(|test| format!("[{}](../{})", test.function, test.file));
    links.collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> Code {
        let mut code = Code::default();
        let sdk = "pub use kinora_engine::Event; mod player; pub use player::Player; /// ```\n/// player.set_mute(true);\n/// ```\npub fn shown() {}";
        code.add("crates/kinora/src/lib.rs", sdk).unwrap();
        let player = "pub struct Player; impl Player { pub fn set_mute(&self) {} pub fn hidden(&self) {} fn own(&self) {} }";
        code.add("crates/kinora/src/player.rs", player).unwrap();
        let engine = "pub enum Event { Completion } pub struct Engine { pub state: u8 }";
        code.add("crates/kinora-engine/src/lib.rs", engine).unwrap();
        let tests = "#[test] fn it_is_silent() {} fn helper() {}";
        code.add("crates/kinora/tests/player.rs", tests).unwrap();
        code
    }

    fn complaints(line: &str) -> usize {
        let rows = table::parse(line).unwrap();
        rows.iter().map(|row| judge(row, &code()).len()).sum()
    }

    #[test]
    fn what_is_there_needs_names_of_the_sdk_an_example_and_a_test() {
        let test = "crates/kinora/tests/player.rs::it_is_silent";
        let row = |names: &str, test: &str| format!("6\tmute\t静音\there\t{names}\t{test}\t\n");
        assert_eq!(complaints(&row("Player::set_mute", test)), 0);
        assert_eq!(complaints(&row("Player::hidden", test)), 1, "no example");
        assert_eq!(complaints(&row("Player::own", test)), 1, "private");
        assert_eq!(complaints(&row("Engine::state", test)), 1, "not exported");
        assert_eq!(complaints(&row("kinora-engine::Engine::state", test)), 0);
        assert_eq!(complaints(&row("", test)), 1);
        let helper = "crates/kinora/tests/player.rs::helper";
        assert_eq!(complaints(&row("Player::set_mute", helper)), 1);
        assert_eq!(complaints(&row("Player::set_mute", "")), 1);
    }

    #[test]
    fn what_is_not_there_needs_a_reason() {
        assert_eq!(complaints("8\tbrightness\t亮度\timpossible\t\t\t\n"), 1);
        assert_eq!(
            complaints("8\tbrightness\t亮度\timpossible\t\t\tthe system's\n"),
            0
        );
    }

    #[test]
    fn a_documented_method_is_there_under_its_own_name() {
        let test = "crates/kinora/tests/player.rs::it_is_silent";
        let row = |name: &str| format!("methods\t{name}\t\there\tPlayer::set_mute\t{test}\t\n");
        assert_eq!(complaints(&row("setMute")), 0);
        assert_eq!(complaints(&row("setSilent")), 1);
    }
}
