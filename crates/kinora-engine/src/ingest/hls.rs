//! From a playlist's text to what the loaders need of it: absolute URLs that may be fetched, times.

use std::sync::Arc;

use kinora_errors::{Coded, Fault, Secret, codes};
use kinora_manifest::hls::{self, Limits, RenditionKind, Variables};
use kinora_manifest::policy;
use kinora_media::Time;
use kinora_protect::{Iv, Scheme};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::cx::Cx;

use super::segmented::index::{
    AudioRendition, Init, Key, Manifest, Segment, SegmentIndex, Variant,
};

/// A playlist that is readable and yet of no use.
pub(super) fn malformed(what: &str, url: &Secret) -> Fault {
    Fault::new(codes::ERROR_DEMUXER_OPENURL, "hls.playlist.malformed")
        .because(what)
        .at_url(url.expose())
}

/// Characters of a path that mean something else in a URL.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'%')
    .add(b'?')
    .add(b'#')
    .add(b'"')
    .add(b'<')
    .add(b'>');
/// Stands for the folder that a relative path is relative to, which only the file system knows.
const HERE: &str = "file:///.here./";

/// Where a playlist is, as a URL.
struct Base(Url);

impl Base {
    fn new(text: &str) -> Option<Self> {
        if let Ok(url) = Url::parse(text)
            && !url.cannot_be_a_base()
        {
            return Some(Self(url));
        }
        let path = utf8_percent_encode(text, PATH);
        let url = if text.starts_with('/') {
            format!("file://{path}")
        } else {
            format!("{HERE}{path}")
        };
        Url::parse(&url).ok().map(Self)
    }

    /// A URI of the playlist, if the playlist may name it.
    fn resolve(&self, uri: &str) -> Result<Secret, Fault> {
        let url = self.0.join(uri).map_err(|_| {
            malformed(
                "it names something that is no URI",
                &Secret::new(self.0.as_str()),
            )
        })?;
        policy::may_fetch(&self.0, &url).map_err(|error| error.fault().at_url(url.as_str()))?;
        let text = url.as_str();
        Ok(match text.strip_prefix(HERE) {
            Some(path) => Secret::new(percent_decode_str(path).decode_utf8_lossy()),
            None => Secret::new(text),
        })
    }
}

/// Reads a playlist that was found at `url`. `variables` are those of the multivariant playlist.
pub(super) fn playlist(
    cx: &Cx,
    text: &[u8],
    url: &Secret,
    variables: &Variables,
) -> Result<Manifest, Fault> {
    cx.tape.try_see("plan", || parse(text, url, variables))
}

fn parse(text: &[u8], url: &Secret, variables: &Variables) -> Result<Manifest, Fault> {
    let base =
        Base::new(url.expose()).ok_or_else(|| malformed("its own URL can not be read", url))?;
    let read = hls::parse(text, &base.0, variables, &Limits::default());
    match read.map_err(|error| error.fault().at_url(url.expose()))? {
        hls::Playlist::Media(media) => plan(&media, &base).map(Manifest::Media),
        hls::Playlist::Multivariant(list) => multivariant(&list, &base),
    }
}

fn multivariant(list: &hls::MultivariantPlaylist, base: &Base) -> Result<Manifest, Fault> {
    let variant = |variant: &hls::Variant| {
        Ok(Variant {
            url: base.resolve(&variant.uri)?,
            bandwidth: variant.bandwidth,
            size: variant.resolution,
            name: variant.name.clone(),
            audio_group: variant.audio.clone(),
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
    Ok(Manifest::Multivariant {
        variants: list
            .variants
            .iter()
            .map(variant)
            .collect::<Result<_, Fault>>()?,
        audio: audio.map(rendition).collect::<Result<_, Fault>>()?,
        variables: list.variables.clone(),
    })
}

fn plan(media: &hls::MediaPlaylist, base: &Base) -> Result<SegmentIndex, Fault> {
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
            discontinuity: segment.discontinuity_sequence,
            key: key(segment, base)?,
            init: segment
                .map
                .as_ref()
                .and(init.as_ref())
                .map(|(_, init)| Arc::clone(init)),
            gap: segment.gap,
        });
        start += segment.duration;
    }
    let ended = !media.is_live();
    if segments.is_empty() && ended {
        let url = Secret::new(base.0.as_str());
        return Err(malformed("the playlist names no segment", &url));
    }
    Ok(SegmentIndex {
        segments,
        target: media.target_duration,
        ended,
    })
}

/// The key that can be used here, among those of several formats.
fn key(segment: &hls::Segment, base: &Base) -> Result<Option<Arc<Key>>, Fault> {
    let mut refused = None;
    for key in segment.keys.iter() {
        match (Scheme::of_method(&key.method), &key.uri) {
            (Ok(Scheme::Clear), _) => return Ok(None),
            (Ok(Scheme::Aes128), Some(uri)) if key.format == "identity" => {
                let url = base.resolve(uri)?;
                // RFC 8216 5.2: without a vector the media sequence number is it.
                let iv = key
                    .iv
                    .map_or_else(|| Iv::from_sequence(segment.sequence), Iv);
                return Ok(Some(Arc::new(Key::Aes128 { url, iv })));
            }
            (Ok(Scheme::Aes128), _) => {
                refused = Some(kinora_protect::ProtectError::Unsupported(
                    key.format.clone(),
                ));
            }
            (Err(error), _) => refused = Some(error),
        }
    }
    Ok(refused.map(|error| Arc::new(Key::Foreign(error))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_media::ByteRange;

    fn media(text: &str, url: &str) -> SegmentIndex {
        match parse(text.as_bytes(), &Secret::new(url), &Variables::default()) {
            Ok(Manifest::Media(plan)) => plan,
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
            (a.number, a.range, a.discontinuity),
            (7, ByteRange::of(50, 100), 0)
        );
        assert_eq!(
            (b.number, b.range, b.discontinuity),
            (8, ByteRange::of(150, 60), 1)
        );
        assert_eq!(b.start, Time::from_millis(4_000));
        assert_eq!(plan.duration(), Some(Time::from_millis(7_500)));
        let Some(Key::Aes128 { url, iv }) = a.key.as_deref() else {
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
        let fault = parse(
            text.as_bytes(),
            &Secret::new("https://host.test/a"),
            &Variables::default(),
        );
        assert_eq!(
            fault.map(|_| ()).map_err(|fault| fault.code()),
            Err(codes::ERROR_NETWORK_UNSUPPORTED)
        );
    }
}
