//! Policies: what a key, a role or a session may do. The language is RAM's, version 1: Effect, Action or NotAction,
//! Resource or NotResource, Condition. What is denied is denied, whatever else is allowed; what nothing allows is not
//! allowed. A document that says anything which is not obeyed here is refused when it is given.

mod address;
mod condition;
mod document;
mod error;
mod json;
mod pattern;
mod resource;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ACTIONS;

pub(crate) use condition::ConditionContext;
pub(crate) use error::clip;
pub use error::{JsonKind, PolicyError, PolicyProblem};
use json::Json;
use pattern::Pattern;
use resource::ResourcePattern;
pub(crate) use resource::{ACCOUNT_ID, MAX_ROLE_NAME_LEN, Resource, is_role_letter};

/// Longest policy of a key or a role, in characters, as in RAM.
const MAX_LEN: usize = 6144;
/// Longest policy of a session, in characters, as in STS.
const MAX_SESSION_LEN: usize = 2048;
const ALL: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const NONE: &str = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// What a key, a role or a session may do: a document in RAM's policy language, read and checked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Policy {
    /// The document, as short as JSON can be.
    document: String,
    statements: Vec<Statement>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Statement {
    effect: Effect,
    actions: Choice<ActionPattern>,
    resources: Choice<ResourcePattern>,
    conditions: Vec<condition::Condition>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    Allow,
    Deny,
}

/// These, or all but these.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Choice<T> {
    Only(Vec<T>),
    AllBut(Vec<T>),
}

impl<T> Choice<T> {
    fn matches(&self, matches: impl Fn(&T) -> bool) -> bool {
        match self {
            Self::Only(list) => list.iter().any(matches),
            Self::AllBut(list) => !list.iter().any(matches),
        }
    }
}

/// `*`, or `service:Name` with wildcards in either part.
#[derive(Clone, PartialEq, Eq, Debug)]
struct ActionPattern(Pattern);

impl ActionPattern {
    fn parse(text: &str) -> Result<Self, PolicyProblem> {
        let letters = |part: &str| {
            let fits = |byte: u8| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'?' | b'-' | b'_' | b'.')
            };
            !part.is_empty() && part.bytes().all(fits)
        };
        let fits = match text.split_once(':') {
            None => text == "*",
            Some((service, name)) => letters(service) && letters(name),
        };
        match fits {
            true => Ok(Self(Pattern::new(text))),
            false => Err(PolicyProblem::Action(clip(text))),
        }
    }
    /// No letter of a service's name is a colon, so a wildcard never reaches over it.
    fn matches(&self, action: &str) -> bool {
        self.0.matches_any_case(action)
    }
}

/// What a policy is evaluated for.
#[derive(Clone, Copy)]
pub(crate) struct AccessRequest<'a> {
    /// `vod:GetPlayInfo`.
    pub(crate) action: &'a str,
    pub(crate) resource: &'a Resource,
    pub(crate) context: &'a ConditionContext,
}

/// The result of the evaluation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    Allow,
    /// By a statement, which no other can lift.
    ExplicitDeny,
    /// No statement applies to it.
    ImplicitDeny,
}

impl Policy {
    /// Reads the document of a key or a role.
    ///
    /// # Errors
    /// It is too long, no JSON, or holds anything that is not obeyed here.
    pub fn parse(document: &str) -> Result<Self, PolicyError> {
        Self::read(document, MAX_LEN)
    }
    /// Reads the document that a caller gives with AssumeRole.
    pub(crate) fn parse_session(document: &str) -> Result<Self, PolicyError> {
        Self::read(document, MAX_SESSION_LEN)
    }
    fn read(text: &str, limit: usize) -> Result<Self, PolicyError> {
        let whole = |problem| PolicyError::at("", problem);
        if text.chars().nth(limit).is_some() {
            return Err(whole(PolicyProblem::TooLong(limit)));
        }
        let json: Json = serde_json::from_str(text)
            .map_err(|error| whole(PolicyProblem::Json(error.to_string())))?;
        Ok(Self {
            statements: document::statements(&json)?,
            document: json.to_string(),
        })
    }
    fn constant(document: &'static str, effect: Effect) -> Self {
        Self {
            document: document.to_owned(),
            statements: vec![Statement {
                effect,
                actions: Choice::Only(vec![ActionPattern(Pattern::new("*"))]),
                resources: Choice::Only(vec![ResourcePattern::Any]),
                conditions: Vec::new(),
            }],
        }
    }
    /// All that the account may do.
    #[must_use]
    pub fn all() -> Self {
        Self::constant(ALL, Effect::Allow)
    }
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::constant(NONE, Effect::Deny)
    }
    /// These actions on every resource: `vod:GetPlayInfo`, `vod:*`; nothing if there are none.
    ///
    /// # Errors
    /// One of them is no action.
    pub fn allowing(actions: &[&str]) -> Result<Self, PolicyError> {
        if actions.is_empty() {
            return Ok(Self::none());
        }
        let statement =
            serde_json::json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        Self::parse(&serde_json::json!({ "Version": "1", "Statement": [statement] }).to_string())
    }
    /// Reads what the database holds: a document, or the list of allowed actions that earlier versions wrote.
    pub(crate) fn from_stored(text: &str) -> Result<Self, PolicyError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Earlier {
            actions: Vec<String>,
        }
        let Ok(Earlier { actions }) = serde_json::from_str(text) else {
            return Self::parse(text);
        };
        let known = |action: &&str| ActionPattern::parse(action).is_ok();
        let actions: Vec<&str> = actions.iter().map(String::as_str).filter(known).collect();
        Self::allowing(&actions)
    }
    /// The document.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }

    /// Those of its actions that are written as this service's and are none of them: a misspelling, or an action that
    /// is not offered. They allow and deny nothing.
    #[must_use]
    pub fn unknown_actions(&self) -> Vec<String> {
        let ours = |pattern: &&ActionPattern| {
            let text = pattern.0.to_string().to_ascii_lowercase();
            text.starts_with("vod:") || text.starts_with("sts:")
        };
        let unknown = |pattern: &&ActionPattern| {
            !ACTIONS
                .iter()
                .any(|known| pattern.matches(known.permission()))
        };
        let of = |statement: &Statement| match &statement.actions {
            Choice::Only(list) | Choice::AllBut(list) => {
                let list = list.iter().filter(ours).filter(unknown);
                list.map(|pattern| pattern.0.to_string())
                    .collect::<Vec<_>>()
            }
        };
        self.statements.iter().flat_map(of).collect()
    }

    /// An explicit Deny counts before any Allow.
    pub(crate) fn decide(&self, request: AccessRequest<'_>) -> Decision {
        let says = |effect| {
            let mut statements = self.statements.iter();
            statements.any(|statement| statement.effect == effect && statement.applies_to(request))
        };
        if says(Effect::Deny) {
            return Decision::ExplicitDeny;
        }
        if says(Effect::Allow) {
            return Decision::Allow;
        }
        Decision::ImplicitDeny
    }
}

impl Statement {
    fn applies_to(&self, request: AccessRequest<'_>) -> bool {
        // What can not be judged never counts in the caller's favour.
        let if_unknown = self.effect == Effect::Deny;
        self.actions
            .matches(|action| action.matches(request.action))
            && self
                .resources
                .matches(|pattern| pattern.matches(request.resource))
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(request.context).unwrap_or(if_unknown))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.document)
    }
}

impl From<Policy> for String {
    fn from(policy: Policy) -> Self {
        policy.document
    }
}

impl TryFrom<String> for Policy {
    type Error = PolicyError;
    fn try_from(document: String) -> Result<Self, PolicyError> {
        Self::parse(&document)
    }
}
