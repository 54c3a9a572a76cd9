//! Scripts drawn here beside what ffmpeg's filter `ass` draws, which is libass too: what differs is how pictures are blended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kinora_libass::{Libass, LoadError};
use kinora_media::Time;
use kinora_overlay::{CueRenderer, Fonts, Overlay};
use kinora_subtitle::{Cues, Options, ShownCues, parse};
use kinora_test_support::{ffmpeg, skip};

const SIZE: (u32, u32) = (320, 180);
const RATE: i64 = 5;
const SECONDS: i64 = 4;
const GREY: u8 = 0x80;

/// All that Kinora's own drawing does not do, and what it does.
const SCRIPT: &str = "\
[Script Info]
ScriptType: v4.00+
PlayResX: 320
PlayResY: 180
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,DejaVu Sans,20,&H00FFFFFF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,2,1,2,10,10,10,1
Style: Sign,DejaVu Serif,16,&H0000FFFF,&H000000FF,&H00202020,&H80000000,-1,0,0,0,100,100,0,0,1,1,0,7,0,0,0,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.00,0:00:02.00,Default,,0,0,0,,{\\k40}ka{\\kf80}ra{\\ko40}oke
Dialogue: 1,0:00:00.40,0:00:03.00,Sign,,0,0,0,,{\\move(10,10,200,60)\\t(0,2000,\\frz90\\fscx150\\1c&HFF0000&)}turning
Dialogue: 0,0:00:01.00,0:00:03.60,Sign,,0,0,0,,{\\an5\\pos(160,90)\\fad(400,600)\\blur2\\clip(100,60,220,120)}clipped away
Dialogue: 0,0:00:02.00,0:00:04.00,Default,,0,0,0,,{\\an7\\pos(20,100)\\p1\\c&H00FF00&}m 0 0 l 60 0 60 40 0 40{\\p0}
Dialogue: 0,0:00:02.40,0:00:03.60,Default,,0,0,0,,one line\\Nand another
";

/// `None`: it is not installed; the test is skipped.
#[track_caller]
fn libass() -> Option<Libass> {
    match Libass::load() {
        Ok(libass) => Some(libass),
        Err(error @ LoadError::NotFound { .. }) => {
            skip(&error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn has_ass_filter() -> bool {
    let listed = Command::new("ffmpeg")
        .args(["-hide_banner", "-filters"])
        .output();
    listed.is_ok_and(|listed| String::from_utf8_lossy(&listed.stdout).contains(" ass "))
}

/// The frames as ffmpeg draws them, red, green and blue.
fn by_ffmpeg(folder: &Path) -> Vec<Vec<u8>> {
    std::fs::write(folder.join("a.ass"), SCRIPT).unwrap();
    let (width, height) = SIZE;
    let made = ffmpeg(&format!(
        "-f lavfi -i color=c=0x808080:s={width}x{height}:r={RATE}:d={SECONDS},format=rgb24 -vf ass=a.ass -pix_fmt rgb24 -f rawvideo a.rgb"
    ))
    .current_dir(folder)
    .status();
    assert!(made.is_ok_and(|made| made.success()));
    let bytes = std::fs::read(folder.join("a.rgb")).unwrap();
    bytes
        .chunks((width * height * 3) as usize)
        .map(<[u8]>::to_vec)
        .collect()
}

fn blended(overlays: &[Overlay]) -> Vec<u8> {
    let (width, height) = SIZE;
    let mut frame = vec![GREY; (width * height * 3) as usize];
    for overlay in overlays {
        for (index, [red, green, blue, alpha]) in overlay.rgba.as_chunks::<4>().0.iter().enumerate()
        {
            let index = index as u32;
            let (x, y) = (
                overlay.x + index % overlay.width,
                overlay.y + index / overlay.width,
            );
            let at = ((y * width + x) * 3) as usize;
            for (sample, level) in frame[at..at + 3].iter_mut().zip([red, green, blue]) {
                let below = u32::from(*sample) * u32::from(255 - alpha) / 255;
                *sample = u8::try_from(below + u32::from(*level)).unwrap_or(255);
            }
        }
    }
    frame
}

#[test]
fn scripts_look_as_ffmpeg_s_filter_draws_them() {
    let Some(libass) = libass() else { return };
    if !has_ass_filter() {
        return skip("ffmpeg has no filter `ass`");
    }
    let folder = tempfile::tempdir().unwrap();
    let theirs = by_ffmpeg(folder.path());
    assert_eq!(theirs.len(), (RATE * SECONDS) as usize);
    let cues = Cues::new(parse(SCRIPT.as_bytes(), &Options::default()).unwrap().cues);
    let mut renderer = CueRenderer::default().with_scripts(Box::new(libass));
    let mut drawn = 0;
    // Backwards and forwards: what is over is not drawn again.
    let order = (0..theirs.len()).rev().chain(0..theirs.len());
    for index in order {
        let at = Time::from_millis(index as i64 * 1_000 / RATE);
        renderer.render(&ShownCues::from(cues.active(at)), SIZE, at);
        let (ours, theirs) = (blended(renderer.overlays()), &theirs[index]);
        let is_far = |(one, other): (&u8, &u8)| one.abs_diff(*other) > 16;
        let far = ours.iter().zip(theirs).filter(|pair| is_far(*pair)).count();
        assert!(
            far * 1_000 < ours.len(),
            "frame {index}: {far} samples differ"
        );
        drawn += ours
            .iter()
            .filter(|sample| sample.abs_diff(GREY) > 64)
            .count();
    }
    assert!(drawn > 50_000, "next to nothing was drawn: {drawn}");
}

#[test]
fn the_same_picture_is_not_drawn_twice() {
    let Some(libass) = libass() else { return };
    let cues = Cues::new(parse(SCRIPT.as_bytes(), &Options::default()).unwrap().cues);
    let mut renderer = CueRenderer::default().with_scripts(Box::new(libass));
    let mut render = |millis| {
        let at = Time::from_millis(millis);
        renderer.render(&ShownCues::from(cues.active(at)), SIZE, at)
    };
    assert!(render(3_700));
    assert!(!render(3_800), "a shape stands still");
    assert!(render(500), "syllables are being sung");
    assert!(render(600));
    assert!(render(4_100), "it is gone");
    assert!(!render(4_200));
}

#[test]
fn what_is_not_shown_is_not_drawn_though_it_is_its_time() {
    let Some(libass) = libass() else { return };
    let cues = Cues::new(parse(SCRIPT.as_bytes(), &Options::default()).unwrap().cues);
    let mut renderer = CueRenderer::default().with_scripts(Box::new(libass));
    let at = Time::from_millis(2_600);
    let mut area = |shown: &[Arc<kinora_subtitle::Cue>]| {
        renderer.render(&shown.into(), SIZE, at);
        let overlays = renderer.overlays().iter();
        overlays.map(|it| it.width * it.height).sum::<u32>()
    };
    let all = cues.active(at);
    assert!(all.len() > 2);
    let (whole, less) = (area(&all), area(&all[..1]));
    assert!(0 < less && less < whole, "{less} {whole}");
    assert_eq!(area(&all), whole);
}

#[test]
fn scripts_with_no_sense_do_no_harm() {
    let Some(libass) = libass() else { return };
    let mut renderer = CueRenderer::new(Fonts::Files(Vec::new())).with_scripts(Box::new(libass));
    let long = "m 0 0 l 9 9 ".repeat(2_000);
    for text in [
        "{\\p1}m 0 0 l 1e9 1e9 -1e9 5 s s s",
        "{\\fs99999\\bord9999\\blur9999\\frx1e30}big",
        "{\\t(\\t(\\t(\\t(\\c&H",
        "{\\move(1,2,3,4,5,6,7,8)\\clip(m l b)\\pos(nan,inf)}x\u{202e}y\0z",
        &format!("{{\\p1}}{long}"),
    ] {
        let script = format!(
            "[Script Info]\n[Events]\nDialogue: 0,0:00:00.00,0:00:09.00,Nobody,,-1,99999999999,x,,{text}\n"
        );
        let cues = Cues::new(parse(script.as_bytes(), &Options::default()).unwrap().cues);
        let at = Time::from_millis(10);
        renderer.render(&ShownCues::from(cues.active(at)), SIZE, at);
        for overlay in renderer.overlays() {
            assert!(overlay.x + overlay.width <= SIZE.0 && overlay.y + overlay.height <= SIZE.1);
        }
    }
}
