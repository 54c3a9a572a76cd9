//! A movie box that is compressed (QuickTime File Format, "Compressed Movie Resources").

use std::io::Read;

use bytes::Bytes;
use flate2::read::ZlibDecoder;

use super::boxes::find;

/// Compressed movies are of a time when this was much.
const MAX_LEN: u64 = 16 << 20;

/// The body of the `moov` that another one holds within `cmov`. `None`: it holds none.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn movie(moov: &Bytes) -> Result<Option<Bytes>, &'static str> {
    let Some(cmov) = find(moov, b"cmov") else {
        return Ok(None);
    };
    let method = find(&cmov, b"dcom");
    if method.is_none_or(|method| !method.starts_with(b"zlib")) {
        return Err("its movie box is compressed by another method than zlib");
    }
    // The length that it would have stands before the data; the data tell it as well.
    let body = find(&cmov, b"cmvd").unwrap_or_default();
    let mut plain = Vec::new();
    let unpacked = ZlibDecoder::new(body.get(4..).unwrap_or_default())
        .take(MAX_LEN)
        .read_to_end(&mut plain);
    if unpacked.is_err() {
        return Err("its compressed movie box is damaged");
    }
    find(&Bytes::from(plain), b"moov")
        .map(Some)
        .ok_or("its compressed movie box holds no movie")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use crate::mp4::Mp4Demuxer;
    use crate::test_files::{read, seed};
    use crate::{DemuxError, Demuxer};

    fn sized(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len() + 8).unwrap();
        [&len.to_be_bytes()[..], kind, body].concat()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    /// The same film, its movie box compressed. The box must be the last one.
    fn compressed(film: &[u8], method: &[u8; 4], data: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let at = film.windows(4).rposition(|kind| kind == b"moov").unwrap() - 4;
        let (media, moov) = film.split_at(at);
        let len = u32::try_from(moov.len()).unwrap().to_be_bytes();
        let cmvd = sized(b"cmvd", &[&len[..], &data(moov)].concat());
        let cmov = sized(b"cmov", &[sized(b"dcom", method), cmvd].concat());
        [media, &sized(b"moov", &cmov)].concat()
    }

    fn reason(film: &[u8]) -> String {
        match read(&mut Mp4Demuxer::new(), film) {
            Err(DemuxError::Malformed { reason, what, .. }) => format!("{reason}: {what}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_compressed_movie_box_is_read_like_a_plain_one() {
        let film = seed!("mp4/back.mp4");
        let make = || -> Box<dyn Demuxer> { Box::new(Mp4Demuxer::new()) };
        let plain = read(&mut *make(), film).unwrap();
        let packed = compressed(film, b"zlib", zlib);
        assert!(packed.len() < film.len());
        assert_eq!(read(&mut *make(), &packed).unwrap(), plain);
        crate::contract::assert_demuxer(make, &packed);
    }

    #[test]
    fn what_can_not_be_unpacked_is_refused_with_its_reason() {
        let film = seed!("mp4/back.mp4");
        let other = compressed(film, b"adec", zlib);
        assert!(
            reason(&other).contains("another method"),
            "{}",
            reason(&other)
        );
        let damaged = compressed(film, b"zlib", |_| vec![0x78, 0x9c, 0xff, 0xff]);
        assert!(reason(&damaged).contains("damaged"), "{}", reason(&damaged));
        let empty = compressed(film, b"zlib", |_| zlib(b""));
        assert!(
            reason(&empty).contains("holds no movie"),
            "{}",
            reason(&empty)
        );
    }

    #[test]
    fn a_bomb_is_unpacked_to_a_bound() {
        let film = seed!("mp4/back.mp4");
        let bomb = compressed(film, b"zlib", |_| zlib(&vec![0; 64 << 20]));
        assert!(
            reason(&bomb).contains("holds no movie"),
            "{}",
            reason(&bomb)
        );
    }
}
