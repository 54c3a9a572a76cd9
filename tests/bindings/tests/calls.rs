//! `bindings/calls.toml` and what the languages have are the same.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::Path;

use kinora_bindings::root;
use toml::de::DeTable;

type Names = BTreeSet<String>;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the table names in the column of a language.
fn named(language: &str) -> Names {
    let text = read("bindings/calls.toml");
    let table = DeTable::parse(&text).unwrap().into_inner();
    let calls = table.get("call").unwrap().get_ref().as_array().unwrap();
    let mut names = Names::new();
    for call in calls {
        let call = call.get_ref().as_table().unwrap();
        let cell = |column: &str| match call.get(column) {
            Some(cell) => cell.get_ref().as_str().unwrap(),
            None => panic!("a call is without `{column}`: {call:?}"),
        };
        assert!(!cell("does").is_empty());
        let names_of = cell(language);
        match names_of.strip_prefix('-') {
            Some(why) => assert!(why.trim().len() > 5, "{}: why?", cell("does")),
            None => names.extend(names_of.split_whitespace().map(str::to_owned)),
        }
    }
    names
}

#[track_caller]
fn same(table: &Names, language: &Names, what: &str) {
    let stale: Vec<_> = table.difference(language).collect();
    let missing: Vec<_> = language.difference(table).collect();
    assert!(stale.is_empty(), "{what} has none of: {stale:?}");
    assert!(
        missing.is_empty(),
        "bindings/calls.toml is without what {what} has: {missing:?}"
    );
}

#[test]
fn every_function_of_the_header_has_its_place_in_the_table() {
    let header = read("crates/kinora-capi/include/kinora.symbols");
    same(
        &named("c"),
        &header.lines().map(str::to_owned).collect(),
        "kinora.h",
    );
}

/// The public functions below a folder: `name`, or `Type::name`.
fn rust_functions(folder: &Path, found: &mut Names) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_functions(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let file = syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap();
            file.items.iter().for_each(|item| add(item, found));
        }
    }
}

fn add(item: &syn::Item, found: &mut Names) {
    let public = |it: &syn::Visibility| matches!(it, syn::Visibility::Public(_));
    match item {
        syn::Item::Fn(it) if public(&it.vis) => {
            found.insert(it.sig.ident.to_string());
        }
        syn::Item::Impl(it) if it.trait_.is_none() => {
            let syn::Type::Path(path) = &*it.self_ty else {
                return;
            };
            let Some(of) = path.path.segments.last() else {
                return;
            };
            for item in &it.items {
                if let syn::ImplItem::Fn(method) = item
                    && public(&method.vis)
                {
                    found.insert(format!("{}::{}", of.ident, method.sig.ident));
                }
            }
        }
        _ => {}
    }
}

/// Whose every function must be told of.
const WHOLE: [&str; 5] = [
    "Player::",
    "PlayerBuilder::",
    "MediaReader::",
    "VideoReader::",
    "AudioReader::",
];

#[test]
fn every_call_of_the_sdk_has_its_place_in_the_table() {
    let mut there = Names::new();
    for name in ["", "-errors", "-engine", "-media", "-output", "-diagnose"] {
        rust_functions(&root().join(format!("crates/kinora{name}/src")), &mut there);
    }
    let table = named("rust");
    let of_kinora =
        |name: &&String| table.contains(*name) || WHOLE.iter().any(|of| name.starts_with(of));
    same(
        &table,
        &there.iter().filter(of_kinora).cloned().collect(),
        "the SDK",
    );
}

/// Indentation of a line, and what follows.
fn indented(line: &str) -> (usize, &str) {
    let text = line.trim_start();
    (line.len() - text.len(), text)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The public names of a module of Python: `function`, `Class`, `Class.member`.
fn python_names(text: &str, found: &mut Names) {
    let is_public = |name: &str| !name.is_empty() && !name.starts_with('_') || name == "__aiter__";
    let mut class = "";
    for line in text.lines() {
        let (depth, text) = indented(line);
        let defined = ["def ", "async def "]
            .iter()
            .find_map(|it| text.strip_prefix(it));
        let name = match (defined, text.split_once(": ")) {
            (Some(rest), _) => word(rest),
            (None, Some((name, _))) if word(name) == name => name,
            _ => "",
        };
        match depth {
            0 if text.starts_with("class ") => class = word(&text["class ".len()..]),
            0 if defined.is_some() && is_public(name) => {
                found.insert(name.to_owned());
                class = "";
            }
            0 if !text.is_empty() && !text.starts_with([')', '#', '@']) => class = "",
            4 if !class.is_empty() && !class.starts_with('_') && is_public(name) => {
                found.insert(format!("{class}.{name}"));
            }
            _ => {}
        }
    }
}

#[test]
fn every_call_of_python_has_its_place_in_the_table() {
    let mut there = Names::new();
    for module in [
        "_errors.py",
        "_events.py",
        "_player.py",
        "_reader.py",
        "__init__.py",
    ] {
        python_names(
            &read(&format!("bindings/python/kinora/{module}")),
            &mut there,
        );
    }
    let native = read("bindings/python/kinora/_kinora.pyi");
    let mut inherited = Names::new();
    python_names(&native, &mut inherited);
    there.extend(
        inherited
            .into_iter()
            .filter(|name| name.starts_with("Player.")),
    );
    there.extend(["Player", "__version__", "code_name"].map(str::to_owned));
    // What only the package itself calls, and what says the same in other words.
    for own in ["of_fault", "read_options"] {
        assert!(there.remove(own), "{own}");
    }
    let words = ["name", "group", "origin", "retry", "meaning", "causes"];
    for name in words.map(|it| format!("Error.{it}")) {
        assert!(there.remove(&name), "{name}");
    }
    same(&named("python"), &there, "Python");
}

/// The names of a declaration of TypeScript: `function`, `Class`, `Class.member`.
fn typescript_names(text: &str) -> Names {
    let mut found = Names::new();
    let mut class = "";
    for line in text.lines() {
        let (depth, text) = indented(line);
        if depth == 0 {
            let exported = ["class ", "function ", "const "]
                .iter()
                .find_map(|kind| Some((*kind, text.strip_prefix("export ")?.strip_prefix(kind)?)));
            class = match exported {
                Some(("class ", rest)) => word(rest),
                Some((_, rest)) => {
                    found.insert(word(rest).to_owned());
                    ""
                }
                None => "",
            };
        } else if depth == 2 && !class.is_empty() {
            let text = text.strip_prefix("readonly ").unwrap_or(text);
            let name = match text.strip_prefix("[Symbol.asyncIterator]") {
                Some(_) => "[Symbol.asyncIterator]",
                None => word(text),
            };
            let is_member = text[name.len()..].starts_with(['(', ':', '?']);
            if is_member && name != "constructor" && !name.is_empty() {
                found.insert(format!("{class}.{name}"));
            }
        }
    }
    found
}

#[test]
fn every_call_of_node_has_its_place_in_the_table() {
    let mut there = typescript_names(&read("bindings/node/index.d.ts"));
    there.insert("Player".to_owned());
    // What says the same in other words.
    for word in ["code", "group", "origin", "retry", "meaning", "causes"] {
        assert!(there.remove(&format!("KinoraError.{word}")), "{word}");
    }
    same(&named("node"), &there, "Node");
}

#[test]
fn every_group_of_the_error_table_has_its_class() {
    let groups: BTreeSet<&str> = kinora_errors::ROWS.iter().map(|row| row.group).collect();
    let python = read("bindings/python/kinora/_errors.py");
    let node = read("bindings/node/index.js");
    for group in groups {
        assert!(python.contains(&format!("    \"{group}\": ")), "{group}");
        assert!(node.contains(&format!("  {group}: ")), "{group}");
    }
}
