//! Thumbnails of a film beside it: a WebVTT file that names parts of pictures, or a DASH manifest that names tiles.

mod tiles;

use std::sync::Arc;
use std::time::Duration;

use kinora_engine::named_within;
use kinora_errors::{Coded as _, Fault, Secret, codes};
use kinora_media::{ByteRange, RequestId, Time};
use kinora_net::{FetchRequest, Initiator, Net, NetConfig};
use kinora_output::RgbImage;
use kinora_subtitle::Limits;
use kinora_subtitle::sprites::{Sprite, Sprites};

use self::tiles::Tiles;

/// No file of cues is longer.
const MAX_CUES: usize = 4 << 20;
/// No file of a picture is longer.
const MAX_PICTURE: usize = 32 << 20;
/// So many decoded pictures are kept: one sheet holds many thumbnails, and who drags a slider goes to and fro.
const KEPT: usize = 2;
/// Neither file is waited for longer.
const LIMIT: Duration = Duration::from_secs(30);

/// A thumbnail.
#[derive(Clone, Debug)]
pub struct SpriteThumbnail {
    /// Its pixels.
    pub image: RgbImage,
    /// The first time that it stands for.
    pub from: Time,
    /// Where the time ends that it stands for.
    pub to: Time,
}

/// The thumbnails of a film, by a WebVTT file whose cues name pictures or parts of them (`sheet.jpg#xywh=0,0,160,90`), PNG or
/// JPEG; or by the tiles that a DASH manifest names (DASH-IF IOP 6.2.6). A picture is fetched when the first of its thumbnails is asked for, and decoded once.
///
/// ```no_run
/// use kinora::{NetConfig, SpriteThumbnails, Time};
///
/// # fn main() -> Result<(), kinora::Fault> {
/// let mut thumbnails = SpriteThumbnails::open("film.thumbnails.vtt", NetConfig::default())?;
/// if let Some(thumbnail) = thumbnails.at(Time::from_millis(90_000))? {
///     println!("{}x{} pixels, from {}", thumbnail.image.width, thumbnail.image.height, thumbnail.from);
/// }
/// # Ok(())
/// # }
/// ```
pub struct SpriteThumbnails {
    net: Net,
    /// Where the cues were found.
    found: Secret,
    initiator: Initiator,
    named: Named,
    /// Decoded pictures by their names, those that were used last behind.
    pictures: Vec<(Place, Arc<RgbImage>)>,
}

/// Where a picture is: its name, and which bytes of that.
type Place = (String, ByteRange);

/// Who says where the pixels of a thumbnail are.
enum Named {
    Cues(Sprites),
    Tiles(Box<Tiles>),
}

impl Named {
    fn read(data: &[u8], found: &Secret) -> Result<Self, Fault> {
        if tiles::is_manifest(data) {
            return Tiles::read(data, found).map(|tiles| Self::Tiles(Box::new(tiles)));
        }
        let limits = Limits {
            bytes: MAX_CUES,
            ..Limits::default()
        };
        let sprites = Sprites::parse(data, &limits);
        let sprites = sprites.map_err(|error| error.fault().at_url(found.expose()))?;
        if sprites.is_empty() {
            let fault = Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "thumbnail.none");
            return Err(fault
                .because("the WebVTT file names no picture")
                .at_url(found.expose()));
        }
        Ok(Self::Cues(sprites))
    }

    fn at(&self, time: Time) -> Option<(Sprite, ByteRange)> {
        match self {
            Self::Cues(sprites) => Some((sprites.at(time)?.clone(), ByteRange::default())),
            Self::Tiles(tiles) => tiles.at(time),
        }
    }
}

/// The thumbnails of a player.
#[derive(Default)]
pub(crate) enum Thumbnails {
    /// Nobody said where they are.
    #[default]
    None,
    /// They are there, and were not asked for yet.
    Named(String),
    Open(Box<SpriteThumbnails>),
}

impl SpriteThumbnails {
    /// Reads the file of cues or the manifest, a path or a URL; waits for it.
    ///
    /// # Errors
    /// What the network or the file system said; `ERROR_DEMUXER_NO_VALID_STREAM`, `thumbnail.none`, when it names no picture.
    pub fn open(url: impl Into<String>, network: NetConfig) -> Result<Self, Fault> {
        let url = Secret::new(url.into());
        let net = Net::new(network, |_| {});
        let asked = FetchRequest::get(RequestId(0), url.expose());
        let answer = net.get(asked, MAX_CUES, LIMIT)?;
        let found = answer
            .info
            .final_url
            .map_or_else(|| url.clone(), Secret::new);
        let named = Named::read(&answer.body, &found)?;
        Ok(Self {
            initiator: Initiator::User.within(&url, &found),
            net,
            found,
            named,
            pictures: Vec::new(),
        })
    }

    /// The thumbnail of a time, or the nearest before it; before all of them the first. Waits for its picture where that is not
    /// here. `None`: the part that is named lies outside of its picture.
    ///
    /// # Errors
    /// What the network or the file system said of the picture; `ERROR_DECODE_VIDEO`, `picture.undecodable`, when it is
    /// neither PNG nor JPEG, or damaged.
    pub fn at(&mut self, time: Time) -> Result<Option<SpriteThumbnail>, Fault> {
        let Some((sprite, range)) = self.named.at(time) else {
            return Ok(None);
        };
        let picture = self.picture((sprite.url, range))?;
        let (from, to) = (sprite.from, sprite.to);
        let size = (picture.width, picture.height);
        let image = match sprite.part {
            None => RgbImage::clone(&picture),
            Some(part) => match part.within(size) {
                Some((x, y, width, height)) => picture.part(x, y, width, height),
                None => return Ok(None),
            },
        };
        Ok(Some(SpriteThumbnail { image, from, to }))
    }

    /// When thumbnails begin, in their order.
    pub fn times(&self) -> impl Iterator<Item = Time> {
        let times: Vec<Time> = match &self.named {
            Named::Cues(sprites) => sprites.iter().map(|sprite| sprite.from).collect(),
            Named::Tiles(tiles) => tiles.times(),
        };
        times.into_iter()
    }

    fn picture(&mut self, place: Place) -> Result<Arc<RgbImage>, Fault> {
        let known = self.pictures.iter().position(|(known, _)| *known == place);
        let picture = match known {
            Some(at) => self.pictures.remove(at).1,
            None => self.fetch(&place)?,
        };
        if self.pictures.len() >= KEPT {
            self.pictures.remove(0);
        }
        self.pictures.push((place, Arc::clone(&picture)));
        Ok(picture)
    }

    fn fetch(&self, (name, range): &Place) -> Result<Arc<RgbImage>, Fault> {
        let url = named_within(&self.found, name)?;
        let request = FetchRequest {
            initiator: self.initiator.clone(),
            range: *range,
            ..FetchRequest::get(RequestId(0), url.expose())
        };
        let answer = self.net.get(request, MAX_PICTURE, LIMIT)?;
        let picture = RgbImage::decode(&answer.body);
        let picture = picture.map_err(|error| error.fault().at_url(url.expose()))?;
        Ok(Arc::new(picture))
    }
}
