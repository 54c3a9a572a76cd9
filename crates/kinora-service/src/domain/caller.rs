use serde::{Deserialize, Serialize};

use super::policy::Decision;
use super::{AccessRequest, Action, ApiError, Policy, Principal, VideoId};

const PLAY: &str = Action::GetPlayInfo.permission();
const LET_PLAY: &str = Action::GetVideoPlayAuth.permission();

/// More roles in a row than this are no use of ours, and would make tokens too long for a URL.
const MAX_ROLES: usize = 4;
/// What a media URL may outlive its credential by, beyond the video's own length: for pauses and slow networks.
const URL_MARGIN_S: i64 = 3600;

/// Where a credential comes from, outermost first. It is sealed into tokens and never shortened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Lineage {
    pub(crate) root: Root,
    pub(crate) roles: Vec<AssumedRole>,
}

/// What all rights of a credential come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Root {
    /// The one who has the data directory in hand.
    Operator,
    /// That access key.
    Key(String),
}

/// A role, and what the session was narrowed to when it was assumed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct AssumedRole {
    pub(crate) name: String,
    pub(crate) policy: Option<Policy>,
}

impl Lineage {
    pub(crate) fn of(root: Root) -> Self {
        Self {
            root,
            roles: Vec::new(),
        }
    }
    /// Who assumes the role at that place, and who acts if it is behind the last.
    pub(crate) fn before(&self, at: usize) -> Principal {
        match at.checked_sub(1).and_then(|last| self.roles.get(last)) {
            Some(role) => Principal::Role(role.name.clone()),
            None => match &self.root {
                Root::Operator => Principal::Account,
                Root::Key(id) => Principal::Key(id.clone()),
            },
        }
    }
    /// Who acts.
    pub(crate) fn principal(&self) -> Principal {
        self.before(self.roles.len())
    }
    /// One role further; nothing if that is too far.
    pub(crate) fn assuming(&self, role: AssumedRole) -> Option<Self> {
        let mut longer = self.clone();
        longer.roles.push(role);
        (longer.roles.len() <= MAX_ROLES).then_some(longer)
    }
}

/// What a credential is for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Scope {
    /// All that its policies allow.
    Account,
    /// To play one video, together with its AuthInfo, until that time.
    Play { video: VideoId, until_ms: i64 },
}

/// Who asks, once the key and the token are known.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) lineage: Lineage,
    /// Of the key, of each role and of each session as they are now: all must allow.
    pub(crate) policies: Vec<Policy>,
    pub(crate) scope: Scope,
    /// When a temporary credential ends.
    pub(crate) expires_ms: Option<i64>,
}

impl Caller {
    /// Whether all that the credential comes from allow it.
    pub(crate) fn may(&self, request: AccessRequest<'_>) -> bool {
        let mut policies = self.policies.iter();
        let all_allow = match self.scope {
            Scope::Account => policies.all(|policy| allows(policy, request)),
            Scope::Play { .. } => {
                request.action == PLAY && policies.all(|policy| allows_playing(policy, request))
            }
        };
        // Of none, all allow everything.
        all_allow && !self.policies.is_empty()
    }
    /// The only video that may be asked for.
    pub(crate) fn only_video(&self) -> Option<&VideoId> {
        match &self.scope {
            Scope::Account => None,
            Scope::Play { video, .. } => Some(video),
        }
    }
    /// Refuses a play credential whose own time is over, whatever AuthInfo is shown with it.
    pub(crate) fn check_not_expired(&self, now_ms: i64) -> Result<(), ApiError> {
        match self.scope {
            Scope::Play { until_ms, .. } if until_ms <= now_ms => {
                Err(ApiError::play_auth_expired())
            }
            _ => Ok(()),
        }
    }
    /// When what the caller asked for ends: never later than the caller does.
    pub(crate) fn end_ms(&self, asked_ms: i64) -> i64 {
        self.expires_ms.map_or(asked_ms, |own| own.min(asked_ms))
    }
    /// When a media URL expires. That of a temporary credential expires with it, or as soon as the video can have been
    /// played through, whichever is later: a film is longer than the credential that opens it.
    pub(crate) fn url_expiry_s(&self, asked_s: i64, now_s: i64, duration_s: f64) -> i64 {
        let own_ms = match self.scope {
            Scope::Account => self.expires_ms,
            Scope::Play { until_ms, .. } => Some(until_ms),
        };
        let Some(own_ms) = own_ms else {
            return asked_s;
        };
        // A cast from a float saturates.
        #[allow(clippy::cast_possible_truncation)]
        let played_s = now_s
            .saturating_add(duration_s.ceil() as i64)
            .saturating_add(URL_MARGIN_S);
        asked_s.min(own_ms.div_euclid(1000).max(played_s))
    }
}

/// `vod:GetVideoPlayAuth` is the right to let others play, so what denies playing denies it as well.
fn allows(policy: &Policy, request: AccessRequest<'_>) -> bool {
    let playing = AccessRequest {
        action: PLAY,
        ..request
    };
    policy.decide(request) == Decision::Allow
        && (request.action != LET_PLAY || policy.decide(playing) != Decision::ExplicitDeny)
}

/// What the holder of a play credential needs of those it comes from: the right to play, or to let play.
fn allows_playing(policy: &Policy, playing: AccessRequest<'_>) -> bool {
    let letting = AccessRequest {
        action: LET_PLAY,
        ..playing
    };
    match policy.decide(playing) {
        Decision::Allow => true,
        Decision::ExplicitDeny => false,
        Decision::ImplicitDeny => policy.decide(letting) == Decision::Allow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(expires_ms: Option<i64>, scope: Scope) -> Caller {
        Caller {
            lineage: Lineage::of(Root::Key("KN1".into())),
            policies: vec![Policy::all()],
            scope,
            expires_ms,
        }
    }

    #[test]
    fn a_url_of_a_temporary_credential_expires_with_it_or_with_the_film() {
        let now_s = 1_000_000;
        let month_s = now_s + 2_592_000;
        let key = caller(None, Scope::Account);
        assert_eq!(key.url_expiry_s(month_s, now_s, 60.0), month_s);
        let session = caller(Some((now_s + 900) * 1000), Scope::Account);
        assert_eq!(session.url_expiry_s(now_s + 1, now_s, 60.0), now_s + 1);
        assert_eq!(session.url_expiry_s(month_s, now_s, 60.5), now_s + 3661);
        assert_eq!(session.url_expiry_s(month_s, now_s, 7200.0), now_s + 10_800);
        // The token of a play credential outlives it a little, so that a late use is answered as such: no URL gains by that.
        let video = VideoId::parse("5aed81b74ba84920be578cdfe004af4b").unwrap();
        let until_ms = (now_s + 100) * 1000;
        let play = Scope::Play { video, until_ms };
        let play = caller(Some(until_ms + 86_400_000), play);
        assert_eq!(play.url_expiry_s(month_s, now_s, 60.0), now_s + 3660);
        for odd in [f64::NAN, f64::INFINITY, -1e300] {
            assert!(play.url_expiry_s(month_s, now_s, odd) <= month_s);
        }
    }

    #[test]
    fn a_chain_of_roles_ends() {
        let role = || AssumedRole {
            name: "player".into(),
            policy: None,
        };
        let mut lineage = Lineage::of(Root::Key("KN1".into()));
        assert_eq!(lineage.principal(), Principal::Key("KN1".into()));
        for _ in 0..MAX_ROLES {
            lineage = lineage.assuming(role()).unwrap();
        }
        assert_eq!(lineage.principal(), Principal::Role("player".into()));
        assert_eq!(lineage.before(0), Principal::Key("KN1".into()));
        assert_eq!(lineage.assuming(role()), None);
    }
}
