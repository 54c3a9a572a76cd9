//! Patches to a manifest (ISO/IEC 23009-1 5.15): add, replace and remove of RFC 5261, by paths of names, positions and
//! attributes.

use std::sync::Arc;

use super::Limits;
use super::error::{DashError, DashErrorKind};
use super::xml::{Element, local};

/// Each looks through its elements; a patch that is longer costs more than the manifest.
const MAX_OPERATIONS: usize = 1_000;

/// The next version of a manifest.
pub(super) fn apply(mpd: &Element, patch: &Element, limits: &Limits) -> Result<Element, DashError> {
    if &*patch.name != "Patch" {
        return Err(DashErrorKind::Root("Patch").at(patch.line));
    }
    let same = |name: &str, of: &str| {
        let wanted = patch.attribute(name);
        wanted.is_none_or(|wanted| {
            mpd.attribute(of)
                .is_none_or(|has| has.trim() == wanted.trim())
        })
    };
    if !same("mpdId", "id") {
        return Err(misfit(patch, "it is for another one"));
    }
    if !same("originalPublishTime", "publishTime") {
        return Err(misfit(patch, "it is for another version"));
    }
    if patch.children.len() > MAX_OPERATIONS {
        return Err(DashErrorKind::Limit("operations").at(patch.line));
    }
    let mut next = mpd.clone();
    for operation in &patch.children {
        let path = operation.attribute("sel").and_then(|it| Path::parse(it));
        let path = path.ok_or_else(|| misfit(operation, "a selector cannot be read"))?;
        let done = match &*operation.name {
            "add" => add(&mut next, &path, operation),
            "replace" => replace(&mut next, &path, operation),
            "remove" => remove(&mut next, &path),
            _ => None,
        };
        done.ok_or_else(|| misfit(operation, "a selector finds nothing"))?;
    }
    match size(&next) > limits.elements {
        true => Err(DashErrorKind::Limit("elements").at(0)),
        false => Ok(next),
    }
}

fn misfit(at: &Element, what: &'static str) -> DashError {
    DashErrorKind::Patch(what).at(at.line)
}

fn size(element: &Element) -> usize {
    let own = element.attributes.len().saturating_add(1);
    let children = element.children.iter().map(size);
    children.fold(own, usize::saturating_add)
}

/// `/MPD/Period[@id='1']/AdaptationSet[2]/@lang`.
#[derive(Debug)]
struct Path {
    /// From the root's children on.
    steps: Vec<Step>,
    target: Target,
}

#[derive(Debug)]
struct Step {
    name: Box<str>,
    predicates: Vec<Predicate>,
}

#[derive(Debug)]
enum Predicate {
    Attribute(Box<str>, Box<str>),
    /// Among those of the name, counted from 1.
    Position(usize),
}

#[derive(Debug)]
enum Target {
    Element,
    Attribute(Box<str>),
    Text,
}

impl Path {
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('/')?;
        let mut steps = Vec::new();
        let mut target = Target::Element;
        while !rest.is_empty() {
            if let Some(name) = rest.strip_prefix('@') {
                target = Target::Attribute(Box::from(name));
                break;
            }
            if rest == "text()" {
                target = Target::Text;
                break;
            }
            let (step, behind) = Step::parse(rest)?;
            steps.push(step);
            rest = behind;
        }
        let root = (!steps.is_empty()).then(|| steps.remove(0))?;
        (&*root.name == "MPD" || &*root.name == "*").then_some(Self { steps, target })
    }
}

impl Step {
    /// The first step of a path, and what follows it.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let end = text.find(['/', '[']).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        let mut predicates = Vec::new();
        while let Some(inner) = rest.strip_prefix('[') {
            let (predicate, behind) = Predicate::parse(inner)?;
            predicates.push(predicate);
            rest = behind;
        }
        let rest = match rest.strip_prefix('/') {
            Some(rest) => rest,
            None if rest.is_empty() => rest,
            None => return None,
        };
        let name = Box::from(local(name));
        Some((Self { name, predicates }, rest))
    }

    /// The place of the child that it means.
    fn find(&self, parent: &Element) -> Option<usize> {
        let children = parent.children.iter().enumerate();
        let mut found: Vec<(usize, &Element)> = children
            .filter(|(_, it)| &*self.name == "*" || it.name == self.name)
            .collect();
        for predicate in &self.predicates {
            match predicate {
                Predicate::Attribute(name, value) => {
                    found.retain(|(_, it)| it.foreign(name).is_some_and(|has| **has == **value));
                }
                Predicate::Position(at) => {
                    let one = found.get(at.checked_sub(1)?).copied();
                    found = one.into_iter().collect();
                }
            }
        }
        found.first().map(|(at, _)| *at)
    }
}

impl Predicate {
    /// What stands behind an opening bracket, and what follows the closing one.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let Some(attribute) = text.trim_start().strip_prefix('@') else {
            let (position, rest) = text.split_once(']')?;
            return Some((Self::Position(position.trim().parse().ok()?), rest));
        };
        let (name, value) = attribute.split_once('=')?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|it| matches!(it, '\'' | '"'))?;
        // A bracket may stand in the value.
        let (value, rest) = value.get(1..)?.split_once(quote)?;
        let rest = rest.trim_start().strip_prefix(']')?;
        let name = local(name.trim());
        Some((Self::Attribute(Box::from(name), Box::from(value)), rest))
    }
}

/// The element at the end of some steps.
fn walk<'a>(root: &'a mut Element, steps: &[Step]) -> Option<&'a mut Element> {
    let mut at = root;
    for step in steps {
        let child = step.find(at)?;
        at = at.children.get_mut(child)?;
    }
    Some(at)
}

/// The parent of the element at the end, and the place that it has there.
fn parent<'a>(root: &'a mut Element, path: &Path) -> Option<(&'a mut Element, usize)> {
    let (last, before) = path.steps.split_last()?;
    let parent = walk(root, before)?;
    let at = last.find(parent)?;
    Some((parent, at))
}

fn set(element: &mut Element, name: &str, value: &str) {
    let value: Arc<str> = Arc::from(value);
    let known = element
        .attributes
        .iter_mut()
        .find(|(key, _)| &**key == name);
    match known {
        Some((_, old)) => *old = value,
        None => element.attributes.push((Box::from(name), value)),
    }
}

fn add(root: &mut Element, path: &Path, operation: &Element) -> Option<()> {
    if let Some(kind) = operation.attribute("type") {
        let name = kind.strip_prefix('@')?;
        set(walk(root, &path.steps)?, name, operation.content());
        return Some(());
    }
    let new = operation.children.iter().cloned();
    match operation.attribute("pos").map(|it| &**it) {
        Some("before") => {
            let (parent, at) = parent(root, path)?;
            parent.children.splice(at..at, new);
        }
        Some("after") => {
            let (parent, at) = parent(root, path)?;
            let behind = at.checked_add(1)?;
            parent.children.splice(behind..behind, new);
        }
        Some("prepend") => {
            let element = walk(root, &path.steps)?;
            element.children.splice(0..0, new);
        }
        _ => {
            let element = walk(root, &path.steps)?;
            element.children.extend(new);
            element.text.push_str(operation.content());
        }
    }
    Some(())
}

fn replace(root: &mut Element, path: &Path, operation: &Element) -> Option<()> {
    match &path.target {
        Target::Attribute(name) => {
            let element = walk(root, &path.steps)?;
            element.attribute(name)?;
            set(element, name, operation.content());
        }
        Target::Text => {
            walk(root, &path.steps)?.text = operation.content().to_owned();
        }
        Target::Element => {
            let (parent, at) = parent(root, path)?;
            let new = operation.children.first()?.clone();
            *parent.children.get_mut(at)? = new;
        }
    }
    Some(())
}

fn remove(root: &mut Element, path: &Path) -> Option<()> {
    match &path.target {
        Target::Attribute(name) => {
            let element = walk(root, &path.steps)?;
            let at = element.attributes.iter().position(|(key, _)| key == name)?;
            element.attributes.remove(at);
        }
        Target::Text => walk(root, &path.steps)?.text.clear(),
        Target::Element => {
            let (parent, at) = parent(root, path)?;
            parent.children.remove(at);
        }
    }
    Some(())
}
