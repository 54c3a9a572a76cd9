use std::time::Duration;

use sqlx::Row as _;

use super::*;

async fn pool(dir: &Path) -> sqlx::SqlitePool {
    let file = format!("sqlite:{}", dir.join("kinora.db").display());
    sqlx::SqlitePool::connect(&file).await.unwrap()
}

async fn insert(pool: &sqlx::SqlitePool, name: &str, count: i64, until_ms: i64) {
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
         INSERT INTO nonce (key_id, nonce, until_ms) SELECT 'KN', $2 || i, $3 FROM n",
    )
    .bind(count)
    .bind(name)
    .bind(until_ms)
    .execute(pool)
    .await
    .unwrap();
}

async fn count(pool: &sqlx::SqlitePool) -> i64 {
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM nonce");
    count.fetch_one(pool).await.unwrap()
}

/// Waits until no more nonces than that are remembered.
async fn until_left(pool: &sqlx::SqlitePool, most: i64) {
    let forgotten = async {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        while count(pool).await > most {
            every.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), forgotten)
        .await
        .unwrap();
}

#[tokio::test]
async fn nonces_are_forgotten_oldest_first_and_few_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let library = Library::create(&dir, Arc::new(ManualClock::now()))
        .await
        .unwrap();
    let pool = pool(&dir).await;
    insert(&pool, "old", 5, 1000).await;
    insert(&pool, "older", 3, 900).await;
    insert(&pool, "live", 4, 1001).await;
    let accounts = &library.core.accounts;
    assert_eq!(accounts.forget_nonces(1001, 6).await.unwrap(), 6);
    let left = sqlx::query("SELECT nonce, until_ms FROM nonce WHERE until_ms < 1001");
    let left = left.fetch_all(&pool).await.unwrap();
    assert!(left.iter().all(|row| row.get::<i64, _>(1) == 1000));
    assert_eq!(left.len(), 2);
    assert_eq!(accounts.forget_nonces(1001, 6).await.unwrap(), 2);
    assert_eq!(accounts.forget_nonces(1001, 6).await.unwrap(), 0);
    assert_eq!(count(&pool).await, 4);
    pool.close().await;
    library.close().await;
}

#[tokio::test]
async fn forgetting_searches_by_index_only() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let library = Library::create(&dir, Arc::new(ManualClock::now()))
        .await
        .unwrap();
    let pool = pool(&dir).await;
    let plan = format!("EXPLAIN QUERY PLAN {}", crate::store::FORGET_NONCES);
    let plan = sqlx::query(sqlx::AssertSqlSafe(plan)).bind(1).bind(1);
    let plan = plan.fetch_all(&pool).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
    let scans = plan.iter().filter(|step| step.starts_with("SCAN"));
    assert_eq!(scans.count(), 0, "{plan:#?}");
    assert!(
        plan.iter().any(|step| step.contains("nonce_until")),
        "{plan:#?}"
    );
    pool.close().await;
    library.close().await;
}

#[tokio::test]
async fn a_running_service_forgets_what_is_over_and_refuses_what_is_not() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let clock = Arc::new(ManualClock::now());
    let limits = ServiceLimits {
        nonce_purge: Duration::from_millis(20),
        ..ServiceLimits::default()
    };
    let (service, key) = Running::start_with(&dir, clock.clone(), limits).await;
    let (key, id) = (key.unwrap(), service.publish().await);
    let signed = service.signed(
        "GET",
        &key,
        &[("Action", "GetVideoInfo"), ("VideoId", id.as_str())],
    );
    let target = format!("/?{signed}");
    assert_eq!(service.get(&target, &[]).await.status, 200);
    let pool = pool(&dir).await;
    insert(&pool, "old", 1500, 1).await;
    until_left(&pool, 1).await;
    // To the last millisecond in which its timestamp counts, it is remembered.
    clock.advance_ms(15 * 60 * 1000 - 1000);
    assert_eq!(service.get(&target, &[]).await.code(), "SignatureNonceUsed");
    clock.advance_ms(62_000);
    assert_eq!(
        service.get(&target, &[]).await.code(),
        "InvalidTimeStamp.Expired"
    );
    until_left(&pool, 0).await;
    pool.close().await;
    service.stop().await;
}
