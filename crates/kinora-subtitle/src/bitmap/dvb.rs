//! DVB subtitles (ETSI EN 300 743): pages of regions, in which objects stand; their pixels are numbers of colours.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_media::Time;

use super::{Bitmap, Bits, Bytes, Raster, from_ycbcr, palette};
use crate::{Color, Cue, Update};

/// Regions and tables of colours of a page; both are named by a byte, and few are used.
const MAX_REGIONS: usize = 64;
/// Pixels that all regions of a page may have: four pictures of the largest canvas that is common.
const MAX_PAGE: usize = 4 * 1_920 * 1_080;
/// Places at which one object is drawn.
const MAX_PLACES: usize = 8;
/// The canvas where no display definition tells one (5.1.3).
const CANVAS: (u16, u16) = (720, 576);

/// What is known of the page.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The pages that are this track's, the second one for what several share; others are of other languages.
    pages: Option<[u16; 2]>,
    canvas: (u16, u16),
    /// Where the canvas's window begins.
    window: (u16, u16),
    /// Regions that are shown, with their places.
    page: Vec<(u8, u16, u16)>,
    regions: BTreeMap<u8, Region>,
    tables: BTreeMap<u8, Table>,
    damaged: u32,
}

#[derive(Debug)]
struct Region {
    raster: (usize, usize, Vec<u8>),
    /// Bits of a colour's number.
    depth: u32,
    table: u8,
    /// Objects and their places.
    objects: Vec<(u16, u16, u16)>,
}

/// Colours for each depth: 4, 16 and 256.
#[derive(Clone, Debug)]
struct Table([Vec<Color>; 3]);

impl Default for Decoder {
    fn default() -> Self {
        Self {
            pages: None,
            canvas: CANVAS,
            window: (0, 0),
            page: Vec::new(),
            regions: BTreeMap::new(),
            tables: BTreeMap::new(),
            damaged: 0,
        }
    }
}

impl Decoder {
    /// `config`: the numbers of the composition and the ancillary page (EN 300 468 6.2.41; so in Matroska too).
    pub(crate) fn new(config: &[u8]) -> Self {
        let mut bytes = Bytes(config);
        let pages = bytes.short().zip(bytes.short());
        Self {
            pages: pages.map(<[u16; 2]>::from),
            ..Self::default()
        }
    }

    /// The packets that follow do not continue those before.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            pages: self.pages,
            damaged: self.damaged,
            ..Self::default()
        };
    }

    pub(crate) const fn damaged(&self) -> u32 {
        self.damaged
    }

    /// What the segments of a packet bring: a page, once a display set ends or the packet does.
    pub(crate) fn decode(&mut self, data: &[u8], at: Time) -> Vec<Update> {
        // In transport streams two bytes stand before the segments (7.1).
        let mut bytes = Bytes(data.strip_prefix(&[0x20, 0x00]).unwrap_or(data));
        let mut is_page = false;
        while let Some(0x0f) = bytes.byte() {
            let (kind, page) = (bytes.byte(), bytes.short());
            let body = bytes.short().and_then(|length| bytes.take(length.into()));
            let (Some(kind), Some(body)) = (kind, body) else {
                self.damaged = self.damaged.saturating_add(1);
                break;
            };
            let is_ours = |pages: [u16; 2]| page.is_none_or(|page| pages.contains(&page));
            if !self.pages.is_none_or(is_ours) {
                continue;
            }
            let read = match kind {
                0x10 => {
                    is_page = true;
                    self.page(body)
                }
                0x11 => self.region(body),
                0x12 => self.table(body),
                0x13 => self.object(body),
                0x14 => self.display(body),
                _ => Some(()),
            };
            self.damaged = self.damaged.saturating_add(u32::from(read.is_none()));
        }
        is_page.then(|| self.show(at)).into_iter().collect()
    }

    fn display(&mut self, body: &[u8]) -> Option<()> {
        let mut bytes = Bytes(body);
        let flags = bytes.byte()?;
        let (width, height) = (bytes.short()?, bytes.short()?);
        self.canvas = (width.checked_add(1)?, height.checked_add(1)?);
        self.window = (0, 0);
        if flags & 0x08 != 0 {
            let (left, _right) = (bytes.short()?, bytes.short()?);
            let (top, _bottom) = (bytes.short()?, bytes.short()?);
            self.window = (left, top);
        }
        Some(())
    }

    fn page(&mut self, body: &[u8]) -> Option<()> {
        let mut bytes = Bytes(body);
        let (_timeout, state) = (bytes.byte()?, bytes.byte()?);
        if state >> 2 & 0x03 == 2 {
            // Mode change: all regions are made anew.
            self.regions.clear();
            self.tables.clear();
        }
        self.page.clear();
        while !bytes.is_empty() && self.page.len() < MAX_REGIONS {
            let (region, _reserved) = (bytes.byte()?, bytes.byte()?);
            self.page.push((region, bytes.short()?, bytes.short()?));
        }
        Some(())
    }

    fn region(&mut self, body: &[u8]) -> Option<()> {
        let mut bytes = Bytes(body);
        let (id, flags) = (bytes.byte()?, bytes.byte()?);
        let (width, height) = (bytes.short()?, bytes.short()?);
        let (depth, table) = (bytes.byte()? >> 2 & 0x07, bytes.byte()?);
        let (wide, narrow) = (bytes.byte()?, bytes.byte()?);
        let (depth, fill) = match depth {
            1 => (2, narrow >> 2 & 0x03),
            2 => (4, narrow >> 4),
            3 => (8, wide),
            _ => return None,
        };
        let raster = Raster::new(width, height)?;
        let size = (raster.width, raster.height);
        let known = self.regions.remove(&id);
        let others = self.regions.values().map(|region| region.raster.2.len());
        let others = others.fold(0_usize, usize::saturating_add);
        if self.regions.len() >= MAX_REGIONS
            || others.saturating_add(raster.pixels.len()) > MAX_PAGE
        {
            return None;
        }
        let mut pixels = match known {
            Some(Region {
                raster: (w, h, pixels),
                ..
            }) if (w, h) == size => pixels,
            _ => raster.pixels,
        };
        if flags & 0x08 != 0 {
            pixels.fill(fill);
        }
        let mut region = Region {
            raster: (size.0, size.1, pixels),
            depth,
            table,
            objects: Vec::new(),
        };
        while !bytes.is_empty() && region.objects.len() < MAX_REGIONS {
            let (object, x, y) = (bytes.short()?, bytes.short()?, bytes.short()?);
            if matches!(x >> 14, 1 | 2) {
                // Letters of a font of the receiver's: their colours.
                bytes.take(2)?;
            }
            region.objects.push((object, x & 0x0fff, y & 0x0fff));
        }
        self.regions.insert(id, region);
        Some(())
    }

    fn table(&mut self, body: &[u8]) -> Option<()> {
        let mut bytes = Bytes(body);
        let (id, _version) = (bytes.byte()?, bytes.byte()?);
        if self.tables.len() >= MAX_REGIONS && !self.tables.contains_key(&id) {
            return None;
        }
        let Table(tables) = self.tables.entry(id).or_default();
        while !bytes.is_empty() {
            let (number, flags) = (bytes.byte()?, bytes.byte()?);
            let [y, cr, cb, transparency] = match flags & 1 != 0 {
                true => [bytes.byte()?, bytes.byte()?, bytes.byte()?, bytes.byte()?],
                false => {
                    let [high, low] = bytes.short()?.to_be_bytes();
                    let cr = (high & 0x03) << 6 | low >> 2 & 0x30;
                    [high & 0xfc, cr, (low & 0x3c) << 2, low << 6]
                }
            };
            // Y of zero means that nothing is seen (7.2.4).
            let alpha = if y == 0 { 0 } else { !transparency };
            let color = from_ycbcr(y, cb, cr, alpha, false);
            for (depth, table) in tables.iter_mut().enumerate() {
                let is_for = flags >> 7_usize.saturating_sub(depth) & 1 != 0;
                let entry = table.get_mut(usize::from(number)).filter(|_| is_for);
                entry.into_iter().for_each(|entry| *entry = color);
            }
        }
        Some(())
    }

    fn object(&mut self, body: &[u8]) -> Option<()> {
        let mut bytes = Bytes(body);
        let (id, flags) = (bytes.short()?, bytes.byte()?);
        if flags >> 2 & 0x03 != 0 {
            // Text in a font of the receiver's: broadcasters do not use it.
            return None;
        }
        let (top, bottom) = (bytes.short()?, bytes.short()?);
        let (top, bottom) = (bytes.take(top.into())?, bytes.take(bottom.into())?);
        // Without lines of its own the lower field has those of the upper one.
        let bottom = if bottom.is_empty() { top } else { bottom };
        let mut room = MAX_PLACES;
        for region in self.regions.values_mut() {
            let places = region.objects.iter().copied();
            let places = places.filter(|(object, ..)| *object == id).take(room);
            let places: Vec<_> = places.collect();
            room = room.saturating_sub(places.len());
            for (_, x, y) in places {
                region.draw((x, y), top);
                region.draw((x, y.saturating_add(1)), bottom);
            }
        }
        Some(())
    }

    fn show(&self, at: Time) -> Update {
        let bitmaps = self.page.iter().filter_map(|(id, x, y)| {
            let region = self.regions.get(id)?;
            let (width, height, pixels) = &region.raster;
            Some(Bitmap {
                canvas: (self.canvas.0.into(), self.canvas.1.into()),
                x: x.saturating_add(self.window.0).into(),
                y: y.saturating_add(self.window.1).into(),
                width: u32::try_from(*width).ok()?,
                height: u32::try_from(*height).ok()?,
                palette: self.colors(region),
                pixels: pixels.as_slice().into(),
            })
        });
        let bitmaps: Vec<Bitmap> = bitmaps.filter(Bitmap::is_seen).collect();
        let cue = Cue {
            start: at,
            end: Time::MAX,
            bitmaps,
            ..Cue::default()
        };
        let cues = Some(cue).filter(|cue| !cue.bitmaps.is_empty());
        let cues = cues.into_iter().collect();
        Update::Replace { at, cues }
    }

    fn colors(&self, region: &Region) -> Arc<[Color]> {
        let table = self.tables.get(&region.table).cloned().unwrap_or_default();
        let Table([four, sixteen, all]) = &table;
        palette(match region.depth {
            2 => four,
            4 => sixteen,
            _ => all,
        })
    }
}

impl Default for Table {
    /// The colours of those that no one defines (10).
    fn default() -> Self {
        let clear = Color::BLACK.with_alpha(0);
        let four = vec![clear, Color::WHITE, Color::BLACK, Color::rgb(127, 127, 127)];
        let level = |number: u8, bit: u32, high: u8| if number >> bit & 1 != 0 { high } else { 0 };
        let sixteen = (0..16).map(|number: u8| match number {
            0 => clear,
            _ => {
                let high = if number < 8 { 255 } else { 127 };
                Color::rgb(
                    level(number, 0, high),
                    level(number, 1, high),
                    level(number, 2, high),
                )
            }
        });
        Self([four, sixteen.collect(), (0..=255).map(of_256).collect()])
    }
}

/// The default table of 256 colours (10.1): three bits choose a colour of 85 or 170 steps, others how bright or transparent.
fn of_256(number: u8) -> Color {
    let bit = |at: u32, value: u8| if number >> at & 1 != 0 { value } else { 0 };
    let sum =
        |at: u32, low: u8, high: u8| bit(at, low).saturating_add(bit(at.saturating_add(4), high));
    let rgb =
        |low: u8, high: u8, base: u8| [0, 1, 2].map(|at| sum(at, low, high).saturating_add(base));
    let ([red, green, blue], alpha) = match (number, number & 0x88) {
        (0, _) => ([0; 3], 0),
        (1..8, _) => ([bit(0, 255), bit(1, 255), bit(2, 255)], 63),
        (_, 0x00) => (rgb(85, 170, 0), 255),
        (_, 0x08) => (rgb(85, 170, 0), 127),
        (_, 0x80) => (rgb(43, 85, 127), 255),
        _ => (rgb(43, 85, 0), 255),
    };
    Color {
        red,
        green,
        blue,
        alpha,
    }
}

impl Region {
    /// Draws the lines of one field: every other one, from the place down.
    fn draw(&mut self, (x, y): (u16, u16), data: &[u8]) {
        let (width, height, pixels) = core::mem::take(&mut self.raster);
        let mut raster = Raster {
            width,
            height,
            pixels,
        };
        self.lines(&mut raster, (x, y), data);
        self.raster = (raster.width, raster.height, raster.pixels);
    }

    /// Blocks of pixel data (7.2.5.1): runs of 2, 4 or 8 bits, tables that map numbers to those of another depth, ends of lines.
    fn lines(&self, raster: &mut Raster, (x, y): (u16, u16), data: &[u8]) -> Option<()> {
        let (left, mut row) = (usize::from(x), usize::from(y));
        let mut pen = Pen {
            x: left,
            row,
            depth: self.depth,
            maps: Maps::default(),
        };
        let mut rest = data;
        while let Some((kind, after)) = rest.split_first() {
            let mut bits = Bits::new(after);
            match kind {
                0x10 => pen.two(raster, &mut bits)?,
                0x11 => pen.four(raster, &mut bits)?,
                0x12 => pen.eight(raster, &mut bits)?,
                0x20 => pen.maps.two_to_four = map(&mut bits, 4)?,
                0x21 => pen.maps.two_to_eight = map(&mut bits, 8)?,
                0x22 => pen.maps.four_to_eight = map(&mut bits, 8)?,
                0xf0 => {
                    row = row.saturating_add(2);
                    (pen.x, pen.row) = (left, row);
                }
                _ => {}
            }
            bits.align();
            rest = bits.rest();
        }
        Some(())
    }
}

fn map<const N: usize>(bits: &mut Bits<'_>, depth: u32) -> Option<[u8; N]> {
    let mut map = [0; N];
    for entry in &mut map {
        *entry = bits.read(depth)?;
    }
    Some(map)
}

/// From numbers of few bits to those of the region (10.4 to 10.6).
struct Maps {
    two_to_four: [u8; 4],
    two_to_eight: [u8; 4],
    four_to_eight: [u8; 16],
}

impl Default for Maps {
    fn default() -> Self {
        Self {
            two_to_four: [0x0, 0x7, 0x8, 0xf],
            two_to_eight: [0x00, 0x77, 0x88, 0xff],
            four_to_eight: core::array::from_fn(|number| {
                u8::try_from(number).unwrap_or(0).saturating_mul(0x11)
            }),
        }
    }
}

/// Where the next run begins.
struct Pen {
    x: usize,
    row: usize,
    /// Bits of the region's numbers.
    depth: u32,
    maps: Maps,
}

impl Pen {
    fn run(&mut self, raster: &mut Raster, count: usize, color: u8) {
        raster.run(self.x, self.row, count, color);
        self.x = self.x.saturating_add(count);
    }

    /// The `2-bit/pixel_code_string`.
    fn two(&mut self, raster: &mut Raster, bits: &mut Bits<'_>) -> Option<()> {
        loop {
            let (count, color) = match bits.read(2)? {
                0 if bits.read(1)? == 1 => {
                    (usize::from(bits.read(3)?).saturating_add(3), bits.read(2)?)
                }
                0 if bits.read(1)? == 1 => (1, 0),
                0 => match bits.read(2)? {
                    0 => return Some(()),
                    1 => (2, 0),
                    2 => (usize::from(bits.read(4)?).saturating_add(12), bits.read(2)?),
                    _ => (usize::from(bits.read(8)?).saturating_add(29), bits.read(2)?),
                },
                color => (1, color),
            };
            let maps = &self.maps;
            let mapped = match self.depth {
                2 => Some(color),
                4 => maps.two_to_four.get(usize::from(color)).copied(),
                _ => maps.two_to_eight.get(usize::from(color)).copied(),
            };
            self.run(raster, count, mapped.unwrap_or(color));
        }
    }

    /// The `4-bit/pixel_code_string`.
    fn four(&mut self, raster: &mut Raster, bits: &mut Bits<'_>) -> Option<()> {
        loop {
            let (count, color) = match bits.read(4)? {
                0 if bits.read(1)? == 0 => match bits.read(3)? {
                    0 => return Some(()),
                    length => (usize::from(length).saturating_add(2), 0),
                },
                0 if bits.read(1)? == 0 => {
                    (usize::from(bits.read(2)?).saturating_add(4), bits.read(4)?)
                }
                0 => match bits.read(2)? {
                    0 => (1, 0),
                    1 => (2, 0),
                    2 => (usize::from(bits.read(4)?).saturating_add(9), bits.read(4)?),
                    _ => (usize::from(bits.read(8)?).saturating_add(25), bits.read(4)?),
                },
                color => (1, color),
            };
            let mapped = match self.depth {
                8 => self.maps.four_to_eight.get(usize::from(color)).copied(),
                _ => Some(color),
            };
            self.run(raster, count, mapped.unwrap_or(color));
        }
    }

    /// The `8-bit/pixel_code_string`.
    fn eight(&mut self, raster: &mut Raster, bits: &mut Bits<'_>) -> Option<()> {
        loop {
            // FFmpeg's encoder ends the string of a whole line with one zero in place of two.
            if self.x >= raster.width && bits.rest().starts_with(&[0x00, 0xf0]) {
                bits.read(8)?;
                return Some(());
            }
            let (count, color) = match bits.read(8)? {
                0 => {
                    let (is_colored, length) = (bits.read(1)? == 1, bits.read(7)?);
                    match (is_colored, length) {
                        (false, 0) => return Some(()),
                        (false, length) => (usize::from(length), 0),
                        (true, length) => (usize::from(length), bits.read(8)?),
                    }
                }
                color => (1, color),
            };
            self.run(raster, count, color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[0x0f, kind, 0, 1], &length[..], body].concat()
    }

    /// A region of 8x2 pixels of four bits at (100, 500): three of colour 1 and five of none above, eight of colour 2 below.
    fn set() -> Vec<u8> {
        let page = [30, 0x08, 7, 0, 0, 100, 1, 0xf4];
        let region = [7, 0x08, 0, 8, 0, 2, 0x48, 3, 0, 0, 0, 9, 0, 0, 0, 0];
        let table = [3, 0, 1, 0x41, 235, 128, 128, 0, 2, 0x41, 235, 128, 128, 128];
        // 1 1 1, then five of none; the end of the string.
        let top = [0x11, 0x11, 0x10, 0x30, 0x00, 0xf0];
        // A run of four to seven: 0000 10 LL CCCC, with L of 3, and one more.
        let bottom = [0x11, 0x0b, 0x22, 0x00, 0xf0];
        let lengths = [0, 9, 0, 0, 6, 0, 5];
        [
            vec![0x20, 0x00],
            segment(0x10, &page),
            segment(0x11, &region),
            segment(0x12, &table),
            segment(0x13, &[&lengths[..], &top, &bottom].concat()),
            segment(0x80, &[]),
            vec![0xff],
        ]
        .concat()
    }

    fn shown(updates: &[Update]) -> Vec<Bitmap> {
        let [Update::Replace { cues, .. }] = updates else {
            panic!("{updates:?}");
        };
        cues.iter().flat_map(|cue| cue.bitmaps.clone()).collect()
    }

    #[test]
    fn a_page_shows_its_regions_until_the_next_one() {
        let mut decoder = Decoder::default();
        let bitmaps = shown(&decoder.decode(&set(), Time::ZERO));
        let [bitmap] = &bitmaps[..] else {
            panic!("{bitmaps:?}")
        };
        assert_eq!((bitmap.canvas, bitmap.x, bitmap.y), ((720, 576), 100, 500));
        assert_eq!(bitmap.pixels.unpacked()[..8], [1, 1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(bitmap.pixels.unpacked()[8..], [2; 8]);
        assert_eq!(bitmap.color(&bitmap.pixels.unpacked(), 0, 0), Color::WHITE);
        assert_eq!(
            bitmap.color(&bitmap.pixels.unpacked(), 0, 1),
            Color::WHITE.with_alpha(127)
        );
        assert_eq!(bitmap.color(&bitmap.pixels.unpacked(), 7, 0).alpha, 0);
        let clear = segment(0x10, &[30, 0x10]);
        assert_eq!(shown(&decoder.decode(&clear, Time::from_millis(9))), []);
        assert_eq!(decoder.damaged(), 0);
    }

    #[test]
    fn pages_of_other_languages_are_passed_over() {
        assert_eq!(
            shown(&Decoder::new(&[0, 1, 0, 1, 0x10]).decode(&set(), Time::ZERO)).len(),
            1
        );
        let mut other = Decoder::new(&[0, 2, 0, 3]);
        assert_eq!(other.decode(&set(), Time::ZERO), []);
        other.reset();
        assert_eq!(other.pages, Some([2, 3]));
    }

    #[test]
    fn strings_of_eight_bits_may_end_with_one_zero_at_the_end_of_a_line() {
        let region = [7, 0x00, 0, 4, 0, 2, 0x6c, 3, 0, 0, 0, 9, 0, 0, 0, 0];
        for zeros in [1, 2] {
            let line = [&[0x12, 5, 0, 0x83, 6][..], &[0, 0][..zeros], &[0xf0]].concat();
            let length = u8::try_from(line.len()).unwrap();
            let object = [&[0, 9, 0, 0, length, 0, length][..], &line, &line].concat();
            let mut decoder = Decoder::default();
            decoder.decode(&segment(0x11, &region), Time::ZERO);
            decoder.decode(&segment(0x13, &object), Time::ZERO);
            assert_eq!(decoder.regions[&7].raster.2, [5, 6, 6, 6].repeat(2));
        }
    }

    #[test]
    fn the_default_colours_are_those_of_the_standard() {
        let Table([four, sixteen, all]) = Table::default();
        assert_eq!(
            (four[1], four[3]),
            (Color::WHITE, Color::rgb(127, 127, 127))
        );
        assert_eq!(
            (sixteen[1], sixteen[9]),
            (Color::rgb(255, 0, 0), Color::rgb(127, 0, 0))
        );
        assert_eq!(
            (all[0].alpha, all[1]),
            (0, Color::rgb(255, 0, 0).with_alpha(63))
        );
        assert_eq!(
            (all[0x77], all[0x11]),
            (Color::WHITE, Color::rgb(255, 0, 0))
        );
        assert_eq!(all[0x19], Color::rgb(255, 0, 0).with_alpha(127));
        assert_eq!(all[0xff], Color::rgb(128, 128, 128));
    }

    #[test]
    fn damage_is_counted_and_nothing_is_taken_on_trust() {
        let set = set();
        for byte in 2..set.len() {
            let mut decoder = Decoder::default();
            decoder.decode(&set[..byte], Time::ZERO);
            let mut damaged = set.clone();
            damaged[byte] ^= 0xff;
            decoder.decode(&damaged, Time::ZERO);
        }
        // Regions larger than any page.
        let mut decoder = Decoder::default();
        for id in 0..8 {
            let region = [id, 0x08, 0x1f, 0xff, 0x1f, 0xff, 0x48, 3, 0, 0];
            decoder.decode(&segment(0x11, &region), Time::ZERO);
        }
        assert_eq!((decoder.regions.len(), decoder.damaged()), (0, 8));
    }
}
