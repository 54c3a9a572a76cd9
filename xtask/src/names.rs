//! What the code of a file names outside its tests, however it is spelt: `std::fs::read`, `use std::{fs, thread}`,
//! `use std::thread as t`, inside a macro.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemUse, Macro, Path, UseTree};

/// Every path that a file names, with its line. What a group or a glob takes from is named too.
pub(crate) fn named(file: &File) -> Vec<(usize, String)> {
    let mut names = Names::default();
    names.visit_file(file);
    names.found
}

#[derive(Default)]
struct Names {
    found: Vec<(usize, String)>,
}

impl Names {
    fn add(&mut self, path: &str, span: Span) {
        let path = path.trim_start_matches("::");
        self.found.push((span.start().line, path.to_owned()));
    }

    fn add_use(&mut self, above: &str, tree: &UseTree) {
        let below = |name: &syn::Ident| format!("{above}{name}");
        match tree {
            UseTree::Path(path) => self.add_use(&format!("{}::", below(&path.ident)), &path.tree),
            // `use std::fs::{self}` names the module above.
            UseTree::Name(name) if name.ident == "self" => {
                self.add(above.trim_end_matches("::"), name.ident.span());
            }
            UseTree::Name(name) => self.add(&below(&name.ident), name.ident.span()),
            UseTree::Rename(rename) => self.add(&below(&rename.ident), rename.ident.span()),
            UseTree::Glob(glob) => {
                self.add(above.trim_end_matches("::"), glob.star_token.spans[0]);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(above, tree);
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
        self.add_use("", &item.tree);
    }
    fn visit_path(&mut self, path: &'ast Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if let Some(first) = path.segments.first() {
            self.add(&names.join("::"), first.ident.span());
        }
        visit::visit_path(self, path);
    }
    /// What stands in a macro is no syntax tree: its words are read in a row.
    fn visit_macro(&mut self, item: &'ast Macro) {
        let text = item.tokens.to_string().replace(' ', "");
        let span = item.path.segments.first().map(|name| name.ident.span());
        for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            self.add(word, span.unwrap_or_else(Span::call_site));
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
