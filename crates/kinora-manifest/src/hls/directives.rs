//! Delivery directives (RFC 8216bis 6.2.5): what a load of a playlist asks its server for.

use core::fmt::Write as _;

use serde::{Deserialize, Serialize};
use url::Url;

use super::model::MediaPlaylist;

/// Query parameters of that beginning are directives.
const PREFIX: &str = "_HLS_";

/// What a load asks for beyond the playlist as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Directives {
    /// The answer is to wait until that is in the playlist (`_HLS_msn`, `_HLS_part`).
    pub wait_for: Option<Position>,
    /// Older segments are left out (`_HLS_skip`).
    pub skip: Option<Skip>,
}

/// A segment, or a part of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Position {
    /// Media sequence number.
    pub sequence: u64,
    /// Which part of it, counted from 0; `None`: the whole.
    pub part: Option<u64>,
}

/// What a delta update leaves out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Skip {
    /// Segments (`YES`).
    Segments,
    /// And date ranges (`v2`).
    SegmentsAndDateRanges,
}

impl Directives {
    /// It asks for nothing more.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts them behind the query of a URL, in their alphabetical order, which caches want; others that are there give way.
    pub fn put_into(&self, url: &mut Url) {
        let others = url.query().unwrap_or_default().split('&');
        let others = others.filter(|pair| !pair.is_empty() && !pair.starts_with(PREFIX));
        let mut query = others.collect::<Vec<_>>().join("&");
        let mut put = |name: &str, value: &dyn core::fmt::Display| {
            let joint = if query.is_empty() { "" } else { "&" };
            // Writing to a string does not fail.
            let _ = write!(query, "{joint}{PREFIX}{name}={value}");
        };
        if let Some(position) = self.wait_for {
            put("msn", &position.sequence);
            if let Some(part) = position.part {
                put("part", &part);
            }
        }
        match self.skip {
            None => {}
            Some(Skip::Segments) => put("skip", &"YES"),
            Some(Skip::SegmentsAndDateRanges) => put("skip", &"v2"),
        }
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
    }
}

/// What comes next of a playlist that grows: the part, or the segment where it has no parts.
#[must_use]
pub(super) fn next_position(list: &MediaPlaylist) -> Position {
    let first = list.media_sequence.saturating_add(list.skipped);
    let last = list.segments.last().map(|last| last.sequence);
    let parts = u64::try_from(list.trailing_parts().len()).unwrap_or(u64::MAX);
    Position {
        sequence: last.map_or(first, |last| last.saturating_add(1)),
        part: list.part_target.map(|_| parts),
    }
}

/// What a delta update may leave out, if the server gives any (CAN-SKIP-UNTIL, CAN-SKIP-DATERANGES).
#[must_use]
pub(super) fn skip(list: &MediaPlaylist) -> Option<Skip> {
    let control = &list.server_control;
    control.can_skip_until?;
    Some(match control.can_skip_date_ranges {
        true => Skip::SegmentsAndDateRanges,
        false => Skip::Segments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_follow_the_query_that_is_there_in_their_order() {
        let directives = Directives {
            wait_for: Some(Position {
                sequence: 7,
                part: Some(0),
            }),
            skip: Some(Skip::SegmentsAndDateRanges),
        };
        for (before, after) in [
            (
                "https://h/l?sig=a%2Fb%3D&_HLS_msn=3&x",
                "https://h/l?sig=a%2Fb%3D&x&_HLS_msn=7&_HLS_part=0&_HLS_skip=v2",
            ),
            (
                "https://h/l",
                "https://h/l?_HLS_msn=7&_HLS_part=0&_HLS_skip=v2",
            ),
        ] {
            let mut url = Url::parse(before).unwrap();
            directives.put_into(&mut url);
            assert_eq!(url.as_str(), after);
        }
        let mut url = Url::parse("https://h/l?_HLS_msn=3").unwrap();
        Directives::default().put_into(&mut url);
        assert_eq!(url.as_str(), "https://h/l");
    }
}
