//! H.264 (ITU-T H.264, ISO/IEC 14496-10): NAL units, parameter sets, slice headers, `avcC`.
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::vui::read_vui_head;
use super::{BadHeader, at_most, low_byte};
use crate::{BitReader, ColorInfo, unescape_rbsp};

/// `nal_unit_type` (ITU-T H.264 table 7-1).
pub mod nal_type {
    /// Slice of a picture that is not an IDR picture.
    pub const SLICE: u8 = 1;
    /// Data partition A.
    pub const PARTITION_A: u8 = 2;
    /// Slice of an IDR picture.
    pub const IDR: u8 = 5;
    /// Supplemental enhancement information.
    pub const SEI: u8 = 6;
    /// Sequence parameter set.
    pub const SPS: u8 = 7;
    /// Picture parameter set.
    pub const PPS: u8 = 8;
    /// Access unit delimiter.
    pub const AUD: u8 = 9;
    /// End of sequence.
    pub const END_OF_SEQUENCE: u8 = 10;
    /// End of stream.
    pub const END_OF_STREAM: u8 = 11;
}

/// The type of a NAL unit; 0 for an empty one.
#[must_use]
pub fn nal_type_of(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |byte| byte & 0x1f)
}

/// Whether no picture refers to that of a slice (`nal_ref_idc` 0, ITU-T H.264 7.4.1); `None` of what is no slice.
#[must_use]
pub fn is_unreferenced(nal: &[u8]) -> Option<bool> {
    let slice = [nal_type::SLICE, nal_type::PARTITION_A, nal_type::IDR].contains(&nal_type_of(nal));
    slice.then(|| nal.first().is_some_and(|byte| byte & 0x60 == 0))
}

/// What a sequence parameter set says (ITU-T H.264 7.3.2.1).
#[derive(Clone, PartialEq, Debug)]
pub struct Sps {
    /// `seq_parameter_set_id`, 0 to 31.
    pub id: u8,
    /// `profile_idc`.
    pub profile_idc: u8,
    /// The byte of `constraint_set` flags.
    pub constraints: u8,
    /// `level_idc`: ten times the level.
    pub level_idc: u8,
    /// 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format_idc: u8,
    /// Bits of a luma sample.
    pub bit_depth: u8,
    /// Visible width in pixels, cropping applied.
    pub width: u32,
    /// Visible height in pixels, cropping applied.
    pub height: u32,
    /// All pictures are frames; otherwise they may be fields.
    pub frame_mbs_only: bool,
    /// Pixel aspect ratio, where it is present.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Colour description, where it is present.
    pub color: Option<ColorInfo>,
    /// Frames a second, where it is present.
    pub frame_rate: Option<f64>,
    /// `max_num_reorder_frames`: how many pictures may precede another in decoding order and
    /// follow it in output order. `None` when the stream does not say.
    pub reorder_frames: Option<u32>,
    /// `max_num_ref_frames`.
    pub ref_frames: u32,
    /// `pic_order_cnt_type`; 2 means that output order is decoding order.
    pub poc_type: u8,
    /// `separate_colour_plane_flag`.
    pub separate_planes: bool,
    /// Bits of `frame_num` in slice headers.
    pub frame_num_bits: u8,
    /// Bits of `pic_order_cnt_lsb` in slice headers, when `poc_type` is 0.
    pub poc_lsb_bits: u8,
    /// `delta_pic_order_always_zero_flag`, when `poc_type` is 1.
    pub delta_poc_zero: bool,
}

impl Sps {
    /// Reads a NAL unit of type 7, its header byte included, start code excluded.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short or contradicts the standard.
    pub fn parse(nal: &[u8]) -> Result<Self, BadHeader> {
        if nal_type_of(nal) != nal_type::SPS {
            return Err(BadHeader::Invalid("nal_unit_type"));
        }
        let rbsp = unescape_rbsp(nal.get(1..).unwrap_or_default());
        read_sps(&mut BitReader::new(&rbsp))
    }

    /// RFC 6381 codec string: `avc1.64001f`.
    #[must_use]
    pub fn codec_string(&self) -> String {
        format!(
            "avc1.{:02x}{:02x}{:02x}",
            self.profile_idc, self.constraints, self.level_idc
        )
    }

    /// How many pictures a decoder must hold back before output order is certain.
    ///
    /// Where the stream does not say, the profile and the level bound it (ITU-T H.264 E.2.1
    /// and A.3.1).
    #[must_use]
    pub fn reorder_depth(&self) -> u32 {
        if self.poc_type == 2 {
            return 0;
        }
        if let Some(frames) = self.reorder_frames {
            return frames;
        }
        let intra_only = self.constraints & 0x10 != 0
            && matches!(self.profile_idc, 44 | 86 | 100 | 110 | 122 | 244);
        // Baseline has no B slices; its output order may still differ, but no encoder does so.
        if intra_only || self.profile_idc == 66 {
            return 0;
        }
        self.dpb_frames()
    }

    /// Frames that fit the decoded picture buffer of the level (ITU-T H.264 table A-1).
    #[must_use]
    pub fn dpb_frames(&self) -> u32 {
        let max_dpb_mbs: u32 = match self.level_idc {
            0..=10 => 396,
            11 if self.constraints & 0x10 != 0 && matches!(self.profile_idc, 66 | 77 | 88) => 396,
            11 => 900,
            12 | 13 | 20 => 2_376,
            21 => 4_752,
            22 | 30 => 8_100,
            31 => 18_000,
            32 => 20_480,
            40 | 41 => 32_768,
            42 => 34_816,
            50 => 110_400,
            51 | 52 => 184_320,
            _ => 696_320,
        };
        let mbs = self
            .width
            .div_ceil(16)
            .saturating_mul(self.height.div_ceil(16));
        max_dpb_mbs.checked_div(mbs).unwrap_or(16).clamp(1, 16)
    }
}

fn read_sps(bits: &mut BitReader<'_>) -> Result<Sps, BadHeader> {
    let profile_idc = low_byte(bits.read(8)?);
    let constraints = low_byte(bits.read(8)?);
    let level_idc = low_byte(bits.read(8)?);
    let id = low_byte(at_most(bits.ue()?, 31, "seq_parameter_set_id")?);
    let (chroma_format_idc, separate_planes, bit_depth) = read_chroma(bits, profile_idc)?;
    let frame_num_bits = at_most(bits.ue()?, 12, "log2_max_frame_num")?.saturating_add(4);
    let poc_type = at_most(bits.ue()?, 2, "pic_order_cnt_type")?;
    let (poc_lsb_bits, delta_poc_zero) = read_poc(bits, poc_type)?;
    let ref_frames = at_most(bits.ue()?, 16, "max_num_ref_frames")?;
    bits.skip(1)?; // gaps_in_frame_num_value_allowed_flag
    let mbs_wide = at_most(bits.ue()?, 4096, "pic_width_in_mbs")?.saturating_add(1);
    let units_high = at_most(bits.ue()?, 4096, "pic_height_in_map_units")?.saturating_add(1);
    let frame_mbs_only = bits.bit()?;
    if !frame_mbs_only {
        bits.skip(1)?; // mb_adaptive_frame_field_flag
    }
    bits.skip(1)?; // direct_8x8_inference_flag
    let rows_per_unit = if frame_mbs_only { 1 } else { 2 };
    let (crop_x, crop_y) = read_crop(bits, chroma_format_idc, separate_planes, rows_per_unit)?;
    let width = mbs_wide.saturating_mul(16).checked_sub(crop_x);
    let height = units_high
        .saturating_mul(16)
        .saturating_mul(rows_per_unit)
        .checked_sub(crop_y);
    let (Some(width @ 1..), Some(height @ 1..)) = (width, height) else {
        return Err(BadHeader::Invalid("frame_crop"));
    };
    let mut sps = Sps {
        id,
        profile_idc,
        constraints,
        level_idc,
        chroma_format_idc,
        bit_depth,
        width,
        height,
        frame_mbs_only,
        pixel_aspect: None,
        color: None,
        frame_rate: None,
        reorder_frames: None,
        ref_frames,
        poc_type: low_byte(poc_type),
        separate_planes,
        frame_num_bits: low_byte(frame_num_bits),
        poc_lsb_bits,
        delta_poc_zero,
    };
    if bits.bit()? {
        // Encoders in the field cut the VUI short; what was read before still holds.
        let _ = read_vui(bits, &mut sps);
    }
    Ok(sps)
}

fn read_chroma(bits: &mut BitReader<'_>, profile_idc: u8) -> Result<(u8, bool, u8), BadHeader> {
    let high = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
    if !high.contains(&profile_idc) {
        return Ok((1, false, 8));
    }
    let format = at_most(bits.ue()?, 3, "chroma_format_idc")?;
    let separate_planes = format == 3 && bits.bit()?;
    let depth = at_most(bits.ue()?, 6, "bit_depth_luma")?.saturating_add(8);
    at_most(bits.ue()?, 6, "bit_depth_chroma")?;
    bits.skip(1)?; // qpprime_y_zero_transform_bypass_flag
    if bits.bit()? {
        let lists = if format == 3 { 12 } else { 8 };
        for list in 0..lists {
            if bits.bit()? {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Ok((low_byte(format), separate_planes, low_byte(depth)))
}

/// ITU-T H.264 7.3.2.1.1.1
fn skip_scaling_list(bits: &mut BitReader<'_>, size: u32) -> Result<(), BadHeader> {
    let (mut last, mut next) = (8i32, 8i32);
    for _ in 0..size {
        if next != 0 {
            next = last.wrapping_add(bits.se()?) & 0xff;
        }
        if next != 0 {
            last = next;
        }
    }
    Ok(())
}

fn read_poc(bits: &mut BitReader<'_>, poc_type: u32) -> Result<(u8, bool), BadHeader> {
    match poc_type {
        0 => {
            let bits = at_most(bits.ue()?, 12, "log2_max_pic_order_cnt_lsb")?.saturating_add(4);
            Ok((low_byte(bits), false))
        }
        1 => {
            let always_zero = bits.bit()?;
            bits.se()?; // offset_for_non_ref_pic
            bits.se()?; // offset_for_top_to_bottom_field
            let frames = at_most(bits.ue()?, 255, "num_ref_frames_in_pic_order_cnt_cycle")?;
            for _ in 0..frames {
                bits.se()?;
            }
            Ok((0, always_zero))
        }
        _ => Ok((0, false)),
    }
}

/// Pixels cut off in width and in height.
fn read_crop(
    bits: &mut BitReader<'_>,
    chroma_format_idc: u8,
    separate_planes: bool,
    rows_per_unit: u32,
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
        vertical
            .saturating_mul(unit_y)
            .saturating_mul(rows_per_unit),
    ))
}

/// ITU-T H.264 E.1.1
fn read_vui(bits: &mut BitReader<'_>, sps: &mut Sps) -> Result<(), BadHeader> {
    let head = read_vui_head(bits)?;
    sps.pixel_aspect = head.pixel_aspect;
    sps.color = head.color;
    if bits.bit()? {
        let (unit, scale) = (bits.read(32)?, bits.read(32)?);
        bits.skip(1)?; // fixed_frame_rate_flag
        if unit > 0 && scale > 0 {
            // Two ticks, those of the fields, make a frame.
            sps.frame_rate = Some(f64::from(scale) / f64::from(unit) / 2.0);
        }
    }
    let nal_hrd = bits.bit()?;
    if nal_hrd {
        skip_hrd(bits)?;
    }
    let vcl_hrd = bits.bit()?;
    if vcl_hrd {
        skip_hrd(bits)?;
    }
    if nal_hrd || vcl_hrd {
        bits.skip(1)?; // low_delay_hrd_flag
    }
    bits.skip(1)?; // pic_struct_present_flag
    if bits.bit()? {
        bits.skip(1)?; // motion_vectors_over_pic_boundaries_flag
        for _ in 0..4 {
            bits.ue()?;
        }
        let reorder = bits.ue()?;
        let buffering = bits.ue()?;
        sps.reorder_frames = (reorder <= buffering && reorder <= 16).then_some(reorder);
    }
    Ok(())
}

/// ITU-T H.264 E.1.2
fn skip_hrd(bits: &mut BitReader<'_>) -> Result<(), BadHeader> {
    let cpbs = at_most(bits.ue()?, 31, "cpb_cnt")?;
    bits.skip(8)?; // bit_rate_scale, cpb_size_scale
    for _ in 0..=cpbs {
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?;
    }
    bits.skip(20)?; // delay lengths, time_offset_length
    Ok(())
}

/// What the slices that refer to it need of a picture parameter set (ITU-T H.264 7.3.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pps {
    /// `pic_parameter_set_id`, 0 to 255.
    pub id: u8,
    /// The sequence parameter set it belongs to.
    pub sps_id: u8,
    /// Slices carry further picture order count fields.
    pub bottom_field_poc: bool,
}

impl Pps {
    /// Reads a NAL unit of type 8, its header byte included.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short or contradicts the standard.
    pub fn parse(nal: &[u8]) -> Result<Self, BadHeader> {
        if nal_type_of(nal) != nal_type::PPS {
            return Err(BadHeader::Invalid("nal_unit_type"));
        }
        let rbsp = unescape_rbsp(nal.get(1..nal.len().min(32)).unwrap_or_default());
        let mut bits = BitReader::new(&rbsp);
        let id = low_byte(at_most(bits.ue()?, 255, "pic_parameter_set_id")?);
        let sps_id = low_byte(at_most(bits.ue()?, 31, "seq_parameter_set_id")?);
        bits.skip(1)?; // entropy_coding_mode_flag
        let bottom_field_poc = bits.bit()?;
        Ok(Self {
            id,
            sps_id,
            bottom_field_poc,
        })
    }
}

/// The start of a slice header: what tells one picture from the next (ITU-T H.264 7.3.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SliceHeader {
    /// `nal_ref_idc` is not zero: others may refer to this picture.
    pub reference: bool,
    /// The picture is an IDR picture.
    pub idr: bool,
    /// `first_mb_in_slice`.
    pub first_mb: u32,
    /// `slice_type` modulo 5: 0 P, 1 B, 2 I, 3 SP, 4 SI.
    pub slice_type: u8,
    /// `pic_parameter_set_id`.
    pub pps_id: u8,
    /// `frame_num`.
    pub frame_num: u32,
    /// `None` for a frame, else whether it is the bottom field.
    pub bottom_field: Option<bool>,
    /// `idr_pic_id`, 0 for others than IDR pictures.
    pub idr_pic_id: u32,
    /// `pic_order_cnt_lsb` and `delta_pic_order_cnt_bottom`, or both `delta_pic_order_cnt`.
    pub poc: (i64, i64),
}

impl SliceHeader {
    /// The parameter set that a slice names, and with it how to read the rest.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short.
    pub fn pps_id_of(nal: &[u8]) -> Result<u8, BadHeader> {
        let rbsp = unescape_rbsp(nal.get(1..nal.len().min(20)).unwrap_or_default());
        let mut bits = BitReader::new(&rbsp);
        bits.ue()?;
        bits.ue()?;
        Ok(low_byte(at_most(bits.ue()?, 255, "pic_parameter_set_id")?))
    }

    /// Reads a NAL unit of type 1, 2 or 5, its header byte included. 48 bytes of it suffice.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short or contradicts the standard.
    pub fn parse(nal: &[u8], sps: &Sps, pps: &Pps) -> Result<Self, BadHeader> {
        let header = *nal.first().ok_or(BadHeader::Truncated)?;
        let rbsp = unescape_rbsp(nal.get(1..nal.len().min(48)).unwrap_or_default());
        let mut bits = BitReader::new(&rbsp);
        let idr = header & 0x1f == nal_type::IDR;
        let first_mb = bits.ue()?;
        let slice_type = low_byte(at_most(bits.ue()?, 9, "slice_type")? % 5);
        let pps_id = low_byte(at_most(bits.ue()?, 255, "pic_parameter_set_id")?);
        if sps.separate_planes {
            bits.skip(2)?; // colour_plane_id
        }
        let frame_num = bits.read(u32::from(sps.frame_num_bits))?;
        let mut bottom_field = None;
        if !sps.frame_mbs_only && bits.bit()? {
            bottom_field = Some(bits.bit()?);
        }
        let idr_pic_id = if idr { bits.ue()? } else { 0 };
        let mut poc = (0, 0);
        let more = pps.bottom_field_poc && bottom_field.is_none();
        if sps.poc_type == 0 {
            poc.0 = i64::from(bits.read(u32::from(sps.poc_lsb_bits))?);
            if more {
                poc.1 = i64::from(bits.se()?);
            }
        } else if sps.poc_type == 1 && !sps.delta_poc_zero {
            poc.0 = i64::from(bits.se()?);
            if more {
                poc.1 = i64::from(bits.se()?);
            }
        }
        Ok(Self {
            reference: header & 0x60 != 0,
            idr,
            first_mb,
            slice_type,
            pps_id,
            frame_num,
            bottom_field,
            idr_pic_id,
            poc,
        })
    }

    /// Whether a slice that follows this one in the stream belongs to another picture
    /// (ITU-T H.264 7.4.1.2.4).
    #[must_use]
    pub fn is_followed_by_new_picture(&self, next: &Self) -> bool {
        self.frame_num != next.frame_num
            || self.pps_id != next.pps_id
            || self.bottom_field != next.bottom_field
            || self.reference != next.reference
            || self.idr != next.idr
            || self.idr_pic_id != next.idr_pic_id
            || self.poc != next.poc
    }

    /// An intra slice: of an I or SI type.
    #[must_use]
    pub const fn is_intra(&self) -> bool {
        matches!(self.slice_type, 2 | 4)
    }
}

/// The body of an `avcC` box (ISO/IEC 14496-15 5.3.3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AvcConfig<'a> {
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: u8,
    /// Sequence parameter sets, each a NAL unit.
    pub sps: Vec<&'a [u8]>,
    /// Picture parameter sets, each a NAL unit.
    pub pps: Vec<&'a [u8]>,
}

impl<'a> AvcConfig<'a> {
    /// Reads the body of the box.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short or of an unknown version.
    pub fn parse(body: &'a [u8]) -> Result<Self, BadHeader> {
        let (head, mut rest) = body.split_at_checked(5).ok_or(BadHeader::Truncated)?;
        if head.first() != Some(&1) {
            return Err(BadHeader::Invalid("configurationVersion"));
        }
        let length_size = (head.last().copied().unwrap_or(0) & 3).saturating_add(1);
        let sps_count = take_byte(&mut rest)? & 0x1f;
        let sps = take_units(&mut rest, sps_count)?;
        let pps_count = take_byte(&mut rest)?;
        let pps = take_units(&mut rest, pps_count)?;
        Ok(Self {
            length_size,
            sps,
            pps,
        })
    }
}

fn take_byte(data: &mut &[u8]) -> Result<u8, BadHeader> {
    let (byte, rest) = data.split_first().ok_or(BadHeader::Truncated)?;
    *data = rest;
    Ok(*byte)
}

/// `count` byte strings, each behind its 16-bit length.
pub(super) fn take_units<'a>(data: &mut &'a [u8], count: u8) -> Result<Vec<&'a [u8]>, BadHeader> {
    (0..count)
        .map(|_| {
            let length = u16::from_be_bytes([take_byte(data)?, take_byte(data)?]);
            let (unit, rest) = data
                .split_at_checked(usize::from(length))
                .ok_or(BadHeader::Truncated)?;
            *data = rest;
            Ok(unit)
        })
        .collect()
}

/// Whether an SEI NAL unit holds a recovery point (ITU-T H.264 D.1.8): decoding can start at
/// this picture though it is no IDR picture.
#[must_use]
pub fn has_recovery_point(nal: &[u8]) -> bool {
    // Emulation prevention may stretch a payload; a miss ends the search, no more.
    sei_messages(nal.get(1..).unwrap_or_default()).any(|(kind, _)| kind == 6)
}

/// The messages of an SEI unit behind its header, by their types (ITU-T H.264 7.3.2.3.1, H.265 7.3.5); the last one may be cut off.
pub(super) fn sei_messages(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut rest = body;
    core::iter::from_fn(move || {
        if rest.len() <= 2 {
            return None;
        }
        let (kind, size) = (take_sei_number(&mut rest)?, take_sei_number(&mut rest)?);
        let (payload, next) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        rest = next;
        Some((kind, payload))
    })
}

fn take_sei_number(data: &mut &[u8]) -> Option<usize> {
    let mut number = 0usize;
    loop {
        let (byte, rest) = data.split_first()?;
        *data = rest;
        number = number.saturating_add(usize::from(*byte));
        if *byte != 0xff {
            return Some(number);
        }
    }
}

#[cfg(test)]
mod tests;
