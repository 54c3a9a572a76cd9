//! What an application writes around the player: its own sinks and its own resolver.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use kinora::output::{AudioFormat, AudioSink, NullAudio, SinkError, VideoFormat, VideoSink};
use kinora::{Event, Player, Resolve, Resolving, Time, VideoFrame};

/// Longer than anything here takes: what is not there by then does not come.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Ten seconds of pictures of that size and a tone of 1 kHz, made by FFmpeg in the folder of this build's tests.
///
/// # Panics
/// Without FFmpeg: `make setup` installs it.
#[must_use]
pub fn film(dir: &str, size: &str) -> String {
    let name = |extra: &str| PathBuf::from(dir).join(format!("film-{size}{extra}.mp4"));
    let (made, film) = (name(&format!("-{}", std::process::id())), name(""));
    let done = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg(format!("testsrc=size={size}:rate=25:duration=10"))
        .args(["-f", "lavfi", "-i", "sine=frequency=1000:duration=10"])
        .args("-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac -b:a 64k".split(' '))
        .args(["-movflags", "+faststart"])
        .arg(&made)
        .status();
    assert!(
        done.is_ok_and(|status| status.success()),
        "ffmpeg is needed: make setup"
    );
    // Tests make it side by side: whole or not at all.
    std::fs::rename(&made, &film).expect("a film");
    film.display().to_string()
}

/// The next event of some kind.
///
/// # Panics
/// When none comes.
pub fn until<T>(player: &Player, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        let event = player.next_event(LIMIT).expect("an event");
        if let Some(found) = wanted(event) {
            return found;
        }
    }
}

/// What a sink was asked to do.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Call {
    /// Pictures or sound of that form follow.
    Configure(u32, u32),
    /// A picture, or sound.
    Put(Time),
    /// A jump.
    Flush,
    /// Nothing follows for now.
    Drain,
    /// The end.
    Finish,
    /// The sink is gone.
    Gone,
}

/// The other side of a [`Spy`].
pub struct Spied {
    /// What was asked, in order.
    pub calls: Receiver<Call>,
    /// Each lets one picture or sound pass; once it is dropped all pass.
    pub gate: Sender<()>,
}

impl Spied {
    /// The next call.
    ///
    /// # Panics
    /// When none comes.
    pub fn next(&self) -> Call {
        self.calls.recv_timeout(LIMIT).expect("a call of the sink")
    }
    /// Waits for a call, whatever comes before it; gives all up to it.
    ///
    /// # Panics
    /// When it does not come.
    pub fn until(&self, wanted: impl Fn(Call) -> bool) -> Vec<Call> {
        let mut calls = Vec::new();
        loop {
            calls.push(self.next());
            if wanted(calls[calls.len() - 1]) {
                return calls;
            }
        }
    }
}

/// A sink of both kinds that records its calls, and blocks where it is configured to.
pub struct Spy {
    calls: Sender<Call>,
    gate: Option<Receiver<()>>,
    audio: NullAudio,
    failure: Option<SinkError>,
}

impl Spy {
    /// One that takes what comes.
    #[must_use]
    pub fn open() -> (Self, Spied) {
        let (mut spy, spied) = Self::blocked();
        spy.gate = None;
        (spy, spied)
    }
    /// One that holds each picture or sound until it is let pass.
    #[must_use]
    pub fn blocked() -> (Self, Spied) {
        let (calls, heard) = channel();
        let (gate, held) = channel();
        let spy = Self {
            calls,
            gate: Some(held),
            audio: NullAudio::new(),
            failure: None,
        };
        (spy, Spied { calls: heard, gate })
    }
    /// One that fails at its end.
    #[must_use]
    pub fn failing(mut self, failure: SinkError) -> Self {
        self.failure = Some(failure);
        self
    }

    fn emit(&self, call: Call) {
        // A test that has seen enough looks no more.
        let _ = self.calls.send(call);
    }
    fn put(&self, pts: Time) {
        self.emit(Call::Put(pts));
        if let Some(gate) = &self.gate {
            // Passes when it is released, and once nobody is left to release it.
            let _ = gate.recv();
        }
    }
    fn end(&mut self) -> Result<(), SinkError> {
        self.emit(Call::Finish);
        self.failure.take().map_or(Ok(()), Err)
    }
}

impl Drop for Spy {
    fn drop(&mut self) {
        self.emit(Call::Gone);
    }
}

impl VideoSink for Spy {
    fn configure(&mut self, format: &VideoFormat) -> Result<(), SinkError> {
        self.emit(Call::Configure(format.width, format.height));
        Ok(())
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.put(frame.pts);
        Ok(())
    }
    fn flush(&mut self) {
        self.emit(Call::Flush);
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.end()
    }
}

impl AudioSink for Spy {
    fn configure(&mut self, format: AudioFormat) -> Result<(), SinkError> {
        self.emit(Call::Configure(format.sample_rate, format.channels.into()));
        self.audio.configure(format)
    }
    fn queue(&mut self, now: Time, samples: &[f32]) -> Result<(), SinkError> {
        self.put(now);
        self.audio.queue(now, samples)
    }
    fn played(&mut self, now: Time) -> u64 {
        self.audio.played(now)
    }
    fn run(&mut self, now: Time) {
        self.audio.run(now);
    }
    fn hold(&mut self, now: Time) {
        self.audio.hold(now);
    }
    fn flush(&mut self, now: Time) {
        self.emit(Call::Flush);
        self.audio.flush(now);
    }
    fn drain(&mut self, _now: Time) {
        self.emit(Call::Drain);
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.end()
    }
}

/// Knows one name, whatever the system says.
pub struct Pinned(pub &'static str);

impl Resolve for Pinned {
    fn resolve(&self, host: &str) -> Resolving {
        let known = host == self.0;
        Box::pin(async move {
            match known {
                true => Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
                false => Err(std::io::ErrorKind::NotFound.into()),
            }
        })
    }
}
