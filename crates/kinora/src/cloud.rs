//! Calls of the video service that an application's server, or its support, makes.

use std::time::Duration;

use kinora_cloud::{
    ClockSkew, Credentials, Endpoint, PlayInfo, SignedRequest, UnixTime, VidSource, vod,
};
use kinora_errors::{Coded, Fault, Secret, codes};
use kinora_media::RequestId;
use kinora_net::{FetchRequest, Net, NetConfig, Response};

use crate::clock::SystemClock;

/// No reply of these calls is longer.
const REPLY_LIMIT: usize = 1024 * 1024;

/// Asks the service for a play credential of a video, by a signed GetVideoPlayAuth. `lifetime_s` is 100 to 3000
/// seconds. The access key belongs on a server, never in an application that viewers hold.
///
/// # Errors
/// The service's refusal by its number (`ERROR_SERVER_POP_*`, `ERROR_SERVER_VOD_*`), or
/// `ERROR_REQUEST_FAIL` when it could not be asked.
pub fn play_auth(
    video_id: &str,
    lifetime_s: u64,
    endpoint: Option<&str>,
    region: &str,
    credentials: &Credentials,
    net: &NetConfig,
) -> Result<Secret, Fault> {
    let endpoint = endpoint.map_or_else(|| Endpoint::of_region("vod", region), Endpoint::parse);
    let endpoint = endpoint.map_err(|error| error.fault())?;
    let call = vod::get_video_play_auth(video_id, Some(lifetime_s));
    timed(|now, learn| {
        let reply = ask(
            call.clone().sign(&endpoint, credentials, &nonce()?, now),
            net,
        )?;
        learn(&reply);
        let status = reply.info.status.unwrap_or(200);
        let reply = vod::parse_video_play_auth(status, &reply.body).map_err(|error| {
            error
                .fault()
                .with(|context| context.video_id = Some(video_id.to_owned()))
        })?;
        Ok(reply.play_auth)
    })
}

/// Asks the service what can be played of a video, as a player does, by a signed GetPlayInfo.
///
/// ```no_run
/// use kinora::{NetConfig, PlayConfig, Secret, VidAuth, VidSource, play_info};
///
/// # fn main() -> Result<(), kinora::Fault> {
/// let mut source = VidAuth {
///     vid: "5aed81b74ba84920be578cdfe004af4b".to_owned(),
///     play_auth: Secret::new("…"),
///     ..VidAuth::default()
/// };
/// // A preview of half a minute.
/// source.options.play_config = PlayConfig { preview_time: Some(30), ..PlayConfig::default() };
/// let video = play_info(&VidSource::Auth(source), &NetConfig::default())?.video_base;
/// println!("{} ({}, {}), {}", video.title, video.media_type, video.status, video.transcode_mode);
/// println!("cover: {}, thumbnails: {:?}", video.cover_url, video.thumbnail_list);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What is wrong with the credential, or the service's refusal (`ERROR_SERVER_POP_*`, `ERROR_SERVER_VOD_*`), or
/// `ERROR_REQUEST_FAIL` when it could not be asked.
pub fn play_info(source: &VidSource, net: &NetConfig) -> Result<PlayInfo, Fault> {
    timed(|now, learn| {
        let signed = kinora_cloud::get_play_info(source, &nonce()?, now);
        let reply = ask(signed.map_err(|error| error.fault())?, net)?;
        learn(&reply);
        let status = reply.info.status.unwrap_or(200);
        kinora_cloud::parse_play_info(status, &reply.body)
            .map_err(|error| error.for_video(source.vid()).fault())
    })
}

/// Makes a call at this machine's time. Where the service refuses that, once more at the service's own, which the
/// call learns from the `Date` of the refusal.
fn timed<T>(
    call: impl Fn(UnixTime, &mut dyn FnMut(&Response)) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut skew = None;
    let own = || SystemClock::new().now().unix_ms;
    let first = call(UnixTime::from_millis(own()), &mut |reply| {
        let server = reply.info.server_date_ms;
        skew = server.and_then(|server| ClockSkew::between(server, own()));
    });
    match (first, skew) {
        (Err(fault), Some(skew)) if ClockSkew::is_blamed_by(&fault) => {
            let again = call(skew.server_time(own()), &mut |_| {});
            again.map_err(|fault| match ClockSkew::is_blamed_by(&fault) {
                true => skew.explain(fault),
                false => fault,
            })
        }
        (first, _) => first,
    }
}

/// The service's answer, also one that refuses.
fn ask(signed: SignedRequest, net: &NetConfig) -> Result<Response, Fault> {
    let mut request = FetchRequest::api(RequestId(0), signed.url.expose());
    request.headers = signed.headers;
    let waits = net.timeouts(None);
    let limit = waits.connect + waits.first_byte + Duration::from_secs(5);
    let asked = Net::new(net.clone(), |_| {}).get(request, REPLY_LIMIT, limit);
    asked.map_err(|fault| {
        Fault::new(codes::ERROR_REQUEST_FAIL, fault.reason())
            .cause(&fault)
            .at_url(signed.url.expose())
    })
}

/// 128 random bits: never the same twice.
fn nonce() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Fault::new(codes::ERROR_GENERAL_UNKNOWN, "system.no_random").cause(&error)
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
