//! Program tables (ISO/IEC 13818-1 2.4.4.3, 2.4.4.8) and what they say of streams; the names of services
//! (ETSI EN 300 468 5.2.3).

use kinora_media::{CodecId, ProgramStream, TrackId};

use super::dvb_text;
use crate::framing::Framing;

/// How a stream's payload is cut into packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Carriage {
    /// Access units of a video byte stream in PES packets.
    Video,
    /// Audio frames in PES packets.
    Audio(Framing),
    /// Opus access units, each behind a control header, in PES packets.
    Opus,
    /// Blu-ray's PCM in PES packets.
    Lpcm,
    /// One packet for each PES packet.
    Pes,
    /// PES packets of which nothing is said: the first one shows whether they hold frames of sound.
    Untold,
    /// One packet for each section.
    Sections,
}

/// One stream of a program, as its map lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stream {
    pub(super) pid: u16,
    pub(super) stream_type: u8,
    pub(super) codec: CodecId,
    pub(super) carriage: Carriage,
    pub(super) language: Option<String>,
    /// The media type of what is neither seen nor heard, where it has one.
    pub(super) media_type: Option<&'static str>,
    /// Samples are encrypted one by one.
    pub(super) sample_aes: bool,
    /// Channels that a descriptor tells (Opus).
    pub(super) channels: u16,
    /// The composition and the ancillary page of DVB subtitles: one PID may carry those of several languages.
    pub(super) pages: Option<[u8; 4]>,
}

/// A program's map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ProgramMap {
    pub(super) program: u16,
    pub(super) pcr_pid: u16,
    pub(super) streams: Vec<Stream>,
}

impl ProgramMap {
    /// Whether there is something to see or to hear.
    pub(super) fn has_av(&self) -> bool {
        self.streams.iter().any(|stream| {
            matches!(
                stream.codec.kind(),
                kinora_media::TrackKind::Video | kinora_media::TrackKind::Audio
            )
        })
    }
}

impl From<&Stream> for ProgramStream {
    fn from(stream: &Stream) -> Self {
        Self {
            id: TrackId(stream.pid.into()),
            codec: stream.codec,
            language: stream.language.clone(),
        }
    }
}

/// What a service is called, and who provides it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Service {
    pub(super) name: Option<String>,
    pub(super) provider: Option<String>,
}

/// The body of a section with the long syntax: between its header and its checksum.
fn body(section: &[u8], table: u8) -> Option<(u16, &[u8])> {
    let (&[id, flags, _, ext_high, ext_low, version, ..], rest) =
        section.split_first_chunk::<8>()?;
    // current_next_indicator: a table that is not valid yet is not read.
    if id != table || flags & 0x80 == 0 || version & 1 == 0 {
        return None;
    }
    let body = rest.get(..rest.len().checked_sub(4)?)?;
    Some((u16::from_be_bytes([ext_high, ext_low]), body))
}

/// The program numbers and PIDs of the maps that a program association section lists.
pub(super) fn parse_pat(section: &[u8]) -> Option<Vec<(u16, u16)>> {
    let (_, body) = body(section, 0)?;
    let (entries, _) = body.as_chunks::<4>();
    let programs = entries.iter().filter_map(|&[a, b, c, d]| {
        let program = u16::from_be_bytes([a, b]);
        // Program 0 is the network's own table.
        (program != 0).then_some((program, u16::from_be_bytes([c & 0x1f, d])))
    });
    Some(programs.collect())
}

/// A program map section.
pub(super) fn parse_pmt(section: &[u8]) -> Option<ProgramMap> {
    let (program, body) = body(section, 2)?;
    let (&[pcr_high, pcr_low, info_high, info_low], rest) = body.split_first_chunk()?;
    let info_len = usize::from(u16::from_be_bytes([info_high & 0x0f, info_low]));
    let (info, mut rest) = rest.split_at_checked(info_len)?;
    let program_registration = Descriptors(info).registration();
    let mut streams: Vec<Stream> = Vec::new();
    while let Some((&[kind, pid_high, pid_low, len_high, len_low], after)) =
        rest.split_first_chunk()
    {
        let len = usize::from(u16::from_be_bytes([len_high & 0x0f, len_low]));
        let (descriptors, after) = after.split_at_checked(len.min(after.len()))?;
        rest = after;
        let pid = u16::from_be_bytes([pid_high & 0x1f, pid_low]);
        if streams.iter().all(|stream| stream.pid != pid) {
            streams.push(stream(
                kind,
                pid,
                Descriptors(descriptors),
                program_registration,
            ));
        }
    }
    Some(ProgramMap {
        program,
        pcr_pid: u16::from_be_bytes([pcr_high & 0x1f, pcr_low]),
        streams,
    })
}

/// The ids and names of the services that a section of this stream's service description table lists.
pub(super) fn parse_sdt(section: &[u8]) -> Option<Vec<(u16, Service)>> {
    let (_, body) = body(section, 0x42)?;
    let (_network, mut rest) = body.split_first_chunk::<3>()?;
    let mut services = Vec::new();
    while let Some((&[id_high, id_low, _, len_high, len_low], after)) = rest.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes([len_high & 0x0f, len_low]));
        let (descriptors, after) = after.split_at_checked(len)?;
        rest = after;
        let id = u16::from_be_bytes([id_high, id_low]);
        services.push((id, Descriptors(descriptors).service()));
    }
    Some(services)
}

/// Descriptors one after the other: tag, length, body.
#[derive(Clone, Copy)]
struct Descriptors<'a>(&'a [u8]);

impl<'a> Iterator for Descriptors<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[tag, len], rest) = self.0.split_first_chunk()?;
        let (body, rest) = rest.split_at_checked(len.into())?;
        self.0 = rest;
        Some((tag, body))
    }
}

impl Descriptors<'_> {
    /// `registration_descriptor` (ISO/IEC 13818-1 2.6.8).
    fn registration(mut self) -> Option<[u8; 4]> {
        self.find_map(|(tag, body)| (tag == 0x05).then(|| body.first_chunk().copied())?)
    }

    /// `ISO_639_language_descriptor` (ISO/IEC 13818-1 2.6.18).
    fn language(mut self) -> Option<String> {
        let code = self.find_map(|(tag, body)| {
            // Teletext, DVB subtitles and languages all begin with the language's code.
            matches!(tag, 0x0a | 0x56 | 0x59).then(|| body.first_chunk::<3>().copied())?
        })?;
        let text = code.map(|byte| byte.to_ascii_lowercase());
        let known = text.iter().all(u8::is_ascii_lowercase) && &text != b"und";
        known.then(|| text.iter().copied().map(char::from).collect())
    }

    /// `subtitling_descriptor` (ETSI EN 300 468 6.2.41), its first entry: language, type, pages.
    fn subtitle_pages(mut self) -> Option<[u8; 4]> {
        self.find_map(|(tag, body)| match (tag, body) {
            (0x59, [_, _, _, _, a, b, c, d, ..]) => Some([*a, *b, *c, *d]),
            _ => None,
        })
    }

    /// `service_descriptor` (ETSI EN 300 468 6.2.33): type, provider, name.
    fn service(mut self) -> Service {
        let names = self.find_map(|(tag, body)| {
            let (_type, rest) = (tag == 0x48).then(|| body.split_first())??;
            let (provider, rest) = counted(rest)?;
            let (name, _) = counted(rest)?;
            Some(Service {
                name: dvb_text::decode(name),
                provider: dvb_text::decode(provider),
            })
        });
        names.unwrap_or_default()
    }

    fn opus_channels(mut self) -> u16 {
        self.find_map(|(tag, body)| match (tag, body) {
            (0x7f, [0x80, code, ..]) => Some(u16::from(*code)),
            _ => None,
        })
        .unwrap_or(0)
    }
}

/// A text behind a byte that counts it.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    rest.split_at_checked(len.into())
}

fn stream(
    kind: u8,
    pid: u16,
    descriptors: Descriptors<'_>,
    program_registration: Option<[u8; 4]>,
) -> Stream {
    let (codec, carriage) = match kind {
        0x01 => (CodecId::Mpeg1Video, Carriage::Video),
        0x02 => (CodecId::Mpeg2Video, Carriage::Video),
        0x03 | 0x04 => (CodecId::Mp2, Carriage::Audio(Framing::Mpeg)),
        0x05 => (CodecId::UnknownData, Carriage::Sections),
        0x0f => (CodecId::Aac, Carriage::Audio(Framing::Adts)),
        0x10 => (CodecId::Mpeg4, Carriage::Video),
        0x11 => (CodecId::AacLatm, Carriage::Audio(Framing::Loas)),
        0x15 => (CodecId::Id3, Carriage::Pes),
        0x1b => (CodecId::H264, Carriage::Video),
        0x24 => (CodecId::H265, Carriage::Video),
        0x2d | 0x2e => (CodecId::MpegH, Carriage::Pes),
        0x33 => (CodecId::H266, Carriage::Pes),
        0x80 if is_hdmv(program_registration) => (CodecId::Pcm, Carriage::Lpcm),
        0x81 => (CodecId::Ac3, Carriage::Audio(Framing::Ac3)),
        0x82 if is_cue(descriptors, program_registration) => (CodecId::Scte35, Carriage::Sections),
        0x82 | 0x85 | 0x8a => (CodecId::Dts, Carriage::Audio(Framing::Dts)),
        0x83 => (CodecId::TrueHd, Carriage::Pes),
        0x84 | 0x87 => (CodecId::Eac3, Carriage::Audio(Framing::Ac3)),
        0x86 if is_cue(descriptors, program_registration) || !is_hdmv(program_registration) => {
            (CodecId::Scte35, Carriage::Sections)
        }
        0x86 => (CodecId::Dts, Carriage::Audio(Framing::Dts)),
        // Presentation graphics of Blu-ray.
        0x90 => (CodecId::Pgs, Carriage::Pes),
        0xc1 => (CodecId::Ac3, Carriage::Audio(Framing::Ac3)),
        0xc2 => (CodecId::Eac3, Carriage::Audio(Framing::Ac3)),
        0xcf => (CodecId::Aac, Carriage::Audio(Framing::Adts)),
        0xdb => (CodecId::H264, Carriage::Video),
        0xea => (CodecId::Vc1, Carriage::Pes),
        _ => private_pes(kind, descriptors),
    };
    Stream {
        pid,
        stream_type: kind,
        codec,
        carriage,
        language: descriptors.language(),
        media_type: media_type(codec, descriptors),
        // The types of HLS SAMPLE-AES: headers are in the clear, payload is not.
        sample_aes: matches!(kind, 0xc1 | 0xc2 | 0xcf | 0xdb),
        channels: descriptors.opus_channels(),
        pages: descriptors.subtitle_pages(),
    }
}

/// SCTE-35 8.1: the registration descriptor `CUEI`.
fn is_cue(descriptors: Descriptors<'_>, program: Option<[u8; 4]>) -> bool {
    descriptors.registration().or(program) == Some(*b"CUEI")
}

fn is_hdmv(program: Option<[u8; 4]>) -> bool {
    program == Some(*b"HDMV")
}

fn media_type(codec: CodecId, mut descriptors: Descriptors<'_>) -> Option<&'static str> {
    match codec {
        CodecId::Id3 => Some("application/id3"),
        CodecId::Scte35 => Some("application/x-scte35"),
        // Application signalling (ETSI TS 102 809 5.3.5.1).
        CodecId::UnknownData => descriptors
            .any(|(tag, _)| tag == 0x6f)
            .then_some("application/vnd.dvb.ait"),
        _ => None,
    }
}

/// PES private data (type 0x06) and types that are not assigned: descriptors tell
/// (ETSI EN 300 468 table 12, SMPTE registration).
fn private_pes(kind: u8, descriptors: Descriptors<'_>) -> (CodecId, Carriage) {
    for (tag, body) in descriptors {
        let known = match (tag, body) {
            (0x05, [a, b, c, d, ..]) => registered([*a, *b, *c, *d]),
            (0x6a, _) => Some((CodecId::Ac3, Carriage::Audio(Framing::Ac3))),
            (0x7a, _) => Some((CodecId::Eac3, Carriage::Audio(Framing::Ac3))),
            (0x7b, _) => Some((CodecId::Dts, Carriage::Audio(Framing::Dts))),
            (0x7c, _) => Some((CodecId::Aac, Carriage::Audio(Framing::Adts))),
            (0x7f, [0x15, ..]) => Some((CodecId::Ac4, Carriage::Pes)),
            (0x56, _) => Some((CodecId::DvbTeletext, Carriage::Pes)),
            (0x59, _) => Some((CodecId::DvbSubtitle, Carriage::Pes)),
            _ => None,
        };
        if let Some(known) = known {
            return known;
        }
    }
    match kind {
        0x06 => (CodecId::UnknownData, Carriage::Untold),
        _ => (CodecId::UnknownData, Carriage::Pes),
    }
}

fn registered(format: [u8; 4]) -> Option<(CodecId, Carriage)> {
    Some(match &format {
        b"AC-3" => (CodecId::Ac3, Carriage::Audio(Framing::Ac3)),
        b"EAC3" => (CodecId::Eac3, Carriage::Audio(Framing::Ac3)),
        b"DTS1" | b"DTS2" | b"DTS3" => (CodecId::Dts, Carriage::Audio(Framing::Dts)),
        b"AC-4" => (CodecId::Ac4, Carriage::Pes),
        b"Opus" => (CodecId::Opus, Carriage::Opus),
        b"HEVC" => (CodecId::H265, Carriage::Video),
        b"AV01" => (CodecId::Av1, Carriage::Pes),
        b"VC-1" => (CodecId::Vc1, Carriage::Pes),
        // PCM and what looks like it (SMPTE ST 302).
        b"BSSD" => (CodecId::by_name("s302m")?, Carriage::Pes),
        b"ID3 " => (CodecId::Id3, Carriage::Pes),
        _ => return None,
    })
}
