//! The HLS front end (RFC 8216): from a playlist's text to what `segmented` plays, renditions and segments with absolute
//! URLs that may be fetched. The rules of following, starting and keys are `kinora_manifest`'s.

use std::sync::Arc;

use kinora_errors::{Coded, Fault, Secret};
use kinora_manifest::hls::{
    self, Encryption, LatencyMode, Limits, LiveState, RenditionKind, Update, Variables,
};
use kinora_media::Time;
use kinora_protect::{Iv, KeySystem, ProtectError, Scheme};

use super::base::Base;
pub(in crate::ingest) use super::base::malformed;
use super::segmented::index::{
    AudioRendition, Availability, CaptionGroup, CaptionRendition, Change, Discontinuity,
    IdentityKey, Init, Key, LiveEdge, Manifest, Segment, SegmentIndex, SegmentsNamed, StartPoint,
    TextRendition, Variant,
};

/// Whole segments are loaded. Parts come in by the other mode: they become segments of the index that grow.
const MODE: LatencyMode = LatencyMode::Segments;

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
                multivariant(&list, &base)
            }
            hls::Playlist::Media(list) if list.is_live() || self.live.is_some() => {
                let (state, change) = self.follow(list).map_err(located)?;
                let index = index(state.playlist(), &base, self.parent.start, Some(&state))?;
                self.live = (!state.has_ended()).then_some(state);
                Ok(Manifest::Media { index, change })
            }
            hls::Playlist::Media(list) => Ok(Manifest::Media {
                index: index(&list, &base, self.parent.start, None)?,
                change: Change::Unchanged,
            }),
        }
    }

    fn follow(&mut self, list: hls::MediaPlaylist) -> Result<(LiveState, Change), hls::HlsError> {
        let Some(mut state) = self.live.take() else {
            let state = match self.beside.take() {
                Some(beside) => beside.alongside(list),
                None => LiveState::new(list, MODE),
            };
            return Ok((state, Change::Grown));
        };
        let change = match state.update(list)? {
            Update::Grown { .. } | Update::Gap { .. } => Change::Grown,
            Update::Unchanged => Change::Unchanged,
            Update::Restarted => Change::Restarted,
        };
        Ok((state, change))
    }
}

fn multivariant(list: &hls::MultivariantPlaylist, base: &Base) -> Result<Manifest, Fault> {
    let variant = |variant: &hls::Variant| {
        Ok(Variant {
            url: base.resolve(&variant.uri)?,
            bandwidth: variant.bandwidth,
            size: variant.resolution,
            name: variant.name.clone(),
            codecs: variant.codecs.clone(),
            audio_group: variant.audio.clone(),
            text_group: variant.subtitles.clone(),
            captions: match variant.closed_captions.as_deref() {
                None => CaptionGroup::Untold,
                Some("NONE") => CaptionGroup::None,
                Some(group) => CaptionGroup::Named(group.to_owned()),
            },
        })
    };
    let rendition = |rendition: &hls::Rendition| {
        Ok(AudioRendition {
            group: rendition.group.clone(),
            name: rendition.name.clone(),
            language: rendition.language.clone(),
            url: rendition
                .uri
                .as_deref()
                .map(|uri| base.resolve(uri))
                .transpose()?,
            default: rendition.default,
        })
    };
    let audio = list
        .renditions
        .iter()
        .filter(|rendition| rendition.kind == RenditionKind::Audio);
    let variants = list.variants.iter().map(variant);
    let mut variants = variants.collect::<Result<Vec<_>, Fault>>()?;
    if variants.is_empty() {
        let url = Secret::new(base.url().as_str());
        return Err(malformed("the playlist names no rendition", &url));
    }
    variants.sort_by_key(|variant| variant.bandwidth);
    Ok(Manifest::Multivariant {
        variants,
        audio: audio.map(rendition).collect::<Result<_, Fault>>()?,
        text: text_renditions(list, base),
        captions: caption_renditions(list),
        named: SegmentsNamed::InPlaylists,
    })
}

/// The captions within the pictures.
fn caption_renditions(list: &hls::MultivariantPlaylist) -> Vec<CaptionRendition> {
    let captions = list.renditions.iter();
    let captions = captions.filter(|it| it.kind == RenditionKind::ClosedCaptions);
    let rendition = |rendition: &hls::Rendition| {
        Some(CaptionRendition {
            group: rendition.group.clone(),
            name: rendition.name.clone(),
            language: rendition.language.clone(),
            instream_id: rendition.instream_id.clone()?,
            default: rendition.default,
            autoselect: rendition.autoselect,
        })
    };
    captions.filter_map(rendition).collect()
}

/// The renditions of subtitles. One without a URL that may be asked for is none: nothing that plays depends on it.
fn text_renditions(list: &hls::MultivariantPlaylist, base: &Base) -> Vec<TextRendition> {
    let text = list.renditions.iter();
    let text = text.filter(|rendition| rendition.kind == RenditionKind::Subtitles);
    let rendition = |rendition: &hls::Rendition| {
        Some(TextRendition {
            group: rendition.group.clone(),
            name: rendition.name.clone(),
            language: rendition.language.clone(),
            url: base.resolve(rendition.uri.as_deref()?).ok()?,
            default: rendition.default,
            autoselect: rendition.autoselect,
            forced: rendition.forced,
        })
    };
    text.filter_map(rendition).collect()
}

fn index(
    media: &hls::MediaPlaylist,
    base: &Base,
    inherited: Option<hls::Start>,
    live: Option<&LiveState>,
) -> Result<SegmentIndex, Fault> {
    let mut start = Time::ZERO;
    let mut segments = Vec::<Segment>::with_capacity(media.segments.len());
    let mut init: Option<(Arc<hls::Map>, Arc<Init>)> = None;
    for segment in &media.segments {
        if let Some(map) = &segment.map
            && init.as_ref().is_none_or(|(known, _)| known != map)
        {
            let url = base.resolve(&map.uri)?;
            init = Some((
                Arc::clone(map),
                Arc::new(Init {
                    url,
                    range: map.range,
                    key: key(&map.keys, segment.sequence, base)?,
                }),
            ));
        }
        segments.push(Segment {
            number: segment.sequence,
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
        });
        start += segment.duration;
    }
    let availability = availability(media, live);
    if segments.is_empty() && matches!(availability, Availability::Complete) {
        let url = Secret::new(base.url().as_str());
        return Err(malformed("the playlist names no segment", &url));
    }
    let start = hls::start_point(media, inherited, MODE).and_then(|point| {
        let segment = segments.get(point.index)?;
        Some(StartPoint {
            number: segment.number,
            discard_before: point.precise.then(|| segment.start + point.offset),
        })
    });
    Ok(SegmentIndex {
        segments,
        availability,
        start,
        elsewhere: false,
        licence: None,
    })
}

fn availability(media: &hls::MediaPlaylist, live: Option<&LiveState>) -> Availability {
    let Some(delay) = live.and_then(LiveState::reload_delay) else {
        return Availability::Complete;
    };
    Availability::Live(LiveEdge {
        reload_after: Time::from(delay),
        stale_after: Time::from(hls::stale_after(media)),
        hold_back: hls::hold_back(media, MODE),
    })
}

/// The key among those of several formats, or why there is none that can be used here.
fn key(keys: &[Arc<hls::Key>], sequence: u64, base: &Base) -> Result<Option<Arc<Key>>, Fault> {
    let keys = match hls::encryption(keys) {
        Encryption::None => return Ok(None),
        Encryption::Identity { method, uri, iv } => {
            return Ok(Some(Arc::new(match Scheme::of_method(method) {
                Ok(scheme) => Key::Identity(IdentityKey {
                    url: base.resolve_key(uri)?,
                    // RFC 8216 5.2: without a vector the media sequence number is it. Keys of init sections have one
                    // (4.3.2.5).
                    iv: iv.map_or_else(|| Iv::from_sequence(sequence), Iv),
                    scheme,
                }),
                Err(error) => Key::Foreign(error),
            })));
        }
        Encryption::Other(keys) => keys,
    };
    Ok(Some(Arc::new(key_of_systems(keys))))
}

/// A key that lies nowhere as it is: some system gives it.
fn key_of_systems(keys: &[Arc<hls::Key>]) -> Key {
    let mut schemes = keys.iter().map(|key| Scheme::of_method(&key.method));
    if let Some(Err(error)) = schemes.clone().find(Result::is_err) {
        return Key::Foreign(error);
    }
    let are_named = schemes.all(|scheme| matches!(scheme, Ok(Scheme::Samples(_))));
    let systems = keys
        .iter()
        .filter_map(|key| KeySystem::of_hls_key(&key.format, key.uri.as_deref()));
    let names = KeySystem::foreign_names(systems);
    let formats = || keys.iter().map(|key| key.format.as_str());
    let error =
        ProtectError::KeySystems(names.unwrap_or_else(|| formats().collect::<Vec<_>>().join(", ")));
    match are_named {
        true => Key::Named(error),
        false => Key::Foreign(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
