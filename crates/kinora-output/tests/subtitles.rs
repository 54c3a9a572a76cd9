//! Cues on video frames.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use kinora_errors::Coded;
use kinora_media::{
    ColorInfo, ColorRange, Mirror, PixelFormat, Rotation, Time, VecPlanes, VideoFrame,
};
use kinora_output::video::Colors;
use kinora_output::{
    BackgroundVideo, CueRenderer, Fonts, Presenter, RgbImage, ShownCues, SinkError, Subtitled,
    TeeVideo, Terminal, VideoFormat, VideoSink,
};
use kinora_subtitle::{Bitmap, Color, Cue, Layout, Span};

/// Keeps the frames that it gets.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<VideoFrame>>>);

impl VideoSink for Kept {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(frame.clone());
        Ok(())
    }
}

impl Kept {
    fn last(&self) -> VideoFrame {
        self.0.lock().unwrap().last().expect("a frame").clone()
    }
}

/// A picture of one grey.
fn picture(format: PixelFormat, width: u32, height: u32) -> VideoFrame {
    let middle = 1_u16 << (format.bits() - 1);
    let planes = (0..format.planes()).map(|plane| {
        let (length, rows) = format.plane_size(plane, width, height);
        let data = match format.bytes_per_sample() {
            1 => vec![128; length * rows],
            _ => middle.to_le_bytes().repeat(length / 2 * rows),
        };
        (data, length)
    });
    VideoFrame {
        pts: Time::ZERO,
        duration: Time::from_millis(40),
        width,
        height,
        format,
        color: ColorInfo::default(),
        pixel_aspect: None,
        rotation: Rotation::None,
        mirror: Mirror::None,
        buffer: Arc::new(VecPlanes {
            planes: planes.collect(),
        }),
    }
}

const RED: Color = Color::rgb(255, 0, 0);

/// A bitmap of 8x8 pixels of one colour at (16, 4) of a canvas.
fn cue(canvas: (u32, u32), color: Color) -> Arc<Cue> {
    let bitmap = Bitmap {
        canvas,
        x: 16,
        y: 4,
        width: 8,
        height: 8,
        palette: [color].into(),
        pixels: vec![0; 64].into(),
    };
    Arc::new(Cue {
        end: Time::MAX,
        bitmaps: vec![bitmap],
        ..Cue::default()
    })
}

fn text(text: &str) -> Arc<Cue> {
    let span = Span {
        text: text.to_owned(),
        ..Span::default()
    };
    Arc::new(Cue {
        end: Time::MAX,
        spans: vec![span],
        layout: Layout::bottom(),
        ..Cue::default()
    })
}

fn shown(cues: &[Arc<Cue>]) -> ShownCues {
    cues.into()
}

fn subtitled() -> (Subtitled<Kept>, Kept) {
    let kept = Kept::default();
    let renderer = CueRenderer::new(Fonts::Files(Vec::new()));
    (Subtitled::new(kept.clone(), renderer), kept)
}

fn drawn_on(frame: &VideoFrame, color: Color) -> VideoFrame {
    let (mut sink, kept) = subtitled();
    let canvas = match frame.rotation {
        Rotation::Cw90 | Rotation::Cw270 => (frame.height, frame.width),
        _ => (frame.width, frame.height),
    };
    sink.set_cues(&shown(&[cue(canvas, color)]));
    sink.present(frame).unwrap();
    kept.last()
}

fn is_near(one: [u8; 3], other: [u8; 3]) -> bool {
    one.iter().zip(other).all(|(a, b)| a.abs_diff(b) <= 3)
}

#[test]
fn without_cues_a_frame_goes_through_as_it_is() {
    let (mut sink, kept) = subtitled();
    let frame = picture(PixelFormat::I420, 64, 32);
    sink.present(&frame).unwrap();
    assert!(Arc::ptr_eq(&kept.last().buffer, &frame.buffer));
    sink.set_cues(&shown(&[cue((64, 32), RED)]));
    sink.present(&frame).unwrap();
    assert!(!Arc::ptr_eq(&kept.last().buffer, &frame.buffer));
    sink.set_cues(&shown(&[]));
    sink.present(&frame).unwrap();
    assert!(Arc::ptr_eq(&kept.last().buffer, &frame.buffer));
}

#[test]
fn every_format_matrix_and_range_gets_the_same_colour() {
    use PixelFormat as P;
    let formats = [
        P::I420,
        P::I422,
        P::I444,
        P::I420P10,
        P::I422P10,
        P::I444P10,
        P::I420P12,
        P::I422P12,
        P::I444P12,
        P::Nv12,
        P::P010,
    ];
    for format in formats {
        for matrix in [0, 1, 2, 4, 5, 7, 8, 9] {
            for range in [ColorRange::Limited, ColorRange::Full] {
                let mut frame = picture(format, 64, 32);
                frame.color = ColorInfo {
                    matrix,
                    range,
                    ..ColorInfo::default()
                };
                let before = RgbImage::from_frame(&frame).unwrap();
                let after = RgbImage::from_frame(&drawn_on(&frame, RED)).unwrap();
                for (x, y) in (0..64).flat_map(|x| (0..32).map(move |y| (x, y))) {
                    let what = format!("{} matrix {matrix} {range:?} at {x},{y}", format.name());
                    match (16..24).contains(&x) && (4..12).contains(&y) {
                        true => assert!(
                            is_near(after.pixel(x, y), [255, 0, 0]),
                            "{what}: {:?}",
                            after.pixel(x, y)
                        ),
                        false => assert_eq!(after.pixel(x, y), before.pixel(x, y), "{what}"),
                    }
                }
            }
        }
    }
    let grey = drawn_on(&picture(P::Gray8, 64, 32), RED);
    let (red, ground) = (
        grey.buffer.plane(0).data[4 * 64 + 16],
        grey.buffer.plane(0).data[0],
    );
    // 0.299 of the range from 16 to 235.
    assert_eq!((red, ground), (81, 128));
}

#[test]
fn what_is_half_transparent_is_mixed() {
    let mut frame = picture(PixelFormat::I444, 64, 32);
    frame.color.range = ColorRange::Full;
    let after = RgbImage::from_frame(&drawn_on(&frame, RED.with_alpha(128))).unwrap();
    assert!(
        is_near(after.pixel(20, 8), [192, 64, 64]),
        "{:?}",
        after.pixel(20, 8)
    );
}

#[test]
fn white_is_as_bright_as_paper_where_the_picture_can_be_brighter() {
    let mut frame = picture(PixelFormat::I444P10, 64, 32);
    let luma = |frame: &VideoFrame| {
        let drawn = drawn_on(frame, Color::WHITE);
        let row = drawn.rows(0).nth(8).unwrap().to_vec();
        u16::from_le_bytes([row[40], row[41]])
    };
    assert_eq!(luma(&frame), 940);
    // 203 cd/m² is 58 % of the signal of PQ, 75 % of that of HLG (ITU-R BT.2408).
    for (transfer, share) in [(16, 0.58), (18, 0.75)] {
        frame.color.transfer = transfer;
        let expected = (64.0 + 876.0 * share) as u16;
        assert!(
            luma(&frame).abs_diff(expected) <= 4,
            "{transfer}: {}",
            luma(&frame)
        );
    }
}

#[test]
fn cues_stand_upright_on_turned_pictures_and_on_pixels_that_are_not_square() {
    let mirrors = [Mirror::None, Mirror::Horizontal, Mirror::Vertical];
    let turns = [
        Rotation::None,
        Rotation::Cw90,
        Rotation::Cw180,
        Rotation::Cw270,
    ];
    for (rotation, mirror) in turns
        .into_iter()
        .flat_map(|turn| mirrors.map(|it| (turn, it)))
    {
        let mut frame = picture(PixelFormat::I444, 64, 32);
        (frame.rotation, frame.mirror) = (rotation, mirror);
        let seen = RgbImage::upright(&drawn_on(&frame, RED)).unwrap();
        let is_red = |x, y| is_near(seen.pixel(x, y), [255, 0, 0]);
        let corners = [(16, 4), (23, 4), (16, 11), (23, 11)];
        assert!(
            corners.iter().all(|(x, y)| is_red(*x, *y)),
            "{rotation:?} {mirror:?}"
        );
        let beside = [(15, 4), (24, 4), (16, 3), (23, 12)];
        assert!(
            !beside.iter().any(|(x, y)| is_red(*x, *y)),
            "{rotation:?} {mirror:?}"
        );
    }
    let mut frame = picture(PixelFormat::I420, 64, 32);
    frame.pixel_aspect = Some((2, 1));
    let seen = RgbImage::upright(&drawn_on(&frame, RED)).unwrap();
    assert_eq!(seen.width, 128);
    assert!(is_near(seen.pixel(38, 8), [255, 0, 0]) && is_near(seen.pixel(42, 8), [255, 0, 0]));
    assert!(!is_near(seen.pixel(29, 8), [255, 0, 0]) && !is_near(seen.pixel(51, 8), [255, 0, 0]));
}

#[test]
fn odd_sizes_and_short_memory_do_no_harm() {
    for (width, height) in [(1, 1), (17, 5), (23, 11), (25, 13)] {
        for format in [PixelFormat::I420, PixelFormat::I420P10, PixelFormat::Nv12] {
            drawn_on(&picture(format, width, height), RED);
        }
    }
    let mut frame = picture(PixelFormat::I420, 64, 32);
    frame.height = 40;
    let after = drawn_on(&frame, RED);
    assert!(
        Arc::ptr_eq(&after.buffer, &frame.buffer),
        "the sink is to complain"
    );
}

#[test]
fn missing_fonts_are_told_once_and_the_frames_go_out() {
    let (mut sink, kept) = subtitled();
    let frame = picture(PixelFormat::I420, 64, 32);
    sink.set_cues(&shown(&[text("A"), cue((64, 32), RED)]));
    let error = sink.present(&frame).unwrap_err();
    assert_eq!(
        (error.code().number(), error.reason()),
        (0x2008_0002, "sink.no_fonts")
    );
    assert!(error.is_notice());
    sink.present(&frame).unwrap();
    assert_eq!(kept.0.lock().unwrap().len(), 2);
    let drawn = RgbImage::from_frame(&kept.last()).unwrap();
    assert!(
        is_near(drawn.pixel(20, 8), [255, 0, 0]),
        "pictures need no fonts"
    );
}

#[test]
fn cues_reach_the_sink_in_order_with_the_frames() {
    let (sink, kept) = subtitled();
    let background = BackgroundVideo::start(sink).unwrap();
    let tee: Vec<Box<dyn VideoSink>> = vec![Box::new(background)];
    let mut sink = Presenter::new(Box::new(TeeVideo::new(tee)) as Box<dyn VideoSink>);
    let frame = picture(PixelFormat::I420, 64, 32);
    for cues in [&[][..], &[cue((64, 32), RED)], &[]] {
        sink.set_cues(&shown(cues));
        sink.present(&frame).unwrap();
        sink.present(&frame).unwrap();
    }
    sink.finish().unwrap();
    let frames = kept.0.lock().unwrap();
    let drawn: Vec<bool> = frames
        .iter()
        .map(|it| !Arc::ptr_eq(&it.buffer, &frame.buffer))
        .collect();
    assert_eq!(drawn, [false, false, true, true, false, false]);
}

/// What was written to the terminal.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_terminal_writes_them_as_text_until_they_go() {
    let written = Written::default();
    let mut terminal = Terminal::on(Box::new(written.clone()), 20, 10, Colors::None);
    let frame = picture(PixelFormat::I420, 64, 32);
    let take = || String::from_utf8(std::mem::take(&mut *written.0.lock().unwrap())).unwrap();
    terminal.configure(&VideoFormat::of(&frame)).unwrap();
    terminal.set_cues(&shown(&[text("字幕\x1b[2J")]));
    assert_eq!(take(), "", "there is no picture yet");
    terminal.present(&frame).unwrap();
    // Of ten rows the last one is the status line's; the eight columns are in the middle of twenty.
    assert!(take().contains("\x1b[9;7H\x1b[7m字幕[2J\x1b[0m"));
    terminal.set_cues(&shown(&[]));
    let anew = take();
    assert!(
        anew.contains("\x1b[2J") && !anew.contains("字幕"),
        "the picture is drawn anew"
    );
}
