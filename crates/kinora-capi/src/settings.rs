//! Settings as JSON.

use std::time::Duration;

use kinora::{
    CacheConfig, CacheKey, Fault, Header, NetConfig, PlayerConfig, Proxy, ProxyConfig,
    explain::nearest_word,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::border::invalid;

/// `config` with the settings that an object names, by the names of [`PlayerConfig`]; durations are in milliseconds.
pub(crate) fn player(config: &PlayerConfig, json: &str) -> Result<PlayerConfig, Fault> {
    let given: Map<String, Value> = parsed(json)?;
    let mut all: Map<String, Value> = reread(&serde_json::json!(config))?;
    for (name, value) in given {
        let Some(known) = all.get_mut(&name) else {
            let near = nearest_word(&name, all.keys().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(invalid(format!("there is no setting `{name}`{hint}")));
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

/// The network that an object describes; what it does not name is as usual.
pub(crate) fn network(json: &str) -> Result<NetConfig, Fault> {
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

/// The cache that an object describes.
pub(crate) fn cache(json: &str) -> Result<CacheConfig, Fault> {
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
pub(crate) enum SourceSettings {
    Url(Url),
    Auth(Auth),
    Sts(Sts),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Url {
    pub(crate) url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    pub(crate) vid: String,
    pub(crate) play_auth: String,
    #[serde(default)]
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sts {
    pub(crate) vid: String,
    pub(crate) access_key_id: String,
    pub(crate) access_key_secret: String,
    pub(crate) security_token: String,
    #[serde(default)]
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
}

/// The source that an object describes. What serde says of a wrong one could repeat what is secret in it, and is not told.
pub(crate) fn source(json: &str) -> Result<SourceSettings, Fault> {
    serde_json::from_str(json).map_err(|_| {
        invalid(
            "not a source: `url`; or `vid` with `play_auth`; or `vid` with `access_key_id`, `access_key_secret` and `security_token`; and `region`, `endpoint`",
        )
    })
}
