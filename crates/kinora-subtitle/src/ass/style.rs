//! The table of styles.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Row, at_least_zero, positive};
use crate::color::Color;
use crate::{FontSize, Style};

/// What a script counts in that does not say.
pub(super) const CANVAS: (f64, f64) = (384.0, 288.0);

/// Which format's numbers an alignment has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Version {
    /// `[V4+ Styles]`: as on a number pad.
    Ass,
    /// `[V4 Styles]`: 1 to 3, and 4 more at the top, 8 more in the middle.
    Ssa,
}

impl Version {
    /// The columns where no `Format` line tells them.
    pub(super) const fn style_fields(self) -> &'static str {
        match self {
            Self::Ass => {
                "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
                 Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
                 MarginR, MarginV, Encoding"
            }
            Self::Ssa => {
                "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, TertiaryColour, BackColour, Bold, Italic, \
                 BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, AlphaLevel, Encoding"
            }
        }
    }
}

/// One row.
#[derive(Clone, Debug, Default)]
pub(super) struct StyleRow {
    pub(super) style: Arc<Style>,
    /// As on a number pad: 1 at the lower left, 9 at the upper right.
    pub(super) alignment: Option<u8>,
    /// Left, right, vertical: in the script's units.
    pub(super) margins: [f64; 3],
}

/// The rows by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Styles {
    rows: BTreeMap<String, StyleRow>,
}

/// More styles than scripts have.
const MAX_STYLES: usize = 4_096;

impl Styles {
    /// The row of that name, or that of `Default`.
    pub(super) fn get(&self, name: &str) -> Option<&StyleRow> {
        let rows = &self.rows;
        rows.get(bare(name)).or_else(|| rows.get("Default"))
    }

    /// Whether a row was added: it has a name, and there is room.
    pub(super) fn add(&mut self, row: &Row<'_, '_>, version: Version, canvas: (f64, f64)) -> bool {
        let Some(name) = row.get("name").map(bare) else {
            return false;
        };
        if self.rows.len() >= MAX_STYLES {
            return false;
        }
        let number = |name| row.get(name).and_then(positive);
        let alignment = row.get("alignment").and_then(|text| text.parse().ok());
        let read = StyleRow {
            style: Arc::new(style(row, version, canvas)),
            alignment: match version {
                Version::Ass => alignment.filter(|a| (1..=9).contains(a)),
                Version::Ssa => alignment.and_then(from_ssa),
            },
            margins: ["marginl", "marginr", "marginv"].map(|name| number(name).unwrap_or(0.0)),
        };
        self.rows.insert(name.to_owned(), read);
        true
    }
}

/// SSA marks its default by an asterisk.
fn bare(name: &str) -> &str {
    name.trim().trim_start_matches('*')
}

/// SSA's alignment on the number pad; also `\a` has it.
pub(super) fn from_ssa(alignment: u8) -> Option<u8> {
    match alignment {
        1..=3 => Some(alignment),
        5..=7 => alignment.checked_add(2),
        9..=11 => alignment.checked_sub(5),
        _ => None,
    }
}

fn style(row: &Row<'_, '_>, version: Version, canvas: (f64, f64)) -> Style {
    let color_of = |name| row.get(name).and_then(color);
    let share = |name| row.get(name).and_then(positive).map(|size| size / canvas.1);
    // None of it is none, where nothing said leaves it to the viewer's settings.
    let width = |name| {
        row.get(name)
            .and_then(at_least_zero)
            .map(|it| it / canvas.1)
    };
    let is_set = |name| row.get(name).is_some_and(is_weight);
    let back = color_of("backcolour");
    let outline = match version {
        Version::Ass => color_of("outlinecolour"),
        Version::Ssa => back,
    };
    // BorderStyle 3 fills a box with the colour of the outline.
    let is_box = row.get("borderstyle") == Some("3");
    Style {
        bold: is_set("bold"),
        italic: is_set("italic"),
        underline: is_set("underline"),
        strike: is_set("strikeout"),
        color: color_of("primarycolour"),
        secondary_color: color_of("secondarycolour"),
        background: outline.filter(|_| is_box),
        outline_color: outline.filter(|_| !is_box),
        outline: width("outline").filter(|_| !is_box),
        shadow_color: back,
        shadow: width("shadow"),
        font: row
            .get("fontname")
            .filter(|name| !name.is_empty())
            .map(font),
        size: share("fontsize").map(FontSize::Share),
    }
}

/// The name of a font; `@` before it means that its letters stand upright in vertical text.
pub(super) fn font(name: &str) -> Arc<str> {
    name.trim().trim_start_matches('@').into()
}

/// 1 or -1, or the weight of a bold font.
pub(super) fn is_weight(text: &str) -> bool {
    let number: Option<i64> = text.parse().ok();
    number.is_some_and(|number| matches!(number, -1 | 1 | 600..))
}

/// `&HAABBGGRR` or the same number in decimal digits. Its alpha is 0 where it is opaque.
pub(super) fn color(text: &str) -> Option<Color> {
    let [alpha, blue, green, red] = number(text)?.to_be_bytes();
    Some(Color {
        red,
        green,
        blue,
        alpha: !alpha,
    })
}

/// The number of a colour or an opacity.
pub(super) fn number(text: &str) -> Option<u32> {
    let text = text.trim().trim_start_matches('&').trim_end_matches('&');
    let low = |value: i64| {
        let [.., a, b, c, d] = value.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    };
    match text.strip_prefix(['H', 'h']) {
        Some(hex) => i64::from_str_radix(hex, 16).ok().map(low),
        None => text.parse().ok().map(low),
    }
}
