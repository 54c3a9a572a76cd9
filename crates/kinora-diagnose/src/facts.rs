//! What facts are called for people. Machines get the names that the checks use.

use std::borrow::Cow;

use kinora_errors::{Lang, causes};

/// Name, English, Chinese.
const TITLES: &[(&str, &str, &str)] = &[
    ("address", "address", "地址"),
    ("addresses", "addresses", "地址"),
    ("ahead_s", "ahead by", "超前"),
    ("allowed", "allowed", "允许"),
    ("alpn", "ALPN", "ALPN 协议"),
    ("bytes", "bytes", "字节"),
    ("bytes_are", "bytes are", "字节实为"),
    ("codec", "codec", "编码"),
    ("container", "container", "容器"),
    ("content_type", "content type", "媒体类型"),
    ("decoder", "decoder", "解码器"),
    ("definition", "definition", "清晰度"),
    ("duration", "duration", "时长"),
    ("endpoint", "endpoint", "服务地址"),
    ("expires", "expires", "过期时间"),
    ("first_frame_ms", "first picture after", "首帧用时"),
    ("format", "format", "格式"),
    ("frames_dropped", "pictures dropped", "丢弃帧数"),
    ("frames_shown", "pictures shown", "显示帧数"),
    ("from", "from", "来自"),
    ("host", "host", "主机"),
    ("issued_for", "issued for", "签发给"),
    ("issuer", "issuer", "签发者"),
    ("key_frame", "key frame", "关键帧"),
    ("kind", "kind", "类型"),
    ("line", "line", "行"),
    ("live", "live", "直播"),
    ("method", "method", "方式"),
    ("name", "name", "名称"),
    ("names", "names", "名称"),
    ("note", "note", "注意"),
    ("number", "number", "序号"),
    ("offered", "offered", "提供"),
    ("offset_ms", "A/V offset", "音画偏差"),
    ("packets", "packets", "数据包"),
    ("path", "path", "路径"),
    ("periods", "periods", "时段数"),
    ("place", "place", "位置"),
    ("played", "played", "已播放"),
    ("protocol", "protocol", "协议"),
    ("proxy", "proxy", "代理"),
    ("pts", "first picture at", "首帧时刻"),
    ("ranges", "ranges", "支持"),
    ("region", "region", "地域"),
    ("rendition", "rendition", "清晰度"),
    ("renditions", "renditions", "清晰度数"),
    ("segments", "segments", "分片数"),
    ("server", "server", "服务器"),
    ("stalls", "stalls", "卡顿"),
    ("status", "status", "状态"),
    ("text", "text", "内容"),
    ("time", "begins at", "起始时刻"),
    ("title", "title", "标题"),
    ("to", "to", "去往"),
    ("track", "track", "轨道"),
    ("tracks", "tracks", "轨道"),
    ("url", "URL", "地址"),
    ("valid_from", "valid from", "有效期自"),
    ("valid_until", "valid until", "有效期至"),
    ("version", "version", "版本"),
    ("video", "video", "视频"),
];

/// Facts whose value is a sentence or a word of ours: shown in the language asked for. Others are names and numbers.
const WORDS: &[&str] = &[
    "address",
    "bytes_are",
    "codec",
    "key_frame",
    "live",
    "note",
    "place",
    "ranges",
    "track",
    "tracks",
];

/// What a fact is called in a language: `key_frame` is `key frame`, `关键帧`.
#[must_use]
pub fn fact_title(name: &str, lang: Lang) -> &str {
    let known = TITLES.iter().find(|(known, ..)| *known == name);
    known.map_or(name, |(_, en, zh)| match lang {
        Lang::En => en,
        Lang::Zh => zh,
    })
}

/// A fact's value in a language.
#[must_use]
pub fn fact_value<'a>(name: &str, value: &'a str, lang: Lang) -> Cow<'a, str> {
    // For machines the name holds the unit.
    let unit = match (name.rsplit_once('_'), lang) {
        (Some((_, "ms")), Lang::En) => " ms",
        (Some((_, "ms")), Lang::Zh) => " 毫秒",
        (Some((_, "s")), Lang::En) => " s",
        (Some((_, "s")), Lang::Zh) => " 秒",
        _ => "",
    };
    if !unit.is_empty() {
        return Cow::Owned(format!("{value}{unit}"));
    }
    if !WORDS.contains(&name) {
        return Cow::Borrowed(value);
    }
    let parts: Vec<_> = value
        .split("; ")
        .map(|part| causes::in_language(part, lang))
        .collect();
    match lang {
        Lang::En => Cow::Borrowed(value),
        Lang::Zh => Cow::Owned(parts.join("；")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: [&str; 7] = [
        include_str!("manifest.rs"),
        include_str!("media.rs"),
        include_str!("play.rs"),
        include_str!("stream.rs"),
        include_str!("video.rs"),
        include_str!("route.rs"),
        include_str!("check.rs"),
    ];

    /// The first text behind each of these words.
    fn named(behind: &[&str]) -> Vec<&'static str> {
        let calls = behind.iter().flat_map(|word| {
            SOURCES
                .iter()
                .flat_map(move |source| source.split(*word).skip(1))
        });
        let text = |call: &'static str| call.trim_start().strip_prefix('"')?.split_once('"');
        calls.filter_map(text).map(|(text, _)| text).collect()
    }

    #[test]
    fn every_fact_has_a_title_in_chinese_and_no_title_is_left_over() {
        let used = named(&[".fact(", ".maybe(", ".url("]);
        assert!(used.len() > 60, "{used:?}");
        for name in &used {
            let title = fact_title(name, Lang::Zh);
            assert!(!title.is_ascii(), "{name} has no Chinese title");
        }
        for (name, ..) in TITLES {
            assert!(used.contains(name), "no check has {name}");
        }
    }

    #[test]
    fn every_note_and_word_has_a_chinese_text() {
        let notes = named(&[".note("]);
        assert!(notes.len() > 5, "{notes:?}");
        let words = ["yes", "no", "first", "middle", "last", "an HLS playlist"];
        for word in notes.iter().chain(&words) {
            let reported = fact_value("note", word, Lang::Zh);
            assert!(!reported.is_ascii(), "{word} has no Chinese text");
        }
        assert_eq!(
            fact_value(
                "tracks",
                "avc1 320x180; mp4a 44100 Hz, 2 channels",
                Lang::Zh
            ),
            "avc1 320x180；mp4a 44100 Hz，2 声道"
        );
    }
}
