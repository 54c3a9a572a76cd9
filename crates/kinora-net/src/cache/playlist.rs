//! Which playlists and manifests are kept. One that will change, or leads to URLs that end soon, is asked for each time.

use bytes::Bytes;

/// No playlist that is kept is longer.
pub(super) const MAX_LEN: u64 = 8 << 20;

/// What a text is to the cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It does not change: of HLS a multivariant playlist, or a media playlist with its end (RFC 8216 4.3.3.4).
    Fixed,
    /// It names URLs with queries: they may be signed, and are nothing to lie on a disk.
    Signed,
    /// It grows as it is broadcast; neither it nor what it names is kept.
    Live,
}

/// Whether bytes that a resource begins with are those of a playlist or manifest.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let bytes = bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(bytes)
        .trim_ascii_start();
    [b"#EXTM3U".as_slice(), b"<?xml", b"<MPD"]
        .iter()
        .any(|begin| bytes.starts_with(begin))
}

/// What a whole playlist or manifest is.
pub(super) fn kind(body: &Bytes) -> Kind {
    let text = String::from_utf8_lossy(body);
    match text.contains("<MPD") {
        true => manifest(&text),
        false => hls(&text),
    }
}

fn hls(text: &str) -> Kind {
    let lines = || text.lines().map(str::trim);
    let is_multivariant = lines().any(|line| line.starts_with("#EXT-X-STREAM-INF"));
    if !is_multivariant && !lines().any(|line| line == "#EXT-X-ENDLIST") {
        return Kind::Live;
    }
    let uris = lines().filter(|line| !line.starts_with('#') || line.contains("URI=\""));
    kind_of_uris(uris)
}

/// ISO/IEC 23009-1 5.3.1.2: static where it does not say.
fn manifest(text: &str) -> Kind {
    let compact: String = text.split_ascii_whitespace().collect();
    if compact.contains("type=\"dynamic\"") || compact.contains("type='dynamic'") {
        return Kind::Live;
    }
    // Names of schemas and schemes have no queries; URLs of media may.
    let (_, root) = text.split_once("?>").unwrap_or(("", text));
    kind_of_uris(std::iter::once(root))
}

fn kind_of_uris<'a>(mut lines: impl Iterator<Item = &'a str>) -> Kind {
    match lines.any(|line| line.contains('?')) {
        true => Kind::Signed,
        false => Kind::Fixed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Kind {
        assert!(begins(text.as_bytes()), "{text}");
        kind(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn playlists_are_told_from_media_by_how_they_begin() {
        assert!(
            begins(b"\xEF\xBB\xBF#EXTM3U\n") && begins(b"\n <MPD>") && begins(b"<?xml version")
        );
        assert!(!begins(b"\0\0\0\x18ftyp") && !begins(b"G@\0") && !begins(b""));
    }

    #[test]
    fn what_grows_is_live() {
        assert_eq!(of("#EXTM3U\n#EXTINF:4,\na.ts\n"), Kind::Live);
        assert_eq!(
            of("#EXTM3U\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:4,\na.ts\n"),
            Kind::Live
        );
        assert_eq!(of("<MPD\n  type=\"dynamic\"></MPD>"), Kind::Live);
    }

    #[test]
    fn what_has_its_end_does_not_change() {
        assert_eq!(of("#EXTM3U\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST"), Kind::Fixed);
        assert_eq!(
            of("#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\na.m3u8\r\n"),
            Kind::Fixed
        );
        assert_eq!(
            of("<?xml version=\"1.0\"?>\n<MPD type=\"static\"></MPD>"),
            Kind::Fixed
        );
        assert_eq!(of("<?xml version=\"1.0\"?><MPD></MPD>"), Kind::Fixed);
    }

    #[test]
    fn urls_with_queries_are_not_kept() {
        assert_eq!(
            of("#EXTM3U\n#EXTINF:4,why?\na.ts\n#EXT-X-ENDLIST"),
            Kind::Fixed,
            "a title is no URL"
        );
        assert_eq!(
            of("#EXTM3U\n#EXTINF:4,\na.ts?sig=1\n#EXT-X-ENDLIST"),
            Kind::Signed
        );
        assert_eq!(
            of("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k?t=1\"\na.ts\n#EXT-X-ENDLIST"),
            Kind::Signed
        );
        assert_eq!(
            of("<MPD><BaseURL>https://a.example/?s=1</BaseURL></MPD>"),
            Kind::Signed
        );
    }
}
