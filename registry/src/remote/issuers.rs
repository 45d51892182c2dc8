//! The issuers of providers: what is known of one is known to everybody who asks with the same patience.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::provider::Provider;

pub use crate::remote::issuer::Issuer;

/// So many are known at once; when there are more, all are forgotten and asked anew.
const MOST: usize = 1000;

/// One for each issuer and timeout.
#[derive(Default)]
pub struct Issuers {
    known: Mutex<HashMap<(String, Duration), Arc<Issuer>>>,
}

impl Issuers {
    /// That of a provider; `None` of one that has none.
    ///
    /// # Errors
    /// Why none can be asked on this machine, for the log.
    pub fn of(&self, provider: &Provider) -> Result<Option<Arc<Issuer>>, String> {
        let Some(url) = &provider.issuer else { return Ok(None) };
        self.named(url, provider.timeout.duration()).map(Some)
    }

    /// One by its URL, each call of which ends `within` that time.
    ///
    /// # Errors
    /// Why none can be asked on this machine, for the log.
    pub fn named(&self, url: &str, within: Duration) -> Result<Arc<Issuer>, String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(issuer) = known.get(&(url.to_owned(), within)) {
            return Ok(Arc::clone(issuer));
        }
        let issuer = Arc::new(Issuer::new(url, within).map_err(|error| error.to_string())?);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert((url.to_owned(), within), Arc::clone(&issuer));
        Ok(issuer)
    }
}
