//! Pictures turned and mirrored sample by sample, for outputs that can not tell others to do so.

use std::sync::Arc;

use kinora_media::{Mirror, Orientation, PixelFormat, Rotation, VecPlanes, VideoFrame};

use crate::VideoFormat;

/// The samples of a plane, each of so many bytes, in the order in which they are seen, and the size in which they are. `stride`: samples from one row
/// to the next. What lies outside the memory is zero.
pub(crate) fn oriented_samples<const N: usize>(
    samples: &[[u8; N]],
    stride: usize,
    size: (u32, u32),
    orientation: Orientation,
) -> (Vec<[u8; N]>, (u32, u32)) {
    let seen = orientation.size(size);
    let coded = (size.0 as usize, size.1 as usize);
    let (width, height) = (seen.0 as usize, seen.1 as usize);
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        // Along a row of what is seen one steps evenly through what is coded.
        let place = |x| orientation.coded_place((x, y), coded);
        let Some((x0, y0)) = place(0) else { break };
        let (x1, y1) = place(1).unwrap_or((x0, y0));
        let first = y0 * stride + x0;
        let step = (y1 * stride + x1).wrapping_sub(first);
        data.extend((0..width).map(|x| {
            let at = first.wrapping_add(x.wrapping_mul(step));
            samples.get(at).copied().unwrap_or([0; N])
        }));
    }
    (data, seen)
}

/// A picture whose planes lie as they are to be seen; one that stands upright is given as it is. Where colour has half of the
/// columns only, a quarter turn gives it all of them: no layout has half of the rows only.
#[must_use]
pub fn upright_planes(frame: &VideoFrame) -> VideoFrame {
    let orientation = frame.orientation();
    if orientation.is_upright() {
        return frame.clone();
    }
    let (width, height, format) = upright_layout(&VideoFormat::of(frame));
    let plane = |index: usize| match (frame.format, index) {
        (PixelFormat::Nv12, 1) => turned::<2>(frame, index, orientation),
        (PixelFormat::P010, 1) => turned::<4>(frame, index, orientation),
        _ if frame.format.bytes_per_sample() == 2 => turned::<2>(frame, index, orientation),
        _ => turned::<1>(frame, index, orientation),
    };
    let mut planes: Vec<(Vec<u8>, usize)> = (0..frame.format.planes()).map(plane).collect();
    if format != frame.format {
        let row_len = frame.height as usize * format.bytes_per_sample();
        for plane in planes.iter_mut().skip(1) {
            plane.0 = rows_twice(&plane.0, row_len, frame.width as usize);
        }
    }
    VideoFrame {
        width,
        height,
        format,
        pixel_aspect: frame.pixel_aspect.map(|aspect| orientation.size(aspect)),
        rotation: Rotation::None,
        mirror: Mirror::None,
        buffer: Arc::new(VecPlanes { planes }),
        ..frame.clone()
    }
}

/// Size and pixel format of frames of a format once their planes are [upright](upright_planes).
pub(crate) fn upright_layout(format: &VideoFormat) -> (u32, u32, PixelFormat) {
    let orientation = Orientation {
        rotation: format.rotation,
        mirror: format.mirror,
    };
    let (width, height) = orientation.size((format.width, format.height));
    let pixels = match full_colour(format.pixels) {
        Some(full) if orientation.rotation.is_sideways() => full,
        _ => format.pixels,
    };
    (width, height, pixels)
}

/// The layout with all colour of one that has half of its columns.
const fn full_colour(format: PixelFormat) -> Option<PixelFormat> {
    match format {
        PixelFormat::I422 => Some(PixelFormat::I444),
        PixelFormat::I422P10 => Some(PixelFormat::I444P10),
        PixelFormat::I422P12 => Some(PixelFormat::I444P12),
        _ => None,
    }
}

/// A plane of units of so many bytes, turned.
fn turned<const N: usize>(
    frame: &VideoFrame,
    plane: usize,
    orientation: Orientation,
) -> (Vec<u8>, usize) {
    let (row_len, _) = frame.format.plane_size(plane, frame.width, frame.height);
    let packed: Vec<[u8; N]> = frame
        .rows(plane)
        .flat_map(|row| row.as_chunks::<N>().0)
        .copied()
        .collect();
    let side = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    // No more than there is: a frame may claim what it has no memory for.
    let units = (row_len / N).max(1);
    let size = (side(units), side(packed.len() / units));
    let (data, (width, _)) = oriented_samples(&packed, units, size, orientation);
    (data.into_flattened(), width as usize * N)
}

/// Each row twice, until there are so many.
fn rows_twice(data: &[u8], row_len: usize, rows: usize) -> Vec<u8> {
    let twice = data
        .chunks_exact(row_len.max(1))
        .flat_map(|row| [row, row])
        .take(rows);
    twice.flatten().copied().collect()
}
