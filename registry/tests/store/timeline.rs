//! A PostgreSQL server that goes away, and comes back with the same history or with another.

use std::time::Duration;

use tessera_registry::store::Database;
use tessera_registry::use_case::store::{Store, StoreError};
use tokio::time::timeout;

use crate::postgres::Postgres;

/// More than anything takes, also on a machine that does much else.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn what_went_away_comes_back_and_another_history_is_another_epoch() {
    let postgres = Postgres::start();
    let store = Database::open(&postgres.database(), 4).await.unwrap();
    store.migrate().await.unwrap();
    let mut heads = store.heads();
    heads.wait_for(|heads| heads.looks > 1).await.unwrap();
    let epoch = heads.borrow().epoch.clone();

    postgres.stop();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let looks = heads.borrow().looks;
    for _ in 0..2 {
        let refused = timeout(LONG, store.read()).await.unwrap();
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    }
    assert_eq!(heads.borrow().looks, looks);

    postgres.begin();
    let back = heads.wait_for(|heads| heads.looks > looks);
    timeout(LONG, back).await.unwrap().unwrap();
    assert_eq!(store.read().await.unwrap().epoch().await.unwrap(), epoch);

    postgres.take_another_timeline();
    let mut tx = loop {
        match store.read().await {
            Ok(tx) => break tx,
            Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
        }
    };
    let another = tx.epoch().await.unwrap();
    assert_ne!(another, epoch);
    timeout(LONG, heads.wait_for(|heads| heads.epoch == another)).await.unwrap().unwrap();
}
