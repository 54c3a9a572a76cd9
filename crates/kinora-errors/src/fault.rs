use core::error::Error;
use core::fmt;

use crate::{
    Code, Origin, Retry,
    secret::{mask_url, mask_urls},
};

/// An error that knows its number. Local error enums implement it beside the code that fails.
pub trait Coded: Error {
    /// The number.
    fn code(&self) -> Code;
    /// The stable reason, more precise than the number: `tls.expired`, `mp4.box.too_long`.
    fn reason(&self) -> &'static str;
    /// The whole fault; its first cause is this error's own text and those below it.
    fn fault(&self) -> Fault {
        Fault::new(self.code(), self.reason()).cause(self)
    }
}

/// One failure: its number, its stable reason, what led to it and where it happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault(Box<Body>);

#[derive(Clone, PartialEq, Debug)]
struct Body {
    code: Code,
    reason: &'static str,
    retry: Option<Retry>,
    origin: Option<Origin>,
    recovered: bool,
    causes: Vec<Cause>,
    context: Context,
}

/// One link of the chain from the symptom down to the origin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cause(pub String);

/// Where a failure happened. All of it may be shown: URLs in it are masked.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Context {
    /// The URL or path, secrets masked.
    pub url: Option<String>,
    /// HTTP status.
    pub http_status: Option<u16>,
    /// Number of the media segment.
    pub segment: Option<u64>,
    /// Bytes asked for or the offset of the fault: first, one past last.
    pub bytes: Option<(u64, Option<u64>)>,
    /// Track.
    pub track: Option<u32>,
    /// Position in the media, milliseconds.
    pub position_ms: Option<i64>,
    /// Time spent until the failure, milliseconds.
    pub elapsed_ms: Option<u64>,
    /// How long the resource is, where a refusal says so (`Content-Range` of a 416), bytes.
    pub resource_len: Option<u64>,
    /// The environment variable whose value can not be used.
    pub variable: Option<String>,
    /// Tries made.
    pub attempts: Option<u32>,
    /// How long the server asks to be left alone (Retry-After), milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The service's RequestId.
    pub request_id: Option<String>,
    /// Our own trace id.
    pub trace_id: Option<String>,
    /// The service's own code: `InvalidVideo.NotFound`.
    pub service_code: Option<String>,
    /// The video id.
    pub video_id: Option<String>,
}

impl Fault {
    /// A failure of that number, for that stable reason.
    #[must_use]
    pub fn new(code: Code, reason: &'static str) -> Self {
        Self(Box::new(Body {
            code,
            reason,
            retry: None,
            origin: None,
            recovered: false,
            causes: Vec::new(),
            context: Context::default(),
        }))
    }
    /// Adds an error and all its sources to the chain of causes.
    #[must_use]
    pub fn cause(mut self, error: &(impl Error + ?Sized)) -> Self {
        self.0.causes.push(Cause(mask_urls(&error.to_string())));
        let mut source = error.source();
        while let Some(error) = source {
            self.0.causes.push(Cause(mask_urls(&error.to_string())));
            source = error.source();
        }
        self
    }
    /// Adds a sentence to the chain of causes.
    #[must_use]
    pub fn because(mut self, sentence: impl Into<String>) -> Self {
        self.0.causes.push(Cause(mask_urls(&sentence.into())));
        self
    }
    /// Takes over the causes and the context of the fault in whose place this one is reported.
    #[must_use]
    pub fn in_place_of(mut self, other: &Self) -> Self {
        self.0.causes.extend_from_slice(other.causes());
        self.0.context = other.context().clone();
        self
    }
    /// Sets the URL or path; its secrets are masked here.
    #[must_use]
    pub fn at_url(mut self, url: &str) -> Self {
        self.0.context.url = Some(mask_url(url));
        self
    }
    /// Fills in more of the context.
    #[must_use]
    pub fn with(mut self, fill: impl FnOnce(&mut Context)) -> Self {
        fill(&mut self.0.context);
        self
    }
    /// Says what may make it succeed, where the place knows better than the table.
    #[must_use]
    pub fn retry_class(mut self, retry: Retry) -> Self {
        self.0.retry = Some(retry);
        self
    }
    /// Says where it comes from, where the place knows better than the table.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.0.origin = Some(origin);
        self
    }
    /// Marks the failure as one that was recovered from.
    #[must_use]
    pub fn mark_recovered(mut self) -> Self {
        self.0.recovered = true;
        self
    }
    /// The number.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }
    /// The stable reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.0.reason
    }
    /// What may make it succeed.
    #[must_use]
    pub fn retry(&self) -> Retry {
        let of_row = || self.0.code.row().map_or(Retry::Never, |row| row.retry);
        self.0.retry.unwrap_or_else(of_row)
    }
    /// Where it comes from; unknown for a number of no row, as those of the operating system are.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        let of_row = || self.0.code.row().map(|row| row.origin);
        self.0.origin.or_else(of_row)
    }
    /// A failure that was recovered from: an event only.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.0.recovered
    }
    /// From the symptom down to the origin.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.0.causes
    }
    /// The causes as one sentence, the symptom first, in English.
    #[must_use]
    pub fn causes_text(&self) -> String {
        let causes: Vec<&str> = self.causes().iter().map(|cause| cause.0.as_str()).collect();
        causes.join(": ")
    }
    /// Where it happened.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.0.context
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} {} ({})",
            self.0.code,
            self.0.code.name(),
            self.0.reason
        )
    }
}
impl Error for Fault {}
