//! Signs the URIs within the service's own playlists (RFC 8216 4.3).

/// Gives every URI of a playlist its `auth_key`, and the viewer's token to the URIs of keys and playlists.
pub(super) fn sign_uris(text: &str, token: Option<&str>, sign: impl Fn(&str) -> String) -> String {
    let token = token.map(|token| {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("MtsHlsUriToken", token)
            .finish()
    });
    let signed = |name: &str| {
        let mut uri = format!("{name}?auth_key={}", sign(name));
        if let Some(token) = token.as_ref().filter(|_| !name.ends_with(".ts")) {
            uri.push('&');
            uri.push_str(token);
        }
        uri
    };
    let mut out = String::with_capacity(text.len().saturating_mul(2));
    for line in text.lines() {
        match line.split_once("URI=\"") {
            Some((before, rest)) if line.starts_with('#') => match rest.split_once('"') {
                Some((name, after)) => {
                    out.push_str(&format!("{before}URI=\"{}\"{after}", signed(name)))
                }
                None => out.push_str(line),
            },
            _ if line.starts_with('#') || line.trim().is_empty() => out.push_str(line),
            _ => out.push_str(&signed(line.trim())),
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_keys_are_signed_and_tags_kept() {
        let text = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"fd.key\",IV=0x1\n#EXTINF:4.0,\nfd-00000.ts\n#EXT-X-ENDLIST\n";
        let signed = sign_uris(text, Some("a&b"), |name| format!("K({name})"));
        assert_eq!(
            signed,
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"fd.key?auth_key=K(fd.key)&MtsHlsUriToken=a%26b\",IV=0x1\n#EXTINF:4.0,\nfd-00000.ts?auth_key=K(fd-00000.ts)\n#EXT-X-ENDLIST\n"
        );
    }
}
