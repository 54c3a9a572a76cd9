//! Rows that were perhaps meant, where nothing was found: each word may be misspelt.

use super::{bare, fold, places};
use crate::{ROWS, Row};

/// Words that are looked for where none was found as it is.
const MOST_WORDS: usize = 12;
/// Letters that may be wrong in a word.
const MOST_WRONG_LETTERS: usize = 2;
/// How many alike names are offered.
pub(super) const MOST_NEAREST: usize = 3;

/// No word that is looked for is longer.
const LONGEST_WORD: usize = 64;

/// The rows whose words are nearest to those asked for; of those alike, the one whose name is as a whole.
pub(super) fn nearest(query: &str) -> Vec<&'static Row> {
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

/// The one of `known` that a misspelt word means, where one is near enough.
pub fn nearest_word<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(LONGEST_WORD).collect();
    let most = MOST_WRONG_LETTERS.min(word.chars().count() / 2);
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
