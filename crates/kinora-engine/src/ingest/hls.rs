//! The HLS front end (RFC 8216): from a playlist's text to what `segmented` plays, renditions and segments with absolute
//! URLs that may be fetched. The rules of following, starting and keys are `kinora_manifest`'s.

mod delivery;
mod keys;
mod metadata;
mod multivariant;

use std::sync::Arc;

use kinora_errors::{Coded, Fault, Secret};
use kinora_manifest::hls::{self, HlsErrorKind, LatencyMode, Limits, LiveState, Update, Variables};
use kinora_media::Time;

use self::keys::key;
use self::metadata::DateRanges;
use self::multivariant::multivariant;
use super::base::Base;
pub(in crate::ingest) use super::base::malformed;
use super::segmented::index::{
    Availability, Change, Delivery, Discontinuity, Init, LiveEdge, Manifest, Parts, Segment,
    SegmentIndex, StartPoint,
};
pub(in crate::ingest) use delivery::directed;

/// What a multivariant playlist says to the media playlists that it names.
#[derive(Clone, Debug, Default)]
struct Parent {
    variables: Variables,
    start: Option<hls::Start>,
}

/// A playlist, read once or again and again.
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct PlaylistReader {
    parent: Parent,
    /// The stretches of time that it names.
    ranges: DateRanges,
    /// The multivariant playlist, where it is steered: pathways may be added to it.
    steered: Option<Arc<(hls::MultivariantPlaylist, Base)>>,
    /// What is known of it while it grows.
    live: Option<LiveState>,
    /// The same of the rendition beside which it is read.
    beside: Option<LiveState>,
}

impl PlaylistReader {
    /// The reader of a media playlist that the same multivariant playlist names.
    pub(in crate::ingest) fn alongside(&self) -> Self {
        Self {
            parent: self.parent.clone(),
            ranges: self.ranges.clone(),
            steered: None,
            live: None,
            beside: self.live.clone().or_else(|| self.beside.clone()),
        }
    }

    /// Reads its newest version, which was found at `url`.
    pub(in crate::ingest) fn read(&mut self, text: &[u8], url: &Secret) -> Result<Manifest, Fault> {
        let base =
            Base::new(url.expose()).ok_or_else(|| malformed("its own URL can not be read", url))?;
        let located = |error: hls::HlsError| error.fault().at_url(url.expose());
        let read = hls::parse(text, base.url(), &self.parent.variables, &Limits::default());
        match read.map_err(located)? {
            hls::Playlist::Multivariant(list) => {
                self.parent = Parent {
                    variables: list.variables.clone(),
                    start: list.start,
                };
                let manifest = multivariant(&list, &base)?;
                self.steered = list.steering.is_some().then(|| Arc::new((list, base)));
                Ok(manifest)
            }
            hls::Playlist::Media(list) if self.lacks_skipped(&list) => Ok(Manifest::Unfit),
            hls::Playlist::Media(list) if list.is_live() || self.live.is_some() => {
                let change = match self.follow(list) {
                    Ok(change) => change,
                    Err(error) if error.kind == HlsErrorKind::SkippedTooMuch => {
                        return Ok(Manifest::Unfit);
                    }
                    Err(error) => return Err(located(error)),
                };
                let Some(state) = &self.live else {
                    return Ok(Manifest::Unfit);
                };
                let mut index = index(state.playlist(), &base, self.parent.start, Some(state))?;
                index.date_ranges = self.ranges.read(state.playlist(), &base);
                self.live.take_if(|state| state.has_ended());
                Ok(Manifest::Media { index, change })
            }
            hls::Playlist::Media(list) => {
                let mut index = index(&list, &base, self.parent.start, None)?;
                index.date_ranges = self.ranges.read(&list, &base);
                Ok(Manifest::Media {
                    index,
                    change: Change::Unchanged,
                })
            }
        }
    }

    /// It is an update of what is not known here.
    fn lacks_skipped(&self, list: &hls::MediaPlaylist) -> bool {
        self.live.is_none() && list.skipped > 0
    }

    fn follow(&mut self, list: hls::MediaPlaylist) -> Result<Change, hls::HlsError> {
        let Some(state) = &mut self.live else {
            let mode = delivery::latency_mode(&list);
            self.live = Some(match self.beside.take() {
                Some(beside) => beside.alongside(list),
                None => LiveState::new(list, mode),
            });
            return Ok(Change::Grown);
        };
        Ok(match state.update(list)? {
            Update::Grown { .. } | Update::Gap { .. } => Change::Grown,
            Update::Unchanged => Change::Unchanged,
            Update::Restarted => Change::Restarted,
        })
    }
}

fn index(
    media: &hls::MediaPlaylist,
    base: &Base,
    inherited: Option<hls::Start>,
    live: Option<&LiveState>,
) -> Result<SegmentIndex, Fault> {
    let mode = live.map_or(LatencyMode::Segments, LiveState::mode);
    let mut start = Time::ZERO;
    let mut segments = Vec::<Segment>::with_capacity(media.segments.len());
    let mut init: Option<(Arc<hls::Map>, Arc<Init>)> = None;
    let growing = media.growing.as_deref().into_iter();
    let growing = growing.filter(|it| mode == LatencyMode::Parts && !delivery::is_sealed(it));
    for segment in media.segments.iter().chain(growing) {
        if let Some(map) = &segment.map
            && init.as_ref().is_none_or(|(known, _)| known != map)
        {
            init = Some((Arc::clone(map), init_section(map, segment.sequence, base)?));
        }
        let is_recent = segments.len() + delivery::MAX_WITH_PARTS > media.segments.len();
        let parts = match mode {
            LatencyMode::Parts if is_recent => delivery::parts(segment, media, base)?,
            LatencyMode::Parts | LatencyMode::Segments => Parts::None,
        };
        segments.push(Segment {
            number: segment.sequence,
            // One that grows has no URL of its own yet: that of its playlist says whose it is.
            url: base.resolve(&segment.uri)?,
            range: segment.range,
            start,
            nominal_start: start,
            duration: segment.duration,
            discontinuity: Discontinuity {
                restarts: 0,
                sequence: segment.discontinuity_sequence,
            },
            key: key(&segment.keys, segment.sequence, base)?,
            init: segment
                .map
                .as_ref()
                .and(init.as_ref())
                .map(|(_, init)| Arc::clone(init)),
            gap: segment.gap,
            period: None,
            parts,
            date_ms: segment.program_date_ms,
            made_while_sent: false,
        });
        start += segment.duration;
    }
    let availability = availability(media, live);
    if segments.is_empty() && matches!(availability, Availability::Complete) {
        let url = Secret::new(base.url().as_str());
        return Err(malformed("the playlist names no segment", &url));
    }
    let start = start_point(media, inherited, mode, &segments);
    Ok(SegmentIndex {
        segments,
        availability,
        start,
        elsewhere: false,
        licence: None,
        delivery: live.map_or_else(Delivery::default, |live| delivery::delivery(live, base)),
        date_ranges: Vec::new(),
    })
}

/// Where its author wants playback to begin.
fn start_point(
    media: &hls::MediaPlaylist,
    inherited: Option<hls::Start>,
    mode: LatencyMode,
    segments: &[Segment],
) -> Option<StartPoint> {
    let point = hls::start_point(media, inherited, mode)?;
    let segment = segments.get(point.index)?;
    Some(StartPoint {
        number: segment.number,
        part: point.part,
        discard_before: point.precise.then(|| segment.start + point.offset),
    })
}

fn init_section(map: &hls::Map, sequence: u64, base: &Base) -> Result<Arc<Init>, Fault> {
    Ok(Arc::new(Init {
        url: base.resolve(&map.uri)?,
        range: map.range,
        key: key(&map.keys, sequence, base)?,
    }))
}

fn availability(media: &hls::MediaPlaylist, live: Option<&LiveState>) -> Availability {
    let Some((live, delay)) = live.and_then(|live| Some((live, live.reload_delay()?))) else {
        return Availability::Complete;
    };
    Availability::Live(LiveEdge {
        reload_after: Time::from(delay),
        stale_after: Time::from(hls::stale_after(media)),
        hold_back: hls::hold_back(media, live.mode()),
        by_clock: false,
        clock: None,
        latency: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::segmented::index::{IdentityKey, Key};
    use kinora_errors::codes;
    use kinora_media::ByteRange;

    fn media(text: &str, url: &str) -> SegmentIndex {
        match PlaylistReader::default().read(text.as_bytes(), &Secret::new(url)) {
            Ok(Manifest::Media { index, .. }) => index,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn segments_lie_on_the_timeline_with_their_ranges_and_keys() {
        let plan = media(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i.mp4\"\n\
             #EXT-X-KEY:METHOD=AES-128,URI=\"k?a=1,2\",IV=0x10\n#EXTINF:4,\n#EXT-X-BYTERANGE:100@50\nall.ts\n\
             #EXT-X-DISCONTINUITY\n#EXTINF:3.5,title\n#EXT-X-BYTERANGE:60\nall.ts\n#EXT-X-ENDLIST\n",
            "https://host.test/a/list.m3u8?token=1",
        );
        let [a, b] = &plan.segments[..] else {
            panic!("two")
        };
        assert_eq!(
            (a.number, a.range, a.discontinuity.sequence),
            (7, ByteRange::of(50, 100), 0)
        );
        assert_eq!(
            (b.number, b.range, b.discontinuity.sequence),
            (8, ByteRange::of(150, 60), 1)
        );
        assert_eq!(b.start, Time::from_millis(4_000));
        assert_eq!(plan.duration(), Some(Time::from_millis(7_500)));
        let Some(Key::Identity(IdentityKey { url, iv, .. })) = a.key.as_deref() else {
            panic!("a key")
        };
        assert_eq!(
            (url.expose(), iv.0[15]),
            ("https://host.test/a/k?a=1,2", 0x10)
        );
    }

    #[test]
    fn the_neighbours_of_a_path_are_paths() {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nsub/1%20a.ts\n#EXT-X-ENDLIST\n";
        let url = |base: &str| media(text, base).segments[0].url.expose().to_owned();
        assert_eq!(
            url("/films/a b/list.m3u8"),
            "file:///films/a%20b/sub/1%20a.ts"
        );
        assert_eq!(url("films/list.m3u8"), "films/sub/1 a.ts");
        assert_eq!(url("list.m3u8"), "sub/1 a.ts");
    }

    #[test]
    fn a_remote_playlist_names_no_file() {
        let text =
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
        let url = Secret::new("https://host.test/a");
        let fault = PlaylistReader::default().read(text.as_bytes(), &url);
        assert_eq!(
            fault.map(|_| ()).map_err(|fault| fault.code()),
            Err(codes::ERROR_NETWORK_UNSUPPORTED)
        );
    }

    fn live(sequence: u64, more: &str) -> String {
        let mut text =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n{more}");
        for number in sequence..sequence + 6 {
            text += &format!("#EXTINF:4,\n{number}.ts\n");
        }
        text
    }

    #[test]
    fn a_live_playlist_is_followed_by_its_rules() {
        let mut reader = PlaylistReader::default();
        let url = Secret::new("https://host.test/live");
        let mut read = |text: String| match reader.read(text.as_bytes(), &url) {
            Ok(Manifest::Media { index, change }) => (index, change),
            other => panic!("{other:?}"),
        };
        let (index, _) = read(live(1_422, "#EXT-X-SERVER-CONTROL:HOLD-BACK=9\n"));
        let edge = index.live_edge().expect("it is live");
        assert_eq!(edge.hold_back, Time::from_millis(9_000));
        assert_eq!(edge.reload_after, Time::from_millis(4_000));
        assert_eq!(index.start.map(|start| start.number), Some(1_425));
        let (index, change) = read(live(1_422, ""));
        assert_eq!(change, Change::Unchanged);
        let edge = index.live_edge().expect("it is live");
        assert_eq!(edge.reload_after, Time::from_millis(2_000));
        assert_eq!(read(live(1_423, "")).1, Change::Grown);
        assert_eq!(read(live(0, "")).1, Change::Restarted);
        let (index, change) = read(live(1, "#EXT-X-ENDLIST\n"));
        assert_eq!(change, Change::Grown);
        assert!(!index.is_live());
    }

    #[test]
    fn the_start_that_is_named_is_where_it_begins() {
        let reader = |parent: &str| {
            let mut reader = PlaylistReader::default();
            let text = format!("#EXTM3U\n{parent}#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n");
            let url = Secret::new("https://host.test/m");
            reader.read(text.as_bytes(), &url).expect("a playlist");
            reader.alongside()
        };
        let start = |parent: &str, more: &str| {
            let text = live(3, &format!("#EXT-X-ENDLIST\n{more}"));
            let url = Secret::new("https://host.test/v");
            match reader(parent).read(text.as_bytes(), &url) {
                Ok(Manifest::Media { index, .. }) => index.start.expect("a start"),
                other => panic!("{other:?}"),
            }
        };
        let precise = start("", "#EXT-X-START:TIME-OFFSET=9,PRECISE=YES\n");
        assert_eq!(precise.number, 5);
        assert_eq!(precise.discard_before, Some(Time::from_millis(9_000)));
        let inherited = start("#EXT-X-START:TIME-OFFSET=-3\n", "");
        assert_eq!((inherited.number, inherited.discard_before), (8, None));
    }
}
