//! `kinora decode`: pictures as fast as the machine can.

use std::io::IsTerminal as _;
use std::time::Instant;

use kinora::{VideoFrame, VideoReader};
use kinora_errors::Lang;
use md5::{Digest, Md5};
use serde_json::json;

use crate::args::DecodeArgs;
use crate::json;
use crate::out;
use crate::progress::Progress;
use crate::report::{Failure, Style};
use crate::source::{decoders, locate, read_options};

pub(crate) fn run(args: &DecodeArgs, style: &Style) -> Result<(), Failure> {
    let threads = args
        .threads
        .map_or_else(std::thread::available_parallelism, Ok)
        .map_or(1, usize::from);
    let mut reader = VideoReader::open(
        &locate(&args.source)?,
        read_options(&args.reading)?,
        decoders(args.decoder),
        threads,
    )?;
    let title = style.say("decoding", "正在解码");
    let bar = Progress::of_long_work(title, style.lang, args.frame_md5);
    let begun = Instant::now();
    let mut frames = 0u64;
    while args.frames.is_none_or(|most| frames < most) {
        let Some(frame) = reader.next_frame().inspect_err(|_| bar.clear())? else {
            break;
        };
        if args.frame_md5 {
            json::line(&json!({
                "frame": frames, "pts_us": frame.pts.as_micros(), "width": frame.width, "height": frame.height,
                "format": frame.format.name(), "md5": frame_md5(&frame),
            }));
        }
        frames += 1;
        if let Some(done) = share(args, &reader, &frame, frames) {
            bar.set_if_long(done);
        }
    }
    bar.clear();
    let seconds = begun.elapsed().as_secs_f64();
    let fps = frames as f64 / seconds.max(1e-9);
    let status = reader.status();
    // With its checksums as JSON lines the last one is JSON too.
    if style.json || args.frame_md5 || !std::io::stdout().is_terminal() {
        json::line(&json!({
            "frames": frames, "seconds": seconds, "fps": fps,
            "decoder": status.decoder, "codec": status.track.codec.name(), "damaged": status.damaged,
        }));
        return Ok(());
    }
    let (codec, decoder) = (status.track.codec.title(), status.decoder);
    out::line(&match style.lang {
        Lang::Zh => {
            format!("{codec}（{decoder}）：{frames} 帧画面，用时 {seconds:.2} 秒，每秒 {fps:.0} 帧")
        }
        Lang::En => {
            format!("{codec} ({decoder}): {frames} pictures in {seconds:.2} s, {fps:.0} a second")
        }
    });
    match (status.damaged, style.lang) {
        (0, _) => {}
        (damaged, Lang::Zh) => out::line(&format!("有 {damaged} 个数据包无法解码")),
        (damaged, Lang::En) => out::line(&format!("{damaged} packets could not be decoded")),
    }
    Ok(())
}

/// How much of the work is done, where that is known.
fn share(args: &DecodeArgs, reader: &VideoReader, frame: &VideoFrame, frames: u64) -> Option<f64> {
    let all = reader.status().track.duration.map(|all| all.as_secs_f64());
    let of_all = all
        .filter(|all| *all > 0.0)
        .map(|all| frame.pts.as_secs_f64() / all);
    let of_wanted = args.frames.map(|most| frames as f64 / most.max(1) as f64);
    // The sooner of the two ends it.
    match (of_all, of_wanted) {
        (Some(all), Some(wanted)) => Some(all.max(wanted)),
        (all, wanted) => all.or(wanted),
    }
}

/// MD5 over the visible rows, plane after plane: what `ffmpeg -f framemd5` prints.
fn frame_md5(frame: &VideoFrame) -> String {
    let mut hash = Md5::new();
    for plane in 0..frame.format.planes() {
        for row in frame.rows(plane) {
            hash.update(row);
        }
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
