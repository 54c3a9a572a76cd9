//! From the text of a playlist to what the loaders need of it.

use std::collections::HashMap;
use std::sync::Arc;

use kinora_errors::{Fault, Secret, codes};
use kinora_media::{ByteRange, Time};
use kinora_protect::{Iv, Scheme};
use url::Url;

use super::plan::{AudioRendition, Init, Key, Plan, Playlist, Segment, Variant};

/// More segments than any playlist has use for.
const MOST_SEGMENTS: usize = 200_000;

/// A playlist that breaks the rules.
pub(super) fn malformed(what: &str, url: &Secret) -> Fault {
    Fault::new(codes::ERROR_DEMUXER_OPENURL, "hls.playlist.malformed")
        .because(what)
        .at_url(url.expose())
}

/// Reads a playlist that was found at `base`.
pub(super) fn playlist(text: &[u8], base: &Secret) -> Result<Playlist, Fault> {
    let text =
        std::str::from_utf8(text).map_err(|_| malformed("the playlist is not UTF-8 text", base))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.starts_with("#EXTM3U") {
        return Err(malformed("the playlist does not begin with #EXTM3U", base));
    }
    let mut reader = Reader::new(base);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix('#') {
            Some(tag) => reader.tag(tag)?,
            None => reader.uri(line)?,
        }
    }
    reader.finish()
}

/// State of the tags that apply to the next URI or to all that follow.
struct Reader<'a> {
    base: &'a Secret,
    plan: Plan,
    variants: Vec<Variant>,
    audio: Vec<AudioRendition>,
    variant: Option<HashMap<String, String>>,
    duration: Option<Time>,
    range: Option<(u64, Option<u64>)>,
    range_end: u64,
    number: u64,
    discontinuity: u64,
    start: Time,
    key: Option<(HashMap<String, String>, Secret)>,
    init: Option<Arc<Init>>,
    gap: bool,
    is_media: bool,
}

impl<'a> Reader<'a> {
    fn new(base: &'a Secret) -> Self {
        Self {
            base,
            plan: Plan::default(),
            variants: Vec::new(),
            audio: Vec::new(),
            variant: None,
            duration: None,
            range: None,
            range_end: 0,
            number: 0,
            discontinuity: 0,
            start: Time::ZERO,
            key: None,
            init: None,
            gap: false,
            is_media: false,
        }
    }

    fn tag(&mut self, tag: &str) -> Result<(), Fault> {
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        match name {
            "EXT-X-TARGETDURATION" => {
                self.is_media = true;
                self.plan.target = self.seconds(value)?;
            }
            "EXT-X-MEDIA-SEQUENCE" => self.number = self.integer(value)?,
            "EXT-X-DISCONTINUITY-SEQUENCE" => self.discontinuity = self.integer(value)?,
            "EXT-X-ENDLIST" => self.plan.ended = true,
            "EXT-X-DISCONTINUITY" => self.discontinuity += 1,
            "EXT-X-GAP" => self.gap = true,
            "EXTINF" => {
                self.is_media = true;
                let seconds = value.split(',').next().unwrap_or(value);
                self.duration = Some(self.seconds(seconds)?);
            }
            "EXT-X-BYTERANGE" => self.range = Some(self.byte_range(value)?),
            "EXT-X-KEY" => self.set_key(attributes(value))?,
            "EXT-X-MAP" => self.set_init(&attributes(value))?,
            "EXT-X-STREAM-INF" => self.variant = Some(attributes(value)),
            "EXT-X-MEDIA" => self.rendition(&attributes(value))?,
            _ => {}
        }
        Ok(())
    }

    fn bad(&self, what: &str) -> Fault {
        malformed(what, self.base)
    }

    fn integer(&self, value: &str) -> Result<u64, Fault> {
        let value = value.trim();
        value
            .parse()
            .map_err(|_| self.bad(&format!("`{value}` is no number")))
    }

    fn seconds(&self, value: &str) -> Result<Time, Fault> {
        let value = value.trim();
        match value.parse::<f64>() {
            Ok(seconds) if (0.0..1e6).contains(&seconds) => Ok(Time::from_secs_f64(seconds)),
            _ => Err(self.bad(&format!("`{value}` is no duration"))),
        }
    }

    /// `length[@offset]`.
    fn byte_range(&self, value: &str) -> Result<(u64, Option<u64>), Fault> {
        match value.split_once('@') {
            Some((length, offset)) => Ok((self.integer(length)?, Some(self.integer(offset)?))),
            None => Ok((self.integer(value)?, None)),
        }
    }

    fn set_key(&mut self, attributes: HashMap<String, String>) -> Result<(), Fault> {
        if attributes
            .get("METHOD")
            .is_none_or(|method| method == "NONE")
        {
            self.key = None;
            return Ok(());
        }
        let url = match attributes.get("URI") {
            Some(uri) => self.resolve(uri)?,
            None => Secret::default(),
        };
        self.key = Some((attributes, url));
        Ok(())
    }

    fn set_init(&mut self, attributes: &HashMap<String, String>) -> Result<(), Fault> {
        let uri = attributes
            .get("URI")
            .ok_or_else(|| self.bad("EXT-X-MAP names no URI"))?;
        let range = match attributes.get("BYTERANGE") {
            Some(value) => {
                let (length, offset) = self.byte_range(value)?;
                ByteRange::of(offset.unwrap_or(0), length)
            }
            None => ByteRange::default(),
        };
        let url = self.resolve(uri)?;
        self.init = Some(Arc::new(Init { url, range }));
        Ok(())
    }

    fn rendition(&mut self, attributes: &HashMap<String, String>) -> Result<(), Fault> {
        if attributes.get("TYPE").is_none_or(|kind| kind != "AUDIO") {
            return Ok(());
        }
        let text = |name: &str| attributes.get(name).cloned();
        let url = match attributes.get("URI") {
            Some(uri) => Some(self.resolve(uri)?),
            None => None,
        };
        self.audio.push(AudioRendition {
            group: text("GROUP-ID").unwrap_or_default(),
            url,
            default: attributes
                .get("DEFAULT")
                .is_some_and(|value| value == "YES"),
        });
        Ok(())
    }

    fn uri(&mut self, uri: &str) -> Result<(), Fault> {
        if let Some(attributes) = self.variant.take() {
            return self.variant(uri, &attributes);
        }
        let Some(duration) = self.duration.take() else {
            return Ok(());
        };
        if self.plan.segments.len() >= MOST_SEGMENTS {
            return Err(self.bad("the playlist names too many segments"));
        }
        let url = self.resolve(uri)?;
        let range = match self.range.take() {
            Some((length, offset)) => {
                let offset = offset.unwrap_or(self.range_end);
                self.range_end = offset.saturating_add(length);
                ByteRange::of(offset, length)
            }
            None => ByteRange::default(),
        };
        let key = self.segment_key();
        self.plan.segments.push(Segment {
            number: self.number,
            url,
            range,
            start: self.start,
            duration,
            discontinuity: self.discontinuity,
            key,
            init: self.init.clone(),
            gap: std::mem::take(&mut self.gap),
        });
        self.number += 1;
        self.start += duration;
        Ok(())
    }

    fn segment_key(&self) -> Option<Arc<Key>> {
        let (attributes, url) = self.key.as_ref()?;
        let method = attributes.get("METHOD").cloned().unwrap_or_default();
        match Scheme::of_method(&method) {
            Ok(Scheme::Aes128) if !url.is_empty() => {}
            Ok(_) => return None,
            Err(error) => return Some(Arc::new(Key::Foreign(error))),
        }
        let given = attributes
            .get("IV")
            .and_then(|iv| initialisation_vector(iv));
        // RFC 8216 5.2: without one the media sequence number is it.
        let iv = given.unwrap_or_else(|| Iv::from_sequence(self.number));
        Some(Arc::new(Key::Aes128 {
            url: url.clone(),
            iv,
        }))
    }

    fn variant(&mut self, uri: &str, attributes: &HashMap<String, String>) -> Result<(), Fault> {
        let size = attributes.get("RESOLUTION").and_then(|value| {
            let (width, height) = value.split_once(['x', 'X'])?;
            Some((width.parse().ok()?, height.parse().ok()?))
        });
        let url = self.resolve(uri)?;
        self.variants.push(Variant {
            url,
            bandwidth: attributes
                .get("BANDWIDTH")
                .and_then(|value| value.parse().ok())
                .unwrap_or(0),
            size,
            name: attributes.get("NAME").cloned(),
            audio_group: attributes.get("AUDIO").cloned(),
        });
        Ok(())
    }

    fn resolve(&self, uri: &str) -> Result<Secret, Fault> {
        resolve(self.base.expose(), uri)
            .map(Secret::new)
            .ok_or_else(|| self.bad("the playlist names an unusable URI"))
    }

    fn finish(self) -> Result<Playlist, Fault> {
        if !self.variants.is_empty() {
            return Ok(Playlist::Multivariant {
                variants: self.variants,
                audio: self.audio,
            });
        }
        if !self.is_media || self.plan.segments.is_empty() && self.plan.ended {
            return Err(malformed(
                "the playlist names neither segments nor renditions",
                self.base,
            ));
        }
        Ok(Playlist::Media(self.plan))
    }
}

fn initialisation_vector(text: &str) -> Option<Iv> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    u128::from_str_radix(digits, 16)
        .ok()
        .map(|iv| Iv(iv.to_be_bytes()))
}

/// A URI as the playlist at `base` means it; `base` may be a path.
fn resolve(base: &str, uri: &str) -> Option<String> {
    if let Ok(base) = Url::parse(base)
        && !base.cannot_be_a_base()
    {
        return base.join(uri).ok().map(String::from);
    }
    if Url::parse(uri).is_ok() || uri.starts_with('/') {
        return Some(uri.to_owned());
    }
    let folder = base.rfind('/').map_or("", |at| &base[..=at]);
    Some(format!("{folder}{uri}"))
}

/// `NAME=value,NAME="quoted, value"` (RFC 8216 4.2).
fn attributes(text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"').unwrap_or((quoted, ""));
                (value, next.split_once(',').map_or("", |(_, next)| next))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(name.trim().to_owned(), value.trim().to_owned());
        rest = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(text: &str) -> Plan {
        let base = Secret::new("https://host.test/a/list.m3u8?token=1");
        match playlist(text.as_bytes(), &base) {
            Ok(Playlist::Media(plan)) => plan,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn segments_lie_on_the_timeline_with_their_ranges_and_keys() {
        let plan = media(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"10@5\"\n\
             #EXT-X-KEY:METHOD=AES-128,URI=\"k?a=1,2\"\n#EXTINF:4,\n#EXT-X-BYTERANGE:100@50\nall.ts\n\
             #EXT-X-DISCONTINUITY\n#EXTINF:3.5,title\n#EXT-X-BYTERANGE:60\nall.ts\n#EXT-X-ENDLIST\n",
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
        assert_eq!((url.expose(), iv.0[15]), ("https://host.test/a/k?a=1,2", 7));
    }

    #[test]
    fn paths_have_neighbours_too() {
        assert_eq!(
            resolve("/films/a/list.m3u8", "1.ts").as_deref(),
            Some("/films/a/1.ts")
        );
        assert_eq!(resolve("list.m3u8", "1.ts").as_deref(), Some("1.ts"));
        assert_eq!(
            resolve("file:///films/list.m3u8", "1.ts").as_deref(),
            Some("file:///films/1.ts")
        );
    }

    #[test]
    fn nonsense_is_told_by_its_number() {
        for text in ["", "<html>", "#EXTM3U\n", "#EXTM3U\n#EXTINF:x,\na.ts\n"] {
            let fault = playlist(text.as_bytes(), &Secret::new("/x")).unwrap_err();
            assert_eq!(fault.code(), codes::ERROR_DEMUXER_OPENURL, "{text}");
        }
    }
}
