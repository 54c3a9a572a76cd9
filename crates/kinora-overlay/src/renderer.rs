//! All cues that are shown, drawn together.

use std::sync::Arc;

use kinora_media::Time;
use kinora_subtitle::{AttachedFonts, Color, Cue, Region, ShownCues};

use crate::bitmap;
use crate::canvas::{Area, Canvas, Overlay};
use crate::fonts::{Fonts, NoFonts, Typesetter};
use crate::place::{Placement, Places, Screen};
use crate::raster;
use crate::script::{ScriptRenderer, ScriptView};
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
    /// The fonts that the film's file brings along.
    attached: AttachedFonts,
    scale: Option<f32>,
    setter: Option<Result<Typesetter, NoFonts>>,
    scripts: Option<Box<dyn ScriptRenderer>>,
    drawn: Vec<Drawn>,
    /// Those that `scripts` draws, and what it drew.
    scripted: Vec<Arc<Cue>>,
    of_scripts: Vec<Overlay>,
    overlays: Vec<Overlay>,
    size: (u32, u32),
}

/// A cue that was drawn.
struct Drawn {
    cue: Arc<Cue>,
    /// How it looked: the same, unless it changes while it is shown.
    seen: Arc<Cue>,
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

    /// Lets another renderer draw events of scripts, for as long as it can. Without one they are drawn as all cues are: with their
    /// styles, places, fades, ways and syllables, but neither turned nor scaled, and without shapes.
    #[must_use]
    pub fn with_scripts(mut self, scripts: Box<dyn ScriptRenderer>) -> Self {
        self.scripts = Some(scripts);
        self
    }

    /// Draws these cues as they look at a time, for a picture of that size, as it is seen: upright, with square pixels. `false`:
    /// [`overlays`](Self::overlays) are what they were. Where there are no fonts text is left out:
    /// [`lacks_fonts`](Self::lacks_fonts).
    pub fn render(&mut self, shown: &ShownCues, size: (u32, u32), at: Time) -> bool {
        let mut cues = shown.get(..MAX_CUES).unwrap_or(shown);
        if size.0 == 0 || size.1 == 0 || size.0.max(size.1) > MAX_SIDE {
            cues = &[];
        }
        let is_resized = self.size != size;
        if is_resized {
            self.drawn.clear();
            self.size = size;
        }
        let has_other_fonts = self.take_fonts(shown.fonts());
        let is_scripted = |cue: &Arc<Cue>| cue.script.is_some();
        let (scripted, plain): (Vec<_>, Vec<_>) = match self.scripts {
            Some(_) => cues.iter().cloned().partition(is_scripted),
            None => (Vec::new(), cues.to_vec()),
        };
        let by_script = match self.render_scripts(scripted, at) {
            Ok(changed) => changed,
            // It is not there: nothing was drawn by it yet.
            Err(NoScripts) => return self.render(shown, size, at),
        };
        let of_itself = self.see(&plain, at);
        if !(is_resized || has_other_fonts || by_script || of_itself) {
            return false;
        }
        let mut drawn = std::mem::take(&mut self.drawn);
        let own = self.draw(&mut drawn);
        self.drawn = drawn;
        self.overlays = self.of_scripts.iter().cloned().chain(own).collect();
        true
    }

    /// What was drawn last. The overlays lie one upon the other in their order, none reaches beyond the picture.
    #[must_use]
    pub fn overlays(&self) -> &[Overlay] {
        &self.overlays
    }

    /// Why text was left out, once there was any.
    #[must_use]
    pub fn lacks_fonts(&self) -> Option<NoFonts> {
        self.setter
            .as_ref()
            .and_then(|setter| setter.as_ref().err().copied())
    }

    /// Takes the fonts that the film's file brings along. `true`: they are others than before.
    fn take_fonts(&mut self, fonts: &AttachedFonts) -> bool {
        if Arc::ptr_eq(&self.attached, fonts) || self.attached == *fonts {
            return false;
        }
        match &mut self.setter {
            Some(Ok(setter)) if self.attached.is_empty() => setter.attach(fonts),
            setter => *setter = None,
        }
        self.attached = Arc::clone(fonts);
        self.drawn.clear();
        true
    }

    /// Has scripts drawn. `Ok(true)`: what is seen of them has changed.
    fn render_scripts(&mut self, cues: Vec<Arc<Cue>>, at: Time) -> Result<bool, NoScripts> {
        let Some(scripts) = &mut self.scripts else {
            return Ok(false);
        };
        if cues.is_empty() && self.scripted.is_empty() {
            return Ok(false);
        }
        let view = ScriptView {
            size: self.size,
            scale: self.scale.unwrap_or(1.0),
            fonts: &self.source,
            attached: &self.attached,
            at,
        };
        match scripts.render(&cues, &view) {
            Ok(None) => Ok(false),
            Ok(Some(overlays)) => {
                self.scripted = cues;
                self.of_scripts = overlays;
                Ok(true)
            }
            Err(_) => {
                self.scripts = None;
                self.scripted.clear();
                self.of_scripts.clear();
                Err(NoScripts)
            }
        }
    }

    /// Looks at all cues that it draws itself. `true`: there are others, or they look otherwise.
    fn see(&mut self, cues: &[Arc<Cue>], at: Time) -> bool {
        let pairs = || self.drawn.iter().zip(cues);
        let are_same = self.drawn.len() == cues.len()
            && pairs().all(|(drawn, cue)| Arc::ptr_eq(&drawn.cue, cue));
        let mut before = std::mem::take(&mut self.drawn);
        let known = |cue: &Arc<Cue>| {
            let at = before.iter().position(|it| Arc::ptr_eq(&it.cue, cue));
            at.map_or_else(|| Drawn::new(cue), |at| before.swap_remove(at))
        };
        self.drawn = cues.iter().map(known).collect();
        let looks = self.drawn.iter_mut().map(|one| one.look(at));
        // All of them are looked at.
        looks.fold(!are_same, |changed, look| changed | look)
    }

    fn draw(&mut self, drawn: &mut [Drawn]) -> Vec<Overlay> {
        #[allow(clippy::cast_precision_loss, reason = "no side is so long")]
        let [width, height] = [self.size.0, self.size.1].map(|side| side as f32);
        let screen = &Screen {
            width,
            height,
            scale: self.scale.unwrap_or(1.0),
        };
        if drawn.iter().any(|one| !one.seen.spans.is_empty()) {
            let (source, attached) = (&self.source, &self.attached);
            self.setter
                .get_or_insert_with(|| Typesetter::load(source, attached));
        }
        let mut overlays: Vec<Overlay> = regions(drawn)
            .filter_map(|region| fill(region, screen))
            .collect();
        let Some(Ok(setter)) = &mut self.setter else {
            overlays.extend(drawn.iter_mut().flat_map(|one| one.pictures(screen)));
            return overlays;
        };
        for one in drawn.iter_mut().filter(|one| !one.seen.spans.is_empty()) {
            let setting = screen.setting(&one.seen);
            one.shape
                .get_or_insert_with(|| shape::shape(&one.seen, &setting, setter));
        }
        let depths: Vec<f32> = drawn
            .iter()
            .map(|one| depth_of_region(drawn, &one.seen))
            .collect();
        let mut places = Places::default();
        for (one, depth) in drawn.iter_mut().zip(depths) {
            overlays.extend(one.pictures(screen));
            overlays.extend(one.text(&mut places, depth, screen, setter));
        }
        overlays
    }
}

/// Scripts are not drawn by another renderer after all.
struct NoScripts;

impl Drawn {
    fn new(cue: &Arc<Cue>) -> Self {
        Self {
            cue: Arc::clone(cue),
            seen: Arc::clone(cue),
            shape: None,
            overlay: None,
        }
    }

    /// How it looks at that time. `true`: otherwise than before.
    fn look(&mut self, at: Time) -> bool {
        let Some(still) = self.cue.still(at).filter(|still| *still != *self.seen) else {
            return false;
        };
        if still.spans != self.seen.spans {
            self.shape = None;
        }
        self.overlay = None;
        self.seen = Arc::new(still);
        true
    }

    /// Its pictures.
    fn pictures(&mut self, screen: &Screen) -> Vec<Overlay> {
        let bitmaps = self.seen.bitmaps.iter();
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
        let place = places.place(&self.seen, block, screen, depth);
        if self
            .overlay
            .as_ref()
            .is_none_or(|(known, _)| *known != place)
        {
            let clip = clip(&self.seen, screen);
            self.overlay = Some((place, raster::draw(block, &place, &clip, setter)));
        }
        self.overlay
            .as_ref()
            .and_then(|(_, overlay)| overlay.clone())
    }
}

/// Lines that scrolled out of their region are gone, and what a script cuts off.
fn clip(cue: &Cue, screen: &Screen) -> Area {
    let area = screen.area();
    match (&cue.layout.region, cue.layout.clip.as_deref()) {
        (Some(region), _) if region.scroll => screen.region(region).within(&area),
        (_, Some(clip)) => screen.part(*clip).within(&area),
        _ => area,
    }
}

fn depth_of_region(drawn: &[Drawn], cue: &Cue) -> f32 {
    let Some(region) = &cue.layout.region else {
        return 0.0;
    };
    let same = |other: &&Drawn| other.seen.layout.region.as_ref() == Some(region);
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
        .filter_map(|one| one.seen.layout.region.as_deref())
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
