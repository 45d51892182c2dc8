//! First answers to requests with an `Idempotency-Key`, for as long as they are kept.

use std::time::Duration;

use crate::domain::kept_answer::KeptAnswer;
use crate::domain::time::Time;
use crate::use_case::record::{Record, get, insert, list};
use crate::use_case::store::{Condition, Query, StoreError, Table, Transaction};
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

/// Forgets answers of an organisation that are kept no longer.
///
/// # Errors
/// Those of the store.
pub async fn forget(tx: &mut dyn Transaction, organisation: &str, now: Time) -> Result<(), StoreError> {
    let conditions = vec![Condition::Before("at", now.minus(KEPT_FOR).to_string())];
    let query = Query { conditions, limit: FORGOTTEN, ..Query::default() };
    for old in list::<KeptAnswer>(tx, organisation, &query).await? {
        tx.delete(&IDEMPOTENCY_KEYS, organisation, &old.thing.id).await?;
    }
    Ok(())
}
