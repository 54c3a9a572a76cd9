//! Colours, and the ways in which text writes them.

/// Red, green, blue and opacity, each 0 to 255.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Color {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// Opacity: 0 is invisible, 255 hides what lies behind.
    pub alpha: u8,
}

impl Color {
    /// Opaque white.
    pub const WHITE: Self = Self::rgb(255, 255, 255);
    /// Opaque black.
    pub const BLACK: Self = Self::rgb(0, 0, 0);

    /// An opaque colour.
    #[must_use]
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self {
            red,
            green,
            blue,
            alpha: 255,
        }
    }

    /// The same colour of another opacity.
    #[must_use]
    pub const fn with_alpha(self, alpha: u8) -> Self {
        Self { alpha, ..self }
    }

    /// A share of the way to another colour.
    #[must_use]
    pub fn towards(self, other: Self, share: f64) -> Self {
        let level = |from: u8, to: u8| {
            let (from, to) = (f64::from(from), f64::from(to));
            to_byte(from + (to - from) * share)
        };
        Self {
            red: level(self.red, other.red),
            green: level(self.green, other.green),
            blue: level(self.blue, other.blue),
            alpha: level(self.alpha, other.alpha),
        }
    }

    /// A colour as CSS and TTML write it: a name, `#rgb`, `#rgba`, `#rrggbb`, `#rrggbbaa`, `rgb(…)`, `rgba(…)` (CSS Color 4;
    /// TTML2 10.3.5, whose fourth number is 0 to 255: see `alpha`).
    pub(crate) fn from_css(text: &str, alpha: AlphaScale) -> Option<Self> {
        let text = text.trim();
        if let Some(hex) = text.strip_prefix('#') {
            return from_hex(hex);
        }
        let lower = text.to_ascii_lowercase();
        let call = lower
            .strip_prefix("rgba(")
            .or_else(|| lower.strip_prefix("rgb("));
        match call {
            Some(rest) => from_components(rest.strip_suffix(')')?, alpha),
            None => named(&lower),
        }
    }
}

/// What the fourth number of `rgba()` counts to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AlphaScale {
    /// 0 to 1, as in CSS.
    One,
    /// 0 to 255, as in TTML.
    Byte,
}

fn from_hex(hex: &str) -> Option<Color> {
    if !hex.is_ascii() || hex.len() > 8 {
        return None;
    }
    let value = u32::from_str_radix(hex, 16).ok()?;
    let wide = match hex.len() {
        3 | 4 => hex.chars().try_fold(0_u32, |sum, digit| {
            Some(sum << 8 | digit.to_digit(16)?.saturating_mul(0x11))
        })?,
        6 | 8 => value,
        _ => return None,
    };
    let has_alpha = matches!(hex.len(), 4 | 8);
    let [red, green, blue, alpha] = if has_alpha {
        wide.to_be_bytes()
    } else {
        (wide << 8 | 0xff).to_be_bytes()
    };
    Some(Color {
        red,
        green,
        blue,
        alpha,
    })
}

fn from_components(list: &str, scale: AlphaScale) -> Option<Color> {
    let mut parts = list
        .split([',', ' ', '/'])
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let mut next = || parts.next();
    let mut channel = || byte(next()?, 1.0);
    let (red, green, blue) = (channel()?, channel()?, channel()?);
    let unit = match scale {
        AlphaScale::One => 255.0,
        AlphaScale::Byte => 1.0,
    };
    let alpha = match parts.next() {
        Some(text) => byte(text, unit)?,
        None => 255,
    };
    Some(Color {
        red,
        green,
        blue,
        alpha,
    })
}

/// A number of so large a unit, or a percentage of 255, as a byte.
fn byte(text: &str, unit: f64) -> Option<u8> {
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok()? / 100.0 * 255.0,
        None => text.parse::<f64>().ok()? * unit,
    };
    value.is_finite().then(|| to_byte(value))
}

/// Rounded, and held within a byte.
pub(crate) fn to_byte(value: f64) -> u8 {
    // A float to an integer saturates, and NaN is zero: both are meant.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let byte = value.round() as u8;
    byte
}

/// Names of CSS Color 4 6.1 that captions use, those of WebVTT and TTML among them.
fn named(name: &str) -> Option<Color> {
    let value = match name {
        "transparent" => return Some(Color::BLACK.with_alpha(0)),
        "black" => 0x00_0000,
        "silver" => 0xc0_c0c0,
        "gray" | "grey" => 0x80_8080,
        "white" => 0xff_ffff,
        "maroon" => 0x80_0000,
        "red" => 0xff_0000,
        "purple" => 0x80_0080,
        "fuchsia" | "magenta" => 0xff_00ff,
        "green" => 0x00_8000,
        "lime" => 0x00_ff00,
        "olive" => 0x80_8000,
        "yellow" => 0xff_ff00,
        "navy" => 0x00_0080,
        "blue" => 0x00_00ff,
        "teal" => 0x00_8080,
        "aqua" | "cyan" => 0x00_ffff,
        "orange" => 0xff_a500,
        "pink" => 0xff_c0cb,
        "gold" => 0xff_d700,
        "brown" => 0xa5_2a2a,
        "violet" => 0xee_82ee,
        "indigo" => 0x4b_0082,
        "crimson" => 0xdc_143c,
        "coral" => 0xff_7f50,
        "tomato" => 0xff_6347,
        "salmon" => 0xfa_8072,
        "khaki" => 0xf0_e68c,
        "papayawhip" => 0xff_efd5,
        "peachpuff" => 0xff_dab9,
        "skyblue" => 0x87_ceeb,
        "turquoise" => 0x40_e0d0,
        "lightgray" | "lightgrey" => 0xd3_d3d3,
        "darkgray" | "darkgrey" => 0xa9_a9a9,
        "lightblue" => 0xad_d8e6,
        "lightgreen" => 0x90_ee90,
        "lightyellow" => 0xff_ffe0,
        "darkblue" => 0x00_008b,
        "darkgreen" => 0x00_6400,
        "darkred" => 0x8b_0000,
        "dodgerblue" => 0x1e_90ff,
        "royalblue" => 0x41_69e1,
        "rebeccapurple" => 0x66_3399,
        _ => return None,
    };
    let [_, red, green, blue] = u32::to_be_bytes(value);
    Some(Color::rgb(red, green, blue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_every_spelling() {
        let css = |text| Color::from_css(text, AlphaScale::One);
        assert_eq!(css("Lime"), Some(Color::rgb(0, 255, 0)));
        assert_eq!(css("#f00"), Some(Color::rgb(255, 0, 0)));
        assert_eq!(css("#f008"), Some(Color::rgb(255, 0, 0).with_alpha(0x88)));
        assert_eq!(css(" #01020304 "), Some(Color::rgb(1, 2, 3).with_alpha(4)));
        assert_eq!(css("rgb(1, 2, 300)"), Some(Color::rgb(1, 2, 255)));
        assert_eq!(css("rgba(0,0,0,0.5)"), Some(Color::BLACK.with_alpha(128)));
        assert_eq!(css("rgb(100% 0% 0% / 50%)").map(|c| c.alpha), Some(128));
        assert_eq!(
            Color::from_css("rgba(0,0,0,128)", AlphaScale::Byte),
            Some(Color::BLACK.with_alpha(128))
        );
        for bad in [
            "",
            "#",
            "#12",
            "#é12",
            "#1234567",
            "rgb(1,2)",
            "blurple",
            "rgb(x,0,0)",
        ] {
            assert_eq!(css(bad), None, "{bad}");
        }
    }
}
