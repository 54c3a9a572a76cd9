//! What a playlist may name. Names are judged here by what they say; what they resolve to is judged when connecting.

use core::net::IpAddr;

use kinora_errors::{Code, Coded, codes};
use kinora_media::{is_local_name, is_public_address};
use url::{Host, Url};

/// Why a playlist's URL is not fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UrlPolicyError {
    /// A remote playlist names a local file or a scheme that no playlist needs.
    #[error("a remote playlist may name http and https only")]
    Scheme,
    /// A public playlist names a private, loopback or link-local address.
    #[error("a playlist from a public address may not name a private one")]
    Private,
}

impl Coded for UrlPolicyError {
    fn code(&self) -> Code {
        match self {
            Self::Scheme => codes::ERROR_NETWORK_UNSUPPORTED,
            Self::Private => codes::ERROR_NETWORK_COULD_NOT_CONNECT,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::Scheme => "policy.scheme",
            Self::Private => "policy.private_address",
        }
    }
}

/// Whether what was found at `origin` may make us fetch `target`. A local playlist may name files and the network; a
/// remote one http(s) only; a public one nothing private.
///
/// # Errors
/// When it may not.
pub fn may_fetch(origin: &Url, target: &Url) -> Result<(), UrlPolicyError> {
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https");
    if origin.scheme() == "file" {
        let fine = is_http(target) || target.scheme() == "file";
        return if fine {
            Ok(())
        } else {
            Err(UrlPolicyError::Scheme)
        };
    }
    if !is_http(target) {
        return Err(UrlPolicyError::Scheme);
    }
    if is_private_host(target) && !is_private_host(origin) {
        return Err(UrlPolicyError::Private);
    }
    Ok(())
}

fn is_private_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public_address(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => !is_public_address(IpAddr::V6(address)),
        Some(Host::Domain(name)) => is_local_name(name),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(origin: &str, target: &str) -> Result<(), UrlPolicyError> {
        may_fetch(&Url::parse(origin).unwrap(), &Url::parse(target).unwrap())
    }

    #[test]
    fn a_public_playlist_reaches_nothing_private_in_any_spelling() {
        let hosts = [
            "127.0.0.1",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "127.1",
            "localhost",
            "a.localhost.",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::7f00:1]",
            "[64:ff9b::a00:1]",
            "[2002:7f00:1::]",
            "[fc00::1]",
            "[fe80::1]",
            "[ff02::1]",
        ];
        for host in hosts {
            let target = format!("http://{host}/x");
            assert_eq!(
                judge("https://cdn.example.com/a.m3u8", &target),
                Err(UrlPolicyError::Private),
                "{host}"
            );
            assert_eq!(
                judge("http://192.168.0.9/a.m3u8", &target),
                Ok(()),
                "{host}"
            );
        }
        for host in [
            "1.1.1.1",
            "[2606:4700::1111]",
            "cdn.example.org",
            "172.32.0.1",
            "100.128.0.1",
        ] {
            assert_eq!(
                judge(
                    "https://cdn.example.com/a.m3u8",
                    &format!("https://{host}/x")
                ),
                Ok(()),
                "{host}"
            );
        }
    }

    #[test]
    fn a_remote_playlist_names_http_only_and_a_local_one_files_too() {
        for target in [
            "file:///etc/passwd",
            "ftp://h/x",
            "data:text/plain,x",
            "javascript:0",
            "gopher://h/",
        ] {
            assert_eq!(
                judge("http://192.168.0.9/a.m3u8", target),
                Err(UrlPolicyError::Scheme),
                "{target}"
            );
        }
        assert_eq!(judge("file:///a.m3u8", "file:///b.ts"), Ok(()));
        assert_eq!(judge("file:///a.m3u8", "http://h/b.ts"), Ok(()));
        assert_eq!(
            judge("file:///a.m3u8", "data:,x"),
            Err(UrlPolicyError::Scheme)
        );
    }

    // CVE-2016-1897, CVE-2016-1898, CVE-2023-6605 (FFmpeg), CVE-2018-6360 (mpv): a list from the network names files of
    // this machine, or schemes that read them.
    #[test]
    fn no_uri_of_a_remote_playlist_reaches_a_file_by_any_tag() {
        use crate::hls::{Limits, Playlist, Variables, parse};
        let origin = Url::parse("https://cdn.example.com/a/b.m3u8").unwrap();
        for uri in [
            "file:///etc/passwd",
            "FILE:/etc/passwd",
            "fi\tle:///etc/passwd",
            "concat:http://h/x|file:///etc/passwd",
            "subfile,,start,0,end,64,,:///etc/passwd",
            "data:text/plain,x",
            "gopher://h/",
            "lavf://file:/etc/passwd",
            "edl:///etc/passwd",
            "http://127.0.0.1/x",
            "//169.254.169.254/latest/meta-data",
            "http://[::ffff:7f00:1]/x",
            "https:\\\\127.0.0.1\\x",
        ] {
            let text = format!(
                "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI=\"{uri}\",IV=0x1\n#EXT-X-MAP:URI=\"{uri}\"\n\
                 #EXT-X-PART:DURATION=1,URI=\"{uri}\"\n#EXTINF:1,\n{uri}\n"
            );
            let Playlist::Media(list) = parse(
                text.as_bytes(),
                &origin,
                &Variables::default(),
                &Limits::default(),
            )
            .unwrap() else {
                panic!("a media playlist");
            };
            let segment = &list.segments[0];
            let named = [
                Some(segment.uri.as_str()),
                segment.keys.first().and_then(|key| key.uri.as_deref()),
                segment.map.as_ref().map(|map| map.uri.as_str()),
                segment.parts.first().map(|part| part.uri.as_str()),
            ];
            for name in named {
                // `None` for a name that is relative to the list and stays on its host.
                if let Ok(target) = list.resolve(name.unwrap()) {
                    let stays = target.host_str() == origin.host_str();
                    assert!(stays || may_fetch(&origin, &target).is_err(), "{uri}");
                }
            }
        }
    }
}
