//! What a source string names: a file or a web address.

use std::path::{Path, PathBuf};

use url::Url;

use crate::NetError;

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    File(PathBuf),
    Web(Url),
}

impl Target {
    /// Reads `http:`, `https:`, `file:` or a bare path.
    pub(crate) fn parse(text: &str) -> Result<Self, NetError> {
        if text.trim().is_empty() {
            return Err(NetError::EmptyUrl);
        }
        let Some(scheme) = scheme_of(text) else {
            return path(text);
        };
        match scheme.as_str() {
            "http" | "https" => Self::web(text),
            "file" => file_url(text),
            // `a:b.mp4` is a sound name of a file.
            _ if !text.contains("://") && Path::new(text).exists() => path(text),
            _ => Err(NetError::UnsupportedScheme(scheme)),
        }
    }

    fn web(text: &str) -> Result<Self, NetError> {
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
        Ok(Self::Web(url))
    }
}

/// RFC 3986 3.1; one letter alone is no scheme.
fn scheme_of(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let sound = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    sound.then(|| scheme.to_ascii_lowercase())
}

fn path(text: &str) -> Result<Target, NetError> {
    if text.contains('\0') {
        return Err(NetError::MalformedUrl("it holds a zero byte".into()));
    }
    Ok(Target::File(PathBuf::from(text)))
}

fn file_url(text: &str) -> Result<Target, NetError> {
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
    Ok(Target::File(os_path(bytes)))
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
    use kinora_errors::Coded;

    fn file(text: &str) -> PathBuf {
        match Target::parse(text) {
            Ok(Target::File(path)) => path,
            other => panic!("{text}: {other:?}"),
        }
    }
    fn refused(text: &str) -> (u32, &'static str) {
        let error = Target::parse(text).unwrap_err();
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
        assert_eq!(refused("  "), (0x2003_0005, "url.empty"));
        assert_eq!(refused("gopher://x/y"), (0x2005_0001, "url.scheme"));
        assert_eq!(refused("http://"), (0x2005_0000, "url.malformed"));
        assert_eq!(refused("http://a b/"), (0x2005_0000, "url.malformed"));
        assert_eq!(refused("http://h:99999/"), (0x2005_0000, "url.malformed"));
        assert_eq!(refused("http://h/\r\nX: y"), (0x2005_0000, "url.malformed"));
        assert_eq!(refused("file://host/a"), (0x2005_0000, "url.malformed"));
        assert_eq!(refused("file:///a%00b"), (0x2005_0000, "url.malformed"));
    }
}
