//! Decoder configuration in the form in which libavcodec takes it, where that is another one than the container's.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kinora_media::CodecId;

/// What libavcodec is to be given for a track's configuration.
pub(crate) fn extradata(codec: CodecId, config: Bytes) -> Bytes {
    match codec {
        CodecId::Alac => alac(config),
        CodecId::Opus if !config.starts_with(b"OpusHead") => {
            opus_head(config.clone()).unwrap_or(config)
        }
        _ => config,
    }
}

/// The `alac` box around the cookie: its length, its name, version and flags.
fn alac(cookie: Bytes) -> Bytes {
    const HEAD: usize = 12;
    if cookie.is_empty() || cookie.get(4..8) == Some(b"alac") {
        return cookie;
    }
    let len = cookie.len() + HEAD;
    let mut whole = BytesMut::with_capacity(len);
    whole.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
    whole.put_slice(b"alac\0\0\0\0");
    whole.put_slice(&cookie);
    whole.freeze()
}

/// An identification header (RFC 7845 5.1) of what an MP4 says of Opus (Encapsulation of Opus in ISO base media file
/// format 4.3.2): the same fields, big-endian.
fn opus_head(mut dops: Bytes) -> Option<Bytes> {
    let mut head = BytesMut::with_capacity(dops.len() + 8);
    head.put_slice(b"OpusHead\x01");
    let _version = dops.try_get_u8().ok()?;
    head.put_u8(dops.try_get_u8().ok()?);
    head.put_u16_le(dops.try_get_u16().ok()?);
    head.put_u32_le(dops.try_get_u32().ok()?);
    head.put_i16_le(dops.try_get_i16().ok()?);
    // The mapping family, and its table.
    (!dops.is_empty()).then(|| {
        head.put_slice(&dops);
        head.freeze()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_of_alac_is_boxed_once() {
        let cookie = Bytes::from_static(&[7; 24]);
        let boxed = extradata(CodecId::Alac, cookie.clone());
        assert_eq!(boxed.len(), 36);
        assert!(boxed.starts_with(b"\0\0\0\x24alac\0\0\0\0") && boxed.ends_with(&cookie));
        assert_eq!(extradata(CodecId::Alac, boxed.clone()), boxed);
    }

    #[test]
    fn opus_of_mp4_gets_its_identification_header() {
        let dops = Bytes::from_static(b"\0\x02\x01\x38\0\0\xbb\x80\0\0\0");
        let head = extradata(CodecId::Opus, dops);
        assert_eq!(head, &b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0"[..]);
        assert_eq!(extradata(CodecId::Opus, head.clone()), head);
        let cut = Bytes::from_static(b"\0\x02");
        assert_eq!(extradata(CodecId::Opus, cut.clone()), cut);
    }
}
