//! How a segment is decrypted: as a whole before its demuxer, or packet by packet behind it.

use std::sync::Arc;

use kinora_errors::{Coded, Fault, Secret};
use kinora_media::{CodecId, MediaInfo, Packet, ProtectionScheme, TrackInfo};
use kinora_protect::{
    ContentKey, HlsDecryptor, Iv, ProtectError, Scheme, can_decrypt, decrypt_sample,
    decrypt_sample_aes,
};

use super::index::{IdentityKey, Key};
use crate::cx::Cx;
use crate::tape::Tape;

/// What SAMPLE-AES is defined for beside MP4, whose tracks always say that they are encrypted.
const SAMPLE_AES_CONTAINERS: [&str; 3] = ["ts", "adts", "ac3"];

pub(super) enum Decryption {
    /// It is clear, or its packets name keys that the stage behind has.
    NotNeeded,
    /// The key is not there.
    Locked(IdentityKey),
    Segment(Box<HlsDecryptor>),
    /// Whatever keys packets name, this is theirs: it is what the playlist says of them (RFC 8216 4.3.2.4).
    Samples {
        key: ContentKey,
        iv: Iv,
    },
}

impl Decryption {
    pub(super) fn of(key: Option<&Key>) -> Self {
        match key {
            Some(Key::Identity(key)) => Self::Locked(key.clone()),
            // What is foreign is not read at all.
            Some(Key::Named(_) | Key::Foreign(_)) | None => Self::NotNeeded,
        }
    }

    /// The key is there.
    pub(super) fn begin(key: &ContentKey, of: &IdentityKey) -> Result<Self, ProtectError> {
        Ok(match of.scheme {
            Scheme::Clear => Self::NotNeeded,
            Scheme::Segments(cipher) => {
                Self::Segment(Box::new(HlsDecryptor::new(cipher, key, of.iv)?))
            }
            Scheme::Samples(_) => Self::Samples {
                key: key.clone(),
                iv: of.iv,
            },
        })
    }

    /// The last byte of the segment came; packets may still.
    pub(super) fn end_of_segment(&mut self) -> Option<Box<HlsDecryptor>> {
        match std::mem::replace(self, Self::NotNeeded) {
            Self::Segment(decryptor) => Some(decryptor),
            other => {
                *self = other;
                None
            }
        }
    }

    /// The headers, as they are once the packets are clear.
    pub(super) fn info(&self, info: Arc<MediaInfo>) -> Arc<MediaInfo> {
        let Self::Samples { .. } = self else {
            return info;
        };
        let mut clear = MediaInfo::clone(&info);
        for track in &mut clear.tracks {
            let scheme = track
                .protection
                .as_ref()
                .map(|protection| protection.scheme);
            if scheme.is_some_and(is_of_playlist) {
                track.protection = None;
            }
        }
        Arc::new(clear)
    }

    /// A packet in the clear, if the key of the segment is that of its samples; `info` is what its demuxer said. `None`:
    /// it is damaged.
    pub(super) fn packet(
        &self,
        tape: &Tape,
        info: &MediaInfo,
        mut packet: Packet,
    ) -> Option<Packet> {
        let Self::Samples { key, iv } = self else {
            return Some(packet);
        };
        let crypto = packet.crypto.take();
        let scheme = crypto.as_ref().map(|crypto| crypto.scheme);
        if scheme.is_none() && !is_undeclared(info) {
            return Some(packet);
        }
        let data = std::mem::take(&mut packet.data);
        if let Some(crypto) = crypto.filter(|it| it.scheme != ProtectionScheme::SampleAes) {
            packet.data = decrypt_sample(key, &crypto, data).ok()?;
            return Some(packet);
        }
        let codec = info
            .track(packet.track)
            .map_or(CodecId::UnknownData, |track| track.codec);
        packet.data = match decrypt_sample_aes(codec, key, *iv, data.clone()) {
            Ok(clear) => clear,
            // Timed metadata and the like.
            Err(ProtectError::Scheme(_)) if scheme.is_none() => data,
            Err(_) => return None,
        };
        if codec == CodecId::H264 {
            // Emulation prevention goes with the cipher; how much of it there was, only the content tells.
            let len = tape.see("clear", || packet.data.len());
            packet.data.truncate(len);
        }
        Some(packet)
    }
}

/// A key came. Its length is seen, never the key itself.
pub(super) fn add_key(cx: &mut Cx, url: Secret, data: &[u8]) -> Result<(), Fault> {
    let mut key = None;
    let length = cx.tape.try_see("key", || {
        let read = ContentKey::from_bytes(data).map_err(|error| error.fault())?;
        let length = read.expose().len();
        key = Some(read);
        Ok(length)
    })?;
    let blank = || match length {
        32 => ContentKey::of_256_bits([0; 32]),
        _ => ContentKey::new([0; 16]),
    };
    cx.keys.uris.add(url, key.unwrap_or_else(blank));
    Ok(())
}

/// Packagers leave the types of streams as they are, and packed audio has none: then all streams are encrypted.
fn is_undeclared(info: &MediaInfo) -> bool {
    let is_declared = |track: &TrackInfo| track.protection.is_some();
    SAMPLE_AES_CONTAINERS.contains(&info.container) && !info.tracks.iter().any(is_declared)
}

/// Samples whose key the playlist gives: those of MPEG-TS, and `cbcs` and `cenc` in MP4 (RFC 8216, second edition, 4.4.4.4).
fn is_of_playlist(scheme: ProtectionScheme) -> bool {
    scheme == ProtectionScheme::SampleAes || can_decrypt(scheme)
}
