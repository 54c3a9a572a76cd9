//! What comes from a licence server, and packets that are encrypted.

use bytes::Bytes;
use kinora_errors::Coded;
use kinora_media::{CodecId, Iv, KeyId};
use kinora_protect::{ContentKey, KeySystem, clear_key, decrypt_sample_aes};

use crate::Work;

const CODECS: [CodecId; 4] = [CodecId::H264, CodecId::Aac, CodecId::Ac3, CodecId::Eac3];

pub(crate) fn protect(data: &[u8]) -> Work {
    let mut work = licence(data);
    let text = String::from_utf8_lossy(data);
    let (format, uri) = text.split_once('\n').unwrap_or((&text, ""));
    if let Some(system) = KeySystem::of_hls_key(format, Some(uri)) {
        assert!(system.to_string().len() < 100, "a system has a name");
    }
    // One buffer for all: what is shared is copied and stays as it is.
    let packet = Bytes::copy_from_slice(data);
    let key = ContentKey::new([7; 16]);
    for codec in CODECS {
        let clear = decrypt_sample_aes(codec, &key, Iv::default(), packet.clone());
        let len = clear.map_or(0, |clear| clear.len());
        assert!(len <= data.len(), "nothing is added to a packet");
        assert!(
            len == data.len() || codec == CodecId::H264,
            "frames keep their length"
        );
        work.add(passed(data.len(), len));
    }
    assert_eq!(packet, data, "shared bytes stay as they are");
    work
}

fn licence(data: &[u8]) -> Work {
    let out = match clear_key::licence(data) {
        Ok(keys) => {
            let ids: Vec<KeyId> = keys.into_iter().map(|(id, _)| id).collect();
            clear_key::request(&ids).len()
        }
        Err(error) => {
            assert!(
                error.code().row().is_some(),
                "{error} has a code of the table"
            );
            error.to_string().len()
        }
    };
    passed(data.len(), out)
}

fn passed(bytes: usize, out: usize) -> Work {
    Work {
        steps: 1,
        bytes: bytes as u64,
        out: out as u64,
    }
}
