//! All cues that are shown, drawn together.

use std::sync::Arc;

use kinora_subtitle::{Color, Cue, Region};

use crate::bitmap;
use crate::canvas::{Area, Canvas, Overlay};
use crate::fonts::{Fonts, NoFonts, Typesetter};
use crate::place::{Placement, Places, Screen};
use crate::raster;
use crate::shape::{self, Block};

/// The factors of the size of text that can be asked for.
pub const SCALES: std::ops::RangeInclusive<f32> = 0.25..=4.0;

/// Cues that are drawn at a time; a screen has no room for more.
const MAX_CUES: usize = 128;
/// The longest side of a picture, in pixels.
const MAX_SIDE: u32 = 1 << 15;

/// Draws cues. What stays on the screen is drawn once; what changes, alone.
#[derive(Default)]
pub struct CueRenderer {
    source: Fonts,
    scale: Option<f32>,
    setter: Option<Result<Typesetter, NoFonts>>,
    drawn: Vec<Drawn>,
    size: (u32, u32),
}

/// A cue that was drawn.
struct Drawn {
    cue: Arc<Cue>,
    /// Its text, once it was shaped.
    shape: Option<Block>,
    /// Its place and what was drawn there.
    overlay: Option<(Placement, Option<Overlay>)>,
}

impl std::fmt::Debug for CueRenderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CueRenderer")
            .field("fonts", &self.source)
            .finish_non_exhaustive()
    }
}

impl CueRenderer {
    /// One that draws with these fonts. They are read when the first text is drawn.
    #[must_use]
    pub fn new(fonts: Fonts) -> Self {
        Self {
            source: fonts,
            ..Self::default()
        }
    }

    /// Draws text larger or smaller by a factor; what lies outside of [`SCALES`] is brought within.
    #[must_use]
    pub fn with_scale(mut self, scale: f32) -> Self {
        // NaN is neither larger nor smaller.
        self.scale = (!scale.is_nan()).then(|| scale.clamp(*SCALES.start(), *SCALES.end()));
        self
    }

    /// Draws these cues for a picture of that size, as it is seen: upright, with square pixels. The overlays lie one upon the other
    /// in their order, none reaches beyond the picture. Where there are no fonts text is left out: [`lacks_fonts`](Self::lacks_fonts).
    pub fn render(&mut self, cues: &[Arc<Cue>], size: (u32, u32)) -> Vec<Overlay> {
        let cues = cues.get(..MAX_CUES).unwrap_or(cues);
        if cues.is_empty() || size.0 == 0 || size.1 == 0 || size.0.max(size.1) > MAX_SIDE {
            return Vec::new();
        }
        if self.size != size {
            self.drawn.clear();
            self.size = size;
        }
        #[allow(clippy::cast_precision_loss, reason = "no side is so long")]
        let [width, height] = [size.0, size.1].map(|side| side as f32);
        let scale = self.scale.unwrap_or(1.0);
        let screen = Screen {
            width,
            height,
            scale,
        };
        let drawn = cues.iter().map(|cue| {
            let known = self
                .drawn
                .iter()
                .position(|drawn| Arc::ptr_eq(&drawn.cue, cue));
            known
                .map(|known| self.drawn.swap_remove(known))
                .unwrap_or_else(|| Drawn {
                    cue: Arc::clone(cue),
                    shape: None,
                    overlay: None,
                })
        });
        let mut drawn: Vec<Drawn> = drawn.collect();
        let overlays = self.draw(&mut drawn, &screen);
        self.drawn = drawn;
        overlays
    }

    /// Why text was left out, once there was any.
    #[must_use]
    pub fn lacks_fonts(&self) -> Option<NoFonts> {
        self.setter
            .as_ref()
            .and_then(|setter| setter.as_ref().err().copied())
    }

    fn draw(&mut self, drawn: &mut [Drawn], screen: &Screen) -> Vec<Overlay> {
        if drawn.iter().any(|one| !one.cue.spans.is_empty()) {
            let source = &self.source;
            self.setter.get_or_insert_with(|| Typesetter::load(source));
        }
        let mut overlays: Vec<Overlay> = regions(drawn)
            .filter_map(|region| fill(region, screen))
            .collect();
        let Some(Ok(setter)) = &mut self.setter else {
            overlays.extend(drawn.iter_mut().flat_map(|one| one.pictures(screen)));
            return overlays;
        };
        for one in drawn.iter_mut().filter(|one| !one.cue.spans.is_empty()) {
            let setting = screen.setting(&one.cue);
            one.shape
                .get_or_insert_with(|| shape::shape(&one.cue, &setting, setter));
        }
        let depths: Vec<f32> = drawn
            .iter()
            .map(|one| depth_of_region(drawn, &one.cue))
            .collect();
        let mut places = Places::default();
        for (one, depth) in drawn.iter_mut().zip(depths) {
            overlays.extend(one.pictures(screen));
            overlays.extend(one.text(&mut places, depth, screen, setter));
        }
        overlays
    }
}

impl Drawn {
    /// Its pictures.
    fn pictures(&mut self, screen: &Screen) -> Vec<Overlay> {
        let bitmaps = self.cue.bitmaps.iter();
        bitmaps
            .filter_map(|bitmap| bitmap::draw(bitmap, screen))
            .collect()
    }

    /// Its text.
    fn text(
        &mut self,
        places: &mut Places,
        depth: f32,
        screen: &Screen,
        setter: &mut Typesetter,
    ) -> Option<Overlay> {
        let block = self.shape.as_ref()?;
        let place = places.place(&self.cue, block, screen, depth);
        if self
            .overlay
            .as_ref()
            .is_none_or(|(known, _)| *known != place)
        {
            let clip = clip(&self.cue, screen);
            self.overlay = Some((place, raster::draw(block, &place, &clip, setter)));
        }
        self.overlay
            .as_ref()
            .and_then(|(_, overlay)| overlay.clone())
    }
}

/// Lines that scrolled out of their region are gone.
fn clip(cue: &Cue, screen: &Screen) -> Area {
    match &cue.layout.region {
        Some(region) if region.scroll => screen.region(region).within(&screen.area()),
        _ => screen.area(),
    }
}

fn depth_of_region(drawn: &[Drawn], cue: &Cue) -> f32 {
    let Some(region) = &cue.layout.region else {
        return 0.0;
    };
    let same = |other: &&Drawn| other.cue.layout.region.as_ref() == Some(region);
    let blocks = drawn
        .iter()
        .filter(same)
        .filter_map(|one| one.shape.as_ref());
    blocks.map(|block| block.depth).sum()
}

/// The regions that have a colour, each once.
fn regions(drawn: &[Drawn]) -> impl Iterator<Item = &Region> {
    let mut known: Vec<&Region> = Vec::new();
    for region in drawn
        .iter()
        .filter_map(|one| one.cue.layout.region.as_deref())
    {
        if region.background.is_some_and(|color| color.alpha > 0) && !known.contains(&region) {
            known.push(region);
        }
    }
    known.into_iter()
}

fn fill(region: &Region, screen: &Screen) -> Option<Overlay> {
    let area = screen.region(region).within(&screen.area());
    let mut canvas = Canvas::new(area)?;
    canvas.fill(area, region.background.unwrap_or(Color::BLACK));
    Some(canvas.finish())
}

#[cfg(test)]
mod tests;
