//! Cookies of servers (RFC 6265), kept as long as the network that they came by and sent only to the host that set them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kinora_errors::Secret;
use url::Url;

/// RFC 6265 6.1 asks for as many at least.
const MAX_PER_HOST: usize = 50;
const MAX_COOKIES: usize = 500;
const MAX_COOKIE_LEN: usize = 4096;

struct Cookie {
    host: String,
    path: String,
    name: String,
    value: Secret,
    secure: bool,
    expires: Option<SystemTime>,
}

/// The cookies of one network. `Domain` does not widen a cookie: it goes back to its own host alone.
#[derive(Default)]
pub(crate) struct CookieJar(Mutex<Vec<Cookie>>);

impl CookieJar {
    fn lock(&self) -> MutexGuard<'_, Vec<Cookie>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one `Set-Cookie` of an answer from that URL.
    pub(crate) fn store(&self, url: &Url, line: &str, now: SystemTime) {
        let Some(cookie) = Cookie::read(url, line, now) else {
            return;
        };
        let mut jar = self.lock();
        jar.retain(|known| !known.is_replaced_by(&cookie) && known.is_unexpired(now));
        if !cookie.is_unexpired(now) {
            return;
        }
        let of_host = jar.iter().filter(|known| known.host == cookie.host).count();
        let oldest = match of_host >= MAX_PER_HOST {
            true => jar.iter().position(|known| known.host == cookie.host),
            false => (jar.len() >= MAX_COOKIES).then_some(0),
        };
        if let Some(oldest) = oldest {
            jar.remove(oldest);
        }
        jar.push(cookie);
    }

    /// The `Cookie` of a request to that URL; `own` is what the user sends there, whose names go before.
    pub(crate) fn header(&self, url: &Url, own: Option<&str>, now: SystemTime) -> Option<Secret> {
        let own_names: Vec<&str> = own
            .into_iter()
            .flat_map(|own| own.split(';'))
            .filter_map(|pair| Some(pair.split_once('=')?.0.trim()))
            .collect();
        let jar = self.lock();
        let mut matching: Vec<&Cookie> = jar
            .iter()
            .filter(|cookie| cookie.is_unexpired(now) && cookie.matches(url))
            .filter(|cookie| !own_names.contains(&cookie.name.as_str()))
            .collect();
        if matching.is_empty() {
            return None;
        }
        // RFC 6265 5.4: longer paths first.
        matching.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let kept = matching
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value.expose()));
        let all: Vec<String> = own.map(str::to_owned).into_iter().chain(kept).collect();
        Some(Secret::new(all.join("; ")))
    }
}

impl Cookie {
    /// RFC 6265 5.2.
    fn read(url: &Url, line: &str, now: SystemTime) -> Option<Self> {
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let valid = !line.chars().any(char::is_control) && line.len() <= MAX_COOKIE_LEN;
        if name.is_empty() || !valid {
            return None;
        }
        let mut cookie = Self {
            host: url.host_str()?.to_owned(),
            path: default_path(url),
            name: name.to_owned(),
            value: Secret::new(value),
            secure: false,
            expires: None,
        };
        let mut max_age = None;
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "secure" => cookie.secure = true,
                "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
                "expires" => cookie.expires = date(value).or(cookie.expires),
                "domain" if !domain_matches(value, &cookie.host) => return None,
                _ => {}
            }
        }
        if let Some(seconds) = max_age {
            let age = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            cookie.expires = match seconds > 0 {
                true => now.checked_add(age),
                false => Some(SystemTime::UNIX_EPOCH),
            };
        }
        // Only who is safe from listeners may set what listeners shall not see.
        (!cookie.secure || url.scheme() == "https").then_some(cookie)
    }

    fn is_replaced_by(&self, other: &Self) -> bool {
        (&self.host, &self.path, &self.name) == (&other.host, &other.path, &other.name)
    }

    fn is_unexpired(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|at| at > now)
    }

    fn matches(&self, url: &Url) -> bool {
        let safe = !self.secure || url.scheme() == "https";
        safe && url.host_str() == Some(&self.host) && path_matches(url.path(), &self.path)
    }
}

/// RFC 6265 5.1.4.
fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(last) => url.path().get(..last).unwrap_or("/").to_owned(),
    }
}

/// RFC 6265 5.1.4.
fn path_matches(path: &str, of: &str) -> bool {
    path.strip_prefix(of)
        .is_some_and(|rest| rest.is_empty() || of.ends_with('/') || rest.starts_with('/'))
}

/// RFC 6265 5.1.3: whether the attribute names the host or a domain above it.
fn domain_matches(domain: &str, host: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    let above = || host.strip_suffix(&domain)?.strip_suffix('.');
    domain.is_empty() || domain == host || above().is_some()
}

/// Old servers write dashes between day, month and year.
fn date(value: &str) -> Option<SystemTime> {
    let plain = httpdate::parse_http_date(value);
    plain
        .or_else(|_| httpdate::parse_http_date(&value.replace('-', " ")))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }
    fn sent(jar: &CookieJar, to: &str) -> Option<String> {
        let header = jar.header(&url(to), None, now())?;
        Some(header.expose().to_owned())
    }
    fn jar(from: &str, lines: &[&str]) -> CookieJar {
        let jar = CookieJar::default();
        for line in lines {
            jar.store(&url(from), line, now());
        }
        jar
    }

    #[test]
    fn a_cookie_goes_back_to_its_host_and_path_alone() {
        let jar = jar("http://a.test/live/list.m3u8", &["t=1", "u=2; Path=/"]);
        assert_eq!(sent(&jar, "http://a.test/live/0.ts").unwrap(), "t=1; u=2");
        assert_eq!(sent(&jar, "http://a.test/livestock").unwrap(), "u=2");
        assert_eq!(sent(&jar, "http://b.test/live/0.ts"), None);
        assert_eq!(sent(&jar, "http://x.a.test/live/0.ts"), None);
    }

    #[test]
    fn a_domain_never_widens_a_cookie() {
        let wide = jar("http://a.test/", &["t=1; Domain=.test"]);
        assert_eq!(sent(&wide, "http://a.test/").unwrap(), "t=1");
        assert_eq!(sent(&wide, "http://b.test/"), None);
        let foreign = jar("http://a.test/", &["t=1; Domain=b.test"]);
        assert_eq!(sent(&foreign, "http://a.test/"), None);
        assert_eq!(sent(&foreign, "http://b.test/"), None);
    }

    #[test]
    fn a_secure_cookie_never_leaves_in_the_clear() {
        let safe = jar("https://a.test/", &["t=1; Secure"]);
        assert_eq!(sent(&safe, "https://a.test/").unwrap(), "t=1");
        assert_eq!(sent(&safe, "http://a.test/"), None);
        let heard = jar("http://a.test/", &["t=1; Secure"]);
        assert_eq!(sent(&heard, "https://a.test/"), None);
    }

    #[test]
    fn a_cookie_lives_as_long_as_it_says_and_is_replaced_by_its_name() {
        let lines = [
            "a=1; Max-Age=60",
            "b=1; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
            "c=1; Max-Age=0",
            "d=1",
            "d=2",
        ];
        let jar = jar("http://a.test/", &lines);
        assert_eq!(sent(&jar, "http://a.test/").unwrap(), "a=1; d=2");
        jar.store(&url("http://a.test/"), "d=; Max-Age=-1", now());
        assert_eq!(sent(&jar, "http://a.test/").unwrap(), "a=1");
        let later = now() + Duration::from_secs(61);
        assert!(jar.header(&url("http://a.test/"), None, later).is_none());
    }

    #[test]
    fn what_the_user_sends_goes_before() {
        let jar = jar("http://a.test/", &["a=1", "b=2"]);
        let header = jar.header(&url("http://a.test/"), Some("a=own"), now());
        assert_eq!(header.unwrap().expose(), "a=own; b=2");
    }

    #[test]
    fn a_server_can_not_fill_the_jar() {
        let jar = CookieJar::default();
        for number in 0..10_000 {
            jar.store(&url("http://a.test/"), &format!("c{number}=1"), now());
        }
        jar.store(
            &url("http://a.test/"),
            &format!("x={}", "y".repeat(5_000)),
            now(),
        );
        assert_eq!(jar.lock().len(), MAX_PER_HOST);
        for host in 0..1_000 {
            jar.store(&url(&format!("http://h{host}.test/")), "c=1", now());
        }
        assert_eq!(jar.lock().len(), MAX_COOKIES);
    }
}
