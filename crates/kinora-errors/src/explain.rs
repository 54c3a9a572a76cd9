//! Looking a number up: by hex, decimal, name, group or words.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::errno::Errno;
use crate::{Code, Lang, RESERVED, ROWS, ReportStyle, Row, Text};

/// What was found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Answer {
    /// The likelier first.
    pub matches: Vec<Match>,
    /// Names that look alike, when nothing was found.
    pub nearest: Vec<&'static Row>,
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

/// How many rows words may bring up.
const MOST_MATCHES: usize = 20;
/// Characters of a query that are looked at: no name, and no sensible words, are longer.
const LONGEST_QUERY: usize = 256;
/// Words that are looked for where none was found as it is.
const MOST_WORDS: usize = 12;
/// Letters that may be wrong in a word.
const MOST_WRONG_LETTERS: usize = 2;
/// How many alike names are offered.
const MOST_NEAREST: usize = 3;

/// Looks up a number (hex with or without `0x`, decimal, negative or unsigned), a name or part of
/// one, a group, or words in either language.
#[must_use]
pub fn look_up(query: &str) -> Answer {
    let query = query.trim();
    let query = match query.char_indices().nth(LONGEST_QUERY) {
        Some((end, _)) => &query[..end],
        None => query,
    };
    if query.is_empty() {
        return Answer::default();
    }
    let mut matches = Vec::new();
    for number in numbers(query) {
        add_number(&mut matches, number);
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
    Answer { matches, nearest }
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
    ROWS.iter()
        .filter(|row| names(row).any(|name| name.contains(&wanted)))
        .take(MOST_MATCHES)
        .map(Match::Row)
        .collect()
}

/// Rows that hold every word, in either language.
fn by_words(query: &str) -> Vec<Match> {
    let words: Vec<String> = query
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    ROWS.iter()
        .filter(|row| {
            let all = places(row).join(" ").to_lowercase();
            words.iter().all(|word| all.contains(word))
        })
        .take(MOST_MATCHES)
        .map(Match::Row)
        .collect()
}

/// The rows whose words are nearest to those asked for; of those alike, the one whose name is as a whole.
fn nearest(query: &str) -> Vec<&'static Row> {
    let (wanted, mut asked) = (fold(query), words(query));
    asked.truncate(MOST_WORDS);
    let mut rows: Vec<_> = ROWS
        .iter()
        .map(|row| {
            let places = places(row).map(|text| words(&text));
            let missing: usize = asked.iter().map(|word| cost(word, &places)).sum();
            (missing, distance(&wanted, bare(row.name)), row)
        })
        .collect();
    rows.sort_by_key(|(missing, whole, row)| (*missing, *whole, row.name));
    rows.into_iter()
        .take(MOST_NEAREST)
        .map(|(.., row)| row)
        .collect()
}

/// A row's name without what most of them begin with.
fn bare(name: &str) -> &str {
    name.strip_prefix("ERROR_").unwrap_or(name)
}

/// All that a row says, the most telling first.
fn places(row: &Row) -> [String; 3] {
    let (zh, en) = (&row.zh, &row.en);
    [
        row.name.to_owned(),
        format!("{} {}", zh.meaning, en.meaning),
        format!("{} {} {} {}", zh.cause, en.cause, zh.remedy, en.remedy),
    ]
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// How far a word is from a row: its wrong letters, and how little the place tells where it is.
fn cost(word: &str, places: &[Vec<String>]) -> usize {
    let length = word.chars().count();
    // A misspelt word has a wrong letter in three at the most.
    let most = (length / 3).min(MOST_WRONG_LETTERS);
    let nearest = |known: &Vec<String>| {
        let alike = known
            .iter()
            .filter(|known| known.chars().count().abs_diff(length) <= most);
        let distances = alike.map(|known| distance(word, known));
        distances.min().filter(|distance| *distance <= most)
    };
    let found = places
        .iter()
        .enumerate()
        .filter_map(|(place, known)| Some(place + nearest(known)?));
    found.min().unwrap_or(MOST_WRONG_LETTERS + places.len())
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let step = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = step.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The answer for a person.
#[must_use]
pub fn render(answer: &Answer, lang: Lang, style: ReportStyle) -> String {
    let mut text = String::new();
    for found in &answer.matches {
        if !text.is_empty() {
            text.push('\n');
        }
        render_match(&mut text, found, lang, style);
    }
    if answer.matches.is_empty() {
        text.push_str(match lang {
            Lang::Zh => "没有找到。相近的名称：\n",
            Lang::En => "Nothing was found. Names that look alike:\n",
        });
        for row in &answer.nearest {
            let _ = writeln!(text, "  {:#010X}  {}", row.number, row.name);
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
            let head = format!("{:#010X}  ERROR_GENERAL_{}", code.number(), errno.name);
            let _ = writeln!(out, "{}  ({})", style.bold(&head), code.number());
            render_text(out, &errno.text(lang), lang);
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
pub fn json(answer: &Answer) -> Value {
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
            "name": format!("ERROR_GENERAL_{}", errno.name), "group": "playback",
            "zh": text(&errno.text(Lang::Zh)), "en": text(&errno.text(Lang::En)),
        }),
    };
    json!({
        "matches": answer.matches.iter().map(found).collect::<Vec<_>>(),
        "nearest": answer.nearest.iter().map(|row| row.name).collect::<Vec<_>>(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(query: &str) -> Vec<&'static str> {
        let answer = look_up(query);
        answer
            .matches
            .iter()
            .map(|found| match found {
                Match::Row(row) | Match::Reserved(row) => row.name,
                Match::System(_, errno) => errno.name,
            })
            .collect()
    }

    #[test]
    fn a_number_is_understood_in_every_writing() {
        for query in ["0x20050006", "20050006", "537198598", "0X20050006"] {
            assert_eq!(
                names(query).first(),
                Some(&"ERROR_NETWORK_HTTP_404"),
                "{query}"
            );
        }
    }

    #[test]
    fn a_number_of_other_players_is_known_as_such() {
        for query in ["0x2005000b", "ERROR_NETWORK_HTTP_REDIRECT_NONMEDIA"] {
            assert_eq!(names(query), ["ERROR_NETWORK_HTTP_REDIRECT_NONMEDIA"]);
            let text = render(&look_up(query), Lang::En, ReportStyle::Plain);
            assert!(text.contains("reserved"), "{text}");
        }
        assert_eq!(
            json(&look_up("0x20090001"))["matches"][0]["status"],
            "reserved"
        );
    }

    #[test]
    fn one_number_with_two_names_brings_both() {
        assert_eq!(names("0x20013007").len(), 2);
    }

    #[test]
    fn names_are_found_whole_in_part_and_by_alias() {
        assert_eq!(names("error_decode_video"), ["ERROR_DECODE_VIDEO"]);
        assert_eq!(names("decode video"), ["ERROR_DECODE_VIDEO"]);
        assert!(names("token_expired").contains(&"ERROR_SERVER_POP_TOKEN_EXPIRED"));
        assert_eq!(
            names("DOWNLOADER_ERROR_NO_SPACE"),
            ["DOWNLOAD_ERROR_NO_SPACE"]
        );
    }

    #[test]
    fn the_open_family_is_explained_by_its_errno() {
        assert_eq!(names("0x2008001C"), ["ENOSPC"]);
        for (lang, label) in [(Lang::En, "remedy"), (Lang::Zh, "处理")] {
            let text = render(&look_up("0x2008001C"), lang, ReportStyle::Plain);
            assert!(text.contains(label), "{text}");
        }
    }

    #[test]
    fn a_row_in_chinese_is_chinese_in_every_line() {
        let text = render(&look_up("0x20010001"), Lang::Zh, ReportStyle::Plain);
        let han = |text: &str| text.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for line in text.lines().skip(1) {
            let (label, words) = line.trim().split_once("  ").unwrap();
            assert!(han(label) && han(words), "{line}");
        }
    }

    #[test]
    fn a_query_without_end_is_cut_at_a_character() {
        let cut = "是".repeat(LONGEST_QUERY);
        let long = "是".repeat(1 << 19);
        assert_eq!(look_up(&long), look_up(&cut));
        assert_eq!(look_up(&long).nearest.len(), MOST_NEAREST);
    }

    #[test]
    fn a_group_brings_its_rows() {
        assert_eq!(names("request").len(), 5);
    }

    #[test]
    fn misspelt_words_bring_the_rows_that_have_them() {
        for (query, name) in [
            ("tokn expird", "ERROR_SERVER_POP_TOKEN_EXPIRED"),
            ("conection refusd", "ERROR_NETWORK_COULD_NOT_CONNECT"),
            ("conection timout", "ERROR_NETWORK_CONNECT_TIMEOUT"),
            ("expird the tokn", "ERROR_SERVER_POP_TOKEN_EXPIRED"),
            ("vidio decodr", "ERROR_DECODE_VIDEO"),
            ("downlod no spase", "DOWNLOAD_ERROR_NO_SPACE"),
        ] {
            let answer = look_up(query);
            assert!(answer.matches.is_empty(), "{query}");
            let nearest: Vec<_> = answer.nearest.iter().map(|row| row.name).collect();
            assert!(nearest.contains(&name), "{query}: {nearest:?}");
        }
    }

    #[test]
    fn what_is_unknown_brings_the_nearest_names() {
        let answer = look_up("ERROR_DECODE_VIDIO");
        assert!(answer.matches.is_empty());
        assert_eq!(
            answer.nearest.first().map(|row| row.name),
            Some("ERROR_DECODE_VIDEO")
        );
    }
}
