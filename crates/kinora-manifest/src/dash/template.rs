//! The identifiers of URL templates (ISO/IEC 23009-1 5.3.9.4.4).

use core::fmt::Write as _;

/// What the identifiers stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub(super) representation: &'a str,
    pub(super) bandwidth: u64,
    pub(super) number: Option<u64>,
    pub(super) time: Option<u64>,
}

/// Leading zeros make a number no longer than that.
const MAX_WIDTH: usize = 32;

/// The URL of a template. What is no identifier stays as it is written.
pub(super) fn expand(template: &str, values: Values<'_>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        let Some((identifier, after)) = behind.split_once('$') else {
            out.push('$');
            rest = behind;
            break;
        };
        match value(identifier, values) {
            Some(value) => {
                out.push_str(&value);
                rest = after;
            }
            None => {
                out.push('$');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

fn value(identifier: &str, values: Values<'_>) -> Option<String> {
    let (name, format) = match identifier.split_once('%') {
        Some((name, format)) => (name, Some(format)),
        None => (identifier, None),
    };
    let number = match name {
        "" if format.is_none() => return Some("$".to_owned()),
        "RepresentationID" if format.is_none() => return Some(values.representation.to_owned()),
        "Number" => values.number?,
        "Time" => values.time?,
        "Bandwidth" => values.bandwidth,
        _ => return None,
    };
    let width = match format {
        None => 1,
        Some(format) => {
            let digits = format.strip_suffix(['d', 'i', 'u'])?;
            match digits.is_empty() {
                true => 1,
                false => digits.parse().ok()?,
            }
        }
    };
    let mut out = String::new();
    write!(out, "{number:0width$}", width = MAX_WIDTH.min(width)).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(template: &str) -> String {
        let values = Values {
            representation: "v1",
            bandwidth: 500,
            number: Some(7),
            time: Some(90_000),
        };
        expand(template, values)
    }

    #[test]
    fn identifiers_are_replaced_and_padded() {
        assert_eq!(
            with("$RepresentationID$/$Bandwidth$/$Number%05d$-$Time$.m4s"),
            "v1/500/00007-90000.m4s"
        );
        assert_eq!(with("$$$Number$$$.m4s"), "$7$.m4s");
        assert_eq!(with("$Number%03d$"), "007");
        assert_eq!(with("$Number%d$"), "7");
        assert_eq!(with("$Number%09999d$").len(), MAX_WIDTH);
    }

    #[test]
    fn what_is_no_identifier_stays() {
        for text in [
            "a$b",
            "$Other$/$",
            "$RepresentationID%05d$",
            "$Number%0xs$",
            "100%",
        ] {
            assert_eq!(with(text), text);
        }
        assert_eq!(with("$Other$Number$"), "$Other7");
        assert_eq!(
            expand(
                "$Time$",
                Values {
                    representation: "",
                    bandwidth: 0,
                    number: None,
                    time: None
                }
            ),
            "$Time$"
        );
    }
}
