//! Demuxers on libavformat, for what Kinora has none of its own for.
//!
//! libavformat reads where it pleases and blocks while it does. So it has a thread of its own, which is fed by what is pushed,
//! and by nothing else: libavformat opens no file and no connection.

mod cache;
mod exchange;
mod input;
mod packet;
mod reorder;
#[cfg(test)]
mod tests;
mod tracks;
mod worker;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use kinora_container::{DemuxError, Demuxer, ForeignDemuxers, SeekTo, Step};

use self::exchange::Exchange;
pub(crate) use self::input::layout_holds;
use crate::backend::FfmpegBackend;
use crate::library::LoadError;

/// libavformat probes with decoders, which count on the stack that C programs have.
const STACK: usize = 8 << 20;

type Load = dyn Fn() -> Result<Arc<FfmpegBackend>, Arc<LoadError>> + Send + Sync;

/// Opens demuxers of the libavformat that is installed beside libavcodec. It is loaded when the first file needs it.
#[derive(Clone)]
pub struct FfmpegDemuxers {
    load: Arc<Load>,
}

impl FfmpegDemuxers {
    /// Those beside a libavcodec that `load` gives, on the thread of the demuxer.
    pub fn new(
        load: impl Fn() -> Result<Arc<FfmpegBackend>, Arc<LoadError>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            load: Arc::new(load),
        }
    }
}

impl FfmpegDemuxers {
    /// Those beside the libavcodec that is installed, which is loaded once for all.
    #[must_use]
    pub fn installed() -> Self {
        static LOADED: OnceLock<Result<Arc<FfmpegBackend>, Arc<LoadError>>> = OnceLock::new();
        let load = || FfmpegBackend::load().map(Arc::new).map_err(Arc::new);
        Self::new(move || LOADED.get_or_init(load).clone())
    }
}

impl ForeignDemuxers for FfmpegDemuxers {
    fn open(&self) -> Box<dyn Demuxer> {
        let exchange = Arc::new(Exchange::default());
        let (load, of_thread) = (Arc::clone(&self.load), Arc::clone(&exchange));
        let spawned = std::thread::Builder::new()
            .name("kinora-demux".into())
            .stack_size(STACK)
            .spawn(move || {
                let leaving = Leaving(&of_thread);
                read(&*load, leaving.0);
            });
        if let Err(error) = spawned {
            let (container, what) = ("the file".to_owned(), error.to_string());
            worker::fail(&exchange, DemuxError::Library { container, what });
            exchange.leave();
        }
        Box::new(FfmpegDemuxer { exchange })
    }
}

/// Says that the thread has ended, however it did.
struct Leaving<'a>(&'a Arc<Exchange>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

fn read(load: &Load, exchange: &Arc<Exchange>) {
    let needs = |error: &LoadError| DemuxError::NeedsLibrary {
        look: "nothing here knows these bytes".to_owned(),
        why: error.to_string(),
    };
    let backend = match load() {
        Ok(backend) => backend,
        Err(error) => return worker::fail(exchange, needs(&error)),
    };
    let ffmpeg = backend.ffmpeg();
    match ffmpeg.format() {
        Ok(_) => worker::run(exchange, ffmpeg),
        Err(error) => worker::fail(exchange, needs(error)),
    }
}

/// A demuxer whose work is done by libavformat on another thread, which ends when this is dropped.
struct FfmpegDemuxer {
    exchange: Arc<Exchange>,
}

impl Demuxer for FfmpegDemuxer {
    fn push(&mut self, offset: u64, data: Bytes) {
        self.exchange.push(offset, data);
    }
    fn finish(&mut self) {
        self.exchange.finish();
    }
    fn set_len(&mut self, total_len: u64) {
        self.exchange.set_len(total_len);
    }
    fn poll(&mut self) -> Result<Step, DemuxError> {
        self.exchange.poll()
    }
    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        self.exchange.seek(target)
    }
    fn damage(&self) -> u64 {
        self.exchange.damage()
    }
}

impl Drop for FfmpegDemuxer {
    fn drop(&mut self) {
        self.exchange.hang_up();
    }
}
