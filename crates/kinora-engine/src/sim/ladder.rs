use bytes::Bytes;

use super::{Film, Sim};

/// A film in several qualities, as HLS: the small film's segments, filled up to the bitrates.
#[derive(Clone, Debug)]
pub struct Ladder {
    bitrates: Vec<u64>,
    segments: usize,
    /// How many of the film's segments make one.
    joined: usize,
    rungs: Vec<Vec<Bytes>>,
}

/// Segments of the small film, and their seconds.
const FILM_SEGMENTS: usize = 4;
const SECONDS: usize = 2;

impl Ladder {
    /// So many segments in the bitrates, which rise, in bits a second; one lasts 2 s for each segment of the film that is
    /// `joined` in it (1, 2 or 4).
    #[must_use]
    pub fn new(bitrates: &[u64], segments: usize, joined: usize) -> Self {
        let rung = |bitrate: &u64| {
            let pieces: Vec<Bytes> = Film::ts_segments()
                .iter()
                .map(|it| padded(it, *bitrate))
                .collect();
            let join = |pieces: &[Bytes]| Bytes::from(pieces.concat());
            pieces.chunks(joined).map(join).collect()
        };
        Self {
            bitrates: bitrates.to_vec(),
            segments,
            joined,
            rungs: bitrates.iter().map(rung).collect(),
        }
    }

    /// Its bitrates, bits a second.
    #[must_use]
    pub fn bitrates(&self) -> &[u64] {
        &self.bitrates
    }

    /// Puts it onto the network; gives its URL.
    pub fn serve(&self, sim: &mut Sim) -> &'static str {
        let mut multivariant = "#EXTM3U\n".to_owned();
        let seconds = SECONDS * self.joined;
        for (rung, bitrate) in self.bitrates.iter().enumerate() {
            multivariant += &format!("#EXT-X-STREAM-INF:BANDWIDTH={bitrate}\n{rung}/list.m3u8\n");
            let mut media = format!("#EXTM3U\n#EXT-X-TARGETDURATION:{seconds}\n");
            let different = FILM_SEGMENTS / self.joined;
            for number in 0..self.segments {
                if number % different == 0 {
                    media += "#EXT-X-DISCONTINUITY\n";
                }
                media += &format!("#EXTINF:{seconds},\n{number}.ts\n");
                let data = self.rungs[rung][number % different].clone();
                let url = format!("http://films.test/ladder/{rung}/{number}.ts");
                sim.net.serve(&url, data);
            }
            let url = format!("http://films.test/ladder/{rung}/list.m3u8");
            sim.net.serve(&url, media + "#EXT-X-ENDLIST\n");
        }
        let url = "http://films.test/ladder/main.m3u8";
        sim.net.serve(url, multivariant);
        url
    }

    /// The place of each segment's rendition in the bitrates: what was asked for last of a segment is what was shown.
    #[must_use]
    pub fn played(&self, sim: &Sim) -> Vec<usize> {
        let mut shown = vec![0; self.segments];
        for (_, url, _) in &sim.net.asked {
            let mut parts = url.rsplit(['/', '.']);
            let (Some("ts"), Some(number), Some(rung)) = (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            if let (Ok(number), Ok(rung)) = (number.parse::<usize>(), rung.parse()) {
                shown[number] = rung;
            }
        }
        shown
    }
}

/// A segment at a bitrate: null packets (ISO/IEC 13818-1 2.4.3.3) fill it up evenly.
fn padded(segment: &Bytes, bitrate: u64) -> Bytes {
    let mut null = [0xFF_u8; 188];
    null[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
    let own = segment.len() / 188;
    let all = usize::try_from(bitrate * SECONDS as u64 / 8 / 188).unwrap_or(own);
    let mut out = Vec::with_capacity(all.max(own) * 188);
    for (number, packet) in segment.chunks(188).enumerate() {
        out.extend_from_slice(packet);
        while out.len() / 188 < (number + 1) * all / own {
            out.extend_from_slice(&null);
        }
    }
    out.into()
}
