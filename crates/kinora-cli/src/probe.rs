//! `kinora probe`: what a file, a playlist or a video by its id holds.

use std::sync::Arc;

use kinora::{
    Attachment, Disposition, MediaInfo, MediaReader, Mirror, Program, ReadOptions, Source,
    TrackInfo, TrackKind, TrackOption, VidSource, VideoParams,
};
use kinora_errors::Lang;
use serde_json::Value;

use crate::args::InputArgs;
use crate::report::{Failure, Style};
use crate::source::{locate, read_options};
use crate::words::padded;
use crate::{credential, json, out};

use video::ProbedVideo;

mod video;

/// So much is read for what programs consist of and are called: services are described every two seconds at least
/// (ETSI TS 101 211 4.4), which is less than this at 30 Mbit/s.
const PROGRAMS: u64 = 8 << 20;

/// What was found out.
struct Found {
    info: MediaInfo,
    size: Option<u64>,
    bytes_read: u64,
    /// What a playlist lets choose among.
    renditions: Option<Arc<[TrackOption]>>,
    /// What the service says of a video.
    video: Option<ProbedVideo>,
}

pub(crate) fn run(args: &InputArgs, style: &Style) -> Result<(), Failure> {
    let options = read_options(&args.reading)?;
    let source = match credential::source(&locate(&args.source)?, &args.vid)? {
        Source::Url { url } => return show(&resource(url.expose(), options)?, style),
        Source::VidAuth(auth) => VidSource::Auth(*auth),
        Source::VidSts(sts) => VidSource::Sts(*sts),
        _ => {
            return Err(Failure::usage(
                "probe reads a URL or a video",
                "probe 只读 URL 或视频",
            ));
        }
    };
    let (video, url) = ProbedVideo::request(&source, &options.network)?;
    let mut found = resource(url.expose(), options)?;
    found.video = Some(video);
    show(&found, style)
}

/// A file or a playlist.
fn resource(url: &str, options: ReadOptions) -> Result<Found, Failure> {
    let mut reader = MediaReader::open(url, options)?;
    reader.find_duration()?;
    read_programs(&mut reader);
    let mut info = MediaInfo::clone(reader.info());
    let renditions = reader.renditions();
    if renditions.is_some() {
        info.container = "hls";
    }
    Ok(Found {
        info,
        size: reader.total_len(),
        bytes_read: reader.bytes_read(),
        renditions,
        video: None,
    })
}

/// Where several programs lie side by side, reads on until all of them are known.
fn read_programs(reader: &mut MediaReader) {
    let unknown = |it: &Program| it.streams.is_empty() || it.name.is_none();
    let limit = reader.bytes_read().saturating_add(PROGRAMS);
    while reader.info().programs.len() > 1
        && reader.info().programs.iter().any(unknown)
        && reader.bytes_read() < limit
    {
        // What breaks off here is of no interest to who asked what there is.
        let Ok(Some(_)) = reader.next_packet() else {
            return;
        };
    }
}

fn show(found: &Found, style: &Style) -> Result<(), Failure> {
    // The contract of the yardstick: without a terminal the object is printed, with one a table.
    if style.json || !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        json::line(&object(found));
    } else {
        out::prose(&table(found, style.lang));
    }
    Ok(())
}

fn object(found: &Found) -> Value {
    let info = &found.info;
    let mut object = kinora::json::media_info(info);
    object["size"] = found.size.into();
    object["bytes_read"] = found.bytes_read.into();
    if let Some(renditions) = &found.renditions {
        object["renditions"] = renditions.iter().map(kinora::json::track_option).collect();
    }
    if let Some(video) = &found.video {
        object["title"] = video.title.as_str().into();
        object["video"] = video.object();
    }
    object
}

fn size_of(file: &Attachment) -> Option<u64> {
    Some(file.range.end?.saturating_sub(file.range.start))
}

/// For whom a track is meant: for machines, and in Chinese.
fn disposition(it: Disposition) -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = [
        (it.default, "default", "默认"),
        (it.forced, "forced", "强制"),
        (it.hearing_impaired, "hearing_impaired", "听障"),
        (it.visual_impaired, "visual_impaired", "视障"),
        (it.original, "original", "原声"),
        (it.comment, "comment", "评论"),
    ];
    all.into_iter()
        .filter_map(|(is, name, zh)| is.then_some((name, zh)))
}

fn table(found: &Found, lang: Lang) -> String {
    let zh = lang == Lang::Zh;
    let info = &found.info;
    let unknown = if zh { "长度未知" } else { "unknown length" };
    let duration = info
        .duration
        .map_or_else(|| unknown.to_owned(), |time| time.to_string());
    let size = found.size.map_or_else(String::new, |bytes| match zh {
        true => format!("，{bytes} 字节"),
        false => format!(", {bytes} bytes"),
    });
    let mut text = found
        .video
        .as_ref()
        .map_or_else(String::new, |video| video.table(lang));
    text += &format!("{}{}{duration}{size}\n", info.container, comma(zh));
    for track in &info.tracks {
        let kind = padded(kind_name(track.kind(), zh), 8);
        text += &format!("  {kind} {}\n", described(track, zh));
    }
    text += &programs(info, zh);
    text += &contents(info, zh);
    for option in found.renditions.iter().flat_map(|it| it.iter()) {
        let bandwidth = option
            .bitrate
            .map(|bits| format!("{}{} kbit/s", comma(zh), bits / 1_000))
            .unwrap_or_default();
        text += &format!("  {:<8} {}{bandwidth}\n", option.index, option.label);
    }
    text
}

/// The programs of a transport stream, where there are several.
fn programs(info: &MediaInfo, zh: bool) -> String {
    let mut text = String::new();
    let (word, of, plays) = match zh {
        true => ("节目", "提供者 ", "播放的就是它"),
        false => ("program", "by ", "the one that plays"),
    };
    for it in info.programs.iter().filter(|_| info.programs.len() > 1) {
        let streams = it.streams.iter().map(|stream| match &stream.language {
            Some(language) => format!("{} {language}", stream.codec.title()),
            None => stream.codec.title().to_owned(),
        });
        let streams = streams.collect::<Vec<_>>().join(" + ");
        let provider = it
            .provider
            .as_deref()
            .map(|name| format!("{of}{}", printable(name)));
        let parts = [
            Some(it.number.to_string()),
            it.name.as_deref().map(printable),
            provider,
            (!streams.is_empty()).then_some(streams),
            it.chosen.then(|| plays.to_owned()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        text += &format!("  {} {}\n", padded(word, 8), parts.join(comma(zh)));
    }
    text
}

/// Chapters and attached files.
fn contents(info: &MediaInfo, zh: bool) -> String {
    let mut text = String::new();
    let (chapter, file) = match zh {
        true => ("章节", "附件"),
        false => ("chapter", "file"),
    };
    for it in &info.chapters {
        let (kind, indent) = (padded(chapter, 8), "  ".repeat(it.level.into()));
        let title = it.title.as_deref().map(printable).unwrap_or_default();
        text += format!("  {kind} {indent}{} {title}", it.start).trim_end();
        text += "\n";
    }
    if info.ordered_chapters {
        text += match zh {
            true => "  章节另有播放顺序；这里按文件顺序播放\n",
            false => "  the chapters have an order of their own; they are played as they lie\n",
        };
    }
    for it in &info.attachments {
        let (kind, comma) = (padded(file, 8), comma(zh));
        let size = size_of(it).map_or_else(String::new, |bytes| match zh {
            true => format!("{comma}{bytes} 字节"),
            false => format!("{comma}{bytes} bytes"),
        });
        let (name, media_type) = (printable(&it.name), printable(&it.media_type));
        text += &format!("  {kind} {name}{comma}{media_type}{size}\n");
    }
    text
}

/// A text of the file without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

pub(crate) fn kind_name(kind: TrackKind, zh: bool) -> &'static str {
    match kind {
        TrackKind::Video if zh => "视频",
        TrackKind::Audio if zh => "音频",
        TrackKind::Subtitle if zh => "字幕",
        TrackKind::Data if zh => "数据",
        kind => kind.name(),
    }
}

const fn comma(zh: bool) -> &'static str {
    if zh { "，" } else { ", " }
}

/// How pictures are turned and mirrored.
fn turned(video: &VideoParams, zh: bool) -> String {
    let degrees = video.rotation.degrees();
    let mirrored = match (video.mirror, zh) {
        (Mirror::None, _) => "",
        (Mirror::Horizontal, false) => " mirrored left to right",
        (Mirror::Vertical, false) => " mirrored top to bottom",
        (Mirror::Horizontal, true) => " 左右镜像",
        (Mirror::Vertical, true) => " 上下镜像",
    };
    match zh {
        true => format!("旋转 {degrees}°{mirrored}"),
        false => format!("turned {degrees}°{mirrored}"),
    }
}

/// A track in words.
pub(crate) fn described(track: &TrackInfo, zh: bool) -> String {
    let mut parts = vec![track.codec.title().to_owned()];
    if let Some(video) = track.video.filter(|video| video.width > 0) {
        let unit = if zh { "帧/秒" } else { "frames/s" };
        parts.push(format!("{}x{}", video.width, video.height));
        parts.extend(video.frame_rate.map(|rate| format!("{rate:.2} {unit}")));
    }
    if let Some(audio) = track.audio.filter(|audio| audio.sample_rate > 0) {
        let unit = if zh { "声道" } else { "channels" };
        parts.push(format!(
            "{} Hz{}{} {unit}",
            audio.sample_rate,
            comma(zh),
            audio.channels
        ));
    }
    parts.extend(track.bitrate.map(|bits| format!("{} kbit/s", bits / 1_000)));
    if let Some(video) = track.video.filter(|it| !it.orientation().is_upright()) {
        parts.push(turned(&video, zh));
    }
    parts.extend(track.language.clone());
    parts.extend(track.title.as_deref().map(printable));
    let meant = disposition(track.disposition);
    parts.extend(meant.map(|(name, chinese)| match zh {
        true => chinese.to_owned(),
        false => name.replace('_', " "),
    }));
    parts.join(comma(zh))
}
