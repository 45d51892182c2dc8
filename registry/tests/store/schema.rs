//! Migrations.

use sqlx::Row;
use tessera_registry::store::Database;
use tessera_registry::use_case::store::{Store, StoreError};

use crate::database::{TestDatabase, every};

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    for database in every() {
        let mut replicas = Vec::new();
        for _ in 0..4 {
            replicas.push(Database::open(&database.url, 3).await.unwrap());
        }
        let steps = replicas[0].pending().await.unwrap().len();
        assert!(steps > 0);
        let all = replicas.iter().map(Database::migrate).map(Box::pin);
        let mut done = 0;
        for migrated in futures(all.collect()).await {
            done += migrated.unwrap().len();
        }
        assert_eq!(done, steps);
        let mut epochs = Vec::new();
        for replica in &replicas {
            assert!(replica.pending().await.unwrap().is_empty());
            epochs.push(replica.read().await.unwrap().epoch().await.unwrap());
        }
        epochs.dedup();
        assert_eq!(epochs.len(), 1);
    }
}

/// All at once.
async fn futures<T>(mut waiting: Vec<std::pin::Pin<Box<impl Future<Output = T>>>>) -> Vec<T> {
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        waiting.retain_mut(|future| match future.as_mut().poll(cx) {
            std::task::Poll::Ready(outcome) => {
                done.push(outcome);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    for database in every() {
        database.open().await;
        database.run("UPDATE state SET value = '99' WHERE name = 'schema'").await;
        let store = Database::open(&database.url, 3).await.unwrap();
        let newer = |error| matches!(error, StoreError::NewerSchema { found: 99, .. });
        assert!(newer(store.pending().await.unwrap_err()));
        assert!(newer(store.migrate().await.unwrap_err()));
    }
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    for url in ["", "mysql://x", "sqlite:", "sqlite::memory:", "sqlite:/nowhere/at/all.db", "postgres://[", "sqlite:/"]
    {
        assert!(Database::open(url, 1).await.is_err(), "{url}");
    }
    let other = std::env::temp_dir().join(format!("tessera-registry-{}", uuid::Uuid::now_v7()));
    std::fs::write(&other, "this is no database, however long it is looked at".repeat(99)).unwrap();
    let refused = Database::open(&format!("sqlite:{}", other.display()), 1).await.err().unwrap();
    assert!(matches!(&refused, StoreError::Broken(why) if why.contains("not a database")), "{refused}");
    std::fs::remove_file(&other).unwrap();
    let refused = Database::open("postgres://u:secret@127.0.0.1:1/x", 1).await.err().unwrap();
    assert!(matches!(&refused, StoreError::Unavailable(why) if !why.contains("secret")), "{refused}");
}

#[tokio::test]
async fn a_file_may_have_any_name_and_is_nobody_elses() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("tessera registry?%41#ü {}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("a?mode=ro&x%20#.db");
    let store = Database::open(&format!("sqlite:{}", file.display()), 2).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    store.close().await;
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| name.to_str() != file.file_name().unwrap().to_str());
    assert!(names.is_empty(), "{names:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Of tables of which there may be very many records: without that it would take the organisation for as good an index
/// as any.
#[tokio::test]
async fn sqlite_is_told_what_each_index_leads_to() {
    let database = TestDatabase::sqlite();
    database.open().await.close().await;
    let mut connection = <sqlx::AnyConnection as sqlx::Connection>::connect(&database.url).await.unwrap();
    let asked = "SELECT coalesce(m.name, s.idx) AS name, s.stat, \
                 (SELECT count(*) FROM pragma_index_info(m.name)) AS columns \
                 FROM sqlite_stat1 s FULL JOIN sqlite_master m ON m.name = s.idx AND m.tbl_name = s.tbl \
                 WHERE s.idx IS NOT NULL \
                 OR (m.type = 'index' AND m.tbl_name IN ('contracts', 'applications', 'audit_entries'))";
    let rows = sqlx::query(asked).fetch_all(&mut connection).await.unwrap();
    assert!(rows.len() > 20, "{}", rows.len());
    for row in rows {
        let (name, stat, columns) = (row.get::<String, _>(0), row.get::<Option<String>, _>(1), row.get::<i64, _>(2));
        let numbers: Vec<u64> =
            stat.iter().flat_map(|stat| stat.split(' ')).map(|word| word.parse().unwrap()).collect();
        // There is such an index, and for each column a number beside that of all records.
        assert_eq!(numbers.len() as i64, columns + 1, "{name}: {stat:?}");
        assert!(columns > 0 && numbers.is_sorted_by(|one, next| one >= next), "{name}: {stat:?}");
    }
}
