//! Packets of libavformat, whose bytes are lent.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::Palette;

use super::tracks::MAX_CONFIG;
use crate::library::Ffmpeg;
use crate::raw::{NO_PTS, PALETTE, Status, get};

/// `AV_PKT_FLAG_*`.
const KEY: c_int = 1;
const DISCARD: c_int = 4;
const DISPOSABLE: c_int = 0x10;
/// `AV_PKT_DATA_*`: what goes with a packet.
const NEW_EXTRADATA: c_int = 1;
const SKIP_SAMPLES: c_int = 11;

/// An `AVPacket`.
pub(super) struct RawPacket {
    ffmpeg: Arc<Ffmpeg>,
    packet: NonNull<c_void>,
}

// SAFETY: a packet is filled by one thread before it is handed on; its bytes are counted with atomics and only read.
unsafe impl Send for RawPacket {}

impl RawPacket {
    /// A blank one.
    pub(super) fn new(ffmpeg: &Arc<Ffmpeg>) -> Result<Self, Status> {
        // SAFETY: allocates a struct or gives null.
        let packet = NonNull::new(unsafe { (ffmpeg.call.av_packet_alloc)() });
        Ok(Self {
            ffmpeg: Arc::clone(ffmpeg),
            packet: packet.ok_or(Status::NO_MEMORY)?,
        })
    }

    pub(super) fn as_ptr(&self) -> NonNull<c_void> {
        self.packet
    }

    fn int(&self, offset: usize) -> c_int {
        // SAFETY: the packet is live and the table says that an int lies there.
        unsafe { get(self.packet, offset) }
    }

    fn time(&self, offset: usize) -> i64 {
        // SAFETY: the packet is live and the table says that a 64-bit number lies there.
        unsafe { get(self.packet, offset) }
    }

    pub(super) fn stream(&self) -> u32 {
        u32::try_from(self.int(self.ffmpeg.abi.packet_stream_index)).unwrap_or(u32::MAX)
    }
    pub(super) fn pts(&self) -> Option<i64> {
        Some(self.time(self.ffmpeg.abi.packet_pts)).filter(|time| *time != NO_PTS)
    }
    pub(super) fn dts(&self) -> Option<i64> {
        Some(self.time(self.ffmpeg.abi.packet_dts)).filter(|time| *time != NO_PTS)
    }
    /// Zero when unknown.
    pub(super) fn duration(&self) -> i64 {
        self.time(self.ffmpeg.abi.packet_duration).max(0)
    }
    pub(super) fn is_key(&self) -> bool {
        self.int(self.ffmpeg.abi.packet_flags) & KEY != 0
    }
    pub(super) fn is_discarded(&self) -> bool {
        self.int(self.ffmpeg.abi.packet_flags) & DISCARD != 0
    }
    pub(super) fn is_disposable(&self) -> bool {
        self.int(self.ffmpeg.abi.packet_flags) & DISPOSABLE != 0
    }

    /// The configuration with which it, and what follows it, is decoded, where that changes.
    pub(super) fn new_config(&self) -> Option<&[u8]> {
        let config = self.side_data(NEW_EXTRADATA)?;
        (config.len() <= MAX_CONFIG).then_some(config)
    }

    /// What the numbers of its pixels stand for, where that changes.
    pub(super) fn new_palette(&self) -> Option<Palette> {
        let (colors, _) = self.side_data(PALETTE)?.as_chunks::<4>();
        Some(Palette::new(
            colors.iter().map(|it| u32::from_ne_bytes(*it)),
        ))
    }

    /// Samples at its end that are not to be heard.
    pub(super) fn cut_samples(&self) -> u32 {
        // Samples at its begin, those at its end, reasons for both.
        let cut = self
            .side_data(SKIP_SAMPLES)
            .and_then(|data| data.get(4..)?.first_chunk());
        cut.map_or(0, |cut| u32::from_le_bytes(*cut))
    }

    fn side_data(&self, kind: c_int) -> Option<&[u8]> {
        let mut len = 0usize;
        // SAFETY: the packet is live; the length is written where it is told to.
        let data = unsafe {
            (self.ffmpeg.call.av_packet_get_side_data)(self.packet.as_ptr(), kind, &mut len)
        };
        if data.is_null() || len == 0 {
            return None;
        }
        // SAFETY: so many bytes lie there; nobody writes to them, and they live as long as the packet does.
        Some(unsafe { std::slice::from_raw_parts(data, len) })
    }

    /// Its bytes, without a copy.
    pub(super) fn into_bytes(self) -> Bytes {
        match self.as_ref().is_empty() {
            true => Bytes::new(),
            false => Bytes::from_owner(self),
        }
    }
}

impl AsRef<[u8]> for RawPacket {
    fn as_ref(&self) -> &[u8] {
        let len = usize::try_from(self.int(self.ffmpeg.abi.packet_size)).unwrap_or(0);
        // SAFETY: the packet is live and the table says that a pointer lies there.
        let data: *const u8 = unsafe { get(self.packet, self.ffmpeg.abi.packet_data) };
        if data.is_null() || len == 0 {
            return &[];
        }
        // SAFETY: a packet that was read has so many bytes there, nobody writes to them, and they live as long as it does.
        unsafe { std::slice::from_raw_parts(data, len) }
    }
}

impl Drop for RawPacket {
    fn drop(&mut self) {
        // SAFETY: allocated by `new`, not used again.
        unsafe { (self.ffmpeg.call.av_packet_free)(&mut self.packet.as_ptr()) };
    }
}
