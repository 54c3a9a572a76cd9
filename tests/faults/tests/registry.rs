//! The registry is whole and names tests that are there.
#![allow(clippy::unwrap_used, clippy::panic)]

use kinora_errors::{Lang, ROWS};
use kinora_faults::registry::{RegistryRow, beside, entries};

const TESTS: [(&str, &str); 4] = [
    ("beside", include_str!("beside.rs")),
    ("service", include_str!("service.rs")),
    ("network", include_str!("network.rs")),
    ("media", include_str!("media.rs")),
];
/// The groups that are done.
const DONE: [&str; 4] = ["request", "pop", "vod", "playback"];

#[test]
fn every_name_of_the_groups_that_are_done_has_one_line() {
    let named: Vec<&str> = entries().map(|entry| entry.name).collect();
    let wanted: Vec<&str> = ROWS
        .iter()
        .filter(|row| DONE.contains(&row.group))
        .map(|row| row.name)
        .collect();
    assert_eq!(named, wanted);
    assert_eq!(named.len(), 53);
}

#[test]
fn every_line_names_a_test_that_holds_its_fault() {
    for entry in entries() {
        let expected = format!("\"{}\"", entry.name);
        holds(&entry, &expected);
    }
    for (_, entry) in beside() {
        let expected = format!("\"{}\"", entry.test_name());
        holds(&entry, &expected);
    }
}

fn holds(entry: &RegistryRow, expected: &str) {
    let (file, test) = entry.test.split_once("::").unwrap();
    let (_, source) = TESTS.iter().find(|(name, _)| *name == file).unwrap();
    let begin = source
        .find(&format!("#[test]\nfn {test}()"))
        .unwrap_or_else(|| panic!("{} is not there", entry.test));
    let body = &source[begin..];
    let body = &body[..body.find("\n}\n").unwrap()];
    assert!(
        body.contains(expected),
        "{} does not expect {}",
        entry.test,
        entry.name
    );
    for lang in [Lang::En, Lang::Zh] {
        assert!(
            !entry.fault(lang).is_empty() && !entry.survives(lang).is_empty(),
            "{}",
            entry.name
        );
    }
}
