//! Subpictures of DVD (DVD-Video, "sub-picture unit"; what FFmpeg calls `dvd_subtitle`): one picture of four colours a packet,
//! which is even and odd lines in runs and commands with their times.

use kinora_media::Time;

use super::{Bitmap, Bits, Bytes, Raster, from_ycbcr, palette};
use crate::{Color, Cue, Update};

/// Sequences of commands of one picture.
const MAX_SEQUENCES: usize = 64;

/// What the track's configuration tells.
#[derive(Debug)]
pub(crate) struct Decoder {
    canvas: (u16, u16),
    colors: [Color; 16],
    damaged: u32,
}

/// What the commands of a packet say.
#[derive(Default)]
struct Commands {
    /// Numbers of the four colours in the palette, and their opacity from 0 to 15.
    colors: [u8; 4],
    alphas: [u8; 4],
    /// Left, right, top, bottom: the last ones lie within.
    area: Option<[u16; 4]>,
    /// Where even and odd lines begin.
    fields: Option<[u16; 2]>,
    start: Option<Time>,
    stop: Option<Time>,
}

impl Decoder {
    /// `config`: the head of an `.idx` file (Matroska), or sixteen colours of four bytes, a blank one before Y, Cr and Cb (MP4).
    /// `size`: of the picture, where the track tells it.
    pub(crate) fn new(config: &[u8], size: Option<(u16, u16)>) -> Self {
        let mut decoder = Self {
            canvas: size.unwrap_or((720, 576)),
            // Without a palette: black, white and greys between them.
            colors: core::array::from_fn(|index| {
                let level = u8::try_from(index).unwrap_or(0).saturating_mul(17);
                Color::rgb(level, level, level)
            }),
            damaged: 0,
        };
        match config.as_chunks::<4>() {
            (entries, []) if entries.len() == 16 => {
                for (color, [_, y, cr, cb]) in decoder.colors.iter_mut().zip(entries) {
                    *color = from_ycbcr(*y, *cb, *cr, 255, false);
                }
            }
            _ => decoder.read_head(&String::from_utf8_lossy(config)),
        }
        decoder
    }

    fn read_head(&mut self, head: &str) {
        for line in head.lines() {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            match name.trim() {
                "size" => {
                    let size = value.split_once('x');
                    let size = size
                        .and_then(|(w, h)| Some((w.trim().parse().ok()?, h.trim().parse().ok()?)));
                    self.canvas = size
                        .filter(|(w, h)| *w > 0 && *h > 0)
                        .unwrap_or(self.canvas);
                }
                "palette" => {
                    for (color, hex) in self.colors.iter_mut().zip(value.split(',')) {
                        if let Ok(number) = u32::from_str_radix(hex.trim(), 16) {
                            let [_, red, green, blue] = number.to_be_bytes();
                            *color = Color::rgb(red, green, blue);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    pub(crate) const fn damaged(&self) -> u32 {
        self.damaged
    }

    /// What a packet brings; `duration`: how long the container says that it is shown.
    pub(crate) fn decode(&mut self, data: &[u8], at: Time, duration: Option<Time>) -> Vec<Update> {
        match self.read(data, at, duration) {
            Some(update) => vec![update],
            None => {
                self.damaged = self.damaged.saturating_add(1);
                Vec::new()
            }
        }
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn read(&self, data: &[u8], at: Time, duration: Option<Time>) -> Option<Update> {
        let commands = Commands::read(data)?;
        let bitmap = self.bitmap(data, &commands)?;
        let start = at + commands.start?;
        let stop = commands.stop.map(|stop| at + stop);
        let end = stop.or_else(|| duration.map(|duration| at + duration));
        let cue = Cue {
            start,
            end: end.filter(|end| *end > start).unwrap_or(Time::MAX),
            bitmaps: vec![bitmap],
            ..Cue::default()
        };
        Some(match cue.end {
            Time::MAX => Update::Replace {
                at: start,
                cues: vec![cue],
            },
            _ => Update::Add(cue),
        })
    }

    /// The canvas; where a picture lies beyond it, the next usual one that has room: MP4 tells none.
    fn canvas_with(&self, right: u16, bottom: u16) -> (u16, u16) {
        let usual = [self.canvas, (720, 576), (1280, 720), (1920, 1080)];
        let has_room = |canvas: &(u16, u16)| right < canvas.0 && bottom < canvas.1;
        let largest = (right.saturating_add(1), bottom.saturating_add(1));
        usual.into_iter().find(has_room).unwrap_or(largest)
    }

    fn bitmap(&self, data: &[u8], commands: &Commands) -> Option<Bitmap> {
        let [left, right, top, bottom] = commands.area?;
        let width = right.checked_sub(left)?.checked_add(1)?;
        let height = bottom.checked_sub(top)?.checked_add(1)?;
        let mut raster = Raster::new(width, height)?;
        for (first, offset) in (0_usize..).zip(commands.fields?) {
            fill(&mut raster, first, data.get(usize::from(offset)..)?);
        }
        let colors = commands.colors.iter().zip(commands.alphas);
        let colors = colors.map(|(number, alpha)| {
            let color = self.colors.get(usize::from(*number)).copied();
            color
                .unwrap_or(Color::BLACK)
                .with_alpha(alpha.saturating_mul(17))
        });
        let colors: Vec<Color> = colors.collect();
        let canvas = self.canvas_with(right, bottom);
        Some(Bitmap {
            canvas: (canvas.0.into(), canvas.1.into()),
            x: left.into(),
            y: top.into(),
            width: width.into(),
            height: height.into(),
            palette: palette(&colors),
            pixels: raster.pixels.into(),
        })
    }
}

impl Commands {
    fn read(data: &[u8]) -> Option<Self> {
        let mut head = Bytes(data);
        let (_size, mut at) = (head.short()?, head.short()?);
        let mut commands = Self::default();
        for _ in 0..MAX_SEQUENCES {
            let mut bytes = Bytes(data.get(usize::from(at)..)?);
            let (delay, next) = (bytes.short()?, bytes.short()?);
            // In steps of 1024 of 90,000 a second.
            let delay = i64::from(delay).saturating_mul(1_024_000_000_000) / 90_000_000;
            commands.sequence(&mut bytes, Time::from_nanos(delay.saturating_mul(1_000)))?;
            // The last one names itself.
            if next <= at {
                return Some(commands);
            }
            at = next;
        }
        None
    }

    fn sequence(&mut self, bytes: &mut Bytes<'_>, delay: Time) -> Option<()> {
        loop {
            match bytes.byte()? {
                // Forced subtitles are shown as all others.
                0x00 | 0x01 => self.start = Some(self.start.unwrap_or(delay)),
                0x02 => self.stop = Some(delay),
                0x03 => self.colors = nibbles(bytes)?,
                0x04 => self.alphas = nibbles(bytes)?,
                0x05 => {
                    let [a, b, c] = [bytes.byte()?, bytes.byte()?, bytes.byte()?].map(u16::from);
                    let [d, e, f] = [bytes.byte()?, bytes.byte()?, bytes.byte()?].map(u16::from);
                    let two = |a: u16, b: u16, c: u16| (a << 4 | b >> 4, (b & 0x0f) << 8 | c);
                    let ((left, right), (top, bottom)) = (two(a, b, c), two(d, e, f));
                    self.area = Some([left, right, top, bottom]);
                }
                0x06 => self.fields = Some([bytes.short()?, bytes.short()?]),
                0x07 => {
                    // Colours of parts of lines: karaoke, which few have.
                    let length = bytes.short()?;
                    bytes.take(usize::from(length).checked_sub(2)?)?;
                }
                0xff => return Some(()),
                _ => return None,
            }
        }
    }
}

/// Four numbers of four bits, the one of the highest colour first.
fn nibbles(bytes: &mut Bytes<'_>) -> Option<[u8; 4]> {
    let (high, low) = (bytes.byte()?, bytes.byte()?);
    Some([low & 0x0f, low >> 4, high & 0x0f, high >> 4])
}

/// Every other line, from the first on. Runs have 4, 8, 12 or 16 bits, two of them the colour; a run of no length goes to the end
/// of the line. What is missing stays of the first colour.
fn fill(raster: &mut Raster, first: usize, runs: &[u8]) {
    let mut bits = Bits::new(runs);
    let (mut x, mut y) = (0_usize, first);
    while y < raster.height {
        let Some(run) = run(&mut bits) else { return };
        let (count, color) = (usize::from(run >> 2), (run & 3).to_be_bytes()[1]);
        let left = raster.width.saturating_sub(x);
        let count = match count {
            0 => left,
            count => count.min(left),
        };
        raster.run(x, y, count, color);
        x = x.saturating_add(count);
        if x >= raster.width {
            (x, y) = (0, y.saturating_add(2));
            bits.align();
        }
    }
}

fn run(bits: &mut Bits<'_>) -> Option<u16> {
    let mut run = u16::from(bits.read(4)?);
    for least in [0x4, 0x10, 0x40] {
        if run >= least {
            break;
        }
        run = run << 4 | u16::from(bits.read(4)?);
    }
    Some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "# VobSub index file, v7\nsize: 720x480\npalette: 000000, ffffff, ff0000, 00ff00\n";

    /// Four pixels by two at (16, 32): colours 0 1 1 2 above 3 3 3 3, shown from 0 to 1.024 s.
    fn packet() -> Vec<u8> {
        let lines = [0x4, 0x9, 0x6, 0x0, 0x0, 0x0, 0x0, 0x3];
        let lines: Vec<u8> = lines.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        // One of colour 0, two of colour 1, one of colour 2, filled up to a whole byte; then all of colour 3.
        assert_eq!(lines, [0x49, 0x60, 0x00, 0x03]);
        let commands = [
            0x00, 0x00, 0x00, 0x22, 0x03, 0x32, 0x10, 0x04, 0xff, 0xf0, 0x05, 0x01, 0x00, 0x13,
            0x02, 0x00, 0x21, 0x06, 0x00, 0x04, 0x00, 0x06, 0x01, 0xff, 0x00, 0xff,
        ];
        let stop = [0x00, 0x5a, 0x00, 0x22, 0x02, 0xff];
        let head = [0x00, 0x28, 0x00, 0x08];
        [&head[..], &lines, &commands, &stop].concat()
    }

    #[test]
    fn a_packet_is_a_picture_with_times_of_its_own() {
        let mut decoder = Decoder::new(HEAD.as_bytes(), None);
        let updates = decoder.decode(&packet(), Time::from_millis(500), None);
        let [Update::Add(cue)] = &updates[..] else {
            panic!("{updates:?}")
        };
        assert_eq!((cue.start.as_millis(), cue.end.as_millis()), (500, 1_524));
        let bitmap = &cue.bitmaps[0];
        assert_eq!((bitmap.canvas, bitmap.x, bitmap.y), ((720, 480), 16, 32));
        assert_eq!((bitmap.width, bitmap.height), (4, 2));
        assert_eq!(bitmap.pixels.unpacked()[..], [0, 1, 1, 2, 3, 3, 3, 3]);
        assert_eq!(bitmap.color(&bitmap.pixels.unpacked(), 0, 0).alpha, 0);
        assert_eq!(bitmap.color(&bitmap.pixels.unpacked(), 1, 0), Color::WHITE);
        assert_eq!(
            bitmap.color(&bitmap.pixels.unpacked(), 3, 0),
            Color::rgb(255, 0, 0)
        );
    }

    #[test]
    fn the_palette_of_mp4_is_that_of_the_signal() {
        let config: Vec<u8> = [[0, 235, 128, 128]; 16].concat();
        let decoder = Decoder::new(&config, Some((720, 576)));
        assert_eq!(
            (decoder.colors[5], decoder.canvas),
            (Color::WHITE, (720, 576))
        );
        assert_eq!(decoder.canvas_with(1_279, 1_019), (1920, 1080));
    }

    #[test]
    fn damage_is_counted() {
        let whole = packet();
        let mut decoder = Decoder::new(b"size: 0x0\npalette: zz", None);
        for end in 0..whole.len() {
            decoder.decode(&whole[..end], Time::ZERO, None);
        }
        assert!(decoder.damaged() > 30 && decoder.canvas == (720, 576));
        for byte in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[byte] ^= 0xff;
            decoder.decode(&damaged, Time::ZERO, Some(Time::from_millis(5)));
        }
    }
}
