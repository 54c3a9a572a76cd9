//! Draws what a file of subtitles shows at a time onto a grey picture: `draw_subtitles FILE SECONDS WIDTHxHEIGHT OUT.png`.

use std::error::Error;
use std::fs;
use std::sync::Arc;

use kinora_media::{ColorInfo, Mirror, PixelFormat, Rotation, Time, VecPlanes, VideoFrame};
use kinora_output::{CueRenderer, Subtitled, VideoSink, snapshot_png};
use kinora_subtitle::{Cues, Options, parse};

/// Keeps the last frame.
#[derive(Default)]
struct Last(Arc<std::sync::Mutex<Option<VideoFrame>>>);

impl VideoSink for Last {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), kinora_output::SinkError> {
        if let Ok(mut last) = self.0.lock() {
            *last = Some(frame.clone());
        }
        Ok(())
    }
}

fn grey(width: u32, height: u32) -> VideoFrame {
    let format = PixelFormat::I420;
    let planes = (0..format.planes()).map(|plane| {
        let (length, rows) = format.plane_size(plane, width, height);
        (vec![128; length * rows], length)
    });
    VideoFrame {
        pts: Time::ZERO,
        duration: Time::ZERO,
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

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, seconds, size, out] = &arguments[..] else {
        return Err("draw_subtitles FILE SECONDS WIDTHxHEIGHT OUT.png".into());
    };
    let document =
        parse(&fs::read(file)?, &Options::default()).map_err(|error| error.to_string())?;
    let (width, height) = size.split_once('x').ok_or("the size is WIDTHxHEIGHT")?;
    let frame = grey(width.parse()?, height.parse()?);
    let cues = Cues::new(document.cues).active(Time::from_millis(1_000).scale(seconds.parse()?));
    let last = Last::default();
    let drawn = Arc::clone(&last.0);
    let mut sink = Subtitled::new(last, CueRenderer::default());
    sink.set_cues(&cues.into());
    sink.present(&frame)?;
    let drawn = drawn.lock().map_err(|error| error.to_string())?.take();
    fs::write(out, snapshot_png(&drawn.unwrap_or(frame))?)?;
    Ok(())
}
