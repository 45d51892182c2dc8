//! What this process knows of where the feeds stand.

use std::collections::BTreeMap;

use tokio::sync::{Notify, watch};

use crate::use_case::feed_store::Heads;

/// What PostgreSQL carries from one replica to the others.
pub(super) const CHANNEL: &str = "tessera_registry";

/// The heads as this process knows them.
pub(super) struct Watched {
    heads: watch::Sender<Heads>,
    again: Notify,
}

impl Watched {
    pub(super) fn new() -> Self {
        Self { heads: watch::Sender::new(Heads::default()), again: Notify::new() }
    }

    pub(super) fn receiver(&self) -> watch::Receiver<Heads> {
        self.heads.subscribe()
    }

    /// After a commit of this process.
    pub(super) fn raise(&self, published: BTreeMap<(String, String), i64>) {
        if !published.is_empty() {
            self.heads.send_modify(|heads| merge(&mut heads.positions, published));
        }
    }

    /// Ends when somebody wants a look.
    pub(super) async fn wanted(&self) {
        self.again.notified().await;
    }

    pub(super) fn look_again(&self) {
        self.again.notify_one();
    }

    pub(super) fn looked(&self, seen: Heads) {
        self.heads.send_modify(|heads| {
            let looks = heads.looks.wrapping_add(1);
            let mut before = std::mem::replace(heads, Heads { looks, ..seen });
            // A commit of this process may be younger than the look.
            if before.epoch == heads.epoch {
                before.positions.retain(|feed, _| heads.positions.contains_key(feed));
                merge(&mut heads.positions, before.positions);
            }
        });
    }
}

fn merge(positions: &mut BTreeMap<(String, String), i64>, newer: BTreeMap<(String, String), i64>) {
    for (feed, position) in newer {
        let known = positions.entry(feed).or_default();
        *known = position.max(*known);
    }
}
