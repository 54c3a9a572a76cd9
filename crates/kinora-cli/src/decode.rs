//! `kinora decode`: pictures as fast as the machine can.

use std::time::Instant;

use kinora::{VideoFrame, VideoReader};
use md5::{Digest, Md5};
use serde_json::json;

use crate::args::DecodeArgs;
use crate::json;
use crate::report::Failure;
use crate::source::{decoders, locate, net_config};

pub(crate) fn run(args: &DecodeArgs) -> Result<(), Failure> {
    let threads = args
        .threads
        .map_or_else(std::thread::available_parallelism, Ok)
        .map_or(1, usize::from);
    let mut reader = VideoReader::open(
        &locate(&args.source)?,
        &net_config(&args.net)?,
        decoders(args.decoder),
        threads,
    )?;
    let begun = Instant::now();
    let mut frames = 0u64;
    while args.frames.is_none_or(|most| frames < most) {
        let Some(frame) = reader.next_frame()? else {
            break;
        };
        if args.frame_md5 {
            json::line(&json!({
                "frame": frames, "pts_us": frame.pts.as_micros(), "width": frame.width, "height": frame.height,
                "format": frame.format.name(), "md5": frame_md5(&frame),
            }));
        }
        frames += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    json::line(&json!({
        "frames": frames, "seconds": seconds, "fps": frames as f64 / seconds.max(1e-9),
        "decoder": reader.decoder(), "codec": reader.track().codec.name(), "damaged": reader.damaged(),
    }));
    Ok(())
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
