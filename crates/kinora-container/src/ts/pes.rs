//! Headers of PES packets (ISO/IEC 13818-1 2.4.3.6).

/// What a PES packet says before its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PesHeader {
    /// Presentation time stamp, 33 bits.
    pub(super) pts: Option<u64>,
    /// Decoding time stamp, 33 bits.
    pub(super) dts: Option<u64>,
    /// Bytes of the header.
    pub(super) len: usize,
    /// Bytes of the payload; `None` when the packet lasts until the next one begins.
    pub(super) payload_len: Option<usize>,
}

/// How reading a header went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PesRead {
    Header(PesHeader),
    /// More bytes are needed to tell.
    Short,
    /// No PES packet, or one without payload for us.
    Not,
}

/// Reads the header of a PES packet at the start of the data.
pub(super) fn read_pes(data: &[u8]) -> PesRead {
    let Some(&[0, 0, 1, id, len_high, len_low]) = data.first_chunk() else {
        return match data {
            [] | [0] | [0, 0] | [0, 0, 1] | [0, 0, 1, _] | [0, 0, 1, _, _] => PesRead::Short,
            _ => PesRead::Not,
        };
    };
    let pes_len = usize::from(u16::from_be_bytes([len_high, len_low]));
    // Padding, maps, control data and the like have no such header (table 2-22).
    if matches!(id, 0xbc | 0xbe | 0xbf | 0xf0 | 0xf1 | 0xf2 | 0xf8 | 0xff) {
        return PesRead::Not;
    }
    let Some((&[_, _, _, _, _, _, marker, flags, header_len], _)) = data.split_first_chunk() else {
        return PesRead::Short;
    };
    if marker & 0xc0 != 0x80 {
        return PesRead::Not;
    }
    let len = usize::from(header_len).saturating_add(9);
    let Some(fields) = data.get(9..len) else {
        return PesRead::Short;
    };
    let pts = (flags & 0x80 != 0).then(|| time_stamp(fields)).flatten();
    let dts = (flags & 0xc0 == 0xc0)
        .then(|| time_stamp(fields.get(5..)?))
        .flatten();
    PesRead::Header(PesHeader {
        pts,
        dts,
        len,
        payload_len: match pes_len {
            0 => None,
            all => Some(all.saturating_add(6).saturating_sub(len)),
        },
    })
}

/// 33 bits in five bytes. Marker bits are not insisted upon: encoders forget them.
fn time_stamp(field: &[u8]) -> Option<u64> {
    let &[a, b, c, d, e] = field.first_chunk()?;
    Some(
        u64::from(a >> 1 & 7) << 30
            | u64::from(b) << 22
            | u64::from(c >> 1) << 15
            | u64::from(d) << 7
            | u64::from(e >> 1),
    )
}
