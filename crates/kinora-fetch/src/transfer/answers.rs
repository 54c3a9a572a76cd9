//! What the network gives.

use kinora_errors::{Fault, Retry, codes};
use kinora_media::{Chunk, Packet, ResponseInfo};

use super::{FORGIVEN_AFTER, Phase, Progress, RangeMode, Transfer};
use crate::recover;
use crate::{FetchEvent, FetchNotice, Host, Purpose, RetryContext};

impl Transfer {
    /// Takes an event of its request; see [`is`](Self::is).
    pub fn on_event(
        &mut self,
        host: &mut impl Host,
        event: FetchEvent,
        context: RetryContext,
    ) -> Progress {
        match event {
            FetchEvent::Head { info, .. } => self.on_head(host, info, context),
            FetchEvent::Chunk(chunk) => self.on_chunk(host, chunk),
            FetchEvent::Tracks { .. } => self.on_tracks(host),
            FetchEvent::Packet { packet, .. } => self.on_packet(host, &packet),
            FetchEvent::TraceId { .. } => Progress::None,
            FetchEvent::Done { .. } if self.is_missing_all() => {
                self.on_failed(host, recover::ended_early(), context)
            }
            FetchEvent::Done { .. } => self.on_done(host),
            FetchEvent::Failed { fault, .. } => self.on_failed(host, fault, context),
        }
    }

    /// The response begins.
    pub fn on_head(
        &mut self,
        host: &mut impl Host,
        info: ResponseInfo,
        context: RetryContext,
    ) -> Progress {
        self.silent_since = host.now();
        if info.offset != self.wire && info.offset != self.next {
            let fault = Fault::new(codes::ERROR_NETWORK_HTTP_RANGE, "http.range.mismatch")
                .because("the answer begins at another byte than was asked for")
                .retry_class(Retry::Now);
            return self.drop_and_fail(host, fault, context);
        }
        self.wire = info.offset;
        if !self.is_bound() {
            // Nothing of an older version is here.
            (self.total_len, self.validator) = (None, None);
        }
        if let Some(fault) = self.changed(&info) {
            self.cancel(host);
            if self.spec.purpose == Purpose::Playlist {
                // It is there, only newer: its owner asks for it anew.
                return Progress::Failed(self.located(host, fault.retry_class(Retry::Backoff)));
            }
            return self.on_failed(host, fault, context);
        }
        self.validator = self.validator.take().or_else(|| info.validator.clone());
        self.total_len = self.total_len.or(info.total_len);
        Progress::Head(info)
    }

    /// Whether the answer is of another version than the bytes that came before.
    fn changed(&self, info: &ResponseInfo) -> Option<Fault> {
        let what = match (self.total_len, info.total_len) {
            (Some(before), Some(now)) if before != now => "has another length",
            _ => match (&self.validator, &info.validator) {
                (Some(before), Some(now)) if before != now => "is of another version",
                _ => return None,
            },
        };
        let fault = Fault::new(codes::ERROR_NETWORK_HTTP_RANGE, "http.resource_changed")
            .because(format!(
                "the resource {what} than before: it was replaced while it played"
            ))
            .retry_class(Retry::Never);
        Some(fault)
    }

    /// Bytes of the response.
    pub fn on_chunk(&mut self, host: &mut impl Host, chunk: Chunk) -> Progress {
        let len = chunk.data.len() as u64;
        host.received(len);
        self.credit = self.credit.saturating_sub(len);
        self.silent_since = host.now();
        let end = chunk.offset.saturating_add(len);
        self.wire = end;
        if end <= self.next {
            // Read again only because ranges are ignored: no room is taken.
            self.grant(host);
            return Progress::None;
        }
        let mut data = chunk.data;
        let within = |at: u64| usize::try_from(at.saturating_sub(chunk.offset)).unwrap_or(0);
        let wanted = self.spec.range.end;
        let wanted = wanted.filter(|_| self.mode == RangeMode::Whole);
        if let Some(last) = wanted.filter(|last| *last <= end) {
            // The whole is longer than what was wanted of it.
            data.truncate(within(last));
            self.cancel(host);
            self.phase = Phase::Complete;
        }
        let known = within(self.next).min(data.len());
        let data = data.slice(known..);
        let offset = self.next.max(chunk.offset);
        self.next = offset + data.len() as u64;
        self.advanced(host, data.len() as u64);
        Progress::Data(offset, data)
    }

    /// The response begins without a head: what comes are packets.
    pub fn on_tracks(&mut self, host: &mut impl Host) -> Progress {
        self.silent_since = host.now();
        Progress::None
    }

    /// A packet of the response, whose owner takes it as it is.
    pub fn on_packet(&mut self, host: &mut impl Host, packet: &Packet) -> Progress {
        let bytes = packet.data.len() as u64;
        host.received(bytes);
        self.credit = self.credit.saturating_sub(FetchEvent::cost_of(packet));
        self.silent_since = host.now();
        self.advanced(host, bytes);
        Progress::None
    }

    fn advanced(&mut self, host: &mut impl Host, bytes: u64) {
        self.progress += bytes;
        if self.progress >= FORGIVEN_AFTER {
            self.failures = 0;
        }
        // That a service answers does not say that it does what it was asked: its owner knows.
        if self.spec.purpose != Purpose::Api {
            self.mended(host);
        }
    }

    /// What failed before has succeeded now.
    pub fn mended(&mut self, host: &mut impl Host) {
        if let Some(fault) = self.broken.take() {
            let told = std::mem::take(&mut self.announced).outage;
            host.notice(FetchNotice::RetrySucceeded { fault, told });
        }
    }

    /// The answer is over and brought nothing, though bytes are missing.
    fn is_missing_all(&self) -> bool {
        let rest = self.expected().is_some_and(|all| self.received() < all);
        rest && self.progress == 0 && matches!(self.phase, Phase::Requested(_))
    }

    /// The answer is over. Where it brought less than was asked for, the rest is asked for (RFC 9110 15.3.7).
    pub fn on_done(&mut self, host: &mut impl Host) -> Progress {
        let rest = self.expected().is_some_and(|all| self.received() < all);
        let requested = matches!(self.phase, Phase::Requested(_));
        if rest && requested && std::mem::take(&mut self.progress) > 0 {
            (self.failures, self.without_progress) = (0, 0);
            self.send_request(host);
            return Progress::None;
        }
        self.advanced(host, 0);
        self.phase = Phase::Over;
        Progress::Done
    }
}
