//! A window's surface on the GPU.

use std::sync::Arc;

use kinora_media::VideoFrame;
use kinora_output::SinkError;
use winit::event_loop::OwnedDisplayHandle;
use winit::window::Window;

use super::Gpu;
use crate::error::WindowError;
use crate::offscreen::Painting;
use crate::scene::Scene;

pub(crate) struct GpuScreen {
    surface: wgpu::Surface<'static>,
    config: wgpu::SurfaceConfiguration,
    gpu: Gpu,
}

/// What came of drawing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Drawn {
    /// It is on the screen, or will be with the display's next beat; or nobody could see it.
    Done,
    /// This GPU draws no more.
    Lost,
}

impl GpuScreen {
    /// Takes as long as the driver does to load.
    pub(crate) fn new(
        window: &Arc<Window>,
        display: &OwnedDisplayHandle,
        painting: Painting,
    ) -> Result<Self, WindowError> {
        // The drivers of OpenGL take long to load: only where there is nothing better.
        let primary = Self::on(wgpu::Backends::PRIMARY, window, display, painting);
        primary.or_else(|_| Self::on(wgpu::Backends::GL, window, display, painting))
    }

    fn on(
        backends: wgpu::Backends,
        window: &Arc<Window>,
        display: &OwnedDisplayHandle,
        painting: Painting,
    ) -> Result<Self, WindowError> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = backends;
        // Only OpenGL must know the display before it sees a window.
        if backends == wgpu::Backends::GL {
            descriptor = descriptor.with_display_handle(Box::new(display.clone()));
        }
        let instance = wgpu::Instance::new(descriptor);
        let no_gpu = |error: &dyn std::error::Error| WindowError::NoGpu(error.to_string().into());
        let surface = instance
            .create_surface(Arc::clone(window))
            .map_err(|error| no_gpu(&error))?;
        let adapter = super::adapter(&instance, Some(&surface))?;
        let info = adapter.get_info();
        // A program that plays a GPU loads longer than it helps.
        if painting == Painting::Auto && info.device_type == wgpu::DeviceType::Cpu {
            return Err(WindowError::NoGpu(info.name.into()));
        }
        let size = window.inner_size();
        let config = surface.get_default_config(&adapter, size.width.max(1), size.height.max(1));
        let Some(mut config) = config else {
            return Err(WindowError::NoGpu("it draws in no windows".into()));
        };
        // The shader gives the signal itself; a surface that codes it once more would be too bright.
        let formats = surface.get_capabilities(&adapter).formats;
        let plain = formats.iter().find(|format| {
            use wgpu::TextureFormat::{Bgra8Unorm, Rgba8Unorm};
            matches!(format, Bgra8Unorm | Rgba8Unorm)
        });
        config.format = plain.copied().unwrap_or(config.format);
        // Each frame on a beat of the display, and none after the next one.
        config.present_mode = wgpu::PresentMode::Fifo;
        config.desired_maximum_frame_latency = 1;
        let gpu = Gpu::new(&adapter, config.format)?;
        surface.configure(&gpu.device, &config);
        Ok(Self {
            surface,
            config,
            gpu,
        })
    }

    pub(crate) fn set_frame(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.gpu.set_frame(frame)
    }

    pub(crate) fn clear(&mut self) {
        self.gpu.clear();
    }

    pub(crate) fn draw(&mut self, scene: &Scene) -> Drawn {
        let most = self.gpu.max_side();
        let size = (scene.size.0.min(most), scene.size.1.min(most));
        if (self.config.width, self.config.height) != size {
            (self.config.width, self.config.height) = size;
            self.configure();
        }
        for _ in 0..2 {
            use wgpu::CurrentSurfaceTexture as Current;
            match self.surface.get_current_texture() {
                Current::Success(texture) | Current::Suboptimal(texture) => {
                    let view = texture
                        .texture
                        .create_view(&wgpu::TextureViewDescriptor::default());
                    self.gpu.draw(&view, scene);
                    drop(view);
                    self.gpu.present(texture);
                    break;
                }
                // The window has another size, or lies on another screen.
                Current::Outdated => self.configure(),
                Current::Timeout | Current::Occluded => break,
                Current::Lost | Current::Validation => return Drawn::Lost,
            }
        }
        match self.gpu.is_lost() {
            true => Drawn::Lost,
            false => Drawn::Done,
        }
    }

    fn configure(&self) {
        self.surface.configure(&self.gpu.device, &self.config);
    }
}
