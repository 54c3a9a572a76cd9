use std::sync::Arc;

use kinora_media::{Time, VideoFrame};
use kinora_output::{Needs, ScaleMode, ShownCues, SinkError, Timing, VideoFormat, VideoSink};

use crate::mailbox::Mailbox;
use crate::place;
use crate::window::{Message, Proxy};

/// Half a beat of a display of 60 Hz.
const HALF_A_BEAT: Time = Time::from_millis(8);
/// A frame that is so late is not waited for: the next one may take its place.
const LATE: Time = Time::from_millis(40);

/// Shows video in a window. A call returns when the frame is with the display.
///
/// Frames are wanted half a beat of the display before they are due: the beat that follows is then the one nearest to their time.
pub struct WindowVideo {
    mailbox: Arc<Mailbox>,
    proxy: Proxy,
}

impl WindowVideo {
    pub(crate) const fn new(mailbox: Arc<Mailbox>, proxy: Proxy) -> Self {
        Self { mailbox, proxy }
    }
}

impl std::fmt::Debug for WindowVideo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WindowVideo")
    }
}

impl VideoSink for WindowVideo {
    fn needs(&self) -> Needs {
        Needs::frames_ahead(HALF_A_BEAT)
    }

    fn configure(&mut self, format: &VideoFormat) -> Result<(), SinkError> {
        self.proxy
            .send(Message::PictureSize(place::upright_size(format)));
        Ok(())
    }

    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.mailbox.show(frame)
    }

    fn present_at(&mut self, frame: &VideoFrame, timing: Timing) -> Result<(), SinkError> {
        match timing.now - timing.due > LATE && self.mailbox.first_shown().is_some() {
            true => self.mailbox.replace(frame),
            false => self.mailbox.show(frame),
        }
    }

    fn set_scale_mode(&mut self, mode: ScaleMode) {
        self.mailbox.give(|orders| orders.mode = Some(mode));
    }

    fn set_cues(&mut self, cues: &ShownCues) {
        self.mailbox.give(|orders| orders.cues = Some(cues.clone()));
    }

    fn clear(&mut self) {
        self.mailbox.give(|orders| orders.clear = true);
    }
}
