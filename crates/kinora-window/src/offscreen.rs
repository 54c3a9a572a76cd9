use std::sync::Arc;

use kinora_media::VideoFrame;
use kinora_output::{RgbImage, ScaleMode, SinkError};
use kinora_overlay::Overlay;

use crate::error::WindowError;
use crate::gpu;
use crate::scene::Scene;
use crate::software::Software;

/// By what pictures are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Painting {
    /// By the GPU, where there is one; until it is ready, and where there is none, by the processor.
    #[default]
    Auto,
    /// By the GPU, also by one that is a program of the processor's (llvmpipe).
    Gpu,
    /// By the processor.
    Software,
}

/// Draws what a window would show, without one.
pub struct Offscreen {
    canvas: Canvas,
    frame: Option<VideoFrame>,
    scene: Scene,
}

enum Canvas {
    Gpu(Box<gpu::Offscreen>),
    Software(Software),
}

impl std::fmt::Debug for Offscreen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offscreen")
            .field("scene", &self.scene)
            .finish_non_exhaustive()
    }
}

impl Offscreen {
    /// For windows of that size, in pixels.
    ///
    /// # Errors
    /// There is no GPU where one is asked for.
    pub fn new(painting: Painting, (width, height): (u32, u32)) -> Result<Self, WindowError> {
        let software = || Canvas::Software(Software::default());
        let by_gpu = || gpu::Offscreen::new().map(|gpu| Canvas::Gpu(Box::new(gpu)));
        let canvas = match painting {
            Painting::Software => software(),
            Painting::Gpu => by_gpu()?,
            Painting::Auto => by_gpu().unwrap_or_else(|_| software()),
        };
        Ok(Self {
            canvas,
            frame: None,
            scene: Scene {
                size: (width.max(1), height.max(1)),
                ..Scene::default()
            },
        })
    }

    /// How pictures lie in the window.
    pub const fn set_scale_mode(&mut self, mode: ScaleMode) {
        self.scene.mode = mode;
    }

    /// What lies over the picture.
    pub fn set_overlays(&mut self, overlays: Vec<Arc<Overlay>>) {
        self.scene.overlays = overlays;
    }

    /// The frame to be seen.
    ///
    /// # Errors
    /// It has no pixels, more than can be drawn, or less memory than its size needs.
    pub fn set_frame(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        if let Canvas::Gpu(gpu) = &mut self.canvas {
            gpu.set_frame(frame)?;
        }
        self.frame = Some(frame.clone());
        Ok(())
    }

    /// What is seen.
    ///
    /// # Errors
    /// The GPU was lost; the frame has less memory than its size needs.
    pub fn draw(&mut self) -> Result<RgbImage, SinkError> {
        let (width, height) = self.scene.size;
        let data = match &mut self.canvas {
            Canvas::Gpu(gpu) => {
                let rgba = gpu.draw(&self.scene).map_err(SinkError::from)?;
                let pixels = rgba.as_chunks::<4>().0.iter();
                pixels
                    .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
                    .collect()
            }
            Canvas::Software(software) => {
                let mut pixels = vec![0; width as usize * height as usize];
                software.draw(&mut pixels, self.frame.as_ref(), &self.scene)?;
                let bytes = |pixel: u32| {
                    let [_, red, green, blue] = pixel.to_be_bytes();
                    [red, green, blue]
                };
                pixels.into_iter().flat_map(bytes).collect()
            }
        };
        Ok(RgbImage {
            width,
            height,
            data,
        })
    }
}
