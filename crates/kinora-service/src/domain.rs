//! Pure types and rules: no socket, no file, no clock. Keys and signatures come from `crypto`, which draws their random parts.

mod account;
mod action;
mod api_error;
mod caller;
mod category;
mod credential;
mod details;
mod media_url;
mod play_auth;
mod policy;
mod referer;
mod request;
mod search;
mod title;
mod trust;
mod video;

pub use account::{AccessKey, AccountState, RamRole};
pub(crate) use action::{ACTIONS, Action};
pub use action::{ServedAction, served_actions};
pub(crate) use api_error::{ApiError, ApiErrorCode};
pub(crate) use caller::{AssumedRole, Caller, Lineage, Root, Scope};
pub(crate) use category::{Category, MAX_SUBCATEGORIES, ROOT_ID};
pub(crate) use credential::{
    AUTH_INFO_TIMEOUT_S, SESSION_DURATION_S, Session, check_auth_info, issue_auth_info,
};
pub(crate) use details::VideoChange;
pub use details::VideoDetails;
pub use kinora_cloud::Definition;
pub(crate) use media_url::{media_path, sign_path};
pub(crate) use play_auth::{PlayAuthClaims, issue_play_auth};
pub(crate) use policy::{ACCOUNT_ID, AccessRequest, ConditionContext, Resource};
pub use policy::{JsonKind, Policy, PolicyError, PolicyProblem};
pub use referer::{HostPattern, InvalidHostPattern, RefererRule};
pub(crate) use request::{Params, SignedHead, SignedRequest};
pub(crate) use search::Search;
pub(crate) use title::{clean_title, printable};
pub(crate) use trust::is_role_name;
pub use trust::{InvalidPrincipal, Principal, TrustPolicy};
pub(crate) use video::parse_definition;
pub use video::{Format, Rendition, RenditionEncryption, Video, VideoId, VideoStatus};
pub(crate) use video::{PlayFilter, pick_renditions, rounded};
