//! Texts among the bytes that are sniffed.

/// What follows a byte order mark and blanks, which stand before some texts.
pub(crate) fn text(head: &[u8]) -> &[u8] {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let head = head.trim_ascii_start();
    head.strip_prefix(MARK).unwrap_or(head).trim_ascii_start()
}
