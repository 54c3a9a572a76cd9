//! What the SDK tells, as JSON: the command line writes it, and the bindings of other languages give it. `docs/events.md`
//! lists the events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinora_engine::{
    Asset, CueId, DateRange, Event, InterstitialAsset, Resumption, SessionData, TrackOption,
};
use kinora_errors::{Coded as _, Lang, mask_url};
use kinora_media::bitstream::UserData;
use kinora_media::{
    Attachment, Chapter, Disposition, MediaInfo, Mirror, Program, Time, TimedEvent, TrackInfo,
};
use kinora_subtitle::{Bitmap, Cue};
use serde_json::{Map, Value, json};

/// An event: its name as `event`, and its fields.
#[must_use]
pub fn event(event: &Event) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("event".to_owned(), event.name().into());
    if let Value::Object(more) = more(event) {
        object.extend(more);
    }
    object
}

fn device(event: &Event) -> Value {
    let Event::AudioDevice {
        system,
        name,
        description,
    } = event
    else {
        return json!({});
    };
    json!({ "system": system, "name": name, "description": description })
}

fn more(event: &Event) -> Value {
    match event {
        Event::StateChanged { old, new } => {
            let name = |state| format!("{state:?}").to_lowercase();
            json!({ "old": name(old), "new": name(new) })
        }
        Event::Prepared(info) => prepared(info),
        Event::TracksReady(tracks) => {
            json!({ "tracks": tracks.iter().map(track_option).collect::<Vec<_>>() })
        }
        Event::TrackChanged { index } => json!({ "index": index }),
        Event::Sei { pts, data } => sei(*pts, data),
        Event::RepeatStart { from } => json!({ "from": from.as_secs_f64() }),
        Event::ChapterChanged { index } => json!({ "index": index }),
        Event::VideoSize { width, height } => json!({ "width": width, "height": height }),
        Event::FirstFrame { pts } => json!({ "pts": pts.as_secs_f64() }),
        Event::LoadingProgress(percent) => json!({ "percent": percent }),
        Event::SeekEnd { target, pts } => {
            json!({ "target": target.as_secs_f64(), "pts": pts.as_secs_f64() })
        }
        Event::Position(time) | Event::BufferedPosition(time) => {
            json!({ "pts": time.as_secs_f64() })
        }
        Event::LocalCacheHit { bytes } => json!({ "bytes": bytes }),
        Event::AudioDevice { .. } => device(event),
        Event::DownloadSpeed(bits) => json!({ "bits_per_second": bits }),
        Event::Info { code, text } => {
            json!({ "code": *code as i32, "what": format!("{code:?}"), "text": text })
        }
        Event::CommandRefused { command, refusal } => json!({
            "command": command.name(), "reason": refusal.reason(), "text": refusal.text(Lang::En),
        }),
        Event::CredentialExpired(fault) | Event::Recovered(fault) | Event::Error(fault) => {
            json!({ "fault": fault })
        }
        Event::SubtitleAdded {
            track,
            format,
            charset,
            cues,
            damaged,
        } => json!({
            "track": track, "format": format, "charset": charset, "cues": cues, "damaged": damaged,
        }),
        Event::SubtitleFailed { track, fault } => json!({ "track": track, "fault": fault }),
        Event::SubtitleShown { track, id, cue } => subtitle_shown(*track, *id, cue),
        Event::SubtitleHidden { track, id } => json!({ "track": track, "id": id.0 }),
        Event::Timed(event) => timed(event),
        Event::SessionData(data) => {
            json!({ "data": data.iter().map(session_data).collect::<Vec<_>>() })
        }
        Event::DateRange(range) => date_range(range),
        Event::InterstitialStart(it) => interstitial(it),
        Event::InterstitialEnd { id, asset, end } => {
            json!({ "id": &**id, "asset": asset, "how": end.name() })
        }
        Event::KeyRequired(id) => json!({ "key_id": id.to_string() }),
        Event::Timing(mark) => json!({ "what": mark.name() }),
        // Events without fields.
        _ => Value::Null,
    }
}

fn subtitle_shown(track: u32, id: CueId, cue: &Cue) -> Value {
    let end = Some(cue.end).filter(|end| *end < Time::MAX);
    json!({
        "track": track, "id": id.0, "start": cue.start.as_secs_f64(),
        "end": end.map(Time::as_secs_f64), "text": cue.text(),
        "bitmaps": cue.bitmaps.iter().map(bitmap).collect::<Vec<_>>(),
    })
}

fn session_data(it: &SessionData) -> Value {
    let url = it.url.as_ref().map(|url| mask_url(url.expose()));
    json!({ "id": it.id, "value": it.value, "url": url, "language": it.language })
}

fn interstitial(it: &InterstitialAsset) -> Value {
    json!({
        "id": &*it.id, "asset": it.asset, "assets": it.assets,
        "duration": it.duration.map(Time::as_secs_f64), "skippable": !it.may_not_skip,
    })
}

fn date_range(range: &DateRange) -> Value {
    let asset = |asset: &Asset| match asset {
        Asset::Playlist(url) | Asset::List(url) => mask_url(url.expose()),
    };
    let interstitial = range.interstitial.as_ref().map(|it| {
        let resume = match it.resumption {
            Resumption::After(offset) => Some(offset.as_secs_f64()),
            Resumption::ByItsLength => None,
        };
        json!({ "asset": asset(&it.asset), "resume_offset": resume })
    });
    json!({
        "id": range.id, "class": range.class, "start": range.start.as_secs_f64(),
        "end": range.end.map(Time::as_secs_f64), "interstitial": interstitial,
    })
}

/// Where a picture lies, and on what.
fn bitmap(bitmap: &Bitmap) -> Value {
    json!({
        "x": bitmap.x, "y": bitmap.y, "width": bitmap.width, "height": bitmap.height,
        "canvas": [bitmap.canvas.0, bitmap.canvas.1],
    })
}

fn prepared(info: &MediaInfo) -> Value {
    let codecs = info.tracks.iter().map(|track| track.codec.name());
    json!({
        "container": info.container, "duration": info.duration.map(Time::as_secs_f64),
        "seekable": info.seekable, "codecs": codecs.collect::<Vec<_>>(),
    })
}

/// An event of the content; its message as text where it is one, else in base64.
fn timed(event: &TimedEvent) -> Value {
    let text = str::from_utf8(&event.data).ok();
    let text = text.filter(|text| !text.contains(|c: char| c.is_control() && !c.is_whitespace()));
    json!({
        "scheme": event.scheme, "value": event.value, "id": event.id,
        "start": event.start.as_secs_f64(), "duration": event.duration.map(Time::as_secs_f64),
        "text": text, "base64": text.is_none().then(|| STANDARD.encode(&event.data)),
    })
}

/// Bytes as hexadecimal digits: what an application puts into video is text only where it says so.
fn sei(pts: Time, data: &UserData) -> Value {
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let uuid = match data {
        UserData::Registered(_) => None,
        UserData::Unregistered { uuid, .. } => Some(hex(uuid)),
    };
    json!({
        "pts": pts.as_secs_f64(), "type": data.payload_type(), "uuid": uuid, "data": hex(data.data()),
    })
}

/// What can be chosen.
#[must_use]
pub fn track_option(option: &TrackOption) -> Value {
    json!({
        "index": option.index, "type": option.kind.name(), "label": option.label,
        "bandwidth": option.bitrate, "width": option.size.map(|size| size.0),
        "height": option.size.map(|size| size.1), "selected": option.selected,
    })
}

/// A presentation: its container, length and tracks.
#[must_use]
pub fn media_info(info: &MediaInfo) -> Value {
    let mut object = json!({
        "container": info.container,
        "duration": info.duration.map(Time::as_secs_f64),
        "seekable": info.seekable,
        "title": info.title,
        "tracks": info.tracks.iter().map(track).collect::<Vec<_>>(),
        "chapters": info.chapters.iter().map(chapter).collect::<Vec<_>>(),
        "attachments": info.attachments.iter().map(attachment).collect::<Vec<_>>(),
    });
    if info.ordered_chapters {
        object["ordered_chapters"] = true.into();
    }
    if !info.programs.is_empty() {
        object["programs"] = info.programs.iter().map(program).collect();
    }
    object
}

fn chapter(chapter: &Chapter) -> Value {
    json!({
        "start": chapter.start.as_secs_f64(), "end": chapter.end.map(Time::as_secs_f64),
        "title": chapter.title, "level": chapter.level,
    })
}

fn program(program: &Program) -> Value {
    let streams = program.streams.iter().map(|stream| {
        json!({ "id": stream.id.0, "codec": stream.codec.name(), "language": stream.language })
    });
    json!({
        "number": program.number, "map_pid": program.map_pid, "name": program.name,
        "provider": program.provider, "chosen": program.chosen,
        "streams": streams.collect::<Vec<_>>(),
    })
}

fn attachment(file: &Attachment) -> Value {
    json!({
        "name": file.name, "media_type": file.media_type, "offset": file.range.start,
        "size": file.range.end.map(|end| end.saturating_sub(file.range.start)),
    })
}

fn track(track: &TrackInfo) -> Value {
    let mut object = json!({
        "id": track.id.0, "type": track.kind().name(), "codec": track.codec.name(),
        "codec_string": track.codec_string, "tag": track.codec_tag, "language": track.language,
        "bitrate": track.bitrate, "duration": track.duration.map(Time::as_secs_f64),
        "encrypted": track.protection.is_some(), "title": track.title,
        "disposition": disposition(track.disposition).collect::<Vec<_>>(),
    });
    if let Some(protection) = &track.protection {
        object["scheme"] = protection.scheme.to_string().into();
        object["key_id"] = protection.key_id().map(|id| id.to_string()).into();
    }
    if let Some(video) = &track.video {
        object["width"] = video.width.into();
        object["height"] = video.height.into();
        object["rotation"] = video.rotation.degrees().into();
        object["mirror"] = match video.mirror {
            Mirror::None => "none",
            Mirror::Horizontal => "horizontal",
            Mirror::Vertical => "vertical",
        }
        .into();
        object["frame_rate"] = video.frame_rate.into();
    }
    if let Some(audio) = &track.audio {
        object["sample_rate"] = audio.sample_rate.into();
        object["channels"] = audio.channels.into();
    }
    object
}

/// For whom a track is meant.
fn disposition(it: Disposition) -> impl Iterator<Item = &'static str> {
    let all = [
        (it.default, "default"),
        (it.forced, "forced"),
        (it.hearing_impaired, "hearing_impaired"),
        (it.visual_impaired, "visual_impaired"),
        (it.original, "original"),
        (it.comment, "comment"),
    ];
    all.into_iter().filter_map(|(is, name)| is.then_some(name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use kinora_engine::{
        CommandKind, CueId, InfoCode, InterstitialEnd, Refusal, State, TimingMark,
    };
    use kinora_errors::{Fault, codes};

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/events.md");

    /// One of each kind: one that is new is to be added here.
    fn every() -> Vec<Event> {
        let fault = Fault::new(codes::ERROR_NETWORK_HTTP_404, "http.404");
        let mut all = vec![
            Event::StateChanged {
                old: State::Idle,
                new: State::Initialized,
            },
            Event::Prepared(Arc::default()),
            Event::AutoPlayStart,
            Event::TracksReady(Arc::default()),
            Event::TrackChanged { index: 1 },
            Event::VideoSize {
                width: 2,
                height: 3,
            },
            Event::FirstFrame { pts: Time::ZERO },
            Event::Completion,
            Event::LoopingStart,
            Event::Sei {
                pts: Time::ZERO,
                data: UserData::Registered(bytes::Bytes::from_static(b"a")),
            },
            Event::RepeatStart { from: Time::ZERO },
            Event::ChapterChanged { index: Some(1) },
            Event::LoadingBegin,
            Event::LoadingProgress(4),
            Event::LoadingEnd,
            Event::SeekEnd {
                target: Time::ZERO,
                pts: Time::ZERO,
            },
            Event::Position(Time::ZERO),
            Event::BufferedPosition(Time::ZERO),
            Event::DownloadSpeed(5),
            Event::Info {
                code: InfoCode::NetworkRetry,
                text: "again".to_owned(),
            },
        ];
        all.extend(further(fault.clone()));
        all.extend(of_the_content(fault));
        all
    }

    fn further(fault: Fault) -> Vec<Event> {
        vec![
            Event::CommandRefused {
                command: CommandKind::Seek,
                refusal: Refusal::NoSource,
            },
            Event::SubtitleAdded {
                track: 1_024,
                format: "srt",
                charset: "UTF-8",
                cues: 6,
                damaged: 0,
            },
            Event::SubtitleFailed {
                track: 1_024,
                fault: fault.clone(),
            },
            Event::SubtitleShown {
                track: 1_024,
                id: CueId(7),
                cue: Arc::default(),
            },
            Event::SubtitleHidden {
                track: 1_024,
                id: CueId(7),
            },
        ]
    }

    fn of_the_content(fault: Fault) -> Vec<Event> {
        vec![
            Event::Timed(Arc::new(TimedEvent {
                scheme: TimedEvent::ID3.to_owned(),
                data: b"ID3\x04\0".as_slice().into(),
                ..TimedEvent::default()
            })),
            Event::SessionData(Arc::from([SessionData {
                id: "com.example.title".to_owned(),
                value: Some("a film".to_owned()),
                url: None,
                language: None,
            }])),
            Event::DateRange(Arc::new(DateRange {
                id: "ad".to_owned(),
                class: None,
                start: Time::ZERO,
                end: None,
                start_ms: 0,
                attributes: Vec::new(),
                interstitial: None,
            })),
            Event::InterstitialStart(InterstitialAsset {
                id: "ad".into(),
                asset: 0,
                assets: 2,
                duration: Some(Time::from_millis(15_000)),
                may_not_skip: true,
            }),
            Event::InterstitialEnd {
                id: "ad".into(),
                asset: 0,
                end: InterstitialEnd::Played,
            },
            Event::KeyRequired(kinora_media::KeyId([7; 16])),
            Event::CredentialExpired(fault.clone()),
            Event::LocalCacheHit { bytes: 9 },
            Event::AudioDevice {
                system: "pulse",
                name: "null".to_owned(),
                description: "Null Output".to_owned(),
            },
            Event::Recovered(fault.clone()),
            Event::Error(fault),
            Event::Timing(TimingMark::FirstKeyFrame),
        ]
    }

    #[test]
    fn every_event_has_a_name_of_its_own_that_the_document_lists_with_its_fields() {
        let rows: Vec<&str> = DOCUMENT
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let mut names = std::collections::HashSet::new();
        for event in every() {
            assert!(names.insert(event.name()), "{} twice", event.name());
            let begin = format!("| `{}` |", event.name());
            let row = rows.iter().find(|row| row.starts_with(&begin));
            let row = row.unwrap_or_else(|| panic!("{} is not in the document", event.name()));
            for (field, _) in super::event(&event)
                .iter()
                .filter(|(field, _)| *field != "event")
            {
                assert!(row.contains(&format!("`{field}`")), "{field} in {row}");
            }
        }
        let own = ["file", "start_beyond_end", "snapshot", "end"];
        for name in own {
            assert!(DOCUMENT.contains(&format!("| `{name}` |")), "{name}");
        }
        assert_eq!(rows.len(), names.len() + own.len());
    }
}
