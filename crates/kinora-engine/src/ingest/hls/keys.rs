//! The keys of a playlist: which of those that are in force for a segment can be used here.

use std::sync::Arc;

use kinora_errors::Fault;
use kinora_manifest::hls::{self, Encryption};
use kinora_protect::{Iv, KeySystem, ProtectError, Scheme};

use crate::ingest::base::Base;
use crate::ingest::segmented::index::{IdentityKey, Key};

/// The key among those of several formats, or why there is none that can be used here.
pub(super) fn key(
    keys: &[Arc<hls::Key>],
    sequence: u64,
    base: &Base,
) -> Result<Option<Arc<Key>>, Fault> {
    let keys = match hls::encryption(keys) {
        Encryption::None => return Ok(None),
        Encryption::Identity { method, uri, iv } => {
            return Ok(Some(Arc::new(match Scheme::of_method(method) {
                Ok(scheme) => Key::Identity(IdentityKey {
                    url: base.resolve_key(uri)?,
                    // RFC 8216 5.2: without a vector the media sequence number is it. Keys of init sections have one
                    // (4.3.2.5).
                    iv: iv.map_or_else(|| Iv::from_sequence(sequence), Iv),
                    scheme,
                }),
                Err(error) => Key::Foreign(error),
            })));
        }
        Encryption::Other(keys) => keys,
    };
    Ok(Some(Arc::new(key_of_systems(keys))))
}

/// A key that lies nowhere as it is: some system gives it.
fn key_of_systems(keys: &[Arc<hls::Key>]) -> Key {
    let mut schemes = keys.iter().map(|key| Scheme::of_method(&key.method));
    if let Some(Err(error)) = schemes.clone().find(Result::is_err) {
        return Key::Foreign(error);
    }
    let are_named = schemes.all(|scheme| matches!(scheme, Ok(Scheme::Samples(_))));
    let systems = keys
        .iter()
        .filter_map(|key| KeySystem::of_hls_key(&key.format, key.uri.as_deref()));
    let names = KeySystem::foreign_names(systems);
    let formats = || keys.iter().map(|key| key.format.as_str());
    let error =
        ProtectError::KeySystems(names.unwrap_or_else(|| formats().collect::<Vec<_>>().join(", ")));
    match are_named {
        true => Key::Named(error),
        false => Key::Foreign(error),
    }
}

/// Keys that lie as they are somewhere and will be needed (EXT-X-SESSION-KEY, RFC 8216 4.3.4.5).
pub(super) fn session_keys(list: &hls::MultivariantPlaylist, base: &Base) -> Vec<IdentityKey> {
    const MAX_KEYS: usize = 16;
    let keys = list.session_keys.iter().take(MAX_KEYS);
    let identity = |named: &hls::Key| {
        let read = key(&[Arc::new(named.clone())], 0, base).ok()??;
        match read.as_ref() {
            Key::Identity(key) => Some(key.clone()),
            Key::Named(_) | Key::Foreign(_) => None,
        }
    };
    keys.filter_map(identity).collect()
}
