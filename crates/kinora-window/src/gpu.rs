//! Pictures by the GPU: planes become textures as they lie in memory, one shader does the rest.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use kinora_media::{PixelFormat, VideoFrame};
use kinora_output::video::{DynamicRange, signal_rows};
use kinora_output::{SinkError, VideoFormat};
use kinora_overlay::Overlay;

mod screen;

pub(crate) use screen::{Drawn, GpuScreen};

use crate::error::WindowError;
use crate::place::{self, Place};
use crate::scene::Scene;

/// A device and what it draws with.
struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pictures: wgpu::RenderPipeline,
    layers: wgpu::RenderPipeline,
    sampler: wgpu::Sampler,
    /// A texel for planes that a format has not.
    none: wgpu::TextureView,
    picture: Option<Picture>,
    drawn_layers: Vec<Layer>,
    max_side: u32,
    lost: Arc<AtomicBool>,
}

/// The textures of one format, and the frame that is in them.
struct Picture {
    format: VideoFormat,
    planes: Vec<wgpu::Texture>,
    uniform: wgpu::Buffer,
    bind: wgpu::BindGroup,
}

/// An overlay on the GPU.
struct Layer {
    overlay: Arc<Overlay>,
    uniform: wgpu::Buffer,
    bind: wgpu::BindGroup,
}

/// The result of a future that is ready at once, as wgpu's are except in browsers.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// An adapter of an instance.
fn adapter(
    instance: &wgpu::Instance,
    surface: Option<&wgpu::Surface<'_>>,
) -> Result<wgpu::Adapter, WindowError> {
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::None,
        compatible_surface: surface,
        ..wgpu::RequestAdapterOptions::default()
    };
    match ready(instance.request_adapter(&options)) {
        Some(Ok(adapter)) => Ok(adapter),
        Some(Err(error)) => Err(WindowError::NoGpu(error.into())),
        None => Err(WindowError::NoGpu("the driver does not answer".into())),
    }
}

impl Gpu {
    /// A device of the adapter, for drawing on textures of that format.
    fn new(adapter: &wgpu::Adapter, target: wgpu::TextureFormat) -> Result<Self, WindowError> {
        let limits = wgpu::Limits::downlevel_webgl2_defaults().using_resolution(adapter.limits());
        let max_side = limits.max_texture_dimension_2d;
        let descriptor = wgpu::DeviceDescriptor {
            required_limits: limits,
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = match ready(adapter.request_device(&descriptor)) {
            Some(Ok(made)) => made,
            Some(Err(error)) => return Err(WindowError::NoGpu(error.into())),
            None => return Err(WindowError::NoGpu("the driver does not answer".into())),
        };
        // What goes wrong on the GPU is seen by whoever draws next, who goes on without it.
        let lost = Arc::new(AtomicBool::new(false));
        let by_error = Arc::clone(&lost);
        device.on_uncaptured_error(Arc::new(move |_| by_error.store(true, Ordering::Relaxed)));
        let by_driver = Arc::clone(&lost);
        device.set_device_lost_callback(move |_, _| by_driver.store(true, Ordering::Relaxed));
        let shader = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(include_str!("shader.wgsl").into()),
        });
        let pipeline = |vertex, fragment, blend| {
            pipeline(&device, &shader, (vertex, fragment), (target, blend))
        };
        let blend = wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING;
        let none = texture(&device, (1, 1), wgpu::TextureFormat::R8Unorm);
        Ok(Self {
            pictures: pipeline("picture_corner", "picture_pixel", None),
            layers: pipeline("layer_corner", "layer_pixel", Some(blend)),
            sampler: device.create_sampler(&wgpu::SamplerDescriptor {
                mag_filter: wgpu::FilterMode::Linear,
                min_filter: wgpu::FilterMode::Linear,
                ..wgpu::SamplerDescriptor::default()
            }),
            none: view(&none),
            picture: None,
            drawn_layers: Vec::new(),
            max_side,
            lost,
            device,
            queue,
        })
    }

    /// It can not draw any more.
    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Longer sides no texture has.
    const fn max_side(&self) -> u32 {
        self.max_side
    }

    /// Takes a frame; it is drawn from then on.
    fn set_frame(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let format = VideoFormat::of(frame);
        check(frame, self.max_side)?;
        if self.picture.as_ref().is_none_or(|it| it.format != format) {
            self.picture = Some(self.picture_of(format));
        }
        let planes = self.picture.iter().flat_map(|picture| &picture.planes);
        for (plane, texture) in planes.enumerate() {
            self.upload(frame, plane, texture);
        }
        Ok(())
    }

    /// Nothing is drawn any more.
    fn clear(&mut self) {
        self.picture = None;
    }

    fn picture_of(&self, format: VideoFormat) -> Picture {
        let planes = (0..format.pixels.planes()).map(|plane| {
            texture(
                &self.device,
                texels(&format, plane),
                texel(format.pixels, plane),
            )
        });
        let planes: Vec<_> = planes.collect();
        let mut views: Vec<_> = planes.iter().map(view).collect();
        if format.pixels.is_interleaved() {
            // Both colours are in one.
            views.extend(planes.get(1).map(view));
        }
        views.resize(3, self.none.clone());
        let uniform = self.uniform(PICTURE_LEN);
        let bind = self.bind(&self.pictures, &uniform, &views);
        Picture {
            format,
            planes,
            uniform,
            bind,
        }
    }

    /// The GPU's driver takes the rows from where the decoder left them.
    fn upload(&self, frame: &VideoFrame, plane: usize, texture: &wgpu::Texture) {
        let format = VideoFormat::of(frame);
        let (width, height) = texels(&format, plane);
        let view = frame.buffer.plane(plane);
        self.write(texture, view.data, (view.stride, height), width);
    }

    fn write(
        &self,
        texture: &wgpu::Texture,
        data: &[u8],
        (stride, height): (usize, u32),
        width: u32,
    ) {
        let size = wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        };
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: u32::try_from(stride).ok(),
            rows_per_image: None,
        };
        self.queue
            .write_texture(texture.as_image_copy(), data, layout, size);
    }

    fn uniform(&self, size: u64) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    fn bind(
        &self,
        pipeline: &wgpu::RenderPipeline,
        uniform: &wgpu::Buffer,
        views: &[wgpu::TextureView],
    ) -> wgpu::BindGroup {
        let mut entries = vec![
            wgpu::BindGroupEntry {
                binding: 0,
                resource: uniform.as_entire_binding(),
            },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: wgpu::BindingResource::Sampler(&self.sampler),
            },
        ];
        let textures = (2..)
            .zip(views)
            .map(|(binding, view)| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::TextureView(view),
            });
        entries.extend(textures);
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        })
    }

    /// Draws what is to be seen on a texture of a window of that size.
    fn draw(&mut self, target: &wgpu::TextureView, scene: &Scene) {
        let window = scene.size;
        if let Some(picture) = &self.picture {
            let place = place::of_picture(&picture.format, scene.mode, window);
            let place = place.in_clip_space(window);
            let bytes = bytes(&picture_uniform(&picture.format, place));
            self.queue.write_buffer(&picture.uniform, 0, &bytes);
        }
        self.take_layers(&scene.overlays, window);
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let [red, green, blue] = scene.background.map(|level| f64::from(level) / 255.0);
        let background = wgpu::Color {
            r: red,
            g: green,
            b: blue,
            a: 1.0,
        };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(background),
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..wgpu::RenderPassDescriptor::default()
        });
        if let Some(picture) = &self.picture {
            pass.set_pipeline(&self.pictures);
            pass.set_bind_group(0, &picture.bind, &[]);
            pass.draw(0..4, 0..1);
        }
        pass.set_pipeline(&self.layers);
        for layer in &self.drawn_layers {
            pass.set_bind_group(0, &layer.bind, &[]);
            pass.draw(0..4, 0..1);
        }
        drop(pass);
        self.queue.submit([encoder.finish()]);
    }

    fn present(&self, texture: wgpu::SurfaceTexture) {
        self.queue.present(texture);
    }

    /// Overlays that are on the GPU already stay there.
    fn take_layers(&mut self, overlays: &[Arc<Overlay>], window: (u32, u32)) {
        let mut had = std::mem::take(&mut self.drawn_layers);
        let layers = overlays.iter().map(|overlay| {
            let known = had
                .iter()
                .position(|layer| Arc::ptr_eq(&layer.overlay, overlay));
            match known {
                Some(known) => had.swap_remove(known),
                None => self.layer(overlay),
            }
        });
        let layers: Vec<Layer> = layers.collect();
        for layer in &layers {
            let place = Place::of(&layer.overlay).in_clip_space(window);
            self.queue.write_buffer(&layer.uniform, 0, &bytes(&place));
        }
        self.drawn_layers = layers;
    }

    fn layer(&self, overlay: &Arc<Overlay>) -> Layer {
        let side = |side: u32| side.clamp(1, self.max_side);
        let (width, height) = (side(overlay.width), side(overlay.height));
        let texture = texture(
            &self.device,
            (width, height),
            wgpu::TextureFormat::Rgba8Unorm,
        );
        let stride = overlay.width as usize * 4;
        if overlay.rgba.len() >= stride * height as usize && stride > 0 {
            self.write(&texture, &overlay.rgba, (stride, height), width);
        }
        let uniform = self.uniform(LAYER_LEN);
        let bind = self.bind(&self.layers, &uniform, &[view(&texture)]);
        Layer {
            overlay: Arc::clone(overlay),
            uniform,
            bind,
        }
    }
}

fn pipeline(
    device: &wgpu::Device,
    shader: &wgpu::ShaderModule,
    (vertex, fragment): (&str, &str),
    (format, blend): (wgpu::TextureFormat, Option<wgpu::BlendState>),
) -> wgpu::RenderPipeline {
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: None,
        layout: None,
        vertex: wgpu::VertexState {
            module: shader,
            entry_point: Some(vertex),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState {
            topology: wgpu::PrimitiveTopology::TriangleStrip,
            ..wgpu::PrimitiveState::default()
        },
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: shader,
            entry_point: Some(fragment),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(wgpu::ColorTargetState {
                format,
                blend,
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}

fn texture(
    device: &wgpu::Device,
    (width, height): (u32, u32),
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

fn view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// What the textures hold of one texel. Samples of two bytes are two components, low and high: no optional feature of a device is
/// needed.
const fn texel(pixels: PixelFormat, plane: usize) -> wgpu::TextureFormat {
    match (pixels, plane, pixels.bytes_per_sample()) {
        // Both colours, each of two bytes.
        (PixelFormat::P010, 1, _) => wgpu::TextureFormat::Rgba8Unorm,
        (PixelFormat::Nv12, 1, _) | (_, _, 2) => wgpu::TextureFormat::Rg8Unorm,
        _ => wgpu::TextureFormat::R8Unorm,
    }
}

/// Bytes of a texel.
const fn texel_len(pixels: PixelFormat, plane: usize) -> usize {
    match texel(pixels, plane) {
        wgpu::TextureFormat::Rgba8Unorm => 4,
        wgpu::TextureFormat::Rg8Unorm => 2,
        _ => 1,
    }
}

fn texels(format: &VideoFormat, plane: usize) -> (u32, u32) {
    let (row, rows) = format.pixels.plane_size(plane, format.width, format.height);
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX).max(1);
    (side(row / texel_len(format.pixels, plane)), side(rows))
}

/// All rows of all planes are there, and the GPU has textures for them.
fn check(frame: &VideoFrame, max_side: u32) -> Result<(), SinkError> {
    let bad = |why| SinkError::bad_frame(frame, why);
    if frame.width == 0 || frame.height == 0 {
        return Err(bad("it has no pixels"));
    }
    if frame.width.max(frame.height) > max_side {
        return Err(bad("it is larger than the textures of the GPU"));
    }
    for plane in 0..frame.format.planes() {
        let (row, rows) = frame.format.plane_size(plane, frame.width, frame.height);
        let view = frame.buffer.plane(plane);
        let len = (rows - 1)
            .checked_mul(view.stride)
            .and_then(|len| len.checked_add(row));
        let texel = texel_len(frame.format, plane);
        if view.stride < row || !view.stride.is_multiple_of(texel) {
            return Err(bad("its rows overlap"));
        }
        if len.is_none_or(|len| len > view.data.len()) {
            return Err(bad("it has less memory than its size needs"));
        }
    }
    Ok(())
}

const PICTURE_LEN: u64 = 16 * (1 + 1 + 1 + 1 + 1 + 3 + 3);
const LAYER_LEN: u64 = 16;

/// `Picture` of the shader, field by field.
fn picture_uniform(format: &VideoFormat, place: [f32; 4]) -> Vec<f32> {
    let (origin, across, down) = turn(format);
    #[allow(clippy::cast_precision_loss, reason = "sides of textures")]
    let sides = |(width, height): (u32, u32)| [width as f32, height as f32];
    let [width, height] = sides((format.width, format.height));
    let (sx, sy) = format.pixels.chroma_shift();
    // Colour lies at the left of the luma that it belongs to (H.264 figure 6-1, chroma_sample_loc_type 0), and between its rows.
    let left = if sx == 1 { 0.25 } else { 0.0 };
    let scale = |shift: u32| if shift == 1 { 0.5 } else { 1.0 };
    let [colour_width, colour_height] = match format.pixels.planes() {
        1 => [1.0, 1.0],
        _ => sides(texels(format, 1)),
    };
    let range = match DynamicRange::of(format) {
        DynamicRange::Standard => 0.0,
        DynamicRange::Pq => 1.0,
        DynamicRange::Hlg => 2.0,
    };
    let mut uniform = place.to_vec();
    uniform.extend([across, down, origin].concat());
    uniform.extend([width, height, scale(sx), scale(sy), left, 0.0]);
    let wide = if format.pixels.bytes_per_sample() == 2 {
        1.0
    } else {
        0.0
    };
    uniform.extend([colour_width, colour_height, range, wide]);
    uniform.extend(weights(format.pixels).as_flattened());
    uniform.extend(signal_rows(format).as_flattened());
    uniform
}

/// What makes a sample, as a share of the largest code, of the components of a texel.
fn weights(pixels: PixelFormat) -> [[f32; 4]; 3] {
    match (pixels, pixels.bytes_per_sample()) {
        (PixelFormat::Nv12, _) => [
            [1.0, 0.0, 0.0, 0.0],
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
        ],
        (_, 1) => [[1.0, 0.0, 0.0, 0.0]; 3],
        _ => {
            #[allow(clippy::cast_precision_loss, reason = "of at most sixteen bits")]
            let most = ((1_u32 << pixels.bits()) - 1) as f32;
            let (low, high) = (255.0 / most, 255.0 * 256.0 / most);
            let first = [low, high, 0.0, 0.0];
            match pixels {
                PixelFormat::P010 => [first, first, [0.0, 0.0, low, high]],
                _ => [first; 3],
            }
        }
    }
}

/// Where the left upper corner of what is seen lies on the picture as coded, of 0 to 1, and where one gets from there along its
/// upper edge and down its left one.
fn turn(format: &VideoFormat) -> ([f32; 2], [f32; 2], [f32; 2]) {
    let orientation = format.orientation();
    // Of two by two pixels each is a corner.
    let corner = |x, y| {
        let (x, y) = orientation.coded_place((x, y), (2, 2)).unwrap_or((x, y));
        [x, y].map(|at| if at == 0 { 0.0_f32 } else { 1.0 })
    };
    let (origin, right, below) = (corner(0, 0), corner(1, 0), corner(0, 1));
    let from_origin = |to: [f32; 2]| [to[0] - origin[0], to[1] - origin[1]];
    (origin, from_origin(right), from_origin(below))
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_ne_bytes())
        .collect()
}

/// Draws without a window.
pub(crate) struct Offscreen(Gpu);

/// Rows of a buffer that textures are copied to begin at multiples of it.
const ROW: u32 = wgpu::COPY_BYTES_PER_ROW_ALIGNMENT;

impl Offscreen {
    pub(crate) fn new() -> Result<Self, WindowError> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::PRIMARY;
        let instance = wgpu::Instance::new(descriptor);
        let adapter = adapter(&instance, None)?;
        Gpu::new(&adapter, wgpu::TextureFormat::Rgba8Unorm).map(Self)
    }

    pub(crate) fn set_frame(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.0.set_frame(frame)
    }

    /// What would be seen: four bytes a pixel.
    pub(crate) fn draw(&mut self, scene: &Scene) -> Result<Vec<u8>, WindowError> {
        let (width, height) = scene.size;
        let extent = wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        };
        let target = self.0.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: extent,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        self.0.draw(&view(&target), scene);
        let stride = (width * 4).next_multiple_of(ROW);
        let buffer = self.0.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(stride) * u64::from(height),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self
            .0
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(stride),
            rows_per_image: None,
        };
        encoder.copy_texture_to_buffer(
            target.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout,
            },
            extent,
        );
        self.0.queue.submit([encoder.finish()]);
        buffer.map_async(wgpu::MapMode::Read, .., |_| {});
        let lost = |_| WindowError::NoGpu("the device was lost".into());
        self.0
            .device
            .poll(wgpu::PollType::Wait {
                submission_index: None,
                timeout: Some(std::time::Duration::from_secs(10)),
            })
            .map_err(lost)?;
        let mapped = buffer
            .get_mapped_range(..)
            .map_err(|error| WindowError::NoGpu(error.to_string().into()))?;
        let rows = mapped.chunks_exact(stride as usize);
        let row_len = width as usize * 4;
        Ok(rows
            .flat_map(|row| row.iter().take(row_len))
            .copied()
            .collect())
    }
}
