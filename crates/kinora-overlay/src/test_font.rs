//! A font made for tests: its letters are boxes, so that it can be told to the pixel where they stand.
#![allow(clippy::unwrap_used)]

/// Units of the em square.
const EM: u16 = 1_000;

/// Runs of characters, each with the advance of its letters. The box of a letter is as wide as its advance and reaches from the
/// baseline up to 700 units; blanks have none.
const RUNS: &[(u16, u16, u16)] = &[
    (0x20, 0x20, 600),
    (0x21, 0x7e, 600),
    // Combining acute accent.
    (0x301, 0x301, 0),
    // Hebrew.
    (0x5d0, 0x5ea, 600),
    // Kana and Han.
    (0x3041, 0x3096, 1_000),
    (0x4e00, 0x4e20, 1_000),
];

/// The bytes of a TrueType file.
///
/// # Panics
/// Never: what it has is small.
#[must_use]
pub fn boxes() -> Vec<u8> {
    let advances = RUNS
        .iter()
        .flat_map(|(first, last, advance)| (*first..=*last).map(|_| *advance));
    // The first glyph stands for all that is missing.
    let advances: Vec<u16> = [500].into_iter().chain(advances).collect();
    let (glyf, loca) = outlines(&advances);
    let count = u16::try_from(advances.len()).unwrap();
    let hmtx = advances.iter().flat_map(|advance| shorts(&[*advance, 0]));
    let tables: Vec<(&[u8; 4], Vec<u8>)> = vec![
        (b"OS/2", os2()),
        (b"cmap", cmap()),
        (b"glyf", glyf),
        (b"head", head()),
        (
            b"hhea",
            shorts(&[
                1,
                0,
                800,
                (-200_i16).cast_unsigned(),
                0,
                1_000,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                count,
            ]),
        ),
        (b"hmtx", hmtx.collect()),
        (b"loca", loca),
        (
            b"maxp",
            shorts(&[1, 0, count, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ),
        (b"name", name("Boxes")),
        (b"post", [shorts(&[3, 0]), vec![0; 28]].concat()),
    ];
    file(&tables)
}

fn shorts(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

fn file(tables: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let count = u16::try_from(tables.len()).unwrap();
    let mut head = shorts(&[1, 0, count, 128, 3, count * 16 - 128]);
    let mut body = Vec::new();
    let start = head.len() + tables.len() * 16;
    for (tag, data) in tables {
        head.extend_from_slice(&tag[..]);
        head.extend_from_slice(&[0; 4]);
        for number in [start + body.len(), data.len()] {
            head.extend_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        }
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    [head, body].concat()
}

fn outlines(advances: &[u16]) -> (Vec<u8>, Vec<u8>) {
    let (mut glyf, mut loca) = (Vec::new(), Vec::new());
    for (glyph, advance) in advances.iter().enumerate() {
        loca.extend_from_slice(&u32::try_from(glyf.len()).unwrap().to_be_bytes());
        let wide = if *advance == 0 { 300 } else { *advance };
        let back = 0_u16.wrapping_sub(wide);
        // The glyph of the blank is the second one.
        if glyph != 1 {
            glyf.extend(shorts(&[1, 0, 0, wide, 700, 3, 0]));
            glyf.extend([1; 4]);
            glyf.extend(shorts(&[0, wide, 0, back, 0, 0, 700, 0]));
        }
    }
    loca.extend_from_slice(&u32::try_from(glyf.len()).unwrap().to_be_bytes());
    (glyf, loca)
}

/// Format 4, of which each run is a segment.
fn cmap() -> Vec<u8> {
    let count = u16::try_from(RUNS.len() + 1).unwrap();
    let ends = RUNS.iter().map(|run| run.1).chain([0xffff]);
    let starts = RUNS.iter().map(|run| run.0).chain([0xffff]);
    let mut glyph = 1_u16;
    let deltas = RUNS.iter().map(|(first, last, _)| {
        let delta = glyph.wrapping_sub(*first);
        glyph += last - first + 1;
        delta
    });
    let deltas: Vec<u16> = deltas.chain([1]).collect();
    let length = 16 + count * 8;
    // One table for Unicode; of seven segments four are the largest power of two.
    let head = [0, 1, 3, 1, 0, 12];
    let search = [4, length, 0, count * 2, 8, 2, count * 2 - 8];
    let mut table = shorts(&[&head[..], &search].concat());
    table.extend(ends.flat_map(u16::to_be_bytes));
    table.extend(shorts(&[0]));
    table.extend(starts.flat_map(u16::to_be_bytes));
    table.extend(shorts(&deltas));
    table.extend(shorts(&vec![0; count.into()]));
    table
}

fn head() -> Vec<u8> {
    // The magic number; then flags, units, dates, bounds, style, smallest size, direction, long offsets.
    let mut table = shorts(&[1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 0, EM]);
    table.extend([0; 16]);
    table.extend(shorts(&[0, 0, 1_000, 700, 0, 8, 2, 1, 0]));
    table
}

fn os2() -> Vec<u8> {
    let mut table = vec![0; 78];
    table[4..6].copy_from_slice(&400_u16.to_be_bytes());
    table[6..8].copy_from_slice(&5_u16.to_be_bytes());
    table
}

fn name(family: &str) -> Vec<u8> {
    let text: Vec<u8> = family.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let length = u16::try_from(text.len()).unwrap();
    let record = |id: u16| shorts(&[3, 1, 0x409, id, length, 0]);
    let records: Vec<u8> = [1, 4, 6].into_iter().flat_map(record).collect();
    [shorts(&[0, 3, 6 + 36]), records, text].concat()
}
