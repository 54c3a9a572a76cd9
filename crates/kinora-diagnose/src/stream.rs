//! An HLS stream: its playlists line by line, its keys, and pieces of every rendition.

use std::time::{Duration, Instant};

use kinora_container::ts::TsDemuxer;
use kinora_errors::{Coded as _, Fault, Secret, codes, mask_url};
use kinora_manifest::hls::{
    self, Encryption, HlsError, Limits, MediaPlaylist, MultivariantPlaylist, Playlist, Segment,
    Variables,
};
use kinora_manifest::policy;
use kinora_media::{Packet, Time};
use kinora_protect::{ContentKey, Iv, Scheme, SegmentCipher, decrypt_segment};
use url::Url;

use crate::check::{Check, CheckKind};
use crate::media::{Held, describe, held, yes_or_no};
use crate::run::Run;

/// No more renditions are looked at.
const MAX_RENDITIONS: usize = 12;
/// Of a line of a playlist, no more is shown.
const MAX_LINE_LEN: usize = 120;

/// A rendition, by what the main playlist calls it.
struct Named {
    name: String,
    uri: String,
}

impl Run<'_> {
    pub(crate) fn stream(&mut self, url: &str) {
        self.stream = Secret::new(url);
        let Some((base, playlist)) = self.playlist(
            url,
            None,
            &Variables::default(),
            Check::new(CheckKind::Playlist),
        ) else {
            return;
        };
        match playlist {
            Playlist::Media(media) => self.segments(&base, &media, "", true),
            Playlist::Multivariant(main) => self.renditions(&base, &main),
        }
    }

    fn renditions(&mut self, base: &Url, main: &MultivariantPlaylist) {
        let mut first = true;
        for named in named(main).into_iter().take(MAX_RENDITIONS) {
            let check = Check::new(CheckKind::Rendition).fact("name", &named.name);
            let url = match resolve(base, main.resolve(&named.uri)) {
                Ok(url) => url,
                Err(fault) => {
                    self.add(check.failed(fault));
                    continue;
                }
            };
            let read = self.playlist(url.as_str(), Some(base.as_str()), &main.variables, check);
            if let Some((base, Playlist::Media(media))) = read {
                self.segments(&base, &media, &named.name, first);
                first = false;
            }
        }
    }

    /// Fetches and reads a playlist, and reports how it went.
    fn playlist(
        &mut self,
        url: &str,
        from: Option<&str>,
        variables: &Variables,
        check: Check,
    ) -> Option<(Url, Playlist)> {
        let check = check.url("url", url);
        let reply = match self.fetch(url, Default::default(), from) {
            Ok(reply) => reply,
            Err(fault) => {
                self.add(check.failed(fault));
                return None;
            }
        };
        let found = reply.info.final_url.as_deref().unwrap_or(url);
        let Some(base) = base_of(found) else {
            let fault = Fault::new(codes::ERROR_DEMUXER_OPENURL, "hls.uri").at_url(found);
            self.add(check.failed(fault));
            return None;
        };
        let check = check.fact("bytes", reply.body.len());
        match hls::parse(&reply.body, &base, variables, &Limits::default()) {
            Ok(playlist) => {
                self.add(summed_up(check, &playlist));
                Some((base, playlist))
            }
            Err(error) => {
                let line = line(&reply.body, error.line);
                let check = check.fact("line", error.line).maybe("text", line);
                self.add(check.failed(error.fault().at_url(found)));
                None
            }
        }
    }

    /// Keys, and the first, the middle and the last segment.
    fn segments(&mut self, base: &Url, media: &MediaPlaylist, rendition: &str, with_codecs: bool) {
        let count = media.segments.len();
        let mut chosen = vec![
            ("first", 0),
            ("middle", count / 2),
            ("last", count.saturating_sub(1)),
        ];
        chosen.dedup_by_key(|(_, index)| *index);
        let mut keys = Vec::new();
        let mut clock = None;
        for (place, index) in chosen {
            let Some(segment) = media.segments.get(index).filter(|segment| !segment.gap) else {
                continue;
            };
            let check = Check::new(CheckKind::Segment)
                .fact("rendition", rendition)
                .fact("place", place)
                .fact("number", segment.sequence)
                .fact("time", begins(media, index));
            let key = match self.key(base, media, segment, &mut keys) {
                Ok(key) => key,
                Err(()) => continue,
            };
            match self.segment(base, media, segment, key) {
                Ok(seen) => {
                    let from = clock.get_or_insert_with(|| Clock::of(media, index, &seen));
                    self.add(seen.reported(check, from.time(segment, &seen)));
                    if with_codecs && index == 0 {
                        self.codecs(&seen.held.info, base.as_str());
                    }
                }
                Err(fault) => {
                    let fault = fault.with(|context| context.segment = Some(segment.sequence));
                    self.add(check.failed(fault));
                }
            }
        }
    }

    /// The segment's key, each reported once; an error where it was reported to have failed.
    fn key(
        &mut self,
        base: &Url,
        media: &MediaPlaylist,
        segment: &Segment,
        known: &mut Vec<(String, ContentKey)>,
    ) -> Result<Option<Unlock>, ()> {
        let Encryption::Identity { method, uri, iv } = segment.encryption() else {
            return Ok(None);
        };
        let Ok(scheme) = Scheme::of_method(method) else {
            return Ok(None);
        };
        let iv = iv.map_or_else(|| Iv::from_sequence(segment.sequence), Iv);
        // Samples have headers in the clear, which are all that is read of them.
        let unlock = |key: ContentKey| match scheme {
            Scheme::Segments(cipher) => Some(Unlock { cipher, key, iv }),
            Scheme::Samples(_) | Scheme::Clear => None,
        };
        if let Some((_, content)) = known.iter().find(|(known, _)| known == uri) {
            return Ok(unlock(content.clone()));
        }
        let check = Check::new(CheckKind::Key).fact("method", scheme.method());
        let fetched = resolve(base, media.resolve(uri)).and_then(|url| {
            let reply = self.fetch(url.as_str(), Default::default(), Some(base.as_str()))?;
            let content = ContentKey::from_bytes(&reply.body);
            let content = content.map_err(|error| error.fault().at_url(url.as_str()))?;
            Ok((url, content))
        });
        match fetched {
            Ok((url, content)) => {
                let length = content.expose().len();
                self.add(check.url("url", url.as_str()).fact("bytes", length));
                known.push((uri.to_owned(), content.clone()));
                Ok(unlock(content))
            }
            Err(fault) => {
                self.add(check.failed(fault));
                Err(())
            }
        }
    }

    /// Fetches, decrypts and demuxes one segment.
    fn segment(
        &self,
        base: &Url,
        media: &MediaPlaylist,
        segment: &Segment,
        unlock: Option<Unlock>,
    ) -> Result<Seen, Fault> {
        let init = match &segment.map {
            None => None,
            Some(map) => {
                let url = resolve(base, media.resolve(&map.uri))?;
                Some(
                    self.fetch(url.as_str(), map.range, Some(base.as_str()))?
                        .body,
                )
            }
        };
        let url = resolve(base, media.resolve(&segment.uri))?;
        let since = Instant::now();
        let reply = self.fetch(url.as_str(), segment.range, Some(base.as_str()))?;
        let took = since.elapsed();
        let size = reply.body.len();
        let body = match unlock {
            None => reply.body,
            Some(Unlock { cipher, key, iv }) => decrypt_segment(cipher, &key, iv, reply.body)
                .map_err(|error| error.fault().at_url(url.as_str()))?,
        };
        let held = held(init, body).map_err(|fault| fault.at_url(url.as_str()))?;
        let Some(first) = held.first.clone() else {
            return Err(
                Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "container.no_packet")
                    .at_url(url.as_str()),
            );
        };
        Ok(Seen {
            status: reply.info.status,
            size,
            took,
            held,
            first,
        })
    }
}

/// What a whole segment is decrypted with.
struct Unlock {
    cipher: SegmentCipher,
    key: ContentKey,
    iv: Iv,
}

/// A segment that was fetched and read.
struct Seen {
    status: Option<u16>,
    size: usize,
    took: Duration,
    held: Held,
    first: Packet,
}

impl Seen {
    /// The facts to report; `time` is that of its first picture.
    fn reported(&self, check: Check, time: Option<Time>) -> Check {
        let tracks: Vec<String> = self.held.info.tracks.iter().map(describe).collect();
        let key = self.first.flags.key;
        let check = check
            .maybe("status", self.status)
            .fact("bytes", self.size)
            .fact("packets", self.held.packets)
            .fact("tracks", tracks.join("; "))
            .maybe("pts", time)
            .fact("key_frame", yes_or_no(key))
            .took(self.took);
        match key {
            true => check,
            false => check
                .note("it does not begin with a key frame: seeking to it shows nothing at first"),
        }
    }
}

/// The clock that the segments' own times are of.
struct Clock {
    /// What the playlist says of the first segment that was read, less what that says itself.
    shift: Time,
    discontinuity: u64,
}

impl Clock {
    fn of(media: &MediaPlaylist, index: usize, seen: &Seen) -> Self {
        Self {
            shift: begins(media, index) - seen.first.pts,
            discontinuity: media.segments[index].discontinuity_sequence,
        }
    }

    /// When the segment's first picture is shown, as the segment itself says; nothing where it does not, or by another clock.
    fn time(&self, segment: &Segment, seen: &Seen) -> Option<Time> {
        if !seen.held.is_timed || segment.discontinuity_sequence != self.discontinuity {
            return None;
        }
        let time = seen.first.pts + self.shift;
        // A transport stream's clock begins anew every 26 hours.
        let period = TsDemuxer::CLOCK_PERIOD;
        Some(match time < period.scale(-0.5) {
            true => time + period,
            false => time,
        })
    }
}

/// When a segment begins, by the playlist.
fn begins(media: &MediaPlaylist, index: usize) -> Time {
    let before = media.segments.iter().take(index);
    before.fold(Time::ZERO, |all, segment| all + segment.duration)
}

fn named(main: &MultivariantPlaylist) -> Vec<Named> {
    let variants = main.variants.iter().map(|variant| {
        let size = variant
            .resolution
            .map(|(width, height)| format!("{width}x{height} "));
        Named {
            name: format!(
                "{}{} kbit/s",
                size.unwrap_or_default(),
                variant.bandwidth / 1000
            ),
            uri: variant.uri.clone(),
        }
    });
    let others = main.renditions.iter().filter_map(|rendition| {
        Some(Named {
            name: rendition.name.clone(),
            uri: rendition.uri.clone()?,
        })
    });
    variants.chain(others).collect()
}

fn summed_up(check: Check, playlist: &Playlist) -> Check {
    match playlist {
        Playlist::Multivariant(main) => check.fact("renditions", main.variants.len()),
        Playlist::Media(media) => {
            let check = check
                .fact("segments", media.segments.len())
                .fact("duration", media.duration())
                .fact("live", yes_or_no(media.is_live()));
            match media.segments.is_empty() && !media.is_live() {
                true => check.failed(
                    Fault::new(codes::ERROR_DEMUXER_OPENURL, "hls.empty")
                        .at_url(media.base.as_str()),
                ),
                false => check,
            }
        }
    }
}

/// What a playlist names, if it may.
fn resolve(base: &Url, named: Result<Url, HlsError>) -> Result<Url, Fault> {
    let url = named.map_err(|error| error.fault().at_url(base.as_str()))?;
    policy::may_fetch(base, &url).map_err(|error| error.fault().at_url(url.as_str()))?;
    Ok(url)
}

/// The line of a fault, for people: cut short, secrets masked.
pub(crate) fn line(playlist: &[u8], number: u32) -> Option<String> {
    let text = String::from_utf8_lossy(playlist);
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    let line: String = text
        .lines()
        .nth(index)?
        .chars()
        .take(MAX_LINE_LEN)
        .collect();
    // A query may be a signature; what a playlist says before it is not, but for a whole URL.
    let shown = line.split('?').next().unwrap_or_default();
    Some(match shown.contains("://") {
        true => mask_url(shown),
        false => shown.to_owned(),
    })
}

pub(crate) fn base_of(url: &str) -> Option<Url> {
    Url::parse(url)
        .ok()
        .filter(|url| url.has_host() || url.scheme() == "file")
        .or_else(|| {
            let path = std::path::absolute(url).ok()?;
            Url::from_file_path(path).ok()
        })
}
