//! When a statement counts. Every key is of a kind, and only the operators of that kind judge it.

use std::net::IpAddr;

use kinora_cloud::UnixTime;

use super::address::AddressRange;
use super::error::{PolicyProblem, clip};
use super::pattern::Pattern;

/// What conditions can ask of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ConditionContext {
    /// `acs:SourceIp`; nothing where it is not known.
    pub(crate) source_ip: Option<IpAddr>,
    /// `acs:SecureTransport`: whether the client came by HTTPS.
    pub(crate) secure_transport: bool,
    /// `acs:CurrentTime`.
    pub(crate) now: UnixTime,
    /// `acs:PrincipalARN`: who asks.
    pub(crate) principal: String,
}

/// One operator with one key and its values, of which any may hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    Principal {
        compare: StringOperator,
        negated: bool,
        values: Vec<String>,
    },
    SecureTransport(Vec<bool>),
    SourceIp {
        negated: bool,
        ranges: Vec<AddressRange>,
    },
    CurrentTime {
        compare: DateOperator,
        values: Vec<UnixTime>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StringOperator {
    Equals,
    EqualsIgnoreCase,
    Like,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DateOperator {
    Equals,
    NotEquals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

#[derive(Clone, Copy)]
enum Operator {
    String(StringOperator, bool),
    Bool,
    Address(bool),
    Date(DateOperator),
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "StringEquals" => Operator::String(StringOperator::Equals, false),
        "StringNotEquals" => Operator::String(StringOperator::Equals, true),
        "StringEqualsIgnoreCase" => Operator::String(StringOperator::EqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => Operator::String(StringOperator::EqualsIgnoreCase, true),
        "StringLike" => Operator::String(StringOperator::Like, false),
        "StringNotLike" => Operator::String(StringOperator::Like, true),
        "Bool" => Operator::Bool,
        "IpAddress" => Operator::Address(false),
        "NotIpAddress" => Operator::Address(true),
        "DateEquals" => Operator::Date(DateOperator::Equals),
        "DateNotEquals" => Operator::Date(DateOperator::NotEquals),
        "DateLessThan" => Operator::Date(DateOperator::LessThan),
        "DateLessThanEquals" => Operator::Date(DateOperator::LessThanEquals),
        "DateGreaterThan" => Operator::Date(DateOperator::GreaterThan),
        "DateGreaterThanEquals" => Operator::Date(DateOperator::GreaterThanEquals),
        _ => return None,
    })
}

/// Whether there is a condition key of that name.
pub(super) fn is_key(name: &str) -> bool {
    let known = [
        "acs:SourceIp",
        "acs:CurrentTime",
        "acs:SecureTransport",
        "acs:PrincipalARN",
    ];
    known.contains(&name)
}

/// Whether there is an operator of that name.
pub(super) fn is_operator(name: &str) -> bool {
    operator(name).is_some()
}

impl Condition {
    pub(super) fn parse(name: &str, key: &str, values: &[&str]) -> Result<Self, PolicyProblem> {
        let found = operator(name).ok_or_else(|| PolicyProblem::Operator(clip(name)))?;
        let fitting = match (key, found) {
            ("acs:PrincipalARN", Operator::String(compare, negated)) => {
                return Ok(Self::Principal {
                    compare,
                    negated,
                    values: all(values, "acs:ram:*:*:role/NAME", principal)?,
                });
            }
            ("acs:SecureTransport", Operator::Bool) => {
                return all(values, "true, false", boolean).map(Self::SecureTransport);
            }
            ("acs:SourceIp", Operator::Address(negated)) => {
                let ranges = all(values, "192.0.2.0/24, 2001:db8::1", AddressRange::parse)?;
                return Ok(Self::SourceIp { negated, ranges });
            }
            ("acs:CurrentTime", Operator::Date(compare)) => {
                let form = "2026-01-31T18:00:00Z, 2026-01-31T18:00:00+08:00";
                let values = all(values, form, moment)?;
                return Ok(Self::CurrentTime { compare, values });
            }
            ("acs:PrincipalARN", _) => "StringEquals, StringLike …",
            ("acs:SecureTransport", _) => "Bool",
            ("acs:SourceIp", _) => "IpAddress, NotIpAddress",
            ("acs:CurrentTime", _) => "DateLessThan, DateGreaterThan …",
            _ => return Err(PolicyProblem::Key(clip(key))),
        };
        Err(PolicyProblem::KeyOfAnotherKind {
            operator: name.to_owned(),
            fitting,
        })
    }

    /// Whether it holds; nothing where what it asks for is not known.
    pub(super) fn holds(&self, context: &ConditionContext) -> Option<bool> {
        Some(match self {
            Self::Principal {
                compare,
                negated,
                values,
            } => {
                let mut values = values.iter();
                values.any(|value| compare.holds(value, &context.principal)) != *negated
            }
            Self::SecureTransport(values) => values.contains(&context.secure_transport),
            Self::SourceIp { negated, ranges } => {
                let address = context.source_ip?;
                ranges.iter().any(|range| range.contains(address)) != *negated
            }
            // "Not equal" to several is to none of them; of the others one may hold.
            Self::CurrentTime {
                compare: DateOperator::NotEquals,
                values,
            } => !values.contains(&context.now),
            Self::CurrentTime { compare, values } => values
                .iter()
                .any(|value| compare.holds(context.now, *value)),
        })
    }
}

impl StringOperator {
    fn holds(self, value: &str, found: &str) -> bool {
        match self {
            Self::Equals => value == found,
            Self::EqualsIgnoreCase => value.eq_ignore_ascii_case(found),
            Self::Like => Pattern::new(value).matches(found),
        }
    }
}

impl DateOperator {
    fn holds(self, now: UnixTime, value: UnixTime) -> bool {
        match self {
            Self::Equals => now == value,
            Self::NotEquals => now != value,
            Self::LessThan => now < value,
            Self::LessThanEquals => now <= value,
            Self::GreaterThan => now > value,
            Self::GreaterThanEquals => now >= value,
        }
    }
}

fn all<T>(
    values: &[&str],
    form: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Vec<T>, PolicyProblem> {
    let read = |value: &&str| {
        parse(value).ok_or_else(|| PolicyProblem::Value {
            value: clip(value),
            form,
        })
    };
    values.iter().map(read).collect()
}

fn principal(text: &str) -> Option<String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| text.to_owned())
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// ISO 8601 with whole seconds and an offset from UTC.
fn moment(text: &str) -> Option<UnixTime> {
    // `UnixTime` reads the form that ends in Z; an offset is taken off what stands before it.
    const LEN: usize = "2026-01-31T18:00:00".len();
    let (local, offset) = text.split_at_checked(LEN)?;
    let plain = local
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b':' | b'T'));
    if !plain {
        return None;
    }
    let local = UnixTime::parse(&format!("{local}Z"))?;
    if offset == "Z" {
        return Some(local);
    }
    let (sign, clock) = match offset.split_at_checked(1)? {
        ("+", clock) => (1, clock),
        ("-", clock) => (-1, clock),
        _ => return None,
    };
    let (hours, minutes) = clock.split_once(':')?;
    let two = |text: &str, most: i64| -> Option<i64> {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|value| digits && *value <= most)
    };
    let ahead_s = sign * (two(hours, 23)? * 3600 + two(minutes, 59)? * 60);
    Some(local.after(-ahead_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> ConditionContext {
        ConditionContext {
            source_ip: Some("192.0.2.7".parse().unwrap()),
            secure_transport: false,
            now: UnixTime::parse("2026-01-31T10:00:00Z").unwrap(),
            principal: "acs:ram::1:role/player".to_owned(),
        }
    }

    fn holds(operator: &str, key: &str, values: &[&str]) -> bool {
        let condition = Condition::parse(operator, key, values).unwrap();
        condition.holds(&context()).unwrap()
    }

    const OURS: &str = "acs:ram::1:role/player";
    const SHOUTED: &str = "ACS:RAM::1:ROLE/PLAYER";
    /// An operator, its opposite, key, value, and whether it holds.
    const OPERATORS: &[(&str, &str, &str, &str, bool)] = &[
        (
            "StringEquals",
            "StringNotEquals",
            "acs:PrincipalARN",
            OURS,
            true,
        ),
        (
            "StringEquals",
            "StringNotEquals",
            "acs:PrincipalARN",
            SHOUTED,
            false,
        ),
        (
            "StringEquals",
            "StringNotEquals",
            "acs:PrincipalARN",
            "acs:*",
            false,
        ),
        (
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "acs:PrincipalARN",
            SHOUTED,
            true,
        ),
        (
            "StringLike",
            "StringNotLike",
            "acs:PrincipalARN",
            "acs:ram:*:*:role/p?ayer",
            true,
        ),
        (
            "StringLike",
            "StringNotLike",
            "acs:PrincipalARN",
            "acs:ram:*:*:role/x*",
            false,
        ),
        (
            "IpAddress",
            "NotIpAddress",
            "acs:SourceIp",
            "192.0.2.0/24",
            true,
        ),
        (
            "IpAddress",
            "NotIpAddress",
            "acs:SourceIp",
            "198.51.100.1",
            false,
        ),
        (
            "DateEquals",
            "DateNotEquals",
            "acs:CurrentTime",
            "2026-01-31T18:00:00+08:00",
            true,
        ),
        (
            "DateLessThan",
            "DateGreaterThanEquals",
            "acs:CurrentTime",
            "2026-01-31T10:00:00Z",
            false,
        ),
        (
            "DateLessThan",
            "DateGreaterThanEquals",
            "acs:CurrentTime",
            "2026-01-31T10:00:01Z",
            true,
        ),
        (
            "DateGreaterThan",
            "DateLessThanEquals",
            "acs:CurrentTime",
            "2026-01-31T10:00:00Z",
            false,
        ),
        (
            "DateGreaterThan",
            "DateLessThanEquals",
            "acs:CurrentTime",
            "2026-01-31T04:59:59-05:00",
            true,
        ),
        ("Bool", "Bool", "acs:SecureTransport", "false", true),
    ];

    #[test]
    fn every_operator_and_its_opposite_judge_its_key() {
        for (operator, opposite, key, value, holding) in OPERATORS {
            assert_eq!(
                holds(operator, key, &[value]),
                *holding,
                "{operator} {value}"
            );
            if operator != opposite {
                assert_eq!(
                    holds(opposite, key, &[value]),
                    !*holding,
                    "{opposite} {value}"
                );
            }
        }
        assert!(!holds("Bool", "acs:SecureTransport", &["true"]));
    }

    #[test]
    fn of_several_values_one_is_enough_and_a_negation_excludes_them_all() {
        let ranges = ["198.51.100.0/24", "192.0.2.0/24"];
        assert!(holds("IpAddress", "acs:SourceIp", &ranges));
        assert!(!holds("NotIpAddress", "acs:SourceIp", &ranges));
        let times = ["2026-01-31T10:00:00Z", "2027-01-01T00:00:00Z"];
        assert!(holds("DateEquals", "acs:CurrentTime", &times));
        assert!(!holds("DateNotEquals", "acs:CurrentTime", &times));
    }

    #[test]
    fn what_is_not_known_is_neither_held_nor_not() {
        let unknown = ConditionContext {
            source_ip: None,
            ..context()
        };
        for operator in ["IpAddress", "NotIpAddress"] {
            let condition = Condition::parse(operator, "acs:SourceIp", &["::/0"]).unwrap();
            assert_eq!(condition.holds(&unknown), None);
        }
    }

    #[test]
    fn an_operator_that_can_not_read_its_key_or_value_is_refused() {
        for (operator, key, value) in [
            ("Sometimes", "acs:SourceIp", "192.0.2.1"),
            ("stringequals", "acs:PrincipalARN", "x"),
            ("NumericEquals", "acs:CurrentTime", "1"),
            ("IpAddress", "acs:sourceip", "192.0.2.1"),
            ("IpAddress", "acs:PrincipalARN", "192.0.2.1"),
            ("StringEquals", "acs:SourceIp", "192.0.2.1"),
            ("Bool", "acs:SecureTransport", "True"),
            ("Bool", "acs:SecureTransport", ""),
            ("IpAddress", "acs:SourceIp", "everywhere"),
            ("DateLessThan", "acs:CurrentTime", "tomorrow"),
            ("DateLessThan", "acs:CurrentTime", "2026-01-31T18:00:00"),
            (
                "DateLessThan",
                "acs:CurrentTime",
                "2026-01-31T18:00:00+8:00",
            ),
            (
                "DateLessThan",
                "acs:CurrentTime",
                "2026-01-31T18:00:00+24:00",
            ),
            ("DateLessThan", "acs:CurrentTime", "2026-01-31T18:00:00Z "),
            ("DateLessThan", "acs:CurrentTime", "+026-01-31T18:00:00Z"),
            ("DateLessThan", "acs:CurrentTime", "2026-02-30T18:00:00Z"),
        ] {
            assert!(
                Condition::parse(operator, key, &[value]).is_err(),
                "{operator} {key} {value}"
            );
        }
    }
}
