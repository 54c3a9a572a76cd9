use std::fmt;

use bytes::Bytes;
use kinora_media::ResponseInfo;

/// A whole small answer, as [`crate::Net::get`] gives it.
#[derive(Clone, PartialEq, Default)]
pub struct Response {
    /// What the resource says of itself.
    pub info: ResponseInfo,
    /// Its bytes.
    pub body: Bytes,
}

/// Neither its URL nor its bytes are printed: both may hold credentials.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} bytes", self.info.status, self.body.len())
    }
}
