//! Patches put on frames.

use std::sync::Arc;

use kinora_media::{VecPlanes, VideoFrame};

use super::patch::Patch;

/// A copy of the frame with the patches on it; `None` where there are none, or where it has less memory than its size needs.
pub(super) fn drawn_on(frame: &VideoFrame, patches: &[Patch]) -> Option<VideoFrame> {
    if patches.is_empty() {
        return None;
    }
    let planes = (0..frame.format.planes()).map(|plane| copied(frame, plane));
    let mut planes: Vec<(Vec<u8>, usize)> = planes.collect::<Option<_>>()?;
    let is_wide = frame.format.bytes_per_sample() == 2;
    for patch in patches {
        let (data, stride) = planes.get_mut(patch.plane)?;
        match is_wide {
            true => put_wide(patch, data.as_chunks_mut::<2>().0, *stride / 2),
            false => put(patch, data, *stride),
        }
    }
    let buffer = Arc::new(VecPlanes { planes });
    Some(VideoFrame {
        buffer,
        ..frame.clone()
    })
}

fn copied(frame: &VideoFrame, plane: usize) -> Option<(Vec<u8>, usize)> {
    let (length, rows) = frame.format.plane_size(plane, frame.width, frame.height);
    let mut data = Vec::with_capacity(length.checked_mul(rows)?);
    frame
        .rows(plane)
        .for_each(|row| data.extend_from_slice(row));
    (data.len() == length * rows).then_some((data, length))
}

fn put(patch: &Patch, plane: &mut [u8], stride: usize) {
    each(patch, plane, stride, |sample, mix| {
        let mixed = mix.mixed(u32::from(*sample));
        *sample = u8::try_from(mixed).unwrap_or(u8::MAX);
    });
}

/// Samples of two bytes.
fn put_wide(patch: &Patch, plane: &mut [[u8; 2]], stride: usize) {
    each(patch, plane, stride, |sample, mix| {
        let mixed = mix.mixed(u32::from(u16::from_le_bytes(*sample)));
        *sample = u16::try_from(mixed).unwrap_or(u16::MAX).to_le_bytes();
    });
}

/// What becomes of a sample.
#[derive(Clone, Copy)]
struct Mix {
    keep: u32,
    add: u32,
    whole: u32,
}

impl Mix {
    const fn mixed(self, sample: u32) -> u32 {
        (sample * self.keep + self.add + self.whole / 2) / self.whole
    }
}

fn each<T>(patch: &Patch, plane: &mut [T], stride: usize, put: impl Fn(&mut T, Mix)) {
    let whole = patch.whole;
    let lines = patch.samples.chunks_exact(patch.width.max(1));
    let rows = plane.chunks_exact_mut(stride.max(1)).skip(patch.row);
    for (row, line) in rows.zip(lines) {
        let samples = row.iter_mut().skip(patch.first).step_by(patch.step);
        for (sample, &(keep, add)) in samples.zip(line) {
            let keep = u32::from(keep);
            if keep < whole {
                put(sample, Mix { keep, add, whole });
            }
        }
    }
}
