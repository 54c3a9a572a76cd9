use core::fmt;
use core::str::FromStr;

use crate::error::{CloudError, CloudErrorKind};
use crate::play_info::{EncryptType, PlayInfo, PlayInfoEntry};

/// The service's name of a quality. Labels, not sizes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Definition {
    /// Fluent.
    Fd,
    /// Low.
    Ld,
    /// Standard.
    Sd,
    /// High.
    Hd,
    /// Original.
    Od,
    /// 2K.
    TwoK,
    /// 4K.
    FourK,
    /// Audio, standard.
    Sq,
    /// Audio, high.
    Hq,
    /// Adaptive: the player chooses while it plays.
    Auto,
}

impl Definition {
    /// All of them, lowest first.
    pub const ALL: [Self; 10] = [
        Self::Fd,
        Self::Ld,
        Self::Sd,
        Self::Hd,
        Self::Od,
        Self::TwoK,
        Self::FourK,
        Self::Sq,
        Self::Hq,
        Self::Auto,
    ];
    /// As on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fd => "FD",
            Self::Ld => "LD",
            Self::Sd => "SD",
            Self::Hd => "HD",
            Self::Od => "OD",
            Self::TwoK => "2K",
            Self::FourK => "4K",
            Self::Sq => "SQ",
            Self::Hq => "HQ",
            Self::Auto => "AUTO",
        }
    }
    /// Reads the wire's form, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str().eq_ignore_ascii_case(text))
    }
    const fn is_audio(self) -> bool {
        matches!(self, Self::Sq | Self::Hq)
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Definition {
    type Err = UnknownDefinition;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(UnknownDefinition)
    }
}

/// A name that no definition has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a definition: use FD, LD, SD, HD, OD, 2K, 4K, SQ, HQ or AUTO")]
pub struct UnknownDefinition;

/// Chooses what to play. `formats` says which may be played, best first; empty means mp4, m3u8, flv, then any.
/// The preferred definition is taken if it is offered; else a `forced` one fails, and another takes the nearest lower, then the
/// nearest higher. Without one: AUTO, else the lowest.
///
/// # Errors
/// When nothing is offered, nothing fits, or all that fits is encrypted by the vendor's private scheme.
pub fn choose<'a>(
    info: &'a PlayInfo,
    preferred: Option<Definition>,
    forced: bool,
    formats: &[&str],
) -> Result<&'a PlayInfoEntry, CloudError> {
    let all = &info.play_info_list.play_info;
    let usable: Vec<&PlayInfoEntry> = all
        .iter()
        .filter(|entry| {
            !entry.play_url.is_empty() && !entry.status.eq_ignore_ascii_case("Invisible")
        })
        .collect();
    if usable.is_empty() {
        return Err(failed(info, CloudErrorKind::NoStream));
    }
    let matching: Vec<&PlayInfoEntry> = usable
        .iter()
        .copied()
        .filter(|entry| formats.is_empty() || preference(formats, entry) < formats.len())
        .collect();
    if matching.is_empty() {
        let wanted = format!("format {}", formats.join(" or "));
        return Err(no_match(info, wanted, &usable));
    }
    let playable: Vec<&PlayInfoEntry> = matching
        .iter()
        .copied()
        .filter(|entry| entry.encryption() != EncryptType::Vendor)
        .collect();
    if playable.is_empty() {
        return Err(failed(info, CloudErrorKind::VendorEncryption));
    }
    let definition = pick(&playable, preferred, forced).ok_or_else(|| {
        no_match(
            info,
            preferred.map_or_else(String::new, |preferred| preferred.to_string()),
            &playable,
        )
    })?;
    playable
        .iter()
        .copied()
        .filter(|entry| entry.definition() == definition)
        .min_by(|a, b| {
            let key = |entry: &PlayInfoEntry| preference(formats, entry);
            key(a).cmp(&key(b)).then(a.bitrate.total_cmp(&b.bitrate))
        })
        .ok_or_else(|| failed(info, CloudErrorKind::NoStream))
}

/// The definition to take; the inner `None` stands for entries without a known one.
fn pick(
    entries: &[&PlayInfoEntry],
    preferred: Option<Definition>,
    forced: bool,
) -> Option<Option<Definition>> {
    let mut offered: Vec<Definition> = entries
        .iter()
        .filter_map(|entry| entry.definition())
        .collect();
    offered.sort_unstable();
    let lowest = || {
        let video = offered
            .iter()
            .find(|one| !one.is_audio() && **one != Definition::Auto);
        video.or(offered.first()).copied()
    };
    let preferred = match preferred {
        Some(preferred) if offered.contains(&preferred) => return Some(Some(preferred)),
        Some(_) if forced => return None,
        Some(Definition::Auto) => return Some(lowest()),
        Some(preferred) => preferred,
        None if offered.contains(&Definition::Auto) => return Some(Some(Definition::Auto)),
        None => return Some(lowest()),
    };
    let same_kind =
        |one: &&Definition| one.is_audio() == preferred.is_audio() && **one != Definition::Auto;
    let lower = offered
        .iter()
        .filter(same_kind)
        .rev()
        .find(|one| **one < preferred);
    let higher = offered
        .iter()
        .filter(same_kind)
        .find(|one| **one > preferred);
    let auto = offered
        .contains(&Definition::Auto)
        .then_some(Definition::Auto);
    Some(lower.or(higher).copied().or(auto).or_else(lowest))
}

fn preference(formats: &[&str], entry: &PlayInfoEntry) -> usize {
    let order = if formats.is_empty() {
        &["mp4", "m3u8", "flv"]
    } else {
        formats
    };
    let at = order
        .iter()
        .position(|one| one.eq_ignore_ascii_case(&entry.format));
    at.unwrap_or(order.len())
}

fn no_match(info: &PlayInfo, wanted: String, entries: &[&PlayInfoEntry]) -> CloudError {
    let mut names: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} ({})", entry.definition, entry.format))
        .collect();
    names.dedup();
    let offered = crate::error::brief(&names.join(", "));
    failed(info, CloudErrorKind::NoMatchQuality { wanted, offered })
}

fn failed(info: &PlayInfo, kind: CloudErrorKind) -> CloudError {
    CloudError::from(kind)
        .replied(200, &info.request_id, "")
        .for_video(&info.video_base.video_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PlayInfoList, SecretUrl};
    use kinora_errors::{Coded, codes};

    fn info(entries: &[(&str, &str)]) -> PlayInfo {
        let entry = |&(definition, format): &(&str, &str)| PlayInfoEntry {
            play_url: SecretUrl::new("http://h/x"),
            definition: definition.into(),
            format: format.into(),
            ..PlayInfoEntry::default()
        };
        PlayInfo {
            play_info_list: PlayInfoList {
                play_info: entries.iter().map(entry).collect(),
            },
            ..PlayInfo::default()
        }
    }

    fn chosen(
        entries: &[(&str, &str)],
        preferred: Option<&str>,
        forced: bool,
        formats: &[&str],
    ) -> Result<String, CloudError> {
        let preferred = preferred.and_then(Definition::parse);
        choose(&info(entries), preferred, forced, formats)
            .map(|entry| format!("{} {}", entry.definition, entry.format))
    }

    #[test]
    fn a_wish_is_met_exactly_or_by_the_nearest() {
        let offered = [("LD", "mp4"), ("HD", "mp4"), ("OD", "mp4"), ("HQ", "mp3")];
        let of = |preferred| chosen(&offered, preferred, false, &[]).unwrap();
        assert_eq!(of(Some("HD")), "HD mp4");
        assert_eq!(of(Some("SD")), "LD mp4");
        assert_eq!(of(Some("FD")), "LD mp4");
        assert_eq!(of(Some("4K")), "OD mp4");
        assert_eq!(of(Some("SQ")), "HQ mp3");
        assert_eq!(of(Some("AUTO")), "LD mp4");
        assert_eq!(of(None), "LD mp4");
    }

    #[test]
    fn auto_comes_first_without_a_wish() {
        assert_eq!(
            chosen(&[("FD", "mp4"), ("AUTO", "m3u8")], None, false, &[]).unwrap(),
            "AUTO m3u8"
        );
    }

    #[test]
    fn a_forced_wish_that_is_not_offered_fails_and_says_what_is() {
        let error = chosen(&[("FD", "mp4"), ("LD", "mp4")], Some("4K"), true, &[]).unwrap_err();
        assert_eq!(error.code(), codes::ERROR_NO_MATCH_QUALITY);
        assert_eq!(
            error.to_string(),
            "4K is not offered; there is FD (mp4), LD (mp4)"
        );
    }

    #[test]
    fn formats_narrow_and_order_the_choice() {
        let offered = [("LD", "m3u8"), ("LD", "mp4"), ("FD", "flv")];
        assert_eq!(chosen(&offered, Some("LD"), false, &[]).unwrap(), "LD mp4");
        assert_eq!(
            chosen(&offered, Some("LD"), false, &["m3u8", "mp4"]).unwrap(),
            "LD m3u8"
        );
        assert_eq!(chosen(&offered, None, false, &["m3u8"]).unwrap(), "LD m3u8");
        let none = chosen(&offered, None, false, &["mpd"]).unwrap_err();
        assert_eq!(none.code(), codes::ERROR_NO_MATCH_QUALITY);
    }

    #[test]
    fn unknown_names_play_when_there_is_nothing_else() {
        assert_eq!(
            chosen(&[("XX", "mp4")], Some("LD"), false, &[]).unwrap(),
            "XX mp4"
        );
    }

    #[test]
    fn nothing_offered_and_vendor_encryption_have_their_own_numbers() {
        let empty = chosen(&[], None, false, &[]).unwrap_err();
        assert_eq!(empty.code(), codes::ERROR_SERVER_VOD_INVALIDVIDEO_NOSTREAM);
        let mut vendor = info(&[("LD", "m3u8"), ("HD", "m3u8")]);
        vendor.play_info_list.play_info[0].encrypt = 1;
        vendor.play_info_list.play_info[0].encrypt_type = "AliyunVoDEncryption".into();
        assert_eq!(choose(&vendor, None, false, &[]).unwrap().definition, "HD");
        vendor.play_info_list.play_info.pop();
        let error = choose(&vendor, None, false, &[]).unwrap_err();
        assert_eq!(error.code(), codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED);
    }
}
