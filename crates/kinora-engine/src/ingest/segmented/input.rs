//! What comes in for the playlists and their loaders.

use bytes::BytesMut;
use kinora_errors::{Fault, Secret};
use kinora_media::{ByteRange, Chunk, RequestId, ResponseInfo, Time};

use super::loader::Loader;
use super::{MAX_PLAYLIST_BYTES, Segmented, hls};
use crate::cx::Cx;
use crate::ingest::Notice;
use crate::transfer::{Progress, Terms, Transfer, Want};
use crate::{Initiator, Purpose};

impl Segmented {
    fn loaders(&mut self) -> impl Iterator<Item = &mut Loader> {
        let incoming = self.incoming.as_mut().map(|(_, loader)| loader);
        [self.main.as_mut(), incoming, self.audio.loader.as_mut()]
            .into_iter()
            .flatten()
    }

    fn route(
        &mut self,
        cx: &mut Cx,
        id: RequestId,
        terms: Terms,
        act: impl FnOnce(&mut Cx, &mut Transfer) -> Progress,
    ) {
        if let Some((transfer, _)) = self.first.as_mut().filter(|(transfer, _)| transfer.is(id)) {
            let progress = act(cx, transfer);
            return self.first_progress(cx, progress);
        }
        if let Some(loader) = self.loaders().find(|loader| loader.owns(id)) {
            loader.route(cx, id, terms, act);
        }
    }

    fn first_progress(&mut self, cx: &mut Cx, progress: Progress) {
        match progress {
            Progress::None => {}
            Progress::Head(info) => {
                if let Some(url) = info.final_url {
                    self.url = Secret::new(url);
                }
            }
            Progress::Data(_, data) => {
                let Some((transfer, text)) = &mut self.first else {
                    return;
                };
                text.extend_from_slice(&data);
                transfer.grant(cx);
                if text.len() > MAX_PLAYLIST_BYTES {
                    transfer.cancel(cx);
                    let fault = hls::malformed("the playlist has no end", &self.url);
                    self.notices.push_back(Notice::Failed(fault));
                }
            }
            Progress::Done => {
                if let Some((_, text)) = self.first.take() {
                    self.opened(cx, &text);
                }
            }
            Progress::Expired(fault) => self.notices.push_back(Notice::Expired(fault)),
            Progress::Parked(fault) => self.notices.push_back(Notice::Parked(fault)),
            Progress::Failed(fault) => self.notices.push_back(Notice::Failed(fault)),
        }
    }

    pub(crate) fn on_head(&mut self, cx: &mut Cx, id: RequestId, info: ResponseInfo, terms: Terms) {
        self.route(cx, id, terms, |cx, transfer| {
            transfer.on_head(cx, info, terms)
        });
    }

    pub(crate) fn on_chunk(&mut self, cx: &mut Cx, chunk: Chunk, terms: Terms) {
        self.route(cx, chunk.id, terms, |cx, transfer| {
            transfer.on_chunk(cx, chunk)
        });
    }

    pub(crate) fn on_done(&mut self, cx: &mut Cx, id: RequestId, terms: Terms) {
        self.route(cx, id, terms, |cx, transfer| transfer.on_done(cx));
    }

    pub(crate) fn on_failed(&mut self, cx: &mut Cx, id: RequestId, fault: Fault, terms: Terms) {
        self.route(cx, id, terms, |cx, transfer| {
            transfer.on_failed(cx, fault, terms)
        });
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx, terms: Terms) {
        if let Some((transfer, _)) = &mut self.first {
            let progress = transfer.on_time(cx, terms);
            self.first_progress(cx, progress);
        }
        for loader in self.loaders() {
            loader.on_time(cx, terms);
        }
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        let first = self
            .first
            .as_ref()
            .and_then(|(transfer, _)| transfer.deadline(cx));
        let of = |loader: Option<&Loader>| loader.and_then(|loader| loader.deadline(cx));
        let incoming = self.incoming.as_ref().map(|(_, loader)| loader);
        crate::present::earliest([
            first,
            of(self.main.as_ref()),
            of(incoming),
            of(self.audio.loader.as_ref()),
        ])
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx) -> bool {
        let first = self.first.as_mut();
        let first = first.is_some_and(|(transfer, _)| transfer.reload(cx));
        self.loaders()
            .fold(first, |asked, loader| loader.reload(cx) | asked)
    }

    /// The playlist is to be found at another URL now; segments that it names keep theirs.
    pub(crate) fn renew(&mut self, cx: &mut Cx, url: &Secret) {
        match (&mut self.first, &mut self.main) {
            (Some((transfer, _)), _) => {
                self.asked = url.clone();
                transfer.renew(cx, url.clone());
            }
            (None, Some(main)) if self.variants.is_empty() => {
                main.renew(cx, url, Initiator::User);
            }
            // The list of renditions comes first: it says where theirs are now.
            (None, Some(_)) => {
                (self.asked, self.url) = (url.clone(), url.clone());
                let want = Want {
                    purpose: Purpose::Playlist,
                    url: url.clone(),
                    range: ByteRange::default(),
                    initiator: Initiator::User,
                };
                let transfer = Transfer::start(cx, want, MAX_PLAYLIST_BYTES as u64);
                self.first = Some((transfer, BytesMut::new()));
            }
            (None, None) => {}
        }
    }

    pub(crate) fn close(&mut self, cx: &mut Cx) {
        if let Some((mut transfer, _)) = self.first.take() {
            transfer.cancel(cx);
        }
        for loader in self.loaders() {
            loader.close(cx);
        }
    }
}
