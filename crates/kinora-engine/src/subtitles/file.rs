//! A file of subtitles on its way.

use bytes::BytesMut;
use kinora_errors::{Coded as _, Fault, Secret};
use kinora_fetch::{FetchEvent, Progress, Reload, RequestSpec, RetryContext, Transfer};
use kinora_media::{ByteRange, RequestId, ResponseInfo, Time};
use kinora_subtitle::{Limits, Options, SubtitleError, parse};

use crate::cx::Cx;
use crate::tape::NotedFile;
use crate::{Initiator, Purpose};

/// Bytes that may be under way at a time.
const WINDOW: u64 = 256 << 10;

/// What came of it.
pub(super) enum Downloaded {
    /// Not yet known.
    Pending,
    /// It is there and read.
    Read(NotedFile),
    /// It can not be had, or is none.
    Failed(Fault),
}

/// A file that is asked for.
pub(super) struct Download {
    transfer: Transfer,
    body: BytesMut,
    /// What the server says that it is written in.
    charset: Option<String>,
}

impl Download {
    pub(super) fn start(cx: &mut Cx, url: Secret) -> Self {
        let spec = RequestSpec {
            purpose: Purpose::Subtitle,
            url,
            range: ByteRange::default(),
            initiator: Initiator::User,
        };
        Self {
            transfer: Transfer::start(cx, spec, WINDOW),
            body: BytesMut::new(),
            charset: None,
        }
    }

    pub(super) fn is_for(&self, id: RequestId) -> bool {
        self.transfer.is(id)
    }

    pub(super) fn on_event(&mut self, cx: &mut Cx, event: FetchEvent) -> Downloaded {
        let progress = self.transfer.on_event(cx, event, RetryContext::default());
        self.take(cx, progress)
    }

    pub(super) fn on_time(&mut self, cx: &mut Cx) -> Downloaded {
        let progress = self.transfer.on_time(cx, RetryContext::default());
        self.take(cx, progress)
    }

    pub(super) fn deadline(&self, cx: &Cx) -> Option<Time> {
        self.transfer.deadline(cx)
    }

    pub(super) fn reconnect(&mut self, cx: &mut Cx) {
        self.transfer.reload(cx, Reload::All);
    }

    pub(super) fn cancel(&mut self, cx: &mut Cx) {
        self.transfer.cancel(cx);
    }

    fn take(&mut self, cx: &mut Cx, progress: Progress) -> Downloaded {
        let limit = Limits::default().bytes;
        match progress {
            Progress::None => {}
            Progress::Head(info) => self.charset = charset_of(&info),
            Progress::Data(_, data) if self.body.len() + data.len() > limit => {
                self.transfer.cancel(cx);
                return self.refuse(&SubtitleError::TooLong { limit });
            }
            Progress::Data(_, data) => {
                self.body.extend_from_slice(&data);
                self.transfer.grant(cx);
            }
            Progress::Done => return self.read(cx),
            // Nobody refreshes or reloads what merely accompanies the film: it is added again.
            Progress::Expired(fault)
            | Progress::Parked(fault)
            | Progress::Elsewhere(fault)
            | Progress::Failed(fault) => {
                self.transfer.cancel(cx);
                return Downloaded::Failed(fault);
            }
        }
        Downloaded::Pending
    }

    fn read(&self, cx: &Cx) -> Downloaded {
        let options = Options {
            charset: self.charset.as_deref(),
            ..Options::default()
        };
        let read = cx.tape.try_see("subtitle", || {
            let document = parse(&self.body, &options).map_err(|error| self.placed(&error))?;
            Ok(NotedFile::from(document))
        });
        match read {
            Ok(file) => Downloaded::Read(file),
            Err(fault) => Downloaded::Failed(fault),
        }
    }

    fn refuse(&self, error: &SubtitleError) -> Downloaded {
        Downloaded::Failed(self.placed(error))
    }

    fn placed(&self, error: &SubtitleError) -> Fault {
        error.fault().at_url(self.transfer.url().expose())
    }
}

/// The parameter `charset` of the media type (RFC 9110 8.3.2).
fn charset_of(info: &ResponseInfo) -> Option<String> {
    let mut parameters = info.content_type.as_deref()?.split(';').skip(1);
    parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"').to_owned())
    })
}
