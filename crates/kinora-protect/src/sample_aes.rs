//! SAMPLE-AES in MPEG-TS ("MPEG-2 Stream Encryption Format for HTTP Live Streaming", Apple).

use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit};
use bytes::{Bytes, BytesMut};
use cbc::cipher::array::Array;
use kinora_media::bitstream::ac3::FrameHeader;
use kinora_media::bitstream::find_start_code;
use kinora_media::{CodecId, Iv, ProtectionScheme, unescape_rbsp};

use crate::hls::own;
use crate::sample::{Cbc, decrypt_blocks};
use crate::{ContentKey, ProtectError};

/// NAL units of up to so many bytes are clear.
const CLEAR_NAL: usize = 48;
/// Bytes at the start of a NAL unit that are clear.
const NAL_LEADER: usize = 32;
/// Of each ten blocks of a NAL unit one is encrypted, if more follows.
const NAL_PERIOD: usize = 160;
/// Bytes at the start of an audio frame that are clear, counted behind the header of ADTS.
const FRAME_LEADER: usize = 16;
const BLOCK: usize = 16;

/// Decrypts a packet of SAMPLE-AES as MPEG-TS carries it: an access unit of H.264 with start codes, or a frame of AAC
/// (without its ADTS header), AC-3 or E-AC-3. The vector is that of the playlist.
///
/// # Errors
/// When the codec has no such encryption, or the key is none of AES-128.
pub fn decrypt_sample_aes(
    codec: CodecId,
    key: &ContentKey,
    iv: Iv,
    data: Bytes,
) -> Result<Bytes, ProtectError> {
    let chain = Chain {
        cipher: Aes128::new(&Array::from(key.sized::<16>()?)),
        iv,
    };
    match codec {
        CodecId::H264 => Ok(chain.access_unit(data)),
        CodecId::Aac => {
            let mut frame = own(data);
            chain.frame(&mut frame);
            Ok(frame.freeze())
        }
        CodecId::Ac3 | CodecId::Eac3 => {
            let mut frames = own(data);
            chain.sync_frames(&mut frames);
            Ok(frames.freeze())
        }
        _ => Err(ProtectError::Scheme(ProtectionScheme::SampleAes)),
    }
}

/// The chain of blocks begins anew with each NAL unit and each frame.
struct Chain {
    cipher: Aes128,
    iv: Iv,
}

impl Chain {
    fn begin(&self) -> Cbc {
        Cbc::inner_iv_init(self.cipher.clone(), &Array::from(self.iv.0))
    }

    fn access_unit(&self, data: Bytes) -> Bytes {
        let mut clear = BytesMut::new();
        let mut copied = 0;
        let mut next = find_start_code(&data, 0);
        while let Some(start) = next {
            let begin = start.saturating_add(3);
            next = find_start_code(&data, begin);
            let unit = data
                .get(begin..next.unwrap_or(data.len()))
                .unwrap_or_default();
            // Zeros behind a unit are none of it; it ends with a byte that is clear and not zero.
            let zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
            let len = unit.len().saturating_sub(zeros);
            let Some(unit) = unit.get(..len).filter(|unit| is_encrypted(unit)) else {
                continue;
            };
            clear.extend_from_slice(data.get(copied..begin).unwrap_or_default());
            clear.extend_from_slice(&self.nal_unit(unit));
            copied = begin.saturating_add(len);
        }
        if copied == 0 {
            return data;
        }
        clear.extend_from_slice(data.get(copied..).unwrap_or_default());
        clear.freeze()
    }

    /// Emulation prevention was put in once more over what was encrypted.
    fn nal_unit(&self, unit: &[u8]) -> Vec<u8> {
        let mut unit = unescape_rbsp(unit);
        let mut cipher = self.begin();
        for period in unit
            .get_mut(NAL_LEADER..)
            .unwrap_or_default()
            .chunks_mut(NAL_PERIOD)
        {
            // A last block is clear when nothing is behind it.
            if period.len() > BLOCK
                && let Some(block) = period.first_chunk_mut::<BLOCK>()
            {
                decrypt_blocks(&mut cipher, core::slice::from_mut(block));
            }
        }
        unit
    }

    fn frame(&self, frame: &mut [u8]) {
        let body = frame.get_mut(FRAME_LEADER..).unwrap_or_default();
        let (blocks, _) = body.as_chunks_mut();
        decrypt_blocks(&mut self.begin(), blocks);
    }

    /// A packet of E-AC-3 may hold several frames: dependent ones follow an independent one.
    fn sync_frames(&self, mut frames: &mut [u8]) {
        while let Ok(header) = FrameHeader::parse(frames) {
            let len = header.frame_len.clamp(1, frames.len());
            let (frame, rest) = frames.split_at_mut(len);
            self.frame(frame);
            frames = rest;
        }
    }
}

/// Slices are, and those of IDR pictures (`nal_unit_type` 1 and 5), unless they are short.
fn is_encrypted(unit: &[u8]) -> bool {
    let kind = unit.first().map(|head| head & 31);
    matches!(kind, Some(1 | 5)) && unit.len() > CLEAR_NAL
}

#[cfg(test)]
mod tests;
