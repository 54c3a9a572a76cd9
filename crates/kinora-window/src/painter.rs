//! The thread that draws in the window.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;

use kinora_media::VideoFrame;
use kinora_output::{CueRenderer, ShownCues, SinkError, VideoFormat};
use kinora_overlay::Overlay;
use winit::event_loop::OwnedDisplayHandle;
use winit::window::Window;

use crate::error::WindowError;
use crate::gpu::{Drawn, GpuScreen};
use crate::mailbox::{Mailbox, Orders};
use crate::offscreen::Painting;
use crate::place::{self, Place};
use crate::scene::Scene;
use crate::software::Software;

/// Starts the painter, which ends with its mailbox, and says when the first picture is on the screen.
pub(crate) fn start(
    mailbox: &Arc<Mailbox>,
    window: &Arc<Window>,
    painting: Painting,
    renderer: CueRenderer,
    first_shown: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, WindowError> {
    let (orders, window) = (Arc::clone(mailbox), Arc::clone(window));
    std::thread::Builder::new()
        .name("kinora-painter".into())
        .spawn(move || Painter::new(window, painting, renderer).run(&orders, first_shown))
        .map_err(WindowError::Thread)
}

/// Drivers are loaded beside; until they are there the processor draws. What is given back has no sender any more once that is done.
pub(crate) fn load_gpu(
    mailbox: &Arc<Mailbox>,
    window: &Arc<Window>,
    display: &OwnedDisplayHandle,
    painting: Painting,
) -> Result<Receiver<Infallible>, WindowError> {
    let (mailbox, window, display) = (Arc::clone(mailbox), Arc::clone(window), display.clone());
    let (loads, loading) = mpsc::channel();
    let load = move || {
        let _loads = loads;
        let screen = GpuScreen::new(&window, &display, painting).map(Box::new);
        mailbox.give(|orders| orders.gpu = Some(screen));
    };
    // Metal makes its layers on the main thread, which this is.
    if cfg!(target_os = "macos") {
        load();
        return Ok(loading);
    }
    std::thread::Builder::new()
        .name("kinora-gpu".into())
        .spawn(load)
        .map(|_| loading)
        .map_err(WindowError::Thread)
}

struct Painter {
    window: Arc<Window>,
    painting: Painting,
    canvas: Canvas,
    frame: Option<VideoFrame>,
    scene: Scene,
    renderer: CueRenderer,
    cues: ShownCues,
    /// The cues as they were drawn, and for which part of the window.
    drawn_cues: (Option<Place>, Vec<Arc<Overlay>>),
    controls: Vec<Arc<Overlay>>,
    /// Rows at the lower edge that they cover.
    covered: u32,
}

enum Canvas {
    /// Nothing was drawn yet.
    None,
    Software(Box<SoftwareScreen>),
    Gpu(Box<GpuScreen>),
}

/// A window's memory.
struct SoftwareScreen {
    surface: softbuffer::Surface<Arc<Window>, Arc<Window>>,
    software: Software,
}

impl SoftwareScreen {
    fn new(window: &Arc<Window>) -> Result<Self, WindowError> {
        let failed =
            |error: softbuffer::SoftBufferError| WindowError::NoPixels(error.to_string().into());
        let context = softbuffer::Context::new(Arc::clone(window)).map_err(failed)?;
        let surface = softbuffer::Surface::new(&context, Arc::clone(window)).map_err(failed)?;
        Ok(Self {
            surface,
            software: Software::default(),
        })
    }

    fn draw(&mut self, frame: Option<&VideoFrame>, scene: &Scene) -> Result<(), SinkError> {
        let failed = |error: softbuffer::SoftBufferError| {
            SinkError::from(WindowError::NoPixels(error.to_string().into()))
        };
        let (Some(width), Some(height)) =
            (NonZeroU32::new(scene.size.0), NonZeroU32::new(scene.size.1))
        else {
            return Ok(());
        };
        self.surface.resize(width, height).map_err(failed)?;
        let mut buffer = self.surface.buffer_mut().map_err(failed)?;
        let drawn = self.software.draw(&mut buffer, frame, scene);
        buffer.present().map_err(failed)?;
        drawn
    }
}

impl Painter {
    fn new(window: Arc<Window>, painting: Painting, renderer: CueRenderer) -> Self {
        let size = window.inner_size();
        Self {
            scene: Scene {
                size: (size.width.max(1), size.height.max(1)),
                ..Scene::default()
            },
            window,
            painting,
            canvas: Canvas::None,
            frame: None,
            renderer,
            cues: ShownCues::default(),
            drawn_cues: (None, Vec::new()),
            controls: Vec::new(),
            covered: 0,
        }
    }

    fn run(mut self, mailbox: &Mailbox, first_shown: impl FnOnce()) {
        let mut first_shown = Some(first_shown);
        while let Some(orders) = mailbox.next() {
            let taken = self.take(orders);
            // Who insists on the GPU waits for it.
            if self.painting == Painting::Gpu && matches!(self.canvas, Canvas::None) {
                continue;
            }
            let painted = self.paint();
            mailbox.done(taken.and(painted).err());
            if mailbox.first_shown().is_some()
                && let Some(tell) = first_shown.take()
            {
                tell();
            }
        }
    }

    fn take(&mut self, orders: Orders) -> Result<(), SinkError> {
        if let Some(mode) = orders.mode {
            self.scene.mode = mode;
        }
        if let Some((width, height)) = orders.size {
            self.scene.size = (width.max(1), height.max(1));
        }
        if let Some(cues) = orders.cues {
            self.cues = cues;
            self.drawn_cues.0 = None;
        }
        if let Some((controls, covered)) = orders.controls {
            self.controls = controls;
            if std::mem::replace(&mut self.covered, covered) != covered {
                self.drawn_cues.0 = None;
            }
        }
        if orders.clear {
            self.frame = None;
            if let Canvas::Gpu(screen) = &mut self.canvas {
                screen.clear();
            }
        }
        let is_new = orders.frame.is_some();
        self.frame = orders.frame.or(self.frame.take());
        match orders.gpu {
            None if is_new => self.upload(),
            None => Ok(()),
            Some(Ok(screen)) => {
                self.canvas = Canvas::Gpu(screen);
                self.upload()
            }
            // Who did not insist on it does without.
            Some(Err(_)) if self.painting == Painting::Auto => Ok(()),
            Some(Err(error)) => {
                self.painting = Painting::Software;
                Err(error.into())
            }
        }
    }

    fn upload(&mut self) -> Result<(), SinkError> {
        match (&mut self.canvas, &self.frame) {
            (Canvas::Gpu(screen), Some(frame)) => screen.set_frame(frame),
            _ => Ok(()),
        }
    }

    fn paint(&mut self) -> Result<(), SinkError> {
        self.draw_cues();
        let all = self.drawn_cues.1.iter().chain(&self.controls);
        self.scene.overlays = all.cloned().collect();
        if let Canvas::None = self.canvas {
            self.canvas = Canvas::Software(Box::new(SoftwareScreen::new(&self.window)?));
        }
        match &mut self.canvas {
            Canvas::None => Ok(()),
            Canvas::Software(screen) => screen.draw(self.frame.as_ref(), &self.scene),
            Canvas::Gpu(screen) => match screen.draw(&self.scene) {
                Drawn::Done => Ok(()),
                Drawn::Lost => {
                    self.painting = Painting::Software;
                    self.canvas = Canvas::None;
                    self.paint()
                }
            },
        }
    }

    /// Cues are drawn in the window's own pixels, on what is seen of the picture.
    fn draw_cues(&mut self) {
        let Some(frame) = self.frame.as_ref().filter(|_| !self.cues.is_empty()) else {
            self.drawn_cues = (None, Vec::new());
            return;
        };
        let (format, size) = (VideoFormat::of(frame), self.scene.size);
        let seen = place::of_picture(&format, self.scene.mode, size).within(size);
        let size = (seen.width, seen.height);
        let changed = self.renderer.render(&self.cues, size, frame.pts);
        if !changed && self.drawn_cues.0 == Some(seen) {
            return;
        }
        let shift = |edge: i32| u32::try_from(edge).unwrap_or(0);
        let free = self.scene.size.1.saturating_sub(self.covered);
        let drawn = self.renderer.overlays().iter().map(|overlay| {
            let (top, height) = (overlay.y + shift(seen.top), overlay.height);
            // What would lie below the controls stands on them.
            let y = match top + height > free && self.covered > 0 {
                true => free.saturating_sub(height),
                false => top,
            };
            Arc::new(Overlay {
                x: overlay.x + shift(seen.left),
                y,
                ..overlay.clone()
            })
        });
        self.drawn_cues = (Some(seen), drawn.collect());
    }
}
