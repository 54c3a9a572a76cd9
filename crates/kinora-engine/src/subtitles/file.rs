//! A file of subtitles on its way.

use bytes::{Bytes, BytesMut};
use kinora_errors::{Coded as _, Fault, Secret};
use kinora_fetch::{FetchEvent, Progress, Reload, RequestSpec, RetryContext, Transfer};
use kinora_media::{ByteRange, RequestId, ResponseInfo, Time};
use kinora_subtitle::{Document, Limits, Options, SubtitleError, VobSubPart, parse, parse_vobsub};

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

/// A file that is asked for, and the other one where it is one of two.
pub(super) struct Download {
    transfer: Transfer,
    body: BytesMut,
    /// Bytes that it may have.
    limit: usize,
    /// What came before: which of two files, and its bytes.
    first: Option<(VobSubPart, Bytes)>,
    /// What the server says that it is written in.
    charset: Option<String>,
}

impl Download {
    pub(super) fn start(cx: &mut Cx, url: Secret) -> Self {
        Self {
            transfer: ask(cx, url),
            body: BytesMut::new(),
            limit: Limits::default().bytes,
            first: None,
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
        match progress {
            Progress::None => {}
            Progress::Head(info) => self.charset = charset_of(&info),
            Progress::Data(_, data) if self.is_too_long(cx, data.len()) => {
                self.transfer.cancel(cx);
                let limit = self.limit;
                return self.refuse(&SubtitleError::TooLong { limit });
            }
            Progress::Data(_, data) => {
                self.body.extend_from_slice(&data);
                self.transfer.grant(cx);
            }
            Progress::Done => return self.done(cx),
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

    /// Whether so many bytes more are too many. Pictures may have more of them than text.
    fn is_too_long(&mut self, cx: &Cx, more: usize) -> bool {
        let length = self.body.len() + more;
        if length > self.limit && self.limit == Limits::default().bytes {
            let allowed = || Limits::of_file(&self.body).bytes;
            let of_pictures = || Some(allowed()).filter(|limit| *limit > self.limit);
            let limit = cx.tape.see_some("subtitle of pictures", of_pictures);
            self.limit = limit.unwrap_or(self.limit);
        }
        length > self.limit
    }

    /// All of a file is there.
    fn done(&mut self, cx: &mut Cx) -> Downloaded {
        let body = std::mem::take(&mut self.body).freeze();
        if let Some((part, first)) = self.first.take() {
            return self.read(cx, || match part {
                VobSubPart::Index => parse_vobsub(&first, &body, &Limits::of_file(&body)),
                VobSubPart::Stream => parse_vobsub(&body, &first, &Limits::of_file(&first)),
            });
        }
        let is_index = || VobSubPart::of(&body).map(|part| part == VobSubPart::Index);
        let part = match cx.tape.see_some("vobsub", is_index) {
            Some(true) => VobSubPart::Index,
            Some(false) => VobSubPart::Stream,
            None => return self.read_one(cx, &body),
        };
        let other = sibling(self.transfer.url().expose(), part.other().extension());
        self.first = Some((part, body));
        self.transfer = ask(cx, Secret::new(other));
        Downloaded::Pending
    }

    fn read_one(&self, cx: &Cx, body: &[u8]) -> Downloaded {
        let options = Options {
            charset: self.charset.as_deref(),
            limits: Limits::of_file(body),
            ..Options::default()
        };
        self.read(cx, || parse(body, &options))
    }

    fn read(&self, cx: &Cx, parse: impl FnOnce() -> Result<Document, SubtitleError>) -> Downloaded {
        let read = cx.tape.try_see("subtitle", || {
            let document = parse().map_err(|error| self.placed(&error))?;
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

fn ask(cx: &mut Cx, url: Secret) -> Transfer {
    let spec = RequestSpec {
        purpose: Purpose::Subtitle,
        url,
        range: ByteRange::default(),
        initiator: Initiator::User,
    };
    Transfer::start(cx, spec, WINDOW)
}

/// The file of the same name with another extension, in capital letters where the name has them. A URL's query stays.
fn sibling(url: &str, extension: &str) -> String {
    let end = match url.contains("://") {
        true => url.find(['?', '#']).unwrap_or(url.len()),
        false => url.len(),
    };
    let (path, query) = url.split_at(end);
    let name = path.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let dot = path.rfind('.').filter(|dot| *dot >= name);
    let (stem, old) = path.split_at(dot.unwrap_or(path.len()));
    let is_capital = old.chars().any(|letter| letter.is_ascii_uppercase());
    let extension = match is_capital {
        true => extension.to_ascii_uppercase(),
        false => extension.to_owned(),
    };
    format!("{stem}.{extension}{query}")
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

#[cfg(test)]
mod tests {
    use super::sibling;

    #[test]
    fn the_other_of_two_files_lies_beside_the_first() {
        for (one, other) in [
            (
                "http://a.test/b.c/film.idx?t=1.2",
                "http://a.test/b.c/film.sub?t=1.2",
            ),
            ("/films/Film.IDX", "/films/Film.SUB"),
            ("what? no.idx", "what? no.sub"),
            ("http://a.test/v1.0/film", "http://a.test/v1.0/film.sub"),
        ] {
            assert_eq!(sibling(one, "sub"), other);
        }
    }
}
