//! Which container bytes begin, and the demuxer for it.
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects
    )
)]

use bytes::{Bytes, BytesMut};
use kinora_media::bitstream::aac::AdtsHeader;
use kinora_media::bitstream::ac3;
use kinora_media::bitstream::mpeg_audio::FrameHeader;

use crate::adts::{Ac3Demuxer, AdtsDemuxer};
use crate::mp3::Mp3Demuxer;
use crate::mp4::Mp4Demuxer;
use crate::ts::{TsDemuxer, TsOptions};
use crate::{DemuxError, Demuxer, SeekTo, Step};

/// What a resource is wrapped in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ContainerKind {
    /// MP4, QuickTime, fragmented or not.
    Mp4,
    /// MPEG-2 transport stream.
    Ts,
    /// AAC frames with ADTS headers.
    Adts,
    /// AC-3 or E-AC-3 frames.
    Ac3,
    /// MPEG audio frames.
    Mp3,
    /// An HLS playlist: text that names media, no media itself.
    HlsPlaylist,
    /// Matroska or WebM.
    Matroska,
    /// Flash video.
    Flv,
    /// Ogg.
    Ogg,
    /// RIFF: WAVE or AVI.
    Riff,
    /// Native FLAC.
    Flac,
}

impl ContainerKind {
    /// What a person calls it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Mp4 => "MP4",
            Self::Ts => "an MPEG transport stream",
            Self::Adts => "AAC in ADTS",
            Self::Ac3 => "AC-3",
            Self::Mp3 => "MPEG audio",
            Self::HlsPlaylist => "an HLS playlist",
            Self::Matroska => "Matroska or WebM",
            Self::Flv => "Flash video (FLV)",
            Self::Ogg => "Ogg",
            Self::Riff => "a RIFF file (WAVE or AVI)",
            Self::Flac => "FLAC",
        }
    }
}

/// What the first bytes of a resource tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sniff {
    /// It is this.
    Known(ContainerKind),
    /// More bytes must be seen.
    NeedMore,
    /// It begins like nothing that we know.
    Unknown,
}

/// After so many bytes a resource must have shown what it is.
pub(crate) const SNIFF_LIMIT: usize = 64 * 1024;
/// Tags in a row that are looked behind: some taggers put one before another's.
const MOST_TAGS: usize = 8;
/// Bytes between sync bytes: plain, with a time stamp before, with a checksum behind.
const TS_STRIDES: [(usize, usize); 3] = [(188, 0), (192, 4), (204, 0)];
const TS_SYNC: u8 = 0x47;

/// Tells a container by its first bytes. File name and content type are not asked: they lie.
#[must_use]
pub fn sniff(head: &[u8]) -> Sniff {
    sniff_behind_tags(head, MOST_TAGS)
}

fn sniff_behind_tags(head: &[u8], tags_left: usize) -> Sniff {
    if let Some(kind) = by_magic(head) {
        return Sniff::Known(kind);
    }
    if head.starts_with(b"ID3") {
        return behind_id3(head, tags_left);
    }
    if is_something_else(head) {
        return Sniff::Unknown;
    }
    match transport_stream(head) {
        Some(kind) => Sniff::Known(kind),
        None => audio_frames(head),
    }
}

/// The demuxer for a container; `None` for one that is known by name only.
#[must_use]
pub fn open(kind: ContainerKind) -> Option<Box<dyn Demuxer>> {
    match kind {
        ContainerKind::Mp4 => Some(Box::new(Mp4Demuxer::new())),
        ContainerKind::Ts => Some(Box::new(TsDemuxer::new(TsOptions::default()))),
        ContainerKind::Adts => Some(Box::new(AdtsDemuxer::new())),
        ContainerKind::Ac3 => Some(Box::new(Ac3Demuxer::new())),
        ContainerKind::Mp3 => Some(Box::new(Mp3Demuxer::new())),
        _ => None,
    }
}

fn by_magic(head: &[u8]) -> Option<ContainerKind> {
    const MAGIC: [(&[u8], ContainerKind); 8] = [
        (b"#EXTM3U", ContainerKind::HlsPlaylist),
        (b"\xef\xbb\xbf#EXTM3U", ContainerKind::HlsPlaylist),
        (b"\x1a\x45\xdf\xa3", ContainerKind::Matroska),
        (b"FLV\x01", ContainerKind::Flv),
        (b"OggS\0", ContainerKind::Ogg),
        (b"RIFF", ContainerKind::Riff),
        (b"fLaC", ContainerKind::Flac),
        (b"\x0b\x77", ContainerKind::Ac3),
    ];
    if begins_with_box(head) {
        return Some(ContainerKind::Mp4);
    }
    MAGIC
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, kind)| *kind)
}

/// A box that may stand first in an MP4 or QuickTime file or in a segment of one.
fn begins_with_box(head: &[u8]) -> bool {
    const FIRST: [&[u8; 4]; 16] = [
        b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx", b"emsg",
        b"prft", b"pnot", b"uuid", b"mfra", b"udta", b"meta",
    ];
    let Some((size, rest)) = head.split_first_chunk::<4>() else {
        return false;
    };
    let size = u32::from_be_bytes(*size);
    rest.first_chunk::<4>()
        .is_some_and(|kind| FIRST.contains(&kind))
        && (size <= 1 || size >= 8)
}

/// Audio files may begin with a tag (ID3v2 3.1) whose size takes seven bits a byte.
fn behind_id3(head: &[u8], tags_left: usize) -> Sniff {
    let Some(tags_left) = tags_left.checked_sub(1) else {
        return Sniff::Known(ContainerKind::Mp3);
    };
    let Some(&[_, _, _, major, _, flags, a, b, c, d]) = head.first_chunk::<10>() else {
        return Sniff::NeedMore;
    };
    let size = [a, b, c, d]
        .iter()
        .fold(0usize, |size, byte| size << 7 | usize::from(byte & 0x7f));
    let footer = if major == 4 && flags & 0x10 != 0 {
        10
    } else {
        0
    };
    let tag = size.saturating_add(10).saturating_add(footer);
    match head.get(tag..) {
        Some(rest) if rest.len() >= 10 || head.len() >= SNIFF_LIMIT => {
            match sniff_behind_tags(rest, tags_left) {
                // Padding or damage behind the tag: players of tagged music scan on, so do we.
                Sniff::Unknown => Sniff::Known(ContainerKind::Mp3),
                Sniff::NeedMore if head.len() >= SNIFF_LIMIT => Sniff::Known(ContainerKind::Mp3),
                other => other,
            }
        }
        // Cover pictures are large: nearly all tagged files are MP3.
        None if tag > SNIFF_LIMIT => Sniff::Known(ContainerKind::Mp3),
        _ => Sniff::NeedMore,
    }
}

fn transport_stream(head: &[u8]) -> Option<ContainerKind> {
    TS_STRIDES
        .iter()
        .any(|(stride, _)| {
            memchr::memchr_iter(TS_SYNC, head).any(|at| {
                // Behind junk more of them must agree.
                let enough = if at < *stride { 3 } else { 5 };
                syncs(head, at, *stride) >= enough
            })
        })
        .then_some(ContainerKind::Ts)
}

/// How many sync bytes lie one stride apart, as far as the bytes go; 0 when one is missing.
fn syncs(head: &[u8], from: usize, stride: usize) -> usize {
    let places = head.iter().skip(from).step_by(stride).take(5);
    match places.clone().all(|byte| *byte == TS_SYNC) {
        true => places.count(),
        false => 0,
    }
}

fn may_be_transport_stream(head: &[u8]) -> bool {
    head.len() < 204 * 4
        && TS_STRIDES
            .iter()
            .any(|(stride, first)| syncs(head, *first, *stride) >= 1)
}

/// Two frames in a row that agree, junk before them or not; while there are few bytes, more are
/// wanted.
fn audio_frames(head: &[u8]) -> Sniff {
    for at in memchr::memchr2_iter(0xff, 0x0b, head) {
        match frame_pair(head.get(at..).unwrap_or_default()) {
            Sniff::Unknown => {}
            Sniff::NeedMore if at > 0 => {}
            other => return other,
        }
    }
    match head.len() < SNIFF_LIMIT {
        true => Sniff::NeedMore,
        false => Sniff::Unknown,
    }
}

fn frame_pair(data: &[u8]) -> Sniff {
    if let Ok(first) = AdtsHeader::parse(data) {
        return confirmed(data, first.frame_len, AdtsHeader::LEN, |next| {
            let next = AdtsHeader::parse(next).ok()?;
            first.same_stream(&next).then_some(ContainerKind::Adts)
        });
    }
    if let Ok(first) = ac3::FrameHeader::parse(data) {
        return confirmed(data, first.frame_len, ac3::FrameHeader::LEN, |next| {
            let next = ac3::FrameHeader::parse(next).ok()?;
            (first.sample_rate == next.sample_rate).then_some(ContainerKind::Ac3)
        });
    }
    match FrameHeader::parse(data) {
        Ok(first) if first.frame_len >= FrameHeader::LEN => {
            confirmed(data, first.frame_len, FrameHeader::LEN, |next| {
                let next = FrameHeader::parse(next).ok()?;
                first.same_stream(&next).then_some(ContainerKind::Mp3)
            })
        }
        _ => Sniff::Unknown,
    }
}

/// What a frame of some length begins, if the header behind it agrees.
fn confirmed(
    data: &[u8],
    frame_len: usize,
    header_len: usize,
    agrees: impl Fn(&[u8]) -> Option<ContainerKind>,
) -> Sniff {
    match data.get(frame_len..) {
        Some(next) if next.len() >= header_len => agrees(next).map_or(Sniff::Unknown, Sniff::Known),
        _ => Sniff::NeedMore,
    }
}

/// What other files begin with.
const LOOKS: [(&[u8], &str); 13] = [
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"\x7fELF", "a program"),
    (b"\x30\x26\xb2\x75", "Windows Media (ASF)"),
    (b".RMF", "RealMedia"),
    (b"\0\0\x01\xba", "an MPEG program stream"),
    (b"\x7f\xfe\x80\x01", "DTS sound"),
    (b"#!AMR", "AMR speech"),
    (b"WEBVTT", "WebVTT subtitles"),
];

/// In their midst frames of sound may lie, which must not be taken for all.
fn is_something_else(head: &[u8]) -> bool {
    LOOKS.iter().any(|(magic, _)| head.starts_with(magic))
}

/// What bytes look like that begin no container, for people.
#[must_use]
pub fn describe(head: &[u8]) -> String {
    if head.is_empty() {
        return "the resource is empty".to_owned();
    }
    if let Some((_, look)) = LOOKS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return format!("it looks like {look}");
    }
    if head.iter().all(|byte| *byte == 0) {
        return "it begins with nothing but zeros".to_owned();
    }
    let head = head.get(..512).unwrap_or(head);
    let text = String::from_utf8_lossy(head)
        .trim_start()
        .to_ascii_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        return "it is an HTML page, perhaps an error page of the server".to_owned();
    }
    if text.starts_with("<?xml") || text.starts_with("<mpd") {
        return match text.contains("<mpd") {
            true => "it is a DASH manifest".to_owned(),
            false => "it is an XML document".to_owned(),
        };
    }
    if text.starts_with('{') || text.starts_with('[') {
        return "it looks like JSON".to_owned();
    }
    if head
        .iter()
        .all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..))
    {
        return "it looks like text".to_owned();
    }
    let first: Vec<String> = head
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("it begins with the bytes {}", first.join(" "))
}

/// A demuxer that looks at the first bytes and then is the one for them.
pub struct ProbingDemuxer {
    state: Probe,
    total_len: Option<u64>,
}

enum Probe {
    /// Bytes of the start, the end reached or not.
    Looking {
        head: BytesMut,
        ended: bool,
    },
    Found(Box<dyn Demuxer>),
    Failed(DemuxError),
}

impl Default for ProbingDemuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl ProbingDemuxer {
    /// Waits for the first bytes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Probe::Looking {
                head: BytesMut::new(),
                ended: false,
            },
            total_len: None,
        }
    }

    fn decide(&mut self) {
        let Probe::Looking { head, ended } = &mut self.state else {
            return;
        };
        let kind = match sniff(head) {
            Sniff::Known(kind) => kind,
            Sniff::NeedMore if !*ended && head.len() < SNIFF_LIMIT => return,
            Sniff::NeedMore if may_be_transport_stream(head) && head.len() >= 188 => {
                ContainerKind::Ts
            }
            Sniff::NeedMore | Sniff::Unknown => {
                self.state = Probe::Failed(DemuxError::UnknownContainer(describe(head)));
                return;
            }
        };
        let Some(mut demuxer) = open(kind) else {
            self.state = Probe::Failed(match kind {
                ContainerKind::HlsPlaylist => DemuxError::Playlist,
                kind => {
                    let what = format!("{} is not supported here", kind.title());
                    DemuxError::UnknownContainer(what)
                }
            });
            return;
        };
        if let Some(total_len) = self.total_len {
            demuxer.set_len(total_len);
        }
        demuxer.push(0, head.split().freeze());
        if *ended {
            demuxer.finish();
        }
        self.state = Probe::Found(demuxer);
    }
}

impl Demuxer for ProbingDemuxer {
    fn push(&mut self, offset: u64, data: Bytes) {
        match &mut self.state {
            Probe::Found(demuxer) => demuxer.push(offset, data),
            Probe::Failed(_) => {}
            Probe::Looking { head, .. } if head.is_empty() && offset == 0 => {
                // One chunk usually tells: it is then handed on without a copy.
                if let Sniff::Known(kind) = sniff(&data)
                    && let Some(mut demuxer) = open(kind)
                {
                    if let Some(total_len) = self.total_len {
                        demuxer.set_len(total_len);
                    }
                    demuxer.push(0, data);
                    self.state = Probe::Found(demuxer);
                    return;
                }
                head.extend_from_slice(&data);
            }
            Probe::Looking { head, .. } => {
                let expected = u64::try_from(head.len()).unwrap_or(u64::MAX);
                let known = expected.checked_sub(offset).map(usize::try_from);
                if let Some(Ok(known)) = known {
                    head.extend_from_slice(data.get(known..).unwrap_or_default());
                }
            }
        }
    }

    fn finish(&mut self) {
        match &mut self.state {
            Probe::Looking { ended, .. } => *ended = true,
            Probe::Found(demuxer) => demuxer.finish(),
            Probe::Failed(_) => {}
        }
    }

    fn set_len(&mut self, total_len: u64) {
        self.total_len = Some(total_len);
        if let Probe::Found(demuxer) = &mut self.state {
            demuxer.set_len(total_len);
        }
    }

    fn poll(&mut self) -> Result<Step, DemuxError> {
        self.decide();
        match &mut self.state {
            Probe::Looking { .. } => Ok(Step::NeedMore),
            Probe::Found(demuxer) => demuxer.poll(),
            Probe::Failed(error) => Err(error.clone()),
        }
    }

    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        match &mut self.state {
            Probe::Looking { .. } => Err(DemuxError::NotSeekable("its headers are not read yet")),
            Probe::Found(demuxer) => demuxer.seek(target),
            Probe::Failed(error) => Err(error.clone()),
        }
    }

    fn find_duration(&mut self) -> bool {
        match &mut self.state {
            Probe::Found(demuxer) => demuxer.find_duration(),
            Probe::Looking { .. } | Probe::Failed(_) => false,
        }
    }

    fn damage(&self) -> u64 {
        match &self.state {
            Probe::Found(demuxer) => demuxer.damage(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests;
