//! Programs that are not ours, pointed at a service that is: see `tests/`. What they proved is written down in `proofs.tsv`, of
//! which `docs/vendor-compatibility.md` is made.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fmt;

/// That a client made a call and understood what was answered.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Proof {
    /// Which client.
    pub client: String,
    /// Version of the service.
    pub version: String,
    /// What it asked for.
    pub action: String,
    /// `200`, or the code of the refusal.
    pub answer: String,
    /// What was read of the reply, `List.Item[].Field`.
    pub fields: BTreeSet<String>,
}

/// A line of `proofs.tsv`.
impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        let Self {
            client,
            version,
            action,
            answer,
            ..
        } = self;
        write!(f, "{client}\t{version}\t{action}\t{answer}")?;
        match fields.is_empty() {
            true => Ok(()),
            false => write!(f, "\t{}", fields.join(" ")),
        }
    }
}

impl Proof {
    fn parse(line: &str) -> Option<Self> {
        let mut columns = line.split('\t').map(str::to_owned);
        Some(Self {
            client: columns.next()?,
            version: columns.next()?,
            action: columns.next()?,
            answer: columns.next()?,
            fields: columns
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// What is written down, in order. Each test holds that its client does just that.
#[must_use]
pub fn recorded() -> Vec<Proof> {
    let lines = include_str!("../proofs.tsv").lines();
    let mut proofs: Vec<Proof> = lines.filter_map(Proof::parse).collect();
    proofs.sort();
    proofs
}

/// Whether a client did just what is written down of it.
///
/// # Errors
/// What is written down, and what should be.
pub fn check(client: &str, done: &[Proof]) -> Result<(), String> {
    let lines = |proofs: &[Proof]| {
        let lines = proofs.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>().join("\n")
    };
    let recorded: Vec<Proof> = recorded()
        .into_iter()
        .filter(|proof| proof.client == client)
        .collect();
    match recorded == done {
        true => Ok(()),
        false => Err(format!(
            "proofs.tsv says of {client}:\n{}\nand it did:\n{}",
            lines(&recorded),
            lines(done)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_read_as_it_is_written() {
        for text in ["c d\tv\ta\t200\tA.B C[].D", "c\tv\ta\tCode.X"] {
            let read = Proof::parse(text).map(|proof| proof.to_string());
            assert_eq!(read.as_deref(), Some(text));
        }
        assert_eq!(Proof::parse("c\tv"), None);
    }
}
