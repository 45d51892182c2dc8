//! When it is told that the secret of a client expires.

use std::time::Duration;

use crate::domain::client::{AppClient, ClientStatus};
use crate::domain::time::Time;

/// Days before the end, the first first.
const DAYS: [u64; 3] = [30, 7, 1];

impl AppClient {
    /// The next moment. One that had passed when the secret was given is not made up for, and of several that have passed
    /// while nobody told of them the last is enough: what is told has the end itself.
    pub fn expiry_told_next(&self) -> Option<Time> {
        let expires_at = self.secret_expires_at.filter(|_| self.status == ClientStatus::Live)?;
        let given_at = self.registered.as_ref()?.given_at;
        let since = self.expiry_told_at.map_or(given_at, |told_at| told_at.max(given_at));
        DAYS.iter().map(|days| expires_at.minus(Duration::from_secs(days * 86_400))).find(|at| *at > since)
    }
}
