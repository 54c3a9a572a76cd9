//! The route to a resource: names, connections, certificates, redirects, headers.

use std::io::Read as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use kinora_cloud::UnixTime;
use kinora_container::sniff::{self, Sniff};
use kinora_container::{ContainerKind, Demuxer as _, ProbingDemuxer};
use kinora_errors::{Code, Coded as _, Fault, codes, mask_url};
use kinora_media::ByteRange;
use kinora_net::{Exchange, InspectedResponse};
use url::Url;

use crate::certificate;
use crate::check::{Check, CheckKind};
use crate::run::Run;

/// A certificate that ends sooner is worth a word.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// Clocks that differ by less do no harm.
const CLOCK_TOLERANCE_MS: i64 = 60_000;
/// So much of a file is looked at to know what it is.
const SAMPLE_LEN: u64 = 64 * 1024;

/// What a server is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerRole {
    /// Media: anything but success is a failure.
    Media,
    /// The service's gateway: any response will do.
    Gateway,
}

impl Run<'_> {
    /// A path or URL: the way to it, what it is, what is in it.
    pub(crate) fn resource(&mut self, source: &str) {
        match is_web(source) {
            true => self.web(source),
            false => self.file(source),
        }
    }

    fn web(&mut self, source: &str) {
        let Some(Exchange {
            url,
            response: Some(response),
            ..
        }) = self.follow(source, ServerRole::Media)
        else {
            return;
        };
        self.headers(&response);
        let content_type = response.info.content_type.clone();
        self.content(url.expose(), content_type.as_deref(), &response.sample);
    }

    fn file(&mut self, path: &str) {
        let mut sample = Vec::new();
        let opened = std::fs::File::open(path).and_then(|file| {
            let metadata = file.metadata()?;
            file.take(SAMPLE_LEN).read_to_end(&mut sample)?;
            Ok(metadata.len())
        });
        let check = Check::new(CheckKind::File).fact("path", path);
        match opened {
            Ok(size) => self.add(check.fact("bytes", size)),
            Err(error) => {
                // The player's own reader knows the numbers of files.
                let fault = self.fetch(path, ByteRange::default(), None).err();
                let number = Code::from_errno(error.raw_os_error().unwrap_or(0));
                let fault = fault.unwrap_or_else(|| Fault::new(number, "file.read").at_url(path));
                return self.add(check.failed(fault));
            }
        }
        self.content(path, None, &sample.into());
    }

    /// What the bytes are, and what is in them.
    fn content(&mut self, url: &str, content_type: Option<&str>, sample: &Bytes) {
        let check = Check::new(CheckKind::Type).maybe("content_type", content_type);
        let kind = match sniff::sniff(sample) {
            Sniff::Known(kind) => kind,
            // A player asks libavformat.
            Sniff::NeedMore | Sniff::Unknown if sniff::may_be_media(sample) => {
                self.add(check.fact("bytes_are", sniff::describe(sample)));
                return self.media(url);
            }
            Sniff::NeedMore | Sniff::Unknown => {
                let fault = unknown(sample).at_url(url);
                return self.add(
                    check
                        .fact("bytes_are", sniff::describe(sample))
                        .failed(fault),
                );
            }
        };
        let check = check.fact("bytes_are", kind.title());
        match content_type.filter(|content_type| !fits(kind, content_type)) {
            Some(content_type) => self.add(check.note(format!(
                "{content_type} is not what {} is called",
                kind.title()
            ))),
            None => self.add(check),
        }
        match kind {
            ContainerKind::HlsPlaylist => self.stream(url),
            ContainerKind::DashManifest => self.manifest(url),
            _ => self.media(url),
        }
    }

    /// Follows the redirects and reports each exchange; gives the last one, where it answered as it should.
    pub(crate) fn follow(&mut self, source: &str, role: ServerRole) -> Option<Exchange> {
        let exchanges = match self.net.inspect(source) {
            Ok(exchanges) => exchanges,
            Err(fault) => {
                self.add(Check::new(CheckKind::Dns).failed(fault));
                return None;
            }
        };
        let mut previous: Option<String> = None;
        let last = exchanges.len().checked_sub(1)?;
        for (index, mut exchange) in exchanges.into_iter().enumerate() {
            let origin = origin(exchange.url.expose());
            if role == ServerRole::Gateway && exchange.response.is_some() {
                exchange.fault = None;
            }
            if previous.as_deref() != Some(&*origin) && !self.connection(&exchange, &origin) {
                return None;
            }
            previous = Some(origin);
            if index == last {
                return self.response(exchange);
            }
            self.redirect(&exchange);
        }
        None
    }

    /// Name, connections, certificate. Whether the place was reached.
    fn connection(&mut self, exchange: &Exchange, origin: &str) -> bool {
        let mut failed = exchange.fault.clone();
        let addresses: Vec<String> = exchange.addresses.iter().map(ToString::to_string).collect();
        let check = Check::new(CheckKind::Dns)
            .fact("host", origin)
            .maybe("proxy", exchange.proxy.as_ref())
            .took(exchange.lookup_took);
        if addresses.is_empty() {
            self.add(or_failed(check, failed));
            return false;
        }
        self.add(check.fact("addresses", addresses.join(", ")));

        let mut check = Check::new(CheckKind::Tcp);
        for attempt in &exchange.attempts {
            let outcome = match &attempt.fault {
                None => format!(
                    "{} in {:.1} ms",
                    attempt.address,
                    attempt.took.as_secs_f64() * 1e3
                ),
                Some(fault) => format!("{}: {}", attempt.address, fault.reason()),
            };
            check = check.fact("address", outcome);
        }
        let reached = exchange
            .attempts
            .iter()
            .filter(|attempt| attempt.fault.is_none())
            .count();
        if reached == 0 {
            self.add(or_failed(check, failed));
            return false;
        }
        if reached < exchange.attempts.len() {
            check = check.note("not every address answers: some viewers wait for that");
        }
        self.add(check);

        let Some(handshake) = &exchange.tls else {
            return true;
        };
        let agreed = handshake.protocol.is_some();
        let mut check = Check::new(CheckKind::Tls)
            .maybe("protocol", handshake.protocol.as_ref())
            .maybe("alpn", handshake.alpn.as_ref())
            .took(handshake.took);
        if let Some(certificate) = handshake.certificate.as_deref().and_then(certificate::read) {
            let now = UnixTime::from_millis(unix_ms());
            let soon = now.after(i64::try_from(SOON.as_secs()).unwrap_or(i64::MAX));
            check = check
                .fact("names", certificate.names.join(", "))
                .fact("issuer", certificate.issuer)
                .fact("valid_from", certificate.from)
                .fact("valid_until", certificate.until);
            if agreed && certificate.until < soon {
                check = check.note("the certificate ends within two weeks");
            }
        }
        if !agreed {
            check = or_failed(check, failed.take());
        }
        self.add(check);
        agreed
    }

    fn redirect(&mut self, exchange: &Exchange) {
        let Some(response) = &exchange.response else {
            return;
        };
        let check = Check::new(CheckKind::Redirect)
            .fact("status", response.status)
            .url("from", exchange.url.expose());
        let to = response.header("location").map(mask_url);
        self.add(check.maybe("to", to).took(response.time_to_first_byte));
    }

    fn response(&mut self, exchange: Exchange) -> Option<Exchange> {
        let Some(response) = &exchange.response else {
            self.add(or_failed(Check::new(CheckKind::Http), exchange.fault));
            return None;
        };
        let is_redirect = (300..400).contains(&response.status);
        let check = Check::new(if is_redirect {
            CheckKind::Redirect
        } else {
            CheckKind::Http
        })
        .fact("status", response.status)
        .fact("version", &response.version)
        .maybe("server", response.header("server"))
        .maybe("bytes", response.info.total_len)
        .maybe("to", response.header("location").map(mask_url))
        .took(response.time_to_first_byte);
        if let Some(fault) = exchange.fault {
            self.add(check.failed(fault));
            return None;
        }
        self.add(check);
        self.clock(exchange.response.as_ref());
        Some(exchange)
    }

    /// Ranges and cross-origin reading.
    fn headers(&mut self, response: &InspectedResponse) {
        let check = Check::new(CheckKind::Range);
        match response.info.ranges {
            true => self.add(check.fact("ranges", "yes")),
            false => self.add(
                check
                    .fact("ranges", "no")
                    .note("parts can not be asked for: seeking reads all before"),
            ),
        }
        let check = Check::new(CheckKind::Cors);
        match response.header("access-control-allow-origin") {
            Some(allowed) => self.add(check.fact("allowed", allowed)),
            None => self.add(
                check.note("no Access-Control-Allow-Origin: pages of other sites can not play it"),
            ),
        }
    }

    fn clock(&mut self, response: Option<&InspectedResponse>) {
        let Some(server_ms) =
            response.and_then(|response| response.info.server_date_ms.or_else(|| date(response)))
        else {
            return;
        };
        let ahead_ms = server_ms - unix_ms();
        let check = Check::new(CheckKind::Clock)
            .fact("server", UnixTime::from_millis(server_ms))
            .fact("ahead_s", ahead_ms / 1000);
        match ahead_ms.abs() > CLOCK_TOLERANCE_MS {
            true => {
                self.add(check.note("the clocks differ: signatures and links may count as expired"))
            }
            false => self.add(check),
        }
    }
}

fn date(response: &InspectedResponse) -> Option<i64> {
    // A response that refuses has its Date in the headers only.
    let time = httpdate::parse_http_date(response.header("date")?).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

fn or_failed(check: Check, fault: Option<Fault>) -> Check {
    match fault {
        Some(fault) => check.failed(fault),
        None => check,
    }
}

/// Why the demuxer would refuse these bytes.
fn unknown(sample: &Bytes) -> Fault {
    let mut demuxer = ProbingDemuxer::new();
    demuxer.push(0, sample.clone());
    demuxer.finish();
    let refused = demuxer.poll().err().map(|error| error.fault());
    refused.unwrap_or_else(|| Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "container.unknown"))
}

/// Whether a media type may stand for a container. Types that say nothing fit all.
fn fits(kind: ContainerKind, content_type: &str) -> bool {
    let open = ["application/octet-stream", "binary/octet-stream"];
    open.contains(&content_type) || kind.is_named_by(content_type)
}

pub(crate) fn is_web(source: &str) -> bool {
    source.contains("://") && !source.starts_with("file:")
}

/// Scheme, host and port.
fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(|_| mask_url(url), |url| url.origin().ascii_serialization())
}

pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
