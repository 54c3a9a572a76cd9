//! The segment index (ISO/IEC 14496-12 8.16.3), which says where in a file segments are and when they begin.

use bytes::Bytes;
use kinora_media::{ByteRange, Time, Timebase};

use super::boxes::{HeadLook, Reader, Short, look_at_head};
use crate::DemuxError;

/// One segment that an index names. It may be a further index with the segments that that one names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference {
    /// When it begins, by the clock of the media.
    pub time: Time,
    /// How long it is.
    pub duration: Time,
    /// Where in the resource it is.
    pub range: ByteRange,
}

/// The segments that the index among `data` names. `offset`: where in its resource `data` begins.
///
/// # Errors
/// When there is no index in it, or it is cut off.
pub fn parse(data: &Bytes, offset: u64) -> Result<Vec<Reference>, DemuxError> {
    let malformed = |at: u64, what: &str| DemuxError::Malformed {
        container: "mp4",
        offset: at,
        reason: "mp4.sidx",
        what: what.to_owned(),
    };
    let (mut rest, mut at) = (data.clone(), offset);
    while let HeadLook::Head(head) = look_at_head(&rest) {
        let left = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        let len = head.len.unwrap_or(left);
        let end = at.saturating_add(len);
        let taken = usize::try_from(len.min(left)).unwrap_or(rest.len());
        let whole = rest.split_to(taken);
        if head.kind == *b"sidx" {
            let skip = usize::try_from(head.head_len).unwrap_or(taken).min(taken);
            let read = read(&whole.slice(skip..), end);
            return read.map_err(|Short| malformed(at, "the segment index is cut off"));
        }
        at = end;
    }
    Err(malformed(offset, "there is no segment index (sidx)"))
}

/// The references of a body whose box ends at an offset.
pub(super) fn read(body: &Bytes, box_end: u64) -> Result<Vec<Reference>, Short> {
    let mut reader = Reader::new(body);
    let (version, _) = reader.full_box()?;
    reader.skip(4)?;
    let clock = Timebase::from_hz(reader.u32()?).ok_or(Short)?;
    let mut ticks = reader.sized(version)?;
    let mut offset = box_end.saturating_add(reader.sized(version)?);
    reader.skip(2)?;
    let count = reader.u16()?;
    let time_of = |ticks: u64| clock.to_time(i64::try_from(ticks).unwrap_or(i64::MAX));
    let mut references = Vec::new();
    for _ in 0..count {
        let size = u64::from(reader.u32()? & 0x7fff_ffff);
        let end = ticks.saturating_add(u64::from(reader.u32()?));
        reader.skip(4)?;
        references.push(Reference {
            time: time_of(ticks),
            duration: time_of(end) - time_of(ticks),
            range: ByteRange::of(offset, size),
        });
        ticks = end;
        offset = offset.saturating_add(size);
    }
    Ok(references)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index of 1000 Hz with segments of that many ticks and bytes; its first one lies 10 bytes behind it.
    fn index(segments: &[(u32, u32)]) -> Vec<u8> {
        let mut body = vec![0, 0, 0, 0];
        for number in [1_u32, 1_000, 500, 10, segments.len() as u32] {
            body.extend(number.to_be_bytes());
        }
        for (ticks, size) in segments {
            for number in [*size, *ticks, 0x9000_0000] {
                body.extend(number.to_be_bytes());
            }
        }
        let len = (body.len() + 8) as u32;
        [&len.to_be_bytes()[..], b"sidx", &body].concat()
    }

    #[test]
    fn segments_follow_the_index_one_after_another() {
        let sidx = index(&[(2_000, 100), (1_500, 60)]);
        let len = sidx.len() as u64;
        let data = [&b"\0\0\0\x08free"[..], &sidx].concat();
        let found = parse(&Bytes::from(data), 800).unwrap();
        let begin = 800 + 8 + len + 10;
        let of = |time, duration, start, size| Reference {
            time: Time::from_millis(time),
            duration: Time::from_millis(duration),
            range: ByteRange::of(start, size),
        };
        assert_eq!(
            found,
            [
                of(500, 2_000, begin, 100),
                of(2_500, 1_500, begin + 100, 60)
            ]
        );
    }

    #[test]
    fn what_is_cut_off_or_no_index_is_refused() {
        let sidx = index(&[(2_000, 100), (1_500, 60)]);
        for len in 0..sidx.len() {
            let cut = Bytes::copy_from_slice(&sidx[..len]);
            assert!(parse(&cut, 0).is_err(), "{len}");
        }
        assert!(parse(&Bytes::from_static(b"\0\0\0\x08moov"), 0).is_err());
    }
}
