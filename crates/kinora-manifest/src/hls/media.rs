use std::sync::Arc;

use kinora_media::{ByteRange, Time};
use url::Url;

use super::Limits;
use super::attributes::{self, Attributes};
use super::error::{HlsError, HlsErrorKind};
use super::lines::{self, Lines};
use super::model::{
    DateRange, Key, Map, MediaPlaylist, Part, PlaylistType, PreloadHint, RenditionReport, Segment,
    ServerControl, Start,
};
use super::variables::{Scope, Variables};
use crate::iso8601;

pub(super) fn parse(
    lines: Lines<'_>,
    url: &Url,
    imports: &Variables,
    limits: &Limits,
) -> Result<MediaPlaylist, HlsError> {
    let mut reader = MediaPlaylistParser::new(url.clone());
    for line in lines {
        let (number, line) = line?;
        if !line.starts_with('#') {
            reader.segment(line, number)?;
        } else if let Some((tag, value)) = lines::tag(line) {
            reader.tag(tag, value, number, imports)?;
        }
        if reader.entries > limits.entries {
            return Err(HlsErrorKind::Limit("entries").at(number));
        }
    }
    Ok(reader.finish())
}

/// What the tags before a segment say of it.
#[derive(Default)]
struct Pending {
    duration: Option<Time>,
    title: String,
    /// Length and, where named, offset.
    range: Option<(u64, Option<u64>)>,
    discontinuity: bool,
    gap: bool,
    parts: Vec<Part>,
}

struct MediaPlaylistParser {
    list: MediaPlaylist,
    variables: Scope,
    pending: Pending,
    keys: Arc<[Arc<Key>]>,
    map: Option<Arc<Map>>,
    bitrate: Option<u64>,
    program_date_ms: Option<i64>,
    discontinuities: u64,
    /// Where the byte range before ended, and in what.
    range_end: (String, u64),
    part_end: (String, u64),
    /// An EXT-X-KEY was read.
    has_key: bool,
    entries: usize,
}

impl MediaPlaylistParser {
    fn new(base: Url) -> Self {
        let list = MediaPlaylist {
            base,
            version: 1,
            target_duration: Time::default(),
            media_sequence: 0,
            discontinuity_sequence: 0,
            has_discontinuity_sequence: false,
            kind: None,
            ended: false,
            independent_segments: false,
            i_frames_only: false,
            start: None,
            segments: Vec::new(),
            skipped: 0,
            removed_date_ranges: Vec::new(),
            segments_before_key: 0,
            part_target: None,
            growing: None,
            preload_hints: Vec::new(),
            rendition_reports: Vec::new(),
            server_control: ServerControl::default(),
            date_ranges: Vec::new(),
        };
        Self {
            list,
            variables: Scope::default(),
            pending: Pending::default(),
            keys: Arc::new([]),
            map: None,
            bitrate: None,
            program_date_ms: None,
            discontinuities: 0,
            range_end: (String::new(), 0),
            part_end: (String::new(), 0),
            has_key: false,
            entries: 0,
        }
    }

    fn tag(
        &mut self,
        tag: &str,
        value: &str,
        line: u32,
        imports: &Variables,
    ) -> Result<(), HlsError> {
        match tag {
            "INF" => self.extinf(value, line)?,
            "-X-BYTERANGE" => {
                let value = self.variables.put_into(value, line)?;
                self.pending.range = Some(
                    byte_range(&value).ok_or(HlsErrorKind::Value("EXT-X-BYTERANGE").at(line))?,
                );
            }
            "-X-DISCONTINUITY" => {
                self.pending.discontinuity = true;
                self.discontinuities = self.discontinuities.saturating_add(1);
            }
            "-X-GAP" => self.pending.gap = true,
            "-X-BITRATE" => self.bitrate = attributes::integer(value),
            "-X-PROGRAM-DATE-TIME" => self.program_date_ms = iso8601::date_ms(value),
            "-X-KEY" => self.key(value, line)?,
            "-X-MAP" => self.map(value, line)?,
            "-X-DEFINE" => define(&mut self.variables, imports, &self.list.base, value, line)?,
            "-X-PART" => self.part(value, line)?,
            "-X-PRELOAD-HINT" => self.preload_hint(value, line)?,
            "-X-RENDITION-REPORT" => self.rendition_report(value, line)?,
            "-X-DATERANGE" => self.date_range(value, line)?,
            _ => self.header(tag, value, line)?,
        }
        Ok(())
    }

    /// Tags that speak of the whole playlist.
    fn header(&mut self, tag: &str, value: &str, line: u32) -> Result<(), HlsError> {
        let list = &mut self.list;
        let with = |tag| Attributes::new(tag, line, value, &self.variables);
        match tag {
            "-X-TARGETDURATION" => list.target_duration = positive(attributes::seconds(value)),
            "-X-VERSION" => list.version = attributes::integer(value).unwrap_or(1),
            "-X-MEDIA-SEQUENCE" => list.media_sequence = attributes::integer(value).unwrap_or(0),
            "-X-DISCONTINUITY-SEQUENCE" => {
                list.discontinuity_sequence = attributes::integer(value).unwrap_or(0);
                list.has_discontinuity_sequence = true;
            }
            "-X-PLAYLIST-TYPE" => {
                list.kind = match value {
                    "VOD" => Some(PlaylistType::Vod),
                    "EVENT" => Some(PlaylistType::Event),
                    _ => None,
                }
            }
            "-X-ENDLIST" => list.ended = true,
            "-X-INDEPENDENT-SEGMENTS" => list.independent_segments = true,
            "-X-I-FRAMES-ONLY" => list.i_frames_only = true,
            "-X-START" => list.start = start(&with("EXT-X-START"))?,
            "-X-PART-INF" => list.part_target = with("EXT-X-PART-INF").time("PART-TARGET")?,
            "-X-SKIP" => {
                let attributes = with("EXT-X-SKIP");
                let skipped = attributes.integer("SKIPPED-SEGMENTS")?;
                let missing = HlsErrorKind::MissingAttribute("EXT-X-SKIP", "SKIPPED-SEGMENTS");
                list.skipped = skipped.ok_or(missing.at(line))?;
                if let Some(ids) = attributes.text("RECENTLY-REMOVED-DATERANGES")? {
                    let ids = ids.split('\t').filter(|id| !id.is_empty());
                    list.removed_date_ranges = ids.map(str::to_owned).collect();
                    let removed = list.removed_date_ranges.len();
                    self.entries = self.entries.saturating_add(removed);
                }
            }
            "-X-SERVER-CONTROL" => {
                list.server_control = server_control(&with("EXT-X-SERVER-CONTROL"))?
            }
            _ => {}
        }
        Ok(())
    }

    fn extinf(&mut self, value: &str, line: u32) -> Result<(), HlsError> {
        let value = self.variables.put_into(value, line)?;
        let (duration, title) = value.split_once(',').unwrap_or((&value, ""));
        // IPTV lists put attributes between the duration and the comma.
        let duration = duration.split_whitespace().next().unwrap_or_default();
        let duration =
            attributes::seconds(duration).ok_or(HlsErrorKind::Value("EXTINF").at(line))?;
        self.pending.duration = Some(positive(Some(duration)));
        self.pending.title = title.trim().to_owned();
        Ok(())
    }

    fn segment(&mut self, line: &str, number: u32) -> Result<(), HlsError> {
        // A line that no EXTINF announces is no segment (RFC 8216 4.3.2.1).
        let Some(duration) = self.pending.duration else {
            return Ok(());
        };
        let uri = self.variables.put_into(line, number)?.into_owned();
        let range = self.pending.range.take();
        let range = range.map_or(ByteRange::default(), |(length, offset)| {
            follow(&mut self.range_end, &uri, length, offset)
        });
        let segment = self.end_segment(uri, range, duration);
        self.list.segments.push(segment);
        self.program_date_ms = self
            .program_date_ms
            .and_then(|ms| ms.checked_add(duration.as_millis()));
        self.entries = self.entries.saturating_add(1);
        if !self.has_key {
            self.list.segments_before_key = self.list.segments.len();
        }
        Ok(())
    }

    /// What the tags before it say of the next segment.
    fn end_segment(&mut self, uri: String, range: ByteRange, duration: Time) -> Segment {
        let pending = core::mem::take(&mut self.pending);
        let count = u64::try_from(self.list.segments.len()).unwrap_or(u64::MAX);
        let sequence = self
            .list
            .media_sequence
            .saturating_add(self.list.skipped)
            .saturating_add(count);
        Segment {
            sequence,
            uri,
            range,
            duration,
            title: pending.title,
            discontinuity: pending.discontinuity,
            discontinuity_sequence: self.discontinuities,
            keys: Arc::clone(&self.keys),
            map: self.map.clone(),
            program_date_ms: self.program_date_ms,
            gap: pending.gap,
            bitrate: self.bitrate,
            parts: pending.parts,
        }
    }

    fn key(&mut self, value: &str, line: u32) -> Result<(), HlsError> {
        let read = key(&Attributes::new("EXT-X-KEY", line, value, &self.variables))?;
        self.has_key = true;
        let Some(key) = read.map(Arc::new) else {
            self.keys = Arc::new([]);
            return Ok(());
        };
        self.entries = self.entries.saturating_add(1);
        // RFC 8216 4.3.2.4: a key replaces the one of its KEYFORMAT.
        let kept = self.keys.iter().filter(|old| old.format != key.format);
        let keys: Vec<Arc<Key>> = kept.take(7).cloned().chain([Arc::clone(&key)]).collect();
        self.keys = keys.into();
        Ok(())
    }

    fn map(&mut self, value: &str, line: u32) -> Result<(), HlsError> {
        let attributes = Attributes::new("EXT-X-MAP", line, value, &self.variables);
        // A map without a resource is passed over, as peers do.
        let Some(uri) = attributes.string("URI")? else {
            return Ok(());
        };
        let range = match attributes.text("BYTERANGE")? {
            Some(text) => {
                let read = byte_range(&text).ok_or(HlsErrorKind::Value("EXT-X-MAP").at(line))?;
                ByteRange::of(read.1.unwrap_or(0), read.0)
            }
            None => ByteRange::default(),
        };
        // RFC 8216 4.3.2.5: no sequence number can stand in for its IV.
        if self
            .keys
            .iter()
            .any(|key| key.method == "AES-128" && key.iv.is_none())
        {
            return Err(HlsErrorKind::MapWithoutIv.at(line));
        }
        let keys = Arc::clone(&self.keys);
        self.map = Some(Arc::new(Map { uri, range, keys }));
        Ok(())
    }

    fn part(&mut self, value: &str, line: u32) -> Result<(), HlsError> {
        let attributes = Attributes::new("EXT-X-PART", line, value, &self.variables);
        let uri = attributes.required("URI")?;
        let duration = positive(attributes.time("DURATION")?);
        let range = match attributes.text("BYTERANGE")? {
            Some(text) => {
                let (length, offset) =
                    byte_range(&text).ok_or(HlsErrorKind::Value("EXT-X-PART").at(line))?;
                follow(&mut self.part_end, &uri, length, offset)
            }
            None => ByteRange::default(),
        };
        let part = Part {
            range,
            duration,
            independent: attributes.is_yes("INDEPENDENT"),
            gap: attributes.is_yes("GAP"),
            uri,
        };
        self.pending.parts.push(part);
        self.entries = self.entries.saturating_add(1);
        Ok(())
    }

    fn preload_hint(&mut self, value: &str, line: u32) -> Result<(), HlsError> {
        let attributes = Attributes::new("EXT-X-PRELOAD-HINT", line, value, &self.variables);
        let is_map = match attributes.raw("TYPE") {
            Some("MAP") => true,
            Some("PART") => false,
            // RFC 8216bis 4.4.5.3: types of later versions are passed over.
            _ => return Ok(()),
        };
        let start = attributes.integer("BYTERANGE-START")?.unwrap_or(0);
        let range = match attributes.integer("BYTERANGE-LENGTH")? {
            Some(length) => ByteRange::of(start, length),
            None => ByteRange::from(start),
        };
        let uri = attributes.required("URI")?;
        self.list
            .preload_hints
            .push(PreloadHint { is_map, uri, range });
        self.entries = self.entries.saturating_add(1);
        Ok(())
    }

    fn rendition_report(&mut self, value: &str, line: u32) -> Result<(), HlsError> {
        let attributes = Attributes::new("EXT-X-RENDITION-REPORT", line, value, &self.variables);
        let report = RenditionReport {
            uri: attributes.required("URI")?,
            last_sequence: attributes.integer("LAST-MSN")?,
            last_part: attributes.integer("LAST-PART")?,
        };
        self.list.rendition_reports.push(report);
        self.entries = self.entries.saturating_add(1);
        Ok(())
    }

    fn date_range(&mut self, value: &str, line: u32) -> Result<(), HlsError> {
        let attributes = Attributes::new("EXT-X-DATERANGE", line, value, &self.variables);
        let at = |name| {
            Ok::<_, HlsError>(
                attributes
                    .text(name)?
                    .and_then(|text| iso8601::date_ms(&text)),
            )
        };
        let range = DateRange {
            id: attributes.string("ID")?.unwrap_or_default(),
            class: attributes.string("CLASS")?,
            start_ms: at("START-DATE")?,
            end_ms: at("END-DATE")?,
            duration: attributes.time("DURATION")?,
            planned_duration: attributes.time("PLANNED-DURATION")?,
            end_on_next: attributes.is_yes("END-ON-NEXT"),
            cue: attributes.string("CUE")?,
            custom: attributes
                .custom()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        };
        self.list.date_ranges.push(range);
        self.entries = self.entries.saturating_add(1);
        Ok(())
    }

    fn finish(mut self) -> MediaPlaylist {
        // RFC 8216 6.2.1 lets the two sequence tags stand anywhere before the first segment: numbers of the first
        // ones are set right here for playlists that put them later.
        let first = self.list.media_sequence.saturating_add(self.list.skipped);
        let base = self.list.discontinuity_sequence;
        if !self.pending.parts.is_empty() {
            let parts = self.pending.parts.iter();
            let duration = parts.fold(0_i64, |sum, part| {
                sum.saturating_add(part.duration.as_nanos())
            });
            let duration = Time::from_nanos(duration);
            let growing = self.end_segment(String::new(), ByteRange::default(), duration);
            self.list.growing = Some(Box::new(growing));
        }
        let mut sequence = first;
        for segment in self.list.all_segments_mut() {
            segment.sequence = sequence;
            segment.discontinuity_sequence = segment.discontinuity_sequence.saturating_add(base);
            sequence = sequence.saturating_add(1);
        }
        if self.list.target_duration == Time::default() {
            let longest = self
                .list
                .segments
                .iter()
                .map(|segment| segment.duration)
                .max();
            self.list.target_duration = longest.unwrap_or_default();
        }
        fill_reports(&mut self.list);
        self.list
    }
}

/// RFC 8216bis 4.4.5.4: what a report leaves out is as in this playlist.
fn fill_reports(list: &mut MediaPlaylist) {
    let next = list.media_sequence.saturating_add(list.skipped);
    let count = u64::try_from(list.segments.len()).unwrap_or(u64::MAX);
    let next = next.saturating_add(count);
    let (sequence, parts) = match list.trailing_parts() {
        [] => {
            let parts = list.segments.last().map_or(0, |last| last.parts.len());
            (next.checked_sub(1), parts)
        }
        parts => (Some(next), parts.len()),
    };
    let last_part = parts
        .checked_sub(1)
        .and_then(|last| u64::try_from(last).ok());
    for report in &mut list.rendition_reports {
        report.last_sequence = report.last_sequence.or(sequence);
        if list.part_target.is_some() {
            report.last_part = report.last_part.or(last_part);
        }
    }
}

fn positive(time: Option<Time>) -> Time {
    time.unwrap_or_default().max(Time::default())
}

/// `length[@offset]`.
fn byte_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (length, offset) = text.split_once('@').unwrap_or((text, ""));
    let offset = match offset.trim() {
        "" => None,
        offset => Some(offset.parse().ok()?),
    };
    Some((length.trim().parse().ok()?, offset))
}

/// A range without an offset follows the one before of the same resource (RFC 8216 4.3.2.2).
fn follow(end: &mut (String, u64), uri: &str, length: u64, offset: Option<u64>) -> ByteRange {
    let follows = if end.0 == uri { end.1 } else { 0 };
    let range = ByteRange::of(offset.unwrap_or(follows), length);
    if end.0 != uri {
        uri.clone_into(&mut end.0);
    }
    end.1 = range.end.unwrap_or(0);
    range
}

/// EXT-X-DEFINE (RFC 8216bis 4.4.2.3).
pub(super) fn define(
    variables: &mut Scope,
    imports: &Variables,
    url: &Url,
    value: &str,
    line: u32,
) -> Result<(), HlsError> {
    let none = Scope::default();
    let attributes = Attributes::new("EXT-X-DEFINE", line, value, &none);
    if let Some(name) = attributes.raw("NAME") {
        let value = attributes
            .raw("VALUE")
            .ok_or(HlsErrorKind::MissingAttribute("EXT-X-DEFINE", "VALUE").at(line))?;
        return variables.define(name.to_owned(), value.to_owned(), line);
    }
    if let Some(name) = attributes.raw("QUERYPARAM") {
        let found = url.query_pairs().find(|(at, _)| at == name);
        let (_, value) =
            found.ok_or_else(|| HlsErrorKind::UndefinedVariable(name.to_owned()).at(line))?;
        return variables.define(name.to_owned(), value.into_owned(), line);
    }
    if let Some(name) = attributes.raw("IMPORT") {
        // What the multivariant playlist does not define is no variable here; its places stay as they are.
        return imports.get(name).map_or(Ok(()), |value| {
            variables.define(name.to_owned(), value.to_owned(), line)
        });
    }
    Err(HlsErrorKind::MissingAttribute("EXT-X-DEFINE", "NAME").at(line))
}

/// A key; `None` for METHOD=NONE.
pub(super) fn key(attributes: &Attributes<'_>) -> Result<Option<Key>, HlsError> {
    let method = attributes.required("METHOD")?;
    if method == "NONE" {
        return Ok(None);
    }
    let iv = match attributes.text("IV")? {
        Some(text) => Some(attributes::vector(&text).ok_or_else(|| attributes.bad())?),
        None => None,
    };
    Ok(Some(Key {
        method,
        uri: attributes.string("URI")?,
        iv,
        format: attributes
            .string("KEYFORMAT")?
            .unwrap_or_else(|| "identity".to_owned()),
    }))
}

pub(super) fn start(attributes: &Attributes<'_>) -> Result<Option<Start>, HlsError> {
    let precise = attributes.is_yes("PRECISE");
    Ok(attributes
        .time("TIME-OFFSET")?
        .map(|offset| Start { offset, precise }))
}

fn server_control(attributes: &Attributes<'_>) -> Result<ServerControl, HlsError> {
    Ok(ServerControl {
        can_block_reload: attributes.is_yes("CAN-BLOCK-RELOAD"),
        can_skip_until: attributes.time("CAN-SKIP-UNTIL")?,
        can_skip_date_ranges: attributes.is_yes("CAN-SKIP-DATERANGES"),
        hold_back: attributes.time("HOLD-BACK")?,
        part_hold_back: attributes.time("PART-HOLD-BACK")?,
    })
}
