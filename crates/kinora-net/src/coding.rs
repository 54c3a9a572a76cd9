//! Bodies that a server compressed (RFC 9110 8.4), which some do although `identity` alone was asked for.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::NetError;

/// More codings, one around the other, are an attack.
const MAX_CODINGS: usize = 2;
/// What has more bytes than so many times those that came is an attack.
const MAX_RATIO: u64 = 100;
/// Small answers may be denser than that.
const RATIO_FREE: u64 = 1 << 20;
/// A compressed body beyond that is refused.
const MAX_DECODED: u64 = 1 << 30;
/// So many bytes are expanded at a time: at most a thousandfold (RFC 1951), which bounds the memory.
const STEP: usize = 1024;

/// Takes the codings of one body off, the last applied first.
pub(crate) struct Decoder {
    layers: Vec<Layer>,
    taken: u64,
    given: u64,
}

impl Decoder {
    /// For the value of `Content-Encoding`.
    pub(crate) fn of(value: &str) -> Result<Self, NetError> {
        let unknown = || NetError::ContentEncoding(value.chars().take(32).collect());
        let names = value.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
        let layers: Option<Vec<_>> = names.map(Layer::of).collect();
        let mut layers = layers.ok_or_else(unknown)?;
        if layers.len() > MAX_CODINGS {
            return Err(unknown());
        }
        layers.reverse();
        Ok(Self {
            layers,
            taken: 0,
            given: 0,
        })
    }

    /// No coding at all.
    pub(crate) fn is_identity(&self) -> bool {
        self.layers.is_empty()
    }

    /// The next bytes of the body, a step at a time.
    pub(crate) fn decode<'a>(
        &'a mut self,
        coded: &'a [u8],
    ) -> impl Iterator<Item = Result<Vec<u8>, NetError>> + 'a {
        coded.chunks(STEP).map(move |step| {
            self.taken += step.len() as u64;
            let plain = self.through(step.to_vec(), 0)?;
            self.count(plain)
        })
    }

    /// What is left when the body is over. Fails where it is not complete.
    pub(crate) fn finish(&mut self) -> Result<Vec<u8>, NetError> {
        let mut rest = Vec::new();
        for at in 0..self.layers.len() {
            if let Some(layer) = self.layers.get_mut(at) {
                let last = layer.finish().map_err(damaged)?;
                rest.extend(self.through(last, at + 1)?);
            }
        }
        self.count(rest)
    }

    /// Bytes through the layers from one on; each is bounded by itself.
    fn through(&mut self, mut bytes: Vec<u8>, from: usize) -> Result<Vec<u8>, NetError> {
        for layer in self.layers.iter_mut().skip(from) {
            let most = self.taken.saturating_mul(MAX_RATIO).max(RATIO_FREE);
            let mut plain = Vec::new();
            for step in bytes.chunks(STEP) {
                plain.extend(layer.decode(step).map_err(damaged)?);
                if plain.len() as u64 > most {
                    return Err(NetError::BadCoding("it unpacks to far more than it is"));
                }
            }
            bytes = plain;
        }
        Ok(bytes)
    }

    fn count(&mut self, plain: Vec<u8>) -> Result<Vec<u8>, NetError> {
        self.given += plain.len() as u64;
        let most = self.taken.saturating_mul(MAX_RATIO).max(RATIO_FREE);
        if self.given > most.min(MAX_DECODED) {
            return Err(NetError::BadCoding("it unpacks to far more than it is"));
        }
        Ok(plain)
    }
}

fn damaged(_: io::Error) -> NetError {
    NetError::BadCoding("it is damaged")
}

enum Layer {
    Gzip(MultiGzDecoder<Vec<u8>>),
    Deflate(Deflate),
}

/// RFC 9110 8.4.1.2 means the zlib format; some servers send the bare stream of RFC 1951.
enum Deflate {
    /// The first bytes tell; these came so far.
    Undecided(Vec<u8>),
    Zlib(ZlibDecoder<Vec<u8>>),
    Raw(DeflateDecoder<Vec<u8>>),
}

impl Layer {
    fn of(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip(MultiGzDecoder::new(Vec::new()))),
            "deflate" => Some(Self::Deflate(Deflate::Undecided(Vec::new()))),
            _ => None,
        }
    }

    fn decode(&mut self, coded: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(decoder) => {
                decoder.write_all(coded)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(deflate) => deflate.decode(coded),
        }
    }

    fn finish(&mut self) -> io::Result<Vec<u8>> {
        match self {
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
            Self::Undecided(begun) => {
                begun.extend_from_slice(coded);
                let &[method, flags, ..] = begun.as_slice() else {
                    return Ok(Vec::new());
                };
                // RFC 1950 2.2: the method is 8, and both bytes together are a multiple of 31.
                let checked = u16::from_be_bytes([method, flags]) % 31 == 0;
                let begun = std::mem::take(begun);
                *self = match method & 0x0F == 8 && checked {
                    true => Self::Zlib(ZlibDecoder::new(Vec::new())),
                    false => Self::Raw(DeflateDecoder::new(Vec::new())),
                };
                self.decode(&begun)
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
