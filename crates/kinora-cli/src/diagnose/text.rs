//! A diagnosis as lines for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style as Ink};
use kinora_diagnose::{Check, CheckStatus, Verdict, fact_title, fact_value};
use kinora_errors::{Lang, ReportStyle};

use crate::report::Style;
use crate::words::padded;

/// Titles are padded to this many columns.
const TITLE_COLUMNS: usize = 12;

/// One check: a mark, its title, the time it took, what was found.
pub(crate) fn check(check: &Check, style: &Style) -> String {
    let (mark, color) = match check.status {
        CheckStatus::Good => ("✓", AnsiColor::Green),
        CheckStatus::Note => ("!", AnsiColor::Yellow),
        CheckStatus::Bad => ("✗", AnsiColor::Red),
    };
    let ink = ink(color, style);
    let title = padded(check.kind.title(style.lang), TITLE_COLUMNS);
    let took = check
        .took
        .map(|took| format!("{:.1} ms  ", took.as_secs_f64() * 1e3));
    let facts: Vec<String> = check
        .facts
        .iter()
        .filter(|(name, value)| *name != "note" && !value.is_empty())
        .map(|(name, value)| {
            let title = fact_title(name, style.lang);
            format!("{title} {}", fact_value(name, value, style.lang))
        })
        .collect();
    let mut text = format!(
        "{ink}{mark}{ink:#} {title}{}{}\n",
        took.unwrap_or_default(),
        facts.join(" · ")
    );
    let under = " ".repeat(TITLE_COLUMNS + 2);
    for (_, note) in check.facts.iter().filter(|(name, _)| *name == "note") {
        let note = fact_value("note", note, style.lang);
        let _ = writeln!(text, "{under}{ink}{note}{ink:#}");
    }
    if let Some(fault) = &check.fault {
        let code = fault.code();
        let meaning = code.meaning(style.lang);
        let _ = writeln!(
            text,
            "{under}{ink}0x{:08X} {}{ink:#} ({}): {meaning}",
            code.number(),
            code.name(),
            fault.reason()
        );
    }
    text
}

/// The failure whole, who must act, and a command that shows it.
pub(crate) fn verdict(verdict: &Verdict, style: &Style) -> String {
    let (title, acts, shown, colon) = match style.lang {
        Lang::Zh => ("结论", "处理方", "复现命令", "："),
        Lang::En => ("verdict", "who must act", "to see it", ": "),
    };
    let who = verdict.who(style.lang);
    let Some(fault) = &verdict.fault else {
        let ink = ink(AnsiColor::Green, style);
        return format!("\n{title}{colon}{ink}{who}{ink:#}\n");
    };
    let form = match style.color {
        true => ReportStyle::Ansi,
        false => ReportStyle::Plain,
    };
    let mut text = format!("\n{title}\n{}", fault.report(style.lang, form));
    let _ = writeln!(text, "{acts}{colon}{who}");
    if let Some(command) = &verdict.command {
        let _ = writeln!(text, "{shown}{colon}{command}");
    }
    text
}

/// What is said of a report that was written.
pub(crate) const fn saved(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "报告已保存",
        Lang::En => "report",
    }
}

fn ink(color: AnsiColor, style: &Style) -> Ink {
    match style.color {
        true => color.on_default().bold(),
        false => Ink::new(),
    }
}
