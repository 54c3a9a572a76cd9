//! An origin of low-latency DASH: segments of 2 s that are sent while they are made, a chunk each half second.

use bytes::Bytes;
use kinora_media::Time;

use super::ms;
use super::net::{Origin, Reply};

const CHUNKS: u64 = 4;
const CHUNK_MS: i64 = 500;
const SEGMENT_MS: i64 = 2_000;
/// Chunks of the film, and its ticks, ten a second.
const FILM: u64 = 16;
const FILM_TICKS: u64 = 80;
/// What came before the simulation began.
const LEAD: Time = Time::from_millis(60_000);

/// An origin.
#[derive(Clone, Debug)]
pub(crate) struct Chunked {
    /// Bits a second of each rendition.
    pub(crate) rates: Vec<u64>,
    /// From a moment on nothing is made for so long.
    pub(crate) late: Option<(Time, Time)>,
    pub(crate) init: Bytes,
    pub(crate) chunks: Vec<Bytes>,
}

impl Chunked {
    pub(crate) const BASE: &str = "http://chunks.test/";

    pub(crate) fn new(rates: &[u64]) -> Self {
        let film = Bytes::from_static(include_bytes!("../../fixtures/hls/chunks.mp4"));
        let mut boxes = Vec::new();
        let mut at = 0;
        while let Some(head) = film.get(at..at + 8) {
            let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
            boxes.push(film.slice(at..at + len));
            at += len;
        }
        let (init, media) = boxes.split_at(2);
        Self {
            rates: rates.to_vec(),
            late: None,
            init: init.concat().into(),
            chunks: media.chunks(2).map(|chunk| chunk.concat().into()).collect(),
        }
    }

    /// How long the film that is being made is at a moment, counted from its availability start.
    pub(crate) fn made(&self, now: Time) -> Time {
        let until = match self.late {
            Some((from, late)) if now >= from => (now - late).max(from),
            _ => now,
        };
        until + LEAD
    }

    /// Its manifest, with these attributes of the MPD and elements in it, as far as the day has come to.
    pub(crate) fn mpd(&self, start: &str, attributes: &str, inside: &str) -> String {
        let rungs = self.rates.iter().enumerate();
        let rungs = rungs.map(|(rung, rate)| {
            format!("<Representation id='{rung}' bandwidth='{rate}' width='64' height='48' codecs='avc1.64000a'/>")
        });
        format!(
            "<MPD type='dynamic' availabilityStartTime='{start}' {attributes}>{inside}<Period id='p' start='PT0S'>\
             <AdaptationSet mimeType='video/mp4'><SegmentTemplate timescale='10' duration='20' startNumber='0' \
             availabilityTimeOffset='1.5' availabilityTimeComplete='false' initialization='init.mp4' media='$RepresentationID$/$Number$.m4s'/>{}\
             </AdaptationSet></Period></MPD>",
            rungs.collect::<String>()
        )
    }

    /// A chunk of a segment, as large as the rendition wants it.
    fn chunk(&self, number: u64, chunk: u64, rate: u64) -> Vec<u8> {
        let of_film = usize::try_from((number * CHUNKS + chunk) % FILM).unwrap();
        let mut data = self.chunks[of_film].to_vec();
        let find = |data: &[u8], kind: &[u8]| data.windows(4).position(|it| it == kind).unwrap();
        let time = find(&data, b"tfdt") + 8;
        let ticks = u64::from_be_bytes(data[time..time + 8].try_into().unwrap());
        let ticks = ticks + number / CHUNKS * FILM_TICKS;
        data[time..time + 8].copy_from_slice(&ticks.to_be_bytes());
        let wanted = usize::try_from(rate / 16).unwrap();
        let mdat = find(&data, b"mdat") - 4;
        data.resize(data.len().max(wanted), 0);
        let len = u32::try_from(data.len() - mdat).unwrap();
        data[mdat..mdat + 4].copy_from_slice(&len.to_be_bytes());
        data
    }

    fn segment(&self, now: Time, number: u64, rate: u64) -> Reply {
        let since = self.made(now) - ms(i64::try_from(number).unwrap() * SEGMENT_MS);
        let there = u64::try_from(since.as_millis() / CHUNK_MS)
            .unwrap_or(0)
            .min(CHUNKS);
        let data: Vec<u8> = (0..there)
            .flat_map(|chunk| self.chunk(number, chunk, rate))
            .collect();
        match there {
            0 => Reply::Status(404),
            CHUNKS => Reply::Whole(data.into()),
            there => {
                let next = ms(i64::try_from(there + 1).unwrap() * CHUNK_MS);
                Reply::Partial {
                    data: data.into(),
                    more_at: now + next - since,
                }
            }
        }
    }
}

impl Origin for Chunked {
    fn answer(&self, now: Time, url: &str) -> Option<Reply> {
        let path = url.strip_prefix(Self::BASE)?;
        if path == "init.mp4" {
            return Some(Reply::Whole(self.init.clone()));
        }
        let (rung, name) = path.split_once('/')?;
        let rate = self.rates.get(rung.parse::<usize>().ok()?)?;
        let number = name.strip_suffix(".m4s")?.parse().ok()?;
        Some(self.segment(now, number, *rate))
    }
}
