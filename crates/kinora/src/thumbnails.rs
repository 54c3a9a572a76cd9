//! Thumbnails of a film beside it: a WebVTT file that names parts of pictures.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kinora_engine::named_within;
use kinora_errors::{Coded as _, Fault, Secret, codes};
use kinora_media::{RequestId, Time};
use kinora_net::{FetchRequest, Initiator, Net, NetConfig};
use kinora_output::RgbImage;
use kinora_subtitle::Limits;
use kinora_subtitle::sprites::{Sprite, Sprites};

use crate::key_pictures::KeyPictures;

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
/// JPEG. A picture is fetched when the first of its thumbnails is asked for, and decoded once.
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
    sprites: Sprites,
    /// Decoded pictures by their names, those that were used last behind.
    pictures: Vec<(String, Arc<RgbImage>)>,
}

/// The thumbnails of a player.
#[derive(Default)]
enum Thumbnails {
    /// There are none.
    #[default]
    None,
    /// They are there, and were not asked for yet.
    Named(Secret),
    Sprites(Box<SpriteThumbnails>),
    /// What plays may have them; it was not looked at yet.
    OfSource(Secret),
    KeyPictures(Box<KeyPictures>),
}

impl Thumbnails {
    /// The thumbnail of a time; opens what was not opened yet.
    fn at(&mut self, time: Time, network: &NetConfig) -> Result<Option<SpriteThumbnail>, Fault> {
        match self {
            Self::Named(url) => {
                let opened = SpriteThumbnails::open(url.expose(), network.clone())?;
                *self = Self::Sprites(Box::new(opened));
            }
            Self::OfSource(url) => {
                let opened = KeyPictures::open(url.expose(), network.clone())?;
                *self = opened.map_or(Self::None, |it| Self::KeyPictures(Box::new(it)));
            }
            Self::None | Self::Sprites(_) | Self::KeyPictures(_) => {}
        }
        match self {
            Self::Sprites(sprites) => sprites.at(time),
            Self::KeyPictures(pictures) => pictures.at(time),
            Self::None | Self::Named(_) | Self::OfSource(_) => Ok(None),
        }
    }
}

/// The thumbnails of what plays, shared by the threads that ask for them; another source has others.
#[derive(Clone, Default)]
pub(crate) struct SharedThumbnails {
    /// The application said where they are.
    is_named: bool,
    thumbnails: Arc<Mutex<Thumbnails>>,
}

impl SharedThumbnails {
    /// Those that the application names.
    pub(crate) fn named(url: Secret) -> Self {
        Self {
            is_named: true,
            thumbnails: Arc::new(Mutex::new(Thumbnails::Named(url))),
        }
    }

    /// Another source plays: where nobody said where thumbnails are, it may have some.
    pub(crate) fn source_changed(&mut self, url: Option<&Secret>) {
        if !self.is_named {
            let own = url.cloned().map_or(Thumbnails::None, Thumbnails::OfSource);
            self.thumbnails = Arc::new(Mutex::new(own));
        }
    }

    /// The thumbnail of a time; waits for it.
    pub(crate) fn at(
        &self,
        time: Time,
        network: &NetConfig,
    ) -> Result<Option<SpriteThumbnail>, Fault> {
        let thumbnails = self.thumbnails.lock();
        let mut thumbnails = thumbnails.unwrap_or_else(PoisonError::into_inner);
        thumbnails.at(time, network)
    }
}

/// What is done with a thumbnail that was requested.
type Ready = Box<dyn FnOnce(Result<Option<SpriteThumbnail>, Fault>) + Send>;

struct Request {
    time: Time,
    of: SharedThumbnails,
    ready: Ready,
}

/// Fetches thumbnails on a thread of its own, the newest request first and alone.
pub(crate) struct ThumbnailWorker(Arc<Slot>);

#[derive(Default)]
struct Slot {
    state: Mutex<SlotState>,
    changed: Condvar,
}

#[derive(Default)]
struct SlotState {
    next: Option<Request>,
    is_over: bool,
}

impl ThumbnailWorker {
    /// Its thread ends with it: at once, or when the network has answered what was asked of it last.
    pub(crate) fn spawn(network: NetConfig) -> std::io::Result<Self> {
        let slot = Arc::new(Slot::default());
        let own = Arc::clone(&slot);
        let serve = move || {
            while let Some(Request { time, of, ready }) = own.next() {
                ready(of.at(time, &network));
            }
        };
        let thread = std::thread::Builder::new().name("kinora-thumbnails".into());
        thread.spawn(serve)?;
        Ok(Self(slot))
    }

    /// Asks for one; a request that nobody has begun on is forgotten.
    pub(crate) fn request(&self, time: Time, of: SharedThumbnails, ready: Ready) {
        let request = Request { time, of, ready };
        let forgotten = self.0.lock().next.replace(request);
        self.0.changed.notify_one();
        drop(forgotten);
    }
}

impl Drop for ThumbnailWorker {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_over = true;
        state.next = None;
        drop(state);
        self.0.changed.notify_one();
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a request; `None`: there will be none.
    fn next(&self) -> Option<Request> {
        let waits = |state: &mut SlotState| state.next.is_none() && !state.is_over;
        let state = self.changed.wait_while(self.lock(), waits);
        state.unwrap_or_else(PoisonError::into_inner).next.take()
    }
}

impl SpriteThumbnails {
    /// Reads the file of cues, a path or a URL; waits for it.
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
        let limits = Limits {
            bytes: MAX_CUES,
            ..Limits::default()
        };
        let sprites = Sprites::parse(&answer.body, &limits)
            .map_err(|error| error.fault().at_url(found.expose()))?;
        if sprites.is_empty() {
            let fault = Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "thumbnail.none");
            return Err(fault
                .because("the WebVTT file names no picture")
                .at_url(found.expose()));
        }
        Ok(Self {
            initiator: Initiator::User.within(&url, &found),
            net,
            found,
            sprites,
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
        let Some(sprite) = self.sprites.at(time).cloned() else {
            return Ok(None);
        };
        let picture = self.picture(&sprite.url)?;
        let Sprite { from, to, .. } = sprite;
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
        self.sprites.iter().map(|sprite| sprite.from)
    }

    fn picture(&mut self, name: &str) -> Result<Arc<RgbImage>, Fault> {
        let known = self.pictures.iter().position(|(known, _)| known == name);
        let picture = match known {
            Some(at) => self.pictures.remove(at).1,
            None => self.fetch(name)?,
        };
        if self.pictures.len() >= KEPT {
            self.pictures.remove(0);
        }
        self.pictures.push((name.to_owned(), Arc::clone(&picture)));
        Ok(picture)
    }

    fn fetch(&self, name: &str) -> Result<Arc<RgbImage>, Fault> {
        let url = named_within(&self.found, name)?;
        let request = FetchRequest {
            initiator: self.initiator.clone(),
            ..FetchRequest::get(RequestId(0), url.expose())
        };
        let answer = self.net.get(request, MAX_PICTURE, LIMIT)?;
        let picture = RgbImage::decode(&answer.body);
        let picture = picture.map_err(|error| error.fault().at_url(url.expose()))?;
        Ok(Arc::new(picture))
    }
}
