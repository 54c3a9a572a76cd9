//! Writes `docs/vendor-compatibility.md`, or checks that it is what the code and the tests say: `kinora-service-clients [--check] FILE`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use kinora_service::served_actions;
use kinora_service_clients::{Proof, recorded};

const HEAD: &str = "\
# The vendor's clients · 厂商客户端

Made by `cargo xtask vendor-compatibility` from the service's table of actions and from `tests/service-clients/proofs.tsv`; do not edit. Each client is
the vendor's own, unchanged, in the version that `tests/service-clients/clients` names; a test holds that it makes these calls and that these fields of the
replies are read. What is not listed answers `InvalidAction.NotFound`. 由 `cargo xtask vendor-compatibility` 根据服务的操作表和测试记录生成，请勿手改。各客户端均为厂商原版，
由测试保证所列调用与字段；未列出的操作返回 `InvalidAction.NotFound`。
";

fn main() -> io::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let made = document(&recorded());
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--check", file] => {
            if std::fs::read_to_string(file)? != made {
                eprintln!("{file} is old: run `cargo xtask vendor-compatibility`");
                return Ok(ExitCode::FAILURE);
            }
        }
        [file] => std::fs::write(file, made)?,
        _ => print!("{made}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn document(proofs: &[Proof]) -> String {
    let clients: BTreeSet<&str> = proofs.iter().map(|proof| &*proof.client).collect();
    let letters: BTreeMap<&str, char> = clients.into_iter().zip('A'..='Z').collect();
    let mut text = HEAD.to_owned();
    text += "\n| | client 客户端 |\n|--|--|\n";
    for (client, letter) in &letters {
        let _ = writeln!(text, "| {letter} | {client} |");
    }
    let mut version = "";
    for action in served_actions() {
        if action.version != version {
            version = action.version;
            let _ = write!(
                text,
                "\n## {version}\n\n| action 操作 | right 权限 | parameters 参数 | proved by 验证 | fields read 读取的字段 |\n|--|--|--|--|--|\n"
            );
        }
        let is_of = |proof: &&Proof| proof.version == version && proof.action == action.name;
        let of: Vec<&Proof> = proofs.iter().filter(is_of).collect();
        let served = of.iter().filter(|proof| proof.answer == "200");
        let by: String = served
            .clone()
            .filter_map(|proof| letters.get(&*proof.client))
            .collect();
        let fields: BTreeSet<&str> = served
            .flat_map(|proof| proof.fields.iter().map(String::as_str))
            .collect();
        let (parameters, fields) = (code(action.parameters), code(fields));
        let _ = writeln!(
            text,
            "| {} | `{}` | {parameters} | {by} | {fields} |",
            action.name, action.permission
        );
    }
    text += "\n## Refusals that the clients understood · 客户端理解的拒绝\n\n| code | asked for 操作 | by |\n|--|--|--|\n";
    let mut refusals: BTreeMap<(&str, &str), BTreeSet<char>> = BTreeMap::new();
    for proof in proofs.iter().filter(|proof| proof.answer != "200") {
        let by = refusals.entry((&proof.answer, &proof.action)).or_default();
        by.extend(letters.get(&*proof.client));
    }
    for ((answer, action), by) in refusals {
        let by: String = by.into_iter().collect();
        let _ = writeln!(text, "| `{answer}` | {action} | {by} |");
    }
    text
}

fn code<'a>(words: impl IntoIterator<Item = impl AsRef<str> + 'a>) -> String {
    let words = words.into_iter().map(|word| format!("`{}`", word.as_ref()));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_stands_with_its_action_and_a_refusal_with_its_code() {
        let proof = |answer: &str, fields: &[&str]| Proof {
            client: "c".into(),
            version: "2017-03-21".into(),
            action: "GetVideoInfo".into(),
            answer: answer.into(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        };
        let text = document(&[proof("200", &["Video.Title"]), proof("X.Y", &[])]);
        assert!(
            text.contains("| GetVideoInfo | `vod:GetVideoInfo` | `VideoId` | A | `Video.Title` |"),
            "{text}"
        );
        assert!(text.contains("| `X.Y` | GetVideoInfo | A |"), "{text}");
        assert!(
            text.contains("| GetPlayInfo | `vod:GetPlayInfo` |"),
            "{text}"
        );
    }
}
