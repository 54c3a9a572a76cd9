//! The rules of the house that a compiler does not hold: which crate may import which, what the
//! sans-IO crates must never name, and how long files and functions may grow.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use syn::visit::Visit;

use crate::causes;
use crate::features;
use crate::modules::Modules;

/// Each crate and the crates of ours it may import. Arrows point down only.
const ARROWS: &[(&str, &[&str])] = &[
    ("kinora-errors", &[]),
    ("kinora-media", &["kinora-errors"]),
    ("kinora-container", &["kinora-errors", "kinora-media"]),
    ("kinora-manifest", &["kinora-errors", "kinora-media"]),
    ("kinora-protect", &["kinora-errors", "kinora-media"]),
    ("kinora-cloud", &["kinora-errors", "kinora-media"]),
    ("kinora-codec", &["kinora-errors", "kinora-media"]),
    ("kinora-subtitle", &["kinora-errors", "kinora-media"]),
    ("kinora-audio", &[]),
    ("kinora-alsa", &[]),
    ("kinora-fetch", &["kinora-errors", "kinora-media"]),
    (
        "kinora-engine",
        &[
            "kinora-errors",
            "kinora-media",
            "kinora-fetch",
            "kinora-container",
            "kinora-manifest",
            "kinora-protect",
            "kinora-cloud",
            "kinora-subtitle",
        ],
    ),
    ("kinora-cache", &["kinora-errors", "kinora-media"]),
    (
        "kinora-net",
        &[
            "kinora-errors",
            "kinora-media",
            "kinora-fetch",
            "kinora-cache",
        ],
    ),
    (
        "kinora-ffmpeg",
        &[
            "kinora-errors",
            "kinora-media",
            "kinora-container",
            "kinora-codec",
            "kinora-test-support",
        ],
    ),
    ("kinora-overlay", &["kinora-media", "kinora-subtitle"]),
    (
        "kinora-libass",
        &[
            "kinora-media",
            "kinora-overlay",
            "kinora-subtitle",
            "kinora-test-support",
        ],
    ),
    (
        "kinora-output",
        &[
            "kinora-alsa",
            "kinora-audio",
            "kinora-errors",
            "kinora-media",
            "kinora-overlay",
            "kinora-subtitle",
            "kinora-test-support",
        ],
    ),
    (
        "kinora-window",
        &[
            "kinora-errors",
            "kinora-media",
            "kinora-output",
            "kinora-overlay",
            "kinora-subtitle",
            "kinora-test-support",
        ],
    ),
    (
        "kinora",
        &[
            "kinora-errors",
            "kinora-media",
            "kinora-container",
            "kinora-manifest",
            "kinora-protect",
            "kinora-cloud",
            "kinora-codec",
            "kinora-engine",
            "kinora-cache",
            "kinora-net",
            "kinora-ffmpeg",
            "kinora-libass",
            "kinora-output",
            "kinora-subtitle",
            "kinora-audio",
        ],
    ),
    ("kinora-capi", &["kinora", "kinora-errors"]),
    ("kinora-py", &["kinora", "kinora-diagnose"]),
    ("kinora-node", &["kinora", "kinora-diagnose"]),
    (
        "kinora-service",
        &[
            "kinora-errors",
            "kinora-media",
            "kinora-manifest",
            "kinora-container",
            "kinora-protect",
            "kinora-cloud",
        ],
    ),
    (
        "kinora-diagnose",
        &[
            "kinora",
            "kinora-cloud",
            "kinora-container",
            "kinora-errors",
            "kinora-manifest",
            "kinora-media",
            "kinora-net",
            "kinora-protect",
        ],
    ),
    (
        "kinora-cli",
        &[
            "kinora",
            "kinora-diagnose",
            "kinora-service",
            "kinora-errors",
            "kinora-media",
            "kinora-window",
        ],
    ),
    ("kinora-abr", &["kinora-engine", "kinora-media"]),
    (
        "kinora-conformance",
        &[
            "kinora-codec",
            "kinora-errors",
            "kinora-media",
            "kinora-container",
            "kinora-engine",
            "kinora-ffmpeg",
            "kinora-manifest",
            "kinora-test-support",
        ],
    ),
    (
        "kinora-fuzz-bodies",
        &[
            "kinora-cache",
            "kinora-cloud",
            "kinora-container",
            "kinora-engine",
            "kinora-errors",
            "kinora-ffmpeg",
            "kinora-manifest",
            "kinora-media",
            "kinora-overlay",
            "kinora-protect",
            "kinora-subtitle",
        ],
    ),
    (
        "kinora-faults",
        &[
            "kinora",
            "kinora-cloud",
            "kinora-errors",
            "kinora-media",
            "kinora-net",
            "kinora-output",
            "kinora-service",
            "kinora-test-support",
        ],
    ),
    (
        "kinora-service-clients",
        &[
            "kinora",
            "kinora-cloud",
            "kinora-errors",
            "kinora-faults",
            "kinora-service",
            "kinora-test-support",
        ],
    ),
    ("kinora-test-support", &[]),
    ("kinora-bindings", &[]),
    // What it needs beyond `kinora`, `kinora` lacks.
    ("kinora-embedder", &["kinora"]),
    ("xtask", &[]),
];

/// Below the sans-IO line: these build for wasm32 and meet the world only through arguments.
const SANS_IO: &[&str] = &[
    "kinora-errors",
    "kinora-media",
    "kinora-container",
    "kinora-manifest",
    "kinora-protect",
    "kinora-cloud",
    "kinora-codec",
    "kinora-subtitle",
    "kinora-audio",
    "kinora-fetch",
    "kinora-engine",
];

/// Crates whose modules know each other one way only.
const LAYERED: &[&str] = &["kinora-service"];

const MAX_FUNCTION_LINES: usize = 70;
const MAX_FILE_LINES: usize = 1_000;
const RATCHET: &str = "xtask/size-ratchet.txt";
const SANS_IO_CLIPPY: &str = "xtask/sans-io-clippy.toml";

/// Checks everything and complains of all that it found, one line each.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut complaints = Vec::new();
    complaints.extend(check_arrows(root)?);
    complaints.extend(check_sans_io(root)?);
    complaints.extend(check_modules(root)?);
    complaints.extend(check_sizes(root)?);
    complaints.extend(causes::check(root, &sources(root)?)?);
    complaints.extend(features::check(root)?);
    if complaints.is_empty() {
        println!(
            "tidy: {} crates, arrows down, nothing banned, nothing outgrown",
            ARROWS.len()
        );
        return Ok(());
    }
    Err(complaints.iter().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "tidy: {line}");
        all
    }))
}

fn check_arrows(root: &Path) -> Result<Vec<String>, String> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("tidy: cargo metadata does not run: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "tidy: cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("tidy: cargo metadata: {error}"))?;
    let mut complaints = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            complaints.push(format!("{name} has no row in xtask's table of arrows"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let imported = dependency["name"].as_str().unwrap_or_default();
            let ours = ARROWS.iter().any(|(known, _)| *known == imported);
            let for_tests = dependency["kind"].as_str() == Some("dev");
            if ours && !for_tests && !allowed.contains(&imported) {
                complaints.push(format!(
                    "{name} must not import {imported}: arrows point down"
                ));
            }
        }
    }
    Ok(complaints)
}

fn check_sans_io(root: &Path) -> Result<Vec<String>, String> {
    let canon = read(&root.join(SANS_IO_CLIPPY))?;
    let mut complaints = Vec::new();
    for name in SANS_IO {
        let folder = root.join("crates").join(name);
        if std::fs::read_to_string(folder.join("clippy.toml"))
            .ok()
            .as_ref()
            != Some(&canon)
        {
            complaints.push(format!(
                "crates/{name}/clippy.toml differs from {SANS_IO_CLIPPY}"
            ));
        }
        for file in rust_files(&folder.join("src"))? {
            if is_test_file(&file) {
                continue;
            }
            let name = relative(root, &file);
            let found = crate::sans_io::banned(&parse(&name, &read(&file)?)?);
            complaints.extend(
                found.map(|(line, path)| format!("{name}:{line}: {path} below the sans-IO line")),
            );
        }
    }
    Ok(complaints)
}

fn check_modules(root: &Path) -> Result<Vec<String>, String> {
    let mut complaints = Vec::new();
    for name in LAYERED {
        let folder = root.join("crates").join(name).join("src");
        let mut modules = Modules::default();
        for file in rust_files(&folder)? {
            let below = relative(&folder, &file);
            let module = below.split(['/', '.']).next().unwrap_or(&below);
            if module == "lib" || is_test_file(&file) {
                continue;
            }
            let path = relative(root, &file);
            let hidden = modules.add(module, &parse(&path, &read(&file)?)?);
            complaints.extend(hidden.iter().map(|hidden| format!("{path}:{hidden}")));
        }
        let cycle = modules.cycle();
        complaints
            .extend(cycle.map(|cycle| format!("{name}: its modules go in a circle: {cycle}")));
    }
    Ok(complaints)
}

/// Test code: unit tests in files of their own, and the simulator's and contract suites' halves.
fn is_test_file(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests")
        || file.file_name().is_some_and(|name| name == "tests.rs")
}

/// Sizes over the limits: what they are called and how many lines they have.
type Sizes = BTreeMap<String, usize>;

fn check_sizes(root: &Path) -> Result<Vec<String>, String> {
    let found = oversized(root)?;
    let file = root.join(RATCHET);
    let text = read(&file).unwrap_or_default();
    let (ratchet, complaints) = tighten(&parse_sizes(&text), &found);
    let tightened = print_sizes(&ratchet);
    if tightened != text {
        std::fs::write(&file, tightened)
            .map_err(|error| format!("tidy: {}: {error}", file.display()))?;
        println!("tidy: {RATCHET} is tighter now: commit it");
    }
    Ok(complaints)
}

/// The ratchet only ever turns one way: what shrank may not grow back, what is gone is forgotten. What grew or
/// is new is complained of.
fn tighten(allowed: &Sizes, found: &Sizes) -> (Sizes, Vec<String>) {
    let mut ratchet = Sizes::new();
    let mut complaints = Vec::new();
    for (name, &lines) in found {
        match allowed.get(name) {
            None => complaints.push(format!("{name} has {lines} lines: split it")),
            Some(&limit) => {
                if lines > limit {
                    complaints.push(format!("{name} grew from {limit} to {lines} lines"));
                }
                ratchet.insert(name.clone(), lines.min(limit));
            }
        }
    }
    (ratchet, complaints)
}

fn parse_sizes(text: &str) -> Sizes {
    text.lines()
        .filter_map(|line| {
            let (lines, name) = line.split_once('\t')?;
            Some((name.to_owned(), lines.parse().ok()?))
        })
        .collect()
}

fn print_sizes(sizes: &Sizes) -> String {
    sizes.iter().fold(String::new(), |mut all, (name, lines)| {
        let _ = writeln!(all, "{lines}\t{name}");
        all
    })
}

fn oversized(root: &Path) -> Result<Sizes, String> {
    let mut sizes = Sizes::new();
    for folder in ["crates", "bindings", "tests", "xtask"] {
        for file in rust_files(&root.join(folder))? {
            let name = relative(root, &file);
            if is_table(&name) {
                continue;
            }
            let text = read(&file)?;
            let lines = text.lines().count();
            if lines > MAX_FILE_LINES {
                sizes.insert(name.clone(), lines);
            }
            let mut functions = Functions {
                file: &name,
                sizes: &mut sizes,
            };
            functions.visit_file(&parse(&name, &text)?);
        }
    }
    Ok(sizes)
}

/// The code of our crates, by its path.
fn sources(root: &Path) -> Result<Vec<(String, String)>, String> {
    let mut files = rust_files(&root.join("crates"))?;
    files.extend(rust_files(&root.join("bindings"))?);
    let ours = files.into_iter().filter(|file| {
        let name = relative(root, file);
        name.contains("/src/") && !is_test_file(file) && !is_table(&name)
    });
    ours.map(|file| Ok((relative(root, &file), read(&file)?)))
        .collect()
}

/// Generated tables are exempt.
fn is_table(name: &str) -> bool {
    name.contains("/generated/")
        || name.contains("/abi/v")
        || name.ends_with("kinora-errors/src/codes.rs")
}

struct Functions<'a> {
    file: &'a str,
    sizes: &'a mut Sizes,
}

impl Functions<'_> {
    fn measure(&mut self, name: &syn::Ident, block: &syn::Block) {
        let braces = block.brace_token.span;
        let lines = braces
            .close()
            .end()
            .line
            .saturating_sub(braces.open().start().line)
            + 1;
        if lines > MAX_FUNCTION_LINES {
            self.sizes.insert(format!("{} fn {name}", self.file), lines);
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig.ident, &item.block);
        syn::visit::visit_item_fn(self, item);
    }
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig.ident, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }
    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig.ident, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .map_err(|error| format!("tidy: {}: {error}", folder.display()))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

pub(crate) fn parse(name: &str, text: &str) -> Result<syn::File, String> {
    syn::parse_file(text).map_err(|error| format!("tidy: {name}: {error}"))
}

pub(crate) fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("tidy: {}: {error}", file.display()))
}

pub(crate) fn relative(root: &Path, file: &Path) -> String {
    file.strip_prefix(root)
        .unwrap_or(file)
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(of: &[(&str, usize)]) -> Sizes {
        of.iter()
            .map(|&(name, lines)| (name.to_owned(), lines))
            .collect()
    }

    #[test]
    fn the_ratchet_shrinks_and_never_grows() {
        let allowed = sizes(&[("grew", 80), ("gone", 90), ("shrank", 100)]);
        let found = sizes(&[("grew", 81), ("new", 71), ("shrank", 75)]);
        let (ratchet, complaints) = tighten(&allowed, &found);
        assert_eq!(ratchet, sizes(&[("grew", 80), ("shrank", 75)]));
        assert_eq!(complaints.len(), 2);
    }

    #[test]
    fn functions_of_all_kinds_are_measured() {
        let body = "let _ = 1;\n".repeat(MAX_FUNCTION_LINES + 1);
        let code = format!(
            "fn free() {{ {body} }} trait T {{ fn default() {{ {body} }} }} impl X {{ fn method() {{ {body} }} }}"
        );
        let mut sizes = Sizes::new();
        let mut functions = Functions {
            file: "x.rs",
            sizes: &mut sizes,
        };
        functions.visit_file(&parse("x.rs", &code).unwrap());
        assert_eq!(sizes.len(), 3, "{sizes:?}");
    }
}
