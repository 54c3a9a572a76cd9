//! `kinora probe`: what a file holds.

use kinora::{MediaInfo, MediaReader, TrackInfo};
use serde_json::{Value, json};

use crate::args::InputArgs;
use crate::json;
use crate::out;
use crate::report::{Failure, Style};
use crate::source::net_config;

pub(crate) fn run(args: &InputArgs, style: &Style) -> Result<(), Failure> {
    let reader = MediaReader::open(&args.source, &net_config(&args.net)?)?;
    let info = reader.info();
    // The contract of the yardstick: without a terminal the object is printed, with one a table.
    if style.json || !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        json::line(&object(info, &reader));
    } else {
        out::print(&table(info, &reader, style));
    }
    Ok(())
}

fn object(info: &MediaInfo, reader: &MediaReader) -> Value {
    json!({
        "container": info.container,
        "duration": info.duration.map(kinora::Time::as_secs_f64),
        "size": reader.total_len(),
        "bytes_read": reader.bytes_read(),
        "seekable": info.seekable,
        "title": info.title,
        "tracks": info.tracks.iter().map(track).collect::<Vec<_>>(),
    })
}

fn track(track: &TrackInfo) -> Value {
    let mut object = json!({
        "id": track.id.0, "type": track.kind().name(), "codec": track.codec.name(),
        "codec_string": track.codec_string, "tag": track.codec_tag, "language": track.language,
        "bitrate": track.bitrate, "duration": track.duration.map(kinora::Time::as_secs_f64),
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

fn table(info: &MediaInfo, reader: &MediaReader, style: &Style) -> String {
    let duration = info.duration.map_or_else(
        || style.say("unknown length", "时长未知").to_owned(),
        |time| time.to_string(),
    );
    let size = reader.total_len().map_or_else(String::new, |bytes| {
        format!(", {bytes} {}", style.say("bytes", "字节"))
    });
    let mut text = format!("{}, {duration}{size}\n", info.container);
    for track in &info.tracks {
        let mut parts = vec![track.codec.title().to_owned()];
        if let Some(video) = track.video.filter(|video| video.width > 0) {
            parts.push(format!("{}x{}", video.width, video.height));
            parts.extend(
                video
                    .frame_rate
                    .map(|rate| format!("{rate:.2} {}", style.say("frames/s", "帧/秒"))),
            );
        }
        if let Some(audio) = track.audio.filter(|audio| audio.sample_rate > 0) {
            parts.push(format!(
                "{} Hz, {} {}",
                audio.sample_rate,
                audio.channels,
                style.say("channels", "声道")
            ));
        }
        parts.extend(track.bitrate.map(|bits| format!("{} kbit/s", bits / 1_000)));
        parts.extend(track.language.clone());
        text += &format!("  {:<8} {}\n", track.kind().name(), parts.join(", "));
    }
    text
}
