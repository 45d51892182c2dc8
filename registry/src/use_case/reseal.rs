//! Sealing everything anew with the first key, so that the others can go.

use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::use_case::open_provider::sealed_place;
use crate::use_case::ports::{Randomness, Sealing};
use crate::use_case::record::{lock, note, scan};
use crate::use_case::store::{StoreError, Transaction};

/// Providers that are read at once.
const PAGE: u32 = 200;

/// Why nothing was sealed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotResealed {
    /// No key opens what this provider of this organisation has.
    Unreadable {
        organisation: String,
        provider: String,
    },
    Refused(Refusal),
}

impl From<StoreError> for NotResealed {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
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
    let (mut sealed, mut after) = (0, None::<(String, String)>);
    loop {
        let last = after.as_ref().map(|(organisation, id)| (organisation.as_str(), id.as_str()));
        let providers = scan::<Provider>(tx, last, PAGE).await?;
        let Some(last) = providers.last() else { return Ok(sealed) };
        after = Some((last.organisation.clone(), last.thing.id.clone()));
        for kept in &providers {
            let (organisation, id) = (&kept.organisation, &kept.thing.id);
            let Some(mut kept) = lock::<Provider>(tx, organisation, id).await? else { continue };
            let mut count = 0;
            for (place, credential) in kept.thing.credentials() {
                let place = sealed_place(organisation, &place);
                let unreadable =
                    || NotResealed::Unreadable { organisation: organisation.clone(), provider: id.clone() };
                let secret = sealing.open(credential, &place).ok_or_else(unreadable)?;
                *credential = sealing.seal(&secret, &place, randomness);
                count += 1;
            }
            if count > 0 {
                note(tx, &kept).await?;
            }
            sealed += count;
        }
    }
}
