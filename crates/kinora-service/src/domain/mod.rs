//! Pure types and rules: no socket, no file, no clock.

mod account;
mod caller;
mod credential;
mod policy;
mod referer;
mod refusal;
mod request;
mod title;
mod trust;
mod video;

pub(crate) use account::{
    ACTION_ASSUME_ROLE, ACTION_GET_PLAY_INFO, ACTION_GET_VIDEO_INFO, ACTION_GET_VIDEO_PLAY_AUTH,
};
pub use account::{AccessKey, AccountState, Role};
pub(crate) use caller::{AssumedRole, Caller, Lineage, Root, Scope};
pub(crate) use credential::{
    AUTH_INFO_TIMEOUT_S, SESSION_DURATION_S, Session, check_auth_info, issue_auth_info,
};
pub(crate) use policy::{ACCOUNT_ID, Ask, Context, Resource};
pub use policy::{JsonKind, Policy, PolicyError, PolicyProblem};
pub use referer::{BadHostPattern, HostPattern, RefererRule};
pub(crate) use refusal::{Refusal, Why};
pub(crate) use request::{Params, SignedRequest};
pub(crate) use title::{clean_title, printable};
pub(crate) use trust::is_role_name;
pub use trust::{BadPrincipal, Principal, Trust};
pub use video::{Definition, Encryption, Format, Rendition, Video, VideoId, VideoStatus};
pub(crate) use video::{PlayFilter, pick_renditions};
