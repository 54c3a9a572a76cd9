//! Any MiB of hostile input ends within 64 MiB of memory and a bounded amount of work.
//!
//! Memory is counted by the allocator. Work is counted in steps and bytes, as a clock would measure the machine; one
//! generous clock stands beside it, since work that is done between two steps (a table walked again for every entry)
//! shows nowhere else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use kinora_fuzz_bodies::{TARGETS, Work};

/// The size of every input here.
const INPUT: usize = 1 << 20;
/// Memory beyond the input itself.
const MAX_MEMORY: usize = 64 << 20;
/// A second is promised of an optimised build; a debug one on a busy machine gets ten.
const MAX_TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

struct Counting;

thread_local! {
    // Constants that need no drop: safe to touch from inside the allocator.
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn count(size: usize) {
    let now = NOW.get().saturating_add(size);
    NOW.set(now);
    PEAK.set(PEAK.get().max(now));
}

fn uncount(size: usize) {
    NOW.set(NOW.get().saturating_sub(size));
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        uncount(layout.size());
        // SAFETY: the pointer came from `alloc` above with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // As if old and new stood side by side: what a growing buffer needs at worst.
        count(size);
        uncount(layout.size());
        // SAFETY: the pointer came from `alloc` above with this layout.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Cost {
    memory: usize,
    time: Duration,
    work: Work,
}

fn cost(body: fn(&[u8]) -> Work, input: &[u8]) -> Cost {
    PEAK.set(NOW.get());
    let (before, begun) = (NOW.get(), Instant::now());
    let work = body(input);
    Cost {
        memory: PEAK.get().saturating_sub(before),
        time: begun.elapsed(),
        work,
    }
}

/// One piece, again and again, to a MiB.
fn again(piece: &[u8]) -> Vec<u8> {
    piece.iter().copied().cycle().take(INPUT).collect()
}

/// A head, then one piece again and again.
fn after(head: &[u8], piece: &[u8]) -> Vec<u8> {
    let left = INPUT.saturating_sub(head.len());
    head.iter()
        .chain(piece.iter().cycle().take(left))
        .copied()
        .collect()
}

/// A head, one piece again and again, and an end, in all less than a MiB.
fn closed(head: &str, piece: &str, end: &str) -> Vec<u8> {
    let times = (INPUT - head.len() - end.len()) / piece.len();
    [head, &piece.repeat(times), end].concat().into_bytes()
}

fn noise(mut seed: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(INPUT);
    while bytes.len() < INPUT {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        bytes.extend_from_slice(&seed.to_le_bytes());
    }
    bytes
}

fn sized(size: u32, kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&size.to_be_bytes()[..], kind, body].concat()
}

/// A box whose size is that of its body.
fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    sized(u32::try_from(body.len() + 8).unwrap(), kind, body)
}

fn nested(kind: &[u8; 4], depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for level in (1..=depth).rev() {
        out.extend(sized(u32::try_from(level * 8).unwrap(), kind, &[]));
    }
    out
}

/// `moov` with a sound track whose table of samples holds `tables`.
fn movie(tables: &[Vec<u8>]) -> Vec<u8> {
    let be = |values: &[u32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_be_bytes()).collect() };
    let mvhd = boxed(
        b"mvhd",
        &[be(&[0, 0, 0, 1000, 1000, 0x1_0000]), vec![0; 76]].concat(),
    );
    let tkhd = boxed(b"tkhd", &[be(&[7, 0, 0, 1, 0, 1000]), vec![0; 60]].concat());
    let mdhd = boxed(b"mdhd", &be(&[0, 0, 0, 1000, 1000, 0x55c4_0000]));
    let hdlr = boxed(b"hdlr", &[&[0; 8][..], b"soun", &[0; 13]].concat());
    let entry = boxed(
        b"sowt",
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1][..],
            &[0; 8],
            &[0, 1, 0, 16, 0, 0, 0, 0, 0x1f, 0x40, 0, 0],
        ]
        .concat(),
    );
    let stsd = boxed(b"stsd", &[be(&[0, 1]), entry].concat());
    let stbl = boxed(b"stbl", &[vec![stsd], tables.to_vec()].concat().concat());
    let minf = boxed(b"minf", &stbl);
    let mdia = boxed(b"mdia", &[mdhd, hdlr, minf].concat());
    let trak = boxed(b"trak", &[tkhd, mdia].concat());
    let moov = boxed(b"moov", &[mvhd, trak].concat());
    [boxed(b"ftyp", b"isom\0\0\0\0isom"), moov].concat()
}

fn table(kind: &[u8; 4], values: &[u32]) -> Vec<u8> {
    let body: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
    boxed(kind, &body)
}

/// Inputs that ask for much by saying little.
fn movies() -> Vec<(&'static str, Vec<u8>)> {
    let most = u32::MAX;
    let full = |head: Vec<u8>| after(&head, b"\0\0\0\x08free");
    let many: Vec<u32> = [0, 100_000]
        .into_iter()
        .chain((0..100_000).flat_map(|i| [i + 1, most, 1]))
        .collect();
    let many_times: Vec<u32> = [0, 120_000]
        .into_iter()
        .chain((0..120_000).flat_map(|_| [most, 0]))
        .collect();
    let sound = |count, size| {
        movie(&[
            table(b"stts", &[0, 1, count, 1]),
            table(b"stsc", &[0, 1, 1, count, 1]),
            table(b"stsz", &[0, size, count]),
            table(b"stco", &[0, 1, 0]),
        ])
    };
    vec![
        (
            "a count of samples without the samples",
            full(sound(most, 1)),
        ),
        ("samples of no bytes, without end", full(sound(most, 0))),
        ("a million samples of one byte", full(sound(1_000_000, 1))),
        ("samples larger than any file", full(sound(4, most))),
        (
            "chunks whose samples overflow",
            full(movie(&[
                table(b"stts", &[0, 1, most, 1]),
                table(b"stsc", &many),
                table(b"stsz", &[0, 1, most]),
                table(b"stco", &[0, 1, 0]),
            ])),
        ),
        (
            "times whose counts overflow",
            full(movie(&[
                table(b"stts", &many_times),
                table(b"stsc", &[0, 1, 1, 1, 1]),
                table(b"stsz", &[0, 1, most]),
                table(b"stco", &[0, 1, 0]),
            ])),
        ),
        ("boxes of eight bytes", again(b"\0\0\0\x08free")),
        (
            "movies of nothing",
            after(&boxed(b"ftyp", b"isom\0\0\0\0"), b"\0\0\0\x08moov"),
        ),
        (
            "fragments of nothing",
            full([sound(0, 0), boxed(b"moof", b"").repeat(60_000)].concat()),
        ),
        (
            "tracks of nothing",
            full(boxed(b"moov", &boxed(b"trak", b"").repeat(120_000))),
        ),
        ("boxes in boxes", full(nested(b"moov", 10_000))),
        ("tables in tables", full(nested(b"trak", 10_000))),
        (
            "an index of fragments that are not there",
            after(
                &[
                    boxed(b"ftyp", b"isom\0\0\0\0"),
                    sized(
                        32 + 12 * 65_535,
                        b"sidx",
                        &[
                            0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 3, 0xe8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                            0xff, 0xff,
                        ],
                    ),
                ]
                .concat(),
                &[0, 0, 0, 1],
            ),
        ),
    ]
}

fn fragmented() -> Vec<u8> {
    // Fragments that say their samples are many, and hold none.
    let trex = boxed(b"mvex", &table(b"trex", &[0, 1, 1, 1, 1, 0]));
    let mut head = movie(&[
        table(b"stts", &[0, 0]),
        table(b"stsc", &[0, 0]),
        table(b"stsz", &[0, 0, 0]),
        table(b"stco", &[0, 0]),
    ]);
    let moov_at = 8 + 12;
    let size = u32::from_be_bytes(head[moov_at..moov_at + 4].try_into().unwrap())
        + u32::try_from(trex.len()).unwrap();
    head[moov_at..moov_at + 4].copy_from_slice(&size.to_be_bytes());
    head.extend(trex);
    let tfhd = table(b"tfhd", &[0x02_0000, 1]);
    let trun = table(b"trun", &[0, u32::MAX]);
    let traf = boxed(b"traf", &[tfhd, trun].concat());
    after(&head, &boxed(b"moof", &traf))
}

fn transport(pid: u16, flags: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = pid.to_be_bytes();
    let mut packet = vec![0x47, high | flags, low, 0x10];
    packet.extend_from_slice(body);
    packet.resize(188, 0xff);
    packet
}

fn streams() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("sync bytes", again(b"\x47")),
        (
            "packets without a table",
            again(&transport(0x100, 0x40, b"\0\0\x01\xe0\0\0\x80\0\0")),
        ),
        (
            "tables of nothing",
            again(&transport(0, 0x40, &[0, 0, 0xb0, 0, 0, 0, 0])),
        ),
        (
            "sections that begin and never end",
            again(&transport(0, 0x40, &[0, 0, 0xbf, 0xff])),
        ),
    ]
}

/// Subtitles: what comes first, and what follows it again and again.
const SUBTITLES: &[(&str, &str, &str)] = &[
    ("cues of one letter", "", "0:1-->0:2\na\n"),
    ("cues that never end", "", "0:1-->9:9:9\na\n"),
    ("cues of WebVTT", "WEBVTT\n\n", "0-->1\na\n\n"),
    ("a cue of tags", "0:1-->0:2\n", "<b>a"),
    ("tags that do not end", "0:1-->0:2\n", "{\\<b"),
    ("regions", "WEBVTT\n\n", "REGION\nid:a\n\n"),
    ("a cue of nodes", "WEBVTT\n\n0-->1\n", "<b.a.a.a.a>x"),
    (
        "events of one letter",
        "[Events]\nFormat: Start,End,Text\n",
        "Dialogue:0:0:1,0:0:2,a\n",
    ),
    (
        "an event of overrides",
        "[Events]\nFormat: Start,End,Text\nDialogue:0:0:1,0:0:2,",
        "{\\b1\\b0}a",
    ),
    ("styles", "[V4+ Styles]\nFormat: Name\n", "Style: a\n"),
    ("a table of a million columns", "[Events]\nFormat: ", "a,"),
    ("elements in elements", "<tt><body>", "<p>"),
    (
        "references to styles",
        "<tt><head><styling><style id=\"a\" color=\"red\"/></styling></head><body>",
        "<p end=\"1s\" style=\"a a a a a a a a a a\">b</p>",
    ),
];

fn subtitles() -> Vec<(&'static str, Vec<u8>)> {
    let spans: String = (0..500)
        .map(|n| format!("<span begin=\"{n}s\">{n}</span>"))
        .collect();
    let rules = "::cue(.a.b.c){color:red;color:lime}".repeat(5_000);
    let repeated = SUBTITLES
        .iter()
        .map(|(what, head, piece)| (*what, after(head.as_bytes(), piece.as_bytes())));
    let mut inputs: Vec<_> = repeated.collect();
    let rolling = again(b"\xfc\x94\x25\xfc\x94\xad\xfc\x61\x62");
    inputs.push(("captions that roll", rolling));
    inputs.push((
        "spans that all have their times",
        after(b"<tt><body>", format!("<p>{spans}</p>").as_bytes()),
    ));
    inputs.push((
        "nodes and rules that all are tried",
        closed(
            &format!("WEBVTT\n\nSTYLE\n{rules}\n\n0-->1\n"),
            "<c.a.b.c>x</c>",
            "\n",
        ),
    ));
    inputs
}

fn manifests() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    vec![
        ("dash", "elements in elements", again(b"<a>")),
        ("dash", "elements", closed("<MPD>", "<a/>", "</MPD>")),
        (
            "dash",
            "periods",
            closed("<MPD type='dynamic'>", "<Period/>", "</MPD>"),
        ),
        ("dash", "attributes", closed("<MPD ", "a='' ", "/>")),
        ("dash", "ampersands", closed("<MPD a='", "&;", "'/>")),
        (
            "dash",
            "representations",
            closed(
                "<MPD><Period><AdaptationSet><BaseURL>x</BaseURL>",
                "<Representation/>",
                "</AdaptationSet></Period></MPD>",
            ),
        ),
        (
            "dash",
            "open runs",
            closed(
                "<MPD><Period duration='P9D'><AdaptationSet><SegmentTemplate media='$Time$'><SegmentTimeline>",
                "<S d='1' r='-1'/>",
                "</SegmentTimeline></SegmentTemplate><Representation/></AdaptationSet></Period></MPD>",
            ),
        ),
        (
            "dash",
            "patterns",
            closed(
                "<MPD><Period><AdaptationSet><SegmentTemplate media='$Time$'><SegmentTimeline><Pattern id='1'><P d='1' r='999'/></Pattern>",
                "<S p='1' r='99999'/>",
                "</SegmentTimeline></SegmentTemplate><Representation/></AdaptationSet></Period></MPD>",
            ),
        ),
        (
            "dash",
            "one long name for many",
            closed(
                &format!(
                    "<MPD><Period><AdaptationSet codecs='{0}'><BaseURL>{0}</BaseURL><SegmentTemplate media='{0}' duration='1'/>",
                    "x".repeat(200_000)
                ),
                "<Representation id='r'/>",
                "</AdaptationSet></Period></MPD>",
            ),
        ),
    ]
}

fn tags() -> Vec<(&'static str, Vec<u8>)> {
    let head = b"FLV\x01\x05\0\0\0\x09\0\0\0\0";
    let tag = |body: &[u8]| {
        let len = u32::try_from(body.len()).unwrap();
        let mut tag = vec![9];
        tag.extend(&len.to_be_bytes()[1..]);
        tag.extend([0; 7]);
        tag.extend(body);
        tag.extend((len + 11).to_be_bytes());
        tag
    };
    let metadata = |piece: &[u8]| {
        let name =
            b"\x02\0\x0aonMetaData\x08\0\0\0\0\0\x09keyframes\x03\0\x05times\x0a\xff\xff\xff\xff";
        let mut body = name.to_vec();
        while body.len() < 1_000_000 {
            body.extend(piece);
        }
        let mut tag = tag(&body);
        tag[0] = 18;
        after(&[&head[..], &tag].concat(), b"\0")
    };
    vec![
        ("tags of nothing", after(head, &tag(&[]))),
        ("pictures of one byte", after(head, &tag(b"\x12x"))),
        (
            "tags that claim a mebibyte",
            after(head, b"\x09\x0f\xff\xf0\0\0\0\0\0\0\0"),
        ),
        (
            "tags without lengths behind them",
            after(head, &tag(b"\x12x")[..13]),
        ),
        ("headers of files", after(head, head)),
        ("an index of numbers", metadata(b"\0\x40\0\0\0\0\0\0\0")),
        ("lists in lists", metadata(b"\x0a\0\0\0\x01")),
        (
            "tracks without data",
            after(head, &tag(b"\x96\x11av01\x01\0\0\x01x\x02\0\0\x01y")),
        ),
    ]
}

fn pages() -> Vec<(&'static str, Vec<u8>)> {
    let claims = |count: u8| {
        let mut page = b"OggS\0\0".to_vec();
        page.resize(26, 0);
        page.push(count);
        page
    };
    vec![
        ("capture patterns", again(b"OggS\0")),
        ("pages of nothing", again(&claims(0))),
        ("pages in pages", again(&claims(255))),
        ("pages in pages, long ones", again(b"OggS\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")),
    ]
}

fn texts() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let b = |text: &str| text.as_bytes().to_vec();
    let list = |head: &str, piece: &str| after(&b(head), &b(piece));
    let media = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
    let defines: String = (0..40_000)
        .map(|n| format!("#EXT-X-DEFINE:NAME=\"{n}\",VALUE=\"x\"\n"))
        .collect();
    vec![
        (
            "hls",
            "segments of one letter",
            list(media, "#EXTINF:1,\na\n"),
        ),
        (
            "hls",
            "segments without a length",
            list(media, "#EXTINF:\na\n"),
        ),
        (
            "hls",
            "parts",
            list(media, "#EXT-X-PART:DURATION=1,URI=\"a\"\n"),
        ),
        (
            "hls",
            "keys",
            list(media, "#EXT-X-KEY:METHOD=AES-128,URI=\"a\"\n"),
        ),
        (
            "hls",
            "keys of many formats",
            list(
                media,
                "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"a\",KEYFORMAT=\"b\"\n#EXTINF:1,\na\n",
            ),
        ),
        (
            "hls",
            "maps",
            list(media, "#EXT-X-MAP:URI=\"a\"\n#EXTINF:1,\na\n"),
        ),
        (
            "hls",
            "variants",
            list("#EXTM3U\n", "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n"),
        ),
        (
            "hls",
            "renditions",
            list(
                "#EXTM3U\n",
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"b\"\n",
            ),
        ),
        (
            "hls",
            "date ranges",
            list(media, "#EXT-X-DATERANGE:ID=\"a\"\n"),
        ),
        ("hls", "lines of nothing", list(media, "\n")),
        (
            "hls",
            "attributes",
            list("#EXTM3U\n#EXT-X-STREAM-INF:", "A=1,"),
        ),
        (
            "hls",
            "a variable used a thousand times",
            list(
                &format!(
                    "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"{}\"\n#EXT-X-TARGETDURATION:1\n",
                    "x".repeat(1_000)
                ),
                "#EXTINF:1,\n{$v}{$v}{$v}\n",
            ),
        ),
        (
            "hls",
            "many variables",
            list(&format!("#EXTM3U\n{defines}"), "#EXTINF:1,\n{$9}\n")[..INPUT].to_vec(),
        ),
        ("pop", "lists in lists", again(b"[")),
        (
            "pop",
            "renditions of nothing",
            list("{\"PlayInfoList\":{\"PlayInfo\":[", "{},"),
        ),
        (
            "pop",
            "renditions of nothing, whole",
            closed("{\"PlayInfoList\":{\"PlayInfo\":[", "{},", "{}]}}"),
        ),
        (
            "pop",
            "objects nobody asked for, whole",
            closed(
                "{\"PlayInfoList\":{\"PlayInfo\":[]},\"x\":[",
                "{\"\":0},",
                "0]}",
            ),
        ),
        (
            "pop",
            "lists where text belongs",
            closed("{\"Code\":[", "[0],", "0]}"),
        ),
        (
            "pop",
            "objects nobody asked for",
            list("{\"x\":[", "{\"\":0},"),
        ),
        ("pop", "lists nobody asked for", list("{\"x\":[", "[0],")),
        ("pop", "numbers nobody asked for", list("{\"x\":[", "0,")),
        ("pop", "elements in elements", again(b"<a>")),
        (
            "pop",
            "entities",
            list("<!DOCTYPE a [", "<!ENTITY b \"&b;&b;\">"),
        ),
        ("play_auth", "letters", again(b"A")),
        ("play_auth", "objects", list("{\"x\":[", "{\"\":0},")),
        ("urls", "parameters", list("https://h/?", "&")),
        (
            "urls",
            "parameters with values",
            list("https://h/?", "a=b&"),
        ),
        ("urls", "users", list("https://", "a@")),
        ("urls", "percents", list("https://h/", "%2e/")),
        ("lookup", "letters", again(b"a")),
        ("lookup", "words", again(b"a ")),
        ("lookup", "a name without end", again(b"ERROR_DECODE_")),
        ("lookup", "digits", again(b"9")),
    ]
}

fn seed(name: &str) -> Vec<u8> {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    std::fs::read(format!("{corpus}/{name}")).unwrap()
}

/// Sound files whose heads are sound.
fn sounds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let flac = seed("flac/piped.flac");
    // Behind `fLaC` and STREAMINFO a frame's header begins by its sync code.
    let first = flac
        .windows(2)
        .position(|pair| pair == [0xff, 0xf8])
        .unwrap();
    let (metadata, frames) = flac.split_at(first);
    let caf = seed("caf/opus.caf");
    let wav = seed("wav/ms.wav");
    vec![
        ("flac", "headers alone", after(metadata, &frames[..16])),
        ("flac", "sync codes", after(metadata, &[0xff, 0xf8])),
        (
            "flac",
            "a frame without an end",
            after(&flac[..first + 100], &[0]),
        ),
        (
            "flac",
            "metadata without end",
            after(&metadata[..42], &[1, 0, 0, 0]),
        ),
        ("flac", "noise", [metadata, &noise(11)].concat()),
        (
            "wav",
            "chunks of nothing",
            after(b"RIFF\0\0\0\0WAVE", b"none\0\0\0\0"),
        ),
        ("wav", "blocks", after(&wav, &[0xff])),
        (
            "w64",
            "chunks of nothing",
            after(
                &seed("w64/s16.w64")[..40],
                b"none\0\0\0\0\0\0\0\0\0\0\0\0\x18\0\0\0\0\0\0\0",
            ),
        ),
        ("amr", "frames of nothing", after(b"#!AMR\n", &[0x7c])),
        ("amr", "no frames", after(b"#!AMR-WB\n", &[0xff])),
        (
            "aiff",
            "chunks of nothing",
            after(b"FORM\0\0\0\0AIFF", b"none\0\0\0\0"),
        ),
        (
            "caf",
            "chunks of nothing",
            after(b"caff\0\x01\0\0", b"none\0\0\0\0\0\0\0\0"),
        ),
        ("caf", "a table of nothing", empty_packets(&caf)),
    ]
}

/// A table of packets that have no bytes, and none to take them from.
fn empty_packets(caf: &[u8]) -> Vec<u8> {
    let mut out = caf[..52].to_vec();
    out.extend(b"data\0\0\0\0\0\0\0\x04\0\0\0\0pakt");
    let len = (INPUT - out.len() - 8) as u64;
    out.extend(len.to_be_bytes());
    out.extend(u64::MAX.to_be_bytes());
    out.resize(INPUT, 0);
    out
}

/// Sessions that say more than they can have been.
fn recordings() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let whole = seed("tape/file.jsonl");
    let line = |what: &str| format!("{{\"at\":1,\"unix_ms\":0,\"in\":{what}}}\n");
    let head = whole.split_inclusive(|byte| *byte == b'\n').next().unwrap();
    let repeated = |piece: &str| after(head, piece.as_bytes());
    let long = [&whole[..], line("\"timeout\"").as_bytes()].concat();
    let chunks = line("{\"chunk\":[1,0,18446744073709551615]}");
    let packets = "{\"fact\":[\"demux\",{\"ok\":{\"p\":[1,0,0,0,1,18446744073709551615]}}]}\n";
    vec![
        (
            "tape",
            "moments at which nothing happens",
            repeated(&line("\"timeout\"")),
        ),
        ("tape", "bytes without end", after(&long, chunks.as_bytes())),
        (
            "tape",
            "packets without end",
            after(&whole, packets.as_bytes()),
        ),
        (
            "tape",
            "facts nobody looks at",
            repeated("{\"fact\":[\"x\",0]}\n"),
        ),
        ("tape", "sessions in a session", again(&whole)),
        ("tape", "lists in lists", again(b"[")),
    ]
}

/// Cues that are much to draw.
fn cues() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let vtt = |piece: &str| after(b"WEBVTT\n\n", piece.as_bytes());
    vec![
        ("overlay", "cues of one letter", vtt("0:0-->9:9\na\n\n")),
        (
            "overlay",
            "a cue that is long",
            after(b"WEBVTT\n\n00:00.000 --> 00:09.000\n", b"ab "),
        ),
        (
            "overlay",
            "marks without a letter",
            after(b"WEBVTT\n\n00:00.000 --> 00:09.000\n", "\u{301}".as_bytes()),
        ),
        (
            "overlay",
            "letters as large as can be",
            after(
                b"[Script Info]\n[Events]\nFormat: Start,End,Text\n",
                b"Dialogue:0:0:1,0:0:9,{\\fs9999\\bord9999\\blur99\\shad999}a\n",
            ),
        ),
    ]
}

#[test]
fn a_hostile_mebibyte_costs_a_bounded_amount_of_memory_and_work() {
    let mut inputs: Vec<(&str, &str, Vec<u8>)> = texts();
    inputs.extend(manifests());
    inputs.extend(
        movies()
            .into_iter()
            .map(|(what, bytes)| ("mp4", what, bytes)),
    );
    inputs.push(("mp4", "runs that hold nothing", fragmented()));
    inputs.extend(
        subtitles()
            .into_iter()
            .map(|(what, bytes)| ("subtitle", what, bytes)),
    );
    inputs.extend(
        streams()
            .into_iter()
            .map(|(what, bytes)| ("ts", what, bytes)),
    );
    inputs.push((
        "adts",
        "headers of nothing",
        again(&[0xff, 0xf1, 0x50, 0x80, 0, 0xff, 0xfc]),
    ));
    inputs.push((
        "adts",
        "headers alone",
        again(&[0xff, 0xf1, 0x50, 0x80, 0x00, 0xe0, 0xfc]),
    ));
    inputs.extend(sounds());
    inputs.extend(recordings());
    inputs.extend(cues());
    inputs.push(("cache", "records of nothing", again(&[0, 0, 0])));
    let apart = (0..u16::MAX).step_by(2).flat_map(|at| {
        let [high, low] = at.to_be_bytes();
        [1, high, low, b'x']
    });
    inputs.push(("cache", "stretches apart", apart.collect()));
    inputs.push(("mp3", "sync words", again(&[0xff, 0xfb])));
    inputs.push(("mp3", "headers alone", again(&[0xff, 0xfb, 0x10, 0xc4])));
    inputs.push(("mp3", "tags of nothing", again(b"ID3\x04\0\0\0\0\0\0")));
    inputs.extend(tags().into_iter().map(|(what, bytes)| ("flv", what, bytes)));
    inputs.extend(
        pages()
            .into_iter()
            .map(|(what, bytes)| ("ogg", what, bytes)),
    );
    for target in TARGETS {
        inputs.push((target.name, "zeros", again(&[0])));
        inputs.push((target.name, "ones", again(&[0xff])));
        inputs.push((target.name, "noise", noise(7)));
    }
    let mut broken = Vec::new();
    for (name, what, input) in inputs {
        let target = TARGETS.iter().find(|target| target.name == name).unwrap();
        let mut bytes = input;
        bytes.truncate(INPUT);
        let Cost { memory, time, work } = cost(target.body, &bytes);
        let line = format!("{name}, {what}: {} KiB, {time:?}, {work:?}", memory >> 10);
        println!("{line}");
        // A demuxer is driven six times here; each may read a byte a few times.
        let read = work.bytes <= 48 * INPUT as u64;
        if memory > MAX_MEMORY || time > MAX_TIME || !read {
            broken.push(line);
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
