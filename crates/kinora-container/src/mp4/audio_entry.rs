//! Audio sample entries, QuickTime's sound descriptions included.

use bytes::Bytes;
use kinora_media::bitstream::flac::StreamInfo;
use kinora_media::{AudioParams, CodecId, pcm_flag};

use super::boxes::{MAX_DEPTH, Reader, Short, children, find};
use super::config;
use super::entry::{SampleEntry, average_bitrate};
use crate::codec_config::describe_audio;

/// Channels by `acmod` of AC-3, without the low frequency channel (ETSI TS 102 366 4.4.2.3).
const AC3_CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
const AC3_RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// An `AudioSampleEntry` (ISO/IEC 14496-12 12.2.3) or a QuickTime sound description.
pub(crate) fn read(entry: &mut SampleEntry, body: &Bytes, stsd_version: u8) -> Result<(), Short> {
    let mut reader = Reader::new(body);
    reader.skip(8)?;
    // Only in a version 0 `stsd` is this QuickTime's version; ISO's version 1 has no more fields.
    let version = match stsd_version {
        0 => reader.u16()?,
        _ => reader.u16().map(|_| 0)?,
    };
    reader.skip(6)?;
    let mut audio = AudioParams {
        channels: reader.u16()?,
        bits_per_sample: Some(reader.u16()?).filter(|bits| *bits > 0),
        ..AudioParams::default()
    };
    reader.skip(4)?;
    audio.sample_rate = reader.u32()? >> 16;
    let mut pcm_flags = 0;
    match version {
        1 => {
            let samples_per_packet = reader.u32()?;
            reader.skip(4)?;
            let bytes_per_frame = reader.u32()?;
            reader.skip(4)?;
            if samples_per_packet > 0 && bytes_per_frame > 0 {
                entry.frame = Some((samples_per_packet, bytes_per_frame));
            }
        }
        2 => pcm_flags = version_2(entry, &mut audio, &mut reader)?,
        _ => {}
    }
    let boxes = reader.rest();
    let mut little_endian = None;
    read_boxes(entry, &mut audio, &mut little_endian, &boxes, 0);
    if entry.codec == CodecId::Pcm {
        pcm(entry, &mut audio, pcm_flags, little_endian);
    }
    if matches!(entry.codec, CodecId::Alaw | CodecId::Mulaw) {
        // A byte is a sample, whatever the description says of 16 bits that they become.
        entry.frame = Some((1, u32::from(audio.channels.max(1))));
    }
    audio.block_align = entry.frame.map(|(_, bytes)| bytes);
    if !matches!(entry.codec, CodecId::Pcm | CodecId::Alac | CodecId::Flac) {
        audio.bits_per_coded_sample = audio.bits_per_sample.take();
    }
    entry.audio = Some(audio);
    Ok(())
}

/// QuickTime File Format, "Sound Sample Description (Version 2)". Gives the flags of LPCM.
fn version_2(
    entry: &mut SampleEntry,
    audio: &mut AudioParams,
    reader: &mut Reader,
) -> Result<u8, Short> {
    reader.skip(4)?;
    let rate = f64::from_bits(reader.u64()?);
    // `as` saturates; a rate that is no number becomes zero.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rate = rate as u32;
    audio.sample_rate = rate;
    audio.channels = u16::try_from(reader.u32()?).unwrap_or(0);
    reader.skip(4)?;
    let bits = u16::try_from(reader.u32()?).unwrap_or(0);
    audio.bits_per_sample = Some(bits).filter(|bits| *bits > 0);
    let flags = reader.u32()?;
    let bytes_per_packet = reader.u32()?;
    let frames_per_packet = reader.u32()?;
    if bytes_per_packet > 0 && frames_per_packet > 0 {
        entry.frame = Some((frames_per_packet, bytes_per_packet));
    }
    let mut pcm = 0;
    if flags & 1 != 0 {
        pcm |= pcm_flag::FLOAT;
    }
    if flags & 2 == 0 {
        pcm |= pcm_flag::LITTLE_ENDIAN;
    }
    if flags & 5 == 0 {
        pcm |= pcm_flag::UNSIGNED;
    }
    Ok(pcm)
}

fn read_boxes(
    entry: &mut SampleEntry,
    audio: &mut AudioParams,
    little_endian: &mut Option<bool>,
    boxes: &Bytes,
    depth: u32,
) {
    if depth >= MAX_DEPTH {
        return;
    }
    for child in children(boxes) {
        let body = &child.body;
        // A box that is cut short tells nothing.
        let _: Option<()> = match (&child.kind, entry.codec) {
            (b"wave", _) => {
                read_boxes(entry, audio, little_endian, body, depth.saturating_add(1));
                Some(())
            }
            (b"esds", _) => {
                config::read_audio_descriptor(entry, audio, body);
                Some(())
            }
            (b"btrt", _) => {
                entry.bitrate = average_bitrate(body).or(entry.bitrate);
                Some(())
            }
            (b"srat", _) => rate_box(audio, body),
            (b"enda", _) => endianness(little_endian, body),
            (b"pcmC", CodecId::Pcm) => pcm_box(audio, little_endian, body),
            (b"dac3", CodecId::Ac3) => ac3(audio, body),
            (b"dec3", CodecId::Eac3) => eac3(audio, body),
            (b"dOps", CodecId::Opus) => opus(entry, audio, body),
            (b"dfLa", CodecId::Flac) => flac(entry, audio, body),
            (b"alac", CodecId::Alac) => alac(entry, audio, body),
            (b"dac4" | b"ddts" | b"mhaC" | b"iacb" | b"damr" | b"dmlp", _) => {
                entry.config = body.clone();
                Some(())
            }
            _ => None,
        };
    }
}

/// `SamplingRateBox` (12.2.3.2): rates that do not fit into 16 bits.
fn rate_box(audio: &mut AudioParams, body: &Bytes) -> Option<()> {
    let mut reader = Reader::new(body);
    reader.full_box().ok()?;
    audio.sample_rate = reader.u32().ok()?;
    Some(())
}

/// QuickTime's `enda`: not zero for little endian.
fn endianness(little_endian: &mut Option<bool>, body: &Bytes) -> Option<()> {
    *little_endian = Some(Reader::new(body).u16().ok()? != 0);
    Some(())
}

/// `PCMConfig` (ISO/IEC 23003-5 5.1).
fn pcm_box(audio: &mut AudioParams, little_endian: &mut Option<bool>, body: &Bytes) -> Option<()> {
    let mut reader = Reader::new(body);
    reader.full_box().ok()?;
    *little_endian = Some(reader.u8().ok()? & 1 != 0);
    audio.bits_per_sample = Some(u16::from(reader.u8().ok()?));
    Some(())
}

fn pcm(entry: &mut SampleEntry, audio: &mut AudioParams, lpcm: u8, little_endian: Option<bool>) {
    use pcm_flag::{FLOAT, LITTLE_ENDIAN, UNSIGNED};
    let declared = audio.bits_per_sample.unwrap_or(16);
    let (mut flags, bits) = match &entry.tag {
        b"sowt" => (LITTLE_ENDIAN, declared),
        b"in24" => (0, 24),
        b"in32" => (0, 32),
        b"fl32" => (FLOAT, 32),
        b"fl64" => (FLOAT, 64),
        b"fpcm" => (FLOAT, declared),
        b"lpcm" => (lpcm, declared),
        b"raw " | b"NONE" if declared <= 8 => (UNSIGNED, 8),
        _ => (0, declared),
    };
    if let Some(little) = little_endian.filter(|_| entry.tag != *b"lpcm") {
        flags = flags & !LITTLE_ENDIAN | if little { LITTLE_ENDIAN } else { 0 };
    }
    audio.bits_per_sample = Some(bits);
    entry.config = Bytes::copy_from_slice(&[flags, u8::try_from(bits).unwrap_or(0)]);
    let frame = u32::from(bits.div_ceil(8)).saturating_mul(u32::from(audio.channels));
    entry.frame = (frame > 0).then_some((1, frame));
}

/// `AC3SpecificBox` (ETSI TS 102 366 F.4).
fn ac3(audio: &mut AudioParams, body: &Bytes) -> Option<()> {
    let &[first, second, _] = body.first_chunk()?;
    let acmod = second >> 3 & 7;
    ac3_params(audio, first >> 6, acmod, second >> 2 & 1)
}

/// `EC3SpecificBox` (ETSI TS 102 366 F.6), its first independent substream.
fn eac3(audio: &mut AudioParams, body: &Bytes) -> Option<()> {
    let &[_, _, first, second, ..] = body.first_chunk::<5>()?;
    ac3_params(audio, first >> 6, second >> 1 & 7, second & 1)
}

fn ac3_params(audio: &mut AudioParams, fscod: u8, acmod: u8, lfe: u8) -> Option<()> {
    let channels = AC3_CHANNELS.get(usize::from(acmod))?;
    audio.channels = channels.saturating_add(u16::from(lfe));
    if let Some(rate) = AC3_RATES.get(usize::from(fscod)) {
        audio.sample_rate = *rate;
    }
    Some(())
}

/// `OpusSpecificBox` (Encapsulation of Opus in ISO base media file format 4.3.2).
fn opus(entry: &mut SampleEntry, audio: &mut AudioParams, body: &Bytes) -> Option<()> {
    entry.config = body.clone();
    entry.codec_string = Some("opus".to_owned());
    let &[_, channels, skip_high, skip_low] = body.first_chunk()?;
    audio.channels = u16::from(channels);
    audio.encoder_delay = u32::from(u16::from_be_bytes([skip_high, skip_low]));
    // Opus always decodes to 48 kHz, whatever the input was.
    audio.sample_rate = 48_000;
    Some(())
}

/// `FLACSpecificBox`: metadata blocks, the first of them STREAMINFO (RFC 9639 8.2).
fn flac(entry: &mut SampleEntry, audio: &mut AudioParams, body: &Bytes) -> Option<()> {
    let mut reader = Reader::new(body);
    reader.full_box().ok()?;
    reader.skip(4).ok()?;
    let info = reader.bytes(StreamInfo::LEN).ok()?;
    entry.codec_string = Some(describe_audio(CodecId::Flac, &info, audio)?);
    entry.config = info;
    Some(())
}

/// `ALACSpecificConfig`, behind version and flags; within `wave` a box of the same name holds it.
fn alac(entry: &mut SampleEntry, audio: &mut AudioParams, body: &Bytes) -> Option<()> {
    let mut reader = Reader::new(body);
    reader.full_box().ok()?;
    let cookie = reader.rest();
    if cookie.len() < 24 {
        return find(&cookie, b"alac").and_then(|inner| alac(entry, audio, &inner));
    }
    describe_audio(CodecId::Alac, &cookie, audio)?;
    entry.config = cookie;
    Some(())
}
