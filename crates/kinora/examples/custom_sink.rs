//! A sink of one's own: the player pushes each picture, its planes as they lie in memory. This one tells how bright they are.
//!
//! ```sh
//! cargo run --example custom_sink -- film.mp4
//! ```

use std::io::Write;
use std::time::Duration;

use kinora::output::{SinkError, VideoSink};
use kinora::{Event, Fault, Player, VideoFrame};

struct Brightness<W>(W);

impl<W: Write + Send> VideoSink for Brightness<W> {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let sum: u64 = frame.rows(0).flatten().map(|luma| u64::from(*luma)).sum();
        let pixels = u64::from(frame.width) * u64::from(frame.height);
        Ok(writeln!(self.0, "{} {}", frame.pts, sum / pixels.max(1))?)
    }
}

#[allow(dead_code, reason = "the tests take the rest of it alone")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = std::env::args().nth(1).ok_or("custom_sink SOURCE")?;
    Ok(measure(&source, std::io::stdout())?)
}

/// Plays a source to its end, and tells the brightness of each picture that is shown.
pub(crate) fn measure(source: &str, out: impl Write + Send + 'static) -> Result<(), Fault> {
    let sink = Brightness(out);
    let player = Player::builder().video_sink(sink).autoplay(true).build()?;
    player.open(source);
    for event in player.events() {
        match event {
            Event::Error(fault) => return Err(fault),
            Event::Completion => break,
            _ => {}
        }
    }
    player.release(Duration::from_secs(2))
}
