//! What the registry does of its own accord, each piece in a transaction of its own.

use crate::domain::organisation::Organisation;
use crate::domain::principal::Caller;
use crate::domain::time::Time;
use crate::domain::webhook::Subscribers;
use crate::use_case::context::{Context, Limits};
use crate::use_case::ports::{Clock, Randomness, Sealing};
use crate::use_case::record::{Record, all};
use crate::use_case::store::{Store, StoreError, Transaction};

/// What it is done with.
#[derive(Clone, Copy)]
pub struct Background<'a> {
    pub store: &'a dyn Store,
    pub clock: &'a dyn Clock,
    pub randomness: &'a dyn Randomness,
    pub sealing: &'a dyn Sealing,
    pub limits: &'a Limits,
    pub subscribers: &'a Subscribers,
}

impl<'a> Background<'a> {
    pub fn context(self, tx: &'a mut dyn Transaction, caller: &'a Caller, now: Time) -> Context<'a> {
        let Self { randomness, sealing, limits, subscribers, .. } = self;
        Context { tx, caller, now, randomness, sealing, limits, subscribers, request_id: None }
    }

    /// The registry itself in each organisation.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn callers(self) -> Result<Vec<Caller>, StoreError> {
        let mut tx = self.store.read().await?;
        let organisations = all(&mut *tx, Organisation::TABLE).await?;
        Ok(organisations.into_iter().map(|stored| Caller::system(stored.organisation)).collect())
    }
}
