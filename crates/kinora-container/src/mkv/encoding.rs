//! What was done to the frames of a track before they were stored, and how it is undone (RFC 9559 5.1.4.1.31; WebM
//! container guidelines, "WebM encryption").

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use kinora_media::{
    CodecId, Iv, KeyId, Protection, ProtectionScheme, SampleCrypto, SampleIv, SampleProtection,
    Subsamples,
};

use super::ebml::{Element, children};
use super::{id, omitted};

/// More encodings than anybody stacks.
const MAX_ENCODINGS: usize = 8;
/// A frame may unfold to so many bytes.
const MAX_UNFOLDED: usize = 16 * 1024 * 1024;
/// Bytes of the vector of each frame.
const IV_LEN: u8 = 8;

/// How frames are stored, in the order in which it is undone.
#[derive(Clone, Debug, Default)]
pub(super) struct Encodings {
    steps: Vec<Step>,
    /// The same of the codec's configuration.
    config_steps: Vec<Step>,
    /// Encoded in a way that can not be undone here.
    pub(super) unknown: Option<&'static str>,
}

#[derive(Clone, Debug)]
enum Step {
    /// Frames begin with these bytes, which are not stored.
    Header(Bytes),
    Zlib,
    Encrypted(Encryption),
    /// The codec's mapping leaves headers out.
    ProRes,
    /// The same, with the version that they have.
    WavPack([u8; 2]),
}

#[derive(Clone, Debug)]
struct Encryption {
    key_id: KeyId,
    scheme: ProtectionScheme,
}

/// A frame can not be restored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadFrame;

/// A frame as its decoder takes it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Restored {
    pub(super) data: Bytes,
    pub(super) crypto: Option<Arc<SampleCrypto>>,
}

/// RFC 9559 5.1.4.1.31.3.
mod scope {
    pub(super) const FRAMES: u64 = 1;
    pub(super) const CONFIG: u64 = 2;
}

/// One `ContentEncoding`.
struct ContentEncoding {
    order: u64,
    scope: u64,
    step: Result<Step, &'static str>,
}

impl Encodings {
    pub(super) fn parse(encodings: &Element) -> Self {
        let mut all: Vec<ContentEncoding> = children(&encodings.body)
            .filter(|child| child.id == id::CONTENT_ENCODING)
            .take(MAX_ENCODINGS)
            .map(|child| ContentEncoding::parse(&child))
            .collect();
        // The one of the highest order was done last: it is undone first.
        all.sort_by_key(|encoding| core::cmp::Reverse(encoding.order));
        let mut found = Self::default();
        for encoding in all {
            match encoding.step {
                Ok(step) => {
                    if encoding.scope & scope::CONFIG != 0 {
                        found.config_steps.push(step.clone());
                    }
                    if encoding.scope & scope::FRAMES != 0 {
                        found.steps.push(step);
                    }
                }
                Err(name) => found.unknown = Some(name),
            }
        }
        found
    }

    /// Puts back last what the mapping of a codec leaves out of its frames.
    pub(super) fn undo_mapping(&mut self, codec: CodecId, config: &[u8]) {
        let is_wavpack = CodecId::by_name("wavpack") == Some(codec);
        let step = match config.first_chunk() {
            _ if codec == CodecId::ProRes => Step::ProRes,
            Some(version) if is_wavpack => Step::WavPack(*version),
            _ => return,
        };
        self.steps.push(step);
    }

    /// How the track is protected, if it is.
    pub(super) fn protection(&self) -> Option<Protection> {
        let encryption = self.steps.iter().find_map(|step| match step {
            Step::Encrypted(encryption) => Some(encryption),
            _ => None,
        })?;
        Some(Protection {
            default: Some(SampleProtection {
                key_id: encryption.key_id,
                iv: SampleIv::PerSample(IV_LEN),
                pattern: None,
            }),
            ..Protection::of_scheme(encryption.scheme)
        })
    }

    /// The configuration as it was before.
    pub(super) fn restore_config(&self, config: Bytes) -> Result<Bytes, BadFrame> {
        self.config_steps
            .iter()
            .try_fold(config, |config, step| match step {
                Step::Header(header) => Ok(joined(header, &config)),
                Step::Zlib => unfold(&config),
                _ => Err(BadFrame),
            })
    }

    /// A frame as it was before, but for its encryption, which is told.
    pub(super) fn restore(&self, frame: Bytes) -> Result<Restored, BadFrame> {
        let mut restored = Restored {
            data: frame,
            crypto: None,
        };
        for step in &self.steps {
            restored.data = match step {
                // What is still encrypted can not be unfolded.
                _ if restored.crypto.is_some() => return Err(BadFrame),
                Step::Header(header) => joined(header, &restored.data),
                Step::Zlib => unfold(&restored.data)?,
                Step::Encrypted(encryption) => {
                    let (data, crypto) = encryption.read(restored.data)?;
                    restored.crypto = crypto;
                    data
                }
                Step::ProRes => omitted::prores(restored.data),
                Step::WavPack(version) => omitted::wavpack(&restored.data, *version)?,
            };
        }
        Ok(restored)
    }
}

impl ContentEncoding {
    fn parse(element: &Element) -> Self {
        let (mut order, mut scope, mut kind) = (0, scope::FRAMES, 0);
        let (mut compression, mut encryption) = (None, None);
        for child in children(&element.body) {
            match child.id {
                id::CONTENT_ENCODING_ORDER => order = child.uint().unwrap_or(0),
                id::CONTENT_ENCODING_SCOPE => scope = child.uint().unwrap_or(scope),
                id::CONTENT_ENCODING_TYPE => kind = child.uint().unwrap_or(0),
                id::CONTENT_COMPRESSION => compression = Some(child),
                id::CONTENT_ENCRYPTION => encryption = Some(child),
                _ => {}
            }
        }
        let step = match kind {
            0 => compressed(compression.as_ref()),
            1 => Ok(Step::Encrypted(Encryption::parse(encryption.as_ref()))),
            _ => Err("an unknown encoding"),
        };
        Self { order, scope, step }
    }
}

/// RFC 9559 5.1.4.1.31.5.
fn compressed(element: Option<&Element>) -> Result<Step, &'static str> {
    let (mut algorithm, mut settings) = (0, Bytes::new());
    for child in element.iter().flat_map(|element| children(&element.body)) {
        match child.id {
            id::CONTENT_COMP_ALGO => algorithm = child.uint().unwrap_or(u64::MAX),
            id::CONTENT_COMP_SETTINGS => settings = child.body,
            _ => {}
        }
    }
    match algorithm {
        0 => Ok(Step::Zlib),
        1 => Err("bzip2"),
        2 => Err("LZO"),
        3 => Ok(Step::Header(settings)),
        _ => Err("an unknown compression"),
    }
}

impl Encryption {
    /// RFC 9559 5.1.4.1.31.8: AES in counter mode is what WebM has; nobody knows how else frames would look.
    fn parse(element: Option<&Element>) -> Self {
        let (mut algorithm, mut mode, mut key) = (0, 1, Bytes::new());
        for child in element.iter().flat_map(|element| children(&element.body)) {
            match child.id {
                id::CONTENT_ENC_ALGO => algorithm = child.uint().unwrap_or(0),
                id::CONTENT_ENC_KEY_ID => key = child.body,
                id::CONTENT_ENC_AES_SETTINGS => {
                    let found = super::ebml::find(&child.body, id::AES_SETTINGS_CIPHER_MODE);
                    mode = found.and_then(|mode| mode.uint()).unwrap_or(mode);
                }
                _ => {}
            }
        }
        Self {
            key_id: key_id(&key),
            scheme: match (algorithm, mode) {
                (5, 1) => ProtectionScheme::Cenc,
                (5, _) => ProtectionScheme::Other(*b"aes "),
                _ => ProtectionScheme::Other(*b"mkv "),
            },
        }
    }

    /// Takes off what stands before a frame: a signal byte; of an encrypted one its vector, and where its partitions
    /// begin.
    fn read(&self, mut frame: Bytes) -> Result<(Bytes, Option<Arc<SampleCrypto>>), BadFrame> {
        const ENCRYPTED: u8 = 1;
        const PARTITIONED: u8 = 2;
        if self.scheme != ProtectionScheme::Cenc {
            return Ok((frame, None));
        }
        let signal = frame.try_get_u8().map_err(|_| BadFrame)?;
        if signal & ENCRYPTED == 0 {
            return Ok((frame, None));
        }
        if frame.len() < usize::from(IV_LEN) {
            return Err(BadFrame);
        }
        let iv = frame.split_to(IV_LEN.into());
        let subsamples = match signal & PARTITIONED {
            0 => Subsamples::default(),
            _ => partitions(&mut frame)?,
        };
        let crypto = SampleCrypto {
            scheme: self.scheme,
            key_id: self.key_id,
            iv: Iv::from_wire(&iv).ok_or(BadFrame)?,
            pattern: None,
            subsamples,
        };
        Ok((frame, Some(Arc::new(crypto))))
    }
}

/// Key systems name WebM's keys by 16 bytes as those of MP4; a shorter name is followed by zeros.
fn key_id(name: &[u8]) -> KeyId {
    let mut id = [0; 16];
    for (byte, named) in id.iter_mut().zip(name) {
        *byte = *named;
    }
    KeyId(id)
}

/// Where clear and encrypted bytes begin by turns, clear ones first; as runs of both (ISO/IEC 23001-7 7.2).
fn partitions(frame: &mut Bytes) -> Result<Subsamples, BadFrame> {
    let count = usize::from(frame.try_get_u8().map_err(|_| BadFrame)?);
    let mut offsets = Vec::with_capacity(count.saturating_add(1));
    for _ in 0..count {
        offsets.push(frame.try_get_u32().map_err(|_| BadFrame)?);
    }
    offsets.push(u32::try_from(frame.len()).map_err(|_| BadFrame)?);
    if !offsets.is_sorted() {
        return Err(BadFrame);
    }
    let mut entries = BytesMut::new();
    let mut from = 0u32;
    for run in offsets.chunks(2) {
        let (clear_end, end) = match *run {
            [clear_end, end] => (clear_end, end),
            [clear_end] => (clear_end, clear_end),
            _ => break,
        };
        let mut clear = clear_end.saturating_sub(from);
        while clear > u32::from(u16::MAX) {
            entries.put_u16(u16::MAX);
            entries.put_u32(0);
            clear = clear.saturating_sub(u16::MAX.into());
        }
        entries.put_u16(u16::try_from(clear).map_err(|_| BadFrame)?);
        entries.put_u32(end.saturating_sub(clear_end));
        from = end;
    }
    Ok(Subsamples::from_wire(entries.freeze()))
}

fn joined(header: &[u8], rest: &[u8]) -> Bytes {
    let mut whole = BytesMut::with_capacity(header.len().saturating_add(rest.len()));
    whole.put_slice(header);
    whole.put_slice(rest);
    whole.freeze()
}

/// RFC 1950.
fn unfold(data: &[u8]) -> Result<Bytes, BadFrame> {
    let mut zlib = Decompress::new(true);
    let mut out = Vec::with_capacity(data.len().saturating_mul(4).clamp(256, MAX_UNFOLDED));
    loop {
        let (read, written) = (zlib.total_in(), zlib.total_out());
        let from = usize::try_from(read).map_err(|_| BadFrame)?;
        let rest = data.get(from..).unwrap_or_default();
        let status = zlib.decompress_vec(rest, &mut out, FlushDecompress::None);
        let status = status.map_err(|_| BadFrame)?;
        if out.len() > MAX_UNFOLDED {
            return Err(BadFrame);
        }
        if status == Status::StreamEnd {
            return Ok(out.into());
        }
        if out.len() == out.capacity() {
            out.reserve(out.len().clamp(256, 1 << 20));
        } else if (zlib.total_in(), zlib.total_out()) == (read, written) {
            return Err(BadFrame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_media::Subsample;

    fn subsamples(mut frame: &'static [u8], len: usize) -> Result<Vec<(u16, u32)>, BadFrame> {
        let mut whole = frame.to_vec();
        frame = &[];
        whole.resize(whole.len() + len + frame.len(), 0);
        let found = partitions(&mut Bytes::from(whole))?;
        let pair = |part: Subsample| (part.clear, part.protected);
        Ok(found.iter().map(pair).collect())
    }

    #[test]
    fn partitions_are_runs_of_clear_and_encrypted_bytes() {
        assert_eq!(subsamples(b"\x01\0\0\0\x05", 20), Ok(vec![(5, 15)]));
        let three = b"\x03\0\0\0\x05\0\0\0\x0a\0\0\0\x0c";
        assert_eq!(subsamples(three, 20), Ok(vec![(5, 5), (2, 8)]));
        let two = b"\x02\0\0\0\x05\0\0\0\x0a";
        assert_eq!(subsamples(two, 20), Ok(vec![(5, 5), (10, 0)]));
        let long = b"\x01\0\x01\0\x05";
        assert_eq!(subsamples(long, 65_550), Ok(vec![(65_535, 0), (6, 9)]));
        assert_eq!(subsamples(b"\x01\0\0\0\x15", 20), Err(BadFrame));
        assert_eq!(subsamples(b"\x02\0\0\0\x05", 0), Err(BadFrame));
    }

    #[test]
    fn folded_frames_are_unfolded() {
        use std::io::Write as _;
        let text = b"0123456789".repeat(1_000);
        let mut folded = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        folded.write_all(&text).unwrap();
        let folded = folded.finish().unwrap();
        assert_eq!(unfold(&folded).unwrap(), text);
        for end in 0..folded.len() {
            assert_eq!(unfold(&folded[..end]), Err(BadFrame));
        }
        assert_eq!(unfold(b"no zlib"), Err(BadFrame));
    }

    #[test]
    fn a_frame_that_unfolds_without_end_is_refused() {
        use std::io::Write as _;
        let mut folded = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        folded.write_all(&vec![0; MAX_UNFOLDED + 1]).unwrap();
        assert!(unfold(&folded.finish().unwrap()).is_err());
    }
}
