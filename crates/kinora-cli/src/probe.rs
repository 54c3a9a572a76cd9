//! `kinora probe`: what a file or a playlist holds.

use std::sync::Arc;
use std::time::Duration;

use kinora::{
    Event, Fault, MediaInfo, MediaReader, Player, Time, TrackInfo, TrackKind, TrackOption,
};
use kinora_errors::Lang;
use serde_json::{Value, json};

use crate::args::InputArgs;
use crate::report::{Failure, Style};
use crate::source::{locate, net_config, player_config};
use crate::{json, out};

/// The reason of a file that names media and holds none.
const PLAYLIST: &str = "container.playlist";
/// The player tells a failure long before.
const PATIENCE: Duration = Duration::from_secs(300);

/// What was found out, of either kind.
struct Found {
    info: MediaInfo,
    size: Option<u64>,
    bytes_read: u64,
    /// What a playlist lets choose among.
    renditions: Option<Arc<[TrackOption]>>,
}

pub(crate) fn run(args: &InputArgs, style: &Style) -> Result<(), Failure> {
    let found = match MediaReader::open(&locate(&args.source)?, &net_config(&args.net)?) {
        Ok(mut reader) => {
            reader.find_duration()?;
            Found {
                info: MediaInfo::clone(reader.info()),
                size: reader.total_len(),
                bytes_read: reader.bytes_read(),
                renditions: None,
            }
        }
        Err(fault) if fault.reason() == PLAYLIST => playlist(args)?,
        Err(fault) => return Err(fault.into()),
    };
    // The contract of the yardstick: without a terminal the object is printed, with one a table.
    if style.json || !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        json::line(&object(&found));
    } else {
        out::prose(&table(&found, style.lang));
    }
    Ok(())
}

/// Playlists and what they lead to are read by the player, as far as its first picture.
fn playlist(args: &InputArgs) -> Result<Found, Failure> {
    let source = locate(&args.source)?;
    let player = Player::builder()
        .config(player_config(&args.net))
        .network(net_config(&args.net)?)
        .build()?;
    player.open(&source);
    player.prepare();
    while let Some(event) = player.next_event(PATIENCE) {
        match event {
            Event::Prepared(info) => {
                return Ok(Found {
                    info: MediaInfo {
                        container: "hls",
                        ..MediaInfo::clone(&info)
                    },
                    size: None,
                    bytes_read: player.stats().bytes,
                    renditions: Some(player.tracks().unwrap_or_default()),
                });
            }
            Event::Error(fault) => return Err(fault.into()),
            _ => {}
        }
    }
    let silent = Fault::new(
        kinora::codes::ERROR_LOADING_TIMEOUT,
        "hls.playlist.unprepared",
    );
    Err(silent.at_url(&source).into())
}

fn object(found: &Found) -> Value {
    let info = &found.info;
    let mut object = json!({
        "container": info.container,
        "duration": info.duration.map(Time::as_secs_f64),
        "size": found.size,
        "bytes_read": found.bytes_read,
        "seekable": info.seekable,
        "title": info.title,
        "tracks": info.tracks.iter().map(track).collect::<Vec<_>>(),
    });
    if let Some(renditions) = &found.renditions {
        object["renditions"] = renditions.iter().map(rendition).collect();
    }
    object
}

fn rendition(option: &TrackOption) -> Value {
    json!({
        "index": option.index, "type": option.kind.name(), "label": option.label, "bandwidth": option.bitrate,
        "width": option.size.map(|size| size.0), "height": option.size.map(|size| size.1),
    })
}

fn track(track: &TrackInfo) -> Value {
    let mut object = json!({
        "id": track.id.0, "type": track.kind().name(), "codec": track.codec.name(),
        "codec_string": track.codec_string, "tag": track.codec_tag, "language": track.language,
        "bitrate": track.bitrate, "duration": track.duration.map(Time::as_secs_f64),
        "encrypted": track.encrypted,
    });
    if let Some(video) = &track.video {
        object["width"] = video.width.into();
        object["height"] = video.height.into();
        object["rotation"] = video.rotation.degrees().into();
        object["frame_rate"] = video.frame_rate.into();
    }
    if let Some(audio) = &track.audio {
        object["sample_rate"] = audio.sample_rate.into();
        object["channels"] = audio.channels.into();
    }
    object
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
    let mut text = format!("{}, {duration}{size}\n", info.container);
    for track in &info.tracks {
        let kind = kind_name(track.kind(), zh);
        text += &format!("  {kind:<8} {}\n", described(track, zh).join(", "));
    }
    for option in found.renditions.iter().flat_map(|it| it.iter()) {
        let bandwidth = option
            .bitrate
            .map(|bits| format!(", {} kbit/s", bits / 1_000))
            .unwrap_or_default();
        text += &format!("  {:<8} {}{bandwidth}\n", option.index, option.label);
    }
    text
}

fn kind_name(kind: TrackKind, zh: bool) -> &'static str {
    match kind {
        TrackKind::Video if zh => "视频",
        TrackKind::Audio if zh => "音频",
        TrackKind::Subtitle if zh => "字幕",
        TrackKind::Data if zh => "数据",
        kind => kind.name(),
    }
}

fn described(track: &TrackInfo, zh: bool) -> Vec<String> {
    let mut parts = vec![track.codec.title().to_owned()];
    if let Some(video) = track.video.filter(|video| video.width > 0) {
        let unit = if zh { "帧/秒" } else { "frames/s" };
        parts.push(format!("{}x{}", video.width, video.height));
        parts.extend(video.frame_rate.map(|rate| format!("{rate:.2} {unit}")));
    }
    if let Some(audio) = track.audio.filter(|audio| audio.sample_rate > 0) {
        let unit = if zh { "声道" } else { "channels" };
        parts.push(format!(
            "{} Hz, {} {unit}",
            audio.sample_rate, audio.channels
        ));
    }
    parts.extend(track.bitrate.map(|bits| format!("{} kbit/s", bits / 1_000)));
    parts.extend(track.language.clone());
    parts
}
