use std::time::Duration;

use kinora_engine::{ContentKey, PlayerConfig, RenditionChoice};
use kinora_media::KeyId;
use kinora_net::NetConfig;

use crate::backends::DemuxerChoice;

/// How a source is read. A [`NetConfig`] alone will do where nothing else is to be said.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// How requests are made.
    pub network: NetConfig,
    /// How often a silent or failing network is tried again.
    pub retries: u32,
    /// Which renditions of a playlist are read; the best by default.
    pub rendition: RenditionChoice,
    /// Where a live stream is begun, in segments; negative counts from its end.
    pub live_start_index: i32,
    /// The program of a transport stream that is read; the first where there is none of that number.
    pub program: Option<u16>,
    /// Content keys of encrypted media, by their ids. Packets of other keys are given as they are.
    pub keys: Vec<(KeyId, ContentKey)>,
    /// Which demuxers may be used.
    pub demuxers: DemuxerChoice,
}

impl Default for ReadOptions {
    fn default() -> Self {
        let player = PlayerConfig::default();
        Self {
            network: NetConfig::default(),
            retries: player.network_retry_count,
            rendition: RenditionChoice::default(),
            live_start_index: player.live_start_index,
            program: None,
            keys: Vec::new(),
            demuxers: DemuxerChoice::default(),
        }
    }
}

impl ReadOptions {
    pub(super) fn player_config(&self) -> PlayerConfig {
        PlayerConfig {
            network_timeout: patience(&self.network),
            network_retry_count: self.retries,
            live_start_index: self.live_start_index,
            program: self.program,
            ..PlayerConfig::default()
        }
    }
}

/// The network has its own limits, and knows what it waited for: a little longer than the longest.
fn patience(network: &NetConfig) -> Duration {
    let waits = network.timeouts(None);
    let longest = waits.stall.max(waits.first_byte);
    longest.saturating_add(Duration::from_millis(500))
}

impl From<NetConfig> for ReadOptions {
    fn from(network: NetConfig) -> Self {
        Self {
            network,
            ..Self::default()
        }
    }
}

impl From<&NetConfig> for ReadOptions {
    fn from(network: &NetConfig) -> Self {
        network.clone().into()
    }
}

impl From<&Self> for ReadOptions {
    fn from(options: &Self) -> Self {
        options.clone()
    }
}
