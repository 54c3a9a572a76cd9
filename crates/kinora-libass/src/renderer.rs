//! Events of scripts, as the cues that are shown have them.

use std::sync::Arc;

use kinora_media::Time;
use kinora_overlay::{Fonts, NoScriptRenderer, Overlay, ScriptRenderer, ScriptView, compose};
use kinora_subtitle::{AttachedFonts, Cue, ScriptEvent};

use crate::LoadError;
use crate::library::Functions;
use crate::raw::{Session, Track};

/// Scripts whose events are shown at a time: one, of a file, and one each of files beside it.
const MAX_SCRIPTS: usize = 9;
/// Events that a script is given before those that are over are forgotten.
const MAX_EVENTS: usize = 512;

/// Draws scripts by libass, which is loaded when the first event is drawn.
#[derive(Default)]
pub struct Libass {
    state: Option<State>,
}

/// What was told to libass. Fields are dropped in their order: scripts before the library.
struct State {
    scripts: Vec<Script>,
    session: Session,
    size: (u32, u32),
    scale: f32,
    fonts: Option<AttachedFonts>,
    /// How many scripts the last frame had events of.
    drawn: usize,
}

// SAFETY: libass keeps no thread's own state: an `ASS_Library` and what is made by it may be used by any thread, by one at a time. All of
// them, and the only counted reference to the functions, are in this struct.
unsafe impl Send for State {}

struct Script {
    head: Arc<str>,
    track: Track,
    /// The events that it was given.
    events: Vec<Arc<Cue>>,
    /// They are told apart by a number, in whose order they are drawn.
    next: u32,
}

impl std::fmt::Debug for Libass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let loaded = self.state.is_some();
        f.debug_struct("Libass").field("loaded", &loaded).finish()
    }
}

impl Libass {
    /// Loads the library now.
    ///
    /// # Errors
    /// Why it can not be used.
    pub fn load() -> Result<Self, LoadError> {
        let state = Some(State::load()?);
        Ok(Self { state })
    }
}

impl ScriptRenderer for Libass {
    fn render(
        &mut self,
        events: &[Arc<Cue>],
        view: &ScriptView<'_>,
    ) -> Result<Option<Vec<Overlay>>, NoScriptRenderer> {
        let state = match &mut self.state {
            Some(state) => state,
            none => {
                let loaded = State::load().map_err(|error| NoScriptRenderer(error.to_string()))?;
                none.insert(loaded)
            }
        };
        let changed = state.view(view);
        Ok(state.draw(events, view, changed))
    }
}

impl State {
    fn load() -> Result<Self, LoadError> {
        Ok(Self {
            scripts: Vec::new(),
            session: Session::start(Functions::load()?)?,
            size: (0, 0),
            scale: 1.0,
            fonts: None,
            drawn: 0,
        })
    }

    /// `true`: it draws otherwise from now on.
    fn view(&mut self, view: &ScriptView<'_>) -> bool {
        let resized = self.size != view.size;
        if resized {
            self.size = view.size;
            self.session.set_size(view.size);
        }
        #[allow(clippy::float_cmp, reason = "the same number is the same")]
        let rescaled = self.scale != view.scale;
        if rescaled {
            self.scale = view.scale;
            self.session.set_font_scale(view.scale);
        }
        let known = self.fonts.as_ref();
        let other_fonts = known.is_none_or(|known| !Arc::ptr_eq(known, view.attached));
        if other_fonts {
            let attached = view.attached.iter().map(AsRef::as_ref);
            match view.fonts {
                Fonts::System => self.session.set_fonts(attached, true),
                Fonts::Files(files) => {
                    let files = files.iter().map(AsRef::as_ref);
                    self.session.set_fonts(files.chain(attached), false);
                }
            }
            self.fonts = Some(Arc::clone(view.attached));
        }
        resized || rescaled || other_fonts
    }

    fn draw(
        &mut self,
        events: &[Arc<Cue>],
        view: &ScriptView<'_>,
        changed: bool,
    ) -> Option<Vec<Overlay>> {
        let heads = self.take(events, view.at);
        let at = view.at.as_millis();
        // libass tells what differs from the last frame of its renderer, be it of another script.
        let may_stay = !changed && heads.len() == 1 && self.drawn == 1;
        self.drawn = heads.len();
        let mut overlays = Vec::new();
        for head in heads {
            let script = self.scripts.iter().find(|script| script.head == head);
            let Some(script) = script else { continue };
            let drawn = self.session.draw(&script.track, at, |is_new, layers| {
                (is_new || !may_stay).then(|| compose(layers, view.size))
            });
            overlays.extend(drawn?);
        }
        Some(overlays)
    }

    /// Gives libass the events that it does not know yet. Back come the heads of the scripts that have any, in the order of their
    /// first events.
    fn take(&mut self, events: &[Arc<Cue>], at: Time) -> Vec<Arc<str>> {
        for script in &mut self.scripts {
            script.forget(events, at);
        }
        let mut heads: Vec<Arc<str>> = Vec::new();
        for cue in events {
            let Some(event) = &cue.script else { continue };
            if !heads.contains(&event.head) {
                heads.push(Arc::clone(&event.head));
            }
            if let Some(script) = self.script(&event.head) {
                script.add(cue, event);
            }
        }
        heads
    }

    fn script(&mut self, head: &Arc<str>) -> Option<&mut Script> {
        let known = self.scripts.iter().position(|script| script.head == *head);
        let at = match known {
            Some(at) => at,
            None => {
                if self.scripts.len() >= MAX_SCRIPTS {
                    self.scripts.remove(0);
                }
                self.scripts.push(Script {
                    head: Arc::clone(head),
                    track: self.session.track(head)?,
                    events: Vec::new(),
                    next: 0,
                });
                self.scripts.len() - 1
            }
        };
        self.scripts.get_mut(at)
    }
}

impl Script {
    /// Forgets all events where one would be drawn that is not shown, or where there are too many. They are given anew.
    fn forget(&mut self, shown: &[Arc<Cue>], at: Time) {
        let is_shown = |cue: &Arc<Cue>| shown.iter().any(|it| Arc::ptr_eq(it, cue));
        let mut known = self.events.iter();
        if self.events.len() >= MAX_EVENTS || known.any(|cue| cue.is_active(at) && !is_shown(cue)) {
            self.track.clear();
            self.events.clear();
        }
    }

    fn add(&mut self, cue: &Arc<Cue>, event: &ScriptEvent) {
        if self.events.iter().any(|known| Arc::ptr_eq(known, cue)) {
            return;
        }
        let (start, length) = (cue.start.as_millis(), (cue.end - cue.start).as_millis());
        // A number that was there before would mean an event that is known.
        let fields = format!("{},{}", self.next, event.line);
        self.next = self.next.wrapping_add(1);
        self.track.add(&fields, start, length);
        self.events.push(Arc::clone(cue));
    }
}
