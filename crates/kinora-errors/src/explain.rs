//! Looking a number up: by hex, decimal, name, group or words.

mod nearest;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use serde_json::{Value, json};

use nearest::nearest;
pub use nearest::nearest_word;

use crate::errno::{BASE, Errno, FAMILY};
use crate::errnos::ERRNOS;
use crate::{Code, Lang, RESERVED, ROWS, ReportStyle, Row, Text};

/// What was found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LookupResult {
    /// The likelier first.
    pub matches: Vec<Match>,
    /// What looks alike, when nothing was found.
    pub nearest: Vec<Match>,
}

/// Something that was found.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Match {
    /// A row of the table.
    Row(&'static Row),
    /// A number that Kinora never raises, because other players of its family use it.
    Reserved(&'static Row),
    /// A number of the open family.
    System(Code, &'static Errno),
}

impl Match {
    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        match self {
            Self::Row(row) | Self::Reserved(row) => row.number,
            Self::System(code, _) => code.number(),
        }
    }
    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Row(row) | Self::Reserved(row) => row.name.to_owned(),
            Self::System(_, errno) => format!("{FAMILY}{}", errno.name),
        }
    }
    /// What it says.
    #[must_use]
    pub const fn text(&self, lang: Lang) -> &'static Text {
        match self {
            Self::Row(row) | Self::Reserved(row) => row.text(lang),
            Self::System(_, errno) => errno.text(lang),
        }
    }
}

/// Everything that may be raised: the table, and the system's errors that have no row in it.
fn all() -> impl Iterator<Item = Match> {
    let system = ERRNOS.iter().map(|errno| {
        let code = Code::from_number(BASE + errno.number);
        Match::System(code, errno)
    });
    ROWS.iter().map(Match::Row).chain(system)
}

/// How many rows words may bring up.
const MAX_MATCHES: usize = 20;
/// Characters of a query that are looked at: no name, and no sensible words, are longer.
const MAX_QUERY_LEN: usize = 256;

/// Looks up a number (hex with or without `0x`, decimal, negative or unsigned; also an errno), a name or part of
/// one, a group, or words in either language.
#[must_use]
pub fn look_up(query: &str) -> LookupResult {
    let query = query.trim();
    let query = match query.char_indices().nth(MAX_QUERY_LEN) {
        Some((end, _)) => &query[..end],
        None => query,
    };
    if query.is_empty() {
        return LookupResult::default();
    }
    let mut matches = Vec::new();
    for number in numbers(query) {
        add_number(&mut matches, number);
    }
    if matches.is_empty() {
        matches.extend(errno(query));
    }
    if matches.is_empty() {
        let group = query.to_lowercase();
        matches = ROWS
            .iter()
            .filter(|row| row.group == group)
            .map(Match::Row)
            .collect();
    }
    if matches.is_empty() {
        matches = by_name(query);
    }
    if matches.is_empty() {
        let wanted = fold(query);
        let reserved = RESERVED.iter().filter(|row| row.name == wanted);
        matches = reserved.map(Match::Reserved).collect();
    }
    if matches.is_empty() {
        matches = by_words(query);
    }
    let nearest = if matches.is_empty() {
        nearest(query)
    } else {
        Vec::new()
    };
    LookupResult { matches, nearest }
}

/// The system's error that a text names by its bare number or its name: `28`, `0x1c`, `ENOSPC`.
fn errno(query: &str) -> Option<Match> {
    let number = match query.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => query.parse().ok(),
    };
    let name = format!("{FAMILY}{}", fold(query));
    all().find(|found| match number {
        // The number 0 is no error.
        Some(number) => number > 0 && BASE.checked_add(number) == Some(found.number()),
        None => found.name() == name,
    })
}

/// The numbers that a text may mean; decimal first where it is one of the table's.
fn numbers(query: &str) -> Vec<u32> {
    let bare = query
        .strip_prefix("0x")
        .or_else(|| query.strip_prefix("0X"));
    let hex = u32::from_str_radix(bare.unwrap_or(query), 16).ok();
    let decimal = bare.is_none().then(|| query.parse::<i64>().ok()).flatten();
    // A negative number is the same 32 bits read as signed.
    let decimal = decimal.and_then(|value| {
        u32::try_from(value)
            .ok()
            .or_else(|| i32::try_from(value).ok().map(i32::cast_unsigned))
    });
    let mut all: Vec<u32> = hex.into_iter().chain(decimal).collect();
    all.dedup();
    all
}

fn add_number(matches: &mut Vec<Match>, number: u32) {
    let rows = ROWS
        .iter()
        .filter(|row| row.number == number)
        .map(Match::Row);
    let before = matches.len();
    matches.extend(rows);
    let reserved = RESERVED.iter().filter(|row| row.number == number);
    matches.extend(reserved.map(Match::Reserved));
    if matches.len() == before
        && let Some(errno) = Errno::of_code(number)
    {
        matches.push(Match::System(Code::from_number(number), errno));
    }
}

fn fold(name: &str) -> String {
    name.to_uppercase().replace([' ', '-', '.'], "_")
}

fn by_name(query: &str) -> Vec<Match> {
    let wanted = fold(query);
    let names = |row: &'static Row| std::iter::once(row.name).chain(row.aliases.iter().copied());
    let exact: Vec<Match> = ROWS
        .iter()
        .filter(|row| names(row).any(|name| name == wanted || bare(name) == bare(&wanted)))
        .map(Match::Row)
        .collect();
    if !exact.is_empty() || wanted.len() < 3 {
        return exact;
    }
    all()
        .filter(|found| match found {
            Match::Row(row) | Match::Reserved(row) => names(row).any(|name| name.contains(&wanted)),
            Match::System(_, errno) => errno.name.contains(&wanted),
        })
        .take(MAX_MATCHES)
        .collect()
}

/// Rows that hold every word, in either language.
fn by_words(query: &str) -> Vec<Match> {
    let words: Vec<String> = query
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    all()
        .filter(|found| {
            let all = fields(found).join(" ").to_lowercase();
            words.iter().all(|word| all.contains(word))
        })
        .take(MAX_MATCHES)
        .collect()
}

/// A row's name without what most of them begin with.
fn bare(name: &str) -> &str {
    name.strip_prefix("ERROR_").unwrap_or(name)
}

/// All that a row says, the most relevant first.
fn fields(found: &Match) -> [String; 3] {
    let (zh, en) = (found.text(Lang::Zh), found.text(Lang::En));
    [
        found.name(),
        format!("{} {}", zh.meaning, en.meaning),
        format!("{} {} {} {}", zh.cause, en.cause, zh.remedy, en.remedy),
    ]
}

/// The answer for a person.
#[must_use]
pub fn render(answer: &LookupResult, lang: Lang, style: ReportStyle) -> String {
    let mut text = String::new();
    for found in &answer.matches {
        if !text.is_empty() {
            text.push('\n');
        }
        render_match(&mut text, found, lang, style);
    }
    if answer.matches.is_empty() {
        text.push_str(match lang {
            Lang::Zh => "没有找到。相近的有：\n",
            Lang::En => "Nothing was found. What looks alike:\n",
        });
        for near in &answer.nearest {
            let (number, name) = (near.number(), near.name());
            let meaning = near.text(lang).meaning;
            let _ = writeln!(text, "  {number:#010X}  {name}\n    {meaning}");
        }
    }
    text
}

fn render_match(out: &mut String, found: &Match, lang: Lang, style: ReportStyle) {
    match found {
        Match::Row(row) => render_row(out, row, lang, style),
        Match::Reserved(row) => {
            render_row(out, row, lang, style);
            out.push_str(match lang {
                Lang::Zh => "  状态  保留：Kinora 从不报出它\n",
                Lang::En => "  status  reserved: Kinora never raises it\n",
            });
        }
        Match::System(code, errno) => {
            let head = format!("{:#010X}  {}", code.number(), found.name());
            let facts = format!("{}, errno {}", code.number(), errno.number);
            let _ = writeln!(out, "{}  ({facts})", style.bold(&head));
            render_text(out, errno.text(lang), lang);
        }
    }
}

fn render_row(out: &mut String, row: &Row, lang: Lang, style: ReportStyle) {
    let head = format!("{:#010X}  {}", row.number, row.name);
    let _ = writeln!(
        out,
        "{}  ({}, {})",
        style.bold(&head),
        row.number,
        row.group
    );
    render_text(out, row.text(lang), lang);
    let label = match lang {
        Lang::Zh => "重试",
        Lang::En => "retry ",
    };
    let _ = writeln!(out, "  {label}  {}", row.retry.text(lang));
}

fn render_text(out: &mut String, text: &Text, lang: Lang) {
    let labels = match lang {
        Lang::Zh => ["含义", "原因", "处理"],
        Lang::En => ["what  ", "cause ", "remedy"],
    };
    for (label, line) in labels.iter().zip([text.meaning, text.cause, text.remedy]) {
        let _ = writeln!(out, "  {label}  {line}");
    }
}

/// The answer for a machine.
#[must_use]
pub fn json(answer: &LookupResult) -> Value {
    let text = |text: &Text| json!({ "meaning": text.meaning, "cause": text.cause, "remedy": text.remedy });
    let of_row = |row: &Row, status: &str| {
        json!({
            "number": row.number, "hex": format!("{:#010X}", row.number), "name": row.name, "aliases": row.aliases,
            "group": row.group, "origin": row.origin.name(), "severity": row.severity.name(),
            "retry": row.retry.name(), "http": row.http, "exit": Code::from_number(row.number).exit_status(),
            "status": status, "zh": text(&row.zh), "en": text(&row.en),
        })
    };
    let found = |found: &Match| match found {
        Match::Row(row) => of_row(row, "active"),
        Match::Reserved(row) => of_row(row, "reserved"),
        Match::System(code, errno) => json!({
            "number": code.number(), "hex": format!("{:#010X}", code.number()),
            "name": found.name(), "errno": errno.number, "group": "playback",
            "zh": text(errno.text(Lang::Zh)), "en": text(errno.text(Lang::En)),
        }),
    };
    json!({
        "matches": answer.matches.iter().map(found).collect::<Vec<_>>(),
        "nearest": answer.nearest.iter().map(Match::name).collect::<Vec<_>>(),
    })
}

/// Every number of a group, or of all, a line each; empty for a group that there is not.
#[must_use]
pub fn list(group: Option<&str>, lang: Lang) -> String {
    let rows = ROWS
        .iter()
        .filter(|row| group.is_none_or(|group| row.group == group));
    rows.fold(String::new(), |mut all, row| {
        let _ = writeln!(
            all,
            "{:#010X}  {:<58} {}",
            row.number,
            row.name,
            row.text(lang).meaning
        );
        all
    })
}

/// The groups, in the order of their numbers.
#[must_use]
pub fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = Vec::new();
    for row in ROWS {
        if !groups.contains(&row.group) {
            groups.push(row.group);
        }
    }
    groups
}
