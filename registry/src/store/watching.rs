//! Where the feeds stand: known at once after commits of this process, soon after those of others, and within a second
//! whatever happens.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{Any, Pool};
use tokio::time::{sleep, timeout};

use crate::store::dialect::Dialect;
use crate::store::faults::{PATIENCE, fault, out_of_time};
use crate::store::transaction::SqlTransaction;
use crate::store::watched::{CHANNEL, Watched};
use crate::store::{feed, state};
use crate::use_case::feed_store::{FeedStore, Heads};
use crate::use_case::store::StoreError;

const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Looks until it is aborted.
pub(super) async fn keep_looking(pool: Pool<Any>, dialect: Dialect, watched: Arc<Watched>) {
    let mut worked = true;
    loop {
        let looked = timeout(PATIENCE, look(&pool, dialect, &watched)).await.unwrap_or_else(|_| Err(out_of_time()));
        match looked {
            Ok(heads) => {
                watched.looked(heads);
                if !worked {
                    tracing::info!("the database can be used again");
                }
                worked = true;
            }
            Err(error) => {
                // Before the first look there may be no schema yet.
                if worked && watched.receiver().borrow().looks > 0 {
                    tracing::warn!(%error, "the feed stands still");
                    worked = false;
                }
            }
        }
        let _ = timeout(BETWEEN_LOOKS, watched.wanted()).await;
    }
}

async fn look(pool: &Pool<Any>, dialect: Dialect, watched: &Arc<Watched>) -> Result<Heads, StoreError> {
    if dialect == Dialect::Postgres {
        let mut connection = pool.acquire().await.map_err(fault)?;
        state::follow_timeline(&mut connection).await.map_err(fault)?;
    }
    let mut tx = SqlTransaction::begin(pool, dialect, Arc::clone(watched), None, false).await?;
    let heads = Heads {
        epoch: tx.epoch().await?,
        held: tx.held().await?.is_some(),
        positions: feed::positions(&mut tx).await?,
        looks: 0,
    };
    tx.end().await?;
    Ok(heads)
}

/// Has it looked again whenever another replica has published something, until it is aborted.
pub(super) async fn keep_listening(url: String, watched: Arc<Watched>) {
    loop {
        if let Ok(mut listener) = PgListener::connect(&url).await
            && listener.listen(CHANNEL).await.is_ok()
        {
            // Nothing: the connection was lost, and what was said meanwhile too.
            while listener.try_recv().await.is_ok() {
                watched.look_again();
            }
        }
        sleep(BETWEEN_LOOKS).await;
    }
}
