use kinora_errors::Secret;
use serde::{Deserialize, Serialize};

use super::{Policy, TrustPolicy};

/// Whether the account may be served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AccountState {
    /// Opened and in good standing.
    Active,
    /// The VOD service was not opened.
    NotOpened,
    /// Suspended, for example for an unpaid bill.
    Suspended,
}

/// A permanent key of the account.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The public half.
    pub id: String,
    /// The secret half: shown once, when it is made.
    pub secret: Secret,
    /// What it may do.
    pub policy: Policy,
    /// An inactive key is refused, and so is all that was derived from it.
    pub active: bool,
}

/// What a caller may become by `AssumeRole`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RamRole {
    /// Its name, the last part of `acs:ram::1:role/NAME`: 1 to 64 letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// What its sessions may do at most: never more than who assumed it.
    pub policy: Policy,
    /// Who may assume it.
    pub trust: TrustPolicy,
}
