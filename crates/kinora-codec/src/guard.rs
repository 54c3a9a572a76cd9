//! A panic inside a decoder becomes its error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kinora_media::CodecId;

use crate::DecodeError;

/// Runs a step of a decoder that is not ours. After a panic the decoder must not be used again: its state is
/// unknown, and the caller drops it.
pub(crate) fn guarded<T>(codec: CodecId, step: impl FnOnce() -> T) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let what = said.or_else(|| panic.downcast_ref::<String>().cloned());
        DecodeError::Broken {
            codec,
            what: what.unwrap_or_else(|| "it panicked".into()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_a_decoder_is_its_error() {
        let error = guarded(CodecId::H264, || panic!("index 7 of 3")).unwrap_err();
        assert_eq!(
            error,
            DecodeError::Broken {
                codec: CodecId::H264,
                what: "index 7 of 3".into()
            }
        );
    }
}
