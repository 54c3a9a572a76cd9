//! Systems that give keys, by the names that containers and playlists have for them.

use core::fmt;

use kinora_media::{KeyId, Protection};

/// A system that gives keys for protected media, by its UUID (DASH-IF "Content Protection" registry).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeySystem(pub [u8; 16]);

/// UUIDs and the names that people know.
const NAMES: [(u128, &str); 14] = [
    (0xedef8ba9_79d6_4ace_a3c8_27dcd51d21ed, "Widevine"),
    (0x9a04f079_9840_4286_ab92_e65be0885f95, "PlayReady"),
    (0x94ce86fb_07ff_4f43_adb8_93d2fa968ca2, "FairPlay"),
    (0x29701fe4_3cc7_4a34_8c5b_ae90c7439a47, "FairPlay"),
    (0x5e629af5_38da_4063_8977_97ffbd9902d4, "Marlin"),
    (0xf239e769_efa3_4850_9c16_a903c6932efb, "Adobe Primetime"),
    (0x9a27dd82_fde2_4725_8cbc_4234aa06ec09, "Verimatrix VCAS"),
    (0x3d5e6d35_9b9a_41e8_b843_dd3c6e72c42c, "ChinaDRM"),
    (0xadb41c24_2dbf_4a6d_958b_4457c0d27b95, "Nagra"),
    (0x80a6be7e_1448_4c37_9e70_d5aebe04c8d2, "Irdeto"),
    (0xb4413586_c58c_ffb0_94a5_d4896c1af6c3, "Viaccess-Orca"),
    (0x644fe7b5_260f_4fad_949a_0762ffb054b4, "CMLA"),
    (W3C_COMMON, CLEAR_KEY),
    (0xe2719d58_a985_b3c9_781a_b030af78d30e, CLEAR_KEY),
];
/// Names key ids alone, for any system that knows them (W3C "cenc" Initialization Data Format, 4).
const W3C_COMMON: u128 = 0x1077efec_c0b2_4d02_ace3_3c1e52e2fb4b;
const CLEAR_KEY: &str = "ClearKey";

/// KEYFORMATs of HLS that are no `urn:uuid:`.
const FORMATS: [(&str, &str); 4] = [
    ("com.apple.streamingkeydelivery", "FairPlay"),
    ("com.microsoft.playready", "PlayReady"),
    ("com.widevine", "Widevine"),
    ("org.w3.clearkey", CLEAR_KEY),
];

impl KeySystem {
    /// By the KEYFORMAT and the URI of a key of HLS (RFC 8216 4.3.2.4). `None`: neither names a system that is known.
    #[must_use]
    pub fn of_hls_key(format: &str, uri: Option<&str>) -> Option<Self> {
        let uuid = format
            .get(..9)
            .filter(|scheme| scheme.eq_ignore_ascii_case("urn:uuid:"))
            .and_then(|_| format.get(9..));
        if let Some(uuid) = uuid {
            return kinora_media::sixteen_from_hex(uuid).map(Self);
        }
        let name = match uri {
            Some(uri) if uri.starts_with("skd:") => "FairPlay",
            _ => FORMATS.iter().find(|(known, _)| *known == format)?.1,
        };
        let uuid = NAMES.iter().find(|(_, known)| *known == name)?.0;
        Some(Self(uuid.to_be_bytes()))
    }

    /// Its name, where it is a known one.
    fn name(self) -> Option<&'static str> {
        let uuid = u128::from_be_bytes(self.0);
        let known = NAMES.iter().find(|(known, _)| *known == uuid);
        known.map(|(_, name)| *name)
    }

    /// Its keys are given as they are, so that the application can have them.
    #[must_use]
    pub fn is_clear_key(self) -> bool {
        self.name() == Some(CLEAR_KEY)
    }

    /// The systems for which a track is protected that are not served here, each once, for people. `None`: there is none.
    #[must_use]
    pub fn foreign_names(systems: impl IntoIterator<Item = Self>) -> Option<String> {
        let mut names = Vec::new();
        for system in systems.into_iter().filter(|system| !system.is_clear_key()) {
            let name = system.to_string();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// The keys that a track needs: its own, and those that headers of ClearKey name (W3C "cenc" 4). A licence is asked
    /// for them.
    #[must_use]
    pub fn wanted_keys(protection: &Protection) -> Vec<KeyId> {
        let mut ids: Vec<KeyId> = protection.key_id().into_iter().collect();
        for header in protection.key_systems.iter() {
            let is_open = Self(header.system_id).is_clear_key();
            for id in header.key_ids.iter().filter(|_| is_open) {
                if !ids.contains(id) {
                    ids.push(*id);
                }
            }
        }
        ids
    }
}

impl fmt::Display for KeySystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => fmt::Display::fmt(&KeyId(self.0), f),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kinora_media::{KeySystemHeader, ProtectionScheme, SampleIv, SampleProtection};

    use super::*;

    #[test]
    fn systems_are_named_as_people_know_them() {
        for (format, uri, name) in [
            ("com.apple.streamingkeydelivery", None, "FairPlay"),
            ("identity", Some("skd://asset/1"), "FairPlay"),
            ("com.microsoft.playready", None, "PlayReady"),
            (
                "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
                None,
                "Widevine",
            ),
            (
                "URN:UUID:5E629AF5-38DA-4063-8977-97FFBD9902D4",
                None,
                "Marlin",
            ),
            (
                "urn:uuid:00112233-4455-6677-8899-aabbccddeeff",
                None,
                "00112233445566778899aabbccddeeff",
            ),
        ] {
            let system = KeySystem::of_hls_key(format, uri).unwrap();
            assert_eq!(system.to_string(), name);
            assert!(!system.is_clear_key());
        }
        assert!(
            KeySystem::of_hls_key("org.w3.clearkey", None)
                .unwrap()
                .is_clear_key()
        );
        assert_eq!(
            KeySystem::of_hls_key("identity", Some("https://keys.test/1")),
            None
        );
        assert_eq!(KeySystem::of_hls_key("urn:uuid:nothing", None), None);
    }

    #[test]
    fn headers_of_clear_key_name_keys_and_no_foreign_system() {
        let header = |system: u128, ids: &[u8]| KeySystemHeader {
            system_id: system.to_be_bytes(),
            key_ids: ids.iter().map(|id| KeyId([*id; 16])).collect(),
            data: Bytes::new(),
        };
        let protection = Protection {
            default: Some(SampleProtection {
                key_id: KeyId([1; 16]),
                iv: SampleIv::PerSample(8),
                pattern: None,
            }),
            key_systems: [
                header(W3C_COMMON, &[1, 2]),
                header(NAMES[0].0, &[3]),
                header(NAMES[0].0, &[4]),
                header(NAMES[1].0, &[]),
            ]
            .into(),
            ..Protection::of_scheme(ProtectionScheme::Cenc)
        };
        let wanted = [KeyId([1; 16]), KeyId([2; 16])];
        assert_eq!(KeySystem::wanted_keys(&protection), wanted);
        let systems = protection
            .key_systems
            .iter()
            .map(|it| KeySystem(it.system_id));
        let names = KeySystem::foreign_names(systems);
        assert_eq!(names.as_deref(), Some("Widevine, PlayReady"));
        assert_eq!(
            KeySystem::foreign_names([KeySystem(W3C_COMMON.to_be_bytes())]),
            None
        );
    }
}
