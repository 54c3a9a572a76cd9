//! From JSON to statements. Every element is known or refused, and an error tells its path.

use std::fmt;

use super::condition::{Condition, is_key, is_operator};
use super::error::{JsonKind, PolicyError, PolicyProblem, clip};
use super::json::Json;
use super::resource::ResourcePattern;
use super::{ActionPattern, Choice, Effect, Statement};

const VERSION: &str = "1";

/// Where in the document: `Statement[0].Action`.
#[derive(Clone, Default)]
struct JsonPath(String);

impl JsonPath {
    fn member(&self, name: &str) -> Self {
        match self.0.as_str() {
            "" => Self(name.to_owned()),
            path => Self(format!("{path}.{name}")),
        }
    }
    fn item(&self, at: usize) -> Self {
        Self(format!("{}[{at}]", self.0))
    }
    fn refuse(&self, problem: PolicyProblem) -> PolicyError {
        PolicyError::at(self.to_string(), problem)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object whose members are all known.
struct Members<'a> {
    path: JsonPath,
    list: &'a [(String, Json)],
}

impl<'a> Members<'a> {
    fn of(json: &'a Json, path: JsonPath, known: &[&str]) -> Result<Self, PolicyError> {
        let list = object(json, &path)?;
        if let Some((name, _)) = list.iter().find(|(name, _)| !known.contains(&&**name)) {
            return Err(path.refuse(PolicyProblem::UnknownElement(clip(name))));
        }
        Ok(Self { path, list })
    }
    fn get(&self, name: &str) -> Option<&'a Json> {
        let found = self.list.iter().find(|(member, _)| member == name);
        found.map(|(_, value)| value)
    }
    fn required(&self, name: &'static str) -> Result<&'a Json, PolicyError> {
        let missing = || self.path.refuse(PolicyProblem::Missing(name));
        self.get(name).ok_or_else(missing)
    }
    /// The one of two elements that is there.
    fn choice<T>(
        &self,
        only: &'static str,
        all_but: &'static str,
        parse: fn(&str) -> Result<T, PolicyProblem>,
    ) -> Result<Choice<T>, PolicyError> {
        match (self.get(only), self.get(all_but)) {
            (Some(json), None) => each(json, &self.path.member(only), parse).map(Choice::Only),
            (None, Some(json)) => each(json, &self.path.member(all_but), parse).map(Choice::AllBut),
            (None, None) => Err(self.path.refuse(PolicyProblem::Missing(only))),
            (Some(_), Some(_)) => Err(self.path.refuse(PolicyProblem::Both(only, all_but))),
        }
    }
}

fn object<'a>(json: &'a Json, path: &JsonPath) -> Result<&'a [(String, Json)], PolicyError> {
    match json {
        Json::Object(members) => Ok(members),
        _ => Err(path.refuse(PolicyProblem::NotA(JsonKind::Object))),
    }
}

fn text<'a>(json: &'a Json, path: &JsonPath, kind: JsonKind) -> Result<&'a str, PolicyError> {
    match json {
        Json::Text(text) => Ok(text),
        _ => Err(path.refuse(PolicyProblem::NotA(kind))),
    }
}

/// A string or a list of strings, with their places.
fn texts<'a>(json: &'a Json, path: &JsonPath) -> Result<Vec<(JsonPath, &'a str)>, PolicyError> {
    let Json::List(items) = json else {
        return Ok(vec![(path.clone(), text(json, path, JsonKind::Texts)?)]);
    };
    if items.is_empty() {
        return Err(path.refuse(PolicyProblem::Empty));
    }
    let read = |(at, item)| {
        let path = path.item(at);
        text(item, &path, JsonKind::Text).map(|text| (path.clone(), text))
    };
    items.iter().enumerate().map(read).collect()
}

fn each<T>(
    json: &Json,
    path: &JsonPath,
    parse: fn(&str) -> Result<T, PolicyProblem>,
) -> Result<Vec<T>, PolicyError> {
    let parse =
        |(path, text): (JsonPath, &str)| parse(text).map_err(|problem| path.refuse(problem));
    texts(json, path)?.into_iter().map(parse).collect()
}

pub(super) fn statements(document: &Json) -> Result<Vec<Statement>, PolicyError> {
    let whole = Members::of(document, JsonPath::default(), &["Version", "Statement"])?;
    let path = whole.path.member("Version");
    let version = text(whole.required("Version")?, &path, JsonKind::Text)?;
    if version != VERSION {
        return Err(path.refuse(PolicyProblem::Version(clip(version))));
    }
    let path = whole.path.member("Statement");
    match whole.required("Statement")? {
        Json::List(items) if items.is_empty() => Err(path.refuse(PolicyProblem::Empty)),
        Json::List(items) => {
            let read = |(at, item)| statement(item, path.item(at));
            items.iter().enumerate().map(read).collect()
        }
        one @ Json::Object(_) => Ok(vec![statement(one, path)?]),
        _ => Err(path.refuse(PolicyProblem::NotA(JsonKind::Objects))),
    }
}

fn statement(json: &Json, path: JsonPath) -> Result<Statement, PolicyError> {
    let known = [
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    let members = Members::of(json, path, &known)?;
    let path = members.path.member("Effect");
    let effect = match text(members.required("Effect")?, &path, JsonKind::Text)? {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => return Err(path.refuse(PolicyProblem::Effect(clip(other)))),
    };
    Ok(Statement {
        effect,
        actions: members.choice("Action", "NotAction", ActionPattern::parse)?,
        resources: members.choice("Resource", "NotResource", ResourcePattern::parse)?,
        conditions: match members.get("Condition") {
            None => Vec::new(),
            Some(json) => conditions(json, &members.path.member("Condition"))?,
        },
    })
}

/// Operators, each with keys, each with values.
fn conditions(json: &Json, path: &JsonPath) -> Result<Vec<Condition>, PolicyError> {
    let mut all = Vec::new();
    let operators = object(json, path)?;
    for (operator, keys) in operators {
        if !is_operator(operator) {
            return Err(path.refuse(PolicyProblem::Operator(clip(operator))));
        }
        let path = path.member(operator);
        let keys = object(keys, &path)?;
        if keys.is_empty() {
            return Err(path.refuse(PolicyProblem::Empty));
        }
        for (key, values) in keys {
            if !is_key(key) {
                return Err(path.refuse(PolicyProblem::Key(clip(key))));
            }
            let path = path.member(key);
            let values = texts(values, &path)?;
            let values: Vec<&str> = values.iter().map(|(_, text)| *text).collect();
            let condition = Condition::parse(operator, key, &values);
            all.push(condition.map_err(|problem| path.refuse(problem))?);
        }
    }
    match all.is_empty() {
        true => Err(path.refuse(PolicyProblem::Empty)),
        false => Ok(all),
    }
}
