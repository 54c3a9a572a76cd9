//! Which fault raises which number: `registry.tsv`, one line a name.

use kinora_errors::explain::{Match, look_up};
use kinora_errors::{Fault, Lang, ROWS, Retry};

use crate::evidence::{self, Evidence};

/// One name's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegistryRow {
    /// The name in the error table.
    pub name: &'static str,
    /// What the fault is done to.
    pub component: &'static str,
    /// The stable reason that the fault carries.
    pub reason: &'static str,
    /// What may make it succeed, as the fault says.
    pub retry: &'static str,
    /// `file::test`.
    pub test: &'static str,
    fault: [&'static str; 2],
    survives: [&'static str; 2],
}

impl RegistryRow {
    /// The fault, in words.
    #[must_use]
    pub fn fault(&self, lang: Lang) -> &'static str {
        in_language(self.fault, lang)
    }
    /// What must survive it.
    #[must_use]
    pub fn survives(&self, lang: Lang) -> &'static str {
        in_language(self.survives, lang)
    }
    /// The test's name within its file.
    #[must_use]
    pub fn test_name(&self) -> &'static str {
        self.test
            .split_once("::")
            .map_or(self.test, |(_, test)| test)
    }
    /// The same request, or the same one with something fresh, can succeed: the test shows that it does.
    #[must_use]
    pub fn is_mended(&self) -> bool {
        self.retry != "Never"
    }
}

fn in_language([en, zh]: [&'static str; 2], lang: Lang) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// All entries, in the order of the table.
pub fn entries() -> impl Iterator<Item = RegistryRow> {
    include_str!("../registry.tsv").lines().skip(1).map(row)
}

/// Faults beside the film, with the area that each is of: none of them ends it. Several may have one number.
pub fn beside() -> impl Iterator<Item = (&'static str, RegistryRow)> {
    let lines = include_str!("../beside.tsv").lines().skip(1);
    lines.map(|line| {
        let (area, rest) = line.split_once('\t').unwrap_or_default();
        (area, row(rest))
    })
}

fn row(line: &'static str) -> RegistryRow {
    let columns: Vec<&'static str> = line.split('\t').collect();
    let [
        name,
        component,
        reason,
        retry,
        test,
        en,
        zh,
        survives_en,
        survives_zh,
    ] = columns[..]
    else {
        panic!("a line has {} columns: {line}", columns.len())
    };
    RegistryRow {
        name,
        component,
        reason,
        retry,
        test,
        fault: [en, zh],
        survives: [survives_en, survives_zh],
    }
}

/// The entry of a name.
///
/// # Panics
/// Without one.
#[must_use]
pub fn entry(name: &str) -> RegistryRow {
    entries()
        .find(|entry| entry.name == name)
        .unwrap_or_else(|| panic!("{name} has no line in registry.tsv"))
}

/// Holds a fault that was raised to its line: number, reason, what may mend it. Notes down that it was raised.
///
/// # Panics
/// Where they differ.
pub fn expect(name: &str, fault: &Fault) {
    hold(&entry(name), fault);
}

/// The same of a fault beside the film, by its test: it is mended, or passed over, and the film plays on.
///
/// # Panics
/// Where they differ, or no line names the test.
pub fn expect_beside(test: &str, fault: &Fault) {
    let mut rows = beside().map(|(_, row)| row);
    let row = rows.find(|row| row.test_name() == test);
    hold(
        &row.unwrap_or_else(|| panic!("{test} has no line in beside.tsv")),
        fault,
    );
}

fn hold(entry: &RegistryRow, fault: &Fault) {
    let reported = (fault.code().name(), fault.reason(), word(fault.retry()));
    assert_eq!(
        reported,
        (entry.name.to_owned(), entry.reason, entry.retry),
        "{fault}"
    );
    evidence::raised(entry.name);
}

fn word(retry: Retry) -> &'static str {
    match retry {
        Retry::Never => "Never",
        Retry::Now => "Now",
        Retry::Backoff => "Backoff",
        Retry::AfterRefresh => "AfterRefresh",
        Retry::AfterUser => "AfterUser",
    }
}

/// What the last run of the tests says of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Shown {
    /// Raised by a test that passed. `Some(false)`: the retry after the mend was not seen.
    Raised {
        mended: Option<bool>,
    },
    Skipped(String),
    /// The test did not run, or failed, or did not raise it.
    Nothing,
}

impl Shown {
    fn by(entry: &RegistryRow, evidence: Option<Evidence>) -> Self {
        match evidence {
            Some(Evidence::Skipped(why)) => Self::Skipped(why),
            Some(Evidence::Passed(raised)) => match raised.get(entry.name) {
                Some(&mended) => Self::Raised {
                    mended: entry.is_mended().then_some(mended),
                },
                None => Self::Nothing,
            },
            None => Self::Nothing,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Raised { mended: None } => "raised 已验证".into(),
            Self::Raised { mended: Some(true) } => {
                "raised, and seen to be mended 已验证，且恢复已验证".into()
            }
            Self::Raised {
                mended: Some(false),
            } => "raised; the mend was not seen 已验证，恢复未验证".into(),
            Self::Skipped(why) => format!("skipped: {why} 已跳过"),
            Self::Nothing => "not shown by the last run 最近一次测试未证明".into(),
        }
    }
}

/// `docs/fault-matrix.md`, as the last run of the tests has it.
#[must_use]
pub fn document() -> String {
    document_of(evidence::of)
}

fn document_of(evidence: impl Fn(&str) -> Option<Evidence>) -> String {
    let known: Vec<(RegistryRow, Shown)> = entries()
        .map(|entry| (entry, Shown::by(&entry, evidence(entry.test_name()))))
        .collect();
    let count =
        |wanted: fn(&Shown) -> bool| known.iter().filter(|(_, shown)| wanted(shown)).count();
    let raised = count(|shown| matches!(shown, Shown::Raised { .. }));
    let mended = count(|shown| matches!(shown, Shown::Raised { mended: Some(true) }));
    let mendable = entries().filter(RegistryRow::is_mended).count();
    let all = ROWS.len();
    let mut text = format!(
        "# Fault matrix · 故障矩阵\n\n\
         Made by `cargo xtask fault-matrix` from `tests/faults/registry.tsv` and from what the tests of the last `make test` wrote down; do\n\
         not edit. Each fault is real: a socket, a file, a record, a clock or a decoder is tampered with, and the number is read from what the\n\
         SDK tells. 由 `cargo xtask fault-matrix` 根据最近一次 `make test` 的记录生成，请勿手改。每个故障都是真实的：套接字、文件、记录、\n\
         时钟或解码器被破坏，错误码取自 SDK 的报告。\n\n\
         {raised} of {all} names are raised; of the {mendable} that can be mended, {mended} were seen to be · 已验证 {raised} / {all}，恢复已验证 {mended} / {mendable}\n"
    );
    let mut group = "";
    for row in ROWS {
        if row.group != group {
            group = row.group;
            text += &heading(group);
        }
        text += &match known.iter().find(|(entry, _)| entry.name == row.name) {
            Some((entry, shown)) => line(row.number, entry, shown),
            None => format!(
                "| `{:08X}` | `{}` | | | | | | | not yet 尚未 |\n",
                row.number, row.name
            ),
        };
    }
    let mut area = "";
    for (of, entry) in beside() {
        if of != area {
            area = of;
            text += &heading(&format!("beside the film: {area}"));
        }
        let shown = Shown::by(&entry, evidence(entry.test_name()));
        text += &line(number_of(entry.name), &entry, &shown);
    }
    text
}

fn heading(title: &str) -> String {
    format!(
        "\n## {title}\n\n| number 错误码 | name 名称 | fault 故障 | done to 对象 | reason 原因 | mended by 恢复 | what survives 保留 | test 测试 | state 状态 |\n|---|---|---|---|---|---|---|---|---|\n"
    )
}

fn line(number: u32, entry: &RegistryRow, shown: &Shown) -> String {
    format!(
        "| `{number:08X}` | `{}` | {} · {} | {} | `{}` | {} | {} · {} | `{}` | {} |\n",
        entry.name,
        entry.fault(Lang::En),
        entry.fault(Lang::Zh),
        entry.component,
        entry.reason,
        entry.retry,
        entry.survives(Lang::En),
        entry.survives(Lang::Zh),
        entry.test,
        shown.words()
    )
}

/// The number of a name, also of one of the open family.
fn number_of(name: &str) -> u32 {
    let found = look_up(name);
    found.matches.first().map_or(0, Match::number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_raised_only_where_its_test_showed_it() {
        let entry = entry("ERROR_REQUEST_FAIL");
        let passed =
            |name: &str, mended| Some(Evidence::Passed([(name.to_owned(), mended)].into()));
        let shown = |evidence| Shown::by(&entry, evidence);
        assert_eq!(shown(None), Shown::Nothing);
        assert_eq!(shown(passed("ERROR_UNKNOWN", true)), Shown::Nothing);
        assert_eq!(
            shown(passed(entry.name, false)),
            Shown::Raised {
                mended: Some(false)
            }
        );
        let skipped = Evidence::Skipped("no root".into());
        assert_eq!(shown(Some(skipped)), Shown::Skipped("no root".into()));
        let text =
            document_of(|test| (test == entry.test_name()).then(|| passed(entry.name, true))?);
        assert!(text.contains("\n1 of 127 names are raised"), "{text}");
    }
}
