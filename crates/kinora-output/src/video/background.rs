//! A sink that works on a thread of its own, so that coding a frame holds no other up.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use kinora_media::VideoFrame;

use crate::{Needs, Presenter, ScaleMode, ShownCues, SinkError, Timing, VideoSink};

/// Frames that may wait; they share their samples with whoever else has them.
const MAX_WAITING: usize = 4;

/// Hands video frames to another sink on a thread of its own. When too many wait, presenting waits: none is
/// lost, not even by a flush. A failure is reported with the next frame, or at the end.
pub struct BackgroundVideo {
    sender: Option<SyncSender<Job>>,
    failure: Arc<Mutex<Option<SinkError>>>,
    worker: Option<JoinHandle<()>>,
    needs: Needs,
}

enum Job {
    Show(VideoFrame, Option<Timing>),
    Flush,
    Scale(ScaleMode),
    Paused(bool),
    Cues(ShownCues),
    Clear,
}

impl BackgroundVideo {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`SinkError::Thread`].
    pub fn start(sink: impl VideoSink + 'static) -> Result<Self, SinkError> {
        let (sender, jobs) = sync_channel(MAX_WAITING);
        let failure = Arc::new(Mutex::new(None));
        let (noted, needs) = (Arc::clone(&failure), sink.needs());
        let worker = thread::Builder::new()
            .name("kinora-output".into())
            .spawn(move || work(sink, &jobs, &noted))
            .map_err(SinkError::Thread)?;
        Ok(Self {
            sender: Some(sender),
            failure,
            worker: Some(worker),
            needs,
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
            Job::Show(frame, Some(timing)) => note(sink.present_at(&frame, timing).map(drop)),
            Job::Show(frame, None) => note(sink.present(&frame).map(drop)),
            Job::Flush => sink.flush(),
            Job::Scale(mode) => sink.set_scale_mode(mode),
            Job::Paused(paused) => sink.set_paused(paused),
            Job::Cues(cues) => sink.set_cues(&cues),
            Job::Clear => sink.clear(),
        }
    }
    note(sink.finish());
}

impl BackgroundVideo {
    fn show(&self, frame: &VideoFrame, timing: Option<Timing>) -> Result<(), SinkError> {
        // The frame goes on its way also where an earlier one's failure is reported with it.
        let sent = self.send(Job::Show(frame.clone(), timing));
        self.take_failure()?;
        match sent {
            true => Ok(()),
            false => Err(SinkError::Thread(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

impl VideoSink for BackgroundVideo {
    fn needs(&self) -> Needs {
        self.needs
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.show(frame, None)
    }
    fn present_at(&mut self, frame: &VideoFrame, timing: Timing) -> Result<(), SinkError> {
        self.show(frame, Some(timing))
    }
    fn flush(&mut self) {
        // A thread that is gone is reported with the next frame.
        self.send(Job::Flush);
    }
    fn set_scale_mode(&mut self, mode: ScaleMode) {
        self.send(Job::Scale(mode));
    }
    fn set_paused(&mut self, paused: bool) {
        self.send(Job::Paused(paused));
    }
    fn set_cues(&mut self, cues: &ShownCues) {
        self.send(Job::Cues(ShownCues::clone(cues)));
    }
    fn clear(&mut self) {
        self.send(Job::Clear);
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.sender = None;
        let ended = self.worker.take().map_or(Ok(()), JoinHandle::join);
        self.take_failure()?;
        ended.map_err(|_| SinkError::Thread(io::ErrorKind::BrokenPipe.into()))
    }
}

impl Drop for BackgroundVideo {
    fn drop(&mut self) {
        // What waits is still written; a failure has nobody left to hear it.
        let _ = self.finish();
    }
}
