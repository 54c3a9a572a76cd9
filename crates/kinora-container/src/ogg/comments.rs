//! Comments (Vorbis I 5): who made it and what it is called.

use bytes::{Buf, Bytes};

/// Longer texts are no titles.
const MAX_TITLE: usize = 1024;

/// The title in a list of comments, as far as the bytes at hand reach.
pub(super) fn title(mut comments: Bytes) -> Option<String> {
    let vendor = usize::try_from(comments.try_get_u32_le().ok()?).ok()?;
    skip(&mut comments, vendor)?;
    let count = comments.try_get_u32_le().ok()?;
    for _ in 0..count {
        let len = usize::try_from(comments.try_get_u32_le().ok()?).ok()?;
        let comment = comments.get(..len.min(comments.len()))?;
        if let Some(title) = titled(comment) {
            return Some(title);
        }
        skip(&mut comments, len)?;
    }
    None
}

/// Names of fields do not mind case (Vorbis I 5.2.1).
fn titled(comment: &[u8]) -> Option<String> {
    let (name, text) = comment.split_at_checked(6)?;
    if !name.eq_ignore_ascii_case(b"TITLE=") {
        return None;
    }
    let text = text.get(..MAX_TITLE).unwrap_or(text);
    let text = String::from_utf8_lossy(text).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn skip(data: &mut Bytes, count: usize) -> Option<()> {
    (count <= data.len()).then(|| data.advance(count))
}
