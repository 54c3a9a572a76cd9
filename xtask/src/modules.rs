//! The arrows between the modules of a crate: none leads back to where it came from.

use std::collections::{BTreeMap, BTreeSet};

use syn::File;

use crate::names::named;

/// Each module of a crate and the others that it names.
#[derive(Default)]
pub(crate) struct Modules(BTreeMap<String, BTreeSet<String>>);

impl Modules {
    /// Adds a file of a module; complains of names that come by way of the crate's root, for they hide their module.
    pub(crate) fn add(&mut self, module: &str, file: &File) -> Vec<String> {
        let mut complaints = Vec::new();
        let arrows = self.0.entry(module.to_owned()).or_default();
        for (line, path) in named(file) {
            let Some(rest) = path.strip_prefix("crate::") else {
                continue;
            };
            let first = rest.split("::").next().unwrap_or(rest);
            if first.starts_with(char::is_uppercase) {
                complaints.push(format!("{line}: {path} hides its module: name that"));
            } else if first != module {
                arrows.insert(first.to_owned());
            }
        }
        complaints
    }

    /// A way that leads back to its beginning, if there is one: `a → b → a`.
    pub(crate) fn cycle(&self) -> Option<String> {
        let mut done = BTreeSet::new();
        let mut modules = self.0.keys();
        modules.find_map(|module| self.from(module, &mut Vec::new(), &mut done))
    }

    fn from<'a>(
        &'a self,
        module: &'a str,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<String> {
        if let Some(at) = way.iter().position(|passed| *passed == module) {
            return Some([&way[at..], &[module]].concat().join(" → "));
        }
        if !done.insert(module) {
            return None;
        }
        way.push(module);
        let mut next = self.0.get(module).into_iter().flatten();
        let found = next.find_map(|next| self.from(next, way, done));
        way.pop();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(files: &[(&str, &str)]) -> (Modules, Vec<String>) {
        let mut modules = Modules::default();
        let complaints = files
            .iter()
            .flat_map(|(module, code)| modules.add(module, &syn::parse_file(code).unwrap()))
            .collect();
        (modules, complaints)
    }

    #[test]
    fn a_cycle_is_found_however_long_it_is_and_reported_whole() {
        let (circle, _) = modules(&[
            ("a", "use crate::b::{X, Y};"),
            ("b", "fn f() { crate::c::d::g() }"),
            ("c", "use crate::{a, e};"),
            ("e", ""),
        ]);
        assert_eq!(circle.cycle().unwrap(), "a → b → c → a");
        let (tree, _) = modules(&[
            ("a", "use crate::b::X; use crate::c::Y; use crate::a::Z;"),
            ("b", "use crate::c::Y;"),
            ("c", "#[cfg(test)] mod tests { use crate::a::X; }"),
        ]);
        assert_eq!(tree.cycle(), None);
    }

    #[test]
    fn a_name_by_way_of_the_root_is_complained_of() {
        let (_, complaints) = modules(&[("a", "\nuse crate::Thing;")]);
        assert_eq!(complaints, ["2: crate::Thing hides its module: name that"]);
    }
}
