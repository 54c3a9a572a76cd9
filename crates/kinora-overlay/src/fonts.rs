//! Where letters come from.

use std::sync::Arc;

use cosmic_text::fontdb::{Database, Source};
use cosmic_text::{Family, FontSystem, SwashCache};
use kinora_subtitle::AttachedFonts;
use thiserror::Error;

/// No text can be drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("no fonts are installed: subtitles are not drawn")]
pub struct NoFonts;

/// The fonts that text is drawn with.
#[derive(Clone, Default)]
pub enum Fonts {
    /// Those of the system, found when the first text is drawn.
    #[default]
    System,
    /// These files only (TrueType, OpenType, collections): what is drawn is the same on every machine.
    Files(Vec<Arc<[u8]>>),
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Files(files) => write!(f, "{} files", files.len()),
        }
    }
}

/// Fonts that were read, and what draws their glyphs.
pub(crate) struct Typesetter {
    pub(crate) fonts: FontSystem,
    pub(crate) glyphs: SwashCache,
}

/// Families by kind, the best for reading from afar first.
const SANS_SERIF: &[&str] = &[
    "Noto Sans",
    "Open Sans",
    "Segoe UI",
    "Helvetica Neue",
    "Roboto",
    "DejaVu Sans",
    "Liberation Sans",
    "Arial",
];
const SERIF: &[&str] = &[
    "Noto Serif",
    "DejaVu Serif",
    "Liberation Serif",
    "Times New Roman",
    "Times",
];
const MONOSPACE: &[&str] = &[
    "Noto Sans Mono",
    "DejaVu Sans Mono",
    "Liberation Mono",
    "Menlo",
    "Consolas",
    "Courier New",
];

impl Typesetter {
    /// `attached`: fonts that a film's file brings along, beside the others.
    pub(crate) fn load(fonts: &Fonts, attached: &AttachedFonts) -> Result<Self, NoFonts> {
        let mut database = Database::new();
        match fonts {
            Fonts::System => database.load_system_fonts(),
            Fonts::Files(files) => {
                for file in files {
                    database.load_font_source(Source::Binary(Arc::new(Arc::clone(file))));
                }
            }
        }
        add(&mut database, attached);
        let any = database.faces().flat_map(|face| &face.families).next();
        let any = any.map(|(family, _)| family.clone()).ok_or(NoFonts)?;
        let best = |names| best(&database, names).unwrap_or(&any).to_owned();
        let (sans_serif, serif, monospace) = (best(SANS_SERIF), best(SERIF), best(MONOSPACE));
        database.set_sans_serif_family(sans_serif);
        database.set_serif_family(serif);
        database.set_monospace_family(monospace);
        let locale = match fonts {
            Fonts::System => locale(),
            Fonts::Files(_) => LOCALE.to_owned(),
        };
        Ok(Self {
            fonts: FontSystem::new_with_locale_and_db(locale, database),
            glyphs: SwashCache::new(),
        })
    }

    /// Adds the fonts that a film's file brings along.
    pub(crate) fn attach(&mut self, fonts: &AttachedFonts) {
        add(self.fonts.db_mut(), fonts);
    }
}

/// What is no font is passed over.
fn add(database: &mut Database, fonts: &AttachedFonts) {
    for font in fonts.iter() {
        database.load_font_source(Source::Binary(Arc::new(font.clone())));
    }
}

fn best<'a>(database: &Database, names: &[&'a str]) -> Option<&'a str> {
    let families = || database.faces().flat_map(|face| &face.families);
    let is_there = |name: &&str| families().any(|(family, _)| family == name);
    names.iter().copied().find(is_there)
}

/// The family of that name; CSS's and TTML's names of kinds are known.
pub(crate) fn family(name: Option<&str>) -> Family<'_> {
    let Some(name) = name else {
        return Family::SansSerif;
    };
    match name.to_ascii_lowercase().as_str() {
        "monospace" | "monospacesansserif" | "monospaceserif" => Family::Monospace,
        "serif" | "proportionalserif" => Family::Serif,
        "sans-serif" | "sansserif" | "proportionalsansserif" | "default" => Family::SansSerif,
        _ => Family::Name(name),
    }
}

/// Where nothing tells another one: Han characters have the forms of China then.
const LOCALE: &str = "en-US";

/// In which forms Han characters are drawn, where fonts have several: as the environment's language has them.
fn locale() -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let value = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
    value.map_or_else(|| LOCALE.to_owned(), |value| of_posix(&value))
}

/// `zh_TW.UTF-8` is `zh-TW`, `ja_JP` is `ja`: as the lists of fallback fonts name them.
fn of_posix(value: &str) -> String {
    let name = value.split(['.', '@']).next().unwrap_or_default();
    match name.split_once('_') {
        Some((language @ ("ja" | "ko"), _)) => language.to_owned(),
        Some((language, country)) => format!("{language}-{country}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_named_as_fallback_fonts_want_them() {
        for (posix, expected) in [
            ("zh_TW.UTF-8", "zh-TW"),
            ("ja_JP.eucJP", "ja"),
            ("de_DE@euro", "de-DE"),
            ("C", "C"),
        ] {
            assert_eq!(of_posix(posix), expected);
        }
    }
}
