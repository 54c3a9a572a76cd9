//! The init sections that a loader has.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_errors::{Coded, Fault};
use kinora_protect::{Scheme, decrypt_segment};

use crate::cx::Cx;
use crate::ingest::segmented::index::{IdentityKey, Init, Key};

/// So many are kept.
const MAX_INITS: usize = 4;

/// Init sections by what the manifest says of them, the oldest first.
#[derive(Default)]
pub(super) struct InitSections {
    kept: VecDeque<(Arc<Init>, Content)>,
}

enum Content {
    /// As it came.
    Raw(Bytes),
    Clear(Bytes),
}

impl InitSections {
    pub(super) fn has(&self, init: &Init) -> bool {
        self.kept.iter().any(|(known, _)| **known == *init)
    }

    /// Keeps one as it came; the oldest goes where it is too much.
    pub(super) fn add(&mut self, init: Arc<Init>, data: Bytes) {
        self.kept.push_back((init, Content::Raw(data)));
        while self.kept.len() > MAX_INITS {
            self.kept.pop_front();
        }
    }

    /// One in the clear, once it and its key are here.
    pub(super) fn clear(&mut self, cx: &Cx, wanted: &Init) -> Option<Result<Bytes, Fault>> {
        let mut kept = self.kept.iter_mut();
        let (_, content) = kept.find(|(known, _)| **known == *wanted)?;
        let data = match content {
            Content::Clear(data) => return Some(Ok(data.clone())),
            Content::Raw(data) => std::mem::take(data),
        };
        let mut clear = data.clone();
        // Keys of samples leave it as it is.
        if let Some(Key::Identity(IdentityKey {
            url,
            iv,
            scheme: Scheme::Segments(cipher),
        })) = wanted.key.as_deref()
        {
            let Some(key) = cx.keys.uris.get(url) else {
                *content = Content::Raw(data);
                return None;
            };
            let decrypted = cx.tape.try_see("decrypt", || {
                clear = decrypt_segment(*cipher, key, *iv, data).map_err(|error| error.fault())?;
                Ok(())
            });
            if let Err(fault) = decrypted {
                return Some(Err(fault.at_url(wanted.url.expose())));
            }
        }
        *content = Content::Clear(clear.clone());
        Some(Ok(clear))
    }
}
