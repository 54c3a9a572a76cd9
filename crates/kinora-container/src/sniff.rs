//! Which container bytes begin.

mod foreign;

use crate::container::{Container, Signature};
use crate::framing::Framing;
use crate::registry::ContainerKind;
use crate::tags::{Tag, leading_tag};

pub(crate) use foreign::is_picture;
pub use foreign::{describe, may_be_media};

/// What the first bytes of a resource tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sniff {
    /// It is this.
    Known(ContainerKind),
    /// More bytes must be seen.
    NeedMore,
    /// It begins like nothing that we know.
    Unknown,
}

/// After so many bytes a resource must have shown what it is.
pub(crate) const SNIFF_LIMIT: usize = 64 * 1024;
/// A tag that is longer hides what lies behind it from a look at the first bytes.
pub(crate) const LONG_TAG: u64 = SNIFF_LIMIT as u64;
/// Behind the picture that a segment begins with its packets must begin before so many bytes.
pub(crate) const PICTURE_LIMIT: usize = 1 << 20;
/// Tags in a row that are looked behind: some taggers put one before another's.
pub(crate) const MAX_TAGS: usize = 8;

/// Tells a container by its first bytes. File name and content type are not asked: they lie.
#[must_use]
pub fn sniff(head: &[u8]) -> Sniff {
    look(head, false, MAX_TAGS)
}

/// The same behind a picture: a segment that a playlist names is media, whatever it begins with. Segments are kept
/// at hosts of pictures that way.
/// `ended`: these are all the bytes that there are.
pub(crate) fn look_behind_picture(head: &[u8], ended: bool) -> Sniff {
    match by_pattern(head, ended) {
        Some(kind) => Sniff::Known(kind),
        None if !ended && head.len() < PICTURE_LIMIT => Sniff::NeedMore,
        None => Sniff::Unknown,
    }
}

/// The same at the start, and behind so many tags.
pub(crate) fn look(head: &[u8], ended: bool, tags_left: usize) -> Sniff {
    if let Some(kind) = by_start(head) {
        return Sniff::Known(kind);
    }
    match leading_tag(head) {
        Tag::Bytes(len) => return behind_tag(head, ended, len, tags_left),
        Tag::Short if !ended => return Sniff::NeedMore,
        Tag::Short | Tag::Not => {}
    }
    if foreign::is_something_else(head) {
        return Sniff::Unknown;
    }
    match by_pattern(head, ended) {
        Some(kind) => Sniff::Known(kind),
        None => by_frames(head, ended),
    }
}

/// Each signature of each container.
fn signatures() -> impl Iterator<Item = (ContainerKind, &'static Signature)> {
    let of = |kind: ContainerKind| {
        let Container { signatures, .. } = kind.container();
        signatures.iter().map(move |signature| (kind, signature))
    };
    ContainerKind::ALL.iter().copied().flat_map(of)
}

fn by_start(head: &[u8]) -> Option<ContainerKind> {
    let mut all = signatures();
    let found = all.find(|(_, signature)| match signature {
        Signature::Magic(magic) => head.starts_with(magic),
        Signature::Start(begins) => begins(head),
        Signature::Pattern(_) | Signature::Frames(_) => false,
    });
    found.map(|(kind, _)| kind)
}

fn by_pattern(head: &[u8], ended: bool) -> Option<ContainerKind> {
    let mut all = signatures();
    let found = all.find(
        |(_, signature)| matches!(signature, Signature::Pattern(lies_in) if lies_in(head, ended)),
    );
    found.map(|(kind, _)| kind)
}

/// Audio files may begin with a tag, behind which they show what they are.
fn behind_tag(head: &[u8], ended: bool, len: u64, tags_left: usize) -> Sniff {
    let all_seen = ended || head.len() >= SNIFF_LIMIT;
    let tagged = Sniff::Known(ContainerKind::Mp3);
    let Some(tags_left) = tags_left.checked_sub(1) else {
        return tagged;
    };
    let rest = usize::try_from(len).ok().and_then(|len| head.get(len..));
    match rest {
        Some(rest) if rest.len() >= 10 || all_seen => match look(rest, ended, tags_left) {
            // Padding or damage behind the tag: players of tagged music scan on, so do we.
            Sniff::Unknown => tagged,
            Sniff::NeedMore if all_seen => tagged,
            other => other,
        },
        // Cover pictures are large: nearly all tagged files are MP3.
        None if all_seen || len > LONG_TAG => tagged,
        _ => Sniff::NeedMore,
    }
}

/// Two frames in a row that agree, junk before them or not; while there are few bytes, more are
/// wanted.
fn by_frames(head: &[u8], ended: bool) -> Sniff {
    let framings: Vec<(ContainerKind, Framing)> = signatures()
        .filter_map(|(kind, signature)| match signature {
            Signature::Frames(framing) => Some((kind, *framing)),
            _ => None,
        })
        .collect();
    for (at, byte) in head.iter().enumerate() {
        for (kind, framing) in &framings {
            if framing.first_byte() != *byte {
                continue;
            }
            match framing.begins_with_two(head.get(at..).unwrap_or_default()) {
                Some(true) => return Sniff::Known(*kind),
                Some(false) => {}
                None if at > 0 || ended => {}
                None => return Sniff::NeedMore,
            }
        }
    }
    match !ended && head.len() < SNIFF_LIMIT {
        true => Sniff::NeedMore,
        false => Sniff::Unknown,
    }
}

#[cfg(test)]
mod tests;
