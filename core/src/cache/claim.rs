//! A worker's claim to introspect a token: the first worker to write its claim leads; the others add the numbers of
//! their queues to it and wait for the answer.
//!
//! A claim names the token, the worker that asks (the leader), until when the others may rely on it, and the queues of
//! those that wait (its followers). A leader that dies stops renewing: within [`LEASE`] another worker takes the lead.
//!
//! ```text
//! 0 u8 · digest 32 bytes · leader u64 · until u64 · queues of the followers, u32 each
//! ```
//! Numbers are little-endian, times in milliseconds since the Unix epoch.

use crate::base::time::Timestamp;
use crate::base::wire::{Reader, put_time, put_u64};
use crate::token::digest::Digest;
use std::time::Duration;

/// How long a leader may stay silent before another worker takes over. Renewed about four times in that time.
pub(super) const LEASE: Duration = Duration::from_millis(1000);

/// How much further ahead than a lease reaches one may end. Workers take the time when an event comes, so that one
/// which was halted since meets claims that were made, or renewed, after its now.
const HALT: Duration = LEASE;

pub(super) const KIND: u8 = 0;

/// What a claim takes without followers, in bytes.
pub(super) const HEAD: usize = 1 + 32 + 8 + 8;

/// Whether a lease that ends at `until` is held. One that ends further ahead than any can was given before the clock
/// was set back.
pub fn is_held(until: Timestamp, now: Timestamp) -> bool {
    now < until && until <= now.plus(LEASE).plus(HALT)
}

/// Who introspects a token, and who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim<'a> {
    pub digest: &'a Digest,
    pub leader: u64,
    /// When it counts as dead, unless it renews.
    pub until: Timestamp,
    followers: &'a [[u8; 4]],
    /// The queue of one more.
    newcomer: Option<u32>,
}

impl<'a> Claim<'a> {
    pub(super) fn led_by(leader: u64, digest: &'a Digest, now: Timestamp) -> Self {
        Self { digest, leader, until: now.plus(LEASE), followers: &[], newcomer: None }
    }

    /// The claim with a lease that begins now.
    pub(super) fn renewed(self, now: Timestamp) -> Self {
        Self { until: now.plus(LEASE), ..self }
    }

    /// The claim with `queue` among its followers.
    pub(super) fn followed_by(self, queue: u32) -> Self {
        Self { newcomer: Some(queue), ..self }
    }

    /// Whether the leader still counts as alive.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        is_held(self.until, now)
    }

    pub(super) fn followers(&self) -> impl Iterator<Item = u32> {
        self.followers.iter().map(|queue| u32::from_le_bytes(*queue)).chain(self.newcomer)
    }

    pub(super) fn is_followed_by(&self, queue: u32) -> bool {
        self.followers().any(|other| other == queue)
    }

    /// The claim in a record; `None` when it is none.
    pub(super) fn read(record: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(record.strip_prefix(&[KIND])?);
        let (digest, leader, until) = (reader.array().ok()?, reader.u64().ok()?, reader.time().ok()?);
        let (followers, []) = reader.rest().as_chunks() else { return None };
        Some(Self { digest, leader, until, followers, newcomer: None })
    }

    /// What it takes as a record, in bytes.
    pub(super) fn length(&self) -> usize {
        HEAD + 4 * (self.followers.len() + usize::from(self.newcomer.is_some()))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(KIND);
        out.extend_from_slice(self.digest);
        put_u64(out, self.leader);
        put_time(out, self.until);
        out.extend_from_slice(self.followers.as_flattened());
        if let Some(queue) = self.newcomer {
            out.extend_from_slice(&queue.to_le_bytes());
        }
    }
}
