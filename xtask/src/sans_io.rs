//! What a crate below the sans-IO line never names outside its tests, however it is spelt: `std::fs::read`,
//! `use std::{fs, thread}`, `use std::thread as t`, inside a macro.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemUse, Macro, Path, UseTree};

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
    let mut names = Names::default();
    names.visit_file(file);
    names.found.into_iter()
}

#[derive(Default)]
struct Names {
    found: Vec<(usize, String)>,
}

impl Names {
    fn judge(&mut self, path: &str, span: Span) {
        let path = path.trim_start_matches("::");
        let is_below = |banned: &&&str| {
            path.strip_prefix(**banned)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        if let Some(banned) = BANNED.iter().find(is_below) {
            self.found.push((span.start().line, (*banned).to_owned()));
        }
    }

    fn judge_use(&mut self, above: &str, tree: &UseTree) {
        let below = |name: &syn::Ident| format!("{above}{name}");
        match tree {
            UseTree::Path(path) => self.judge_use(&format!("{}::", below(&path.ident)), &path.tree),
            // `use std::fs::{self}` names the module above.
            UseTree::Name(name) if name.ident == "self" => {
                self.judge(above.trim_end_matches("::"), name.ident.span());
            }
            UseTree::Name(name) => self.judge(&below(&name.ident), name.ident.span()),
            UseTree::Rename(rename) => self.judge(&below(&rename.ident), rename.ident.span()),
            UseTree::Glob(glob) => {
                self.judge(above.trim_end_matches("::"), glob.star_token.spans[0]);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.judge_use(above, tree);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.judge_use("", &item.tree);
    }
    fn visit_path(&mut self, path: &'ast Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if let Some(first) = path.segments.first() {
            self.judge(&names.join("::"), first.ident.span());
        }
        visit::visit_path(self, path);
    }
    /// What stands in a macro is no syntax tree: its words are read in a row.
    fn visit_macro(&mut self, item: &'ast Macro) {
        let text = item.tokens.to_string().replace(' ', "");
        let span = item.path.segments.first().map(|name| name.ident.span());
        for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            self.judge(word, span.unwrap_or_else(Span::call_site));
        }
        visit::visit_macro(self, item);
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<Path>()
                    .is_ok_and(|word| word.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
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
