//! What is drawn has the colours that FFmpeg sees, by the GPU and without one.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use kinora_media::{
    ColorInfo, ColorRange, Mirror, PixelFormat, Rotation, Time, VecPlanes, VideoFrame,
};
use kinora_output::{RgbImage, ScaleMode};
use kinora_overlay::Overlay;
use kinora_test_support::ffmpeg;
use kinora_window::{Offscreen, Painting};

const SIZE: (u32, u32) = (320, 240);

/// FFmpeg's name of a matrix, and its number in H.273.
const MATRICES: [(&str, u8); 3] = [("bt601", 6), ("bt709", 1), ("bt2020", 9)];

fn both() -> impl Iterator<Item = Painting> {
    let gpu = Offscreen::new(Painting::Gpu, SIZE);
    if let Err(error) = &gpu {
        kinora_test_support::skip(&error.to_string());
    }
    [Painting::Software]
        .into_iter()
        .chain(gpu.is_ok().then_some(Painting::Gpu))
}

fn output(arguments: &str) -> Vec<u8> {
    let output = ffmpeg(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {said}");
    output.stdout
}

/// Colour bars as FFmpeg codes them, and as it shows what it coded.
fn bars(pixels: PixelFormat, matrix: &str, range: ColorRange) -> (Vec<u8>, RgbImage) {
    let (width, height) = SIZE;
    let (name, range) = (
        pixels.name(),
        if range == ColorRange::Full {
            "pc"
        } else {
            "tv"
        },
    );
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("raw");
    output(&format!(
        "-f lavfi -i smptebars=size={width}x{height} -frames:v 1 \
         -vf format=gbrp,scale=out_color_matrix={matrix}:out_range={range}:flags=accurate_rnd+full_chroma_inp,format={name} \
         -f rawvideo {}",
        raw.display()
    ));
    let rgb = output(&format!(
        "-f rawvideo -pix_fmt {name} -s {width}x{height} -i {} \
         -vf scale=in_color_matrix={matrix}:in_range={range}:out_range=pc:flags=accurate_rnd+full_chroma_int,format=gbrp,format=rgb24 \
         -f rawvideo -",
        raw.display()
    ));
    let image = RgbImage {
        width,
        height,
        data: rgb,
    };
    (std::fs::read(raw).unwrap(), image)
}

fn frame(
    pixels: PixelFormat,
    color: ColorInfo,
    raw: &[u8],
    (width, height): (u32, u32),
) -> VideoFrame {
    let mut rest = raw;
    let planes = (0..pixels.planes()).map(|plane| {
        let (stride, rows) = pixels.plane_size(plane, width, height);
        let (data, after) = rest.split_at(stride * rows);
        rest = after;
        (data.to_vec(), stride)
    });
    VideoFrame {
        pts: Time::ZERO,
        duration: Time::ZERO,
        width,
        height,
        format: pixels,
        color,
        pixel_aspect: None,
        rotation: Rotation::None,
        mirror: Mirror::None,
        buffer: Arc::new(VecPlanes {
            planes: planes.collect(),
        }),
    }
}

/// The largest difference of a colour where the pixels around have the same: at edges there are as many opinions as filters.
fn difference(drawn: &RgbImage, expected: &RgbImage) -> (u8, u32) {
    const AROUND: u32 = 4;
    let (mut most, mut compared) = (0, 0);
    for y in AROUND..expected.height - AROUND {
        for x in AROUND..expected.width - AROUND {
            let here = expected.pixel(x, y);
            let around = [
                (x - AROUND, y),
                (x + AROUND, y),
                (x, y - AROUND),
                (x, y + AROUND),
            ];
            let is_flat = around
                .iter()
                .all(|(x, y)| distance(expected.pixel(*x, *y), here) < 3);
            if is_flat {
                compared += 1;
                most = most.max(distance(drawn.pixel(x, y), here));
            }
        }
    }
    (most, compared)
}

fn distance(one: [u8; 3], other: [u8; 3]) -> u8 {
    let each = one.iter().zip(other).map(|(a, b)| a.abs_diff(b));
    each.max().unwrap()
}

fn check(painting: Painting, pixels: PixelFormat, matrix: (&str, u8), range: ColorRange) {
    let (raw, expected) = bars(pixels, matrix.0, range);
    let color = ColorInfo {
        matrix: matrix.1,
        range,
        ..ColorInfo::default()
    };
    let mut offscreen = Offscreen::new(painting, SIZE).unwrap();
    offscreen
        .set_frame(&frame(pixels, color, &raw, SIZE))
        .unwrap();
    let drawn = offscreen.draw().unwrap();
    let (most, compared) = difference(&drawn, &expected);
    assert!(compared > SIZE.0 * SIZE.1 / 2, "{compared}");
    assert!(
        most <= 2,
        "{painting:?} {} {matrix:?} {range:?}: {most}",
        pixels.name()
    );
}

#[test]
fn colour_bars_of_every_layout_are_as_ffmpeg_shows_them() {
    use PixelFormat::{I420, I420P10, I420P12, I422, I422P10, I444, I444P10, Nv12, P010};
    for painting in both() {
        for pixels in [
            I420, I420P10, I420P12, I422, I422P10, I444, I444P10, Nv12, P010,
        ] {
            check(painting, pixels, ("bt709", 1), ColorRange::Limited);
        }
        check(painting, P010, ("bt2020", 9), ColorRange::Full);
    }
}

#[test]
fn colour_bars_of_every_matrix_and_range_are_as_ffmpeg_shows_them() {
    for painting in both() {
        for matrix in MATRICES {
            check(painting, PixelFormat::I420P10, matrix, ColorRange::Full);
            check(painting, PixelFormat::I444, matrix, ColorRange::Limited);
        }
        check(painting, PixelFormat::I420, ("bt601", 6), ColorRange::Full);
        check(
            painting,
            PixelFormat::Gray8,
            ("bt709", 1),
            ColorRange::Limited,
        );
    }
}

/// A picture of four colours, one in each quarter: white, red, green, blue.
fn quarters() -> VideoFrame {
    let (width, height) = (64, 32);
    let codes = [
        (235, 128, 128),
        (63, 102, 240),
        (173, 42, 26),
        (32, 240, 118),
    ];
    let mut raw = Vec::new();
    for plane in 0..3 {
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let quarter = codes[usize::from(y >= height / 2) * 2 + usize::from(x >= width / 2)];
            raw.push([quarter.0, quarter.1, quarter.2][plane]);
        }
    }
    let color = ColorInfo {
        matrix: 1,
        ..ColorInfo::default()
    };
    frame(PixelFormat::I444, color, &raw, (width, height))
}

const WHITE: [u8; 3] = [255; 3];
const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const BLACK: [u8; 3] = [0; 3];

/// The colours at the middles of the quarters of a part of the window.
fn quarters_of(image: &RgbImage, (left, top, width, height): (u32, u32, u32, u32)) -> [[u8; 3]; 4] {
    let pure = |[x, y]: [u32; 2]| {
        image
            .pixel(left + x * width / 4, top + y * height / 4)
            .map(|level| if level > 127 { 255 } else { 0 })
    };
    [[1, 1], [3, 1], [1, 3], [3, 3]].map(pure)
}

#[test]
fn pictures_are_turned_mirrored_and_laid_out_alike_by_gpu_and_processor() {
    let whole = (0, 0, 128, 128);
    for painting in both() {
        let mut offscreen = Offscreen::new(painting, (128, 128)).unwrap();
        let mut draw = |frame: &VideoFrame, mode: ScaleMode| {
            offscreen.set_scale_mode(mode);
            offscreen.set_frame(frame).unwrap();
            offscreen.draw().unwrap()
        };
        let upright = quarters();
        let fit = draw(&upright, ScaleMode::Fit);
        assert_eq!(
            quarters_of(&fit, (0, 32, 128, 64)),
            [WHITE, RED, GREEN, BLUE]
        );
        assert_eq!([fit.pixel(64, 16), fit.pixel(64, 112)], [BLACK; 2]);
        let stretched = draw(&upright, ScaleMode::Stretch);
        assert_eq!(quarters_of(&stretched, whole), [WHITE, RED, GREEN, BLUE]);
        let filled = draw(&upright, ScaleMode::Fill);
        assert_eq!(quarters_of(&filled, whole), [WHITE, RED, GREEN, BLUE]);
        for (rotation, mirror, expected) in [
            (Rotation::Cw90, Mirror::None, [GREEN, WHITE, BLUE, RED]),
            (Rotation::Cw180, Mirror::None, [BLUE, GREEN, RED, WHITE]),
            (Rotation::Cw270, Mirror::None, [RED, BLUE, WHITE, GREEN]),
            (
                Rotation::None,
                Mirror::Horizontal,
                [RED, WHITE, BLUE, GREEN],
            ),
            (Rotation::None, Mirror::Vertical, [GREEN, BLUE, WHITE, RED]),
            (
                Rotation::Cw90,
                Mirror::Horizontal,
                [WHITE, GREEN, RED, BLUE],
            ),
        ] {
            let turned = VideoFrame {
                rotation,
                mirror,
                ..upright.clone()
            };
            let drawn = draw(&turned, ScaleMode::Stretch);
            assert_eq!(
                quarters_of(&drawn, whole),
                expected,
                "{painting:?} {rotation:?} {mirror:?}"
            );
        }
        let wide = VideoFrame {
            pixel_aspect: Some((1, 2)),
            ..upright.clone()
        };
        let drawn = draw(&wide, ScaleMode::Fit);
        assert_eq!(quarters_of(&drawn, whole), [WHITE, RED, GREEN, BLUE]);
    }
}

#[test]
fn overlays_lie_where_they_say_and_let_through_what_they_do_not_cover() {
    for painting in both() {
        let mut offscreen = Offscreen::new(painting, (64, 32)).unwrap();
        offscreen.set_frame(&quarters()).unwrap();
        let (width, height) = (4, 2);
        offscreen.set_overlays(vec![Arc::new(Overlay {
            x: 10,
            y: 6,
            width,
            height,
            // Half of red over white.
            rgba: [128, 0, 0, 128].repeat(8),
        })]);
        let drawn = offscreen.draw().unwrap();
        assert!(
            distance(drawn.pixel(11, 7), [255, 127, 127]) <= 2,
            "{:?}",
            drawn.pixel(11, 7)
        );
        for outside in [(9, 6), (14, 6), (10, 5), (10, 8)] {
            assert!(distance(drawn.pixel(outside.0, outside.1), WHITE) <= 1);
        }
    }
}

#[test]
fn high_dynamic_range_is_mapped_alike_by_gpu_and_processor() {
    let (width, height) = SIZE;
    for transfer in [16, 18] {
        let color = ColorInfo {
            primaries: 9,
            transfer,
            matrix: 9,
            range: ColorRange::Limited,
        };
        let mut raw = Vec::new();
        for plane in 0..3_u16 {
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                let code = match plane {
                    0 => 64 + x * 876 / width,
                    1 => 512 + y / 4,
                    _ => 512 - y / 4,
                };
                raw.extend(u16::try_from(code).unwrap().to_le_bytes());
            }
        }
        let frame = frame(PixelFormat::I444P10, color, &raw, SIZE);
        let drawn: Vec<RgbImage> = both()
            .map(|painting| {
                let mut offscreen = Offscreen::new(painting, SIZE).unwrap();
                offscreen.set_frame(&frame).unwrap();
                offscreen.draw().unwrap()
            })
            .collect();
        let gray = |image: &RgbImage, x| image.pixel(x, 1)[1];
        let bright: Vec<u8> = (0..width).map(|x| gray(&drawn[0], x)).collect();
        assert!(bright.is_sorted(), "{transfer}: {bright:?}");
        assert!(
            bright[0] < 4 && bright[width as usize - 1] > 250,
            "{transfer}: {bright:?}"
        );
        let pixels = |image: &RgbImage| image.data.as_chunks::<3>().0.to_vec();
        for other in &drawn[1..] {
            let all = pixels(&drawn[0]).into_iter().zip(pixels(other));
            let most = all.map(|(one, other)| distance(one, other)).max().unwrap();
            assert!(most <= 2, "{transfer}: {most}");
        }
    }
}

#[test]
fn a_frame_that_lies_about_its_memory_is_refused() {
    let mut short = quarters();
    short.height = 4_000;
    let mut wide = quarters();
    wide.width = 1 << 20;
    for painting in both() {
        for frame in [&short, &wide] {
            let mut offscreen = Offscreen::new(painting, (64, 32)).unwrap();
            let drawn = offscreen
                .set_frame(frame)
                .and_then(|()| offscreen.draw().map(drop));
            let error = drawn.unwrap_err().to_string();
            assert!(error.contains("is not valid"), "{error}");
        }
    }
}
