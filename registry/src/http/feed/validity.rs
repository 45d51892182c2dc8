//! Which tokens of gateways are valid, and which gateways are what they were: one look a second for all held polls, however many there are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::use_case::record::all;
use crate::use_case::store::{Store, StoreError};
use crate::use_case::tables::{GATEWAY_TOKENS, GATEWAYS};

pub const LOOK: Duration = Duration::from_secs(1);

/// What was seen, and when.
#[derive(Default)]
pub struct Validity(Mutex<Option<(Instant, Arc<Seen>)>>);

/// The tokens' identifiers, and the gateways' revisions.
struct Seen {
    tokens: HashSet<String>,
    gateways: HashMap<String, i64>,
}

impl Validity {
    /// Whether there is a token of this id, of a gateway that is no other. While that cannot be told, it is so.
    pub async fn has(&self, store: &dyn Store, token: &str, (gateway, revision): (&str, i64)) -> bool {
        let mut seen = self.0.lock().await;
        let now = Instant::now();
        let is_fresh = seen.as_ref().is_some_and(|(at, _)| now.duration_since(*at) < LOOK);
        if !is_fresh {
            match look(store).await {
                Ok(found) => *seen = Some((now, Arc::new(found))),
                // Not again for every poll that is held.
                Err(_) => seen.iter_mut().for_each(|(at, _)| *at = now),
            }
        }
        // What was seen can be older than the gateway's last change.
        let is_same = |found: &Seen| found.gateways.get(gateway).is_some_and(|now| *now <= revision);
        seen.as_ref().is_none_or(|(_, found)| found.tokens.contains(token) && is_same(found))
    }
}

async fn look(store: &dyn Store) -> Result<Seen, StoreError> {
    let mut tx = store.read().await?;
    let tokens = all(&mut *tx, &GATEWAY_TOKENS).await?.into_iter().map(|stored| stored.id).collect();
    let gateways = all(&mut *tx, &GATEWAYS).await?.into_iter().map(|stored| (stored.id, stored.revision)).collect();
    Ok(Seen { tokens, gateways })
}
