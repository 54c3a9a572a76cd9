//! Messages within the video as they are written down: their kinds and lengths, not what they say.

use kinora_media::bitstream::UserData;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::facts::blank;

/// The messages of a packet.
pub(crate) struct NotedUserData(pub(crate) Vec<UserData>);

impl Serialize for NotedUserData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let facts = self.0.iter().map(|it| (it.payload_type(), it.data().len()));
        serializer.collect_seq(facts)
    }
}

impl<'de> Deserialize<'de> for NotedUserData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let facts = Vec::<(u8, usize)>::deserialize(deserializer)?;
        let message = |(kind, len)| match kind {
            4 => UserData::Registered(blank(len)),
            _ => UserData::Unregistered {
                uuid: [0; 16],
                data: blank(len),
            },
        };
        Ok(Self(facts.into_iter().map(message).collect()))
    }
}
