use bytes::Bytes;

/// The small films that come with the crate; `fixtures/make.sh` made them.
#[derive(Clone, Copy, Debug)]
pub struct Film;

macro_rules! fixture {
    ($name:literal) => {
        Bytes::from_static(include_bytes!(concat!("../../fixtures/", $name)))
    };
}

impl Film {
    /// 12 s of MP4, index in front: a key frame each second, ten pictures a second, with sound.
    #[must_use]
    pub fn mp4() -> Bytes {
        fixture!("film.mp4")
    }
    /// The same with its index behind.
    #[must_use]
    pub fn mp4_index_behind() -> Bytes {
        fixture!("index_behind.mp4")
    }
    /// The first with two cues of timed text (`tx3g`), from 1 s to 2.5 s and from 8 s to 11 s.
    #[must_use]
    pub fn mp4_subtitled() -> Bytes {
        fixture!("subtitled.mp4")
    }
    /// The first as Matroska, with two languages of sound (English; German, the default) and three tracks of text: English
    /// (SubRip), German (ASS), German signs (WebVTT, forced).
    #[must_use]
    pub fn mkv_languages() -> Bytes {
        fixture!("tracks.mkv")
    }
    /// Segments of 2 s of transport stream.
    #[must_use]
    pub fn ts_segments() -> [Bytes; 4] {
        [
            fixture!("hls/0.ts"),
            fixture!("hls/1.ts"),
            fixture!("hls/2.ts"),
            fixture!("hls/3.ts"),
        ]
    }
    /// 8 s of transport stream in one.
    #[must_use]
    pub fn ts() -> Bytes {
        Self::ts_segments().concat().into()
    }
    /// The same, cut elsewhere: all but the first begin so many transport packets behind the start of a key frame.
    #[must_use]
    pub fn ts_cut_within_pictures(packets: usize) -> Vec<Bytes> {
        let whole = Self::ts();
        let (mut cuts, mut begin) = (vec![0], 0);
        for segment in &Self::ts_segments()[..3] {
            begin += segment.len();
            let mut after = whole[begin..].chunks(188);
            let key = after.position(is_key_start).unwrap_or_default();
            cuts.push(begin + (key + packets) * 188);
        }
        cuts.push(whole.len());
        let parts = cuts.windows(2);
        parts.map(|cut| whole.slice(cut[0]..cut[1])).collect()
    }
    /// An init section and segments of 2 s of fragmented MP4.
    #[must_use]
    pub fn fmp4() -> (Bytes, [Bytes; 3]) {
        let segments = [
            fixture!("hls/f0.m4s"),
            fixture!("hls/f1.m4s"),
            fixture!("hls/f2.m4s"),
        ];
        (fixture!("hls/init.mp4"), segments)
    }
    /// The sound of those segments alone.
    #[must_use]
    pub fn sound_segments() -> [Bytes; 4] {
        [
            fixture!("hls/a0.ts"),
            fixture!("hls/a1.ts"),
            fixture!("hls/a2.ts"),
            fixture!("hls/a3.ts"),
        ]
    }
    /// Their pictures alone.
    #[must_use]
    pub fn picture_segments() -> [Bytes; 4] {
        [
            fixture!("hls/v0.ts"),
            fixture!("hls/v1.ts"),
            fixture!("hls/v2.ts"),
            fixture!("hls/v3.ts"),
        ]
    }
}

/// A transport packet of the films in which a key picture begins (`random_access_indicator`, ISO/IEC 13818-1 2.4.3.5).
pub(crate) fn is_key_start(packet: &[u8]) -> bool {
    let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
    pid == 0x100 && packet[1] & 0x40 != 0 && packet[3] & 0x20 != 0 && packet[5] & 0x40 != 0
}
