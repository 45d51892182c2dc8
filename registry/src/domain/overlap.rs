//! Secrets of one client that overlap: one is added and checked before the one before it goes.

use std::time::Duration;

use crate::domain::client::{AppClient, ClientError, SECRET_KEPT, SecretState};
use crate::domain::registered::{NextSecret, RetiringSecret, SealedSecret};
use crate::domain::time::Time;

impl AppClient {
    /// Wants another secret; the one before it stays for the overlap.
    pub fn want_secret(&mut self, overlap: u64, now: Time) {
        if let Some(registered) = &mut self.registered {
            registered.next = Some(NextSecret { overlap, ..NextSecret::default() });
            self.updated_at = now;
        }
    }

    /// Whether another secret is wanted, and not checked yet.
    pub fn is_rotating(&self) -> bool {
        self.registered.as_ref().is_some_and(|registered| registered.next.is_some())
    }

    /// The secret that has to be checked.
    pub fn unchecked_secret(&self) -> Option<&SealedSecret> {
        self.registered.as_ref()?.next.as_ref()?.added.as_ref()
    }

    /// What was checked is its secret from now on, and can be asked for. Whether its provider may have others that are
    /// not to stay.
    pub fn take_next_secret(&mut self, now: Time) -> bool {
        let Some(registered) = &mut self.registered else { return false };
        let Some(NextSecret { overlap, added: Some(added), uncertain }) = registered.next.take() else { return false };
        let before = registered.key_id.replace(added.key_id);
        let has_older = registered.retiring.is_some() || before.is_some() && overlap == 0;
        let at = now.plus(Duration::from_millis(overlap));
        registered.retiring = before.filter(|_| overlap > 0).map(|key_id| RetiringSecret { key_id, at });
        (registered.secret, registered.given_at) = (added.secret, added.given_at);
        (self.secret_expires_at, self.error, self.updated_at) = (added.expires_at, None, now);
        self.offer_secret();
        has_older || uncertain
    }

    /// There is no other secret, for this reason: the one that it has stays.
    pub fn refuse_secret(&mut self, error: ClientError, now: Time) {
        if let Some(registered) = &mut self.registered {
            registered.next = None;
        }
        (self.error, self.updated_at) = (Some(error), now);
    }

    /// Erases what was kept for a day; the secret that people may ask for is lapsed then.
    pub fn lapse_secrets(&mut self, now: Time) {
        let is_due = |given_at: Time| given_at.plus(SECRET_KEPT) <= now;
        let Some(registered) = &mut self.registered else { return };
        let unchecked = registered.next.as_mut().and_then(|next| next.added.as_mut());
        if let Some(added) = unchecked.filter(|added| is_due(added.given_at)) {
            added.secret = None;
        }
        if is_due(registered.given_at) {
            self.erase_secret(SecretState::Lapsed, now);
        }
    }

    /// Until when any sealed secret is kept.
    pub fn secrets_until(&self) -> Option<Time> {
        let unchecked = self.unchecked_secret().filter(|added| added.secret.is_some());
        let unchecked = unchecked.map(|added| added.given_at.plus(SECRET_KEPT));
        self.secret_until().into_iter().chain(unchecked).min()
    }

    /// Its provider is not to have the secret before the latest any more.
    pub fn retire_secret(&mut self, now: Time) {
        if let Some(registered) = &mut self.registered {
            registered.retiring = None;
            self.updated_at = now;
        }
    }

    /// When the secret before the latest goes.
    pub fn secret_retires_at(&self) -> Option<Time> {
        Some(self.registered.as_ref()?.retiring.as_ref()?.at)
    }

    /// When it, or a secret of it, goes.
    pub fn retires_next(&self) -> Option<Time> {
        self.retire_at.into_iter().chain(self.secret_retires_at()).min()
    }
}
