//! Frames are pulled: nothing plays, each picture and each block of sound comes when it is asked for, as fast as it is decoded.
//!
//! ```sh
//! cargo run --example pull_frames -- film.mp4 10
//! ```

use std::error::Error;
use std::io::Write;

use kinora::{AudioReader, DecoderChoice, ReadOptions, Time, VideoReader};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

#[allow(dead_code, reason = "the tests take the rest of it alone")]
fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [source, seconds] = args.as_slice() else {
        return Err("pull_frames SOURCE SECONDS".into());
    };
    let from = Time::from_secs_f64(seconds.parse()?);
    pull(source, from, &mut std::io::stdout().lock())
}

/// Tells the pictures of the second that begins at a time, with the bytes of each plane, and how much sound there is.
pub(crate) fn pull(source: &str, from: Time, out: &mut impl Write) -> Outcome {
    let to = from + Time::from_millis(1_000);
    let mut pictures = VideoReader::open(source, ReadOptions::default(), DecoderChoice::Auto, 2)?;
    pictures.seek(from)?;
    while let Some(frame) = pictures.next_frame()?.filter(|frame| frame.pts < to) {
        let bytes = |plane| frame.rows(plane).map(<[u8]>::len).sum::<usize>();
        let planes: Vec<usize> = (0..frame.format.planes()).map(bytes).collect();
        writeln!(
            out,
            "{} {}x{} {planes:?}",
            frame.pts, frame.width, frame.height
        )?;
    }
    let mut sound = AudioReader::open(source, ReadOptions::default(), DecoderChoice::Auto)?;
    sound.seek(from)?;
    let mut samples = 0;
    while let Some(frame) = sound.next_frame()?.filter(|frame| frame.pts < to) {
        samples += frame.len();
    }
    Ok(writeln!(out, "{samples} samples of each channel")?)
}
