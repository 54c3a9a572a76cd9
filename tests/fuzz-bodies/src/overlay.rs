//! Cues drawn: whatever a file says of their styles and places, what is drawn lies within the picture.

use std::sync::{Arc, OnceLock};

use kinora_media::Time;
use kinora_overlay::{CueRenderer, Fonts, test_font};
use kinora_subtitle::{Cue, Cues, Options, parse};

use crate::Work;

/// A small picture, and one that is high and narrow.
const SIZES: [(u32, u32); 2] = [(160, 90), (9, 120)];
/// Changes that are drawn of one file.
const CHANGES: u64 = 12;

pub(crate) fn overlay(data: &[u8]) -> Work {
    let Ok(document) = parse(data, &Options::default()) else {
        return Work {
            bytes: data.len() as u64,
            ..Work::default()
        };
    };
    let cues = Cues::new(document.cues);
    let mut work = Work {
        bytes: data.len() as u64,
        ..Work::default()
    };
    let mut renderer = CueRenderer::new(Fonts::Files(vec![font()]));
    let mut at = Time::MIN;
    while let Some(next) = cues.next_change(at).filter(|_| work.steps < CHANGES) {
        let shown: Vec<Arc<Cue>> = cues.active(next);
        for size in SIZES {
            work.out += draw(&mut renderer, &shown, size, next);
        }
        work.steps += 1;
        at = next;
    }
    work
}

/// The bytes of the font, made once.
fn font() -> Arc<[u8]> {
    static FONT: OnceLock<Arc<[u8]>> = OnceLock::new();
    Arc::clone(FONT.get_or_init(|| test_font::boxes().into()))
}

/// Draws what is shown at a time, and somewhat later: it may move.
fn draw(renderer: &mut CueRenderer, shown: &[Arc<Cue>], size: (u32, u32), at: Time) -> u64 {
    let mut out = 0;
    for later in [0, 130, 7_000] {
        renderer.render(&shown.into(), size, at + Time::from_millis(later));
        for overlay in renderer.overlays() {
            let (right, bottom) = (overlay.x + overlay.width, overlay.y + overlay.height);
            assert!(right <= size.0 && bottom <= size.1, "it lies within");
            let pixels = overlay.width as usize * overlay.height as usize;
            assert_eq!(overlay.rgba.len(), pixels * 4, "it is whole");
            out += pixels as u64;
        }
    }
    out
}
