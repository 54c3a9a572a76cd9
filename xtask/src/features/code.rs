//! What the sources have: names that crates make public, tests, and the code of examples.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};

use super::table::{Name, Test};
use crate::tidy::{parse, read, relative, rust_files};

const SDK: &str = "kinora";

/// The sources, as far as the tables speak of them.
#[derive(Default)]
pub(crate) struct Code {
    /// Public names by crate: `Player`, `Player::set_mute`, `play_info`.
    public: BTreeMap<String, BTreeSet<String>>,
    /// What the SDK exports.
    exported: BTreeSet<String>,
    tests: BTreeSet<Test>,
    /// The words of each example that compiles, by the file that holds it.
    examples: BTreeMap<String, BTreeSet<String>>,
}

impl Code {
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut code = Self::default();
        for folder in ["crates", "tests"] {
            for file in rust_files(&root.join(folder))? {
                code.add(&relative(root, &file), &read(&file)?)?;
            }
        }
        // A test of the SDK compiles them.
        let readme = "README.md";
        let text = read(&root.join(readme))?;
        let blocks = text.split("```rust").skip(1);
        let blocks = blocks.filter_map(|rest| rest.split("```").next());
        code.add_example(readme, &blocks.collect::<String>());
        Ok(code)
    }

    /// Takes a file of a crate in.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> Result<(), String> {
        let file = parse(name, text)?;
        let mut parts = name.split('/').skip(1);
        let (of, folder) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        if folder == "examples" {
            self.add_example(name, text);
        }
        let mut found = Found::default();
        found.visit_file(&file);
        let tests = found.tests.into_iter().map(|function| Test {
            file: name.to_owned(),
            function,
        });
        self.tests.extend(tests);
        if folder == "src" {
            self.add_example(name, &found.doc_examples);
            let public = self.public.entry(of.to_owned()).or_default();
            public.extend(found.public);
        }
        if name == "crates/kinora/src/lib.rs" {
            self.exported.extend(found.exported);
        }
        Ok(())
    }

    fn add_example(&mut self, name: &str, text: &str) {
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let words: BTreeSet<String> = words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        if !words.is_empty() {
            self.examples
                .entry(name.to_owned())
                .or_default()
                .extend(words);
        }
    }

    /// Whether a crate makes it public, and the SDK exports it.
    pub(crate) fn has(&self, name: &Name) -> bool {
        if let Some(of) = &name.of {
            let public = self.public.get(of);
            return public.is_some_and(|public| public.contains(&name.path));
        }
        let (first, rest) = name.path.split_once("::").unwrap_or((&name.path, ""));
        let path = match first.starts_with(char::is_lowercase) && !rest.is_empty() {
            true => rest,
            false => &name.path,
        };
        self.exported.contains(first) && self.public.values().any(|public| public.contains(path))
    }

    pub(crate) fn has_test(&self, test: &Test) -> bool {
        self.tests.contains(test)
    }

    pub(crate) fn has_example(&self, name: &Name) -> bool {
        name.of.is_some() || self.example(name).is_some()
    }

    /// The file with an example of it: one of the SDK's where there is one.
    pub(crate) fn example(&self, name: &Name) -> Option<&str> {
        let shows = |words: &BTreeSet<String>| words.contains(name.member());
        let files = self.examples.iter().filter(|(_, words)| shows(words));
        let files: Vec<&str> = files.map(|(file, _)| file.as_str()).collect();
        let own = format!("crates/{}/", name.of.as_deref().unwrap_or(SDK));
        let best = files.iter().find(|file| file.starts_with(&own));
        best.or(files.first()).copied()
    }
}

#[derive(Default)]
struct Found {
    public: BTreeSet<String>,
    exported: BTreeSet<String>,
    tests: BTreeSet<String>,
    /// What stands between the fences of documentation.
    doc_examples: String,
    fence: Fence,
}

/// What a line of documentation stands in.
#[derive(Clone, Copy, Default)]
enum Fence {
    #[default]
    None,
    /// Code that is compiled.
    Rust,
    Other,
}

impl Found {
    fn export(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.export(&path.tree),
            syn::UseTree::Name(name) => {
                self.exported.insert(name.ident.to_string());
            }
            syn::UseTree::Rename(rename) => {
                self.exported.insert(rename.rename.to_string());
            }
            syn::UseTree::Glob(_) => {}
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.export(tree)),
        }
    }

    fn member(&mut self, of: &syn::Ident, member: &syn::Ident) {
        self.public.insert(format!("{of}::{member}"));
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if is_public(&item.vis) {
            self.export(&item.tree);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_public(&item.vis) {
            self.exported.insert(item.ident.to_string());
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        // `#[test]`, `#[tokio::test]`.
        let is_test = |attribute: &syn::Attribute| {
            let last = attribute.path().segments.last();
            last.is_some_and(|last| last.ident == "test")
        };
        let name = item.sig.ident.to_string();
        if item.attrs.iter().any(is_test) {
            self.tests.insert(name);
        } else if is_public(&item.vis) {
            self.public.insert(name);
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if is_public(&item.vis) {
            self.public.insert(item.ident.to_string());
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if is_public(&item.vis) {
            self.public.insert(item.ident.to_string());
            let named = item.fields.iter().filter(|field| is_public(&field.vis));
            for field in named.filter_map(|field| field.ident.as_ref()) {
                self.member(&item.ident, field);
            }
        }
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if is_public(&item.vis) {
            self.public.insert(item.ident.to_string());
            for variant in &item.variants {
                self.member(&item.ident, &variant.ident);
            }
        }
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if is_public(&item.vis) {
            self.public.insert(item.ident.to_string());
            for member in &item.items {
                if let syn::TraitItem::Fn(member) = member {
                    self.member(&item.ident, &member.sig.ident);
                }
            }
        }
        visit::visit_item_trait(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let (None, syn::Type::Path(of)) = (&item.trait_, &*item.self_ty)
            && let Some(of) = of.path.segments.last()
        {
            for member in &item.items {
                if let syn::ImplItem::Fn(member) = member
                    && is_public(&member.vis)
                {
                    self.member(&of.ident, &member.sig.ident);
                }
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::NameValue(value) = &attribute.meta
            && value.path.is_ident("doc")
            && let syn::Expr::Lit(literal) = &value.value
            && let syn::Lit::Str(text) = &literal.lit
        {
            for line in text.value().lines() {
                match (line.trim_start().strip_prefix("```"), self.fence) {
                    (Some(_), Fence::Rust | Fence::Other) => self.fence = Fence::None,
                    (Some("" | "no_run" | "rust"), Fence::None) => self.fence = Fence::Rust,
                    (Some(_), Fence::None) => self.fence = Fence::Other,
                    (None, Fence::Rust) => {
                        self.doc_examples.push_str(line);
                        self.doc_examples.push('\n');
                    }
                    (None, _) => {}
                }
            }
        }
    }
}
