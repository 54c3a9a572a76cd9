//! The keys of a session: which are there, and which are asked for.

use std::collections::VecDeque;

use kinora_errors::Secret;
use kinora_media::KeyId;

use crate::ContentKey;

/// Keys that an application gives for one title, with those of its other qualities.
const MAX_IDS: usize = 256;
/// Keys that a playlist names by URI: those in use, and some more as they rotate.
const MAX_URIS: usize = 32;

/// The keys of a session, wiped when dropped. It asks for nothing itself: [`Keys::ask`] says what must be asked for,
/// whoever can do so does, and puts the answer in by [`Keys::add`].
pub struct KeyRing {
    /// Keys of common encryption, by their ids.
    pub ids: Keys<KeyId>,
    /// Keys of HLS, by their absolute URIs.
    pub uris: Keys<Secret>,
}

impl Default for KeyRing {
    fn default() -> Self {
        Self {
            ids: Keys::bounded(MAX_IDS),
            uris: Keys::bounded(MAX_URIS),
        }
    }
}

impl KeyRing {
    /// Another source begins: what its playlists name is asked for anew.
    pub fn forget_uris(&mut self) {
        self.uris = Keys::bounded(MAX_URIS);
    }
}

/// Keys of one kind of name. The oldest give way where there are too many.
pub struct Keys<N> {
    /// A name without a key was asked for.
    slots: VecDeque<(N, Option<ContentKey>)>,
    max: usize,
}

impl<N: PartialEq> Keys<N> {
    fn bounded(max: usize) -> Self {
        Self {
            slots: VecDeque::new(),
            max,
        }
    }

    /// The key of that name, if it is there.
    #[must_use]
    pub fn get(&self, name: &N) -> Option<&ContentKey> {
        let slot = self.slots.iter().find(|(known, _)| known == name);
        slot.and_then(|(_, key)| key.as_ref())
    }

    /// Some key is there.
    #[must_use]
    pub fn has_any(&self) -> bool {
        self.slots.iter().any(|(_, key)| key.is_some())
    }

    /// The key is wanted. `true`: it is neither there nor was asked for; ask for it now.
    pub fn ask(&mut self, name: N) -> bool {
        let is_new = !self.slots.iter().any(|(known, _)| *known == name);
        if is_new {
            self.put(name, None);
        }
        is_new
    }

    /// It was asked for, and is not here.
    #[must_use]
    pub fn is_awaited(&self, name: &N) -> bool {
        let mut slots = self.slots.iter();
        slots.any(|(known, key)| known == name && key.is_none())
    }

    /// The key is here.
    pub fn add(&mut self, name: N, key: ContentKey) {
        self.slots.retain(|(known, _)| *known != name);
        self.put(name, Some(key));
    }

    /// What was asked for did not come: it may be asked for again.
    pub fn withdraw(&mut self, name: &N) {
        self.slots
            .retain(|(known, key)| known != name || key.is_some());
    }

    fn put(&mut self, name: N, key: Option<ContentKey>) {
        self.slots.push_back((name, key));
        if self.slots.len() > self.max {
            self.slots.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_asked_for_once_until_it_is_withdrawn() {
        let mut ring = KeyRing::default();
        let id = KeyId([1; 16]);
        assert!(ring.ids.ask(id));
        assert!(!ring.ids.ask(id));
        assert!(ring.ids.get(&id).is_none() && !ring.ids.has_any());
        ring.ids.withdraw(&id);
        assert!(ring.ids.ask(id));
        ring.ids.add(id, ContentKey::new([7; 16]));
        assert_eq!(ring.ids.get(&id).unwrap().expose(), &[7; 16]);
        ring.ids.withdraw(&id);
        assert!(!ring.ids.ask(id));
        assert!(ring.ids.has_any() && !ring.uris.has_any());
    }

    #[test]
    fn a_key_that_comes_again_takes_the_place_of_the_old_one() {
        let mut ring = KeyRing::default();
        let uri = Secret::new("https://host.test/key");
        ring.uris.add(uri.clone(), ContentKey::new([1; 16]));
        ring.uris.add(uri.clone(), ContentKey::new([2; 16]));
        assert_eq!(ring.uris.get(&uri).unwrap().expose(), &[2; 16]);
    }

    #[test]
    fn the_oldest_keys_give_way() {
        let mut ring = KeyRing::default();
        let id = |number: u16| {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&number.to_be_bytes());
            KeyId(id)
        };
        for number in 0..300 {
            ring.ids.add(id(number), ContentKey::new([0; 16]));
        }
        assert!(ring.ids.get(&id(43)).is_none());
        assert!(ring.ids.get(&id(44)).is_some() && ring.ids.get(&id(299)).is_some());
    }
}
