//! Files of pictures: `.sup` (PGS), and the pair of `.idx` and `.sub` that VobSub is.

use kinora_media::{Time, Timebase};

use super::{Bytes, pgs, vobsub};
use crate::text::{self, Lines};
use crate::{Cue, Document, Format, Limits, SubtitleError, Update};

/// Each segment of a `.sup` file begins so.
const SUP: &[u8] = b"PG";
/// The first line of an `.idx` file.
const INDEX: &[u8] = b"# VobSub index file";
/// A pack of a program stream (ISO/IEC 13818-1 2.5.3.3), as a `.sub` file begins.
const PACK: &[u8] = &[0, 0, 1, 0xba];

/// One of the two files that VobSub subtitles are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VobSubPart {
    /// `.idx`: colours, times and places, as text.
    Index,
    /// `.sub`: the pictures.
    Stream,
}

impl VobSubPart {
    /// Which of them a file is; `None`: neither.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if text.starts_with(INDEX) {
            return Some(Self::Index);
        }
        bytes.starts_with(PACK).then_some(Self::Stream)
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Index => Self::Stream,
            Self::Stream => Self::Index,
        }
    }

    /// How its file's name ends.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Index => "idx",
            Self::Stream => "sub",
        }
    }
}

/// Whether a file is of pictures: those are longer than text.
pub(crate) fn is_of_pictures(begin: &[u8]) -> bool {
    is_sup(begin) || VobSubPart::of(begin) == Some(VobSubPart::Stream)
}

/// Whether a file is a `.sup`: a segment of a kind that there is.
pub(crate) fn is_sup(begin: &[u8]) -> bool {
    begin.starts_with(SUP) && matches!(begin.get(10), Some(0x14..=0x17 | 0x80))
}

/// Keeps what is shown, each with its end.
struct Shown {
    document: Document,
    open: Vec<Cue>,
}

impl Shown {
    fn new(format: Format) -> Self {
        Self {
            document: Document::new(format),
            open: Vec::new(),
        }
    }

    fn take(&mut self, update: Update) {
        match update {
            Update::Add(cue) => self.document.add(cue),
            Update::Replace { at, cues } => {
                for mut cue in core::mem::replace(&mut self.open, cues) {
                    cue.end = at;
                    self.document.add(cue);
                }
            }
        }
    }

    fn finish(mut self, damaged: u32) -> Document {
        for cue in core::mem::take(&mut self.open) {
            self.document.add(cue);
        }
        self.document.damaged = self.document.damaged.saturating_add(damaged);
        self.document
    }
}

/// Reads a `.sup` file: segments of PGS, before each of which stand two letters and two times of 90 kHz.
///
/// # Errors
/// When it holds more than allowed.
pub(crate) fn parse_sup(bytes: &[u8], limits: &Limits) -> Result<Document, SubtitleError> {
    let mut decoder = pgs::Decoder::default();
    let mut shown = Shown::new(Format::Pgs);
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, SUP) {
        if at > 0 {
            shown.document.damage();
        }
        rest = rest.get(at..).unwrap_or_default();
        let Some((segment, time, after)) = segment(rest) else {
            shown.document.damage();
            rest = rest.get(SUP.len()..).unwrap_or_default();
            continue;
        };
        for update in decoder.decode(segment, time) {
            shown.take(update);
        }
        limits.check(&shown.document)?;
        rest = after;
    }
    Ok(shown.finish(decoder.damaged()))
}

/// A segment with its head, its time, and what follows it.
fn segment(bytes: &[u8]) -> Option<(&[u8], Time, &[u8])> {
    const HEAD: usize = 10;
    let mut head = Bytes(bytes.get(SUP.len()..)?);
    let time = u32::from_be_bytes(*head.take(4)?.first_chunk()?);
    let body = bytes.get(HEAD..)?;
    let length = Bytes(body.get(1..)?).short()?;
    let (segment, after) = body.split_at_checked(usize::from(length).saturating_add(3))?;
    matches!(segment.first(), Some(0x14..=0x17 | 0x80)).then_some(())?;
    let clock = Timebase::from_hz(90_000)?;
    Some((segment, clock.to_time(time.into()), after))
}

/// Reads the two files that VobSub subtitles are. Of several languages it takes the one that the index names, else the first.
///
/// # Errors
/// When there is more than allowed.
pub fn parse_vobsub(
    index: &[u8],
    stream: &[u8],
    limits: &Limits,
) -> Result<Document, SubtitleError> {
    let text = crate::charset::decode(index, None).text;
    let track = Index::new(&text, limits)?.chosen();
    let mut decoder = vobsub::Decoder::new(text.as_bytes(), None);
    let mut shown = Shown::new(Format::VobSub);
    shown.document.language = track.language.filter(|name| name != "--");
    let ends = track.entries.iter().skip(1).map(|(time, _)| Some(*time));
    let ends = ends.chain([None]);
    for ((start, place), next) in track.entries.iter().zip(ends) {
        let Some(packet) = subpicture(stream, *place) else {
            shown.document.damage();
            continue;
        };
        #[allow(clippy::arithmetic_side_effects)] // Time saturates
        let until_next = next.map(|next| next - *start).filter(|it| *it > Time::ZERO);
        for update in decoder.decode(&packet, *start, until_next) {
            shown.take(update);
        }
        limits.check(&shown.document)?;
    }
    Ok(shown.finish(decoder.damaged()))
}

/// What an `.idx` file says of one language.
#[derive(Debug, Default)]
struct Track {
    number: Option<u32>,
    language: Option<String>,
    /// When each picture is shown, and where it lies in the stream.
    entries: Vec<(Time, usize)>,
}

#[derive(Debug, Default)]
struct Index {
    named: Option<u32>,
    tracks: Vec<Track>,
    delay: Time,
}

impl Index {
    fn new(text: &str, limits: &Limits) -> Result<Self, SubtitleError> {
        let mut index = Self::default();
        let mut count = 0_usize;
        for line in Lines::new(text) {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            match key.trim() {
                "langidx" => index.named = value.trim().parse().ok(),
                "id" => index.begin(value),
                "delay" => index.delay = delay(value).unwrap_or_default(),
                "timestamp" => {
                    count = count.saturating_add(1);
                    index.entry(value);
                }
                _ => {}
            }
            if count > limits.cues {
                return Err(SubtitleError::TooMany("cues"));
            }
        }
        Ok(index)
    }

    /// `en, index: 0`.
    fn begin(&mut self, value: &str) {
        let (language, number) = value.split_once(',').unwrap_or((value, ""));
        let number = number.split_once(':').map(|(_, number)| number.trim());
        self.delay = Time::ZERO;
        self.tracks.push(Track {
            number: number.and_then(|number| number.parse().ok()),
            language: Some(language.trim().to_owned()).filter(|it| !it.is_empty()),
            entries: Vec::new(),
        });
    }

    /// `00:00:01:101, filepos: 000000000`, the place in hexadecimal digits.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn entry(&mut self, value: &str) {
        let place = value.split_once("filepos:").and_then(|(time, place)| {
            let place = usize::from_str_radix(place.trim(), 16).ok()?;
            Some((clock(time.trim().trim_end_matches(','))?, place))
        });
        let Some((time, place)) = place else { return };
        if self.tracks.is_empty() {
            self.tracks.push(Track::default());
        }
        if let Some(track) = self.tracks.last_mut() {
            track.entries.push((time + self.delay, place));
        }
    }

    fn chosen(self) -> Track {
        let mut tracks = self.tracks;
        tracks.retain(|track| !track.entries.is_empty());
        let named = tracks
            .iter()
            .position(|track| self.named.is_some() && track.number == self.named);
        match tracks.is_empty() {
            true => Track::default(),
            false => tracks.swap_remove(named.unwrap_or(0)),
        }
    }
}

/// `00:01:02:345`.
fn clock(text: &str) -> Option<Time> {
    let mut parts = text.trim().split([':', '.', ',']);
    let mut part = || parts.next().map(str::trim);
    let (hours, minutes, seconds, decimals) = (part()?, part()?, part()?, part()?);
    let number = text::digits;
    text::clock(number(hours)?, number(minutes)?, number(seconds)?, decimals)
}

#[allow(clippy::arithmetic_side_effects)] // Time saturates
fn delay(text: &str) -> Option<Time> {
    let text = text.trim();
    match text.strip_prefix('-') {
        Some(text) => clock(text).map(|time| -time),
        None => clock(text),
    }
}

/// Packets of a program stream that one picture may lie in.
const MAX_PACKETS: usize = 256;

/// The picture that begins at a place of a `.sub` file. It lies in packets of private stream 1, whose first byte tells the
/// language's number; its own first two bytes tell how long it is.
fn subpicture(stream: &[u8], place: usize) -> Option<Vec<u8>> {
    let mut rest = stream.get(place..)?;
    let mut picture = Vec::new();
    let mut language = None;
    for _ in 0..MAX_PACKETS {
        let (kind, packet, after) = packet(rest)?;
        rest = after;
        if kind != PRIVATE_1 {
            continue;
        }
        // Flags, flags, and how long the rest of the head is (ISO/IEC 13818-1 2.4.3.6).
        let head = usize::from(*packet.get(2)?).saturating_add(3);
        let (number, data) = packet.get(head..)?.split_first()?;
        if *language.get_or_insert(*number) != *number {
            continue;
        }
        picture.extend_from_slice(data);
        let length = Bytes(&picture).short().map(usize::from);
        if length.is_some_and(|length| picture.len() >= length) {
            picture.truncate(length?);
            return Some(picture);
        }
    }
    None
}

const PRIVATE_1: u8 = 0xbd;

/// The kind of a packet, what is in it, and what follows.
fn packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (start, rest) = bytes.split_first_chunk::<4>()?;
    let [0, 0, 1, kind] = *start else {
        return None;
    };
    let (head, length) = match kind {
        // The stuffing of MPEG-2; MPEG-1 has none.
        0xba if rest.first()? >> 6 == 1 => {
            let stuffing = usize::from(rest.get(9)? & 7);
            (0, stuffing.saturating_add(10))
        }
        0xba => (0, 8),
        0xb9 => return None,
        _ => (2, usize::from(Bytes(rest).short()?)),
    };
    let (packet, after) = rest.get(head..)?.split_at_checked(length)?;
    Some((kind, packet, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, parse};

    fn segment(kind: u8, pts: u32, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let times = [pts.to_be_bytes(), [0; 4]].concat();
        [SUP, &times[..], &[kind], &length, body].concat()
    }

    /// 4x2 pixels of colour 1 from 1 s to 2 s.
    fn sup() -> Vec<u8> {
        let composition = |state, count| vec![1, 64, 0, 180, 0x10, 0, 1, state, 0, 0, count];
        let shown = [composition(0x80, 1), vec![0, 0, 0, 0, 0, 16, 0, 14]].concat();
        let line = [0, 0x84, 1, 0, 0];
        let object = [&[0, 0, 0, 0xc0, 0, 0, 14, 0, 4, 0, 2][..], &line, &line].concat();
        [
            segment(0x16, 90_000, &shown),
            segment(0x14, 90_000, &[0, 0, 1, 235, 128, 128, 255]),
            segment(0x15, 90_000, &object),
            segment(0x80, 90_000, &[]),
            segment(0x16, 180_000, &composition(0, 0)),
            segment(0x80, 180_000, &[]),
        ]
        .concat()
    }

    fn times(document: &Document) -> Vec<(i64, i64)> {
        let cues = document.cues.iter();
        cues.map(|cue| (cue.start.as_millis(), cue.end.as_millis()))
            .collect()
    }

    #[test]
    fn a_sup_file_is_known_and_its_pictures_have_ends() {
        let document = parse(&sup(), &Options::default()).unwrap();
        assert_eq!((document.format, document.damaged), (Format::Pgs, 0));
        assert_eq!(times(&document), [(1_000, 2_000)]);
        let bitmap = &document.cues[0].bitmaps[0];
        assert_eq!((bitmap.width, bitmap.height), (4, 2));
        assert_eq!(bitmap.pixels.unpacked()[..], [1; 8]);
    }

    #[test]
    fn a_damaged_sup_file_gives_what_it_has() {
        let sup = sup();
        let twice = [&sup[..], b"rubbish", &sup].concat();
        let document = parse(&twice, &Options::default()).unwrap();
        assert_eq!((document.cues.len(), document.damaged), (2, 1));
        for end in 11..sup.len() {
            let document = parse(&sup[..end], &Options::default()).unwrap();
            assert!(document.cues.len() <= 1);
        }
    }

    /// A pack, and packets of a picture: 4x2 pixels of colours, shown from 0 to 1.024 s after its time.
    fn sub(number: u8, pixel: u8) -> Vec<u8> {
        let mut picture = vec![0, 0, 0, 6];
        // Even lines, then odd lines: runs of four bits: to the end of the line, of that colour.
        picture.extend([0, pixel]);
        let commands = u16::try_from(picture.len()).unwrap().to_be_bytes();
        picture[2..4].copy_from_slice(&commands);
        let own = commands;
        picture.extend([0, 0]);
        picture.extend(own);
        picture.extend([
            3, 0x32, 0x10, 4, 0xff, 0xff, 5, 1, 0, 0x13, 2, 0, 0x21, 6, 0, 4, 0, 4,
        ]);
        picture.extend([1, 0xff]);
        let length = u16::try_from(picture.len()).unwrap().to_be_bytes();
        picture[..2].copy_from_slice(&length);
        let mut stream = [PACK, &[0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xf8]].concat();
        // In two packets, with padding between them.
        for part in picture.chunks(10) {
            let length = u16::try_from(part.len() + 4).unwrap().to_be_bytes();
            stream.extend([0, 0, 1, PRIVATE_1]);
            stream.extend(length);
            stream.extend([0x81, 0, 0, number]);
            stream.extend(part);
            stream.extend([0, 0, 1, 0xbe, 0, 2, 0xff, 0xff]);
        }
        stream
    }

    #[test]
    fn an_index_and_its_stream_are_read_together() {
        let (first, second) = (sub(0x20, 1), sub(0x21, 2));
        let stream = [&first[..], &second].concat();
        let index = format!(
            "# VobSub index file, v7\nsize: 720x480\npalette: 000000, ff0000, 00ff00, 0000ff\nlangidx: 1\n\n\
             id: en, index: 0\ntimestamp: 00:00:01:000, filepos: 000000000\n\n\
             id: de, index: 1\ndelay: 00:00:00:500\ntimestamp: 00:00:02:000, filepos: {:09x}\n\
             timestamp: 00:00:09:000, filepos: 0fffffff\n",
            first.len()
        );
        assert_eq!(VobSubPart::of(index.as_bytes()), Some(VobSubPart::Index));
        assert_eq!(VobSubPart::of(&stream), Some(VobSubPart::Stream));
        let document = parse_vobsub(index.as_bytes(), &stream, &Limits::default()).unwrap();
        assert_eq!(document.language.as_deref(), Some("de"));
        assert_eq!((document.cues.len(), document.damaged), (1, 1));
        assert_eq!(document.cues[0].start.as_millis(), 2_500);
        let bitmap = &document.cues[0].bitmaps[0];
        assert_eq!((bitmap.canvas, bitmap.x, bitmap.y), ((720, 480), 16, 32));
        assert_eq!((bitmap.width, bitmap.height), (4, 2));
        for end in 0..stream.len() {
            parse_vobsub(index.as_bytes(), &stream[..end], &Limits::default()).unwrap();
        }
        assert!(
            parse_vobsub(b"", b"", &Limits::default())
                .unwrap()
                .cues
                .is_empty()
        );
    }

    #[test]
    fn a_part_of_a_pair_alone_is_told_from_text() {
        let error = parse(&sub(0x20, 1), &Options::default()).unwrap_err();
        assert_eq!(error, SubtitleError::Incomplete(VobSubPart::Stream));
    }
}
