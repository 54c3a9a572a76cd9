//! Presentation graphics of Blu-ray (BD-ROM Part 3, "HDMV presentation graphics"; what FFmpeg calls `hdmv_pgs_subtitle`).
//!
//! Segments: a composition says which objects stand where, a palette which colours their numbers have, objects are pictures in
//! runs. A set of them ends with an end segment; it replaces what was shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_media::Time;

use super::{Bitmap, Bytes, Raster, from_ycbcr, palette};
use crate::{Color, Cue, Update};

/// Objects and palettes of an epoch: 64 and 8 by the specification.
const MAX_OBJECTS: usize = 64;
const MAX_PALETTES: usize = 8;
/// Objects of one composition: two by the specification.
const MAX_SHOWN: usize = 16;
/// Bytes of one object: a picture of the largest size without any runs, and as much again.
const MAX_OBJECT: usize = 8 << 20;
/// Pixels and bytes of all objects of an epoch: decoders of discs have 4 MiB for them.
const MAX_EPOCH: usize = 16 << 20;

/// What is known of the epoch.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    palettes: BTreeMap<u8, Vec<Color>>,
    objects: BTreeMap<u16, Object>,
    composition: Option<Composition>,
    /// The canvas is larger than that of standard television.
    is_hd: bool,
    damaged: u32,
}

#[derive(Debug)]
struct Object {
    width: u16,
    height: u16,
    contents: Contents,
}

#[derive(Debug)]
enum Contents {
    /// Its runs, so many bytes when all parts have come.
    Runs {
        length: usize,
        runs: Vec<u8>,
    },
    Pixels(Arc<[u8]>),
}

#[derive(Debug)]
struct Composition {
    /// When it is shown: the segments of a set may come in packets of their own, of which only the first tells that.
    at: Time,
    canvas: (u16, u16),
    palette: u8,
    shown: Vec<Shown>,
}

/// An object at its place.
#[derive(Debug)]
struct Shown {
    object: u16,
    x: u16,
    y: u16,
    /// The part of it that is shown: its corner and size.
    crop: Option<[u16; 4]>,
}

impl Decoder {
    pub(crate) const fn damaged(&self) -> u32 {
        self.damaged
    }

    /// What the segments of a packet bring.
    pub(crate) fn decode(&mut self, data: &[u8], at: Time) -> Vec<Update> {
        let mut bytes = Bytes(data);
        let mut updates = Vec::new();
        while !bytes.is_empty() {
            let (kind, length) = (bytes.byte(), bytes.short());
            let body = length.and_then(|length| bytes.take(length.into()));
            let (Some(kind), Some(body)) = (kind, body) else {
                self.damaged = self.damaged.saturating_add(1);
                break;
            };
            let read = match kind {
                0x14 => self.palette(body),
                0x15 => self.object(body),
                0x16 => self.composition(body, at),
                0x80 => {
                    updates.extend(self.show());
                    Some(())
                }
                // Windows only help players to save memory.
                _ => Some(()),
            };
            self.damaged = self.damaged.saturating_add(u32::from(read.is_none()));
        }
        updates
    }

    fn palette(&mut self, body: &[u8]) -> Option<()> {
        let mut bytes = Bytes(body);
        let (id, _version) = (bytes.byte()?, bytes.byte()?);
        if self.palettes.len() >= MAX_PALETTES && !self.palettes.contains_key(&id) {
            return None;
        }
        let is_hd = self.is_hd;
        let transparent = || vec![Color::BLACK.with_alpha(0); 256];
        let colors = self.palettes.entry(id).or_insert_with(transparent);
        for entry in bytes.0.as_chunks::<5>().0 {
            let [number, y, cr, cb, alpha] = *entry;
            if let Some(color) = colors.get_mut(usize::from(number)) {
                *color = from_ycbcr(y, cb, cr, alpha, is_hd);
            }
        }
        Some(())
    }

    fn object(&mut self, body: &[u8]) -> Option<()> {
        let mut bytes = Bytes(body);
        let (id, _version, sequence) = (bytes.short()?, bytes.byte()?, bytes.byte()?);
        if sequence & 0x80 == 0 {
            return self.objects.get_mut(&id)?.append(bytes.0);
        }
        let [high, middle, low] = [bytes.byte()?, bytes.byte()?, bytes.byte()?];
        let length = u32::from_be_bytes([0, high, middle, low]);
        // The size counts in the length.
        let length = usize::try_from(length).ok()?.checked_sub(4)?;
        let (width, height) = (bytes.short()?, bytes.short()?);
        self.objects.remove(&id);
        let held = self.objects.values().map(Object::size);
        let held = held.fold(length, usize::saturating_add);
        let size = Raster::new(width, height)?.pixels.len();
        if self.objects.len() >= MAX_OBJECTS
            || length > MAX_OBJECT
            || held.saturating_add(size) > MAX_EPOCH
        {
            return None;
        }
        let runs = Vec::new();
        let contents = Contents::Runs { length, runs };
        let object = Object {
            width,
            height,
            contents,
        };
        self.objects.entry(id).or_insert(object).append(bytes.0)
    }

    fn composition(&mut self, body: &[u8], at: Time) -> Option<()> {
        let mut bytes = Bytes(body);
        let canvas = (bytes.short()?, bytes.short()?);
        let (_rate, _number) = (bytes.byte()?, bytes.short()?);
        let (state, _update) = (bytes.byte()?, bytes.byte()?);
        let (palette, count) = (bytes.byte()?, bytes.byte()?);
        if state & 0x80 != 0 {
            // An epoch starts: nothing of the one before is referred to.
            self.objects.clear();
            self.palettes.clear();
        }
        let mut composition = Composition {
            at,
            canvas,
            palette,
            shown: Vec::new(),
        };
        for _ in 0..usize::from(count).min(MAX_SHOWN) {
            let (object, _window, flags) = (bytes.short()?, bytes.byte()?, bytes.byte()?);
            let (x, y) = (bytes.short()?, bytes.short()?);
            let crop = match flags & 0x80 != 0 {
                true => Some([
                    bytes.short()?,
                    bytes.short()?,
                    bytes.short()?,
                    bytes.short()?,
                ]),
                false => None,
            };
            composition.shown.push(Shown { object, x, y, crop });
        }
        self.is_hd = canvas.1 > 576;
        self.composition = Some(composition);
        Some(())
    }

    /// The set is complete: it takes the place of what was shown.
    fn show(&mut self) -> Option<Update> {
        // Each composition is shown once.
        let composition = self.composition.take()?;
        let at = composition.at;
        let colors = self.palettes.get(&composition.palette);
        let colors = palette(colors.map(Vec::as_slice).unwrap_or_default());
        let mut missing = 0_u32;
        let bitmaps = composition.shown.iter().filter_map(|shown| {
            let bitmap = self
                .objects
                .get(&shown.object)
                .and_then(|object| object.bitmap(shown, composition.canvas, &colors));
            missing = missing.saturating_add(u32::from(bitmap.is_none()));
            bitmap
        });
        let bitmaps: Vec<Bitmap> = bitmaps.filter(Bitmap::is_seen).collect();
        self.damaged = self.damaged.saturating_add(missing);
        let cue = Cue {
            start: at,
            end: Time::MAX,
            bitmaps,
            ..Cue::default()
        };
        let cues = Some(cue).filter(|cue| !cue.bitmaps.is_empty());
        let cues = cues.into_iter().collect();
        Some(Update::Replace { at, cues })
    }
}

impl Object {
    /// Bytes that it takes, now or when it is whole.
    fn size(&self) -> usize {
        let pixels = usize::from(self.width).saturating_mul(usize::from(self.height));
        match &self.contents {
            Contents::Runs { length, .. } => pixels.saturating_add(*length),
            Contents::Pixels(_) => pixels,
        }
    }

    /// Takes a part; with the last one it is read.
    fn append(&mut self, part: &[u8]) -> Option<()> {
        let Contents::Runs { length, runs } = &mut self.contents else {
            return None;
        };
        let room = length.saturating_sub(runs.len());
        runs.extend_from_slice(part.get(..part.len().min(room))?);
        if runs.len() == *length {
            let mut raster = Raster::new(self.width, self.height)?;
            fill(&mut raster, runs)?;
            self.contents = Contents::Pixels(raster.pixels.into());
        }
        Some(())
    }

    fn bitmap(&self, shown: &Shown, canvas: (u16, u16), colors: &Arc<[Color]>) -> Option<Bitmap> {
        let Contents::Pixels(whole) = &self.contents else {
            return None;
        };
        let (mut width, mut height) = (self.width, self.height);
        let mut pixels = Arc::clone(whole);
        if let Some([x, y, w, h]) = shown.crop {
            width = w.min(width.saturating_sub(x));
            height = h.min(height.saturating_sub(y));
            let mut part = Raster::new(width, height)?;
            let rows = whole.chunks_exact(self.width.into()).skip(y.into());
            for (to, from) in part.pixels.chunks_exact_mut(width.into()).zip(rows) {
                let columns = from.iter().skip(x.into());
                to.iter_mut()
                    .zip(columns)
                    .for_each(|(to, from)| *to = *from);
            }
            pixels = part.pixels.into();
        }
        Some(Bitmap {
            canvas: (canvas.0.into(), canvas.1.into()),
            x: shown.x.into(),
            y: shown.y.into(),
            width: width.into(),
            height: height.into(),
            palette: Arc::clone(colors),
            pixels: pixels.as_ref().into(),
        })
    }
}

/// Lines in runs: a number that is not 0 is a pixel of that colour; 0 begins a run, or ends the line.
fn fill(raster: &mut Raster, runs: &[u8]) -> Option<()> {
    let mut bytes = Bytes(runs);
    let (mut x, mut y) = (0_usize, 0_usize);
    while y < raster.height && !bytes.is_empty() {
        let color = bytes.byte()?;
        if color != 0 {
            raster.run(x, y, 1, color);
            x = x.saturating_add(1);
            continue;
        }
        let flags = bytes.byte()?;
        if flags == 0 {
            (x, y) = (0, y.saturating_add(1));
            continue;
        }
        let short = usize::from(flags & 0x3f);
        let count = match flags & 0x40 != 0 {
            true => short << 8 | usize::from(bytes.byte()?),
            false => short,
        };
        let color = if flags & 0x80 != 0 { bytes.byte()? } else { 0 };
        raster.run(x, y, count, color);
        x = x.saturating_add(count);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    /// One object of 4x2 pixels at (100, 200) of 1920x1080: a line of colour 1, then two of colour 2 behind two of none.
    fn set() -> Vec<u8> {
        let composition = [
            7, 128, 4, 56, 0x10, 0, 1, 0x80, 0, 0, 1, 0, 5, 0, 0, 0, 100, 0, 200,
        ];
        let palette = [0, 0, 1, 235, 128, 128, 255, 2, 16, 128, 128, 127];
        let head = [0, 5, 0, 0xc0, 0, 0, 15, 0, 4, 0, 2];
        let runs = [0, 0x84, 1, 0, 0, 2, 2, 0, 2, 0, 0];
        [
            segment(0x16, &composition),
            segment(0x17, &[0]),
            segment(0x14, &palette),
            segment(0x15, &[&head[..], &runs].concat()),
            segment(0x80, &[]),
        ]
        .concat()
    }

    fn clear() -> Vec<u8> {
        let composition = [7, 128, 4, 56, 0x10, 0, 2, 0, 0, 0, 0];
        [segment(0x16, &composition), segment(0x80, &[])].concat()
    }

    fn shown(updates: &[Update]) -> Vec<Bitmap> {
        let [Update::Replace { cues, .. }] = updates else {
            panic!("{updates:?}");
        };
        cues.iter().flat_map(|cue| cue.bitmaps.clone()).collect()
    }

    #[test]
    fn a_set_shows_its_objects_until_the_next_one_clears_them() {
        let mut decoder = Decoder::default();
        let updates = decoder.decode(&set(), Time::from_millis(40));
        let bitmaps = shown(&updates);
        let [bitmap] = &bitmaps[..] else {
            panic!("{bitmaps:?}")
        };
        assert_eq!(
            (bitmap.canvas, bitmap.x, bitmap.y),
            ((1920, 1080), 100, 200)
        );
        assert_eq!((bitmap.width, bitmap.height), (4, 2));
        assert_eq!(bitmap.pixels.unpacked()[..], [1, 1, 1, 1, 2, 2, 0, 0]);
        assert_eq!(bitmap.color(&bitmap.pixels.unpacked(), 0, 0), Color::WHITE);
        assert_eq!(
            bitmap.color(&bitmap.pixels.unpacked(), 0, 1),
            Color::BLACK.with_alpha(127)
        );
        assert_eq!(bitmap.color(&bitmap.pixels.unpacked(), 3, 1).alpha, 0);
        assert_eq!(shown(&decoder.decode(&clear(), Time::from_millis(80))), []);
        assert_eq!(decoder.damaged(), 0);
    }

    #[test]
    fn segments_may_come_in_packets_of_their_own_and_objects_in_parts() {
        let mut decoder = Decoder::default();
        let whole = shown(&decoder.decode(&set(), Time::ZERO));
        let mut decoder = Decoder::default();
        let (mut updates, set) = (Vec::new(), set());
        let mut bytes = Bytes(&set);
        while let (Some(kind), Some(length)) = (bytes.byte(), bytes.short()) {
            let body = bytes.take(length.into()).unwrap();
            let parts = match kind {
                0x15 => vec![
                    [&body[..3], &[0x80], &body[4..15]].concat(),
                    [&body[..3], &[0x40], &body[15..]].concat(),
                ],
                _ => vec![body.to_vec()],
            };
            for part in parts {
                // The end comes before the time at which it is shown.
                let at = Time::from_millis(if kind == 0x16 { 40 } else { 30 });
                updates.extend(decoder.decode(&segment(kind, &part), at));
            }
        }
        assert_eq!(shown(&updates), whole);
        assert!(matches!(updates[0], Update::Replace { at, .. } if at.as_millis() == 40));
    }

    #[test]
    fn damage_is_counted_and_nothing_is_taken_on_trust() {
        let set = set();
        for end in 0..set.len() {
            let mut decoder = Decoder::default();
            decoder.decode(&set[..end], Time::ZERO);
            for byte in 0..end {
                let mut damaged = set.clone();
                damaged[byte] ^= 0xff;
                Decoder::default().decode(&damaged, Time::ZERO);
            }
        }
        let mut decoder = Decoder::default();
        decoder.decode(&set[..20], Time::ZERO);
        assert_eq!(decoder.damaged(), 1);
        // A picture larger than any screen is none.
        assert!(Raster::new(4_096, 4_096).is_none() && Raster::new(0, 5).is_none());
    }
}
