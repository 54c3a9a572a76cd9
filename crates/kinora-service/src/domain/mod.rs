//! Pure types and rules: no socket, no file, no clock.

mod account;
mod credential;
mod refusal;
mod request;
mod title;
mod video;

pub(crate) use account::{
    ACTION_ASSUME_ROLE, ACTION_GET_PLAY_INFO, ACTION_GET_VIDEO_INFO, ACTION_GET_VIDEO_PLAY_AUTH,
};
pub use account::{AccessKey, AccountState, Policy, RefererRule, Role};
pub(crate) use credential::{
    AUTH_INFO_TIMEOUT_S, Caller, SESSION_DURATION_S, Session, check_auth_info, issue_auth_info,
};
pub(crate) use refusal::{Refusal, Why};
pub(crate) use request::{Params, SignedRequest};
pub(crate) use title::{clean_title, printable};
pub use video::{Definition, Encryption, Format, Rendition, Video, VideoId, VideoStatus};
pub(crate) use video::{PlayFilter, pick_renditions};
