//! A film whose index is long: the short one, again and again.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;

use super::Film;

/// From one beginning of the short film to the next, in milliseconds: its audio is a little longer than its pictures.
const LEN_MS: u32 = 12_100;
/// Pictures of the short film, and chunks of each of its tracks.
const PICTURES: u32 = 120;
const CHUNKS: u32 = 119;

impl Film {
    /// [`Film::mp4`] so many times in a row, as one file with its index in front and without edit lists.
    #[must_use]
    pub fn mp4_repeated(times: u32) -> Bytes {
        let film = Self::mp4();
        let boxes = split(&film);
        let of = |kind: &[u8; 4]| boxes.iter().find(|(found, _)| found == kind).map(|b| b.1);
        let (ftyp, moov, mdat) = (of(b"ftyp"), of(b"moov"), of(b"mdat"));
        let (ftyp, moov, mdat) = (ftyp.unwrap(), moov.unwrap(), mdat.unwrap());
        let media_at = u32::try_from(film.len() - mdat.len()).unwrap();
        let head = boxed(*b"ftyp", ftyp);
        let mut repeat = Repeat {
            times,
            media_len: u32::try_from(mdat.len()).unwrap(),
            shift: 0,
            timescale: 1,
        };
        // The index is as long wherever the media lie.
        let index_len = repeat.moov(moov).len();
        repeat.shift = u32::try_from(head.len() + index_len + 8).unwrap() - media_at;
        [
            head,
            repeat.moov(moov),
            boxed(*b"mdat", &mdat.repeat(times as usize)),
        ]
        .concat()
        .into()
    }
}

struct Repeat {
    times: u32,
    media_len: u32,
    /// How much further behind the media of the first one lie.
    shift: u32,
    timescale: u32,
}

impl Repeat {
    fn moov(&mut self, body: &[u8]) -> Vec<u8> {
        boxed(*b"moov", &self.children(body))
    }

    fn children(&mut self, body: &[u8]) -> Vec<u8> {
        let children = split(body)
            .into_iter()
            .map(|(kind, body)| self.child(kind, body));
        children.collect::<Vec<_>>().concat()
    }

    fn child(&mut self, kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let new = match &kind {
            b"trak" | b"mdia" | b"minf" | b"stbl" => self.children(body),
            b"edts" | b"sgpd" | b"sbgp" => return Vec::new(),
            b"mdhd" => {
                self.timescale = word(body, 3);
                // Its duration is told by the tables.
                [&body[..16], &[0; 4], &body[20..]].concat()
            }
            b"stts" => self.durations(body),
            b"ctts" => self.entries(body, 2, |entry, _| entry),
            b"stsz" => {
                let (head, sizes) = body.split_at(12);
                let count = word(head, 2) * self.times;
                [
                    &head[..8],
                    &count.to_be_bytes(),
                    &sizes.repeat(self.times as usize),
                ]
                .concat()
            }
            b"stco" => {
                let (shift, len) = (self.shift, self.media_len);
                self.entries(body, 1, |entry, n| vec![entry[0] + shift + n * len])
            }
            b"stss" => self.entries(body, 1, |entry, n| vec![entry[0] + n * PICTURES]),
            b"stsc" => {
                // Both tracks have as many chunks.
                self.entries(body, 3, |entry, n| {
                    vec![entry[0] + n * CHUNKS, entry[1], entry[2]]
                })
            }
            _ => body.to_vec(),
        };
        boxed(kind, &new)
    }

    /// The last sample lasts until the film begins anew.
    fn durations(&self, body: &[u8]) -> Vec<u8> {
        let runs = (body.len() - 8) / 8;
        let run = |n: usize| (word(body, 2 + n * 2), word(body, 3 + n * 2));
        let before: u32 = (0..runs - 1).map(|n| run(n).0 * run(n).1).sum();
        let (count, delta) = run(runs - 1);
        let last = LEN_MS * (self.timescale / 10) / 100 - before - (count - 1) * delta;
        let mut film: Vec<u32> = (0..runs - 1).flat_map(|n| [run(n).0, run(n).1]).collect();
        film.extend(
            [count - 1, delta, 1, last]
                .iter()
                .skip(if count == 1 { 2 } else { 0 }),
        );
        let entries = film.repeat(self.times as usize);
        let count = u32::try_from(entries.len() / 2).unwrap();
        words([word(body, 0), count].into_iter().chain(entries))
    }

    /// A table of `len` words an entry, each changed for the `n`th film.
    fn entries(
        &self,
        body: &[u8],
        len: usize,
        change: impl Fn(Vec<u32>, u32) -> Vec<u32>,
    ) -> Vec<u8> {
        let count = word(body, 1);
        let all = (0..self.times).flat_map(|film| {
            let change = &change;
            (0..count as usize).flat_map(move |entry| {
                let entry = (0..len).map(|n| word(body, 2 + entry * len + n));
                change(entry.collect(), film)
            })
        });
        words([word(body, 0), count * self.times].into_iter().chain(all))
    }
}

fn word(bytes: &[u8], index: usize) -> u32 {
    u32::from_be_bytes(bytes[index * 4..][..4].try_into().unwrap())
}

fn words(words: impl Iterator<Item = u32>) -> Vec<u8> {
    words.flat_map(u32::to_be_bytes).collect()
}

fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 8).unwrap();
    [&len.to_be_bytes()[..], &kind, body].concat()
}

/// Kinds and bodies of boxes that follow each other.
fn split(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut boxes = Vec::new();
    while !bytes.is_empty() {
        let (whole, rest) = bytes.split_at(word(bytes, 0) as usize);
        boxes.push((whole[4..8].try_into().unwrap(), &whole[8..]));
        bytes = rest;
    }
    boxes
}
