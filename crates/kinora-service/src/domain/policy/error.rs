use std::fmt;

use kinora_errors::Lang;

/// The longest piece of a document that an error repeats.
const MAX_QUOTE_LEN: usize = 64;

/// A piece of a foreign text, fit to be shown: quoted, without control characters, not long.
pub(crate) fn clip(text: &str) -> String {
    let mut letters = text.chars();
    let head: String = letters.by_ref().take(MAX_QUOTE_LEN).collect();
    let more = if letters.next().is_some() { "…" } else { "" };
    format!("\"{}{more}\"", head.escape_debug())
}

/// Why a policy is not taken, and where in the document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyError {
    path: String,
    problem: PolicyProblem,
}

impl PolicyError {
    pub(super) fn at(path: impl Into<String>, problem: PolicyProblem) -> Self {
        Self {
            path: path.into(),
            problem,
        }
    }
    /// Where: `Statement[0].Action`; empty for the document as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
    /// What is wrong there.
    #[must_use]
    pub fn problem(&self) -> &PolicyProblem {
        &self.problem
    }
    /// Path and problem in the user's language.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        let problem = match lang {
            Lang::En => self.problem.english(),
            Lang::Zh => self.problem.chinese(),
        };
        match (self.path.as_str(), lang) {
            ("", _) => problem,
            (path, Lang::En) => format!("{path}: {problem}"),
            (path, Lang::Zh) => format!("{path}：{problem}"),
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence(Lang::En))
    }
}

impl std::error::Error for PolicyError {}

/// What can be wrong with a policy. Nothing of a document is passed over: what is not obeyed is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PolicyProblem {
    /// More characters than this.
    TooLong(usize),
    /// No JSON, or a name twice in one object.
    Json(String),
    /// The value is of another kind than this one.
    NotA(JsonKind),
    /// A list without items.
    Empty,
    /// An element that the language does not have, or not there.
    UnknownElement(String),
    /// An element that must be there.
    Missing(&'static str),
    /// Two elements that exclude each other.
    Both(&'static str, &'static str),
    /// The Version is not `1`.
    Version(String),
    /// The Effect is neither Allow nor Deny.
    Effect(String),
    /// No action: `service:Name` or `*`.
    Action(String),
    /// No resource: `acs:service:region:account:name` or `*`.
    Resource(String),
    /// A resource of this service that can not exist.
    NoSuchResource(String),
    /// A condition operator that is not known.
    Operator(String),
    /// A condition key that is not known.
    Key(String),
    /// A key that this operator can not judge.
    KeyOfAnotherKind {
        /// The operator.
        operator: String,
        /// The operators that fit the key.
        fitting: &'static str,
    },
    /// A value that the operator can not read.
    Value {
        /// The value.
        value: String,
        /// How it must look.
        form: &'static str,
    },
}

/// Kinds of JSON values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum JsonKind {
    /// An object.
    Object,
    /// An object, or a list of objects.
    Objects,
    /// A string.
    Text,
    /// A string, or a list of strings.
    Texts,
}

impl PolicyProblem {
    fn english(&self) -> String {
        match self {
            Self::TooLong(limit) => format!("longer than {limit} characters"),
            Self::Json(why) => format!("not JSON as it must be: {why}"),
            Self::NotA(kind) => {
                let kind = match kind {
                    JsonKind::Object => "an object",
                    JsonKind::Objects => "an object or a list of objects",
                    JsonKind::Text => "a string",
                    JsonKind::Texts => "a string or a list of strings",
                };
                format!("it must be {kind}")
            }
            Self::Empty => "it holds nothing".to_owned(),
            Self::UnknownElement(name) => format!("there is no element {name} here"),
            Self::Missing(name) => format!("{name} is missing"),
            Self::Both(one, other) => format!("{one} and {other} exclude each other"),
            Self::Version(found) => format!("the only version is \"1\", not {found}"),
            Self::Effect(found) => format!("it must be Allow or Deny, not {found}"),
            Self::Action(found) => format!("{found} is no action: service:Name or *"),
            Self::Resource(found) => {
                format!("{found} is no resource: acs:service:region:account:name or *")
            }
            Self::NoSuchResource(found) => format!(
                "{found} can name nothing of this service: write acs:vod:*:*:video/ID, acs:vod:*:*:category/ID or acs:ram::1:role/NAME"
            ),
            Self::Operator(found) => format!("there is no condition operator {found}"),
            Self::Key(found) => format!(
                "there is no condition key {found}: acs:SourceIp, acs:CurrentTime, acs:SecureTransport or acs:PrincipalARN"
            ),
            Self::KeyOfAnotherKind { operator, fitting } => {
                format!("{operator} can not judge it: use {fitting}")
            }
            Self::Value { value, form } => format!("{value} can not be read: write it like {form}"),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::TooLong(limit) => format!("超过 {limit} 个字符"),
            Self::Json(why) => format!("不是合格的 JSON：{why}"),
            Self::NotA(kind) => {
                let kind = match kind {
                    JsonKind::Object => "对象",
                    JsonKind::Objects => "对象或对象列表",
                    JsonKind::Text => "字符串",
                    JsonKind::Texts => "字符串或字符串列表",
                };
                format!("应为{kind}")
            }
            Self::Empty => "内容为空".to_owned(),
            Self::UnknownElement(name) => format!("此处没有 {name} 这个元素"),
            Self::Missing(name) => format!("缺少 {name}"),
            Self::Both(one, other) => format!("{one} 与 {other} 不能同时出现"),
            Self::Version(found) => format!("版本只有 \"1\"，而不是 {found}"),
            Self::Effect(found) => format!("应为 Allow 或 Deny，而不是 {found}"),
            Self::Action(found) => format!("{found} 不是操作：应为 服务:名称 或 *"),
            Self::Resource(found) => {
                format!("{found} 不是资源：应为 acs:服务:地域:账号:名称 或 *")
            }
            Self::NoSuchResource(found) => format!(
                "{found} 不可能是本服务的资源：应写作 acs:vod:*:*:video/ID、acs:vod:*:*:category/ID 或 acs:ram::1:role/名称"
            ),
            Self::Operator(found) => format!("没有 {found} 这个条件运算符"),
            Self::Key(found) => format!(
                "没有 {found} 这个条件键：可用 acs:SourceIp、acs:CurrentTime、acs:SecureTransport、acs:PrincipalARN"
            ),
            Self::KeyOfAnotherKind { operator, fitting } => {
                format!("{operator} 不能用于此键：应使用 {fitting}")
            }
            Self::Value { value, form } => format!("{value} 无法识别：应写作 {form} 这样的形式"),
        }
    }
}
