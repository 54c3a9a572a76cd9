//! H.265 (ITU-T H.265, ISO/IEC 23008-2): NAL units, parameter sets, `hvcC`.
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::h264::take_units;
use super::vui::read_vui_head;
use super::{BadHeader, at_most, low_byte};
use crate::{BitReader, ColorInfo, unescape_rbsp};

/// `nal_unit_type` (ITU-T H.265 table 7-1).
pub mod nal_type {
    /// The last type of slices that are no random access points.
    pub const LAST_PLAIN_SLICE: u8 = 9;
    /// The first random access type: broken link access.
    pub const BLA_W_LP: u8 = 16;
    /// Clean random access.
    pub const CRA: u8 = 21;
    /// The last type reserved for random access.
    pub const LAST_IRAP: u8 = 23;
    /// Video parameter set.
    pub const VPS: u8 = 32;
    /// Sequence parameter set.
    pub const SPS: u8 = 33;
    /// Picture parameter set.
    pub const PPS: u8 = 34;
    /// Access unit delimiter.
    pub const AUD: u8 = 35;
    /// End of sequence.
    pub const END_OF_SEQUENCE: u8 = 36;
    /// End of bitstream.
    pub const END_OF_BITSTREAM: u8 = 37;
    /// Supplemental enhancement information before the picture.
    pub const PREFIX_SEI: u8 = 39;
    /// Supplemental enhancement information after the picture.
    pub const SUFFIX_SEI: u8 = 40;
}

/// The type of a NAL unit; 63 for an empty one.
#[must_use]
pub fn nal_type_of(nal: &[u8]) -> u8 {
    nal.first().map_or(63, |byte| byte >> 1 & 0x3f)
}

/// A slice of a coded picture.
#[must_use]
pub const fn is_slice(nal_type: u8) -> bool {
    nal_type < 32
}

/// Whether no picture refers to that of a slice in a stream of so many temporal sub-layers; `None` of what is no slice.
///
/// The even types below 16 say so for their own sub-layer only (ITU-T H.265 7.4.2.2, table 7-1): higher ones may refer
/// to the picture, so that it must be of the highest.
#[must_use]
pub fn is_unreferenced(nal: &[u8], sub_layers: u8) -> Option<bool> {
    let kind = nal_type_of(nal);
    let temporal_id_plus1 = nal.get(1).map_or(0, |byte| byte & 7);
    let sub_layer_non_reference = kind < 16 && kind & 1 == 0;
    is_slice(kind).then_some(sub_layer_non_reference && temporal_id_plus1 == sub_layers)
}

/// A slice of a picture at which decoding can start (IRAP).
#[must_use]
pub const fn is_irap(nal_type: u8) -> bool {
    nal_type >= nal_type::BLA_W_LP && nal_type <= nal_type::LAST_IRAP
}

/// What a sequence parameter set says (ITU-T H.265 7.3.2.2).
#[derive(Clone, PartialEq, Debug)]
pub struct Sps {
    /// `sps_seq_parameter_set_id`, 0 to 15.
    pub id: u8,
    /// Temporal sub-layers, 1 to 7.
    pub sub_layers: u8,
    /// 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format_idc: u8,
    /// Bits of a luma sample.
    pub bit_depth: u8,
    /// Visible width in pixels, the conformance window applied.
    pub width: u32,
    /// Visible height in pixels, the conformance window applied.
    pub height: u32,
    /// Pixel aspect ratio, where it is present.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Colour description, where it is present.
    pub color: Option<ColorInfo>,
    /// Frames a second, where it is present.
    pub frame_rate: Option<f64>,
    /// `sps_max_num_reorder_pics` of the highest sub-layer.
    pub reorder_frames: u32,
    /// Profile, tier and level.
    pub profile: ProfileTierLevel,
}

/// Profile, tier and level (ITU-T H.265 7.3.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ProfileTierLevel {
    /// `general_profile_space`.
    pub space: u8,
    /// The high tier.
    pub high_tier: bool,
    /// `general_profile_idc`: 1 Main, 2 Main 10.
    pub profile_idc: u8,
    /// `general_profile_compatibility_flag`, flag 0 in the highest bit.
    pub compatibility: u32,
    /// The six bytes of constraint flags.
    pub constraints: [u8; 6],
    /// `general_level_idc`: thirty times the level.
    pub level_idc: u8,
}

impl ProfileTierLevel {
    /// RFC 6381 codec string as ISO/IEC 14496-15 annex E forms it: `hvc1.1.6.L93.B0`.
    #[must_use]
    pub fn codec_string(&self) -> String {
        use core::fmt::Write as _;
        let space = match self.space {
            1 => "A",
            2 => "B",
            3 => "C",
            _ => "",
        };
        let tier = if self.high_tier { 'H' } else { 'L' };
        let mut text = format!(
            "hvc1.{space}{}.{:X}.{tier}{}",
            self.profile_idc,
            self.compatibility.reverse_bits(),
            self.level_idc
        );
        let zeros = self.constraints.iter().rev().take_while(|b| **b == 0);
        let kept = self.constraints.len().saturating_sub(zeros.count());
        for byte in self.constraints.iter().take(kept) {
            // Writing to a string does not fail.
            let _ = write!(text, ".{byte:X}");
        }
        text
    }
}

impl Sps {
    /// Reads a NAL unit of type 33, its two header bytes included, start code excluded.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short or contradicts the standard.
    pub fn parse(nal: &[u8]) -> Result<Self, BadHeader> {
        if nal_type_of(nal) != nal_type::SPS {
            return Err(BadHeader::Invalid("nal_unit_type"));
        }
        let rbsp = unescape_rbsp(nal.get(2..).unwrap_or_default());
        read_sps(&mut BitReader::new(&rbsp))
    }

    /// RFC 6381 codec string: `hvc1.1.6.L93.B0`.
    #[must_use]
    pub fn codec_string(&self) -> String {
        self.profile.codec_string()
    }
}

fn read_sps(bits: &mut BitReader<'_>) -> Result<Sps, BadHeader> {
    bits.skip(4)?; // sps_video_parameter_set_id
    let sub_layers = at_most(bits.read(3)?, 6, "sps_max_sub_layers")?;
    bits.skip(1)?; // sps_temporal_id_nesting_flag
    let profile = read_profile_tier_level(bits, sub_layers)?;
    let id = low_byte(at_most(bits.ue()?, 15, "sps_seq_parameter_set_id")?);
    let chroma_format_idc = at_most(bits.ue()?, 3, "chroma_format_idc")?;
    let separate_planes = chroma_format_idc == 3 && bits.bit()?;
    let coded_width = at_most(bits.ue()?, 1 << 16, "pic_width")?;
    let coded_height = at_most(bits.ue()?, 1 << 16, "pic_height")?;
    let (crop_x, crop_y) = read_window(bits, chroma_format_idc, separate_planes)?;
    let size = (
        coded_width.checked_sub(crop_x),
        coded_height.checked_sub(crop_y),
    );
    let (Some(width @ 1..), Some(height @ 1..)) = size else {
        return Err(BadHeader::Invalid("conformance window"));
    };
    let bit_depth = at_most(bits.ue()?, 8, "bit_depth_luma")?.saturating_add(8);
    at_most(bits.ue()?, 8, "bit_depth_chroma")?;
    let poc_lsb_bits = at_most(bits.ue()?, 12, "log2_max_pic_order_cnt_lsb")?.saturating_add(4);
    let reorder_frames = read_ordering(bits, sub_layers)?;
    let mut sps = Sps {
        id,
        sub_layers: low_byte(sub_layers.saturating_add(1)),
        chroma_format_idc: low_byte(chroma_format_idc),
        bit_depth: low_byte(bit_depth),
        width,
        height,
        pixel_aspect: None,
        color: None,
        frame_rate: None,
        reorder_frames,
        profile,
    };
    // What follows leads to the VUI; a stream that cuts it short has still told its size.
    let _ = read_to_vui(bits, chroma_format_idc, poc_lsb_bits, &mut sps);
    Ok(sps)
}

/// ITU-T H.265 7.3.3
fn read_profile_tier_level(
    bits: &mut BitReader<'_>,
    sub_layers: u32,
) -> Result<ProfileTierLevel, BadHeader> {
    let space = low_byte(bits.read(2)?);
    let high_tier = bits.bit()?;
    let profile_idc = low_byte(bits.read(5)?);
    let compatibility = bits.read(32)?;
    let mut constraints = [0; 6];
    for byte in &mut constraints {
        *byte = low_byte(bits.read(8)?);
    }
    let level_idc = low_byte(bits.read(8)?);
    let mut extra = 0usize;
    if sub_layers > 0 {
        for layer in 0..8 {
            let (profile, level) = (bits.bit()?, bits.bit()?);
            if layer < sub_layers {
                extra = extra
                    .saturating_add(if profile { 88 } else { 0 })
                    .saturating_add(if level { 8 } else { 0 });
            }
        }
    }
    bits.skip(extra)?;
    Ok(ProfileTierLevel {
        space,
        high_tier,
        profile_idc,
        compatibility,
        constraints,
        level_idc,
    })
}

/// Pixels cut off in width and in height.
fn read_window(
    bits: &mut BitReader<'_>,
    chroma_format_idc: u32,
    separate_planes: bool,
) -> Result<(u32, u32), BadHeader> {
    if !bits.bit()? {
        return Ok((0, 0));
    }
    let horizontal = bits.ue()?.saturating_add(bits.ue()?);
    let vertical = bits.ue()?.saturating_add(bits.ue()?);
    let (unit_x, unit_y) = match chroma_format_idc {
        1 => (2, 2),
        2 => (2, 1),
        3 if !separate_planes => (1, 1),
        _ => (1, 1),
    };
    Ok((
        horizontal.saturating_mul(unit_x),
        vertical.saturating_mul(unit_y),
    ))
}

fn read_ordering(bits: &mut BitReader<'_>, sub_layers: u32) -> Result<u32, BadHeader> {
    let all_layers = bits.bit()?;
    let mut reorder = 0;
    for _ in (if all_layers { 0 } else { sub_layers })..=sub_layers {
        bits.ue()?; // sps_max_dec_pic_buffering_minus1
        reorder = at_most(bits.ue()?, 16, "sps_max_num_reorder_pics")?;
        bits.ue()?; // sps_max_latency_increase_plus1
    }
    Ok(reorder)
}

fn read_to_vui(
    bits: &mut BitReader<'_>,
    chroma_format_idc: u32,
    poc_lsb_bits: u32,
    sps: &mut Sps,
) -> Result<(), BadHeader> {
    for _ in 0..6 {
        bits.ue()?; // block and transform sizes, transform depths
    }
    if bits.bit()? && bits.bit()? {
        skip_scaling_lists(bits, chroma_format_idc)?;
    }
    bits.skip(2)?; // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.bit()? {
        bits.skip(8)?; // pcm sample bit depths
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?; // pcm_loop_filter_disabled_flag
    }
    skip_short_term_sets(bits)?;
    if bits.bit()? {
        let count = at_most(bits.ue()?, 32, "num_long_term_ref_pics_sps")?;
        for _ in 0..count {
            bits.read(poc_lsb_bits)?;
            bits.skip(1)?;
        }
    }
    bits.skip(2)?; // temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    if bits.bit()? {
        read_vui(bits, sps)?;
    }
    Ok(())
}

/// ITU-T H.265 7.3.4
fn skip_scaling_lists(bits: &mut BitReader<'_>, chroma_format_idc: u32) -> Result<(), BadHeader> {
    for size in 0..4u32 {
        let step = if size == 3 && chroma_format_idc != 3 {
            3
        } else {
            1
        };
        for _ in (0..6).step_by(step) {
            if !bits.bit()? {
                bits.ue()?; // scaling_list_pred_matrix_id_delta
                continue;
            }
            if size > 1 {
                bits.se()?; // scaling_list_dc_coef_minus8
            }
            for _ in 0..(if size == 0 { 16 } else { 64 }) {
                bits.se()?;
            }
        }
    }
    Ok(())
}

/// The differences of picture order count of a short-term reference picture set: those before
/// the picture, nearest first, and those after it.
#[derive(Clone, Default)]
struct ShortTermSet {
    before: Vec<i32>,
    after: Vec<i32>,
}

/// ITU-T H.265 7.3.7. A set may be coded as a change of the one before it, so all are kept.
fn skip_short_term_sets(bits: &mut BitReader<'_>) -> Result<(), BadHeader> {
    let count = at_most(bits.ue()?, 64, "num_short_term_ref_pic_sets")?;
    let mut last = ShortTermSet::default();
    for index in 0..count {
        let predicted = index != 0 && bits.bit()?;
        last = if predicted {
            read_predicted_set(bits, &last)?
        } else {
            read_plain_set(bits)?
        };
    }
    Ok(())
}

fn read_plain_set(bits: &mut BitReader<'_>) -> Result<ShortTermSet, BadHeader> {
    let before = at_most(bits.ue()?, 16, "num_negative_pics")?;
    let after = at_most(bits.ue()?, 16, "num_positive_pics")?;
    let mut set = ShortTermSet::default();
    let mut poc = 0i32;
    for _ in 0..before {
        let delta = at_most(bits.ue()?, 1 << 15, "delta_poc_s0")?;
        poc = poc.saturating_sub_unsigned(delta.saturating_add(1));
        bits.skip(1)?; // used_by_curr_pic_s0_flag
        set.before.push(poc);
    }
    poc = 0;
    for _ in 0..after {
        let delta = at_most(bits.ue()?, 1 << 15, "delta_poc_s1")?;
        poc = poc.saturating_add_unsigned(delta.saturating_add(1));
        bits.skip(1)?; // used_by_curr_pic_s1_flag
        set.after.push(poc);
    }
    Ok(set)
}

/// Equations 7-61 and 7-62.
fn read_predicted_set(
    bits: &mut BitReader<'_>,
    from: &ShortTermSet,
) -> Result<ShortTermSet, BadHeader> {
    let negative = bits.bit()?;
    let abs = at_most(bits.ue()?, 1 << 15, "abs_delta_rps")?.saturating_add(1);
    let delta = if negative {
        0i32.saturating_sub_unsigned(abs)
    } else {
        0i32.saturating_add_unsigned(abs)
    };
    let mut set = ShortTermSet::default();
    // The flags follow the order of the set predicted from, then one for the picture itself.
    for poc in from.before.iter().chain(&from.after).chain(&[0]) {
        let used = bits.bit()?;
        let kept = used || bits.bit()?;
        let poc = poc.saturating_add(delta);
        if kept && poc < 0 {
            set.before.push(poc);
        } else if kept && poc > 0 {
            set.after.push(poc);
        }
    }
    set.before.sort_unstable_by(|a, b| b.cmp(a));
    set.after.sort_unstable();
    if set.before.len().saturating_add(set.after.len()) > 32 {
        return Err(BadHeader::Invalid("short-term reference picture set"));
    }
    Ok(set)
}

/// ITU-T H.265 E.2.1, as far as the frame rate.
fn read_vui(bits: &mut BitReader<'_>, sps: &mut Sps) -> Result<(), BadHeader> {
    let head = read_vui_head(bits)?;
    sps.pixel_aspect = head.pixel_aspect;
    sps.color = head.color;
    bits.skip(3)?; // neutral_chroma, field_seq, frame_field_info_present flags
    if bits.bit()? {
        for _ in 0..4 {
            bits.ue()?; // default display window
        }
    }
    if bits.bit()? {
        let (unit, scale) = (bits.read(32)?, bits.read(32)?);
        if unit > 0 && scale > 0 {
            sps.frame_rate = Some(f64::from(scale) / f64::from(unit));
        }
    }
    Ok(())
}

/// The body of an `hvcC` box (ISO/IEC 14496-15 8.3.3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HevcConfig<'a> {
    /// Profile, tier and level of the whole stream.
    pub profile: ProfileTierLevel,
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: u8,
    /// The NAL units of all arrays, in order: VPS, SPS, PPS, SEI.
    pub units: Vec<&'a [u8]>,
}

impl<'a> HevcConfig<'a> {
    /// Reads the body of the box.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short or of an unknown version.
    pub fn parse(body: &'a [u8]) -> Result<Self, BadHeader> {
        let (head, mut rest) = body.split_at_checked(23).ok_or(BadHeader::Truncated)?;
        let mut bits = BitReader::new(head);
        if bits.read(8)? > 1 {
            return Err(BadHeader::Invalid("configurationVersion"));
        }
        let profile = read_profile_tier_level(&mut bits, 0)?;
        let (flags, arrays) = match head {
            [.., flags, arrays] => (*flags, *arrays),
            _ => return Err(BadHeader::Truncated),
        };
        let mut units = Vec::new();
        for _ in 0..arrays {
            let (array, after) = rest.split_at_checked(3).ok_or(BadHeader::Truncated)?;
            rest = after;
            let count = array
                .iter()
                .skip(1)
                .fold(0u16, |n, b| n << 8 | u16::from(*b));
            let count = u8::try_from(count).map_err(|_| BadHeader::Invalid("numNalus"))?;
            units.extend(take_units(&mut rest, count)?);
        }
        Ok(Self {
            profile,
            length_size: (flags & 3).saturating_add(1),
            units,
        })
    }

    /// The first sequence parameter set.
    #[must_use]
    pub fn sps(&self) -> Option<Sps> {
        self.units
            .iter()
            .find(|unit| nal_type_of(unit) == nal_type::SPS)
            .and_then(|unit| Sps::parse(unit).ok())
    }
}

#[cfg(test)]
mod tests;
