//! Which tokens of gateways are valid: one look a second for all held polls, however many there are.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::use_case::record::all;
use crate::use_case::store::{Store, StoreError};
use crate::use_case::tables::GATEWAY_TOKENS;

pub const LOOK: Duration = Duration::from_secs(1);

/// What was seen, and when.
#[derive(Default)]
pub struct Validity(Mutex<Option<(Instant, Arc<HashSet<String>>)>>);

impl Validity {
    /// Whether there is a token of this id. While that cannot be told, it is what it was.
    pub async fn has(&self, store: &dyn Store, token: &str) -> bool {
        let mut seen = self.0.lock().await;
        let now = Instant::now();
        let is_fresh = seen.as_ref().is_some_and(|(at, _)| now.duration_since(*at) < LOOK);
        if !is_fresh {
            match look(store).await {
                Ok(tokens) => *seen = Some((now, Arc::new(tokens))),
                // Not again for every poll that is held.
                Err(_) => seen.iter_mut().for_each(|(at, _)| *at = now),
            }
        }
        seen.as_ref().is_none_or(|(_, tokens)| tokens.contains(token))
    }
}

async fn look(store: &dyn Store) -> Result<HashSet<String>, StoreError> {
    let mut tx = store.read().await?;
    Ok(all(&mut *tx, &GATEWAY_TOKENS).await?.into_iter().map(|stored| stored.id).collect())
}
