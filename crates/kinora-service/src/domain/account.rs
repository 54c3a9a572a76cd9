use kinora_errors::Secret;
use serde::{Deserialize, Serialize};

pub(crate) const ACTION_GET_PLAY_INFO: &str = "vod:GetPlayInfo";
pub(crate) const ACTION_GET_VIDEO_PLAY_AUTH: &str = "vod:GetVideoPlayAuth";
pub(crate) const ACTION_GET_VIDEO_INFO: &str = "vod:GetVideoInfo";
pub(crate) const ACTION_ASSUME_ROLE: &str = "sts:AssumeRole";

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
    /// An inactive key is refused.
    pub active: bool,
}

/// Which actions are allowed: `vod:GetPlayInfo`, `vod:*`, `*`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Allowed actions; a trailing `*` stands for any ending.
    pub actions: Vec<String>,
}

impl Policy {
    /// All that the account may do.
    #[must_use]
    pub fn all() -> Self {
        Self::of(&["*"])
    }
    /// These actions.
    #[must_use]
    pub fn of(actions: &[&str]) -> Self {
        Self {
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        }
    }
    /// Whether that action is allowed.
    #[must_use]
    pub fn allows(&self, action: &str) -> bool {
        self.actions
            .iter()
            .any(|allowed| match allowed.strip_suffix('*') {
                Some(start) => action.starts_with(start),
                None => action.eq_ignore_ascii_case(allowed),
            })
    }
}

/// What a caller may become by `AssumeRole`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Role {
    /// Its name, the last part of `acs:ram::ACCOUNT:role/NAME`.
    pub name: String,
    /// What its sessions may do.
    pub policy: Policy,
}

/// Which pages may show the media, judged by the Referer header.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RefererRule {
    /// Host names; `*.example.com` stands for every name below. Empty: every host that is not denied.
    pub allow: Vec<String>,
    /// Host names that are refused, also when allowed above.
    pub deny: Vec<String>,
    /// Whether a request without Referer passes: players outside the web send none.
    pub allow_empty: bool,
}

impl Default for RefererRule {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            deny: Vec::new(),
            allow_empty: true,
        }
    }
}

impl RefererRule {
    /// Whether a request with that Referer passes.
    #[must_use]
    pub fn passes(&self, referer: Option<&str>) -> bool {
        let Some(referer) = referer.map(str::trim).filter(|referer| !referer.is_empty()) else {
            return self.allow_empty;
        };
        let Ok(url) = url::Url::parse(referer) else {
            return self.allow.is_empty() && self.deny.is_empty();
        };
        let host = url.host_str().unwrap_or_default();
        if self.deny.iter().any(|pattern| host_matches(pattern, host)) {
            return false;
        }
        self.allow.is_empty() || self.allow.iter().any(|pattern| host_matches(pattern, host))
    }
}

fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.len().checked_sub(parent.len() + 1).is_some_and(|dot| {
            host.as_bytes().get(dot) == Some(&b'.')
                && host
                    .to_ascii_lowercase()
                    .ends_with(&parent.to_ascii_lowercase())
        }),
        None => host.eq_ignore_ascii_case(pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_allows_its_actions_and_no_others() {
        let policy = Policy::of(&["vod:GetPlayInfo", "sts:*"]);
        assert!(policy.allows("vod:GetPlayInfo"));
        assert!(policy.allows("sts:AssumeRole"));
        assert!(!policy.allows("vod:GetVideoInfo"));
        assert!(!Policy::of(&[]).allows("vod:GetPlayInfo"));
    }

    #[test]
    fn referer_rules_judge_the_host_not_the_text() {
        let rule = RefererRule {
            allow: vec!["*.example.com".into(), "example.com".into()],
            deny: vec!["bad.example.com".into()],
            allow_empty: false,
        };
        assert!(rule.passes(Some("https://www.example.com/page")));
        assert!(rule.passes(Some("https://EXAMPLE.com/")));
        assert!(!rule.passes(Some("https://bad.example.com/")));
        assert!(!rule.passes(Some("https://evil.test/?example.com")));
        assert!(!rule.passes(Some("https://notexample.com/")));
        assert!(!rule.passes(Some("https://example.com@evil.test/")));
        assert!(!rule.passes(None));
        assert!(!rule.passes(Some("garbage")));
        assert!(RefererRule::default().passes(None));
        assert!(RefererRule::default().passes(Some("https://any.test/")));
    }
}
