use std::sync::Arc;

use kinora_output::ScaleMode;
use kinora_overlay::Overlay;

/// What a window shows beside the frame itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    /// Of the window, in pixels; no side is 0.
    pub(crate) size: (u32, u32),
    pub(crate) mode: ScaleMode,
    /// Red, green and blue where no picture is.
    pub(crate) background: [u8; 3],
    /// What lies over the picture, in the window's pixels, later ones above.
    pub(crate) overlays: Vec<Arc<Overlay>>,
}
