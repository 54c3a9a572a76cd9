//! The table against the frozen numbers and names.

use std::collections::BTreeMap;

use kinora_errors::ROWS;

const FROZEN: &str = include_str!("codes.tsv");

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[test]
fn every_frozen_row_is_in_the_table_and_no_other() {
    let frozen: Vec<(&str, &str, u32, u32)> = FROZEN
        .lines()
        .skip(1)
        .map(|line| {
            let column: Vec<&str> = line.split('\t').collect();
            let hex = u32::from_str_radix(column[2].trim_start_matches("0x"), 16).unwrap();
            (column[0], column[1], hex, column[3].parse().unwrap())
        })
        .collect();
    assert_eq!((frozen.len(), ROWS.len()), (127, 127));
    for (group, name, hex, decimal) in frozen {
        let row = ROWS
            .iter()
            .find(|row| row.name == name)
            .unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(
            (row.group, row.number, row.number),
            (group, hex, decimal),
            "{name}"
        );
    }
}

#[test]
fn a_number_is_given_once_but_for_the_declared_pair() {
    let mut names: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for row in ROWS {
        names.entry(row.number).or_default().push(row.name);
    }
    assert_eq!(names.len(), 126);
    let shared: Vec<_> = names
        .iter()
        .filter(|(_, names)| names.len() > 1)
        .map(|(number, _)| *number)
        .collect();
    assert_eq!(shared, [0x2001_3007]);
}

#[test]
fn every_row_speaks_both_languages() {
    for row in ROWS {
        for text in [row.zh.meaning, row.zh.cause, row.zh.remedy] {
            assert!(text.chars().any(is_han), "{}: {text}", row.name);
        }
        for text in [row.en.meaning, row.en.cause, row.en.remedy] {
            assert!(
                !text.is_empty() && !text.chars().any(is_han),
                "{}: {text}",
                row.name
            );
        }
    }
}
