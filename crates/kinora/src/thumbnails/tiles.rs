//! Thumbnails that a DASH manifest names: pictures of tiles (DASH-IF IOP 6.2.6).

use kinora_container::sniff::sniff;
use kinora_container::{ContainerKind, Sniff};
use kinora_engine::base_of;
use kinora_errors::{Coded as _, Fault, Secret, codes};
use kinora_manifest::dash::{Limits, Mpd, parse};
use kinora_media::{ByteRange, Time};
use kinora_subtitle::sprites::{Part, Sprite};

/// Of several sizes the largest that is no wider is taken.
const MAX_WIDTH: u32 = 320;
/// So many are counted at most.
const MAX_TIMES: usize = 20_000;

/// The thumbnails of a manifest.
pub(super) struct Tiles(Mpd);

/// Whether that is a DASH manifest.
pub(super) fn is_manifest(data: &[u8]) -> bool {
    sniff(data) == Sniff::Known(ContainerKind::DashManifest)
}

impl Tiles {
    /// Reads a manifest, which was found at a URL or a path.
    pub(super) fn read(data: &[u8], found: &Secret) -> Result<Self, Fault> {
        let none = |what: &str| {
            Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "thumbnail.none")
                .because(what)
                .at_url(found.expose())
        };
        let base = base_of(found).ok_or_else(|| none("its own URL can not be read"))?;
        let mpd = parse(data, &base, &Limits::default());
        let mpd = mpd.map_err(|error| error.fault().at_url(found.expose()))?;
        let names_any = mpd.thumbnail_sets().next().is_some();
        match names_any {
            true => Ok(Self(mpd)),
            false => Err(none("the manifest names no thumbnails")),
        }
    }

    /// The tile of a time, or the nearest before it; before all of them the first.
    pub(super) fn at(&self, time: Time) -> Option<(Sprite, ByteRange)> {
        let last = || {
            self.0
                .total_duration()
                .map(|end| end - Time::from_millis(1))
        };
        let time = time.max(Time::ZERO);
        let found = self.0.thumbnail(time, MAX_WIDTH);
        let found = found.or_else(|| self.0.thumbnail(last()?.min(time), MAX_WIDTH))?;
        let part = found
            .rect
            .map(|it| Part::Pixels(it.x, it.y, it.width, it.height));
        let sprite = Sprite {
            from: found.from,
            to: found.to,
            url: found.url.into(),
            part,
        };
        Some((sprite, found.range))
    }

    /// When they begin.
    pub(super) fn times(&self) -> Vec<Time> {
        let next = |time: &Time| self.0.thumbnail(*time, MAX_WIDTH).map(|it| it.to);
        let times = std::iter::successors(Some(Time::ZERO), next);
        let named = times
            .take(MAX_TIMES)
            .filter_map(|time| self.0.thumbnail(time, MAX_WIDTH));
        named.map(|it| it.from).collect()
    }
}
