//! The decoding half of a transcoder: any source that Kinora reads, from a time on, becomes raw pictures at a constant rate
//! (Y4M) and sound (WAV), which every encoder takes:
//!
//! ```sh
//! cargo run --example transcode -- film.m3u8 pictures.y4m sound.wav 12.5
//! ffmpeg -i pictures.y4m -i sound.wav film.mkv
//! ```

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use kinora::{AudioReader, DecoderChoice, ReadOptions, Time, VideoFrame, VideoReader};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Pictures a second where the source does not tell.
const RATE: f64 = 25.0;

#[allow(dead_code, reason = "the tests take the rest of it alone")]
fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [source, pictures, sound, start @ ..] = args.as_slice() else {
        return Err("transcode SOURCE PICTURES.y4m SOUND.wav [SECONDS]".into());
    };
    let seconds: f64 = start.first().map_or(Ok(0.0), |text| text.parse())?;
    transcode(
        source,
        Time::from_secs_f64(seconds),
        Path::new(pictures),
        Path::new(sound),
    )
}

/// Pictures and sound go through their decoders side by side, each with a reader of its own.
pub(crate) fn transcode(source: &str, start: Time, pictures: &Path, sound: &Path) -> Outcome<()> {
    std::thread::scope(|scope| {
        let listens = scope.spawn(|| write_sound(source, start, sound));
        write_pictures(source, start, pictures)?;
        listens
            .join()
            .map_err(|_| "the thread of the sound panicked")?
    })
}

fn write_pictures(source: &str, start: Time, path: &Path) -> Outcome<()> {
    let options = ReadOptions::default();
    let mut reader = VideoReader::open(source, options, DecoderChoice::Auto, 2)?;
    reader.seek(start)?;
    let rate = reader
        .status()
        .track
        .video
        .and_then(|video| video.frame_rate);
    let rate = rate.filter(|rate| *rate >= 1.0).unwrap_or(RATE);
    let mut out = BufWriter::new(File::create(path)?);
    let Some(mut shown) = reader.next_frame()? else {
        return Err("the source holds no pictures".into());
    };
    begin_y4m(&mut out, &shown, rate)?;
    let mut number = 0.0;
    let mut until = shown.pts;
    while let Some(next) = reader.next_frame()? {
        // Each slot of the constant rate gets the picture that is on screen then.
        number = fill(&mut out, &shown, start, (number, rate), next.pts)?;
        until = next.pts + next.duration;
        shown = next;
    }
    fill(&mut out, &shown, start, (number, rate), until)?;
    Ok(out.flush()?)
}

/// Writes a picture into the slots from one number on until a time. Gives the number of the next slot.
fn fill(
    out: &mut impl Write,
    picture: &VideoFrame,
    start: Time,
    (mut number, rate): (f64, f64),
    until: Time,
) -> Outcome<f64> {
    while start + Time::from_secs_f64(number / rate) + Time::from_micros(1) < until {
        out.write_all(b"FRAME\n")?;
        for plane in 0..picture.format.planes() {
            for row in picture.rows(plane) {
                out.write_all(row)?;
            }
        }
        number += 1.0;
    }
    Ok(number)
}

fn begin_y4m(out: &mut impl Write, picture: &VideoFrame, rate: f64) -> Outcome<()> {
    let layout = match picture.format.name() {
        "yuv420p" => "420jpeg",
        "yuv422p" => "422",
        "yuv444p" => "444",
        "yuv420p10le" => "420p10",
        "gray" => "mono",
        other => return Err(format!("Y4M has no name for {other}").into()),
    };
    let (width, height) = (picture.width, picture.height);
    let rate = (rate * 1_000.0).round();
    writeln!(
        out,
        "YUV4MPEG2 W{width} H{height} F{rate}:1000 Ip A1:1 C{layout}"
    )?;
    Ok(())
}

fn write_sound(source: &str, start: Time, path: &Path) -> Outcome<()> {
    let options = ReadOptions::default();
    let mut reader = AudioReader::open(source, options, DecoderChoice::Auto)?;
    reader.seek(start)?;
    let mut out = BufWriter::new(File::create(path)?);
    let mut format = None;
    let mut bytes = 0u32;
    while let Some(frame) = reader.next_frame()? {
        let of_frame = (frame.sample_rate, frame.channels);
        if *format.get_or_insert(of_frame) != of_frame {
            return Err("the sound changes its format, which WAV can not tell".into());
        }
        if bytes == 0 {
            begin_wav(&mut out, of_frame, 0)?;
        }
        for sample in &frame.samples {
            out.write_all(&to_16_bits(*sample).to_le_bytes())?;
            bytes = bytes.checked_add(2).ok_or("WAV ends at 4 GiB")?;
        }
    }
    let Some(format) = format else {
        return Err("the source holds no sound".into());
    };
    // Only now is it known how much there is.
    out.seek(SeekFrom::Start(0))?;
    begin_wav(&mut out, format, bytes)?;
    Ok(out.flush()?)
}

#[allow(clippy::cast_possible_truncation, reason = "it is within the range")]
fn to_16_bits(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16
}

fn begin_wav(out: &mut impl Write, (rate, channels): (u32, u16), bytes: u32) -> Outcome<()> {
    let frame = u32::from(channels) * 2;
    out.write_all(b"RIFF")?;
    out.write_all(&bytes.saturating_add(36).to_le_bytes())?;
    out.write_all(b"WAVEfmt \x10\0\0\0\x01\0")?;
    out.write_all(&channels.to_le_bytes())?;
    out.write_all(&rate.to_le_bytes())?;
    out.write_all(&(rate * frame).to_le_bytes())?;
    out.write_all(&[u8::try_from(frame)?, 0, 16, 0])?;
    out.write_all(b"data")?;
    out.write_all(&bytes.to_le_bytes())?;
    Ok(())
}
