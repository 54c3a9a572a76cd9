//! Between demuxer and decoder: encrypted packets wait here for their key, and go on clear.

use std::collections::VecDeque;

use kinora_errors::{Fault, codes};
use kinora_media::{KeyId, Packet, Protection, Time, TrackId, TrackInfo};
use kinora_protect::{KeyRing, KeySystem, can_decrypt, decrypt_sample};

use crate::cx::Cx;
use crate::ingest::Buffer;
use crate::pipelines::Sources;
use crate::{ByRole, Event, Role};

/// A key is waited for so long, from when its first packet is read.
const MAX_WAIT: Time = Time::from_millis(10_000);

/// Whether the track can be read: it is clear, or the ring has its key. Of a track whose samples name their keys
/// themselves any key may do.
pub(crate) fn can_open(track: &TrackInfo, keys: &KeyRing) -> bool {
    let Some(protection) = &track.protection else {
        return true;
    };
    can_decrypt(protection.scheme)
        && match protection.key_id() {
            Some(id) => keys.ids.get(&id).is_some(),
            None => keys.ids.has_any(),
        }
}

/// Why a track that is encrypted can not be read.
pub(crate) fn locked(protection: &Protection) -> Fault {
    let systems = protection.key_systems.iter();
    let names = KeySystem::foreign_names(systems.map(|header| KeySystem(header.system_id)));
    let key_id = protection
        .key_id()
        .filter(|_| can_decrypt(protection.scheme));
    let scheme = protection.scheme;
    match (key_id, names) {
        (Some(id), None) => unreadable().because(format!(
            "the track is encrypted by {scheme}, and the key of id {id} was not given"
        )),
        (Some(id), Some(names)) => unreadable().because(format!(
            "the track is encrypted by {scheme} for {names}, whose licences are not to be had here, and the key of id {id} was not given"
        )),
        (None, Some(names)) => unreadable().because(format!(
            "the track is encrypted by {scheme} for {names}, whose licences are not to be had here"
        )),
        (None, None) => unreadable()
            .because("the track is encrypted by a scheme whose keys are not to be had here"),
    }
}

/// Why a packet that is encrypted can not be read.
pub(crate) fn key_missing(id: KeyId) -> Fault {
    unreadable().because(format!(
        "packets are encrypted with the key of id {id}, which was not given"
    ))
}

fn unreadable() -> Fault {
    Fault::new(
        codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED,
        "container.encrypted",
    )
}

/// The packet in the clear if its key is here, else as it is.
pub(crate) fn decrypted(keys: &KeyRing, mut packet: Packet) -> Packet {
    if let Some(crypto) = &packet.crypto
        && let Some(key) = keys.ids.get(&crypto.key_id)
        && let Ok(data) = decrypt_sample(key, crypto, packet.data.clone())
    {
        (packet.data, packet.crypto) = (data, None);
    }
    packet
}

/// Holds encrypted packets back until they are clear. While one waits for its key nothing more is read, so there are few.
#[derive(Debug, Default)]
pub(crate) struct DecryptStage {
    held: VecDeque<Packet>,
    awaited: Awaited,
}

/// The key that the first packet waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Awaited {
    #[default]
    Nothing,
    Until(KeyId, Time),
    /// It did not come in time, which was told. Nobody is asked again for what still lies here.
    GivenUp(KeyId),
}

impl Awaited {
    fn is_for(self, id: KeyId) -> bool {
        match self {
            Self::Nothing => false,
            Self::Until(awaited, _) | Self::GivenUp(awaited) => awaited == id,
        }
    }
}

impl DecryptStage {
    /// Where the ingest puts its packets: clear ones go on to `next`, encrypted ones are held.
    pub(crate) fn before<'a>(&'a mut self, next: &'a mut dyn Buffer) -> impl Buffer + 'a {
        Before {
            held: &mut self.held,
            next,
        }
    }

    /// Hands on what can be decrypted now. `false`: there is nothing.
    pub(crate) fn hand_on(&mut self, cx: &mut Cx, next: &mut dyn Buffer) -> bool {
        let mut moved = false;
        while let Some(mut packet) = self.held.pop_front() {
            if let Some(crypto) = packet.crypto.take() {
                let Some(key) = cx.keys.ids.get(&crypto.key_id) else {
                    self.await_key(cx, crypto.key_id);
                    packet.crypto = Some(crypto);
                    self.held.push_front(packet);
                    return moved;
                };
                match decrypt_sample(key, &crypto, packet.data) {
                    Ok(data) => packet.data = data,
                    Err(_) => {
                        cx.tally.damage += 1;
                        continue;
                    }
                }
            }
            self.awaited = Awaited::Nothing;
            moved = true;
            next.push(packet);
        }
        moved
    }

    fn await_key(&mut self, cx: &mut Cx, id: KeyId) {
        if self.awaited.is_for(id) {
            return;
        }
        self.awaited = Awaited::Until(id, cx.mono() + MAX_WAIT);
        if cx.keys.ids.ask(id) {
            cx.event(Event::KeyRequired(id));
        }
    }

    /// The key that is waited for did not come in time.
    pub(crate) fn overdue(&mut self, cx: &mut Cx) -> Option<Fault> {
        let Awaited::Until(id, until) = self.awaited else {
            return None;
        };
        if until > cx.mono() {
            return None;
        }
        self.awaited = Awaited::GivenUp(id);
        // Who plays it again is asked again.
        cx.keys.ids.withdraw(&id);
        Some(key_missing(id))
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        match self.awaited {
            Awaited::Until(_, until) => Some(until),
            Awaited::Nothing | Awaited::GivenUp(_) => None,
        }
    }

    /// Packets of another place come.
    pub(crate) fn clear(&mut self) {
        self.forget(|_| true);
    }

    /// Those of some tracks come from another place.
    pub(crate) fn forget(&mut self, is: impl Fn(TrackId) -> bool) {
        self.held.retain(|packet| !is(packet.track));
        if self.held.is_empty() {
            self.awaited = Awaited::Nothing;
        }
    }
}

struct Before<'a> {
    held: &'a mut VecDeque<Packet>,
    next: &'a mut dyn Buffer,
}

impl Buffer for Before<'_> {
    fn push(&mut self, packet: Packet) {
        // A clear one does not overtake those that wait.
        let is_wanted = || self.next.role_of(packet.track).is_some();
        match packet.crypto.is_none() && self.held.is_empty() {
            true => self.next.push(packet),
            false if is_wanted() => self.held.push_back(packet),
            false => {}
        }
    }
    fn is_full(&self, position: Time, most: Time) -> bool {
        !self.held.is_empty() || self.next.is_full(position, most)
    }
    fn ahead(&self, position: Time) -> Time {
        self.next.ahead(position)
    }
    fn ahead_of(&self, role: Role, position: Time) -> Time {
        self.next.ahead_of(role, position)
    }
    fn role_of(&self, track: TrackId) -> Option<Role> {
        self.next.role_of(track)
    }
    fn set_sources(&mut self, sources: Sources) {
        self.next.set_sources(sources);
    }
    fn cut(&mut self, from: ByRole<Option<Time>>) -> bool {
        self.held.is_empty() && self.next.cut(from)
    }
}

#[cfg(test)]
mod tests {
    use kinora_media::{Iv, KeySystemHeader, ProtectionScheme, SampleIv, SampleProtection};

    use super::*;

    fn told(scheme: ProtectionScheme, systems: &[u128]) -> String {
        let header = |uuid: &u128| KeySystemHeader {
            system_id: uuid.to_be_bytes(),
            key_ids: Vec::new(),
            data: bytes::Bytes::new(),
        };
        let fault = locked(&Protection {
            scheme,
            default: Some(SampleProtection {
                key_id: KeyId([0xab; 16]),
                iv: SampleIv::Constant(Iv::default()),
                pattern: None,
            }),
            key_systems: systems.iter().map(header).collect(),
        });
        assert_eq!(fault.code(), codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED);
        fault.causes_text()
    }

    #[test]
    fn a_track_that_is_locked_names_its_key_and_the_systems_that_would_give_it() {
        let widevine = 0xedef_8ba9_79d6_4ace_a3c8_27dc_d51d_21ed;
        let clear_key = 0x1077_efec_c0b2_4d02_ace3_3c1e_52e2_fb4b;
        let open = told(ProtectionScheme::Cenc, &[clear_key]);
        assert!(
            open.contains("abab") && !open.contains("licences"),
            "{open}"
        );
        let foreign = told(ProtectionScheme::Cbcs, &[widevine, clear_key]);
        assert!(foreign.contains("cbcs for Widevine, whose"), "{foreign}");
        assert!(foreign.contains("abab"), "{foreign}");
        let unknown = told(ProtectionScheme::Other(*b"odkm"), &[widevine]);
        assert!(
            unknown.contains("odkm for Widevine") && !unknown.contains("abab"),
            "{unknown}"
        );
    }
}
