//! Pictures come out with the right colours, shape and names.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinora_media::{
    ColorInfo, ColorRange, Mirror, PixelFormat, Rotation, Time, VecPlanes, VideoFrame,
};
use kinora_output::video::Colors;
use kinora_output::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read(path).unwrap()
}

/// A frame over packed planes, each row followed by junk that must not be seen.
fn frame(packed: &[u8], width: u32, height: u32, format: PixelFormat) -> VideoFrame {
    let mut rest = packed;
    let planes = (0..format.planes())
        .map(|plane| {
            let (row_len, rows) = format.plane_size(plane, width, height);
            let mut padded = Vec::new();
            for _ in 0..rows {
                padded.extend_from_slice(&rest[..row_len]);
                padded.extend([0xee; 7]);
                rest = &rest[row_len..];
            }
            (padded, row_len + 7)
        })
        .collect();
    assert!(rest.is_empty());
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
        buffer: Arc::new(VecPlanes { planes }),
    }
}

fn gray(width: u32, height: u32, luma: &[u8]) -> VideoFrame {
    let mut frame = frame(luma, width, height, PixelFormat::Gray8);
    frame.color.range = ColorRange::Full;
    frame
}

/// The fixtures are colour bars that FFmpeg turned into that format and back into RGB.
#[test]
fn colours_equal_ffmpegs_within_two_steps() {
    for (name, format, matrix, range) in [
        (
            "i420-bt601-limited",
            PixelFormat::I420,
            6,
            ColorRange::Limited,
        ),
        ("i420-bt709-full", PixelFormat::I420, 1, ColorRange::Full),
        (
            "nv12-bt709-limited",
            PixelFormat::Nv12,
            1,
            ColorRange::Limited,
        ),
        (
            "i422p10-bt709-limited",
            PixelFormat::I422P10,
            1,
            ColorRange::Limited,
        ),
        (
            "i444p12-bt2020-limited",
            PixelFormat::I444P12,
            9,
            ColorRange::Limited,
        ),
        ("i444-bt601-full", PixelFormat::I444, 5, ColorRange::Full),
    ] {
        let mut frame = frame(&fixture(&format!("{name}.yuv")), 42, 24, format);
        frame.color.matrix = matrix;
        frame.color.range = range;
        let image = RgbImage::from_frame(&frame).unwrap();
        let expected = fixture(&format!("{name}.rgb"));
        assert_eq!(image.data.len(), expected.len());
        for (at, (got, wanted)) in image.data.iter().zip(&expected).enumerate() {
            assert!(
                got.abs_diff(*wanted) <= 2,
                "{name}: {got} for {wanted} at x {} y {} channel {}",
                at / 3 % 42,
                at / 126,
                at % 3
            );
        }
    }
}

#[test]
fn an_undescribed_frame_is_taken_by_its_size() {
    let green = |width: u32, height: u32| {
        let (luma, colour) = ((width * height) as usize, (width * height / 2) as usize);
        let packed = [vec![100; luma], vec![60; colour]].concat();
        let image =
            RgbImage::from_frame(&frame(&packed, width, height, PixelFormat::I420)).unwrap();
        image.pixel(0, 0)[1]
    };
    // BT.601 and BT.709 weigh green differently.
    assert_ne!(green(16, 16), green(1280, 16));
    assert_eq!(green(1280, 16), green(16, 720));
}

#[test]
fn identity_and_gray_need_no_matrix() {
    let mut rgb = frame(&[10, 20, 30], 1, 1, PixelFormat::I444);
    rgb.color = ColorInfo {
        matrix: 0,
        range: ColorRange::Full,
        ..ColorInfo::default()
    };
    assert_eq!(
        RgbImage::from_frame(&rgb).unwrap().pixel(0, 0),
        [30, 10, 20]
    );
    let limited = frame(&[16, 235, 126, 0], 2, 2, PixelFormat::Gray8);
    let image = RgbImage::from_frame(&limited).unwrap();
    assert_eq!([0, 1].map(|x| image.pixel(x, 0)), [[0; 3], [255; 3]]);
    assert_eq!([0, 1].map(|x| image.pixel(x, 1)), [[128; 3], [0; 3]]);
}

#[test]
fn rotation_turns_clockwise() {
    let upright = |rotation| {
        let mut frame = gray(3, 2, &[1, 2, 3, 4, 5, 6]);
        frame.rotation = rotation;
        let image = RgbImage::upright(&frame).unwrap();
        let levels: Vec<u8> = image.data.iter().step_by(3).copied().collect();
        (image.width, image.height, levels)
    };
    assert_eq!(upright(Rotation::Cw90), (2, 3, vec![4, 1, 5, 2, 6, 3]));
    assert_eq!(upright(Rotation::Cw180), (3, 2, vec![6, 5, 4, 3, 2, 1]));
    assert_eq!(upright(Rotation::Cw270), (2, 3, vec![3, 6, 2, 5, 1, 4]));
}

#[test]
fn planes_are_turned_where_nothing_else_can_tell_it() {
    let turned = |packed: &[u8], size: (u32, u32), format, rotation, mirror| {
        let mut frame = frame(packed, size.0, size.1, format);
        (frame.rotation, frame.mirror, frame.pixel_aspect) = (rotation, mirror, Some((4, 3)));
        let frame = upright_planes(&frame);
        let planes = (0..frame.format.planes()).map(|plane| frame.rows(plane).flatten().copied());
        let planes: Vec<Vec<u8>> = planes.map(Iterator::collect).collect();
        assert_eq!(
            (frame.rotation, frame.mirror),
            (Rotation::None, Mirror::None)
        );
        (
            (frame.width, frame.height),
            frame.format,
            frame.pixel_aspect,
            planes,
        )
    };
    let (quarter, none) = (Rotation::Cw90, Mirror::None);
    // Three columns and two rows; colour has two columns and one row.
    let luma = [1, 2, 3, 4, 5, 6];
    let i420 = [&luma[..], &[7, 8], &[9, 10]].concat();
    assert_eq!(
        turned(&i420, (3, 2), PixelFormat::I420, quarter, none),
        (
            (2, 3),
            PixelFormat::I420,
            Some((3, 4)),
            vec![vec![4, 1, 5, 2, 6, 3], vec![7, 8], vec![9, 10]]
        )
    );
    let nv12 = [&luma[..], &[7, 9, 8, 10]].concat();
    let (_, _, _, planes) = turned(&nv12, (3, 2), PixelFormat::Nv12, Rotation::Cw180, none);
    assert_eq!(planes[1], [8, 10, 7, 9]);
    let mirrored = turned(
        &i420,
        (3, 2),
        PixelFormat::I420,
        Rotation::None,
        Mirror::Vertical,
    );
    assert_eq!(mirrored.3[0], [4, 5, 6, 1, 2, 3]);
    let ten_bits = [1, 0, 2, 0, 3, 0, 4, 0];
    let (_, _, _, planes) = turned(&ten_bits, (2, 2), PixelFormat::Gray10, quarter, none);
    assert_eq!(planes[0], [3, 0, 1, 0, 4, 0, 2, 0]);
    // Half of the columns of colour would become half of its rows.
    let i422 = [&[1, 2, 3, 4][..], &[5, 6], &[7, 8]].concat();
    let (_, format, _, planes) = turned(&i422, (2, 2), PixelFormat::I422, quarter, none);
    assert_eq!(format, PixelFormat::I444);
    assert_eq!(
        planes,
        [vec![3, 1, 4, 2], vec![6, 5, 6, 5], vec![8, 7, 8, 7]]
    );
}

#[test]
fn a_raw_file_of_turned_pictures_holds_them_upright() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("turned.y4m");
    let mut sink = Presenter::new(YuvFile::create(&path).unwrap());
    let mut turned = gray(3, 2, &[1, 2, 3, 4, 5, 6]);
    turned.rotation = Rotation::Cw90;
    assert!(sink.present(&turned).unwrap());
    sink.finish().unwrap();
    let file = std::fs::read(&path).unwrap();
    assert!(file.starts_with(b"YUV4MPEG2 W2 H3 "));
    assert!(file.ends_with(&[4, 1, 5, 2, 6, 3]));
    // A frame that claims more than it has memory for is turned no further than that.
    turned.height = 60_000;
    assert_eq!(upright_planes(&turned).rows(0).count(), 0);
}

#[test]
fn what_does_not_fit_an_area_is_cut_off_on_both_sides_alike() {
    let columns: Vec<u8> = (0..4)
        .flat_map(|_| [10, 20, 30, 40, 50, 60, 70, 80])
        .collect();
    let frame = gray(8, 4, &columns);
    let levels = |mode, area| {
        let image = RgbImage::placed(&frame, area, mode).unwrap();
        let row: Vec<u8> = image
            .data
            .iter()
            .step_by(3)
            .take(image.width as usize)
            .copied()
            .collect();
        ((image.width, image.height), row)
    };
    assert_eq!(
        levels(ScaleMode::Fill, (4, 4)),
        ((4, 4), vec![30, 40, 50, 60])
    );
    assert_eq!(levels(ScaleMode::Fit, (4, 4)).0, (4, 2));
    assert_eq!(levels(ScaleMode::Stretch, (4, 4)).0, (4, 4));
    let mut turned = frame.clone();
    turned.rotation = Rotation::Cw90;
    let image = RgbImage::placed(&turned, (4, 4), ScaleMode::Fill).unwrap();
    assert_eq!([0, 3].map(|y| image.pixel(0, y)[0]), [30, 60]);
}

#[test]
fn files_of_pictures_are_decoded_to_what_they_show() {
    let mut picture = RgbImage::filled(3, 2, [10, 20, 30]);
    picture.data[0] = 200;
    let png = picture.to_png().unwrap();
    assert_eq!(RgbImage::decode(&png).unwrap(), picture);
    let coded = |color, data: &[u8]| {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 2, 1);
        encoder.set_color(color);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(data).unwrap();
        writer.finish().unwrap();
        RgbImage::decode(&file).unwrap().data
    };
    let half = [100, 100, 100, 255, 200, 100, 50, 51];
    assert_eq!(
        coded(png::ColorType::Rgba, &half),
        [100, 100, 100, 40, 20, 10]
    );
    assert_eq!(
        coded(png::ColorType::Grayscale, &[7, 9]),
        [7, 7, 7, 9, 9, 9]
    );
    let part = picture.part(0, 0, 1, 2);
    assert_eq!(
        (part.width, part.height, &part.data[..3]),
        (1, 2, &[200, 20, 30][..])
    );
    assert_eq!(picture.part(u32::MAX, 9, 1, 1).data, [0; 3]);
}

#[test]
fn files_that_are_no_pictures_or_too_large_ones_are_refused() {
    let png = RgbImage::filled(3, 2, [1; 3]).to_png().unwrap();
    for len in 0..png.len() {
        let _ = RgbImage::decode(&png[..len]);
    }
    let mut huge = png.clone();
    // Width and height, and their checksum.
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    for file in [
        &b""[..],
        b"GIF89a",
        &[0xff, 0xd8, 0xff, 0xe0, 0, 4],
        &png[..40],
        &huge,
    ] {
        let error = RgbImage::decode(file).unwrap_err();
        assert!(matches!(error, SinkError::Picture(_)), "{error}");
    }
}

#[test]
fn pixels_become_square_and_nothing_is_thrown_away() {
    let size = |aspect| {
        let mut frame = gray(40, 40, &[9; 1600]);
        frame.pixel_aspect = Some(aspect);
        let image = RgbImage::upright(&frame).unwrap();
        assert!(image.data.iter().all(|level| *level == 9));
        (image.width, image.height)
    };
    assert_eq!(size((4, 3)), (53, 40));
    assert_eq!(size((3, 4)), (40, 53));
    assert_eq!(size((0, 1)), (40, 40));
    assert_eq!(size((u32::MAX, 1)), (40, 40));
}

#[test]
fn a_thumbnail_averages_what_it_leaves_out() {
    let checks: Vec<u8> = (0..400 * 300)
        .map(|i| {
            if (i / 4 + i / 400 / 4) % 2 == 0 {
                0
            } else {
                200
            }
        })
        .collect();
    let image = RgbImage::thumbnail(&gray(400, 300, &checks), 20, 20).unwrap();
    assert_eq!((image.width, image.height), (20, 15));
    assert!(
        image.data.iter().all(|level| level.abs_diff(100) < 40),
        "{:?}",
        &image.data[..60]
    );
    let flat = RgbImage::thumbnail(&gray(101, 77, &[123; 101 * 77]), 33, 33).unwrap();
    assert!(flat.data.iter().all(|level| *level == 123));
}

#[test]
fn an_invalid_frame_is_refused() {
    let mut short = gray(4, 4, &[0; 16]);
    short.height = 5;
    for bad in [short.clone(), gray(0, 4, &[])] {
        assert!(matches!(
            RgbImage::from_frame(&bad),
            Err(SinkError::BadFrame { .. })
        ));
        assert!(matches!(luma_pgm(&bad), Err(SinkError::BadFrame { .. })));
    }
    short.width = u32::MAX;
    short.height = u32::MAX;
    assert!(matches!(
        RgbImage::from_frame(&short),
        Err(SinkError::BadFrame { .. })
    ));
}

fn decoded(file: &Path) -> (u32, u32, Vec<u8>) {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    (info.width, info.height, data)
}

#[test]
fn each_frame_becomes_a_png_named_by_its_number_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = PngDir::create(&dir.path().join("new/pictures")).unwrap();
    let mut frame = gray(3, 2, &[1, 2, 3, 4, 5, 6]);
    for pts in [0, 4600] {
        frame.pts = Time::from_millis(pts);
        sink.present(&frame).unwrap();
    }
    sink.finish().unwrap();
    let dir = dir.path().join("new/pictures");
    assert!(dir.join("frame-000000-t000.000.png").exists());
    let (width, height, data) = decoded(&dir.join("frame-000001-t004.600.png"));
    assert_eq!((width, height), (3, 2));
    assert_eq!(data, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6]);
}

#[test]
fn a_background_sink_loses_no_frame_and_reports_its_failure() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("pictures");
    let mut sink = BackgroundVideo::start(PngDir::create(&folder).unwrap()).unwrap();
    let picture = gray(3, 2, &[1, 2, 3, 4, 5, 6]);
    for _ in 0..50 {
        sink.present(&picture).unwrap();
    }
    sink.finish().unwrap();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 50);

    let mut sink = BackgroundVideo::start(PngDir::create(&folder).unwrap()).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let failed = (0..50).find_map(|_| sink.present(&picture).err());
    let failed = failed.or_else(|| sink.finish().err()).unwrap();
    assert!(matches!(failed, SinkError::File { .. }), "{failed}");
}

#[test]
fn raw_video_holds_the_visible_samples_only() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("a.yuv");
    let packed: Vec<u8> = (0..4 * 4 * 3 / 2).collect();
    let picture = frame(&packed, 4, 4, PixelFormat::I420);
    let mut sink = YuvFile::create(&raw).unwrap();
    sink.present(&picture).unwrap();
    sink.present(&picture).unwrap();
    sink.finish().unwrap();
    assert_eq!(
        std::fs::read(&raw).unwrap(),
        [packed.clone(), packed.clone()].concat()
    );

    let y4m = dir.path().join("a.y4m");
    let mut sink = YuvFile::create(&y4m).unwrap();
    sink.present(&picture).unwrap();
    let other = frame(&[0; 4], 2, 2, PixelFormat::Gray8);
    assert!(matches!(
        sink.present(&other),
        Err(SinkError::FormatChanged { .. })
    ));
    sink.finish().unwrap();
    let header = b"YUV4MPEG2 W4 H4 F25:1 Ip A0:0 C420mpeg2 XCOLORRANGE=LIMITED\nFRAME\n";
    assert_eq!(
        std::fs::read(&y4m).unwrap(),
        [header.to_vec(), packed].concat()
    );
}

#[test]
fn nv12_in_y4m_has_its_colours_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.y4m");
    let mut sink = YuvFile::create(&path).unwrap();
    sink.present(&frame(&[1, 2, 3, 4, 50, 60], 2, 2, PixelFormat::Nv12))
        .unwrap();
    sink.finish().unwrap();
    assert!(
        std::fs::read(&path)
            .unwrap()
            .ends_with(b"FRAME\n\x01\x02\x03\x04\x32\x3c")
    );
}

#[test]
fn p010_in_y4m_is_of_ten_bits_with_its_colours_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.y4m");
    let mut sink = YuvFile::create(&path).unwrap();
    let codes: [u16; 6] = [64, 940, 500, 501, 512, 1_023];
    let samples = codes.map(|code| (code << 6).to_le_bytes()).concat();
    sink.present(&frame(&samples, 2, 2, PixelFormat::P010))
        .unwrap();
    sink.finish().unwrap();
    let written = std::fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&written);
    assert!(text.contains("C420p10"), "{text}");
    assert!(written.ends_with(&codes.map(u16::to_le_bytes).concat()));
}

#[test]
fn p010_is_turned_pair_by_pair_and_as_bright_as_its_ten_bits() {
    let codes: [u16; 6] = [64, 940, 64, 940, 512, 512];
    let samples = codes.map(|code| (code << 6).to_le_bytes()).concat();
    let mut picture = frame(&samples, 2, 2, PixelFormat::P010);
    let upright = RgbImage::from_frame(&picture).unwrap();
    assert_eq!(upright.pixel(0, 0), [0; 3]);
    assert_eq!(upright.pixel(1, 0), [255; 3]);
    picture.rotation = Rotation::Cw180;
    let turned = RgbImage::from_frame(&upright_planes(&picture)).unwrap();
    assert_eq!((turned.pixel(0, 0), turned.pixel(1, 1)), ([255; 3], [0; 3]));
}

#[test]
fn the_luma_dump_is_a_pgm_of_the_coded_samples() {
    assert_eq!(
        luma_pgm(&gray(2, 1, &[7, 255])).unwrap(),
        b"P5\n2 1\n255\n\x07\xff"
    );
    let deep = frame(&[0x34, 0x02], 1, 1, PixelFormat::Gray10);
    assert_eq!(luma_pgm(&deep).unwrap(), b"P5\n1 1\n1023\n\x02\x34");
}

#[test]
fn a_sheet_covers_any_length_evenly() {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("sheet.png");
    let layout = SheetLayout {
        columns: 3,
        rows: 2,
        picture_width: 96,
        every: Time::from_millis(100),
    };
    let mut sheet = ContactSheet::with_layout(&path, layout).unwrap();
    let mut picture = gray(64, 36, &[200; 64 * 36]);
    for index in 0..500 {
        picture.pts = Time::from_millis(index * 40);
        sheet.present(&picture).unwrap();
    }
    sheet.finish().unwrap();
    let (width, height, data) = decoded(&path);
    assert_eq!((width, height), (3 * 100 + 4, 2 * (54 + 18 + 4) + 4));
    let pixel = |x: u32, y: u32| data[((y * width + x) * 3) as usize];
    let levels = |rows: std::ops::Range<u32>| -> std::collections::BTreeSet<u8> {
        rows.flat_map(|y| (4..60).map(move |x| (x, y)))
            .map(|(x, y)| pixel(x, y))
            .collect()
    };
    // The picture alone, and below it white digits on a black bar.
    assert_eq!(levels(4..58), [200].into());
    assert_eq!(levels(58..76), [0, 255].into());
}

/// Keeps what is written to a terminal.
#[derive(Clone, Default)]
struct Screen(Arc<std::sync::Mutex<Vec<u8>>>);

impl Screen {
    /// What was written since the last look.
    fn look(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl std::io::Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_terminal_shows_two_pixels_a_cell() {
    let shown = |colors| {
        let screen = Screen::default();
        let mut terminal = Terminal::on(Box::new(screen.clone()), 2, 2, colors);
        terminal.present(&gray(2, 2, &[0, 255, 255, 0])).unwrap();
        screen.look()
    };
    assert!(shown(Colors::True).ends_with(
        "\x1b[1;1H\x1b[38;2;0;0;0m\x1b[48;2;255;255;255m▀\x1b[38;2;255;255;255m\x1b[48;2;0;0;0m▀\x1b[0m"
    ));
    assert!(shown(Colors::Cube).contains("\x1b[38;5;16m\x1b[48;5;231m▀"));
    assert!(
        shown(Colors::None).ends_with("\x1b[1;1H=="),
        "{:?}",
        shown(Colors::None)
    );
}

#[test]
fn a_hidden_terminal_is_not_drawn_on_and_shows_the_last_frame_again() {
    let screen = Screen::default();
    let mut terminal = Terminal::on(Box::new(screen.clone()), 2, 2, Colors::None);
    terminal.present(&gray(2, 2, &[0, 0, 0, 0])).unwrap();
    terminal.hide();
    screen.look();
    terminal
        .present(&gray(2, 2, &[255, 255, 255, 255]))
        .unwrap();
    terminal.set_status("playing").unwrap();
    assert_eq!(screen.look(), "");
    assert!(!terminal.is_showing());
    terminal.show().unwrap();
    let drawn = screen.look();
    assert!(
        drawn.contains("\x1b[1;1H@@") && drawn.ends_with("playing"),
        "{drawn:?}"
    );
}

#[test]
fn a_caption_stays_over_the_frames_until_it_is_removed() {
    let screen = Screen::default();
    let mut terminal = Terminal::on(Box::new(screen.clone()), 8, 3, Colors::None);
    let picture = gray(2, 2, &[0, 0, 0, 0]);
    terminal
        .set_caption(vec!["one".into(), "two".into(), "no row".into()])
        .unwrap();
    terminal.present(&picture).unwrap();
    let drawn = screen.look();
    assert!(drawn.contains("\x1b[1;1Hone\x1b[2;1Htwo"), "{drawn:?}");
    assert!(
        !drawn.contains("no row"),
        "the last row is of the status line"
    );
    terminal.set_caption(Vec::new()).unwrap();
    let drawn = screen.look();
    assert!(
        drawn.contains("\x1b[2J") && !drawn.contains("one"),
        "{drawn:?}"
    );
}
