//! The caller of a request: the rights of a credential are those that it comes from, looked up anew at every request. So a key
//! that is switched off, a role that is deleted and a right that is withdrawn end what was derived from them at once.

use kinora_errors::Secret;

use crate::data_dir::Core;
use crate::domain::{
    AccessKey, ApiError, ApiErrorCode, Caller, Lineage, Policy, Root, Scope, Session, SignedRequest,
};

/// The caller that a request names, and the secret that its signature must show.
pub(super) async fn find(
    core: &Core,
    signed: &SignedRequest<'_>,
    now_ms: i64,
) -> Result<(Secret, Caller), ApiError> {
    let id = signed.key_id.as_str();
    if Session::is_key_id(id) {
        let token = signed.token.ok_or_else(not_found)?;
        let session = Session::open(&core.master, token, id, now_ms)?;
        let caller = Caller {
            policies: policies(core, &session.lineage).await?,
            lineage: session.lineage,
            scope: session.scope,
            expires_ms: Some(session.expires_ms),
        };
        return Ok((Session::secret(&core.master, id), caller));
    }
    let key = live_key(core, id).await?;
    if let Some(token) = signed.token {
        // A permanent key has no token: a token beside it is broken, or another key's.
        Session::open(&core.master, token, id, now_ms)?;
    }
    let caller = Caller {
        lineage: Lineage::of(Root::Key(key.id)),
        policies: vec![key.policy],
        scope: Scope::Account,
        expires_ms: None,
    };
    Ok((key.secret, caller))
}

/// What all that a credential comes from may do now.
async fn policies(core: &Core, lineage: &Lineage) -> Result<Vec<Policy>, ApiError> {
    let mut policies = vec![match &lineage.root {
        Root::Operator => Policy::all(),
        Root::Key(id) => live_key(core, id).await?.policy,
    }];
    for (at, assumed) in lineage.roles.iter().enumerate() {
        let role = core.accounts.role(&assumed.name).await?;
        let role = role.filter(|role| role.trust.admits(&lineage.before(at)));
        let role = role.ok_or_else(|| {
            ApiErrorCode::ForbiddenRam.because("The role that this credential comes from was deleted, or trusts who assumed it no longer. Assume a role anew.")
        })?;
        policies.push(role.policy);
        policies.extend(assumed.policy.clone());
    }
    Ok(policies)
}

async fn live_key(core: &Core, id: &str) -> Result<AccessKey, ApiError> {
    let key = core.accounts.access_key(id).await?.ok_or_else(not_found)?;
    match key.active {
        true => Ok(key),
        false => Err(ApiErrorCode::KeyInactive.because(
            "The AccessKeyId, or the one that this credential comes from, is switched off.",
        )),
    }
}

fn not_found() -> ApiError {
    ApiErrorCode::KeyNotFound.because("There is no such AccessKeyId. Check its spelling; a key that begins with STS. needs its SecurityToken, and ends with the key that it comes from.")
}
