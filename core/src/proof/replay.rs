//! The proofs that were used, so that none is used twice (RFC 9449 §11.1): a fixed number of places in shared data.
//!
//! A proof is named by a digest of a salt, its key and its `jti`, which picks a set; a set is one shared value with at
//! most [`WAYS`] proofs, the oldest first, each with the end of its validity. What has ended goes at the next write;
//! where that leaves no room, the oldest goes before its time and could be used again. A proof costs one read and one
//! write.
//!
//! The salt is the process's own: whoever makes proofs cannot choose their set, and has to fill them all to push one
//! proof out. It is written once to shared data, by the first who needs it, and read once by each worker.
//!
//! The sets are those of the process, so a reload does not forget. Another number of entries has other sets, and so has
//! another layout: neither reads or writes what the other has, be they there side by side.

use crate::base::shared_key::numbered;
use crate::base::time::Timestamp;
use crate::base::wire::{Malformed, Reader, put_time};
use crate::port::{Expect, HostFailure, Random, SharedStore, WriteError};
use crate::token::confirmation::Thumbprint;
use std::cell::Cell;

/// Proofs in one set.
const WAYS: usize = 32;
/// Bytes that name a proof: two that are not the same have the same name once in 2⁶⁴.
const NAME: usize = 16;
/// Bytes of the salt.
const SALT: usize = 16;
/// How often a write is tried when other workers are faster.
const ATTEMPTS: usize = 16;

const SALT_KEY: &str = "tessera/1/proofs/layout-1/salt";
/// Where the sets are. Its number, and the salt's, change with the layout.
const SETS: &str = "tessera/1/proofs/layout-1/";

type ProofName = [u8; NAME];

/// The proofs of this process, as one worker reaches them.
#[derive(Clone, Debug)]
pub struct UsedProofs {
    prefix: Box<str>,
    sets: u64,
    ways: usize,
    /// As it was read, once it was.
    salt: Cell<Option<[u8; SALT]>>,
}

/// A proof that is to be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use<'a> {
    pub key: &'a Thumbprint,
    pub jti: &'a str,
    /// The last moment at which it is valid.
    pub until: Timestamp,
    pub now: Timestamp,
}

impl UsedProofs {
    /// Room for about `entries` proofs.
    pub fn new(entries: usize) -> Self {
        let ways = entries.clamp(1, WAYS);
        let sets = (entries as u64).div_ceil(ways as u64).max(1);
        let prefix = numbered(&[&numbered(SETS, sets), "x"].concat(), ways as u64);
        Self { prefix: [&*prefix, "/"].concat().into(), sets, ways, salt: Cell::default() }
    }

    /// Takes note of a proof. Whether it is the first time.
    ///
    /// # Errors
    /// [`HostFailure`] when that cannot be told.
    pub(super) fn is_first_use(
        &self,
        store: &dyn SharedStore,
        random: &dyn Random,
        Use { key, jti, until, now }: Use<'_>,
    ) -> Result<bool, HostFailure> {
        let salt = self.salt(store, random)?;
        let digest = hmac_sha256::Hash::hash(&[&salt[..], key, jti.as_bytes()].concat());
        let [name, place] = digest.as_chunks::<NAME>().0 else { return Err(HostFailure) };
        let number = place.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head));
        let set = numbered(&self.prefix, number.checked_rem(self.sets).unwrap_or_default());
        for _ in 0..ATTEMPTS {
            let found = store.get(&set);
            // What cannot be read is nobody's proof.
            let mut proofs = found.as_ref().and_then(|found| read(&found.value).ok()).unwrap_or_default();
            proofs.retain(|(_, until)| now <= *until);
            if proofs.iter().any(|(other, _)| other == name) {
                return Ok(false);
            }
            proofs.push((*name, until));
            let newest = proofs.len().saturating_sub(self.ways);
            let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::Version(found.version));
            match store.set(&set, &written(proofs.get(newest..).unwrap_or_default()), expect) {
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

fn read(bytes: &[u8]) -> Result<Vec<(ProofName, Timestamp)>, Malformed> {
    let mut reader = Reader::new(bytes);
    if bytes.len() > WAYS * (NAME + 8) {
        return Err(Malformed);
    }
    let mut proofs = Vec::new();
    while !reader.rest().is_empty() {
        proofs.push((*reader.array()?, reader.time()?));
    }
    Ok(proofs)
}

fn written(proofs: &[(ProofName, Timestamp)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(proofs.len() * (NAME + 8));
    for (name, until) in proofs {
        out.extend_from_slice(name);
        put_time(&mut out, *until);
    }
    out
}

#[cfg(test)]
mod tests;
