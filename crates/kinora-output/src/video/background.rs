//! A sink that works on a thread of its own, so that coding a picture holds no other up.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use kinora_media::VideoFrame;

use crate::{SinkError, VideoSink};

/// Pictures that may wait; they share their samples with whoever else has them.
const MOST_WAITING: usize = 4;

/// Hands pictures to another sink on a thread of its own. When too many wait, presenting waits: none is
/// lost. A failure is told with the next picture, or at the end.
pub struct Background {
    sender: Option<SyncSender<VideoFrame>>,
    failure: Arc<Mutex<Option<SinkError>>>,
    worker: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`SinkError::Thread`].
    pub fn start(sink: impl VideoSink + 'static) -> Result<Self, SinkError> {
        let (sender, frames) = sync_channel(MOST_WAITING);
        let failure = Arc::new(Mutex::new(None));
        let told = Arc::clone(&failure);
        let worker = thread::Builder::new()
            .name("kinora-output".into())
            .spawn(move || work(sink, &frames, &told))
            .map_err(SinkError::Thread)?;
        Ok(Self {
            sender: Some(sender),
            failure,
            worker: Some(worker),
        })
    }

    fn take_failure(&self) -> Result<(), SinkError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take().map_or(Ok(()), Err)
    }
}

fn work(
    mut sink: impl VideoSink,
    frames: &Receiver<VideoFrame>,
    failure: &Mutex<Option<SinkError>>,
) {
    let note = |result: Result<(), SinkError>| {
        if let Err(error) = result {
            let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
            // The first failure says most.
            failure.get_or_insert(error);
        }
    };
    while let Ok(frame) = frames.recv() {
        note(sink.present(&frame));
    }
    note(sink.finish());
}

impl VideoSink for Background {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.take_failure()?;
        let sent = self
            .sender
            .as_ref()
            .map(|sender| sender.send(frame.clone()));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(SinkError::Thread(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.sender = None;
        let ended = self.worker.take().map_or(Ok(()), JoinHandle::join);
        self.take_failure()?;
        ended.map_err(|_| SinkError::Thread(io::ErrorKind::BrokenPipe.into()))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // What waits is still written; a failure has nobody left to hear it.
        let _ = self.finish();
    }
}
