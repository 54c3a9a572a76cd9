use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::policy::{ACCOUNT_ID, MAX_ROLE_NAME_LEN, clip, is_role_letter};

const ROLE: &str = "role/";
/// Longest id of an access key.
const MAX_KEY_ID_LEN: usize = 128;

/// Whether a role may have that name: 1 to 64 letters (ASCII), digits, `.`, `-`, `_`.
pub(crate) fn is_role_name(name: &str) -> bool {
    (1..=MAX_ROLE_NAME_LEN).contains(&name.len()) && name.chars().all(is_role_letter)
}

/// One who may assume a role. Written `*` (every key and session of the account), the id of an access key, or
/// `role/NAME` (the sessions of that role).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Principal {
    /// Every key and session of the account.
    Account,
    /// That access key.
    Key(String),
    /// Sessions of that role.
    Role(String),
}

impl Principal {
    /// Its name in policies: `acs:PrincipalARN`.
    pub(crate) fn arn(&self) -> String {
        match self {
            Self::Account => format!("acs:ram::{ACCOUNT_ID}:root"),
            Self::Key(id) => format!("acs:ram::{ACCOUNT_ID}:key/{id}"),
            Self::Role(name) => format!("acs:ram::{ACCOUNT_ID}:{ROLE}{name}"),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("*"),
            Self::Key(id) => f.write_str(id),
            Self::Role(name) => write!(f, "{ROLE}{name}"),
        }
    }
}

/// A text that names nobody.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} names nobody: write * (all of the account), an access key id, or role/NAME")]
pub struct InvalidPrincipal(String);

impl FromStr for Principal {
    type Err = InvalidPrincipal;

    fn from_str(text: &str) -> Result<Self, InvalidPrincipal> {
        if text == "*" {
            return Ok(Self::Account);
        }
        if let Some(name) = text.strip_prefix(ROLE).filter(|name| is_role_name(name)) {
            return Ok(Self::Role(name.to_owned()));
        }
        let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if letters && (1..=MAX_KEY_ID_LEN).contains(&text.len()) {
            return Ok(Self::Key(text.to_owned()));
        }
        Err(InvalidPrincipal(clip(text)))
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.to_string()
    }
}

impl TryFrom<String> for Principal {
    type Error = InvalidPrincipal;
    fn try_from(text: String) -> Result<Self, InvalidPrincipal> {
        text.parse()
    }
}

/// Who may assume a role; nobody, if nobody is named.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrustPolicy(BTreeSet<Principal>);

impl TrustPolicy {
    /// Every key and session of the account that has the right `sts:AssumeRole`.
    #[must_use]
    pub fn account() -> Self {
        [Principal::Account].into_iter().collect()
    }
    /// Those that are named, in order.
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.0.iter()
    }
    pub(crate) fn admits(&self, who: &Principal) -> bool {
        self.0.contains(&Principal::Account) || self.0.contains(who)
    }
}

impl FromIterator<Principal> for TrustPolicy {
    fn from_iter<I: IntoIterator<Item = Principal>>(principals: I) -> Self {
        Self(principals.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_admits_those_that_it_names_and_no_others() {
        let (key, role) = (Principal::Key("KN1".into()), Principal::Role("a".into()));
        let trust: TrustPolicy = ["KN1".parse().unwrap()].into_iter().collect();
        assert!(trust.admits(&key) && !trust.admits(&role));
        assert!(!trust.admits(&Principal::Key("KN12".into())));
        assert!(!trust.admits(&Principal::Role("KN1".into())));
        assert!(TrustPolicy::account().admits(&key) && TrustPolicy::account().admits(&role));
        let nobody: TrustPolicy = [].into_iter().collect();
        assert!(!nobody.admits(&key));
    }

    #[test]
    fn principals_are_read_as_they_are_written() {
        for text in ["*", "KN0123", "role/player.a-b_c"] {
            assert_eq!(text.parse::<Principal>().unwrap().to_string(), text);
        }
        for bad in [
            "", "role/", "role/a b", "role/a/b", "key/KN1", "KN 1", "KN*", "**",
        ] {
            assert!(bad.parse::<Principal>().is_err(), "{bad}");
        }
        let stored = serde_json::to_string(&TrustPolicy::account()).unwrap();
        assert_eq!(stored, r#"["*"]"#);
        assert_eq!(
            serde_json::from_str::<TrustPolicy>(&stored).unwrap(),
            TrustPolicy::account()
        );
    }
}
