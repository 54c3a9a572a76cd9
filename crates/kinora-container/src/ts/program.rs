//! The program that is played: its tables, and the tracks that they name.

use std::collections::HashMap;

use bytes::Bytes;
use kinora_media::ProgramStream;

use super::packet::{PACKET_LEN, TsPacket};
use super::psi::{ProgramMap, Service, parse_pat, parse_pmt, parse_sdt};
use super::section::SectionReader;
use super::sink::{Out, Sink};
use super::track::Track;

/// What a PID is for. Tracks come after the fixed ones.
mod role {
    pub(super) const NONE: u8 = 0;
    pub(super) const PAT: u8 = 1;
    pub(super) const PMT: u8 = 2;
    pub(super) const SDT: u8 = 3;
    pub(super) const FIRST_TRACK: u8 = 4;
}

/// PIDs of a transport stream.
const PIDS: usize = 8192;
/// More programs than this are not listened to.
const MAX_PROGRAMS: usize = 64;
/// Where services are described (ETSI EN 300 468 table 1), and how many of them are remembered.
const SDT_PID: u16 = 0x11;
const MAX_SERVICES: usize = 256;
/// Bytes that may wait in all tracks together to become packets.
const MAX_HELD: usize = 32 << 20;
/// More streams of a program than this are not listened to.
const MAX_TRACKS: usize = 64;

/// PIDs below serve tables (ISO/IEC 13818-1 table 2-3, ETSI EN 300 468 table 1).
const FIRST_PID: u16 = 0x20;
/// What PES packets begin with, and no section.
const PES_START: [u8; 3] = [0, 0, 1];
/// The PID of packets that fill up.
const NULL_PID: u16 = 0x1fff;
/// Bytes of packets that may come before the tables which say whose they are.
const MAX_EARLY: usize = 1 << 20;

/// Follows the tables and hands packets to the tracks of one program.
pub(super) struct Program {
    roles: Box<[u8; PIDS]>,
    pat: TableReader,
    maps: Vec<MapReader>,
    sdt: TableReader,
    /// What services are called, by their ids.
    services: HashMap<u16, Service>,
    /// More is known of programs than when this was last taken back.
    pub(super) news: bool,
    /// The number of the program that is to be played, if it is there.
    wanted: Option<u16>,
    /// The map of the program that is played.
    chosen: Option<ProgramMap>,
    pub(super) tracks: Vec<Track>,
    pub(super) sink: Sink,
    /// Packets that came before the tables.
    early: Vec<u8>,
}

/// Reads sections and remembers the last one, so that repetitions cost nothing.
#[derive(Default)]
struct TableReader {
    reader: SectionReader,
    last: Bytes,
}

struct MapReader {
    pid: u16,
    program: u16,
    table: TableReader,
    streams: Vec<ProgramStream>,
}

impl MapReader {
    fn new(program: u16, pid: u16) -> Self {
        Self {
            pid,
            program,
            table: TableReader::default(),
            streams: Vec::new(),
        }
    }

    /// Notes what its program consists of. Returns whether that is new.
    fn note(&mut self, map: &ProgramMap) -> bool {
        let listened_to = map.streams.iter().take(MAX_TRACKS);
        let streams: Vec<ProgramStream> = listened_to.map(ProgramStream::from).collect();
        let is_new = self.streams != streams;
        self.streams = streams;
        is_new
    }
}

impl TableReader {
    fn push(&mut self, packet: &TsPacket<'_>, damage: &mut u64) -> Vec<Bytes> {
        let Some(payload) = packet.payload else {
            return Vec::new();
        };
        let mut sections = self.reader.push(payload, packet.unit_start, damage);
        sections.retain(|section| *section != self.last);
        if let Some(section) = sections.last() {
            self.last = section.clone();
        }
        sections
    }
}

impl Program {
    pub(super) fn new(sink: Sink, wanted: Option<u16>) -> Self {
        let mut program = Self {
            roles: Box::new([role::NONE; PIDS]),
            pat: TableReader::default(),
            maps: Vec::new(),
            sdt: TableReader::default(),
            services: HashMap::new(),
            news: false,
            wanted,
            chosen: None,
            tracks: Vec::new(),
            sink,
            early: Vec::new(),
        };
        program.assign_roles();
        program
    }

    /// The programs that the tables list, as far as they are known.
    pub(super) fn programs(&self) -> Vec<kinora_media::Program> {
        let chosen = self.chosen.as_ref().map(|map| map.program);
        let program = |map: &MapReader| {
            let service = self.services.get(&map.program).cloned().unwrap_or_default();
            kinora_media::Program {
                number: map.program,
                map_pid: map.pid,
                name: service.name,
                provider: service.provider,
                streams: map.streams.clone(),
                chosen: chosen == Some(map.program),
            }
        };
        self.maps.iter().map(program).collect()
    }

    /// Whether a program was found.
    pub(super) fn is_chosen(&self) -> bool {
        self.chosen.is_some()
    }

    /// Whether all that is to be seen or heard is known.
    pub(super) fn is_ready(&self) -> bool {
        self.is_chosen() && self.tracks.iter().all(Track::is_ready)
    }

    /// Takes the bytes of a transport packet. Those that come before the tables wait for them: a recording may begin
    /// anywhere.
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        let Ok(packet) = TsPacket::parse(bytes) else {
            return self.sink.damaged();
        };
        let may_be_of_it = FIRST_PID..NULL_PID;
        let waits = !self.is_chosen()
            && may_be_of_it.contains(&packet.pid)
            && self.role(packet.pid) == role::NONE;
        if !waits {
            self.push(&packet);
            if self.is_chosen() && !self.early.is_empty() {
                self.push_early();
            }
            return;
        }
        if self.early.len() >= MAX_EARLY {
            return;
        }
        self.early.extend_from_slice(bytes);
        if self.early.len() >= MAX_EARLY {
            self.look_for_map();
        }
    }

    /// Where no table tells the PIDs of maps, a map may lie on any: the first of a program with something to see or to
    /// hear is taken.
    fn look_for_map(&mut self) {
        if self.is_chosen() || !self.maps.is_empty() {
            return;
        }
        let mut readers: HashMap<u16, SectionReader> = HashMap::new();
        for packet in self
            .early
            .chunks_exact(PACKET_LEN)
            .flat_map(TsPacket::parse)
        {
            let Some(payload) = packet.payload else {
                continue;
            };
            if packet.unit_start && payload.starts_with(&PES_START) {
                continue;
            }
            // What is no table seems to be damage.
            let reader = readers.entry(packet.pid).or_default();
            let sections = reader.push(payload, packet.unit_start, &mut 0);
            let mut maps = sections.iter().filter_map(|section| parse_pmt(section));
            if let Some(map) = maps.find(ProgramMap::has_av) {
                let mut reader = MapReader::new(map.program, packet.pid);
                reader.note(&map);
                self.maps.push(reader);
                self.take_map(map);
                return self.push_early();
            }
        }
    }

    fn push_early(&mut self) {
        let early = std::mem::take(&mut self.early);
        for packet in early.chunks_exact(PACKET_LEN).flat_map(TsPacket::parse) {
            self.push(&packet);
        }
    }

    fn role(&self, pid: u16) -> u8 {
        let role = self.roles.get(usize::from(pid)).copied();
        role.unwrap_or(role::NONE)
    }

    fn push(&mut self, packet: &TsPacket<'_>) {
        if let Some(pcr) = packet.pcr
            && (self.chosen.as_ref()).is_some_and(|map| map.pcr_pid == packet.pid)
        {
            self.sink.clock.reference(pcr, packet.discontinuity);
        }
        match self.role(packet.pid) {
            role::NONE => {}
            role::PAT => self.push_pat(packet),
            role::PMT => self.push_pmt(packet),
            role::SDT => self.push_sdt(packet),
            track => {
                let index = usize::from(track.saturating_sub(role::FIRST_TRACK));
                if let Some(track) = self.tracks.get_mut(index) {
                    track.push(packet, &mut self.sink);
                }
            }
        }
    }

    fn push_pat(&mut self, packet: &TsPacket<'_>) {
        for section in self.pat.push(packet, &mut self.sink.damage) {
            let Some(programs) = parse_pat(&section) else {
                continue;
            };
            self.maps
                .retain(|map| programs.contains(&(map.program, map.pid)));
            for (program, pid) in programs {
                let known = self
                    .maps
                    .iter()
                    .any(|map| map.pid == pid && map.program == program);
                if !known && self.maps.len() < MAX_PROGRAMS {
                    self.maps.push(MapReader::new(program, pid));
                }
            }
            self.assign_roles();
        }
    }

    fn push_pmt(&mut self, packet: &TsPacket<'_>) {
        let mut found = Vec::new();
        for map in self.maps.iter_mut().filter(|map| map.pid == packet.pid) {
            for section in map.table.push(packet, &mut self.sink.damage) {
                let its = parse_pmt(&section).filter(|found| found.program == map.program);
                self.news |= its.as_ref().is_some_and(|found| map.note(found));
                found.extend(its);
            }
        }
        for map in found {
            self.take_map(map);
        }
    }

    fn push_sdt(&mut self, packet: &TsPacket<'_>) {
        // Other tables lie here too; one that is damaged comes again.
        for section in self.sdt.push(packet, &mut 0) {
            for (id, service) in parse_sdt(&section).unwrap_or_default() {
                let is_new = self.services.get(&id) != Some(&service);
                if is_new && (self.services.len() < MAX_SERVICES || self.services.contains_key(&id))
                {
                    self.services.insert(id, service);
                    self.news = true;
                }
            }
        }
    }

    fn take_map(&mut self, map: ProgramMap) {
        let is_listed = |wanted: u16| self.maps.iter().any(|it| it.program == wanted);
        let is_another = |wanted: &u16| *wanted != map.program && is_listed(*wanted);
        if self.wanted.as_ref().is_some_and(is_another) {
            return;
        }
        if let Some(chosen) = &self.chosen {
            let still_there = self.maps.iter().any(|map| map.program == chosen.program);
            let silent = !chosen.has_av();
            if *chosen == map || still_there && !silent && chosen.program != map.program {
                return;
            }
            if chosen.program != map.program && !map.has_av() {
                return;
            }
        }
        self.change(map);
    }

    /// Goes over to another map. Tracks that stay as they are go on.
    fn change(&mut self, map: ProgramMap) {
        let mut before = std::mem::take(&mut self.tracks);
        for stream in map.streams.iter().take(MAX_TRACKS) {
            let known = before.iter().position(|track| track.stream == *stream);
            self.tracks.push(match known {
                Some(index) => before.swap_remove(index),
                None => Track::new(stream.clone()),
            });
        }
        for mut gone in before {
            gone.finish(&mut self.sink);
        }
        if self.chosen.is_some() {
            self.sink.out.push_back(Out::AwaitTracks);
        }
        self.chosen = Some(map);
        self.assign_roles();
    }

    fn assign_roles(&mut self) {
        self.roles.fill(role::NONE);
        let mut assign = |pid: u16, role: u8| {
            if let Some(slot) = self.roles.get_mut(usize::from(pid)) {
                *slot = role;
            }
        };
        for (track, role) in self.tracks.iter().zip(role::FIRST_TRACK..) {
            assign(track.stream.pid, role);
        }
        for map in &self.maps {
            assign(map.pid, role::PMT);
        }
        assign(SDT_PID, role::SDT);
        assign(0, role::PAT);
    }

    /// The same program, to be read at another place.
    pub(super) fn alike(&self) -> Self {
        let mut alike = Self::new(Sink::new(self.sink.clock.elsewhere()), self.wanted);
        if let Some(map) = &self.chosen {
            alike.change(map.clone());
            alike.sink.out.clear();
        }
        alike
    }

    /// Keeps the memory of all tracks together within a bound.
    pub(super) fn relieve(&mut self) {
        let held: usize = self.tracks.iter().map(Track::held).sum();
        if held > MAX_HELD
            && let Some(track) = self.tracks.iter_mut().max_by_key(|track| track.held())
        {
            track.forget();
            self.sink.damaged();
        }
    }

    /// Nothing follows: gives what is left.
    pub(super) fn finish(&mut self) {
        self.look_for_map();
        for track in &mut self.tracks {
            track.finish(&mut self.sink);
        }
        self.sink.finish();
    }

    /// The resource ends, and another one goes on: gives what is left and whole.
    pub(super) fn pause(&mut self) {
        for track in &mut self.tracks {
            track.pause(&mut self.sink);
        }
        self.sink.finish();
    }

    /// What comes next is the resource that goes on.
    pub(super) fn go_on(&mut self) {
        for track in &mut self.tracks {
            track.go_on();
        }
        self.restart_output();
    }

    /// Forgets what is not whole: what comes next is from another place.
    pub(super) fn forget(&mut self) {
        self.early.clear();
        self.pat.reader.lost();
        self.sdt.reader.lost();
        for map in &mut self.maps {
            map.table.reader.lost();
        }
        for track in &mut self.tracks {
            track.forget();
        }
        self.restart_output();
    }

    fn restart_output(&mut self) {
        let awaiting = self
            .sink
            .out
            .iter()
            .any(|out| matches!(out, Out::AwaitTracks));
        self.sink.out.clear();
        if awaiting {
            self.sink.out.push_back(Out::AwaitTracks);
        }
        self.sink.clock.restart();
        self.sink.last_time = None;
    }
}
