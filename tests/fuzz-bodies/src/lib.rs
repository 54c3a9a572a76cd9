//! The bodies of the fuzz targets: a function from bytes to the [`Work`] that they made.
//!
//! A body panics where a promise is broken; else it gives back how much it did, so that tests can
//! bound work without reading a clock.
#![forbid(unsafe_code)]
// A broken promise panics: that is what a fuzzer listens for.
#![allow(clippy::panic)]

mod cache;
mod cloud;
mod demux;
mod lookup;
mod mpd;
mod overlay;
mod playlist;
mod protect;
mod subtitle;
mod tape;
mod urls;

/// How much was done with an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Work {
    /// Steps taken: polls of a demuxer, entries of a list, answers looked at.
    pub steps: u64,
    /// Bytes handed to a parser, those handed to it again included.
    pub bytes: u64,
    /// Bytes that came out: payloads, texts.
    pub out: u64,
}

impl Work {
    fn add(&mut self, other: Self) {
        self.steps = self.steps.saturating_add(other.steps);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.out = self.out.saturating_add(other.out);
    }
}

/// A parser under fuzzing.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As the fuzz target and the folder of its corpus are called.
    pub name: &'static str,
    /// What is done with the bytes.
    pub body: fn(&[u8]) -> Work,
}

/// Every parser that reads what others wrote.
pub const TARGETS: &[Target] = &[
    target("mp4", demux::mp4),
    target("mkv", demux::mkv),
    target("ts", demux::ts),
    target("flv", demux::flv),
    target("ogg", demux::ogg),
    target("adts", demux::adts),
    target("mp3", demux::mp3),
    target("wav", demux::wav),
    target("w64", demux::w64),
    target("flac", demux::flac),
    target("amr", demux::amr),
    target("ac3", demux::ac3),
    target("dts", demux::dts),
    target("loas", demux::loas),
    target("aiff", demux::aiff),
    target("caf", demux::caf),
    target("ffmpeg", demux::ffmpeg),
    target("cache", cache::cache),
    target("hls", playlist::hls),
    target("subtitle", subtitle::subtitle),
    target("overlay", overlay::overlay),
    target("tape", tape::tape),
    target("dash", mpd::dash),
    target("protect", protect::protect),
    target("play_auth", cloud::play_auth),
    target("pop", cloud::pop),
    target("urls", urls::urls),
    target("lookup", lookup::lookup),
];

const fn target(name: &'static str, body: fn(&[u8]) -> Work) -> Target {
    Target { name, body }
}

/// Runs the target of that name.
///
/// # Panics
/// When there is none, or the bytes break a promise of the parser.
pub fn run(name: &str, data: &[u8]) -> Work {
    let found = TARGETS.iter().find(|target| target.name == name);
    let Some(target) = found else {
        panic!("no fuzz target is called {name}");
    };
    (target.body)(data)
}
