//! The codecs that have no name of their own here, by those that libavcodec gives them.

use core::fmt;

use super::TrackKind;

/// Its lines: name, kind, title.
const TABLE: &str = include_str!("libavcodec.tsv");

/// A codec that libavcodec has a name for (`AVCodecDescriptor`). Whether it can be decoded is another question.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodecDescriptor {
    name: &'static str,
    title: &'static str,
    kind: TrackKind,
}

impl CodecDescriptor {
    /// The one of that name.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        TABLE
            .lines()
            .find(|line| line.split('\t').next() == Some(name))
            .and_then(Self::of_line)
    }

    fn of_line(line: &'static str) -> Option<Self> {
        let mut cells = line.split('\t');
        let (name, kind, title) = (cells.next()?, cells.next()?, cells.next()?);
        let kind = match kind {
            "video" => TrackKind::Video,
            "audio" => TrackKind::Audio,
            "subtitle" => TrackKind::Subtitle,
            "data" => TrackKind::Data,
            _ => return None,
        };
        Some(Self { name, title, kind })
    }

    pub(super) const fn name(self) -> &'static str {
        self.name
    }
    pub(super) const fn title(self) -> &'static str {
        self.title
    }
    pub(super) const fn kind(self) -> TrackKind {
        self.kind
    }
}

impl fmt::Debug for CodecDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CodecId;

    #[test]
    fn every_line_names_a_codec() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        let mut names = Vec::new();
        for line in lines {
            names.push(CodecDescriptor::of_line(line).expect(line).name);
        }
        assert!(names.len() > 400, "{}", names.len());
        assert!(names.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_codec_of_ours_is_ours_by_libavcodec_s_name_too() {
        for (name, codec) in [
            ("h264", CodecId::H264),
            ("truehd", CodecId::TrueHd),
            ("mpegh_3d_audio", CodecId::MpegH),
            ("ssa", CodecId::Ass),
        ] {
            assert_eq!(CodecId::by_name(name), Some(codec));
        }
    }

    #[test]
    fn other_codecs_have_name_title_and_kind() {
        let codec = CodecId::by_name("qtrle").unwrap();
        assert_eq!(codec.name(), "qtrle");
        assert_eq!(codec.title(), "QuickTime Animation (RLE) video");
        assert_eq!(codec.kind(), TrackKind::Video);
        let kind = |name| CodecId::by_name(name).map(CodecId::kind);
        assert_eq!(kind("cook"), Some(TrackKind::Audio));
        assert_eq!(kind("xsub"), Some(TrackKind::Subtitle));
        assert_eq!(kind("no_such_codec"), None);
        assert_eq!(kind(""), None);
    }
}
