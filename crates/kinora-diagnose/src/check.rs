use std::time::Duration;

use kinora_errors::{Fault, Lang, mask_url};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// What was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CheckKind {
    /// The play credential or key.
    Credential,
    /// The file itself.
    File,
    /// The name's addresses.
    Dns,
    /// Connections to each address.
    Tcp,
    /// Certificate and protocol.
    Tls,
    /// Where the server points on to.
    Redirect,
    /// Status and headers.
    Http,
    /// What the server calls it against what its bytes are.
    Type,
    /// Parts of it can be asked for.
    Range,
    /// Web pages of other places may read it.
    Cors,
    /// The server's clock against this machine's.
    Clock,
    /// What the service says can be played.
    PlayInfo,
    /// The playlist's lines.
    Playlist,
    /// One of the qualities.
    Rendition,
    /// What decrypts.
    Key,
    /// A piece of the stream.
    Segment,
    /// A place in the file.
    Media,
    /// A decoder on this machine.
    Codec,
    /// Playing it.
    Play,
}

impl CheckKind {
    /// `dns`, `play_info`: for machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::File => "file",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Redirect => "redirect",
            Self::Http => "http",
            Self::Type => "type",
            Self::Range => "range",
            Self::Cors => "cors",
            Self::Clock => "clock",
            Self::PlayInfo => "play_info",
            Self::Playlist => "playlist",
            Self::Rendition => "rendition",
            Self::Key => "key",
            Self::Segment => "segment",
            Self::Media => "media",
            Self::Codec => "codec",
            Self::Play => "play",
        }
    }
    /// For people.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Credential => ("播放凭证", "credential"),
            Self::File => ("文件", "file"),
            Self::Dns => ("域名解析", "name"),
            Self::Tcp => ("网络连接", "connection"),
            Self::Tls => ("加密通道", "TLS"),
            Self::Redirect => ("重定向", "redirect"),
            Self::Http => ("HTTP 响应", "HTTP"),
            Self::Type => ("媒体类型", "type"),
            Self::Range => ("分段请求", "ranges"),
            Self::Cors => ("跨域访问", "CORS"),
            Self::Clock => ("时钟", "clock"),
            Self::PlayInfo => ("播放信息", "play info"),
            Self::Playlist => ("播放列表", "playlist"),
            Self::Rendition => ("清晰度", "rendition"),
            Self::Key => ("密钥", "key"),
            Self::Segment => ("分片", "segment"),
            Self::Media => ("媒体数据", "media"),
            Self::Codec => ("解码器", "decoder"),
            Self::Play => ("试播", "play"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// Facts that there may be several of: always a list for machines.
const MANY: &[&str] = &["address", "track", "offered", "note"];

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckStatus {
    /// As it should be.
    Good,
    /// Playing may go well nevertheless; worth knowing.
    Note,
    /// This fails.
    Bad,
}

impl CheckStatus {
    /// `good`, `note`, `bad`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Check {
    /// What.
    pub kind: CheckKind,
    /// What came of it.
    pub status: CheckStatus,
    /// What was found, by name. All of it may be shown.
    pub facts: Vec<(&'static str, String)>,
    /// The failure, where it is [`CheckStatus::Bad`].
    pub fault: Option<Fault>,
    /// How long it took, where that says something.
    pub took: Option<Duration>,
}

impl Check {
    pub(crate) fn new(kind: CheckKind) -> Self {
        Self {
            kind,
            status: CheckStatus::Good,
            facts: Vec::new(),
            fault: None,
            took: None,
        }
    }
    pub(crate) fn fact(mut self, name: &'static str, value: impl ToString) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }
    /// A fact where there is one.
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self,
        }
    }
    /// An address, its secrets masked.
    pub(crate) fn url(self, name: &'static str, url: &str) -> Self {
        self.fact(name, mask_url(url))
    }
    /// Worth knowing, and why.
    pub(crate) fn note(mut self, sentence: impl ToString) -> Self {
        if self.status == CheckStatus::Good {
            self.status = CheckStatus::Note;
        }
        self.fact("note", sentence)
    }
    pub(crate) fn took(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }
    pub(crate) fn failed(mut self, fault: Fault) -> Self {
        self.status = CheckStatus::Bad;
        self.fault = Some(fault);
        self
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("step", self.kind.name())?;
        map.serialize_entry("mark", self.status.name())?;
        if let Some(took) = self.took {
            let ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
            map.serialize_entry("took_ms", &ms)?;
        }
        for (name, value) in &self.facts {
            if !MANY.contains(name) {
                map.serialize_entry(name, value)?;
            }
        }
        for &many in MANY {
            let all = self.facts.iter().filter(|(name, _)| *name == many);
            let all: Vec<&str> = all.map(|(_, value)| value.as_str()).collect();
            if !all.is_empty() {
                map.serialize_entry(many, &all)?;
            }
        }
        if let Some(fault) = &self.fault {
            map.serialize_entry("fault", fault)?;
        }
        map.end()
    }
}
