//! Script data (Adobe Flash Video File Format 10.1, annex E.4.4; AMF 0): of all that may stand in it, what `onMetaData`
//! says of the file.

use bytes::{Buf, Bytes};
use kinora_media::Time;

/// Values in values deeper than this are not looked into.
const MAX_DEPTH: u32 = 16;
/// Longer texts are no titles.
const MAX_TITLE: usize = 1024;

/// What `onMetaData` says (E.5). Encoders that do not know leave out, or write zero.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Metadata {
    pub(super) duration: Option<Time>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) frame_rate: Option<f64>,
    /// Bits a second.
    pub(super) video_bitrate: Option<u32>,
    pub(super) audio_bitrate: Option<u32>,
    pub(super) title: Option<String>,
    pub(super) has_audio: Option<bool>,
    pub(super) has_video: Option<bool>,
    /// Times of key frames in milliseconds, and where their tags lie.
    pub(super) key_frames: Vec<(i64, u64)>,
}

/// Types of values (AMF 0, 2.1).
mod marker {
    pub(super) const NUMBER: u8 = 0;
    pub(super) const BOOLEAN: u8 = 1;
    pub(super) const STRING: u8 = 2;
    pub(super) const OBJECT: u8 = 3;
    pub(super) const NULL: u8 = 5;
    pub(super) const UNDEFINED: u8 = 6;
    pub(super) const REFERENCE: u8 = 7;
    pub(super) const ECMA_ARRAY: u8 = 8;
    pub(super) const OBJECT_END: u8 = 9;
    pub(super) const STRICT_ARRAY: u8 = 10;
    pub(super) const DATE: u8 = 11;
    pub(super) const LONG_STRING: u8 = 12;
    pub(super) const XML: u8 = 15;
    pub(super) const TYPED_OBJECT: u8 = 16;
}

/// Reads a script tag. `None` when it is something else than `onMetaData`: cue points, texts.
pub(super) fn metadata(mut body: Bytes) -> Option<Metadata> {
    let mut name = text_value(&mut body)?;
    if name == b"@setDataFrame"[..] {
        // What publishers of live streams say to a server; some record it as it came.
        name = text_value(&mut body)?;
    }
    if name != b"onMetaData"[..] {
        return None;
    }
    let mut metadata = Metadata::default();
    // What is readable before damage counts.
    let _: Option<()> = properties_value(&mut body, |key, body| metadata.take(key, body));
    Some(metadata)
}

impl Metadata {
    /// Takes the value of a property.
    fn take(&mut self, key: &[u8], body: &mut Bytes) -> Option<()> {
        if key == b"keyframes"
            && matches!(body.first(), Some(&marker::OBJECT | &marker::ECMA_ARRAY))
        {
            return self.take_index(body);
        }
        match *body.first()? {
            marker::NUMBER => {
                body.advance(1);
                let number = body.try_get_f64().ok()?;
                self.take_number(key, number);
                Some(())
            }
            marker::BOOLEAN => {
                body.advance(1);
                let said = Some(body.try_get_u8().ok()? != 0);
                match key {
                    b"hasAudio" => self.has_audio = said,
                    b"hasVideo" => self.has_video = said,
                    _ => {}
                }
                Some(())
            }
            marker::STRING if key == b"title" => {
                let text = text_value(body)?;
                let text = text.get(..MAX_TITLE).unwrap_or(&text);
                let text = String::from_utf8_lossy(text).trim().to_owned();
                self.title = Some(text).filter(|text| !text.is_empty());
                Some(())
            }
            _ => skip_value(body, 0),
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
    fn take_number(&mut self, key: &[u8], number: f64) {
        if !number.is_finite() || number <= 0.0 {
            return;
        }
        let whole = Some(number.round() as u32);
        let kilobits = Some((number * 1000.0).round() as u32);
        match key {
            b"duration" => self.duration = Some(Time::from_secs_f64(number)),
            b"width" => self.width = whole,
            b"height" => self.height = whole,
            b"framerate" => self.frame_rate = Some(number).filter(|rate| *rate <= 1000.0),
            b"videodatarate" => self.video_bitrate = kilobits,
            b"audiodatarate" => self.audio_bitrate = kilobits,
            _ => {}
        }
    }

    /// `keyframes`: two lists of one length. An index that contradicts itself is none.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
    fn take_index(&mut self, body: &mut Bytes) -> Option<()> {
        let (mut times, mut places) = (Vec::new(), Vec::new());
        properties_value(body, |key, body| match key {
            b"times" => numbers(body, &mut times),
            b"filepositions" => numbers(body, &mut places),
            _ => skip_value(body, 0),
        })?;
        let index: Vec<(i64, u64)> = times
            .iter()
            .zip(&places)
            .map(|(time, place)| ((time * 1000.0).round() as i64, *place as u64))
            .collect();
        let ascends = index.is_sorted_by(|one, next| one.0 <= next.0 && one.1 < next.1);
        if ascends && times.len() == places.len() {
            self.key_frames = index;
        }
        Some(())
    }
}

/// The properties of an object or an ECMA array, each of which `take` reads.
fn properties_value(
    body: &mut Bytes,
    take: impl FnMut(&[u8], &mut Bytes) -> Option<()>,
) -> Option<()> {
    match body.try_get_u8().ok()? {
        marker::OBJECT => {}
        // The count is a hint (AMF 0, 2.10).
        marker::ECMA_ARRAY => skip(body, 4)?,
        _ => return None,
    }
    properties(body, take)
}

fn properties(
    body: &mut Bytes,
    mut take: impl FnMut(&[u8], &mut Bytes) -> Option<()>,
) -> Option<()> {
    loop {
        let key = text(body)?;
        if key.is_empty() && body.first() == Some(&marker::OBJECT_END) {
            return skip(body, 1);
        }
        take(&key, body)?;
    }
}

/// A strict array of numbers.
fn numbers(body: &mut Bytes, numbers: &mut Vec<f64>) -> Option<()> {
    if body.first() != Some(&marker::STRICT_ARRAY) {
        return skip_value(body, 0);
    }
    skip(body, 1)?;
    let count = body.try_get_u32().ok()?;
    for _ in 0..count {
        if body.try_get_u8().ok()? != marker::NUMBER {
            return None;
        }
        numbers.push(body.try_get_f64().ok()?);
    }
    Some(())
}

fn skip_value(body: &mut Bytes, depth: u32) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    let deeper = depth.saturating_add(1);
    match body.try_get_u8().ok()? {
        marker::NUMBER => skip(body, 8),
        marker::BOOLEAN => skip(body, 1),
        marker::STRING => text(body).map(|_| ()),
        marker::NULL | marker::UNDEFINED => Some(()),
        marker::REFERENCE => skip(body, 2),
        marker::OBJECT => properties(body, |_, body| skip_value(body, deeper)),
        marker::ECMA_ARRAY => {
            skip(body, 4)?;
            properties(body, |_, body| skip_value(body, deeper))
        }
        marker::TYPED_OBJECT => {
            text(body)?;
            properties(body, |_, body| skip_value(body, deeper))
        }
        marker::STRICT_ARRAY => {
            let count = body.try_get_u32().ok()?;
            (0..count).try_for_each(|_| skip_value(body, deeper))
        }
        marker::DATE => skip(body, 10),
        marker::LONG_STRING | marker::XML => {
            let len = body.try_get_u32().ok()?;
            skip(body, usize::try_from(len).ok()?)
        }
        _ => None,
    }
}

fn text_value(body: &mut Bytes) -> Option<Bytes> {
    match body.try_get_u8().ok()? {
        marker::STRING => text(body),
        _ => None,
    }
}

fn text(body: &mut Bytes) -> Option<Bytes> {
    let len = usize::from(body.try_get_u16().ok()?);
    (len <= body.len()).then(|| body.split_to(len))
}

fn skip(body: &mut Bytes, count: usize) -> Option<()> {
    (count <= body.len()).then(|| body.advance(count))
}
