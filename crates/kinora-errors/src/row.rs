use crate::Retry;

/// A language that the table is written in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lang {
    /// Chinese.
    Zh,
    /// English.
    #[default]
    En,
}

impl Lang {
    /// The language of a POSIX locale: `zh_CN.UTF-8` is Chinese, all others English.
    #[must_use]
    pub fn from_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }
}

/// What a row says, in one language.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Text {
    /// What happened.
    pub meaning: &'static str,
    /// What usually causes it.
    pub cause: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// Who must act.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// The media.
    Content,
    /// The way to the server.
    Network,
    /// The service or its account.
    Service,
    /// This machine.
    Device,
    /// The application that called.
    Caller,
    /// Kinora.
    Internal,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Content,
        Self::Network,
        Self::Service,
        Self::Device,
        Self::Caller,
        Self::Internal,
    ];

    /// `content`, `network`, …
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Network => "network",
            Self::Service => "service",
            Self::Device => "device",
            Self::Caller => "caller",
            Self::Internal => "internal",
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Severity {
    /// Playback goes on.
    Notice,
    /// The operation failed.
    Error,
    /// The session is over.
    Fatal,
}

impl Severity {
    /// `notice`, `error` or `fatal`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// The number.
    pub number: u32,
    /// The frozen name, misspellings included.
    pub name: &'static str,
    /// Newer spellings that are understood.
    pub aliases: &'static [&'static str],
    /// Its group: `request`, `pop`, `vod`, …
    pub group: &'static str,
    /// Who must act.
    pub origin: Origin,
    /// How bad it is.
    pub severity: Severity,
    /// A matter of accounts, rights and content rather than of technology.
    pub business: bool,
    /// What may make it succeed.
    pub retry: Retry,
    /// The HTTP status that it comes with or stands for: `404`, `5xx`; empty for most.
    pub http: &'static str,
    /// Chinese.
    pub zh: Text,
    /// English.
    pub en: Text,
}

impl Row {
    /// Its text in a language.
    #[must_use]
    pub const fn text(&self, lang: Lang) -> &Text {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

impl Retry {
    /// `never`, `now`, `backoff`, `after_refresh` or `after_user`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Now => "now",
            Self::Backoff => "backoff",
            Self::AfterRefresh => "after_refresh",
            Self::AfterUser => "after_user",
        }
    }

    /// The same for a person.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Never, Lang::En) => "never",
            (Self::Now, Lang::En) => "now",
            (Self::Backoff, Lang::En) => "after a while",
            (Self::AfterRefresh, Lang::En) => "after refresh",
            (Self::AfterUser, Lang::En) => "after user",
            (Self::Never, Lang::Zh) => "重试无用",
            (Self::Now, Lang::Zh) => "可立即重试",
            (Self::Backoff, Lang::Zh) => "稍后重试",
            (Self::AfterRefresh, Lang::Zh) => "刷新凭证或地址后重试",
            (Self::AfterUser, Lang::Zh) => "处理后重试",
        }
    }
}
