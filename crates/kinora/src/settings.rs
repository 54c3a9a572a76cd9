//! Settings and sources as JSON, as the bindings of other languages are given them. What a caller got wrong is EINVAL with a
//! sentence that names the setting; nothing that could be secret is repeated in it.
//!
//! ```
//! use kinora::{PlayerConfig, settings};
//!
//! # fn main() -> Result<(), kinora::Fault> {
//! let config = settings::player(&PlayerConfig::default(), r#"{"max_buffer": 30000}"#)?;
//! assert_eq!(config.max_buffer, std::time::Duration::from_secs(30));
//! let wrong = settings::network(r#"{"user_agnet": "x"}"#).unwrap_err();
//! assert_eq!(wrong.code(), kinora::Code::from_errno(22));
//! # Ok(())
//! # }
//! ```

use std::str::FromStr;
use std::time::Duration;

use kinora_cloud::{VidAuth, VidSts};
use kinora_engine::{ContentKey, Credential, PlayerConfig};
use kinora_errors::{Code, Coded as _, Fault, Secret, explain::nearest_word};
use kinora_media::{Header, KeyId, Mirror, Rotation, sixteen_from_hex};
use kinora_net::{NetConfig, Proxy, ProxyConfig};
use kinora_output::{AudioOutput, OutputSpecError, ScaleMode, SinkError, VideoOutput};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{CacheConfig, CacheKey, Player, PlayerBuilder, ReadOptions, Source};

const EINVAL: i32 = 22;

fn invalid(why: impl Into<String>) -> Fault {
    Fault::new(Code::from_errno(EINVAL), "settings.invalid").because(why)
}

/// `config` with the settings that an object names, by the names of [`PlayerConfig`]; durations are in milliseconds.
///
/// # Errors
/// EINVAL, `settings.invalid`: no such object, no such setting, or a value of another kind.
pub fn player(config: &PlayerConfig, json: &str) -> Result<PlayerConfig, Fault> {
    let given: Map<String, Value> = parsed(json)?;
    let mut all: Map<String, Value> = reread(&serde_json::json!(config))?;
    for (name, value) in given {
        let Some(known) = all.get_mut(&name) else {
            return Err(unknown(&name, all.keys().map(String::as_str)));
        };
        let is_duration = known.get("nanos").is_some();
        *known = match value.as_u64() {
            Some(millis) if is_duration => serde_json::json!(Duration::from_millis(millis)),
            _ if is_duration => {
                return Err(invalid(format!("`{name}` is a number of milliseconds")));
            }
            _ => value,
        };
    }
    reread(&Value::Object(all))
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Fault {
    let near = nearest_word(name, known);
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    invalid(format!("there is no setting `{name}`{hint}"))
}

fn parsed<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Fault> {
    // What serde says could repeat a value, and that may be secret.
    serde_json::from_str(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        invalid(format!(
            "not the JSON that is wanted, at line {line}, column {column}"
        ))
    })
}

fn reread<T: for<'a> Deserialize<'a>>(value: &Value) -> Result<T, Fault> {
    T::deserialize(value).map_err(|error| invalid(format!("a setting has another form: {error}")))
}

/// A whole player, as one object: `config` (see [`player`]), `network`, `cache`, `keys` (ids and content keys, in hexadecimal digits),
/// `autoplay`, and where pictures and sound go, `video` and `audio`, by the names that [`VideoOutput`] and [`AudioOutput`] are parsed
/// from: `png:DIR`, `auto`. What the object does not name is as usual; without outputs nothing is seen nor heard, in time.
///
/// # Errors
/// EINVAL, `settings.invalid`; what an output could not open.
pub fn player_builder(json: &str) -> Result<PlayerBuilder, Fault> {
    let given: Map<String, Value> = parsed(json)?;
    let mut builder = Player::builder();
    for (name, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
        builder = match name.as_str() {
            "config" => builder.config(player(&PlayerConfig::default(), &value.to_string())?),
            "network" => builder.network(network(&value.to_string())?),
            "cache" => builder.cache(cache(&value.to_string())?),
            "keys" => keys(&value)?
                .into_iter()
                .fold(builder, |builder, (id, key)| builder.key(id, key)),
            "autoplay" => match value.as_bool() {
                Some(autoplay) => builder.autoplay(autoplay),
                None => return Err(invalid("`autoplay` is true or false")),
            },
            "video" => builder.video_sink(
                output::<VideoOutput>(&name, &value)?
                    .open()
                    .map_err(coded)?,
            ),
            "audio" => builder.audio_sink(
                output::<AudioOutput>(&name, &value)?
                    .open()
                    .map_err(coded)?,
            ),
            _ => return Err(unknown(&name, PARTS.iter().copied())),
        };
    }
    Ok(builder)
}

const PARTS: &[&str] = &[
    "config", "network", "cache", "keys", "autoplay", "video", "audio",
];

/// How a source is read, as one object: `network` and `keys`, as for [`player_builder`].
///
/// # Errors
/// EINVAL, `settings.invalid`.
pub fn read_options(json: &str) -> Result<ReadOptions, Fault> {
    let given: Map<String, Value> = parsed(json)?;
    let mut options = ReadOptions::default();
    for (name, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
        match name.as_str() {
            "network" => options.network = network(&value.to_string())?,
            "keys" => options.keys = keys(&value)?,
            _ => return Err(unknown(&name, ["network", "keys"].into_iter())),
        }
    }
    Ok(options)
}

fn output<T: FromStr<Err = OutputSpecError>>(name: &str, value: &Value) -> Result<T, Fault> {
    let text = value
        .as_str()
        .ok_or_else(|| invalid(format!("`{name}` is the name of an output")))?;
    text.parse()
        .map_err(|error: OutputSpecError| invalid(error.to_string()))
}

#[allow(clippy::needless_pass_by_value)] // For `map_err`.
fn coded(error: SinkError) -> Fault {
    error.fault()
}

fn keys(value: &Value) -> Result<Vec<(KeyId, ContentKey)>, Fault> {
    let wrong =
        || invalid("`keys` are an object of key ids and content keys, each 32 hexadecimal digits");
    let given = value.as_object().ok_or_else(wrong)?.iter();
    given
        .map(|(id, key)| content_key(id, key.as_str().ok_or_else(wrong)?))
        .collect()
}

/// A turn by so many degrees clockwise.
///
/// # Errors
/// EINVAL, `settings.invalid`, for others than 0, 90, 180 and 270.
pub fn rotation(degrees: u32) -> Result<Rotation, Fault> {
    match degrees {
        0 => Ok(Rotation::None),
        90 => Ok(Rotation::Cw90),
        180 => Ok(Rotation::Cw180),
        270 => Ok(Rotation::Cw270),
        _ => Err(invalid("pictures are turned by 0, 90, 180 or 270 degrees")),
    }
}

/// A mirror by its name: `none`, `horizontal`, `vertical`.
///
/// # Errors
/// EINVAL, `settings.invalid`, for others.
pub fn mirror(name: &str) -> Result<Mirror, Fault> {
    match name {
        "none" => Ok(Mirror::None),
        "horizontal" => Ok(Mirror::Horizontal),
        "vertical" => Ok(Mirror::Vertical),
        _ => Err(invalid("a mirror is none, horizontal or vertical")),
    }
}

/// How pictures lie in their area, by its name: `fit`, `fill`, `stretch`.
///
/// # Errors
/// EINVAL, `settings.invalid`, for others.
pub fn scale_mode(name: &str) -> Result<ScaleMode, Fault> {
    match name {
        "fit" => Ok(ScaleMode::Fit),
        "fill" => Ok(ScaleMode::Fill),
        "stretch" => Ok(ScaleMode::Stretch),
        _ => Err(invalid("a scale mode is fit, fill or stretch")),
    }
}

/// How requests are made.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Network {
    user_agent: Option<String>,
    referer: Option<String>,
    /// `Name: value`.
    headers: Vec<String>,
    proxy: Option<String>,
    keep_cookies: Option<bool>,
    redirect_limit: Option<u32>,
    connect_timeout: Option<u64>,
    first_byte_timeout: Option<u64>,
    stall_timeout: Option<u64>,
    /// Certificates in PEM.
    extra_ca: Option<String>,
}

/// How requests are made: `user_agent`, `referer`, `headers` (a list of `Name: value`), `proxy` (a URL), `keep_cookies`,
/// `redirect_limit`, `connect_timeout`, `first_byte_timeout`, `stall_timeout` (milliseconds), `extra_ca` (PEM). What an object does
/// not name is as usual.
///
/// # Errors
/// EINVAL, `settings.invalid`.
pub fn network(json: &str) -> Result<NetConfig, Fault> {
    let given: Network = parsed(json)?;
    let usual = NetConfig::default();
    let millis = |given: Option<u64>| given.map(Duration::from_millis);
    let proxy = given.proxy.map(|url| Proxy::parse(&url)).transpose();
    let proxy = proxy.map_err(|error| invalid(error.to_string()))?.flatten();
    Ok(NetConfig {
        user_agent: given.user_agent.unwrap_or(usual.user_agent),
        referer: given.referer,
        headers: given
            .headers
            .iter()
            .map(|it| header(it))
            .collect::<Result<_, _>>()?,
        proxy: ProxyConfig::all(proxy),
        keep_cookies: given.keep_cookies.unwrap_or(usual.keep_cookies),
        redirect_limit: given.redirect_limit.unwrap_or(usual.redirect_limit),
        connect_timeout: millis(given.connect_timeout),
        first_byte_timeout: millis(given.first_byte_timeout),
        stall_timeout: millis(given.stall_timeout),
        extra_ca_pem: given.extra_ca.unwrap_or_default().into_bytes(),
        ..NetConfig::default()
    })
}

fn header(line: &str) -> Result<Header, Fault> {
    let (name, value) = line
        .split_once(':')
        .ok_or_else(|| invalid("a header is `Name: value`"))?;
    Ok(Header {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
    })
}

/// Where what the web gives is kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cache {
    dir: String,
    max_size: Option<u64>,
    max_age: Option<u64>,
    min_free: Option<u64>,
    max_duration: Option<u64>,
    /// Parameters of the query that do not name the object.
    #[serde(default)]
    ignore_query: Vec<String>,
}

/// Where what the web gives is kept: `dir`, and perhaps `max_size`, `min_free` (bytes), `max_age`, `max_duration` (milliseconds),
/// `ignore_query` (names of parameters that do not tell one film from another).
///
/// # Errors
/// EINVAL, `settings.invalid`.
pub fn cache(json: &str) -> Result<CacheConfig, Fault> {
    let given: Cache = parsed(json)?;
    let usual = CacheConfig::at(given.dir);
    Ok(CacheConfig {
        max_size: given.max_size.unwrap_or(usual.max_size),
        max_age: given.max_age.map_or(usual.max_age, Duration::from_millis),
        min_free: given.min_free.unwrap_or(usual.min_free),
        max_duration: given.max_duration.map(Duration::from_millis),
        key: match given.ignore_query.is_empty() {
            true => usual.key,
            false => CacheKey::IgnoreQuery(given.ignore_query),
        },
        dir: usual.dir,
    })
}

/// A source, by what it names.
#[derive(Deserialize)]
#[serde(untagged)]
enum SourceSettings {
    Url(Url),
    Auth(Auth),
    Sts(Sts),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Url {
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Auth {
    vid: String,
    play_auth: String,
    #[serde(default)]
    region: String,
    endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sts {
    vid: String,
    access_key_id: String,
    access_key_secret: String,
    security_token: String,
    #[serde(default)]
    region: String,
    endpoint: Option<String>,
}

/// What to play: `url`; or `vid` with `play_auth`; or `vid` with `access_key_id`, `access_key_secret` and `security_token`; and
/// perhaps `region` and `endpoint`.
///
/// # Errors
/// EINVAL, `settings.invalid`. What serde says of a wrong one could repeat what is secret in it, and is not told.
pub fn source(json: &str) -> Result<Source, Fault> {
    let given = serde_json::from_str(json).map_err(|_| {
        invalid(
            "not a source: `url`; or `vid` with `play_auth`; or `vid` with `access_key_id`, `access_key_secret` and `security_token`; and `region`, `endpoint`",
        )
    })?;
    Ok(match given {
        SourceSettings::Url(it) => it.url.into(),
        SourceSettings::Auth(it) => Source::VidAuth(Box::new(VidAuth {
            vid: it.vid,
            play_auth: Secret::new(it.play_auth),
            region: it.region,
            endpoint: it.endpoint,
            ..VidAuth::default()
        })),
        SourceSettings::Sts(it) => Source::VidSts(Box::new(VidSts {
            vid: it.vid,
            access_key_id: it.access_key_id,
            access_key_secret: Secret::new(it.access_key_secret),
            security_token: Secret::new(it.security_token),
            region: it.region,
            endpoint: it.endpoint,
            ..VidSts::default()
        })),
    })
}

/// A new credential, in answer to [`Event::CredentialExpired`](crate::Event::CredentialExpired).
#[derive(Deserialize)]
#[serde(untagged)]
enum CredentialSettings {
    Auth(NewAuth),
    Sts(NewSts),
    Url(Url),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAuth {
    play_auth: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSts {
    access_key_id: String,
    access_key_secret: String,
    security_token: String,
}

/// A new credential: `play_auth`; or `access_key_id`, `access_key_secret` and `security_token`; or the `url` of the same resource.
///
/// # Errors
/// EINVAL, `settings.invalid`.
pub fn credential(json: &str) -> Result<Credential, Fault> {
    let given = serde_json::from_str(json).map_err(|_| {
        invalid("not a credential: `play_auth`; or `access_key_id`, `access_key_secret` and `security_token`; or `url`")
    })?;
    Ok(match given {
        CredentialSettings::Auth(it) => Credential::PlayAuth(Secret::new(it.play_auth)),
        CredentialSettings::Sts(it) => Credential::Sts {
            access_key_id: it.access_key_id,
            access_key_secret: Secret::new(it.access_key_secret),
            security_token: Secret::new(it.security_token),
        },
        CredentialSettings::Url(it) => Credential::Url(Secret::new(it.url)),
    })
}

/// The id of a content key of common encryption, and the key, both in 32 hexadecimal digits.
///
/// # Errors
/// EINVAL, `settings.invalid`.
pub fn content_key(id: &str, key: &str) -> Result<(KeyId, ContentKey), Fault> {
    let id = KeyId::from_hex(id).ok_or_else(|| invalid("a key id is 32 hexadecimal digits"))?;
    let key = sixteen_from_hex(key).ok_or_else(|| invalid("a key is 32 hexadecimal digits"))?;
    Ok((id, ContentKey::new(key)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn told(fault: &Fault) -> String {
        assert_eq!(fault.code(), Code::from_errno(EINVAL));
        fault.causes_text()
    }

    #[test]
    fn a_player_is_put_together_by_one_object() {
        let folder = tempfile::tempdir().unwrap();
        let png = folder.path().join("frames");
        let json = serde_json::json!({
            "autoplay": true, "config": { "max_buffer": 30_000 }, "network": null,
            "video": format!("png:{}", png.display()), "audio": "null",
            "keys": { "0".repeat(32): "1".repeat(32) },
        });
        let player = player_builder(&json.to_string()).unwrap().build().unwrap();
        assert!(player.autoplay());
        assert_eq!(player.config().max_buffer, Duration::from_secs(30));
        assert!(png.is_dir());
    }

    #[test]
    fn what_is_wrong_is_named_and_what_may_be_secret_is_not() {
        let wrong = |json: &str| told(&player_builder(json).err().unwrap());
        assert!(wrong(r#"{"autplay": true}"#).contains("did you mean `autoplay`?"));
        assert!(wrong(r#"{"autoplay": 1}"#).contains("true or false"));
        assert!(wrong(r#"{"video": "png"}"#).contains("png:DIR"));
        assert!(wrong(r#"{"config": {"max_bufer": 1}}"#).contains("max_buffer"));
        assert!(wrong("[").contains("line 1"));
        for json in [
            r#"{"keys": {"0": "CANARY"}}"#,
            r#"{"keys": ["CANARY"]}"#,
            r#"{"network": {"headers": "CANARY"}}"#,
        ] {
            let said = wrong(json);
            assert!(!said.contains("CANARY"), "{said}");
            assert!(!told(&credential(json).err().unwrap()).contains("CANARY"));
            assert!(!told(&source(json).err().unwrap()).contains("CANARY"));
            assert!(!told(&read_options(json).err().unwrap()).contains("CANARY"));
        }
        assert!(told(&rotation(45).unwrap_err()).contains("90"));
        assert!(told(&mirror("x").unwrap_err()).contains("vertical"));
        assert!(told(&scale_mode("x").unwrap_err()).contains("stretch"));
    }
}
