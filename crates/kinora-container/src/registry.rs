//! The containers that are known: a line each.

mod named;

use crate::Demuxer;
use crate::container::{Access, Container, Opening};

/// From a line for each container to the type that names them.
macro_rules! containers {
    ($($(#[$doc:meta])* $kind:ident => $container:path,)+) => {
        /// What a resource is wrapped in.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum ContainerKind {
            $($(#[$doc])* $kind,)+
        }

        impl ContainerKind {
            /// All of them; what a player had best take of the same content comes first.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            pub(crate) const fn container(self) -> &'static Container {
                match self {
                    $(Self::$kind => &$container,)+
                }
            }
        }
    };
}

containers! {
    /// MP4, QuickTime, fragmented or not.
    Mp4 => crate::mp4::CONTAINER,
    /// An HLS playlist: text that names media, no media itself.
    HlsPlaylist => named::HLS_PLAYLIST,
    /// A DASH manifest: XML that names media, no media itself.
    DashManifest => named::DASH_MANIFEST,
    /// MPEG-2 transport stream.
    Ts => crate::ts::CONTAINER,
    /// MPEG audio frames.
    Mp3 => crate::mp3::CONTAINER,
    /// AAC frames with ADTS headers.
    Adts => crate::adts::CONTAINER,
    /// AC-3 or E-AC-3 frames.
    Ac3 => crate::ac3::CONTAINER,
    /// Matroska or WebM.
    Matroska => crate::mkv::CONTAINER,
    /// Flash video.
    Flv => crate::flv::CONTAINER,
    /// Ogg.
    Ogg => crate::ogg::CONTAINER,
    /// RIFF, RF64 or BW64 with sound.
    Wav => crate::wav::CONTAINER,
    /// Sony Wave64.
    W64 => crate::w64::CONTAINER,
    /// AVI.
    Avi => named::AVI,
    /// Native FLAC.
    Flac => crate::flac::CONTAINER,
    /// AMR speech, narrow-band or wide-band.
    Amr => crate::amr::CONTAINER,
    /// DTS frames.
    Dts => crate::dts::CONTAINER,
    /// AAC frames in LOAS.
    Loas => crate::loas::CONTAINER,
    /// AIFF and AIFF-C.
    Aiff => crate::aiff::CONTAINER,
    /// Apple's Core Audio Format.
    Caf => crate::caf::CONTAINER,
}

impl ContainerKind {
    /// Its short name, as in [`MediaInfo::container`](kinora_media::MediaInfo::container).
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.container().name
    }

    /// The container of that short name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// What a person calls it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.container().title
    }

    /// Endings of file names that stand for it, without the dot.
    #[must_use]
    pub const fn extensions(self) -> &'static [&'static str] {
        self.container().extensions
    }

    /// Whether a media type stands for it. Types that say nothing do not.
    #[must_use]
    pub fn is_named_by(self, media_type: &str) -> bool {
        let mut words = self.container().media_types.iter();
        words.any(|word| media_type.contains(word))
    }

    /// Whether it can be played: there is a demuxer for it, or it is a playlist or manifest, which a player follows.
    #[must_use]
    pub const fn is_playable(self) -> bool {
        !matches!(self.container().access, Access::None)
    }

    /// Whether it names media elsewhere, which a player follows.
    #[must_use]
    pub const fn is_playlist(self) -> bool {
        matches!(self.container().access, Access::Playlist)
    }

    /// The demuxer for a file of it; `None` for a playlist, and for what is known by name only.
    #[must_use]
    pub fn demuxer(self) -> Option<Box<dyn Demuxer>> {
        self.open(Opening::default())
    }

    pub(crate) fn open(self, opening: Opening) -> Option<Box<dyn Demuxer>> {
        match self.container().access {
            Access::Demuxer(open) => Some(open(opening)),
            Access::Playlist | Access::None => None,
        }
    }
}

#[cfg(test)]
mod tests;
