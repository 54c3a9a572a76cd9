//! Which fault raises which number: `registry.tsv`, one line a name.

use kinora_errors::{Fault, Lang, ROWS, Retry};

/// One name's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
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

impl Entry {
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
pub fn entries() -> impl Iterator<Item = Entry> {
    include_str!("../registry.tsv").lines().skip(1).map(|line| {
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
            panic!(
                "a line of registry.tsv has {} columns: {line}",
                columns.len()
            )
        };
        Entry {
            name,
            component,
            reason,
            retry,
            test,
            fault: [en, zh],
            survives: [survives_en, survives_zh],
        }
    })
}

/// The entry of a name.
///
/// # Panics
/// Without one.
#[must_use]
pub fn entry(name: &str) -> Entry {
    entries()
        .find(|entry| entry.name == name)
        .unwrap_or_else(|| panic!("{name} has no line in registry.tsv"))
}

/// Holds a fault that was raised to its line: number, reason, what may mend it.
///
/// # Panics
/// Where they differ.
pub fn expect(name: &str, fault: &Fault) {
    let entry = entry(name);
    let told = (fault.code().name(), fault.reason(), word(fault.retry()));
    assert_eq!(
        told,
        (name.to_owned(), entry.reason, entry.retry),
        "{fault}"
    );
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

/// `docs/fault-matrix.md`.
#[must_use]
pub fn document() -> String {
    let known: Vec<Entry> = entries().collect();
    let mut text = format!(
        "# Fault matrix · 故障矩阵\n\n\
         Made by `cargo xtask fault-matrix` from `tests/faults/registry.tsv`; do not edit. Each fault is real: a socket, a file, a\n\
         record, a clock or a decoder is tampered with, and the number is read from what the SDK tells. 由 `cargo xtask fault-matrix`\n\
         生成，请勿手改。每个故障都是真实的：套接字、文件、记录、时钟或解码器被破坏，错误码取自 SDK 的报告。\n\n\
         {} of {} names are raised · 已验证 {} / {}\n",
        known.len(),
        ROWS.len(),
        known.len(),
        ROWS.len()
    );
    let mut group = "";
    for row in ROWS {
        if row.group != group {
            group = row.group;
            text += &format!(
                "\n## {group}\n\n| number 错误码 | name 名称 | fault 故障 | done to 对象 | reason 原因 | mended by 恢复 | what survives 保留 | test 测试 | state 状态 |\n|---|---|---|---|---|---|---|---|---|\n"
            );
        }
        text += &match known.iter().find(|entry| entry.name == row.name) {
            Some(entry) => format!(
                "| `{:08X}` | `{}` | {} · {} | {} | `{}` | {} | {} · {} | `{}` | raised 已验证 |\n",
                row.number,
                row.name,
                entry.fault(Lang::En),
                entry.fault(Lang::Zh),
                entry.component,
                entry.reason,
                entry.retry,
                entry.survives(Lang::En),
                entry.survives(Lang::Zh),
                entry.test
            ),
            None => format!(
                "| `{:08X}` | `{}` | | | | | | | not yet 尚未 |\n",
                row.number, row.name
            ),
        };
    }
    text
}
