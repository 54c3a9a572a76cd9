//! From the bytes of a keyboard to keys.

/// A key that was pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    Char(char),
    Enter,
    Backspace,
    Escape,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    /// With the control key: the letter.
    Ctrl(char),
    /// One that has no name here.
    Other,
}

const ESCAPE: u8 = 0x1b;
/// No sequence of a key is longer.
const MAX_LEN: usize = 32;

/// Keeps the bytes of a key until all of them came.
#[derive(Default)]
pub(crate) struct Keys(Vec<u8>);

impl Keys {
    /// The keys that are complete with these bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.0.extend_from_slice(bytes);
        let mut keys = Vec::new();
        while let Some((key, len)) = first(&self.0) {
            self.0.drain(..len);
            keys.push(key);
        }
        if self.0.len() > MAX_LEN {
            self.0.clear();
        }
        keys
    }

    /// Nothing follows for now: what began like a sequence was the escape key.
    pub(crate) fn settle(&mut self) -> Option<Key> {
        let begun = std::mem::take(&mut self.0);
        (begun.first() == Some(&ESCAPE)).then_some(Key::Escape)
    }

    /// A key is begun.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.0.is_empty()
    }
}

/// The first key and its length; `None` while bytes of it are missing.
fn first(bytes: &[u8]) -> Option<(Key, usize)> {
    let key = |key| Some((key, 1));
    match bytes {
        [] | [ESCAPE] => None,
        [ESCAPE, b'[', rest @ ..] => sequence(rest),
        [ESCAPE, b'O'] => None,
        [ESCAPE, b'O', last, ..] => Some((arrow(*last), 3)),
        // Escape pressed twice, or a key with Alt.
        [ESCAPE, ESCAPE, ..] => key(Key::Escape),
        [ESCAPE, _, ..] => Some((Key::Other, 2)),
        [b'\r' | b'\n', ..] => key(Key::Enter),
        [0x7f | 0x08, ..] => key(Key::Backspace),
        [b'\t', ..] => key(Key::Other),
        [control @ 1..=26, ..] => key(Key::Ctrl(char::from(control + b'a' - 1))),
        [0..=0x1f, ..] => key(Key::Other),
        _ => character(bytes),
    }
}

/// ECMA-48 5.4: parameters, then one final byte.
fn sequence(rest: &[u8]) -> Option<(Key, usize)> {
    let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
    let key = match (&rest[..end], rest[end]) {
        (b"5", b'~') => Key::PageUp,
        (b"6", b'~') => Key::PageDown,
        (_, b'~') => Key::Other,
        (_, last) => arrow(last),
    };
    Some((key, 2 + end + 1))
}

fn arrow(last: u8) -> Key {
    match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        _ => Key::Other,
    }
}

fn character(bytes: &[u8]) -> Option<(Key, usize)> {
    let len = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let whole = bytes.get(..len)?;
    let char = std::str::from_utf8(whole)
        .ok()
        .and_then(|text| text.chars().next());
    match char {
        Some(char) => Some((Key::Char(char), len)),
        None => Some((Key::Other, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_their_bytes_also_when_these_come_apart() {
        let mut keys = Keys::default();
        assert_eq!(keys.feed(b"m\x1b[D\x1b["), [Key::Char('m'), Key::Left]);
        assert_eq!(
            keys.feed(b"1;5C\x1bOA\x1b[5~"),
            [Key::Right, Key::Up, Key::PageUp]
        );
        assert_eq!(
            keys.feed("é播".as_bytes()),
            [Key::Char('é'), Key::Char('播')]
        );
        assert_eq!(
            keys.feed(b"\x03\r\x7f"),
            [Key::Ctrl('c'), Key::Enter, Key::Backspace]
        );
        assert!(!keys.is_waiting());
    }

    #[test]
    fn escape_alone_is_a_key_once_nothing_follows() {
        let mut keys = Keys::default();
        assert!(keys.feed(b"\x1b").is_empty() && keys.is_waiting());
        assert_eq!(keys.settle(), Some(Key::Escape));
        assert_eq!(keys.feed(b"q"), [Key::Char('q')]);
    }

    #[test]
    fn noise_is_bounded_and_breaks_nothing() {
        let mut keys = Keys::default();
        for _ in 0..1_000 {
            keys.feed(b"\x1b[;;;;;;;;");
        }
        assert!(keys.0.len() <= MAX_LEN + 10);
        assert_eq!(keys.feed(&[0xff, b'A'])[..].last(), Some(&Key::Char('A')));
    }
}
