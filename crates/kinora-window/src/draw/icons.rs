//! Shapes of the controls, as paths of SVG in a square of 24 by 24.

pub(super) const SIDE: f32 = 24.0;

pub(super) const PLAY: &str = "M7,4 L20,12 L7,20 z";
pub(super) const PAUSE: &str = "M6,5 h4 v14 h-4 z M14,5 h4 v14 h-4 z";
pub(super) const SPEAKER: &str = "M3,9 v6 h4 l5,5 v-16 l-5,5 z";
pub(super) const WAVES: &str =
    "M14,8 a4.5,4.5 0 0 1 0,8 z M15,4 a9,9 0 0 1 0,16 l-0.6,-1.8 a7,7 0 0 0 0,-12.4 z";
pub(super) const SILENT: &str =
    "M15.4,8 l6,6 l-1.4,1.4 l-6,-6 z M21.4,9.4 l-6,6 l-1.4,-1.4 l6,-6 z";
pub(super) const FULL_SCREEN: &str = "M4,4 h6 v2 h-4 v4 h-2 z M14,4 h6 v6 h-2 v-4 h-4 z \
     M4,14 h2 v4 h4 v2 h-6 z M18,14 h2 v6 h-6 v-2 h4 z";
pub(super) const LIST: &str = "M4,6 h2 v2 h-2 z M8,6 h12 v2 h-12 z M4,11 h2 v2 h-2 z M8,11 h12 v2 h-12 z \
     M4,16 h2 v2 h-2 z M8,16 h12 v2 h-12 z";
pub(super) const NOTE: &str = "M9,4 h10 v3 h-8 v10.5 a3,3 0 1 1 -2,-2.8 z";
/// Sliders.
pub(super) const GEAR: &str = "M4,6 h8 v2 h-8 z M16,6 h4 v2 h-4 z M12,4 h4 v6 h-4 z \
     M4,16 h4 v2 h-4 z M12,16 h8 v2 h-8 z M8,14 h4 v6 h-4 z";
pub(super) const CAPTIONS: &str = "M3,5 h18 v2 h-18 z M3,17 h18 v2 h-18 z M3,7 h2 v10 h-2 z M19,7 h2 v10 h-2 z \
     M7,10 h4 v2 h-4 z M13,10 h4 v2 h-4 z M7,13.5 h6 v2 h-6 z M15,13.5 h2 v2 h-2 z";
