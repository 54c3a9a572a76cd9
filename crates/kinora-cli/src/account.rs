//! `kinora account`: access keys, roles and referer rules. Secrets are shown once, when a key is made.

use kinora_errors::Coded;
use kinora_service::{
    AccessKey, Library, Policy, Principal, RamRole, RefererRule, ServiceError, TrustPolicy,
};
use serde_json::{Value, json};

use crate::args::{KeyState, NoReferer, RefererArgs, SetKeyArgs, SetRoleArgs, Trusted};
use crate::json;
use crate::out;
use crate::report::{Failure, Style};
use crate::source::secret;

/// What the operator misspelt is a matter of the arguments; the rest has its number.
fn failed(error: ServiceError) -> Failure {
    let chinese = match &error {
        ServiceError::NoAccessKey => "没有这个访问密钥：`kinora account keys` 列出全部密钥",
        ServiceError::NoRole => "没有这个角色：`kinora account roles` 列出全部角色",
        ServiceError::RoleName => "角色的名称应为 1 到 64 个字母、数字或 . - _",
        _ => return Failure::of(&error as &dyn Coded),
    };
    Failure::usage(error.to_string(), chinese)
}

/// The document that `--policy` gives, or the file that it names. Unknown actions are reported.
fn policy(given: Option<&str>, style: &Style) -> Result<Option<Policy>, Failure> {
    let Some(given) = given else {
        return Ok(None);
    };
    let policy = Policy::parse(secret(given)?.expose()).map_err(|error| {
        let sentence = |lang| error.sentence(lang);
        Failure::usage(
            format!("--policy: {}", sentence(kinora_errors::Lang::En)),
            format!("--policy：{}", sentence(kinora_errors::Lang::Zh)),
        )
    })?;
    for action in policy.unknown_actions() {
        let note = style.say(
            "note: this service has no such action, so it has no effect:",
            "注意：本服务没有这个操作，因此不起作用：",
        );
        out::reported(&format!("kinora: {note} {action}"));
    }
    Ok(Some(policy))
}

/// A checked document, as the JSON that it is.
fn document(policy: &Policy) -> Value {
    serde_json::from_str(policy.document()).unwrap_or_default()
}

pub(crate) async fn new_key(
    library: &Library,
    given: Option<&str>,
    style: &Style,
) -> Result<AccessKey, Failure> {
    let policy = policy(given, style)?.unwrap_or_else(Policy::all);
    library.new_access_key(policy).await.map_err(failed)
}

pub(crate) async fn keys(library: &Library, style: &Style) -> Result<(), Failure> {
    for key in library.access_keys().await.map_err(failed)? {
        if style.json {
            json::line(&json!({
                "access_key_id": key.id, "active": key.active, "policy": document(&key.policy),
            }));
            continue;
        }
        let state = match key.active {
            true => style.say("on ", "启用"),
            false => style.say("off", "停用"),
        };
        out::line(&format!("{}  {state}  {}", key.id, key.policy));
    }
    Ok(())
}

pub(crate) async fn set_key(
    library: &Library,
    args: &SetKeyArgs,
    style: &Style,
) -> Result<(), Failure> {
    let policy = policy(args.policy.as_deref(), style)?;
    let active = args.state.map(|state| state == KeyState::On);
    let changed = library.update_access_key(&args.id, policy.as_ref(), active);
    changed.await.map_err(failed)
}

pub(crate) async fn delete_key(library: &Library, id: &str) -> Result<(), Failure> {
    match library.delete_access_key(id).await.map_err(failed)? {
        true => Ok(()),
        false => Err(failed(ServiceError::NoAccessKey)),
    }
}

pub(crate) async fn delete_role(library: &Library, name: &str) -> Result<(), Failure> {
    library.delete_role(name).await.map_err(failed)
}

pub(crate) async fn roles(library: &Library, style: &Style) -> Result<(), Failure> {
    for role in library.roles().await.map_err(failed)? {
        let trust: Vec<String> = role.trust.principals().map(Principal::to_string).collect();
        if style.json {
            json::line(&json!({
                "role": role.name, "trust": trust, "policy": document(&role.policy),
            }));
            continue;
        }
        let trusts = match trust.is_empty() {
            true => style.say("trusts nobody", "不信任任何人").to_owned(),
            false => format!("{} {}", style.say("trusts", "信任"), trust.join(" ")),
        };
        out::line(&format!("{}  {trusts}  {}", role.name, role.policy));
    }
    Ok(())
}

/// Changes a role, or makes it where there is none.
pub(crate) async fn set_role(
    library: &Library,
    args: &SetRoleArgs,
    style: &Style,
) -> Result<(), Failure> {
    let policy = policy(args.policy.as_deref(), style)?;
    let trust = trust(library, args).await?;
    let changed = library.update_role(&args.name, policy.as_ref(), trust.as_ref());
    match changed.await {
        Err(ServiceError::NoRole) => {}
        done => return done.map_err(failed),
    }
    let policy = policy.ok_or_else(|| {
        Failure::usage(
            "there is no such role yet: a new one needs --policy",
            "还没有这个角色：新建角色需要 --policy",
        )
    })?;
    let role = RamRole {
        name: args.name.clone(),
        policy,
        trust: trust.unwrap_or_else(TrustPolicy::account),
    };
    library.put_role(&role).await.map_err(failed)
}

/// Whom `--trust` names; a key or role that is not there is a misspelling.
async fn trust(library: &Library, args: &SetRoleArgs) -> Result<Option<TrustPolicy>, Failure> {
    if args.trust.is_empty() {
        return Ok(None);
    }
    let named = |one: &Trusted| match one {
        Trusted::Nobody => None,
        Trusted::One(principal) => Some(principal.clone()),
    };
    let principals: Vec<Principal> = args.trust.iter().filter_map(named).collect();
    if !principals.is_empty() && principals.len() < args.trust.len() {
        return Err(Failure::usage(
            "--trust nobody excludes all others",
            "--trust nobody 不能与其他信任对象同时使用",
        ));
    }
    let keys = library.access_keys().await.map_err(failed)?;
    let roles = library.roles().await.map_err(failed)?;
    for principal in &principals {
        let known = match principal {
            Principal::Account => true,
            Principal::Key(id) => keys.iter().any(|key| key.id == *id),
            Principal::Role(name) => {
                *name == args.name || roles.iter().any(|role| role.name == *name)
            }
        };
        if !known {
            return Err(Failure::usage(
                format!("--trust {principal}: there is no such access key or role"),
                format!("--trust {principal}：没有这个访问密钥或角色"),
            ));
        }
    }
    Ok(Some(principals.into_iter().collect()))
}

/// Changes what is given of the rule; shows it where nothing is given.
pub(crate) async fn referer(
    library: &Library,
    args: &RefererArgs,
    style: &Style,
) -> Result<(), Failure> {
    if args.clear {
        let none = RefererRule::default();
        return library.set_referer_rule(&none).await.map_err(failed);
    }
    let mut rule = library.referer_rule().await.map_err(failed)?;
    let before = rule.clone();
    if !args.allow.is_empty() {
        rule.allow.clone_from(&args.allow);
    }
    if !args.deny.is_empty() {
        rule.deny.clone_from(&args.deny);
    }
    if let Some(what) = args.no_referer {
        rule.allow_empty = what == NoReferer::Pass;
    }
    let asked = args.allow.is_empty() && args.deny.is_empty() && args.no_referer.is_none();
    if asked {
        show_referer(&before, style);
        return Ok(());
    }
    library.set_referer_rule(&rule).await.map_err(failed)
}

fn show_referer(rule: &RefererRule, style: &Style) {
    if style.json {
        return json::line(rule);
    }
    for host in &rule.allow {
        out::line(&format!("{}  {host}", style.say("allow", "允许")));
    }
    for host in &rule.deny {
        out::line(&format!("{}  {host}", style.say("deny ", "拒绝")));
    }
    let without = match rule.allow_empty {
        true => style.say("without Referer: pass", "没有 Referer：放行"),
        false => style.say("without Referer: refuse", "没有 Referer：拒绝"),
    };
    out::line(without);
}
