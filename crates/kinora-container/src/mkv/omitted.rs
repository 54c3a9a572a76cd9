//! What the mappings of codecs leave out of their frames, put back for decoders (Matroska codec specifications,
//! `V_PRORES` and `A_WAVPACK4`).

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::encoding::BadFrame;

/// `A_WAVPACK4`: blocks of the first and of the last channels (`INITIAL_BLOCK`, `FINAL_BLOCK`).
const WHOLE: u32 = 0x1800;
/// Bytes of a WavPack block's header that its length does not count, and that it does.
const UNCOUNTED: usize = 8;
const COUNTED: u32 = 24;

/// A frame of ProRes in its container atom: its length and `icpf`.
pub(super) fn prores(frame: Bytes) -> Bytes {
    const HEAD: usize = 8;
    if frame.get(4..HEAD) == Some(b"icpf") {
        return frame;
    }
    let len = frame.len().saturating_add(HEAD);
    let mut whole = BytesMut::with_capacity(len);
    whole.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
    whole.put_slice(b"icpf");
    whole.put_slice(&frame);
    whole.freeze()
}

/// The blocks of WavPack of a frame with their headers. Stored are the number of samples, then of each block its flags
/// and its checksum, and where there are several its length.
pub(super) fn wavpack(mut frame: &[u8], version: [u8; 2]) -> Result<Bytes, BadFrame> {
    let mut whole = BytesMut::with_capacity(frame.len().saturating_add(32));
    let samples = frame.try_get_u32_le().map_err(|_| BadFrame)?;
    while frame.len() >= UNCOUNTED {
        let flags = frame.get_u32_le();
        let checksum = frame.get_u32_le();
        let len = match flags & WHOLE {
            WHOLE => frame.len(),
            _ => {
                let len = frame.try_get_u32_le().map_err(|_| BadFrame)?;
                usize::try_from(len).unwrap_or(usize::MAX)
            }
        };
        let (block, rest) = frame.split_at_checked(len).ok_or(BadFrame)?;
        let counted = u32::try_from(len)
            .unwrap_or(u32::MAX)
            .saturating_add(COUNTED);
        whole.put_slice(b"wvpk");
        whole.put_u32_le(counted);
        whole.put_slice(&version);
        // Track, index, total samples and the number of the first one: the container tells them.
        whole.put_bytes(0, 10);
        whole.put_u32_le(samples);
        whole.put_u32_le(flags);
        whole.put_u32_le(checksum);
        whole.put_slice(block);
        frame = rest;
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_prores_gets_its_atom_once() {
        let whole = prores(Bytes::from_static(b"frame"));
        assert_eq!(whole, &b"\0\0\0\x0dicpfframe"[..]);
        assert_eq!(prores(whole.clone()), whole);
    }

    #[test]
    fn blocks_of_wavpack_get_their_headers() {
        let header = |len: u8, flags: [u8; 4]| {
            let head = [
                b"wvpk",
                &[len + 24, 0, 0, 0][..],
                &[0x10, 4],
                &[0; 10],
                &[7, 0, 0, 0],
            ];
            [&head.concat(), &flags[..], b"crc4"].concat()
        };
        let one = wavpack(b"\x07\0\0\0\x00\x18\0\0crc4abc", [0x10, 4]).unwrap();
        assert_eq!(one, [header(3, [0, 0x18, 0, 0]), b"abc".to_vec()].concat());

        let two = b"\x07\0\0\0\x00\x08\0\0crc4\x02\0\0\0ab\x00\x10\0\0crc4\x01\0\0\0c";
        let blocks = [
            header(2, [0, 8, 0, 0]),
            b"ab".to_vec(),
            header(1, [0, 0x10, 0, 0]),
            b"c".to_vec(),
        ];
        assert_eq!(wavpack(two, [0x10, 4]).unwrap(), blocks.concat());
        for end in [3, 12, 15, 17] {
            assert_eq!(wavpack(&two[..end], [0x10, 4]), Err(BadFrame), "{end}");
        }
    }
}
