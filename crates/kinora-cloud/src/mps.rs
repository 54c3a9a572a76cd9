//! MPS: its version is 2014-06-18; the authInfo of its PlayInfo call.

use kinora_errors::Secret;

use crate::{UnixTime, sign};

/// The service's version.
pub const VERSION: &str = "2014-06-18";

/// The signature of an authInfo: over its expiry and media id, with the key of the console.
#[must_use]
pub fn auth_info_signature(expire: UnixTime, media_id: &str, key: &Secret) -> String {
    let expire = expire.to_string();
    let text = sign::canonical_query(&[("ExpireTime", expire.as_str()), ("MediaId", media_id)]);
    sign::hmac_base64(key.expose(), &text)
}

/// Whether `given` is that signature; constant time.
#[must_use]
pub fn verify_auth_info(expire: UnixTime, media_id: &str, key: &Secret, given: &str) -> bool {
    sign::same(&auth_info_signature(expire, media_id, key), given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_is_signed_and_verified() {
        let expire = UnixTime::parse("2017-03-25T23:59:59Z").unwrap();
        let key = Secret::new("secret");
        let id = "5aa0276ff6204ace950f75acf9e6187b";
        assert_eq!(
            auth_info_signature(expire, id, &key),
            "z7mmSRuTXo4mydiWhRtbu8JKDpM="
        );
        assert!(verify_auth_info(
            expire,
            id,
            &key,
            "z7mmSRuTXo4mydiWhRtbu8JKDpM="
        ));
        assert!(!verify_auth_info(
            expire.after(1),
            id,
            &key,
            "z7mmSRuTXo4mydiWhRtbu8JKDpM="
        ));
    }
}
