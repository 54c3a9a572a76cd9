//! What an operator should know of a data directory: on stderr, beside what the command is asked for.

use kinora_errors::Coded as _;
use kinora_service::{Library, Notice};
use serde_json::{Value, json};

use crate::out;
use crate::report::Style;
use crate::words::Words;

/// Reports what was not reported yet.
pub(crate) fn emit(library: &Library, style: &Style) {
    for notice in library.take_notices() {
        if style.json {
            out::emit(&machine(&notice).to_string());
        } else {
            out::reported(&format!(
                "kinora: {}",
                words(&notice).in_language(style.lang)
            ));
        }
    }
}

fn words(notice: &Notice) -> Words {
    let chinese = match notice {
        Notice::Tightened { path, from, to } => {
            let path = path.display();
            format!("{path} 原来可被他人读取：权限已由 {from:03o} 改为 {to:03o}")
        }
        Notice::ReadableByOthers { path, mode, source } => {
            let path = path.display();
            format!("{path} 可被他人读取（权限 {mode:03o}），且无法更改：{source}")
        }
        Notice::Cleaned(id) => format!("已清除未完成的导入 {id} 留下的内容"),
        Notice::SetAside(path) => {
            let path = path.display();
            format!("数据库不认识的媒体已移到 {path}；参见 `kinora account lost-found`")
        }
        Notice::NotCleaned(error) => {
            format!("未完成的导入留下的内容无法清除：{}", whole(error))
        }
        Notice::NoReserve(error) => {
            format!("没有为磁盘写满预留空间（{error}）：磁盘写满时将拒绝带签名的请求")
        }
    };
    Words::new(notice.to_string(), chinese)
}

/// An error and what caused it, in one line.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

fn machine(notice: &Notice) -> Value {
    match notice {
        Notice::Tightened { path, from, to } => {
            json!({ "notice": "tightened", "path": path, "from": format!("{from:03o}"), "to": format!("{to:03o}") })
        }
        Notice::ReadableByOthers { path, mode, .. } => {
            json!({ "notice": "readable_by_others", "path": path, "mode": format!("{mode:03o}") })
        }
        Notice::Cleaned(id) => json!({ "notice": "cleaned", "video_id": id.as_str() }),
        Notice::SetAside(path) => json!({ "notice": "set_aside", "path": path }),
        Notice::NotCleaned(error) => {
            json!({ "notice": "not_cleaned", "number": error.code().number(), "reason": error.reason() })
        }
        Notice::NoReserve(error) => json!({ "notice": "no_reserve", "error": error.to_string() }),
    }
}
