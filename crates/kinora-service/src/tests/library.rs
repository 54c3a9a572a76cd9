use kinora_errors::Coded as _;

use super::*;
use crate::ServiceError;

async fn open(dir: &Path) -> Result<Service, ServiceError> {
    Service::open(config(dir, &Arc::new(ManualClock::now()))).await
}

#[tokio::test]
async fn a_directory_is_refused_for_what_is_wrong_with_it() {
    let temp = tempfile::tempdir().unwrap();
    let foreign = temp.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("letter.txt"), "x").unwrap();
    let refused = open(&foreign).await.err().unwrap();
    assert!(
        matches!(refused, ServiceError::NotADataDirectory(_)),
        "{refused}"
    );
    assert!(!foreign.join("kinora.db").exists());

    let damaged = temp.path().join("damaged");
    std::fs::create_dir(&damaged).unwrap();
    std::fs::write(damaged.join("kinora.db"), vec![b'x'; 5000]).unwrap();
    let refused = open(&damaged).await.err().unwrap();
    assert!(matches!(refused, ServiceError::Damaged(_)), "{refused:?}");

    let file = temp.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let refused = open(&file).await.err().unwrap();
    assert!(
        matches!(refused, ServiceError::Storage { .. }),
        "{refused:?}"
    );

    let other = temp.path().join("other");
    drop(open(&other).await.unwrap());
    let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", other.join("kinora.db").display()))
        .await
        .unwrap();
    sqlx::query("UPDATE schema_version SET version = 99")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let refused = open(&other).await.err().unwrap();
    assert!(
        matches!(
            refused,
            ServiceError::OtherVersion {
                found: 99,
                supported: 3,
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(refused.reason(), "service.data.version");
}

#[tokio::test]
async fn one_service_runs_on_a_directory_and_one_on_a_port() {
    let temp = tempfile::tempdir().unwrap();
    let first = open(&temp.path().join("a")).await.unwrap();
    assert!(first.first_access_key().is_some());
    assert!(
        !format!("{:?}", first.first_access_key())
            .contains(first.first_access_key().unwrap().secret.expose())
    );
    let second = open(&temp.path().join("a")).await.err().unwrap();
    assert!(matches!(second, ServiceError::Locked(_)));
    let mut taken = config(&temp.path().join("b"), &Arc::new(ManualClock::now()));
    taken.listen = first.address();
    let refused = Service::open(taken).await.err().unwrap();
    assert!(matches!(refused, ServiceError::PortInUse { .. }));
    // A key that nobody was shown must not have been made.
    assert!(
        open(&temp.path().join("b"))
            .await
            .unwrap()
            .first_access_key()
            .is_some()
    );
}

#[tokio::test]
async fn a_request_in_flight_ends_before_the_service_does() {
    let temp = tempfile::tempdir().unwrap();
    let (service, _) =
        Running::start(&temp.path().join("data"), Arc::new(ManualClock::now())).await;
    let address = service.address;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 400");
    service.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_service_ends_in_its_grace_also_while_another_process_holds_the_database() {
    let temp = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::now());
    let mut config = config(&temp.path().join("data"), &clock);
    config.stop_grace = std::time::Duration::from_millis(50);
    let file = config.data_dir.join("kinora.db");
    let (service, key) = Running::start_as(config, clock).await;
    let file = format!("sqlite:{}", file.display());
    let pool = sqlx::SqlitePool::connect(&file).await.unwrap();
    let mut held = pool.acquire().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *held)
        .await
        .unwrap();
    // It is signed well, so that its nonce must be written down.
    let target = service.signed("GET", &key.unwrap(), &[("Action", "GetVideoInfo")]);
    let mut waits = TcpStream::connect(service.address).await.unwrap();
    let head = format!("GET /?{target} HTTP/1.1\r\nHost: x\r\n\r\n");
    waits.write_all(head.as_bytes()).await.unwrap();
    // The answer to a later one shows that the first was taken.
    assert_eq!(service.get("/nothing", &[]).await.status, 404);
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(8), service.stop());
    stopped.await.unwrap();
    sqlx::query("ROLLBACK").execute(&mut *held).await.unwrap();
}
