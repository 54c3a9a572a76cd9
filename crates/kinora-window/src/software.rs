//! Pictures without a GPU: only the pixels that are seen are converted, straight into the window's memory.

use kinora_media::{PixelFormat, VideoFrame};
use kinora_output::video::Conversion;
use kinora_output::{SinkError, VideoFormat, upright_planes};
use kinora_overlay::Overlay;

use crate::place::{self, Place};
use crate::scene::Scene;

/// A bound on what one axis of the window asks for.
const MAX_SIDE: u32 = 1 << 14;

/// Draws frames; keeps what is the same for all of one format.
#[derive(Default)]
pub(crate) struct Software {
    rows: Rows,
}

/// Memory for a row, used again.
#[derive(Default)]
struct Rows {
    luma: Vec<u16>,
    first: Vec<u16>,
    second: Vec<u16>,
    rgb: Vec<u8>,
}

/// Two neighbouring samples and the share of the second, of 256.
#[derive(Clone, Copy)]
struct Tap {
    near: usize,
    far: usize,
    share: u32,
}

impl Software {
    /// Draws what is to be seen: a pixel is `0x00RRGGBB`, rows from the top.
    pub(crate) fn draw(
        &mut self,
        pixels: &mut [u32],
        frame: Option<&VideoFrame>,
        scene: &Scene,
    ) -> Result<(), SinkError> {
        let [red, green, blue] = scene.background.map(u32::from);
        pixels.fill(red << 16 | green << 8 | blue);
        let drawn = frame.map_or(Ok(()), |frame| {
            self.picture(pixels, &upright_planes(frame), scene)
        });
        for overlay in &scene.overlays {
            blend(pixels, scene.size.0, overlay);
        }
        drawn
    }

    fn picture(
        &mut self,
        pixels: &mut [u32],
        frame: &VideoFrame,
        scene: &Scene,
    ) -> Result<(), SinkError> {
        let bad = |why| SinkError::bad_frame(frame, why);
        if frame.width == 0 || frame.height == 0 {
            return Err(bad("it has no pixels"));
        }
        let (format, window) = (VideoFormat::of(frame), scene.size);
        let place = place::of_picture(&format, scene.mode, window);
        let conversion = Conversion::of(&format);
        let columns = taps(place.left, place.width, frame.width, window.0);
        let rows = taps(place.top, place.height, frame.height, window.1);
        let (Some((left, columns)), Some((top, rows))) = (columns, rows) else {
            return Ok(());
        };
        let wide = window.0 as usize;
        let lines = pixels.chunks_exact_mut(wide.max(1)).skip(top);
        for (line, row) in lines.zip(&rows) {
            let line = line.get_mut(left..left + columns.len()).unwrap_or_default();
            self.rows
                .fill(frame, *row, &columns)
                .ok_or_else(|| bad("it has less memory than its size needs"))?;
            let Rows {
                luma,
                first,
                second,
                rgb,
            } = &mut self.rows;
            rgb.resize(luma.len() * 3, 0);
            conversion.row(rgb, luma, first, second);
            for (pixel, [red, green, blue]) in line.iter_mut().zip(rgb.as_chunks::<3>().0) {
                *pixel = u32::from(*red) << 16 | u32::from(*green) << 8 | u32::from(*blue);
            }
        }
        Ok(())
    }
}

/// For each pixel of the window on one axis that shows the picture which samples it shows, and the first such pixel. The picture
/// begins at `first` and is `length` pixels long there.
fn taps(first: i32, length: u32, samples: u32, window: u32) -> Option<(usize, Vec<Tap>)> {
    let window = i64::from(window.min(MAX_SIDE));
    let (from, to) = (i64::from(first), i64::from(first) + i64::from(length));
    let (from, to) = (from.max(0), to.min(window));
    if from >= to {
        return None;
    }
    let ratio = f64::from(samples) / f64::from(length.max(1));
    let last = f64::from(samples.saturating_sub(1));
    let taps = (from..to).map(|at| {
        #[allow(clippy::cast_precision_loss, reason = "pixels of a window")]
        let within = (at - i64::from(first)) as f64;
        let place = ((within + 0.5) * ratio - 0.5).clamp(0.0, last);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the picture"
        )]
        let (near, share) = (place as usize, (place.fract() * 256.0) as u32);
        Tap {
            near,
            far: near + usize::from(share > 0),
            share,
        }
    });
    Some((usize::try_from(from).ok()?, taps.collect()))
}

impl Rows {
    /// The samples of a row of the window, between those of two rows of the picture; `None`: its memory ends before.
    fn fill(&mut self, frame: &VideoFrame, row: Tap, columns: &[Tap]) -> Option<()> {
        let pixels = frame.format;
        let (near, far) = (bytes(frame, 0, row.near)?, bytes(frame, 0, row.far)?);
        let is_wide = pixels.bytes_per_sample() == 2;
        match is_wide {
            true => blended(
                &mut self.luma,
                (near, far),
                row.share,
                columns,
                sample_of_two,
            ),
            false => blended(
                &mut self.luma,
                (near, far),
                row.share,
                columns,
                sample_of_one,
            ),
        }
        if pixels.planes() == 1 {
            return Some(());
        }
        let (across, down) = pixels.chroma_shift();
        let first = bytes(frame, 1, row.near >> down)?;
        if pixels == PixelFormat::P010 {
            for (into, which) in [(&mut self.first, 0), (&mut self.second, 1)] {
                picked(into, first, columns, |row, at| {
                    sample_of_two(row, (at >> 1) * 2 + which)
                });
            }
            return Some(());
        }
        if pixels == PixelFormat::Nv12 {
            picked(&mut self.first, first, columns, |row, at| {
                sample_of_one(row, (at >> 1) * 2)
            });
            picked(&mut self.second, first, columns, |row, at| {
                sample_of_one(row, (at >> 1) * 2 + 1)
            });
            return Some(());
        }
        let second = bytes(frame, 2, row.near >> down)?;
        for (into, row) in [(&mut self.first, first), (&mut self.second, second)] {
            match is_wide {
                true => picked(into, row, columns, |row, at| {
                    sample_of_two(row, at >> across)
                }),
                false => picked(into, row, columns, |row, at| {
                    sample_of_one(row, at >> across)
                }),
            }
        }
        Some(())
    }
}

fn bytes(frame: &VideoFrame, plane: usize, row: usize) -> Option<&[u8]> {
    let (len, _) = frame.format.plane_size(plane, frame.width, frame.height);
    let view = frame.buffer.plane(plane);
    let start = row.checked_mul(view.stride)?;
    view.data.get(start..start.checked_add(len)?)
}

fn sample_of_one(row: &[u8], at: usize) -> u16 {
    row.get(at).copied().unwrap_or(0).into()
}

fn sample_of_two(row: &[u8], at: usize) -> u16 {
    let pair = row.as_chunks::<2>().0.get(at);
    pair.map_or(0, |pair| u16::from_le_bytes(*pair))
}

fn blended(
    into: &mut Vec<u16>,
    (near, far): (&[u8], &[u8]),
    share: u32,
    columns: &[Tap],
    sample: impl Fn(&[u8], usize) -> u16,
) {
    into.clear();
    into.extend(columns.iter().map(|column| {
        let across = |row: &[u8]| {
            let (one, other) = (sample(row, column.near), sample(row, column.far));
            u32::from(one) * (256 - column.share) + u32::from(other) * column.share
        };
        let value = match share {
            0 => (across(near) + 128) >> 8,
            _ => (across(near) * (256 - share) + across(far) * share + (1 << 15)) >> 16,
        };
        u16::try_from(value).unwrap_or(u16::MAX)
    }));
}

fn picked(into: &mut Vec<u16>, row: &[u8], columns: &[Tap], sample: impl Fn(&[u8], usize) -> u16) {
    into.clear();
    into.extend(columns.iter().map(|column| sample(row, column.near)));
}

/// Puts an overlay over pixels.
fn blend(pixels: &mut [u32], wide: u32, overlay: &Overlay) {
    let Place { width, .. } = Place::of(overlay);
    let (left, wide) = (overlay.x as usize, wide as usize);
    let rows = pixels
        .chunks_exact_mut(wide.max(1))
        .skip(overlay.y as usize);
    let lines = overlay.rgba.chunks_exact((width as usize * 4).max(1));
    for (row, line) in rows.zip(lines) {
        let row = row.get_mut(left..).unwrap_or_default();
        for (pixel, [red, green, blue, alpha]) in row.iter_mut().zip(line.as_chunks::<4>().0) {
            if *alpha > 0 {
                let over = |new: u8, shift: u32| {
                    let had = *pixel >> shift & 0xff;
                    let kept = (had * u32::from(255 - alpha) + 127) / 255;
                    (u32::from(new) + kept).min(255) << shift
                };
                *pixel = over(*red, 16) | over(*green, 8) | over(*blue, 0);
            }
        }
    }
}
