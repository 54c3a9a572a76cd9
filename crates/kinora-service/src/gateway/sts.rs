//! Who one is, and becoming another: a role's rights, within those of who assumes it.

use kinora_cloud::UnixTime;
use serde_json::{Value, json};

use super::call::Call;
use crate::domain::{
    ACCOUNT_ID, ApiError, ApiErrorCode, AssumedRole, Policy, PolicyProblem, Principal,
    SESSION_DURATION_S, Scope, Session, is_role_name,
};

/// The role's name in `acs:ram::ACCOUNT:role/NAME`, if the account is ours.
pub(super) fn role_name(arn: &str) -> Option<&str> {
    let (account, name) = arn.strip_prefix("acs:ram::")?.split_once(":role/")?;
    Some(name).filter(|name| account == ACCOUNT_ID && is_role_name(name))
}

fn session_policy(text: &str) -> Result<Policy, ApiError> {
    Policy::parse_session(text).map_err(|error| {
        let detail = match error.problem() {
            PolicyProblem::TooLong(_) => "PolicySize",
            _ => "PolicyGrammar",
        };
        let refusal = ApiError::invalid_in("Policy", detail, "this service could not obey it.");
        refusal.echoing(" In it: ", &error.to_string())
    })
}

fn must_be_session_name(name: &str) -> Result<(), ApiError> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b".@-_".contains(&byte);
    if (2..=64).contains(&name.len()) && name.bytes().all(letters) {
        return Ok(());
    }
    Err(ApiError::invalid(
        "RoleSessionName",
        "it must be 2 to 64 letters, digits or . @ - _",
    ))
}

fn must_be_arn(arn: &str) -> Result<(), ApiError> {
    let parts = arn.strip_prefix("acs:ram::");
    match parts.and_then(|rest| rest.split_once(":role/")) {
        Some((account, name)) if !account.is_empty() && !name.is_empty() => Ok(()),
        _ => Err(ApiError::invalid(
            "RoleArn",
            "it must be of the form acs:ram::ACCOUNT:role/NAME.",
        )),
    }
}

pub(super) async fn assume_role(call: &Call<'_>) -> Result<Value, ApiError> {
    let arn = call.required("RoleArn")?;
    let session_name = call.required("RoleSessionName")?;
    must_be_session_name(session_name)?;
    must_be_arn(arn)?;
    let policy = call.get("Policy").map(session_policy).transpose()?;
    let duration_s = call.seconds(
        "DurationSeconds",
        *SESSION_DURATION_S.end(),
        &SESSION_DURATION_S,
    )?;
    let not_found = || {
        ApiErrorCode::RoleNotFound.because(format!(
            "There is no such role. This service's are named acs:ram::{ACCOUNT_ID}:role/NAME."
        ))
    };
    let name = role_name(arn).ok_or_else(not_found)?;
    let (caller, core) = (&call.caller, &call.state.core);
    let role = core.accounts.role(name).await?.ok_or_else(not_found)?;
    if !role.trust.admits(&caller.lineage.principal()) {
        return Err(ApiErrorCode::ForbiddenRam.because(
            "The role does not trust this credential. The operator says whom it trusts (kinora account set-role --trust).",
        ));
    }
    let assumed = AssumedRole {
        name: role.name,
        policy,
    };
    let lineage = caller.lineage.assuming(assumed).ok_or_else(|| {
        ApiErrorCode::ForbiddenRam.because("This session comes from too many roles in a row to assume one more. Begin with the access key.")
    })?;
    let asked_ms = call.now_ms.saturating_add(duration_s.saturating_mul(1000));
    let session = Session {
        key_id: Session::new_key_id().map_err(|_| no_random_number())?,
        expires_ms: caller.end_ms(asked_ms),
        lineage,
        scope: Scope::Account,
    };
    let master = &core.master;
    Ok(json!({
        "Credentials": {
            "AccessKeyId": session.key_id,
            "AccessKeySecret": Session::secret(master, &session.key_id).expose(),
            "SecurityToken": session.token(master),
            "Expiration": UnixTime::from_millis(session.expires_ms).to_string(),
        },
        "AssumedRoleUser": {
            "Arn": format!("{arn}/{session_name}"),
            "AssumedRoleId": format!("{name}:{session_name}"),
        },
    }))
}

pub(super) fn no_random_number() -> ApiError {
    ApiErrorCode::InternalError.because("The service could not draw a random number.")
}

/// Needs no right: it tells nothing that the caller does not bring.
pub(super) fn get_caller_identity(call: &Call<'_>) -> Result<Value, ApiError> {
    if call.caller.only_video().is_some() {
        return Err(ApiErrorCode::ForbiddenRam
            .because("This credential is for playing one video and nothing else."));
    }
    let principal = call.caller.lineage.principal();
    let kind = match principal {
        Principal::Role(_) => "AssumedRoleUser",
        _ => "Account",
    };
    let mut told = json!({
        "AccountId": ACCOUNT_ID,
        "Arn": principal.arn(),
        "IdentityType": kind,
        "PrincipalId": call.key_id,
    });
    if let (Principal::Role(name), Value::Object(members)) = (&principal, &mut told) {
        members.insert("RoleId".to_owned(), name.as_str().into());
    }
    Ok(told)
}
