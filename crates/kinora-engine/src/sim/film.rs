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
