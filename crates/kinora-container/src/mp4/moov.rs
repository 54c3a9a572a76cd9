//! The movie box: tracks, their tables and their place in time (ISO/IEC 14496-12 8.2 to 8.8).

use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{
    CodecId, MediaInfo, Orientation, Protection, Time, Timebase, TrackId, TrackInfo, TrackKind,
    VideoParams,
};

use super::boxes::{FourCc, Reader, Short, children, find, find_path};
use super::chapters::{self, Chapters};
use super::disposition;
use super::edits::{self, Edit};
use super::entry::{self, SampleEntry};
use super::fragment::Defaults;
use super::meta;
use super::outline::{LongTable, Paging};
use super::protection;
use super::sample_crypto::{self, Descriptions, FarVectors, SampleCryptos, Surroundings};
use super::tables::{Grouping, SampleTables};

/// More tracks than any sound file has.
const MAX_TRACKS: usize = 128;

/// What a `moov` holds.
pub(crate) struct Movie {
    pub(crate) tracks: Vec<TrackBox>,
    pub(crate) duration: Option<Time>,
    pub(crate) title: Option<String>,
    pub(crate) chapters: Chapters,
    /// Samples may come in fragments (`mvex`).
    pub(crate) fragmented: bool,
}

/// What a `trak` holds.
pub(crate) struct TrackBox {
    pub(crate) info: TrackInfo,
    /// The track by its further sample entries, where it has several.
    pub(crate) others: Vec<TrackInfo>,
    pub(crate) clock: Timebase,
    pub(crate) tables: SampleTables,
    /// Never empty.
    pub(crate) edits: Vec<Edit>,
    /// Ticks by which decoding is moved earlier, zero or less.
    pub(crate) dts_shift: i32,
    pub(crate) defaults: Defaults,
    /// The groups of samples that are encrypted otherwise than by default.
    pub(crate) groups: Descriptions,
    /// How the samples of the tables are encrypted.
    pub(crate) cryptos: Option<SampleCryptos>,
    /// Their vectors, while they are to be read among the media.
    pub(crate) far_vectors: Option<FarVectors>,
}

/// What `tkhd`, `mdhd` and `hdlr` tell of a track.
struct Headers {
    id: u32,
    orientation: Orientation,
    clock: Timebase,
    duration: u64,
    language: Option<String>,
    handler: FourCc,
}

impl Movie {
    /// Reads a `moov` whose body lies at an offset; `long` says of each track where its long tables lie, if they are not in
    /// it. Tracks that make no sense are left out; `damage` counts them.
    pub(crate) fn parse(
        moov: &Bytes,
        long: &[Vec<LongTable>],
        paging: Paging,
        start: u64,
        damage: &mut u64,
    ) -> Self {
        let header = find(moov, b"mvhd").and_then(|mvhd| movie_header(&mvhd).ok());
        let clock = header.map_or(MILLIS, |(clock, _)| clock);
        let mvex = find(moov, b"mvex");
        let chapter_tracks = chapter_tracks(moov);
        let mut titles: Option<TrackBox> = None;
        let key_systems = protection::key_systems(moov);
        let mut tracks: Vec<TrackBox> = Vec::new();
        let traks = children(moov).filter(|child| child.kind == *b"trak");
        let mut long = long.iter();
        for trak in traks {
            let long = long.next().map_or(&[][..], Vec::as_slice);
            if tracks.len() >= MAX_TRACKS {
                *damage = damage.saturating_add(1);
                break;
            }
            let tables = |stbl: &Bytes| SampleTables::parse(stbl, long, paging);
            let Some(mut track) = parse_track(&trak.body, clock, mvex.as_ref(), tables) else {
                *damage = damage.saturating_add(1);
                continue;
            };
            if chapter_tracks.contains(&track.info.id.0) {
                titles = titles.or_else(|| chapters::has_titles(&track).then_some(track));
                continue;
            }
            if is_scaffold(&track) {
                continue;
            }
            // Track numbers must be unique (8.3.2.3); the first keeps it.
            while tracks.iter().any(|other| other.info.id == track.info.id) {
                track.info.id = TrackId(track.info.id.0.wrapping_add(0x1_0000));
            }
            for protection in track.protections() {
                protection.key_systems = Arc::clone(&key_systems);
            }
            track.read_cryptos(&trak.body, Surroundings { bytes: moov, start });
            track.info.disposition = disposition::of_track(&trak.body);
            tracks.push(track);
        }
        disposition::settle_defaults(&mut tracks);
        let delay = meta::encoder_delay(moov);
        if let Some((start, end)) = delay {
            for audio in tracks
                .iter_mut()
                .filter_map(|track| track.info.audio.as_mut())
            {
                (audio.encoder_delay, audio.encoder_padding) = (start, end);
            }
        }
        let begun = tracks.iter().any(|track| track.tables.sample_count() > 0);
        let told = |ticks: u64| {
            let duration = clock.to_time(i64::try_from(ticks).unwrap_or(i64::MAX));
            Some(duration).filter(|duration| *duration > Time::ZERO)
        };
        let mehd = mvex.as_ref().and_then(|mvex| find(mvex, b"mehd"));
        let movie_duration = header.and_then(|(_, ticks)| told(ticks));
        let extends = mehd.and_then(|mehd| told(extended_duration(&mehd).ok()?));
        Self {
            duration: match mvex {
                // Of a movie that begins in its index this is the first part only (8.8.2.1).
                Some(_) => extends.or(movie_duration.filter(|_| !begun)),
                None => longest(&tracks).or(movie_duration),
            },
            tracks,
            title: meta::title(moov),
            chapters: Chapters::of(moov, titles),
            fragmented: mvex.is_some(),
        }
    }

    /// What the player is told.
    pub(crate) fn info(&self) -> MediaInfo {
        MediaInfo {
            container: super::CONTAINER.name,
            duration: self.duration,
            tracks: self.tracks.iter().map(|track| track.info.clone()).collect(),
            seekable: !self.fragmented,
            title: self.title.clone(),
            chapters: self.chapters.list.clone(),
            ..MediaInfo::default()
        }
    }
}

const MILLIS: Timebase = match Timebase::from_hz(1000) {
    Some(clock) => clock,
    None => Timebase::MPEG,
};

fn longest(tracks: &[TrackBox]) -> Option<Time> {
    tracks
        .iter()
        .filter(|track| matches!(track.info.kind(), TrackKind::Video | TrackKind::Audio))
        .filter_map(|track| track.info.duration)
        .max()
}

/// Tracks for the machinery of other systems: hints for servers, time codes.
fn is_scaffold(track: &TrackBox) -> bool {
    matches!(
        track.info.codec_tag.as_str(),
        "rtp " | "srtp" | "tmcd" | "sm2t"
    )
}

/// Tracks that hold chapter names and pictures (`tref`/`chap`): they lie anywhere in the file.
fn chapter_tracks(moov: &Bytes) -> Vec<u32> {
    let mut found = Vec::new();
    for trak in children(moov).filter(|child| child.kind == *b"trak") {
        if let Some(chapters) = find_path(&trak.body, &[b"tref", b"chap"]) {
            let numbers = chapters
                .chunks_exact(4)
                .filter_map(|bytes| bytes.first_chunk());
            found.extend(
                numbers
                    .map(|bytes| u32::from_be_bytes(*bytes))
                    .take(MAX_TRACKS),
            );
        }
        if found.len() > MAX_TRACKS {
            break;
        }
    }
    found
}

fn movie_header(mvhd: &Bytes) -> Result<(Timebase, u64), Short> {
    let (clock, duration, _) = times(mvhd)?;
    Ok((clock, duration))
}

/// Time scale and duration, where `mvhd` and `mdhd` have them alike; and what follows.
fn times(body: &Bytes) -> Result<(Timebase, u64, Reader), Short> {
    let mut reader = Reader::new(body);
    let (version, _) = reader.full_box()?;
    reader.skip(if version == 1 { 16 } else { 8 })?;
    let clock = Timebase::from_hz(reader.u32()?).ok_or(Short)?;
    let duration = reader.sized(version)?;
    let unknown = duration == u64::MAX || version == 0 && duration == u64::from(u32::MAX);
    Ok((clock, if unknown { 0 } else { duration }, reader))
}

fn extended_duration(mehd: &Bytes) -> Result<u64, Short> {
    let mut reader = Reader::new(mehd);
    let (version, _) = reader.full_box()?;
    reader.sized(version)
}

fn parse_track(
    trak: &Bytes,
    movie: Timebase,
    mvex: Option<&Bytes>,
    tables: impl Fn(&Bytes) -> SampleTables,
) -> Option<TrackBox> {
    let mdia = find(trak, b"mdia")?;
    let headers = headers(trak, &mdia)?;
    let stbl = find_path(&mdia, &[b"minf", b"stbl"])?;
    let mut entries = entry::parse(&find(&stbl, b"stsd")?, headers.handler)
        .ok()?
        .into_iter();
    let entry = entries.next()?;
    let mut tables = tables(&stbl);
    tables.grouping = grouping(&entry, &tables);
    let elst = find_path(trak, &[b"edts", b"elst"]);
    let edits = elst.map_or_else(
        || vec![Edit::WHOLE],
        |elst| edits::parse(&elst, movie, headers.clock, mvex.is_some()),
    );
    let dts_shift = match find(&stbl, b"cslg").and_then(|cslg| composition_shift(&cslg)) {
        Some(shift) => shift.min(tables.earliest_composition()),
        None => tables.earliest_composition(),
    };
    let defaults = mvex
        .map(|mvex| Defaults::find(mvex, headers.id))
        .unwrap_or_default();
    let others = entries.map(|entry| track_info(&headers, entry)).collect();
    let mut track = TrackBox {
        info: track_info(&headers, entry),
        others,
        clock: headers.clock,
        tables,
        edits,
        dts_shift,
        defaults,
        groups: sample_crypto::descriptions(&stbl),
        cryptos: None,
        far_vectors: None,
    };
    track.describe_times(&headers, mvex.is_some());
    Some(track)
}

fn headers(trak: &Bytes, mdia: &Bytes) -> Option<Headers> {
    let (id, orientation) = track_header(&find(trak, b"tkhd")?).ok()?;
    let (clock, duration, mut rest) = times(&find(mdia, b"mdhd")?).ok()?;
    let packed = rest.u16().unwrap_or(0);
    let handler = find(mdia, b"hdlr").and_then(|hdlr| {
        let mut reader = Reader::new(&hdlr);
        reader.skip(8).ok()?;
        reader.take().ok()
    })?;
    let extended = find(mdia, b"elng").and_then(|elng| {
        let text = elng.get(4..)?.split(|byte| *byte == 0).next()?;
        let text = core::str::from_utf8(text).ok()?;
        (!text.is_empty() && text.len() <= 64).then(|| text.to_owned())
    });
    Some(Headers {
        id,
        orientation,
        clock,
        duration,
        language: extended.or_else(|| language(packed)),
        handler,
    })
}

fn track_header(tkhd: &Bytes) -> Result<(u32, Orientation), Short> {
    let mut reader = Reader::new(tkhd);
    let (version, _) = reader.full_box()?;
    reader.skip(if version == 1 { 16 } else { 8 })?;
    let id = reader.u32()?;
    reader.skip(if version == 1 { 12 } else { 8 })?;
    reader.skip(16)?;
    let orientation = matrix_orientation(&mut reader).unwrap_or_default();
    Ok((id, orientation))
}

/// The matrix of a track, `u` and `v` left out (8.3.2.3).
fn matrix_orientation(reader: &mut Reader) -> Result<Orientation, Short> {
    let (a, b) = (reader.i32()?, reader.i32()?);
    reader.skip(4)?;
    let (c, d) = (reader.i32()?, reader.i32()?);
    Ok(Orientation::of_matrix([a, b, c, d]))
}

/// Three letters of five bits (8.4.2.3). Small numbers are QuickTime's own codes.
fn language(packed: u16) -> Option<String> {
    if packed < 0x400 {
        return None;
    }
    let letter = |shift: u16| {
        let low = u8::try_from(packed >> shift & 0x1f).unwrap_or(0);
        low.saturating_add(0x60)
    };
    let letters = [letter(10), letter(5), letter(0)];
    let text = core::str::from_utf8(&letters).ok()?;
    (text != "und" && letters.iter().all(u8::is_ascii_lowercase)).then(|| text.to_owned())
}

/// `compositionToDTSShift` moves the other way round (8.6.1.4).
fn composition_shift(cslg: &Bytes) -> Option<i32> {
    let mut reader = Reader::new(cslg);
    let (version, _) = reader.full_box().ok()?;
    if version != 0 {
        return None;
    }
    Some(reader.i32().ok()?.saturating_neg().min(0))
}

/// Sound whose every instant is a sample goes into packets of many.
fn grouping(entry: &SampleEntry, tables: &SampleTables) -> Option<Grouping> {
    entry.audio?;
    let size = tables.constant_size().filter(|size| *size > 0)?;
    let (samples_per_frame, bytes_per_frame) = entry.frame.unwrap_or((1, size));
    (tables.constant_duration() == Some(1)).then_some(Grouping {
        samples_per_frame,
        bytes_per_frame,
        // Their decoders take one block at a time.
        is_single: !matches!(
            entry.codec,
            CodecId::Pcm | CodecId::Alaw | CodecId::Mulaw | CodecId::AdpcmImaQt
        ),
    })
}

fn track_info(headers: &Headers, entry: SampleEntry) -> TrackInfo {
    let mut info = TrackInfo::new(TrackId(headers.id), entry.codec);
    info.codec_tag = entry.tag.iter().map(|byte| char::from(*byte)).collect();
    info.codec_string = entry.codec_string;
    info.config = entry.config;
    info.language = headers.language.clone();
    info.bitrate = entry.bitrate;
    info.protection = entry.protection;
    info.palette = entry.palette;
    info.audio = entry.audio;
    info.video = entry.video.map(|video| VideoParams {
        rotation: headers.orientation.rotation,
        mirror: headers.orientation.mirror,
        ..video
    });
    info
}

impl TrackBox {
    /// How the samples of a sample entry, counted from 1, are protected.
    pub(crate) fn protection(&self, entry: u32) -> Option<&Protection> {
        let info = match entry.checked_sub(2) {
            None => &self.info,
            Some(other) => self.others.get(usize::try_from(other).ok()?)?,
        };
        info.protection.as_ref()
    }

    fn protections(&mut self) -> impl Iterator<Item = &mut Protection> {
        let infos = core::iter::once(&mut self.info).chain(&mut self.others);
        infos.filter_map(|info| info.protection.as_mut())
    }

    /// How the samples of the tables are encrypted. Entries of one table differ in no more than being protected or not.
    fn read_cryptos(&mut self, trak: &Bytes, around: Surroundings<'_>) {
        let protection = self.protections().next().cloned();
        let stbl = find_path(trak, &[b"mdia", b"minf", b"stbl"]);
        if let (Some(protection), Some(stbl)) = (protection, stbl) {
            self.cryptos = SampleCryptos::parse(&stbl, &protection, &self.groups, around, 0);
            self.far_vectors = FarVectors::find(&stbl, protection.scheme, around);
        }
    }

    /// The vectors of its samples are at hand, or can not be had.
    pub(crate) fn vectors_came(&mut self, bytes: Option<&Bytes>) {
        let protection = self.protections().next().cloned();
        let far = self.far_vectors.take();
        if let (Some(far), Some(bytes), Some(protection)) = (far, bytes, protection) {
            self.cryptos = far.read(bytes, &protection, &self.groups);
        }
    }

    /// Fills in what follows from tables and edits together.
    fn describe_times(&mut self, headers: &Headers, fragmented: bool) {
        let ticks = match self.tables.total_duration() {
            0 => headers.duration,
            total => total,
        };
        let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
        let last = self.tables.composition_end().unwrap_or(ticks);
        let presented = self.edits.iter().map(|edit| {
            let end = match self.tables.is_paged() {
                // Pictures may be presented behind the last decoding time.
                true => edit.media_end.unwrap_or(last),
                false => edit.media_end.unwrap_or(last).min(last),
            };
            edit.present(self.clock, end)
        });
        self.info.duration = presented
            .max()
            .filter(|duration| *duration > Time::ZERO && !fragmented);
        if let (Some(video), Some(delta)) = (&mut self.info.video, self.tables.constant_duration())
            && delta > 0
        {
            video.frame_rate = Some(f64::from(self.clock.hz()) / f64::from(delta));
        }
        self.describe_trimming(ticks, fragmented);
        for other in &mut self.others {
            other.duration = self.info.duration;
            if let (Some(video), Some(known)) = (&mut other.video, &self.info.video) {
                video.frame_rate = known.frame_rate;
            }
            if let (Some(audio), Some(known)) = (&mut other.audio, &self.info.audio) {
                audio.encoder_delay = known.encoder_delay;
                audio.encoder_padding = known.encoder_padding;
            }
        }
    }

    /// An edit that cuts sound at both ends tells what its encoder added.
    fn describe_trimming(&mut self, ticks: i64, fragmented: bool) {
        let (Some(audio), [edit]) = (&mut self.info.audio, self.edits.as_slice()) else {
            return;
        };
        let rate = i64::from(audio.sample_rate);
        let samples = |ticks: i64| {
            let scaled = ticks.saturating_mul(rate);
            let samples = scaled.checked_div(i64::from(self.clock.hz())).unwrap_or(0);
            u32::try_from(samples).unwrap_or(0)
        };
        if edit.media_start > 0 || self.info.codec != CodecId::Opus {
            audio.encoder_delay = samples(edit.media_start);
        }
        if let Some(end) = edit.media_end.filter(|_| !fragmented) {
            audio.encoder_padding = samples(ticks.saturating_sub(end).max(0));
        }
    }
}
