//! A fault as a person reads it, and as a machine does.

use std::fmt::Write as _;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{Cause, Code, Fault, Lang, Origin, causes};

/// With or without colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReportStyle {
    /// Plain text.
    Plain,
    /// ANSI colours.
    Ansi,
}

impl ReportStyle {
    pub(crate) fn bold(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\x1b[1m{text}\x1b[0m"),
        }
    }

    fn red(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\x1b[1;31m{text}\x1b[0m"),
        }
    }
}

impl Fault {
    /// The whole fault for a person: the code line, what, where, tried, cause, remedy, more.
    #[must_use]
    pub fn report(&self, lang: Lang, style: ReportStyle) -> String {
        let (code, text_of_row) = (self.code(), self.code().text(lang));
        let mut text = String::new();
        let head = format!("{code:?} {}", code.name());
        let _ = writeln!(text, "{}  ({})", style.red(&head), self.reason());
        let labels = match lang {
            Lang::Zh => ["含义", "位置", "尝试", "原因", "处理", "更多"],
            Lang::En => ["what  ", "where ", "tried ", "cause ", "remedy", "more  "],
        };
        let mut line = |label: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(text, "  {}  {value}", style.bold(label));
            }
        };
        line(labels[0], text_of_row.meaning);
        line(labels[1], &self.place(lang));
        line(labels[2], &self.tried(lang));
        line(labels[3], &self.cause_in(lang, text_of_row.cause));
        line(labels[4], text_of_row.remedy);
        line(labels[5], &format!("kinora explain {code:?}"));
        text
    }

    /// The chain of causes as one sentence; where none is known what mostly causes it. The system's own words for the number
    /// say no more than its meaning: what mostly causes it stands in their place.
    fn cause_in(&self, lang: Lang, mostly: &str) -> String {
        let sentence = |cause: &Cause| match causes::errno_of(&cause.0).map(Code::from_errno) {
            Some(code) if code == self.code() => mostly.to_owned(),
            _ => causes::in_language(&cause.0, lang).into_owned(),
        };
        let sentences: Vec<String> = self.causes().iter().map(sentence).collect();
        let between = match lang {
            Lang::Zh => "：",
            Lang::En => ": ",
        };
        match sentences.is_empty() {
            true => mostly.to_owned(),
            false => sentences.join(between),
        }
    }

    fn place(&self, lang: Lang) -> String {
        let context = self.context();
        let say = |en: &'static str, zh: &'static str| match lang {
            Lang::Zh => zh,
            Lang::En => en,
        };
        let named =
            |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
        let count = |value: Option<u64>| value.map(|value| value.to_string());
        let seconds = |ms: i64| format!("{}.{:03} s", ms / 1_000, ms.unsigned_abs() % 1_000);
        let bytes = context.bytes.map(|(start, end)| match end {
            Some(end) => format!("{} {start}-{end}", say("bytes", "字节")),
            None => format!("{} {start}", say("from byte", "起始字节")),
        });
        let parts = [
            context.url.clone(),
            named(say("video", "视频"), context.video_id.clone()),
            named("HTTP", context.http_status.map(|status| status.to_string())),
            named(
                say("service code", "服务错误码"),
                context.service_code.clone(),
            ),
            named(say("segment", "分片"), count(context.segment)),
            bytes,
            named(
                say("track", "轨道"),
                context.track.map(|track| track.to_string()),
            ),
            named(say("at", "时刻"), context.position_ms.map(seconds)),
            named(say("request", "请求"), context.request_id.clone()),
        ];
        parts
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(comma(lang))
    }

    fn tried(&self, lang: Lang) -> String {
        let context = self.context();
        let tries = context.attempts.map(|attempts| match lang {
            Lang::Zh => format!("{attempts} 次"),
            Lang::En if attempts == 1 => "once".to_owned(),
            Lang::En => format!("{attempts} times"),
        });
        let time = context.elapsed_ms.map(|ms| match lang {
            Lang::Zh => format!("{ms} 毫秒"),
            Lang::En => format!("{ms} ms"),
        });
        tries
            .into_iter()
            .chain(time)
            .collect::<Vec<_>>()
            .join(comma(lang))
    }
}

const fn comma(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "，",
        Lang::En => ", ",
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (code, context) = (self.code(), self.context());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("number", &code.number())?;
        map.serialize_entry("hex", &format!("{code:?}"))?;
        map.serialize_entry("name", &code.name())?;
        map.serialize_entry("group", code.group())?;
        map.serialize_entry("reason", self.reason())?;
        map.serialize_entry(
            "severity",
            code.row().map_or("error", |row| row.severity.name()),
        )?;
        map.serialize_entry("origin", &self.origin().map(Origin::name))?;
        map.serialize_entry("retry", self.retry().name())?;
        map.serialize_entry("recovered", &self.is_recovered())?;
        let text = code.text(Lang::En);
        map.serialize_entry("meaning", text.meaning)?;
        map.serialize_entry("remedy", text.remedy)?;
        let causes: Vec<&str> = self.causes().iter().map(|cause| cause.0.as_str()).collect();
        map.serialize_entry("causes", &causes)?;
        map.serialize_entry("url", &context.url)?;
        map.serialize_entry("http_status", &context.http_status)?;
        map.serialize_entry("segment", &context.segment)?;
        map.serialize_entry("bytes", &context.bytes)?;
        map.serialize_entry("resource_len", &context.resource_len)?;
        map.serialize_entry("track", &context.track)?;
        map.serialize_entry("position_ms", &context.position_ms)?;
        map.serialize_entry("elapsed_ms", &context.elapsed_ms)?;
        map.serialize_entry("variable", &context.variable)?;
        map.serialize_entry("attempts", &context.attempts)?;
        map.serialize_entry("retry_after_ms", &context.retry_after_ms)?;
        map.serialize_entry("request_id", &context.request_id)?;
        map.serialize_entry("service_code", &context.service_code)?;
        map.serialize_entry("video_id", &context.video_id)?;
        map.end()
    }
}
