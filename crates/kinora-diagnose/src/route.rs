//! The route to a resource: names, connections, certificates, redirects, headers.

use std::io::Read as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use kinora_cloud::UnixTime;
use kinora_container::sniff::{self, Sniff};
use kinora_container::{ContainerKind, Demuxer as _, ProbingDemuxer};
use kinora_errors::{Code, Coded as _, Fault, codes, mask_url};
use kinora_media::ByteRange;
use kinora_net::{Answer, Hop};
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
    /// The service's gateway: any answer will do.
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
        let Some(Hop {
            url,
            answer: Some(answer),
            ..
        }) = self.follow(source, ServerRole::Media)
        else {
            return;
        };
        self.headers(&answer);
        let said = answer.info.content_type.clone();
        self.content(url.expose(), said.as_deref(), &answer.sample);
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
    fn content(&mut self, url: &str, said: Option<&str>, sample: &Bytes) {
        let check = Check::new(CheckKind::Type).maybe("content_type", said);
        let kind = match sniff::sniff(sample) {
            Sniff::Known(kind) => kind,
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
        match said.filter(|said| !fits(kind, said)) {
            Some(said) => {
                self.add(check.note(format!("{said} is not what {} is called", kind.title())))
            }
            None => self.add(check),
        }
        match kind {
            ContainerKind::HlsPlaylist => self.stream(url),
            ContainerKind::DashManifest => self.manifest(url),
            _ => self.media(url),
        }
    }

    /// Follows the redirects and reports each hop; gives the last one, where it answered as it should.
    pub(crate) fn follow(&mut self, source: &str, role: ServerRole) -> Option<Hop> {
        let hops = match self.net.survey(source) {
            Ok(hops) => hops,
            Err(fault) => {
                self.add(Check::new(CheckKind::Dns).failed(fault));
                return None;
            }
        };
        let mut before: Option<String> = None;
        let last = hops.len().checked_sub(1)?;
        for (index, mut hop) in hops.into_iter().enumerate() {
            let place = place(hop.url.expose());
            if role == ServerRole::Gateway && hop.answer.is_some() {
                hop.failed = None;
            }
            if before.as_deref() != Some(&*place) && !self.reach(&hop, &place) {
                return None;
            }
            before = Some(place);
            if index == last {
                return self.arrive(hop);
            }
            self.redirect(&hop);
        }
        None
    }

    /// Name, connections, certificate. Whether the place was reached.
    fn reach(&mut self, hop: &Hop, place: &str) -> bool {
        let mut failed = hop.failed.clone();
        let addresses: Vec<String> = hop.addresses.iter().map(ToString::to_string).collect();
        let check = Check::new(CheckKind::Dns)
            .fact("host", place)
            .maybe("proxy", hop.proxy.as_ref())
            .took(hop.lookup);
        if addresses.is_empty() {
            self.add(or_failed(check, failed));
            return false;
        }
        self.add(check.fact("addresses", addresses.join(", ")));

        let mut check = Check::new(CheckKind::Tcp);
        for dial in &hop.dials {
            let outcome = match &dial.failed {
                None => format!(
                    "{} in {:.1} ms",
                    dial.address,
                    dial.took.as_secs_f64() * 1e3
                ),
                Some(fault) => format!("{}: {}", dial.address, fault.reason()),
            };
            check = check.fact("address", outcome);
        }
        let reached = hop
            .dials
            .iter()
            .filter(|dial| dial.failed.is_none())
            .count();
        if reached == 0 {
            self.add(or_failed(check, failed));
            return false;
        }
        if reached < hop.dials.len() {
            check = check.note("not every address answers: some viewers wait for that");
        }
        self.add(check);

        let Some(handshake) = &hop.handshake else {
            return true;
        };
        let agreed = handshake.protocol.is_some();
        let mut check = Check::new(CheckKind::Tls)
            .maybe("protocol", handshake.protocol.as_ref())
            .maybe("alpn", handshake.alpn.as_ref())
            .took(handshake.took);
        if let Some(shown) = handshake.certificate.as_deref().and_then(certificate::read) {
            let now = UnixTime::from_millis(unix_ms());
            let soon = now.after(i64::try_from(SOON.as_secs()).unwrap_or(i64::MAX));
            check = check
                .fact("names", shown.names.join(", "))
                .fact("issuer", shown.issuer)
                .fact("valid_from", shown.from)
                .fact("valid_until", shown.until);
            if agreed && shown.until < soon {
                check = check.note("the certificate ends within two weeks");
            }
        }
        if !agreed {
            check = or_failed(check, failed.take());
        }
        self.add(check);
        agreed
    }

    fn redirect(&mut self, hop: &Hop) {
        let Some(answer) = &hop.answer else { return };
        let check = Check::new(CheckKind::Redirect)
            .fact("status", answer.status)
            .url("from", hop.url.expose());
        let to = answer.header("location").map(mask_url);
        self.add(check.maybe("to", to).took(answer.first_byte));
    }

    fn arrive(&mut self, hop: Hop) -> Option<Hop> {
        let Some(answer) = &hop.answer else {
            self.add(or_failed(Check::new(CheckKind::Http), hop.failed));
            return None;
        };
        let is_redirect = (300..400).contains(&answer.status);
        let check = Check::new(if is_redirect {
            CheckKind::Redirect
        } else {
            CheckKind::Http
        })
        .fact("status", answer.status)
        .fact("version", &answer.version)
        .maybe("server", answer.header("server"))
        .maybe("bytes", answer.info.total_len)
        .maybe("to", answer.header("location").map(mask_url))
        .took(answer.first_byte);
        if let Some(fault) = hop.failed {
            self.add(check.failed(fault));
            return None;
        }
        self.add(check);
        self.clock(hop.answer.as_ref());
        Some(hop)
    }

    /// Ranges and cross-origin reading.
    fn headers(&mut self, answer: &Answer) {
        let check = Check::new(CheckKind::Range);
        match answer.info.ranges {
            true => self.add(check.fact("ranges", "yes")),
            false => self.add(
                check
                    .fact("ranges", "no")
                    .note("parts can not be asked for: seeking reads all before"),
            ),
        }
        let check = Check::new(CheckKind::Cors);
        match answer.header("access-control-allow-origin") {
            Some(allowed) => self.add(check.fact("allowed", allowed)),
            None => self.add(
                check.note("no Access-Control-Allow-Origin: pages of other sites can not play it"),
            ),
        }
    }

    fn clock(&mut self, answer: Option<&Answer>) {
        let Some(server_ms) =
            answer.and_then(|answer| answer.info.server_date_ms.or_else(|| date(answer)))
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

fn date(answer: &Answer) -> Option<i64> {
    // An answer that refuses has its Date in the headers only.
    let time = httpdate::parse_http_date(answer.header("date")?).ok()?;
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
fn fits(kind: ContainerKind, said: &str) -> bool {
    let open = ["application/octet-stream", "binary/octet-stream"];
    open.contains(&said) || kind.is_named_by(said)
}

pub(crate) fn is_web(source: &str) -> bool {
    source.contains("://") && !source.starts_with("file:")
}

/// Scheme, host and port.
fn place(url: &str) -> String {
    Url::parse(url).map_or_else(|_| mask_url(url), |url| url.origin().ascii_serialization())
}

pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
