//! What a crate below the sans-IO line never names outside its tests.

use syn::File;

use crate::names::named;

/// Paths that reach the world; all that lies below them is banned too.
const BANNED: &[&str] = &[
    "std::time::Instant",
    "std::time::SystemTime",
    "std::thread",
    "std::net",
    "std::fs",
    "std::env",
    "std::process",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "Instant::now",
    "SystemTime::now",
    "tokio",
    "getrandom",
];

/// The banned names of a file with their lines.
pub(crate) fn banned(file: &File) -> impl Iterator<Item = (usize, String)> + use<> {
    let found = named(file).into_iter();
    found.filter_map(|(line, path)| {
        let is_below = |banned: &&&str| {
            path.strip_prefix(**banned)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let banned = BANNED.iter().find(is_below)?;
        Some((line, (*banned).to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::banned;

    fn found(code: &str) -> Vec<(usize, String)> {
        banned(&syn::parse_file(code).unwrap()).collect()
    }

    #[test]
    fn each_spelling_of_a_banned_name_is_seen() {
        for code in [
            "use std::{fmt, fs};",
            "use std::{self, thread as t};",
            "use std::fs::{self};",
            "use ::std::net::*;",
            "use std::{time::{Duration, Instant}};",
            "fn now() { let at = std::time::Instant::now(); }",
            "fn go<T: Into<std::process::Command>>() {}",
            "fn say() { format!(\"{:?}\", std::env::var(\"HOME\")); }",
            "fn go() { tokio::spawn(async {}); }",
        ] {
            assert_eq!(found(code).len(), 1, "{code}");
        }
        assert_eq!(found("\nuse std::{\n  fs,\n};"), [(3, "std::fs".into())]);
    }

    #[test]
    fn tests_and_names_that_only_look_alike_are_no_matter() {
        for code in [
            "use std::time::Duration;",
            "use std::{fmt, io};",
            "mod threads { pub fn std_thread() {} }",
            "#[cfg(test)] mod tests { use std::fs; }",
            "// std::thread\nfn f() {}",
            "use random::pick;",
        ] {
            assert_eq!(found(code), [], "{code}");
        }
    }
}
