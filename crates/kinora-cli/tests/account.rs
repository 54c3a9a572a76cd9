//! The operator's commands for keys, roles and referer rules, on a data directory of their own.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};
use std::sync::Arc;

use kinora_service::{HostPattern, Library, SystemClock};
use serde_json::{Value, json};

const PLAYING: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"vod:GetPlayInfo","Resource":"*"}]}"#;

struct Account(tempfile::TempDir);

impl Account {
    fn new() -> Self {
        let room = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let data = room.path().join("data");
            let library = Library::create(&data, Arc::new(SystemClock)).await;
            library.unwrap().close().await;
        });
        Self(room)
    }
    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_kinora"))
            .arg("account")
            .args(args)
            .arg("--data")
            .arg(self.0.path().join("data"))
            .env("LC_ALL", "C")
            .output()
            .unwrap()
    }
    /// What it printed, as it must have ended well.
    fn prints(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert!(done.status.success(), "{args:?}: {}", stderr(&done));
        String::from_utf8(done.stdout).unwrap()
    }
    fn json(&self, args: &[&str]) -> Vec<Value> {
        let text = self.prints(&[args, &["--json"]].concat());
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
    /// What was printed, as it must have been refused.
    fn refuses(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.status.code(), Some(2), "{args:?}: {}", stderr(&done));
        assert_eq!(done.stdout, b"");
        stderr(&done)
    }
    fn new_key(&self, args: &[&str]) -> (String, String) {
        let key = &self.json(&[&["new-key"], args].concat())[0];
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        (text("access_key_id"), text("access_key_secret"))
    }
}

fn stderr(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

#[test]
fn keys_are_listed_and_switched_and_their_secrets_never_shown_again() {
    let account = Account::new();
    let (id, secret) = account.new_key(&["--policy", PLAYING]);
    let (other, other_secret) = account.new_key(&[]);
    let playing: Value = serde_json::from_str(PLAYING).unwrap();
    let of = |keys: Vec<Value>, id: &str| {
        let mut keys = keys.into_iter();
        keys.find(|key| key["access_key_id"] == id).unwrap()
    };
    let expected = json!({ "access_key_id": id, "active": true, "policy": playing });
    assert_eq!(of(account.json(&["keys"]), &id), expected);
    assert_eq!(account.prints(&["set-key", &id, "--state", "off"]), "");
    let off = of(account.json(&["keys"]), &id);
    assert_eq!((&off["active"], &off["policy"]), (&json!(false), &playing));
    let file = account.0.path().join("policy.json");
    std::fs::write(&file, PLAYING.replace("GetPlayInfo", "Get*") + "\n").unwrap();
    let file = format!("@{}", file.display());
    account.prints(&["set-key", &id, "--policy", &file]);
    let changed = of(account.json(&["keys"]), &id);
    assert_eq!(changed["policy"]["Statement"][0]["Action"], "vod:Get*");
    assert_eq!(changed["active"], false);

    let text = account.prints(&["keys"]) + &account.prints(&["keys", "--lang", "zh"]);
    assert!(
        text.contains(&format!("{id}  off  {{")) && text.contains("停用"),
        "{text}"
    );
    for secret in [secret, other_secret] {
        assert!(!text.contains(&secret) && !changed.to_string().contains(&secret));
    }
    account.prints(&["delete-key", &other]);
    assert_eq!(account.json(&["keys"]).len(), 1);
    for gone in [
        &["delete-key", &*other][..],
        &["set-key", &other, "--state", "on"],
    ] {
        assert!(account.refuses(gone).contains("kinora account keys"));
    }
    assert!(account.refuses(&["set-key", &id]).contains("--state"));
}

#[test]
fn roles_are_made_changed_and_deleted() {
    let account = Account::new();
    let (id, _) = account.new_key(&[]);
    let player = &account.json(&["roles"])[0];
    assert_eq!(
        (&player["role"], &player["trust"]),
        (&json!("player"), &json!(["*"]))
    );
    account.prints(&["set-role", "viewer", "--policy", PLAYING]);
    account.prints(&[
        "set-role",
        "viewer",
        "--trust",
        &id,
        "--trust",
        "role/player",
    ]);
    let roles = account.json(&["roles"]);
    assert_eq!(roles[1]["trust"], json!([id, "role/player"]));
    assert_eq!(
        roles[1]["policy"]["Statement"][0]["Action"],
        "vod:GetPlayInfo"
    );
    account.prints(&["set-role", "viewer", "--trust", "nobody"]);
    assert!(
        account
            .prints(&["roles"])
            .contains("viewer  trusts nobody  {")
    );
    account.prints(&["delete-role", "viewer"]);
    assert_eq!(account.json(&["roles"]).len(), 1);
    for (args, why) in [
        (&["set-role", "new", "--trust", "*"][..], "--policy"),
        (
            &["set-role", "player", "--trust", "KN0"],
            "no such access key",
        ),
        (
            &["set-role", "player", "--trust", "role/nobody"],
            "no such access key or role",
        ),
        (
            &["set-role", "player", "--trust", "nobody", "--trust", "*"],
            "excludes",
        ),
        (&["set-role", "player", "--trust", "a b"], "role/NAME"),
        (&["set-role", "player"], "--policy"),
        (&["set-role", "a/b", "--policy", PLAYING], "1 to 64 letters"),
        (&["delete-role", "viewer"], "kinora account roles"),
        (&["delete-role", "viewer", "--lang", "zh"], "没有这个角色"),
    ] {
        let reported = account.refuses(args);
        assert!(reported.contains(why), "{args:?}: {reported}");
    }
}

#[test]
fn a_policy_that_is_not_obeyed_is_refused_with_its_place_in_both_languages() {
    let account = Account::new();
    let odd = PLAYING.replace(r#""Resource":"*""#, r#""Resource":"acs:vod:*:*:vidoe/1""#);
    for args in [
        &["new-key"][..],
        &["set-key", "KN1"],
        &["set-role", "viewer"],
    ] {
        let args = [args, &["--policy", &odd]].concat();
        let reported = account.refuses(&args);
        assert!(
            reported.contains("--policy: Statement[0].Resource: "),
            "{reported}"
        );
        let reported = account.refuses(&[&args[..], &["--lang", "zh"]].concat());
        assert!(
            reported.contains("--policy：Statement[0].Resource：") && reported.contains("资源"),
            "{reported}"
        );
    }
    let twice = PLAYING.replace(r#""Resource""#, r#""Action":"*","Resource""#);
    let reported = account.refuses(&["new-key", "--policy", &twice]);
    assert!(
        reported.contains(r#""Action" is given twice"#) && reported.contains("column"),
        "{reported}"
    );
    assert_eq!(account.json(&["keys"]), Vec::<Value>::new());

    // What is understood and can have no effect is taken, and reported.
    let idle = PLAYING.replace("GetPlayInfo", "GetPlayInfos");
    let done = account.run(&["new-key", "--policy", &idle]);
    assert!(
        done.status.success() && stderr(&done).contains("vod:GetPlayInfos"),
        "{}",
        stderr(&done)
    );
}

#[test]
fn referer_rules_are_set_shown_and_cleared() {
    let account = Account::new();
    let open = json!({ "allow": [], "deny": [], "allow_empty": true });
    assert_eq!(account.json(&["referer"])[0], open);
    account.prints(&[
        "referer",
        "--allow",
        "Example.COM.",
        "--allow",
        "*.example.com",
    ]);
    account.prints(&[
        "referer",
        "--deny",
        "bad.example.com",
        "--no-referer",
        "refuse",
    ]);
    let rule = json!({
        "allow": ["example.com", "*.example.com"], "deny": ["bad.example.com"], "allow_empty": false,
    });
    assert_eq!(account.json(&["referer"])[0], rule);
    let text = account.prints(&["referer"]);
    assert!(
        text.contains("deny   bad.example.com\n") && text.contains("refuse"),
        "{text}"
    );
    for bad in [
        "https://example.com",
        "example.com/",
        "example.com:80",
        "*.*",
        "exam ple",
        "",
    ] {
        assert!(bad.parse::<HostPattern>().is_err());
        for side in ["--allow", "--deny"] {
            let option = format!("{side}={bad}");
            let reported = account.refuses(&["referer", &option]);
            assert!(
                reported.contains("say a host") || reported.contains("a value is required"),
                "{reported}"
            );
            let reported = account.refuses(&["referer", &option, "--lang", "zh"]);
            assert!(
                reported.contains("主机名") || reported.contains("需要一个值"),
                "{reported}"
            );
        }
    }
    assert_eq!(account.json(&["referer"]), [rule]);
    account.prints(&["referer", "--clear"]);
    assert_eq!(account.json(&["referer"]), [open]);
}
