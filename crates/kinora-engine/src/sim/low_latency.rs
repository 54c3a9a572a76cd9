//! An origin of low latency (RFC 8216bis): segments of 2 s in four parts, a part each half second.

use bytes::{Bytes, BytesMut};
use kinora_media::{Iv, Time};
use kinora_protect::{ContentKey, encrypt_segment};

use super::net::{Origin, Reply};
use super::{Film, is_key_start, ms};

/// How many parts a segment has, and how long each is.
const PARTS: usize = 4;
const PART_MS: i64 = 500;
const SEGMENT_MS: i64 = 2_000;
/// Segments in the playlist, and the newest of them, which have parts.
const WINDOW: u64 = 20;
const WITH_PARTS: u64 = 3;
/// What came before the simulation began.
const LEAD: Time = Time::from_millis(60_000);

/// What a server hints at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hints {
    None,
    /// The next part, a resource of its own.
    Parts,
    /// The rest of the segment: parts are ranges of it.
    Ranges,
    /// Parts that are answered by 404 until they are there.
    Missing,
    /// Parts that never come.
    Wrong,
}

/// An origin and its habits.
#[derive(Clone, Debug)]
pub(crate) struct LowLatency {
    /// It answers blocking reloads when there is something new.
    pub(crate) blocks: bool,
    /// It takes delivery directives at all.
    pub(crate) takes_directives: bool,
    /// It gives delta updates; `Some(false)`: with more left out than the client may know.
    pub(crate) delta: Option<bool>,
    pub(crate) hints: Hints,
    /// A part that is named and can not be had.
    pub(crate) lost_part: Option<(u64, usize)>,
    /// A part that the playlist says is missing.
    pub(crate) gap: Option<(u64, usize)>,
    /// Segments are encrypted as a whole by AES-128 with that key, and so is each part.
    pub(crate) key: Option<[u8; 16]>,
    /// It begins anew then.
    pub(crate) restarts: Option<Time>,
    pub(crate) parts: Vec<Vec<Bytes>>,
}

impl LowLatency {
    pub(crate) const BASE: &str = "http://live.test/";

    pub(crate) fn new() -> Self {
        Self {
            blocks: true,
            takes_directives: true,
            delta: None,
            hints: Hints::Parts,
            lost_part: None,
            gap: None,
            key: None,
            restarts: None,
            parts: Film::ts_segments().iter().map(cut).collect(),
        }
    }

    /// The presentation of one rendition.
    pub(crate) fn url() -> String {
        format!("{}a/list.m3u8", Self::BASE)
    }

    /// The media time that is being made, on a player's timeline that begins with the first playlist.
    pub(crate) fn edge(now: Time) -> Time {
        let (first, _) = Self::window(LEAD);
        LEAD + now - ms(i64::try_from(first).unwrap_or(0) * SEGMENT_MS)
    }

    fn since(&self, now: Time) -> Time {
        match self.restarts.filter(|restarts| now >= *restarts) {
            Some(restarts) => now - restarts + ms(SEGMENT_MS * 4),
            None => now + LEAD,
        }
    }

    /// The first segment, and the one that grows.
    fn window(made: Time) -> (u64, u64) {
        let grows = u64::try_from(made.as_millis() / SEGMENT_MS).unwrap_or(0);
        (grows.saturating_sub(WINDOW), grows)
    }

    /// When a part is there, counted from the origin's beginning.
    fn made_at(number: u64, part: usize) -> Time {
        let before = i64::try_from(number).unwrap_or(0) * SEGMENT_MS;
        let parts = i64::try_from(part + 1).unwrap_or(0) * PART_MS;
        ms(before + parts)
    }

    fn parts_of(&self, number: u64) -> &[Bytes] {
        let at = usize::try_from(number).unwrap_or(0) % self.parts.len();
        &self.parts[at]
    }

    fn part_line(&self, number: u64, part: usize) -> String {
        let independent = if part.is_multiple_of(2) {
            ",INDEPENDENT=YES"
        } else {
            ""
        };
        let gap = if self.gap == Some((number, part)) {
            ",GAP=YES"
        } else {
            ""
        };
        let place = match self.hints {
            Hints::Ranges => {
                let parts = self.parts_of(number);
                let from: usize = parts[..part].iter().map(Bytes::len).sum();
                format!("{number}.ts\",BYTERANGE=\"{}@{from}\"", parts[part].len())
            }
            _ => format!("{number}.{part}.ts\""),
        };
        format!("#EXT-X-PART:DURATION=0.5,URI=\"{place}{independent}{gap}\n")
    }

    fn playlist(&self, now: Time, rendition: &str, skip: bool) -> String {
        let made = self.since(now);
        let (first, grows) = Self::window(made);
        let mut text =
            "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=0.5\n"
                .to_owned();
        let block = if self.blocks || !self.takes_directives {
            "CAN-BLOCK-RELOAD=YES,"
        } else {
            ""
        };
        let until = if self.delta.is_some() {
            "CAN-SKIP-UNTIL=12,"
        } else {
            ""
        };
        text += &format!("#EXT-X-SERVER-CONTROL:{block}{until}PART-HOLD-BACK=1.5\n");
        text += &format!(
            "#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
            first.saturating_sub(1) / 4
        );
        let skipped = match self.delta.filter(|_| skip) {
            Some(true) => grows.saturating_sub(first + 6),
            Some(false) => grows.saturating_sub(first) + 5,
            None => 0,
        };
        if skipped > 0 {
            text += &format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n");
        }
        if self.key.is_some() {
            text += "#EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n";
        }
        for number in first + skipped..=grows {
            if number > 0 && number.is_multiple_of(4) {
                text += "#EXT-X-DISCONTINUITY\n";
            }
            let parts = (0..PARTS).filter(|part| Self::made_at(number, *part) <= made);
            if number + WITH_PARTS >= grows {
                parts.for_each(|part| text += &self.part_line(number, part));
            }
            if number < grows {
                text += &format!("#EXTINF:2,\n{number}.ts\n");
            }
        }
        text += &self.hint(made, grows);
        let other = if rendition == "a" { "b" } else { "a" };
        let last = grows.saturating_sub(1);
        text + &format!(
            "#EXT-X-RENDITION-REPORT:URI=\"../{other}/list.m3u8\",LAST-MSN={last},LAST-PART=3\n"
        )
    }

    fn hint(&self, made: Time, grows: u64) -> String {
        let next = (0..PARTS).find(|part| Self::made_at(grows, *part) > made);
        let part = next.unwrap_or(0);
        let place = match self.hints {
            Hints::None => return String::new(),
            Hints::Parts | Hints::Missing => format!("URI=\"{grows}.{part}.ts\""),
            Hints::Wrong => format!("URI=\"wrong-{grows}.{part}.ts\""),
            Hints::Ranges => {
                let from: usize = self.parts_of(grows)[..part].iter().map(Bytes::len).sum();
                format!("URI=\"{grows}.ts\",BYTERANGE-START={from}")
            }
        };
        format!("#EXT-X-PRELOAD-HINT:TYPE=PART,{place}\n")
    }

    fn list(&self, now: Time, rendition: &str, query: &str) -> Reply {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        if !self.takes_directives && query.contains("_HLS_") {
            return Reply::Status(400);
        }
        let number = value("_HLS_msn").and_then(|text| text.parse::<u64>().ok());
        let part = value("_HLS_part").and_then(|text| text.parse::<usize>().ok());
        if let Some(number) = number.filter(|_| self.blocks) {
            let (_, grows) = Self::window(self.since(now));
            if number > grows + 2 {
                return Reply::Status(400);
            }
            let at = Self::made_at(number, part.unwrap_or(PARTS - 1)) - self.since(now);
            if at > Time::ZERO {
                return Reply::Later(now + at);
            }
        }
        let text = self.playlist(now, rendition, value("_HLS_skip").is_some());
        Reply::Whole(text.into())
    }

    fn media(&self, now: Time, name: &str) -> Reply {
        let made = self.since(now);
        let (number, part) = name.split_once('.').unwrap_or((name, ""));
        let (Ok(number), part) = (number.parse::<u64>(), part.parse::<usize>().ok()) else {
            // It says nothing until it gives up.
            return match self.hints {
                Hints::Wrong => Reply::Later(now + ms(60_000)),
                _ => Reply::Status(404),
            };
        };
        let Some(part) = part else {
            return self.segment(now, number);
        };
        if self.lost_part == Some((number, part)) || part >= PARTS {
            return Reply::Status(404);
        }
        let wait = Self::made_at(number, part) - made;
        match wait > Time::ZERO {
            true if self.hints == Hints::Missing || wait > ms(2 * PART_MS) => Reply::Status(404),
            true => Reply::Later(now + wait),
            false => Reply::Whole(self.sealed(number, self.parts_of(number)[part].clone())),
        }
    }

    /// Something of a segment, as it is sent.
    fn sealed(&self, number: u64, data: Bytes) -> Bytes {
        let Some(key) = self.key else { return data };
        let vector = Iv::from_sequence(number);
        encrypt_segment(&ContentKey::new(key), vector, BytesMut::from(&data[..])).unwrap()
    }

    /// A segment, as far as it is made.
    fn segment(&self, now: Time, number: u64) -> Reply {
        let made = self.since(now);
        let there = (0..PARTS)
            .filter(|part| Self::made_at(number, *part) <= made)
            .count();
        let data: Bytes = self.parts_of(number)[..there].concat().into();
        match there {
            PARTS => Reply::Whole(self.sealed(number, data)),
            _ if self.hints != Hints::Ranges => Reply::Status(404),
            _ => Reply::Partial {
                data,
                more_at: now + Self::made_at(number, there) - made,
            },
        }
    }
}

impl Origin for LowLatency {
    fn answer(&self, now: Time, url: &str) -> Option<Reply> {
        let path = url.strip_prefix(Self::BASE)?;
        if path == "key" {
            return Some(Reply::Whole(Bytes::copy_from_slice(&self.key?)));
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (rendition, name) = path.split_once('/')?;
        Some(match name {
            "list.m3u8" => self.list(now, rendition, query),
            name => self.media(now, name.strip_suffix(".ts").unwrap_or(name)),
        })
    }
}

/// A segment in four: at every fifth picture.
fn cut(segment: &Bytes) -> Vec<Bytes> {
    let is_picture = |packet: &[u8]| {
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        pid == 0x100 && packet[1] & 0x40 != 0
    };
    let packets = segment.chunks(188).enumerate();
    let pictures: Vec<usize> = packets
        .filter(|(_, packet)| is_picture(packet))
        .map(|(at, _)| at)
        .collect();
    let mut cuts: Vec<usize> = pictures
        .iter()
        .step_by(pictures.len() / PARTS)
        .map(|at| at * 188)
        .take(PARTS)
        .collect();
    assert!(
        is_key_start(&segment[cuts[2]..]),
        "the third part begins with a key picture"
    );
    cuts[0] = 0;
    cuts.push(segment.len());
    cuts.windows(2)
        .map(|cut| segment.slice(cut[0]..cut[1]))
        .collect()
}
