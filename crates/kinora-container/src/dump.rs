//! What a packet holds, told by digests: for comparing demuxers and for bug reports.

use core::fmt::{self, Write};

use kinora_media::bitstream::{h264, h265, nal_units};
use kinora_media::{CodecId, Packet, Time, TrackId, TrackInfo, TrackKind};

/// One packet as a line of JSON tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PacketDump {
    /// Its track.
    pub track: TrackId,
    /// Kind of the track.
    pub kind: TrackKind,
    /// Codec by its short name; a data track's media type where it tells one.
    pub codec: String,
    /// When it is shown.
    pub pts: Time,
    /// When it is decoded.
    pub dts: Time,
    /// Decoding can start here.
    pub key: bool,
    /// Decoded for others' sake, not shown.
    pub decode_only: bool,
    /// Bytes of payload.
    pub size: usize,
    /// CRC-32 (IEEE) of the payload.
    pub crc32: u32,
    /// CRC-32 over the NAL units but access unit delimiters, each without trailing zeros behind
    /// `00 00 00 01`: the same in every framing. H.264 and H.265 only.
    pub nal_crc32: Option<u32>,
}

impl PacketDump {
    /// Computes the digests.
    #[must_use]
    pub fn new(track: &TrackInfo, packet: &Packet) -> Self {
        let codec = match &track.codec_string {
            Some(name) if track.kind() == TrackKind::Data => name.clone(),
            _ => track.codec.name().to_owned(),
        };
        Self {
            track: packet.track,
            kind: track.kind(),
            codec,
            pts: packet.pts,
            dts: packet.dts,
            key: packet.flags.key,
            decode_only: packet.flags.decode_only,
            size: packet.data.len(),
            crc32: crc32fast::hash(&packet.data),
            nal_crc32: nal_crc32(track, &packet.data),
        }
    }

    /// The line of JSON, without a line break.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for PacketDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"{{"track":{},"type":"{}","codec":""#,
            self.track.0,
            self.kind.name()
        )?;
        json_escaped(f, &self.codec)?;
        write!(
            f,
            r#"","pts_us":{},"dts_us":{},"key":{},"size":{},"crc32":"{:08x}""#,
            self.pts.as_micros(),
            self.dts.as_micros(),
            self.key,
            self.size,
            self.crc32
        )?;
        if let Some(digest) = self.nal_crc32 {
            write!(f, r#","nal_crc32":"{digest:08x}""#)?;
        }
        if self.decode_only {
            f.write_str(r#","decode_only":true"#)?;
        }
        f.write_char('}')
    }
}

/// A codec's name may come from a file: nothing in it may end the string.
fn json_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for char in text.chars() {
        match char {
            '"' | '\\' => write!(f, "\\{char}")?,
            control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
            plain => f.write_char(plain)?,
        }
    }
    Ok(())
}

fn nal_crc32(track: &TrackInfo, data: &[u8]) -> Option<u32> {
    let is_delimiter = match track.codec {
        CodecId::H264 => |nal: &[u8]| h264::nal_type_of(nal) == h264::nal_type::AUD,
        CodecId::H265 => |nal: &[u8]| h265::nal_type_of(nal) == h265::nal_type::AUD,
        _ => return None,
    };
    let mut digest = crc32fast::Hasher::new();
    let mut add = |nal: &[u8]| {
        let zeros = nal.iter().rev().take_while(|byte| **byte == 0).count();
        let nal = nal
            .get(..nal.len().saturating_sub(zeros))
            .unwrap_or_default();
        if !nal.is_empty() && !is_delimiter(nal) {
            digest.update(&[0, 0, 0, 1]);
            digest.update(nal);
        }
    };
    match length_size(track) {
        None => nal_units(data).for_each(&mut add),
        Some(size) => length_prefixed(data, size).for_each(&mut add),
    }
    Some(digest.finalize())
}

/// Bytes of the length before each NAL unit (ISO/IEC 14496-15 5.3.3.1, 8.3.3.1); `None` for
/// start codes.
fn length_size(track: &TrackInfo) -> Option<usize> {
    let place = match track.codec {
        CodecId::H264 => 4,
        _ => 21,
    };
    match track.config.first()? {
        1 => Some(usize::from(track.config.get(place)? & 3).saturating_add(1)),
        _ => None,
    }
}

/// NAL units behind their lengths; a length that leads past the end gives what is there.
fn length_prefixed(mut data: &[u8], length_size: usize) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (length, rest) = data.split_at_checked(length_size)?;
        let length = length
            .iter()
            .fold(0usize, |length, byte| length << 8 | usize::from(*byte));
        let (nal, rest) = rest.split_at(length.min(rest.len()));
        data = rest;
        Some(nal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use kinora_media::PacketFlags;

    fn packet(data: &'static [u8]) -> Packet {
        Packet {
            track: TrackId(1),
            pts: Time::from_millis(40),
            dts: Time::ZERO,
            duration: Time::ZERO,
            flags: PacketFlags::default(),
            data: Bytes::from_static(data),
            crypto: None,
        }
    }

    #[test]
    fn the_digest_of_nal_units_does_not_depend_on_framing() {
        let mut framed = TrackInfo::new(TrackId(1), CodecId::H264);
        framed.config = Bytes::from_static(&[1, 0x64, 0, 0x1f, 0xff, 0xe0, 0]);
        let bare = TrackInfo::new(TrackId(1), CodecId::H264);
        let lengths = packet(&[0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 3, 0x65, 1, 2]);
        let starts = packet(&[0, 0, 1, 9, 0xf0, 0, 0, 1, 0x65, 1, 2, 0, 0]);
        let one = PacketDump::new(&framed, &lengths).nal_crc32;
        assert!(one.is_some());
        assert_eq!(one, PacketDump::new(&bare, &starts).nal_crc32);
    }

    #[test]
    fn a_line_is_json_whatever_the_codec_is_called() {
        let mut track = TrackInfo::new(TrackId(1), CodecId::UnknownData);
        track.codec_string = Some("a\"b\\\n".to_owned());
        assert_eq!(
            PacketDump::new(&track, &packet(b"123456789")).to_json(),
            r#"{"track":1,"type":"data","codec":"a\"b\\\u000a","pts_us":40000,"dts_us":0,"key":false,"size":9,"crc32":"cbf43926"}"#
        );
    }
}
