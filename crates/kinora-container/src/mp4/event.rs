//! Event messages (`emsg`, ISO/IEC 23009-1 5.10.3.3).

use bytes::Bytes;
use kinora_media::{Time, TimedEvent};

use super::boxes::{Reader, Short};
use crate::{EventMessage, EventStart};

/// Longer ones are passed over.
pub(super) const MAX_BOX: u64 = 256 * 1024;
/// So many wait until they are taken.
pub(super) const MAX_WAITING: usize = 256;
/// A duration that is not known.
const UNKNOWN: u32 = u32::MAX;

/// The message of a box, unless it is damaged or of a later version.
pub(super) fn parse(body: &Bytes) -> Option<EventMessage> {
    let mut reader = Reader::new(body);
    let (version, _) = reader.full_box().ok()?;
    match version {
        0 => relative(reader).ok()?,
        1 => absolute(reader).ok()?,
        _ => None,
    }
}

/// Of version 0, which counts from the start of its segment.
fn relative(mut reader: Reader) -> Result<Option<EventMessage>, Short> {
    let (scheme, value) = (text(&mut reader)?, text(&mut reader)?);
    let timescale = reader.u32()?;
    let delta = u64::from(reader.u32()?);
    let (duration, id) = (reader.u32()?, reader.u32()?);
    let start = ticks(delta, timescale).map(EventStart::Segment);
    let lasting = lasting(duration, timescale);
    Ok(message(start, lasting, (scheme, value, id), reader))
}

/// Of version 1, on the timeline of the media.
fn absolute(mut reader: Reader) -> Result<Option<EventMessage>, Short> {
    let timescale = reader.u32()?;
    let time = reader.u64()?;
    let (duration, id) = (reader.u32()?, reader.u32()?);
    let (scheme, value) = (text(&mut reader)?, text(&mut reader)?);
    let start = ticks(time, timescale).map(EventStart::Media);
    let lasting = lasting(duration, timescale);
    Ok(message(start, lasting, (scheme, value, id), reader))
}

/// What is left of the box is the message itself. Nothing where a time makes no sense.
fn message(
    start: Option<EventStart>,
    duration: Option<Option<Time>>,
    (scheme, value, id): (String, String, u32),
    rest: Reader,
) -> Option<EventMessage> {
    Some(EventMessage {
        start: start?,
        event: TimedEvent {
            scheme,
            value,
            id: Some(id.into()),
            start: Time::ZERO,
            duration: duration?,
            data: rest.rest(),
        },
    })
}

/// A string that ends with a zero.
fn text(reader: &mut Reader) -> Result<String, Short> {
    let rest = reader.clone().rest();
    let end = rest.iter().position(|byte| *byte == 0).ok_or(Short)?;
    let text = String::from_utf8_lossy(rest.get(..end).ok_or(Short)?).into_owned();
    reader.skip(end.saturating_add(1))?;
    Ok(text)
}

fn ticks(count: u64, timescale: u32) -> Option<Time> {
    let nanos = i128::from(count).saturating_mul(1_000_000_000);
    let nanos = nanos.checked_div(i128::from(timescale))?;
    i64::try_from(nanos).ok().map(Time::from_nanos)
}

fn lasting(duration: u32, timescale: u32) -> Option<Option<Time>> {
    match duration {
        UNKNOWN => Some(None),
        known => ticks(known.into(), timescale).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|it| it.to_be_bytes()).collect()
    }

    fn version_0() -> Vec<u8> {
        let strings = b"\0\0\0\0urn:test\0one\0".to_vec();
        [strings, words(&[1_000, 1_500, 2_000, 7]), b"hello".to_vec()].concat()
    }

    #[test]
    fn a_message_of_version_0_counts_from_its_segment() {
        let message = parse(&version_0().into()).unwrap();
        assert_eq!(message.start, EventStart::Segment(Time::from_millis(1_500)));
        let event = message.placed(Time::from_millis(60_000), Time::from_millis(4_000));
        let expected = TimedEvent {
            scheme: "urn:test".to_owned(),
            value: "one".to_owned(),
            id: Some(7),
            start: Time::from_millis(5_500),
            duration: Some(Time::from_millis(2_000)),
            data: Bytes::from_static(b"hello"),
        };
        assert_eq!(event, expected);
    }

    #[test]
    fn a_message_of_version_1_counts_on_the_medias_clock_and_may_have_no_end() {
        let head = words(&[0x0100_0000, 90_000, 1, 90_000, UNKNOWN, 8]);
        let body = [head, b"urn:x\0\0".to_vec()].concat();
        let event = parse(&body.into()).unwrap();
        let event = event.placed(Time::from_millis(-1_000), Time::ZERO);
        let ticks = (1_u64 << 32) + 90_000;
        let millis = i64::try_from(ticks / 90).unwrap() - 1_000;
        assert_eq!(event.start.as_millis(), millis);
        assert_eq!((event.id, event.duration), (Some(8), None));
        assert!(event.value.is_empty() && event.data.is_empty());
    }

    #[test]
    fn what_is_cut_or_counts_by_nothing_is_no_message() {
        let whole = version_0();
        let message = whole.len() - b"hello".len();
        for len in 0..message {
            assert_eq!(parse(&whole[..len].to_vec().into()), None, "{len}");
        }
        let mut still = whole.clone();
        let timescale = message - 16;
        still[timescale..timescale + 4].fill(0);
        assert_eq!(parse(&still.into()), None);
        let mut later = whole;
        later[0] = 2;
        assert_eq!(parse(&later.into()), None);
    }
}
