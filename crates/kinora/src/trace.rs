//! What a player does, as `tracing` events (feature `tracing`): commands, events by name, decoders. Secrets are masked; nothing is
//! emitted for single packets or frames.

use kinora_engine::{CommandKind, Event, Input};
use kinora_errors::{Fault, mask_url};
use kinora_media::TrackInfo;
use tracing::{debug, error, info, trace, warn};

use crate::driver::Message;
use crate::source::Source;

/// A command on its way to the engine.
pub(crate) fn message(message: &Message) {
    match message {
        Message::Source(Some(source)) => {
            let command = CommandKind::SetSource.name();
            debug!(source = %shown(source), command, "command");
        }
        Message::Source(None) => debug!(command = CommandKind::Reset.name(), "command"),
        Message::Input(Input::Command(command)) => {
            debug!(command = command.kind().name(), "command");
        }
        _ => {}
    }
}

fn shown(source: &Source) -> String {
    match source {
        Source::Url { url } => mask_url(url.expose()),
        Source::VidAuth(source) => format!("video {} by PlayAuth", source.vid),
        Source::VidSts(source) => format!("video {} by STS", source.vid),
        Source::BitStream(_) => "a bit stream of the application".to_owned(),
    }
}

pub(crate) fn event(event: &Event) {
    let name = event.name();
    match event {
        Event::StateChanged { old, new } => info!(?old, ?new, event = name, "event"),
        Event::Error(fault) => error!(
            %fault,
            causes = %fault.causes_text(),
            url = fault.context().url.as_deref(),
            event = name,
            "event"
        ),
        Event::Recovered(fault) => warn!(
            %fault,
            causes = %fault.causes_text(),
            url = fault.context().url.as_deref(),
            event = name,
            "event"
        ),
        Event::CommandRefused { command, refusal } => {
            warn!(command = command.name(), %refusal, event = name, "event");
        }
        // They come many times a second.
        Event::Position(_)
        | Event::BufferedPosition(_)
        | Event::DownloadSpeed(_)
        | Event::LoadingProgress(_) => trace!(event = name, "event"),
        _ => debug!(event = name, "event"),
    }
}

pub(crate) fn decoder_chosen(track: &TrackInfo, decoder: &str, fell_back: Option<&Fault>) {
    match fell_back {
        None => info!(track = track.id.0, codec = ?track.codec, decoder, "decoder chosen"),
        Some(fault) => warn!(
            track = track.id.0,
            codec = ?track.codec,
            decoder,
            %fault,
            causes = %fault.causes_text(),
            "decoder chosen after another one failed"
        ),
    }
}

/// The session let go of its network and decoders.
pub(crate) fn session_closed() {
    debug!("session closed");
}

pub(crate) fn player_ended() {
    debug!("player ended");
}
