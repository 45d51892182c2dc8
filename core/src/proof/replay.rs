//! The proofs that were used, so that none is used twice (RFC 9449 §11.1): a fixed number of places in shared data.
//!
//! A proof is named by a digest of a salt, its key and its `jti`, which picks a set; a set is one shared value with the
//! proofs that were used last, the oldest first, each with the time at which it was made. When a set is full, the oldest
//! makes room for a new one, and could be used again. A proof costs one read and one write.
//!
//! The salt is the process's own: whoever makes proofs cannot choose their set, and has to fill them all to push one
//! proof out. It is written once to shared data, by the first who needs it, and read once by each worker.
//!
//! The sets are those of everybody who shares the data, and nothing in them depends on a configuration: neither a
//! reload forgets, nor does another plugin of the process take a proof for new. So nothing goes before room is needed:
//! how long a proof is good is for the one to say to whom it is shown next.

use crate::base::shared_key::numbered;
use crate::base::time::Timestamp;
use crate::base::wire::{Reader, put_time};
use crate::port::{Expect, HostFailure, Random, SharedStore, WriteError};
use crate::token::confirmation::Thumbprint;
use std::cell::Cell;
use std::time::Duration;

/// Sets of proofs.
const SETS: usize = 256;
/// Proofs in one set, at least: fewer would push each other out by chance.
const LEAST: usize = 8;
/// And at most.
const MOST: usize = 4096;
/// Bytes that name a proof: two that are not the same have the same name once in 2⁶⁴.
const NAME: usize = 16;
/// Bytes of a proof in its set: its name, and when it was made.
const PROOF: usize = NAME + 8;
/// Bytes of the salt.
const SALT: usize = 16;
/// How often a write is tried when other workers are faster. Each time one of them has written to the same set: so many
/// in a row are no traffic, but a host that does not do its part.
const ATTEMPTS: usize = 16;

const SALT_KEY: &str = "tessera/1/proofs/layout-2/salt";
/// Where the sets are. Its number, and the salt's, change with the layout.
const PREFIX: &str = "tessera/1/proofs/layout-2/";

/// The proofs of this process, as one worker reaches them.
#[derive(Clone, Debug)]
pub struct UsedProofs {
    /// Proofs in one set.
    room: usize,
    /// As it was read, once it was.
    salt: Cell<Option<[u8; SALT]>>,
}

/// A proof that is to be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use<'a> {
    pub key: &'a Thumbprint,
    pub jti: &'a str,
    pub issued_at: Timestamp,
    /// How long after it was made a proof is good.
    pub lifetime: Duration,
    pub now: Timestamp,
}

impl UsedProofs {
    /// Room for about `entries` proofs.
    pub fn new(entries: usize) -> Self {
        Self { room: entries.div_ceil(SETS).clamp(LEAST, MOST), salt: Cell::default() }
    }

    /// Takes note of a proof. Whether it is the first time.
    ///
    /// # Errors
    /// [`HostFailure`] when that cannot be told.
    pub(super) fn is_first_use(
        &self,
        store: &dyn SharedStore,
        random: &dyn Random,
        Use { key, jti, issued_at, lifetime, now }: Use<'_>,
    ) -> Result<bool, HostFailure> {
        let salt = self.salt(store, random)?;
        let digest = hmac_sha256::Hash::hash(&[&salt[..], key, jti.as_bytes()].concat());
        let [name, [place, ..]] = digest.as_chunks::<NAME>().0 else { return Err(HostFailure) };
        let set = numbered(PREFIX, u64::from(*place));
        let is_it = |proof: &[u8; PROOF]| {
            let mut reader = Reader::new(proof);
            reader.array() == Ok(name) && reader.time().is_ok_and(|made| now <= made.plus(lifetime))
        };
        for _ in 0..ATTEMPTS {
            let found = store.get(&set);
            let proofs = found.as_ref().map_or(&[][..], |found| read(&found.value));
            if proofs.iter().any(is_it) {
                return Ok(false);
            }
            // One for one: a configuration with more room may have filled it.
            let kept = proofs.get(usize::from(proofs.len() >= self.room)..).unwrap_or_default();
            let mut value = Vec::with_capacity(kept.len() * PROOF + PROOF);
            value.extend_from_slice(kept.as_flattened());
            value.extend_from_slice(name);
            put_time(&mut value, issued_at);
            let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::Version(found.version));
            match store.set(&set, &value, expect) {
                Ok(()) => return Ok(true),
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable) => return Err(HostFailure),
            }
        }
        Err(HostFailure)
    }

    fn salt(&self, store: &dyn SharedStore, random: &dyn Random) -> Result<[u8; SALT], HostFailure> {
        if let Some(salt) = self.salt.get() {
            return Ok(salt);
        }
        for _ in 0..ATTEMPTS {
            let found = store.get(SALT_KEY);
            if let Some(salt) = found.as_ref().and_then(|found| found.value.as_slice().try_into().ok()) {
                self.salt.set(Some(salt));
                return Ok(salt);
            }
            let mut salt = [0; SALT];
            random.fill(&mut salt)?;
            let expect = found.map_or(Expect::Absent, |found| Expect::Version(found.version));
            match store.set(SALT_KEY, &salt, expect) {
                // Read back: all workers have what is there.
                Ok(()) | Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable) => return Err(HostFailure),
            }
        }
        Err(HostFailure)
    }
}

/// The proofs of a set; none where the bytes are no set.
fn read(bytes: &[u8]) -> &[[u8; PROOF]] {
    match bytes.as_chunks() {
        (proofs, []) if proofs.len() <= MOST => proofs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests;
