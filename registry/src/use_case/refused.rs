//! Faults of the store as ends of a request. Their texts go to the log, never to the caller.

use crate::domain::refusal::Refusal;
use crate::use_case::store::StoreError;

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists => Self::Exists("such a thing exists already"),
            StoreError::Unavailable(why) => {
                tracing::warn!(why, "the database cannot be used now");
                Self::Unavailable
            }
            StoreError::Collided(why) => {
                tracing::info!(why, "two changes were in each other's way");
                Self::Collided
            }
            error @ StoreError::NewerSchema { .. } => {
                tracing::error!(%error, "the database is another release's");
                Self::Internal
            }
            StoreError::Broken(why) => {
                tracing::error!(why, "the database is not as it should be");
                Self::Internal
            }
        }
    }
}
