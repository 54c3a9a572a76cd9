//! What the tests of the registry really showed, written down by them: one file a test, under the target directory.
//!
//! A name counts as raised only if the test of its line ran to its end and passed; as mended only if playing was seen to
//! go on, or to succeed, after it was raised. [`crate::registry::expect`] and [`crate::watch::Watch`] note it down.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::SystemTime;

/// What a test showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// It passed: the names that it raised, and whether each was seen to be mended.
    Passed(BTreeMap<String, bool>),
    /// It could not run here.
    Skipped(String),
}

thread_local! {
    /// The harness runs each test on a thread of its own; its notes are written when that ends.
    static NOTES: RefCell<Notes> = RefCell::new(Notes::begin());
}

struct Notes {
    test: String,
    raised: BTreeMap<String, bool>,
    skipped: Option<String>,
    failed: bool,
}

impl Notes {
    fn begin() -> Self {
        watch_panics();
        let thread = std::thread::current();
        Self {
            test: thread.name().unwrap_or_default().to_owned(),
            raised: BTreeMap::new(),
            skipped: None,
            failed: false,
        }
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        if self.failed || self.test.is_empty() || self.test == "main" {
            return;
        }
        let evidence = match self.skipped.take() {
            Some(why) => Evidence::Skipped(why),
            None => Evidence::Passed(std::mem::take(&mut self.raised)),
        };
        if let Some(folder) = folder() {
            let _ = std::fs::create_dir_all(&folder);
            let _ = std::fs::write(folder.join(&self.test), print(&evidence));
        }
    }
}

/// A panic fails the test on whose thread it happens.
fn watch_panics() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = NOTES.try_with(|notes| {
                if let Ok(mut notes) = notes.try_borrow_mut() {
                    notes.failed = true;
                }
            });
            before(panic);
        }));
    });
}

/// A name was raised by a real fault.
pub fn raised(name: &str) {
    NOTES.with_borrow_mut(|notes| {
        notes.raised.entry(name.to_owned()).or_insert(false);
    });
}

/// Playing went on, or succeeded: what was raised before is mended.
pub fn mended() {
    NOTES.with_borrow_mut(|notes| {
        for mended in notes.raised.values_mut() {
            *mended = true;
        }
    });
}

/// The test can not run here; see [`kinora_test_support::skip`].
pub fn skip(why: &str) {
    NOTES.with_borrow_mut(|notes| notes.skipped = Some(why.to_owned()));
    kinora_test_support::skip(why);
}

/// What a test showed in the last run, if it passed or was skipped.
#[must_use]
pub fn of(test: &str) -> Option<Evidence> {
    parse(&std::fs::read_to_string(folder()?.join(test)).ok()?)
}

/// When the oldest piece of evidence was written.
#[must_use]
pub fn written() -> Option<SystemTime> {
    let files = std::fs::read_dir(folder()?).ok()?;
    files
        .filter_map(|file| file.ok()?.metadata().ok()?.modified().ok())
        .min()
}

/// `fault-evidence` in the target directory that this program was built into.
fn folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let is_target = |folder: &&Path| folder.join("CACHEDIR.TAG").exists();
    let target = program.ancestors().skip(1).find(is_target)?;
    Some(target.join("fault-evidence"))
}

fn print(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Skipped(why) => format!("skipped\t{why}\n"),
        Evidence::Passed(raised) => {
            raised
                .iter()
                .fold("passed\n".to_owned(), |mut text, (name, mended)| {
                    let _ = writeln!(text, "{name}\t{}", if *mended { "mended" } else { "" });
                    text
                })
        }
    }
}

fn parse(text: &str) -> Option<Evidence> {
    let mut lines = text.lines();
    let first = lines.next()?;
    if let Some(why) = first.strip_prefix("skipped\t") {
        return Some(Evidence::Skipped(why.to_owned()));
    }
    let raised = lines
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, mended)| (name.to_owned(), mended == "mended"))
        .collect();
    (first == "passed").then_some(Evidence::Passed(raised))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(test: &str, act: impl FnOnce() + Send + 'static) -> Option<Evidence> {
        let file = folder().unwrap().join(test);
        let _ = std::fs::remove_file(&file);
        let thread = std::thread::Builder::new().name(test.into());
        let _ = thread.spawn(act).unwrap().join();
        let evidence = of(test);
        let _ = std::fs::remove_file(file);
        evidence
    }

    #[test]
    fn what_a_test_showed_is_written_when_it_passed() {
        let shown = note("evidence-of-a-test-that-passes", || {
            raised("FIRST");
            mended();
            raised("SECOND");
        });
        let raised = [("FIRST".to_owned(), true), ("SECOND".to_owned(), false)];
        assert_eq!(shown, Some(Evidence::Passed(raised.into())));
    }

    #[test]
    fn a_test_that_fails_shows_nothing() {
        let shown = note("evidence-of-a-test-that-fails", || {
            raised("FIRST");
            panic!("as it should");
        });
        assert_eq!(shown, None);
    }

    #[test]
    fn evidence_is_read_as_it_is_written() {
        for evidence in [
            Evidence::Skipped("no root".into()),
            Evidence::Passed([("A".to_owned(), true), ("B".to_owned(), false)].into()),
        ] {
            assert_eq!(parse(&print(&evidence)), Some(evidence));
        }
        assert_eq!(parse("failed\n"), None);
    }
}
