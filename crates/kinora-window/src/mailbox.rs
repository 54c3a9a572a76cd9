//! What the painter's thread is to do, given by the player's thread and by the window's.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinora_media::VideoFrame;
use kinora_output::{ScaleMode, ShownCues, SinkError};
use kinora_overlay::Overlay;

use crate::error::WindowError;
use crate::gpu::GpuScreen;

/// The window may not be there yet when the first frame is.
const FIRST_SHOWN_WITHIN: Duration = Duration::from_secs(5);
/// A display may hold up whoever draws where nobody looks; playing goes on.
const SHOWN_WITHIN: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Mailbox {
    orders: Mutex<Orders>,
    /// There is something to do.
    given: Condvar,
    /// A frame was shown.
    shown: Condvar,
}

/// What changed since the painter looked.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) frame: Option<VideoFrame>,
    pub(crate) mode: Option<ScaleMode>,
    pub(crate) cues: Option<ShownCues>,
    /// The controls, and how many rows at the window's lower edge they cover: subtitles stand above.
    pub(crate) controls: Option<(Vec<Arc<Overlay>>, u32)>,
    pub(crate) size: Option<(u32, u32)>,
    /// No picture is to be seen any more.
    pub(crate) clear: bool,
    /// The display lost what was drawn.
    pub(crate) repaint: bool,
    /// The GPU is ready, or will never be.
    pub(crate) gpu: Option<Result<Box<GpuScreen>, WindowError>>,
    /// Frames that were given, and those of them that were shown or given up.
    frames_given: u64,
    frames_shown: u64,
    /// When the first one was on the screen.
    first_shown: Option<Instant>,
    failure: Option<SinkError>,
    end: bool,
}

impl Orders {
    const fn is_nothing(&self) -> bool {
        self.frame.is_none()
            && self.mode.is_none()
            && self.cues.is_none()
            && self.controls.is_none()
            && self.size.is_none()
            && self.gpu.is_none()
            && !self.clear
            && !self.repaint
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn give(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut self.lock());
        self.given.notify_one();
    }

    /// Gives a frame and waits until it is shown, within limits. A frame that waited is replaced.
    pub(crate) fn show(&self, frame: &VideoFrame) -> Result<(), SinkError> {
        let mut orders = self.lock();
        orders.frame = Some(frame.clone());
        orders.frames_given += 1;
        self.given.notify_one();
        let ticket = orders.frames_given;
        let limit = match orders.frames_shown {
            0 => FIRST_SHOWN_WITHIN,
            _ => SHOWN_WITHIN,
        };
        let until = Instant::now() + limit;
        while orders.frames_shown < ticket && !orders.end {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                break;
            };
            let waited = self.shown.wait_timeout(orders, left);
            orders = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        orders.failure.take().map_or(Ok(()), Err)
    }

    /// Gives a frame and waits for nothing.
    pub(crate) fn replace(&self, frame: &VideoFrame) -> Result<(), SinkError> {
        let mut orders = self.lock();
        orders.frame = Some(frame.clone());
        orders.frames_given += 1;
        self.given.notify_one();
        orders.failure.take().map_or(Ok(()), Err)
    }

    /// All frames that were taken are on the screen, or failed.
    pub(crate) fn done(&self, failure: Option<SinkError>) {
        let mut orders = self.lock();
        if orders.frame.is_none() {
            orders.frames_shown = orders.frames_given;
        }
        if orders.frames_shown > 0 && failure.is_none() {
            orders.first_shown.get_or_insert_with(Instant::now);
        }
        if failure.is_some() {
            orders.failure = failure;
        }
        self.shown.notify_all();
    }

    /// What changed, once something has; `None` at the end.
    pub(crate) fn next(&self) -> Option<Orders> {
        let mut orders = self.lock();
        while orders.is_nothing() && !orders.end {
            orders = self
                .given
                .wait(orders)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if orders.end {
            return None;
        }
        let kept = Orders {
            frames_given: orders.frames_given,
            frames_shown: orders.frames_shown,
            first_shown: orders.first_shown,
            failure: orders.failure.take(),
            ..Orders::default()
        };
        Some(std::mem::replace(&mut *orders, kept))
    }

    /// When the first frame was on the screen.
    pub(crate) fn first_shown(&self) -> Option<Instant> {
        self.lock().first_shown
    }

    /// Nothing is painted any more.
    pub(crate) fn end(&self) {
        self.lock().end = true;
        self.given.notify_all();
        self.shown.notify_all();
    }
}
