//! Every sentence of an error is in the catalogue of causes in Chinese, and no row of it is left over.

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::visit::{self, Visit};
use syn::{Expr, Lit, LitStr};

const TABLE: &str = "crates/kinora-errors/table/causes.tsv";
/// Behind this line come the sentences of other libraries.
const OTHERS: &str = "# What is filled in";
/// The command line has its sentences in both languages beside each other.
const BILINGUAL: &str = "crates/kinora-cli/";
/// Its refusals go over the wire, in English.
const WIRE: &str = "crates/kinora-service/";

/// Complaints, one line each.
pub(crate) fn check(root: &Path, files: &[(String, String)]) -> Result<Vec<String>, String> {
    let table =
        std::fs::read_to_string(root.join(TABLE)).map_err(|error| format!("{TABLE}: {error}"))?;
    let mut said = Said::default();
    for (name, text) in files {
        if name.starts_with(BILINGUAL) {
            continue;
        }
        let file = syn::parse_file(text).map_err(|error| format!("{name}: {error}"))?;
        said.file.clone_from(name);
        said.visit_file(&file);
    }
    let rows = |part: &'static str| {
        let lines = table.lines().filter(|line| !line.starts_with('#'));
        let mut keys: Vec<&str> = lines
            .filter_map(|line| Some(line.split_once('\t')?.0))
            .collect();
        if !part.is_empty() {
            let end = table.find(part).unwrap_or(table.len());
            let count = table[..end]
                .lines()
                .filter(|line| !line.starts_with('#'))
                .count();
            keys.truncate(count);
        }
        keys
    };
    let (all, ours) = (rows(""), rows(OTHERS));
    let fits =
        |row: &str, sentence: &str| row == sentence || row.strip_suffix("{}") == Some(sentence);
    let missing = said
        .sentences
        .iter()
        .filter(|(sentence, _)| !all.iter().any(|row| fits(row, sentence)));
    let mut complaints: Vec<String> = missing
        .map(|(sentence, file)| format!("{file}: {TABLE} has no row for: {sentence}"))
        .collect();
    let stale = ours
        .iter()
        .filter(|row| !said.sentences.keys().any(|sentence| fits(row, sentence)));
    complaints.extend(stale.map(|row| format!("{TABLE}: nothing says any more: {row}")));
    Ok(complaints)
}

/// What the errors of a file say.
#[derive(Default)]
struct Said {
    file: String,
    /// The sentences, and where each was found.
    sentences: BTreeMap<String, String>,
    /// Within `impl Display for …Error`.
    in_display: bool,
}

impl Said {
    fn say(&mut self, format: &str) {
        let sentence = places(format);
        if sentence.replace("{}", "").contains(char::is_alphabetic) {
            self.sentences.insert(sentence, self.file.clone());
        }
    }
    /// The first text of a macro's words.
    fn first_text(tokens: TokenStream) -> Option<String> {
        tokens.into_iter().find_map(|token| match token {
            TokenTree::Literal(literal) => match Lit::new(literal) {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        })
    }
}

impl<'ast> Visit<'ast> for Said {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if !attribute.path().is_ident("error") {
            return;
        }
        let parser = |input: ParseStream<'_>| {
            let text: LitStr = input.parse()?;
            input.parse::<TokenStream>()?;
            Ok(text.value())
        };
        if let syn::Meta::List(list) = &attribute.meta
            && let Ok(text) = parser.parse2(list.tokens.clone())
        {
            self.say(&text);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        let is_sentence = matches!(name.as_str(), "because" | "note")
            && !self.file.starts_with(WIRE)
            || name == "write_str" && self.in_display;
        if is_sentence {
            match call.args.first() {
                Some(Expr::Lit(literal)) => {
                    if let Lit::Str(text) = &literal.lit {
                        self.say(&text.value());
                    }
                }
                Some(Expr::Macro(made)) if made.mac.path.is_ident("format") => {
                    if let Some(text) = Self::first_text(made.mac.tokens.clone()) {
                        self.say(&text);
                    }
                }
                _ => {}
            }
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, made: &'ast syn::Macro) {
        if self.in_display
            && made.path.is_ident("write")
            && let Some(text) = Self::first_text(made.tokens.clone())
        {
            self.say(&text);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let display = item.trait_.as_ref().is_some_and(|(_, path, _)| {
            path.segments
                .last()
                .is_some_and(|part| part.ident == "Display")
        });
        let of_error = match &*item.self_ty {
            syn::Type::Path(path) => path
                .path
                .segments
                .last()
                .is_some_and(|part| part.ident.to_string().ends_with("Error")),
            _ => false,
        };
        self.in_display = display && of_error;
        visit::visit_item_impl(self, item);
        self.in_display = false;
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Tests say what they like.
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }
}

/// A format with `{}` for all that is filled in.
fn places(format: &str) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        text += before;
        let doubled = after.starts_with("{{") || after.starts_with("}}");
        rest = match (doubled, after.find('}')) {
            (true, _) => {
                text += &after[..1];
                &after[2..]
            }
            (false, Some(end)) => {
                text += "{}";
                &after[end + 1..]
            }
            (false, None) => "",
        };
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(code: &str) -> Vec<String> {
        let file = ("crates/x/src/lib.rs".to_owned(), code.to_owned());
        let all = check(&crate::root(), &[file]).unwrap();
        all.into_iter()
            .filter(|line| line.starts_with("crates/x"))
            .collect()
    }

    #[test]
    fn a_sentence_without_a_row_is_complained_of_wherever_an_error_says_it() {
        for code in [
            r#"#[derive(Error)] enum E { #[error("nobody {said} this")] A }"#,
            r#"fn f() { fault.because("nobody {} this") }"#,
            r#"fn f() { fault.because(format!("nobody {said:?} this")) }"#,
            r#"impl fmt::Display for OddError { fn fmt() { write!(f, "nobody {} this", 1) } }"#,
        ] {
            let found = complaints(code);
            assert_eq!(found.len(), 1, "{code}: {found:?}");
            assert!(found[0].ends_with("nobody {} this"), "{found:?}");
        }
    }

    #[test]
    fn a_sentence_with_a_row_is_not() {
        for code in [
            r#"enum E { #[error("the name `{0}` does not exist")] A, #[error("{0}")] B, #[error(transparent)] C }"#,
            r#"mod tests { fn f() { fault.because("what a test says") } }"#,
        ] {
            assert_eq!(complaints(code), Vec::<String>::new());
        }
    }
}
