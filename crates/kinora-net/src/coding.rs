//! Bodies that a server compressed (RFC 9110 8.4): playlists where it was asked to, and others although `identity` alone was
//! accepted.

use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::NetError;

/// More codings, one around the other, are an attack.
const MAX_CODINGS: usize = 2;
/// A body that expands more than this is an attack.
const MAX_RATIO: u64 = 100;
/// Decoded bytes up to which the ratio is not checked: small bodies may be denser.
const MAX_LEN_UNCHECKED: u64 = 1 << 20;
/// A compressed body beyond that is refused.
const MAX_DECODED: u64 = 1 << 30;
/// Coded bytes that are decoded at a time: at most a thousandfold (RFC 1951), which bounds the memory. What Brotli makes of them
/// is bounded by [`Bounded`].
const STEP_LEN: usize = 1024;
/// What Brotli gives at a time.
const BROTLI_BUFFER: usize = 4096;
/// The codings that are asked for where a body may have one.
pub(crate) const ACCEPTED: &str = "br, gzip";

/// Decodes the content codings of one body, the last applied first.
pub(crate) struct ContentDecoder {
    codings: Vec<Coding>,
    bytes_in: u64,
    bytes_out: u64,
}

impl ContentDecoder {
    /// For the value of `Content-Encoding`.
    pub(crate) fn of(value: &str) -> Result<Self, NetError> {
        let unknown = || NetError::ContentEncoding(value.chars().take(32).collect());
        let names = value.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
        let codings: Option<Vec<_>> = names.map(Coding::of).collect();
        let mut codings = codings.ok_or_else(unknown)?;
        if codings.len() > MAX_CODINGS {
            return Err(unknown());
        }
        codings.reverse();
        Ok(Self {
            codings,
            bytes_in: 0,
            bytes_out: 0,
        })
    }

    /// No coding at all.
    pub(crate) fn is_identity(&self) -> bool {
        self.codings.is_empty()
    }

    /// The next bytes of the body, a step at a time.
    pub(crate) fn decode<'a>(
        &'a mut self,
        coded: &'a [u8],
    ) -> impl Iterator<Item = Result<Vec<u8>, NetError>> + 'a {
        coded.chunks(STEP_LEN).map(move |step| {
            self.bytes_in += step.len() as u64;
            let plain = self.decode_from(step.to_vec(), 0)?;
            self.count(plain)
        })
    }

    /// What is left when the body is over. Fails where it is not complete.
    pub(crate) fn finish(&mut self) -> Result<Vec<u8>, NetError> {
        let mut rest = Vec::new();
        for at in 0..self.codings.len() {
            if let Some(coding) = self.codings.get_mut(at) {
                let last = coding.finish().map_err(damaged)?;
                rest.extend(self.decode_from(last, at + 1)?);
            }
        }
        self.count(rest)
    }

    /// Bytes through the layers from one on; each is bounded by itself.
    fn decode_from(&mut self, mut bytes: Vec<u8>, from: usize) -> Result<Vec<u8>, NetError> {
        for coding in self.codings.iter_mut().skip(from) {
            let max_len = self
                .bytes_in
                .saturating_mul(MAX_RATIO)
                .max(MAX_LEN_UNCHECKED);
            let mut plain = Vec::new();
            for step in bytes.chunks(STEP_LEN) {
                plain.extend(coding.decode(step).map_err(damaged)?);
                if plain.len() as u64 > max_len {
                    return Err(NetError::BadCoding("it unpacks to far more than it is"));
                }
            }
            bytes = plain;
        }
        Ok(bytes)
    }

    fn count(&mut self, plain: Vec<u8>) -> Result<Vec<u8>, NetError> {
        self.bytes_out += plain.len() as u64;
        let max_len = self
            .bytes_in
            .saturating_mul(MAX_RATIO)
            .max(MAX_LEN_UNCHECKED);
        if self.bytes_out > max_len.min(MAX_DECODED) {
            return Err(NetError::BadCoding("it unpacks to far more than it is"));
        }
        Ok(plain)
    }
}

fn damaged(_: io::Error) -> NetError {
    NetError::BadCoding("it is damaged")
}

enum Coding {
    /// RFC 7932.
    Brotli(Box<DecompressorWriter<Bounded>>),
    Gzip(MultiGzDecoder<Vec<u8>>),
    Deflate(Deflate),
}

/// Takes no more of one step than is ever let through: a few bytes of Brotli may stand for gigabytes.
#[derive(Default)]
struct Bounded(Vec<u8>);

/// What one step may come to, the ratio being looked at afterwards.
const MAX_STEP: usize = 8 << 20;

impl Write for Bounded {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(plain.len()) > MAX_STEP {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.0.write(plain)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// RFC 9110 8.4.1.2 means the zlib format; some servers send the bare stream of RFC 1951.
enum Deflate {
    /// Decided by the first bytes; these came so far.
    Undecided(Vec<u8>),
    Zlib(ZlibDecoder<Vec<u8>>),
    Raw(DeflateDecoder<Vec<u8>>),
}

impl Coding {
    fn of(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "br" => {
                let decoder = DecompressorWriter::new(Bounded::default(), BROTLI_BUFFER);
                Some(Self::Brotli(Box::new(decoder)))
            }
            "gzip" | "x-gzip" => Some(Self::Gzip(MultiGzDecoder::new(Vec::new()))),
            "deflate" => Some(Self::Deflate(Deflate::Undecided(Vec::new()))),
            _ => None,
        }
    }

    fn decode(&mut self, coded: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli(decoder) => {
                decoder.write_all(coded)?;
                Ok(std::mem::take(&mut decoder.get_mut().0))
            }
            Self::Gzip(decoder) => {
                decoder.write_all(coded)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(deflate) => deflate.decode(coded),
        }
    }

    fn finish(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli(decoder) => {
                decoder.close()?;
                Ok(std::mem::take(&mut decoder.get_mut().0))
            }
            Self::Gzip(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(Deflate::Zlib(decoder)) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(Deflate::Raw(decoder)) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(Deflate::Undecided(_)) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Deflate {
    fn decode(&mut self, coded: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Undecided(start) => {
                start.extend_from_slice(coded);
                let &[method, flags, ..] = start.as_slice() else {
                    return Ok(Vec::new());
                };
                // RFC 1950 2.2: the method is 8, and both bytes together are a multiple of 31.
                let checked = u16::from_be_bytes([method, flags]) % 31 == 0;
                let start = std::mem::take(start);
                *self = match method & 0x0F == 8 && checked {
                    true => Self::Zlib(ZlibDecoder::new(Vec::new())),
                    false => Self::Raw(DeflateDecoder::new(Vec::new())),
                };
                self.decode(&start)
            }
            Self::Zlib(decoder) => {
                decoder.write_all(coded)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Raw(decoder) => {
                decoder.write_all(coded)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
        }
    }
}
