//! What the service says of a video: its title, what it offers, and what a player would take of it.

use kinora::{
    Coded, NetConfig, PlayInfo, PlayInfoEntry, Secret, VidSource, entry_to_play, play_info,
};
use kinora_errors::Lang;
use serde_json::{Value, json};

use crate::report::Failure;

pub(super) struct ProbedVideo {
    id: String,
    pub(super) title: String,
    status: String,
    offered: Vec<PlayInfoEntry>,
    /// Which of them is taken.
    taken: usize,
}

impl ProbedVideo {
    /// Asks the service; gives the address of what a player would take too.
    pub(super) fn request(source: &VidSource, net: &NetConfig) -> Result<(Self, Secret), Failure> {
        let info = play_info(source, net)?;
        let entry = entry_to_play(&info, source.quality())
            .map_err(|error| Failure::Fault(error.for_video(source.vid()).fault()))?;
        let url = entry.play_url.clone().into_secret();
        let offered = &info.play_info_list.play_info;
        let taken = offered
            .iter()
            .position(|known| known == entry)
            .unwrap_or_default();
        let PlayInfo {
            video_base,
            play_info_list,
            ..
        } = info;
        let video = Self {
            id: source.vid().to_owned(),
            title: video_base.title,
            status: video_base.status,
            offered: play_info_list.play_info,
            taken,
        };
        Ok((video, url))
    }

    pub(super) fn object(&self) -> Value {
        let offered = self.offered.iter().enumerate().map(|(index, entry)| {
            json!({
                "definition": entry.definition, "format": entry.format, "width": entry.width, "height": entry.height,
                "kbit_per_second": entry.bitrate, "fps": entry.fps, "duration": entry.duration, "size": entry.size,
                "encryption": encryption(entry), "taken": index == self.taken,
            })
        });
        json!({
            "id": self.id, "title": self.title, "status": self.status, "offered": offered.collect::<Vec<_>>(),
        })
    }

    /// Its title, then a line for each offer; the one that is taken is marked.
    pub(super) fn table(&self, lang: Lang) -> String {
        let mut text = format!("{}  {}\n", self.title, self.id);
        for (index, entry) in self.offered.iter().enumerate() {
            let mark = if index == self.taken { '>' } else { ' ' };
            let size = match (entry.width, entry.height) {
                (0, _) | (_, 0) => String::new(),
                (width, height) => format!("  {width}x{height}"),
            };
            let encrypted = match (encryption(entry), lang) {
                (None, _) => String::new(),
                (Some(kind), Lang::Zh) => format!("  已加密（{kind}）"),
                (Some(kind), Lang::En) => format!("  encrypted ({kind})"),
            };
            text += &format!(
                "{mark} {:<4} {:<4}{size}  {:.0} kbit/s{encrypted}\n",
                entry.definition, entry.format, entry.bitrate
            );
        }
        text
    }
}

/// The scheme's name, of what is encrypted.
fn encryption(entry: &PlayInfoEntry) -> Option<&str> {
    (entry.encrypt != 0).then_some(entry.encrypt_type.as_str())
}
