//! First answers to requests with an `Idempotency-Key`, for as long as they are kept.

use std::time::Duration;

use crate::domain::kept_answer::KeptAnswer;
use crate::domain::principal::Caller;
use crate::domain::time::Time;
use crate::use_case::background::Background;
use crate::use_case::record::{Record, get, insert, list, lock};
use crate::use_case::store::{Condition, Query, Store, StoreError, Table, Transaction};
use crate::use_case::tables::IDEMPOTENCY_KEYS;

const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// So many are forgotten at once.
const FORGOTTEN: u32 = 500;

impl Record for KeptAnswer {
    const TABLE: &'static Table = &IDEMPOTENCY_KEYS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![Some(self.at.to_string())]
    }
}

/// # Errors
/// Those of the store.
pub async fn first_answer(
    tx: &mut dyn Transaction,
    organisation: &str,
    id: &str,
    now: Time,
) -> Result<Option<KeptAnswer>, StoreError> {
    let kept = get::<KeptAnswer>(tx, organisation, id).await?;
    Ok(kept.map(|kept| kept.thing).filter(|answer| now < answer.at.plus(KEPT_FOR)))
}

/// # Errors
/// [`StoreError::Exists`] where another one was first; others of the store.
pub async fn keep(tx: &mut dyn Transaction, organisation: &str, answer: KeptAnswer) -> Result<(), StoreError> {
    let (id, now) = (answer.id.clone(), answer.at);
    let before = get::<KeptAnswer>(tx, organisation, &id).await?;
    if before.is_some_and(|before| now >= before.thing.at.plus(KEPT_FOR)) {
        tx.delete(&IDEMPOTENCY_KEYS, organisation, &id).await?;
    }
    insert(tx, organisation, answer).await.map(|_| ())
}

/// Forgets answers that are kept no longer.
///
/// # Errors
/// Those of the store.
pub async fn forget(background: Background<'_>) -> Result<(), StoreError> {
    for Caller { organisation, .. } in background.callers().await? {
        let before = background.clock.now().minus(KEPT_FOR);
        while forget_some(background.store, &organisation, before).await? >= FORGOTTEN as usize {}
    }
    Ok(())
}

async fn forget_some(store: &dyn Store, organisation: &str, before: Time) -> Result<usize, StoreError> {
    let conditions = vec![Condition::Before("at", before.to_string())];
    let query = Query { conditions, limit: FORGOTTEN, ..Query::default() };
    let old = list::<KeptAnswer>(&mut *store.read().await?, organisation, &query).await?;
    if old.is_empty() {
        return Ok(0);
    }
    let mut tx = store.write().await?;
    for KeptAnswer { id, .. } in old.iter().map(|kept| &kept.thing) {
        // The key may have been used anew meanwhile.
        if lock::<KeptAnswer>(&mut *tx, organisation, id).await?.is_some_and(|kept| kept.thing.at < before) {
            tx.delete(&IDEMPOTENCY_KEYS, organisation, id).await?;
        }
    }
    tx.commit().await?;
    Ok(old.len())
}
