//! A window that was built without the GPU: nothing of it can be made, so nothing more can happen to it.

use std::sync::Arc;

use kinora_media::VideoFrame;
use kinora_output::SinkError;
use winit::event_loop::OwnedDisplayHandle;
use winit::window::Window;

use crate::error::WindowError;
use crate::offscreen::Painting;
use crate::scene::Scene;

pub(crate) enum GpuScreen {}

/// What came of drawing.
#[allow(dead_code, reason = "nothing draws")]
pub(crate) enum Drawn {
    Done,
    Lost,
}

fn none() -> WindowError {
    WindowError::NoGpu("this program was built without it (feature `gpu`)".into())
}

impl GpuScreen {
    pub(crate) fn new(
        _: &Arc<Window>,
        _: &OwnedDisplayHandle,
        _: Painting,
    ) -> Result<Self, WindowError> {
        Err(none())
    }

    pub(crate) fn set_frame(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
        match *self {}
    }

    pub(crate) fn clear(&mut self) {
        match *self {}
    }

    pub(crate) fn draw(&mut self, _: &Scene) -> Drawn {
        match *self {}
    }
}

pub(crate) enum Offscreen {}

impl Offscreen {
    pub(crate) fn new() -> Result<Self, WindowError> {
        Err(none())
    }

    pub(crate) fn set_frame(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
        match *self {}
    }

    pub(crate) fn draw(&mut self, _: &Scene) -> Result<Vec<u8>, WindowError> {
        match *self {}
    }
}
