//! Sealing everything anew with the first key, so that the others can go.

use crate::domain::client::AppClient;
use crate::domain::orphan::{Orphan, orphan_place};
use crate::domain::provider::{OneTimeToken, Provider, one_time_place};
use crate::domain::refusal::Refusal;
use crate::use_case::open_provider::sealed_place;
use crate::use_case::ports::{Randomness, Sealing};
use crate::use_case::record::{Record, lock, note, scan};
use crate::use_case::store::{StoreError, Transaction};

/// Records that are read at once.
const PAGE: u32 = 200;

/// Why nothing was sealed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotResealed {
    /// No key opens what this thing of this organisation has.
    Unreadable {
        organisation: String,
        /// A provider, a client, an orphan or a one-time token.
        kind: &'static str,
        id: String,
    },
    Refused(Refusal),
}

impl From<StoreError> for NotResealed {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// A record with something sealed in it.
trait Sealed: Record {
    const KIND: &'static str;

    /// With the place that each is sealed for.
    fn sealed(&mut self) -> Vec<(String, &mut String)>;
}

impl Sealed for Provider {
    const KIND: &'static str = "provider";

    fn sealed(&mut self) -> Vec<(String, &mut String)> {
        self.credentials()
    }
}

impl Sealed for AppClient {
    const KIND: &'static str = "client";

    fn sealed(&mut self) -> Vec<(String, &mut String)> {
        let id = self.id.clone();
        self.registered.as_mut().map(|registered| registered.sealed(&id)).unwrap_or_default()
    }
}

impl Sealed for Orphan {
    const KIND: &'static str = "orphan";

    fn sealed(&mut self) -> Vec<(String, &mut String)> {
        let place = orphan_place(&self.id);
        self.token.as_mut().map(|token| (place, token)).into_iter().collect()
    }
}

impl Sealed for OneTimeToken {
    const KIND: &'static str = "one-time token";

    fn sealed(&mut self) -> Vec<(String, &mut String)> {
        vec![(one_time_place(&self.id), &mut self.token)]
    }
}

/// Seals anew what all organisations have, and says how much that is. No representation changes, so no revision does.
///
/// # Errors
/// A secret that no key opens; those of the store.
pub async fn reseal(
    tx: &mut dyn Transaction,
    sealing: &dyn Sealing,
    randomness: &dyn Randomness,
) -> Result<usize, NotResealed> {
    // In the order in which these are locked.
    let providers = resealed::<Provider>(tx, sealing, randomness).await?;
    let clients = resealed::<AppClient>(tx, sealing, randomness).await?;
    let orphans = resealed::<Orphan>(tx, sealing, randomness).await?;
    Ok(providers + clients + orphans + resealed::<OneTimeToken>(tx, sealing, randomness).await?)
}

async fn resealed<T: Sealed>(
    tx: &mut dyn Transaction,
    sealing: &dyn Sealing,
    randomness: &dyn Randomness,
) -> Result<usize, NotResealed> {
    let (mut sealed, mut after) = (0, None::<(String, String)>);
    loop {
        let last = after.as_ref().map(|(organisation, id)| (organisation.as_str(), id.as_str()));
        let mut records = scan::<T>(tx, last, PAGE).await?;
        let Some(last) = records.last() else { return Ok(sealed) };
        after = Some((last.organisation.clone(), last.thing.id()));
        for read in &mut records {
            if read.thing.sealed().is_empty() {
                continue;
            }
            let (organisation, id) = (&read.organisation, read.thing.id());
            let Some(mut kept) = lock::<T>(tx, organisation, &id).await? else { continue };
            let mut count = 0;
            for (place, text) in kept.thing.sealed() {
                let place = sealed_place(organisation, &place);
                let unreadable = || {
                    let (organisation, id) = (organisation.clone(), id.clone());
                    NotResealed::Unreadable { organisation, kind: T::KIND, id }
                };
                let secret = sealing.open(text, &place).ok_or_else(unreadable)?;
                *text = sealing.seal(&secret, &place, randomness);
                count += 1;
            }
            note(tx, &kept).await?;
            sealed += count;
        }
    }
}
