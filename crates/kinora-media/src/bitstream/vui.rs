#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::{BadHeader, PIXEL_ASPECTS, low_byte};
use crate::{BitReader, ColorInfo, ColorRange};

/// The first fields of `vui_parameters`, which H.264 (E.1.1) and H.265 (E.2.1) share.
pub(super) struct VuiHead {
    pub(super) pixel_aspect: Option<(u32, u32)>,
    pub(super) color: Option<ColorInfo>,
}

pub(super) fn read_vui_head(bits: &mut BitReader<'_>) -> Result<VuiHead, BadHeader> {
    let mut pixel_aspect = None;
    if bits.bit()? {
        let ratio = match bits.read(8)? {
            255 => (bits.read(16)?, bits.read(16)?),
            idc => usize::try_from(idc)
                .ok()
                .and_then(|idc| PIXEL_ASPECTS.get(idc).copied())
                .unwrap_or((0, 0)),
        };
        pixel_aspect = (ratio.0 > 0 && ratio.1 > 0).then_some(ratio);
    }
    if bits.bit()? {
        bits.skip(1)?; // overscan_appropriate_flag
    }
    let color = if bits.bit()? {
        Some(read_signal_type(bits)?)
    } else {
        None
    };
    if bits.bit()? {
        bits.ue()?; // chroma_sample_loc_type_top_field
        bits.ue()?; // chroma_sample_loc_type_bottom_field
    }
    Ok(VuiHead {
        pixel_aspect,
        color,
    })
}

fn read_signal_type(bits: &mut BitReader<'_>) -> Result<ColorInfo, BadHeader> {
    bits.skip(3)?; // video_format
    let mut color = ColorInfo::default();
    if bits.bit()? {
        color.range = ColorRange::Full;
    }
    if bits.bit()? {
        color.primaries = low_byte(bits.read(8)?);
        color.transfer = low_byte(bits.read(8)?);
        color.matrix = low_byte(bits.read(8)?);
    }
    Ok(color)
}
