//! A sink that works on a thread of its own, so that coding a picture holds no other up.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use kinora_media::VideoFrame;

use crate::{Presenter, SinkError, VideoSink};

/// Pictures that may wait; they share their samples with whoever else has them.
const MOST_WAITING: usize = 4;

/// Hands pictures to another sink on a thread of its own. When too many wait, presenting waits: none is
/// lost, not even by a flush. A failure is told with the next picture, or at the end.
pub struct Background {
    sender: Option<SyncSender<Job>>,
    failure: Arc<Mutex<Option<SinkError>>>,
    worker: Option<JoinHandle<()>>,
}

enum Job {
    Show(VideoFrame),
    Flush,
}

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`SinkError::Thread`].
    pub fn start(sink: impl VideoSink + 'static) -> Result<Self, SinkError> {
        let (sender, jobs) = sync_channel(MOST_WAITING);
        let failure = Arc::new(Mutex::new(None));
        let told = Arc::clone(&failure);
        let worker = thread::Builder::new()
            .name("kinora-output".into())
            .spawn(move || work(sink, &jobs, &told))
            .map_err(SinkError::Thread)?;
        Ok(Self {
            sender: Some(sender),
            failure,
            worker: Some(worker),
        })
    }

    fn send(&self, job: Job) -> bool {
        let sender = self.sender.as_ref();
        sender.is_some_and(|sender| sender.send(job).is_ok())
    }

    fn take_failure(&self) -> Result<(), SinkError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take().map_or(Ok(()), Err)
    }
}

fn work(sink: impl VideoSink, jobs: &Receiver<Job>, failure: &Mutex<Option<SinkError>>) {
    let mut sink = Presenter::new(sink);
    let note = |result: Result<(), SinkError>| {
        if let Err(error) = result {
            let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
            // The first failure says most.
            failure.get_or_insert(error);
        }
    };
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Show(frame) => note(sink.present(&frame).map(drop)),
            Job::Flush => sink.flush(),
        }
    }
    note(sink.finish());
}

impl VideoSink for Background {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        // The picture goes on its way also where an earlier one's failure is told with it.
        let sent = self.send(Job::Show(frame.clone()));
        self.take_failure()?;
        match sent {
            true => Ok(()),
            false => Err(SinkError::Thread(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn flush(&mut self) {
        // A thread that is gone tells so with the next picture.
        self.send(Job::Flush);
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
