//! The formats in the README, from the registry of containers and the list of codecs.

use kinora_codec::{DecoderBackend as _, RustBackend};
use kinora_container::ContainerKind;
use kinora_media::{CodecId, TrackKind};

/// What the table stands between.
const BEGIN: &str = "<!-- formats: made by `cargo xtask formats` -->\n";
const END: &str = "<!-- /formats -->\n";

/// A document with the table as it is now.
///
/// # Errors
/// When it has no place for it.
pub fn renewed(document: &str) -> Result<String, &'static str> {
    let (before, rest) = document
        .split_once(BEGIN)
        .ok_or("no place for the formats")?;
    let (_, after) = rest
        .split_once(END)
        .ok_or("the place for the formats has no end")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table()))
}

/// The containers, and the codecs of pictures and sound.
#[must_use]
pub fn table() -> String {
    let mut text = "| container | files | Kinora |\n|---|---|---|\n".to_owned();
    for kind in ContainerKind::ALL {
        let files: Vec<_> = kind
            .extensions()
            .iter()
            .map(|it| format!("`.{it}`"))
            .collect();
        let read = match (kind.is_playlist(), kind.is_playable()) {
            (true, _) => "followed",
            (false, true) => "read",
            (false, false) => "read by libavformat, where it is installed",
        };
        text += &format!("| {} | {} | {read} |\n", kind.title(), files.join(" "));
    }
    let codecs = |kind: TrackKind, in_rust: bool| {
        let known = CodecId::ALL.iter().filter(|codec| {
            codec.kind() == kind && is_named(**codec) && RustBackend.supports(**codec) == in_rust
        });
        known
            .map(|codec| codec.title())
            .collect::<Vec<_>>()
            .join(", ")
    };
    text += "\n| | decoded in pure Rust | decoded where libavcodec knows it |\n|---|---|---|\n";
    for (name, kind) in [("pictures", TrackKind::Video), ("sound", TrackKind::Audio)] {
        let (rust, other) = (codecs(kind, true), codecs(kind, false));
        text += &format!("| {name} | {rust} | {other} |\n");
    }
    text
}

/// Codecs that merely stand for what is not known are none.
fn is_named(codec: CodecId) -> bool {
    !codec.name().starts_with("unknown")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_holds_the_formats_of_today() {
        let readme = include_str!("../../../README.md");
        assert_eq!(
            renewed(readme),
            Ok(readme.to_owned()),
            "cargo xtask formats"
        );
    }

    #[test]
    fn what_is_between_the_marks_is_replaced_and_nothing_else() {
        let document = format!("a\n{BEGIN}old\n{END}b\n");
        let renewed = renewed(&document).unwrap();
        assert_eq!(renewed, format!("a\n{BEGIN}{}{END}b\n", table()));
        assert!(super::renewed("no marks").is_err());
        assert!(table().contains("| Matroska"));
    }
}
