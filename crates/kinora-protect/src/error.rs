use kinora_errors::{Code, Coded, Fault, Retry, codes};
use kinora_media::ProtectionScheme;

use crate::clear_key::LicenceFlaw;

/// Why protected media cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProtectError {
    /// A key of another length than its cipher takes.
    #[error("the key has {length} bytes instead of {wanted}: the key server sent something else")]
    KeyLength {
        /// Its bytes.
        length: usize,
        /// Those of the cipher's keys.
        wanted: usize,
    },
    /// The end of the segment does not decrypt to padding.
    #[error(
        "the segment does not decrypt to valid padding: the key or the IV is another one, or the segment is damaged"
    )]
    WrongKey,
    /// The segment is no whole number of cipher blocks.
    #[error(
        "the encrypted segment has {length} bytes, which is no multiple of 16 above 0: it was cut"
    )]
    Truncated {
        /// Its bytes.
        length: u64,
    },
    /// The clear and protected parts of a packet are longer than the packet.
    #[error("the subsamples of an encrypted packet are longer than the packet")]
    Subsamples,
    /// Packets are encrypted by another scheme than those of common encryption.
    #[error("the packets are encrypted by {0}, which is not supported")]
    Scheme(ProtectionScheme),
    /// Keys are given by key systems only of which none is at hand.
    #[error("the playlist gives keys by {0} only, whose licences are not to be had here")]
    KeySystems(String),
    /// A body that is no licence of ClearKey.
    #[error("the ClearKey licence can not be used: {0}")]
    Licence(#[from] LicenceFlaw),
    /// A method of the playlist that is not known.
    #[error("the playlist asks for decryption by {0}, which is not supported")]
    Unsupported(String),
    /// The vendor's private scheme.
    #[error("the stream is encrypted by AliyunVoDEncryption, which is not public")]
    Vendor,
}

impl Coded for ProtectError {
    fn code(&self) -> Code {
        match self {
            Self::KeyLength { .. } | Self::WrongKey | Self::Truncated { .. } | Self::Subsamples => {
                codes::ERROR_DEMUXER_OPENSTREAM
            }
            Self::Scheme(_) | Self::KeySystems(_) | Self::Unsupported(_) | Self::Vendor => {
                codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED
            }
            Self::Licence(_) => codes::ERROR_SERVER_WRONG_JSON,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::KeyLength { .. } => "hls.key.length",
            Self::WrongKey => "hls.key.wrong",
            Self::Truncated { .. } => "hls.segment.truncated",
            Self::Subsamples => "container.encrypted.subsamples",
            Self::Scheme(_) => "container.encrypted",
            Self::KeySystems(_) => "hls.key.system",
            Self::Licence(_) => "clearkey.licence",
            Self::Unsupported(_) => "hls.key.method",
            Self::Vendor => "hls.key.vendor",
        }
    }
    fn fault(&self) -> Fault {
        let retry = match self {
            // A cut transfer may come whole the next time.
            Self::Truncated { .. } => Retry::Backoff,
            _ => Retry::Never,
        };
        Fault::new(self.code(), self.reason())
            .cause(self)
            .retry_class(retry)
    }
}
