//! A transfer against a server of a few lines, without an engine: time passes only when nothing else happens.

mod server;

use kinora_errors::{Fault, Retry, Secret, codes};
use kinora_media::{ByteRange, Chunk, RequestId, Time};

use self::server::{Failure, Owner, SIZE, World, film};
use super::{Progress, Reload, RequestSpec, Transfer};
use crate::{FetchEvent, FetchNotice, Host, Initiator, Purpose, RetryContext};

const WINDOW: u64 = 256 * 1024;
const PREPARED: RetryContext = RetryContext {
    prepared: true,
    refreshable: false,
    live: false,
    elsewhere: None,
};

fn spec(range: ByteRange) -> RequestSpec {
    RequestSpec {
        purpose: Purpose::Media,
        url: Secret::new("https://films.test/a.mp4?token=1"),
        range,
        initiator: Initiator::User,
    }
}

fn start(world: &mut World, range: ByteRange) -> Owner {
    let transfer = Transfer::start(&mut world.host, spec(range), WINDOW);
    Owner::new(transfer, range.start)
}

fn is_mended(notice: &FetchNotice) -> bool {
    use FetchNotice::{CompleteDespite, RetrySucceeded};
    matches!(notice, RetrySucceeded { .. } | CompleteDespite(_))
}

#[test]
fn whichever_answer_fails_once_all_bytes_come_and_none_twice() {
    for range in [
        ByteRange::default(),
        ByteRange::from(1_000),
        ByteRange::of(50_000, 200_000),
    ] {
        let within = |at: u64| usize::try_from(at).unwrap();
        let expected = film().slice(within(range.start)..within(range.end.unwrap_or(SIZE)));
        for failure in Failure::ALL {
            for n in 0.. {
                let mut world = World::new(move |at| (at == n).then_some(failure));
                let mut owner = start(&mut world, range);
                world.run(&mut owner, PREPARED);
                if n >= world.server.events {
                    break;
                }
                let at = format!("{range} {failure:?} at {n}");
                assert_eq!(owner.end, Some(Ok(())), "{at}");
                assert!(owner.bytes == expected, "{at}: {}", owner.bytes.len());
                assert!(world.server.open.is_empty(), "{at}");
                // An answer that ends early is no failure as long as it brings something.
                if world.server.failed > 0 && failure != Failure::EndsEarly {
                    assert!(world.host.notices.iter().any(is_mended), "{at}");
                }
            }
        }
    }
}

#[test]
fn from_whichever_answer_on_all_fail_the_retries_end_and_a_reload_goes_on_at_the_same_byte() {
    for n in 0.. {
        let mut world = World::new(move |at| (at >= n).then_some(Failure::Truncated));
        let mut owner = start(&mut world, ByteRange::default());
        world.run(&mut owner, PREPARED);
        if world.server.failed == 0 {
            break;
        }
        if owner.bytes == film() {
            // Only the end of the answer failed.
            assert_eq!(owner.end, Some(Ok(())));
            continue;
        }
        assert!(owner.transfer.is_parked(), "at {n}: {:?}", owner.end);
        let limits = world.host.limits();
        let patience = Time::from(limits.timeout * (1 + limits.retries));
        let waited = world.host.now;
        let longest = patience + Time::from_millis(5_000);
        assert!((patience..longest).contains(&waited), "at {n}: {waited}");
        assert!(world.server.failed < 25, "at {n}: {}", world.server.failed);
        world.server.works = true;
        let before = owner.bytes.len() as u64;
        assert!(owner.transfer.reload(&mut world.host, Reload::Waiting));
        world.run(&mut owner, PREPARED);
        assert_eq!(owner.end, Some(Ok(())), "at {n}");
        assert!(owner.bytes == film(), "at {n}");
        let asked = world.server.asked.last().unwrap();
        assert_eq!(asked.range.start, before, "at {n}");
    }
}

#[test]
fn what_can_only_be_read_from_its_beginning_begins_anew() {
    let mut world = World::new(|at| (at == 5).then_some(Failure::Reset));
    let mut owner = start(&mut world, ByteRange::default());
    owner.transfer.begin_anew();
    world.run(&mut owner, PREPARED);
    let asked: Vec<_> = world.server.asked.iter().map(|it| it.range).collect();
    assert_eq!(asked, [ByteRange::default(), ByteRange::default()]);
    assert!(world.server.asked.iter().all(|it| it.headers.is_empty()));
    assert!(owner.bytes == film(), "counted from its beginning");
}

#[test]
fn nothing_to_keep_is_given_up_where_something_would_be_parked() {
    let mut world = World::new(|_| Some(Failure::Refused));
    let mut owner = start(&mut world, ByteRange::default());
    world.run(&mut owner, RetryContext::default());
    let Some(Err(fault)) = owner.end else {
        panic!("{owner:?}")
    };
    assert_eq!(fault.code(), codes::ERROR_NETWORK_COULD_NOT_CONNECT);
    assert_eq!(fault.context().attempts, Some(3));
    let shown = fault.context().url.as_deref();
    assert_eq!(shown, Some("https://films.test/a.mp4?token=***"));
}

#[test]
fn an_expired_credential_is_renewed_and_the_transfer_goes_on_at_the_same_byte() {
    let mut world = World::new(|at| match at {
        5 => Some(Failure::Reset),
        6 => Some(Failure::Status(401)),
        _ => None,
    });
    let mut owner = start(&mut world, ByteRange::default());
    let context = RetryContext {
        refreshable: true,
        ..PREPARED
    };
    world.run(&mut owner, context);
    assert!(owner.expired && owner.end.is_none(), "{owner:?}");
    let before = owner.bytes.len() as u64;
    assert!(before > 0);
    let url = Secret::new("https://films.test/a.mp4?token=2");
    owner.transfer.renew(&mut world.host, url);
    world.run(&mut owner, context);
    assert_eq!(owner.end, Some(Ok(())));
    assert!(owner.bytes == film());
    let asked = world.server.asked.last().unwrap();
    assert_eq!(asked.range.start, before);
    assert_eq!(asked.url.expose(), "https://films.test/a.mp4?token=2");
    assert_eq!(asked.headers[0].name, "If-Range");
}

#[test]
fn what_was_replaced_on_the_way_is_never_mixed() {
    let mut world = World::new(|at| (at == 5).then_some(Failure::Replaced));
    let mut owner = start(&mut world, ByteRange::default());
    world.run(&mut owner, PREPARED);
    let Some(Err(fault)) = &owner.end else {
        panic!("{owner:?}")
    };
    assert_eq!(fault.reason(), "http.resource_changed");
    assert!(!owner.bytes.is_empty() && film().starts_with(&owner.bytes));
}

#[test]
fn a_condition_is_sent_with_later_bytes_of_a_known_version_only() {
    let mut world = World::new(|_| None);
    let mut owner = start(&mut world, ByteRange::of(0, 10));
    world.run(&mut owner, PREPARED);
    assert!(world.server.asked[0].headers.is_empty());
    let range = ByteRange::of(500, 10);
    let mut other = owner.transfer.elsewhere(&mut world.host, range);
    world.deliver();
    let asked = world.server.asked.last().unwrap();
    assert_eq!(
        (asked.range, asked.headers[0].value.as_str()),
        (range, "\"1\"")
    );
    other.cancel(&mut world.host);
    world.deliver();
    assert!(!other.is_active() && world.server.open.is_empty());
}

#[test]
fn the_version_of_one_server_is_no_condition_for_another() {
    let mut world = World::new(|at| (at >= 3).then_some(Failure::Truncated));
    let mut owner = start(&mut world, ByteRange::default());
    world.run(&mut owner, PREPARED);
    assert!(owner.transfer.is_parked());
    world.server.works = true;
    let elsewhere = Secret::new("https://other.test/a.mp4");
    owner.transfer.renew(&mut world.host, elsewhere);
    world.run(&mut owner, PREPARED);
    let asked = world.server.asked.last().unwrap();
    assert!(asked.range.start > 0 && asked.headers.is_empty());
    assert!(owner.bytes == film());
}

#[test]
fn silence_ends_with_the_users_timeout_but_not_while_there_is_no_room() {
    let mut world = World::new(|_| None);
    let mut transfer = Transfer::start(&mut world.host, spec(ByteRange::default()), 1_000);
    world.deliver();
    let id = world.server.asked[0].id;
    assert!(transfer.is(id) && !transfer.is(RequestId(id.0 + 1)));
    let timeout = Time::from(world.host.limits().timeout);
    assert_eq!(transfer.deadline(&world.host), Some(timeout));
    let chunk = Chunk {
        id,
        offset: 0,
        data: film().slice(..1_000),
    };
    transfer.on_event(&mut world.host, FetchEvent::Chunk(chunk), PREPARED);
    // No byte may come: the silence is ours.
    assert_eq!(transfer.deadline(&world.host), None);
    world.host.now = Time::from_millis(60_000);
    transfer.grant(&mut world.host);
    let due = world.host.now + timeout;
    assert_eq!(transfer.deadline(&world.host), Some(due));
    assert!(matches!(
        transfer.on_time(&mut world.host, PREPARED),
        Progress::None
    ));
    assert!(transfer.is(id), "too early");
    world.host.now = due;
    transfer.on_time(&mut world.host, PREPARED);
    assert!(transfer.is_backing_off());
}

#[test]
fn a_service_is_not_believed_before_its_owner_has_read_the_reply() {
    let mut world = World::new(|at| (at == 0).then_some(Failure::Refused));
    let api = RequestSpec {
        purpose: Purpose::Api,
        ..spec(ByteRange::default())
    };
    let transfer = Transfer::start(&mut world.host, api, WINDOW);
    let mut owner = Owner::new(transfer, 0);
    world.run(&mut owner, RetryContext::default());
    assert_eq!(owner.end, Some(Ok(())));
    assert!(!world.host.notices.iter().any(is_mended));
    let refusal = Fault::new(codes::ERROR_SERVER_WRONG_JSON, "service.busy");
    let refusal = refusal.retry_class(Retry::Backoff);
    let transfer = &mut owner.transfer;
    let progress = transfer.on_refused(&mut world.host, refusal, RetryContext::default());
    assert!(matches!(progress, Progress::None) && transfer.is_backing_off());
    transfer.mended(&mut world.host);
    assert!(world.host.notices.iter().any(is_mended));
}
