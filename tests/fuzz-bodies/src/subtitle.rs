//! Subtitles: files, packets of every codec, captions; and the timeline that keeps them.

use bytes::Bytes;
use kinora_errors::Coded;
use kinora_media::bitstream::user_data;
use kinora_media::{CodecId, Packet, PacketFlags, Time, TrackId, TrackInfo};
use kinora_subtitle::sprites::Sprites;
use kinora_subtitle::{
    CaptionDecoder, CaptionService, Cue, Cues, Document, Format, Limits, Options, SubtitleError,
    TrackDecoder, Update, parse, parse_vobsub,
};

use crate::Work;

/// Changes that are walked of one timeline.
const CHANGES: u64 = 500;

pub(crate) fn subtitle(data: &[u8]) -> Work {
    let mut work = Work::default();
    work.add(file(data, None));
    for format in Format::ALL {
        work.add(file(data, Some(format)));
    }
    for (codec, tag) in TRACKS {
        work.add(packets(data, codec, tag));
    }
    work.add(pair(data));
    work.add(sprites(data));
    work.add(messages(data));
    for service in [CaptionService::CC1, CaptionService::Cea708(1)] {
        work.add(captions(data, service));
    }
    work
}

/// Thumbnails lie within their pictures, and each time has at most one.
fn sprites(data: &[u8]) -> Work {
    let mut work = Work {
        bytes: data.len() as u64,
        ..Work::default()
    };
    let Ok(sprites) = Sprites::parse(data, &Limits::default()) else {
        return work;
    };
    for sprite in sprites.iter() {
        assert!(sprite.from < sprite.to && !sprite.url.is_empty());
        if let Some((x, y, width, height)) = sprite.part.and_then(|part| part.within((640, 360))) {
            assert!(x + width <= 640 && y + height <= 360);
        }
        work.steps += 1;
        work.out += sprite.url.len() as u64;
    }
    assert_eq!(sprites.at(Time::ZERO).is_none(), sprites.is_empty());
    work
}

/// Messages within a picture are no longer than the picture.
fn messages(data: &[u8]) -> Work {
    let messages = user_data(CodecId::H264, &[], data);
    let out = messages
        .iter()
        .map(|message| message.data().len() as u64)
        .sum();
    assert!(out <= data.len() as u64);
    Work {
        steps: messages.len() as u64,
        bytes: data.len() as u64,
        out,
    }
}

const TRACKS: [(CodecId, &str); 10] = [
    (CodecId::Subrip, "S_TEXT/UTF8"),
    (CodecId::Ass, "S_TEXT/ASS"),
    (CodecId::WebVtt, "wvtt"),
    (CodecId::WebVtt, "D_WEBVTT/SUBTITLES"),
    (CodecId::Tx3g, "tx3g"),
    (CodecId::Ttml, "stpp"),
    (CodecId::Cea608, "c608"),
    (CodecId::Pgs, "S_HDMV/PGS"),
    (CodecId::VobSub, "S_VOBSUB"),
    (CodecId::DvbSubtitle, "S_DVBSUB"),
];

fn file(data: &[u8], format: Option<Format>) -> Work {
    let options = Options {
        format,
        ..Options::default()
    };
    document(parse(data, &options), data.len())
}

/// The two files of VobSub: what lies before the first pack is the index.
fn pair(data: &[u8]) -> Work {
    const PACK: &[u8] = &[0, 0, 1, 0xba];
    let pack = data.windows(PACK.len()).position(|bytes| bytes == PACK);
    let (index, stream) = data.split_at(pack.unwrap_or(data.len()));
    document(parse_vobsub(index, stream, &Limits::default()), data.len())
}

fn document(read: Result<Document, SubtitleError>, length: usize) -> Work {
    let mut work = Work {
        bytes: length as u64,
        ..Work::default()
    };
    match read {
        Err(error) => {
            assert!(
                error.code().row().is_some(),
                "{error} has a code of the table"
            );
            work.steps = 1;
        }
        Ok(document) => {
            work.steps = document.cues.len() as u64;
            work.out = document
                .cues
                .iter()
                .map(|cue| cue.text().len() as u64)
                .sum();
            document.cues.iter().for_each(judge);
            work.steps += walk(&Cues::new(document.cues));
        }
    }
    work
}

fn judge(cue: &Cue) {
    assert!(cue.start < cue.end, "a cue is shown for a while");
    // A script's event may have nothing but shapes.
    assert!(
        cue.spans.is_empty() != cue.bitmaps.is_empty() || cue.script.is_some(),
        "a cue has text, or pictures"
    );
    for at in [cue.start, cue.end, Time::MAX] {
        if let Some(still) = cue.still(at) {
            assert!(!still.is_animated(), "it stands still");
            assert_eq!(still.text(), cue.text(), "nothing is lost in it");
        }
    }
    for bitmap in &cue.bitmaps {
        let size = bitmap.width as usize * bitmap.height as usize;
        assert_eq!(bitmap.pixels.unpacked().len(), size, "a picture is whole");
    }
}

/// Goes from change to change, as a player does.
fn walk(cues: &Cues) -> u64 {
    let (mut at, mut steps) = (Time::MIN, 0);
    while let Some(next) = cues.next_change(at) {
        assert!(next > at, "changes go on");
        assert!(
            cues.active(next).len() <= cues.len(),
            "nothing is shown twice"
        );
        at = next;
        steps += 1;
        if steps == CHANGES {
            break;
        }
    }
    steps
}

/// The first half is the track's configuration, the second a packet.
fn packets(data: &[u8], codec: CodecId, tag: &str) -> Work {
    let (config, packet) = data.split_at(data.len() / 2);
    let track = TrackInfo {
        config: Bytes::copy_from_slice(config),
        codec_tag: tag.to_owned(),
        ..TrackInfo::new(TrackId(1), codec)
    };
    let Ok(mut decoder) = TrackDecoder::new(&track) else {
        return Work::default();
    };
    let time = Time::from_millis(40);
    let packet = Packet {
        track: track.id,
        pts: time,
        dts: time,
        duration: time,
        flags: PacketFlags::default(),
        data: Bytes::copy_from_slice(packet),
        crypto: None,
    };
    let mut updates = decoder.decode(&packet);
    updates.extend(decoder.finish());
    keep(updates, data.len())
}

/// Triplets of pictures, a few each, whose times go to and fro.
fn captions(data: &[u8], service: CaptionService) -> Work {
    let mut decoder = CaptionDecoder::new(service);
    let mut cues = Cues::default();
    let mut steps = 0;
    for (at, triplets) in (0_i64..).zip(data.chunks(30).take(CHANGES as usize)) {
        let (dts, pts) = (Time::from_millis(at), Time::from_millis(at ^ 3));
        let _ = CaptionService::within(triplets);
        for update in decoder.push(pts, dts, triplets) {
            cues.apply(update);
            steps += 1;
        }
        cues.forget_before(dts - Time::from_millis(1_000));
    }
    decoder
        .finish()
        .into_iter()
        .for_each(|update| cues.apply(update));
    Work {
        steps: steps + walk(&cues),
        bytes: data.len() as u64,
        out: 0,
    }
}

fn keep(updates: Vec<Update>, bytes: usize) -> Work {
    let mut cues = Cues::default();
    let steps = updates.len() as u64;
    for update in updates {
        if let Update::Add(cue) = &update {
            judge(cue);
        }
        cues.apply(update);
    }
    Work {
        steps: steps + walk(&cues),
        bytes: bytes as u64,
        out: 0,
    }
}
