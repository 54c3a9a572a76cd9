//! What URLs and paths name: a file or a web address.

use std::path::PathBuf;

use url::Url;

use crate::NetError;
use crate::transport::FILE;

/// The scheme of a URL (RFC 3986 3.1), in lower case; one letter alone is none.
pub(crate) fn scheme_of(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then(|| scheme.to_ascii_lowercase())
}

/// Reads an `http:` or `https:` URL.
pub(crate) fn web_url(text: &str) -> Result<Url, NetError> {
    match scheme_of(text).as_deref() {
        Some("http" | "https") => {}
        Some(scheme) => return Err(NetError::UnsupportedScheme(scheme.to_owned())),
        None if text.trim().is_empty() => return Err(NetError::EmptyUrl),
        None => return Err(NetError::UnsupportedScheme(FILE.to_owned())),
    }
    // The parser would take tabs and line ends out without a word.
    if text.chars().any(char::is_control) {
        return Err(NetError::MalformedUrl(
            "it holds a control character".into(),
        ));
    }
    let url = Url::parse(text).map_err(|error| NetError::MalformedUrl(error.to_string()))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(NetError::MalformedUrl("it names no host".into()));
    }
    Ok(url)
}

/// Reads a `file:` URL or a bare path.
pub(crate) fn file_path(text: &str) -> Result<PathBuf, NetError> {
    if scheme_of(text).as_deref() == Some(FILE) {
        return file_url(text);
    }
    if text.contains('\0') {
        return Err(NetError::MalformedUrl("it holds a zero byte".into()));
    }
    Ok(PathBuf::from(text))
}

fn file_url(text: &str) -> Result<PathBuf, NetError> {
    let malformed = |why: &str| NetError::MalformedUrl(why.to_owned());
    let rest = text.get("file:".len()..).unwrap_or_default();
    let encoded = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, _) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if !(host.is_empty() || host.eq_ignore_ascii_case("localhost")) {
                return Err(malformed("a file: URL can not name another machine"));
            }
            rest.get(host.len()..).unwrap_or_default()
        }
        None => rest,
    };
    let encoded = encoded.split(['?', '#']).next().unwrap_or_default();
    if encoded.is_empty() {
        return Err(malformed("it names no file"));
    }
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(encoded).collect();
    if bytes.contains(&0) {
        return Err(malformed("it holds a zero byte"));
    }
    Ok(os_path(bytes))
}

#[cfg(unix)]
fn os_path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use kinora_errors::Coded;

    fn file(text: &str) -> PathBuf {
        file_path(text).unwrap()
    }
    fn refused<T: std::fmt::Debug>(read: Result<T, NetError>) -> (u32, &'static str) {
        let error = read.unwrap_err();
        (error.code().number(), error.reason())
    }

    #[test]
    fn paths_and_file_urls_name_files() {
        assert_eq!(file("a b%20c.mp4"), Path::new("a b%20c.mp4"));
        assert_eq!(file("/tmp/x?y#z.ts"), Path::new("/tmp/x?y#z.ts"));
        assert_eq!(
            file("file:///tmp/a%20%E4%B8%AD.mp4?q#f"),
            Path::new("/tmp/a 中.mp4")
        );
        assert_eq!(file("FILE://localhost/a"), Path::new("/a"));
        assert_eq!(file("file:/a/b"), Path::new("/a/b"));
        assert_eq!(file("dir/12:30.mp4"), Path::new("dir/12:30.mp4"));
    }

    #[test]
    fn what_can_not_be_opened_says_why() {
        let malformed = (0x2005_0000, "url.malformed");
        assert_eq!(refused(web_url("  ")), (0x2003_0005, "url.empty"));
        let unsupported = (0x2005_0001, "url.scheme");
        assert_eq!(refused(web_url("gopher://x/y")), unsupported);
        for url in [
            "http://",
            "http://a b/",
            "http://h:99999/",
            "http://h/\r\nX: y",
        ] {
            assert_eq!(refused(web_url(url)), malformed, "{url:?}");
        }
        assert_eq!(refused(file_path("file://host/a")), malformed);
        assert_eq!(refused(file_path("file:///a%00b")), malformed);
    }
}
