//! What comes from the ingest: headers, the end, failures.

use std::sync::Arc;

use kinora_errors::{Fault, codes};
use kinora_media::{MediaInfo, Time, TrackKind};

use super::{Media, Session, Stage, Wishes, nothing_in_it};
use crate::cx::Cx;
use crate::decrypt::locked;
use crate::ingest::Notice;
use crate::resolve::Resolve;
use crate::select::{self, Selection};
use crate::{Event, InfoCode, Role, State, TrackOption, recover};

/// What is read beyond what is needed before the first frame is out, so that playing on does not wait.
const BEYOND_THE_START: Time = Time::from_millis(200);

impl Session {
    /// How far ahead is read. Until the frame that is waited for is out, only what it needs: whatever is read
    /// beyond that delays it.
    fn read_ahead(&self, cx: &Cx) -> Time {
        let most = cx.max_buffer();
        if self.is_scanning() {
            let video = &self.pipelines.video;
            let is_there = video.presented > 0 || video.urgent;
            return if is_there {
                Time::ZERO
            } else {
                BEYOND_THE_START
            };
        }
        let waits = self.pipelines.video.is_on() && !self.pipelines.may_lag(Role::Video);
        if !self.awaited.is_pending() || !waits {
            return most;
        }
        if self.pipelines.video.urgent {
            return most.min(BEYOND_THE_START);
        }
        let needed = match self.pipelines.is_starving() {
            true => self.pipelines.ahead(self.clock.position(cx.mono())),
            false => cx.config.start_buffer.into(),
        };
        most.min(needed + BEYOND_THE_START)
    }

    pub(super) fn pull(&mut self, cx: &mut Cx, wishes: Wishes) {
        loop {
            let position = self.clock.position(cx.mono());
            let most = self.read_ahead(cx);
            let mut buffer = self.decrypt.before(&mut self.pipelines);
            let notice = self.ingest.poll(cx, &mut buffer, position, most);
            drop(buffer);
            let moved = self.decrypt.hand_on(cx, &mut self.pipelines);
            let Some(notice) = notice else {
                if moved {
                    continue;
                }
                return;
            };
            match notice {
                Notice::Info(info) if self.is_scanning() => self.follow_key_pictures(cx, &info),
                Notice::Info(info) => self.headers_read(cx, info, wishes),
                Notice::Ended => {
                    cx.info(InfoCode::DemuxerEof, "all packets are read");
                    match self.media {
                        Some(_) => self.supply.end(),
                        None => self.supply.fail(nothing_in_it()),
                    }
                }
                Notice::Failed(fault) => self.supply.fail(fault),
                Notice::Switched(index) => {
                    self.renew_options();
                    cx.event(Event::TrackChanged { index });
                }
                Notice::Events(events) => self.timed.add(events),
                Notice::Interstitials(all) => self.interstitials = Some(all),
                Notice::Text(index) => self.text_rendition_changed(cx, index),
                Notice::TextFailed(index, fault) => self.text_rendition_failed(cx, index, fault),
                Notice::Cues(updates) => self.subtitles.apply(updates),
                Notice::Parked(fault) => self.parked(cx, &fault),
                Notice::Expired(fault) => self.await_credential(cx, fault),
            }
        }
    }

    fn parked(&mut self, cx: &mut Cx, fault: &Fault) {
        if cx.config.network_retry_count == 0 {
            cx.info(
                InfoCode::NetworkRetry,
                format!("waiting for reload: {fault}"),
            );
            return;
        }
        let fault = self.placed(cx, recover::parked(fault));
        cx.event(Event::Error(fault));
    }

    fn headers_read(&mut self, cx: &mut Cx, info: Arc<MediaInfo>, wishes: Wishes) {
        let selection = select::select(&info, &cx.config, &cx.keys, &self.preferred);
        let is_first = self.media.is_none();
        if is_first {
            self.subtitles.captions.announce(self.ingest.captions());
        }
        self.note_media(&info, &selection);
        self.follow(cx, &selection);
        if is_first {
            self.choose_text(cx, &info, &selection);
        }
        if let Some(target) = self.supply.opened() {
            self.seek_in_ingest(cx, target);
        }
        let Stage::Opening { play } = self.stage else {
            return;
        };
        if !self.pipelines.is_any_on() {
            let mut protections = info.tracks.iter().filter_map(|it| it.protection.as_ref());
            return self.supply.fail(match protections.next() {
                Some(protection) => locked(protection),
                None => no_tracks(),
            });
        }
        self.stage = Stage::Prepared;
        cx.event(Event::StateChanged {
            old: State::Initialized,
            new: State::Prepared,
        });
        if let Some(options) = self.options() {
            cx.event(Event::TracksReady(Arc::clone(options)));
        }
        cx.event(Event::Prepared(info));
        if play {
            self.start(cx);
        }
        if play && wishes.autoplay {
            cx.event(Event::AutoPlayStart);
            cx.info(InfoCode::AutoPlayStart, "started by itself");
        }
    }

    /// What can be chosen is settled by the first headers, and by what is chosen later.
    fn note_media(&mut self, info: &Arc<MediaInfo>, selection: &Selection) {
        let known = self.media.take().map(|media| media.options);
        let options = known
            .or_else(|| self.choices())
            .unwrap_or_else(|| select::options(info, selection));
        self.media = Some(Media {
            info: Arc::clone(info),
            options: self.with_captions(options),
        });
    }

    /// Another rendition or definition plays.
    pub(super) fn renew_options(&mut self) {
        if let Some(options) = self.choices() {
            self.set_options(options);
        }
    }

    pub(super) fn set_options(&mut self, options: Arc<[TrackOption]>) {
        let options = self.with_captions(options);
        if let Some(media) = &mut self.media {
            media.options = options;
        }
    }

    /// Definitions of the service with the renditions of text behind them, or renditions of the playlist.
    pub(super) fn choices(&self) -> Option<Arc<[TrackOption]>> {
        let renditions = self.ingest.options();
        let Some(definitions) = self.resolve.as_ref().and_then(Resolve::options) else {
            return renditions;
        };
        let renditions = renditions.as_deref().unwrap_or_default().iter();
        let text = renditions.filter(|option| option.kind == TrackKind::Subtitle);
        let behind = text.map(|option| TrackOption {
            index: option.index.saturating_add(self.first_of_ingest()),
            ..option.clone()
        });
        Some(definitions.iter().cloned().chain(behind).collect())
    }

    /// The index of the first rendition, which others mean where the service has definitions.
    pub(super) fn first_of_ingest(&self) -> u32 {
        let definitions = self.resolve.as_ref().and_then(Resolve::options);
        definitions.map_or(0, |all| u32::try_from(all.len()).unwrap_or(u32::MAX))
    }
}

fn no_tracks() -> Fault {
    Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "container.no_tracks")
        .because("the source holds no sound or picture that is wanted")
}
