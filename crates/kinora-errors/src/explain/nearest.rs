//! What was perhaps meant, where nothing was found: each word may be misspelt, each Chinese character be another one.

use std::collections::HashMap;

use super::{Match, all, bare, fields, fold};

/// Words that are looked for where none was found as it is.
const MAX_WORDS: usize = 12;
/// Letters that may be wrong in a word.
const MAX_WRONG_LETTERS: usize = 2;
/// How many alike names are offered.
pub(super) const MAX_NEAREST: usize = 3;

/// No word that is looked for is longer.
const MAX_WORD_LEN: usize = 64;

/// What is nearest to what was asked for.
pub(super) fn nearest(query: &str) -> Vec<Match> {
    let mut found = match query.contains(is_han) {
        true => by_characters(query),
        false => Vec::new(),
    };
    if found.is_empty() {
        found = by_spelling(query);
    }
    found.truncate(MAX_NEAREST);
    found
}

/// Those whose words are nearest; of those alike, the one whose name is as a whole.
fn by_spelling(query: &str) -> Vec<Match> {
    let (wanted, mut asked) = (fold(query), words(query));
    asked.truncate(MAX_WORDS);
    let mut known: Vec<_> = all()
        .map(|found| {
            let (name, fields) = (found.name(), fields(&found).map(|text| words(&text)));
            let missing: usize = asked.iter().map(|word| cost(word, &fields)).sum();
            let whole = distance(&wanted, short(&found, &name));
            (missing, whole, name, found)
        })
        .collect();
    known.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    known.into_iter().map(|(.., found)| found).collect()
}

/// A name without what those of its kind begin with.
fn short<'a>(found: &'a Match, name: &'a str) -> &'a str {
    match found {
        Match::System(_, errno) => errno.name,
        Match::Row(_) | Match::Reserved(_) => bare(name),
    }
}

/// Those that share most with it, character by character: pairs of neighbours tell most, rare ones more than common ones,
/// and what is in the name or the meaning more than what is in the remedy.
fn by_characters(query: &str) -> Vec<Match> {
    let known: Vec<(Match, [Vec<String>; 3])> = all()
        .map(|found| (found, fields(&found).map(|text| pieces(&text))))
        .collect();
    let mut spread: HashMap<&str, u32> = HashMap::new();
    for (_, fields) in &known {
        let mut held: Vec<&String> = fields.iter().flatten().collect();
        held.sort_unstable();
        held.dedup();
        for piece in held {
            *spread.entry(piece).or_default() += 1;
        }
    }
    let asked = pieces(query);
    let worth = |piece: &String, fields: &[Vec<String>; 3]| {
        let place = fields.iter().position(|place| place.contains(piece))?;
        let rare = (known.len() as f64 / f64::from(*spread.get(piece.as_str())?)).ln();
        // A character by itself says a quarter of what a pair does, and so does a remedy of a meaning.
        let pair = if piece.chars().nth(1).is_some() {
            4.0
        } else {
            1.0
        };
        Some(rare * pair / [1.0, 1.0, 4.0][place])
    };
    let mut scored: Vec<(f64, Match)> = known
        .iter()
        .map(|(found, fields)| {
            let score = asked.iter().filter_map(|piece| worth(piece, fields)).sum();
            (score, *found)
        })
        .filter(|(score, _)| *score > 0.0)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, found)| found).collect()
}

/// Chinese characters, pairs of neighbours among them, and the words between.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut before = None;
    for c in text.chars() {
        if is_han(c) {
            pieces.push(c.to_string());
            pieces.extend(before.map(|before: char| format!("{before}{c}")));
        }
        before = is_han(c).then_some(c);
    }
    let others: String = text
        .chars()
        .map(|c| if is_han(c) { ' ' } else { c })
        .collect();
    pieces.extend(words(&others));
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// How far a word is from a row: its wrong letters, and how little the place tells where it is.
fn cost(word: &str, fields: &[Vec<String>]) -> usize {
    let length = word.chars().count();
    // A misspelt word has a wrong letter in three at the most.
    let most = (length / 3).min(MAX_WRONG_LETTERS);
    let nearest = |known: &Vec<String>| {
        let alike = known
            .iter()
            .filter(|known| known.chars().count().abs_diff(length) <= most);
        let distances = alike.map(|known| distance(word, known));
        distances.min().filter(|distance| *distance <= most)
    };
    let found = fields
        .iter()
        .enumerate()
        .filter_map(|(place, known)| Some(place + nearest(known)?));
    found.min().unwrap_or(MAX_WRONG_LETTERS + fields.len())
}

/// The one of `known` that a misspelt word means, where one is near enough.
pub fn nearest_word<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(MAX_WORD_LEN).collect();
    let most = MAX_WRONG_LETTERS.min(word.chars().count() / 2);
    known
        .into_iter()
        .map(|known| (distance(&word, known), known))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
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
