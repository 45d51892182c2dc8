//! A set of public keys (RFC 7517 §5): what is no key for signatures is left out, the others count.

use super::compact::Header;
use super::jwk::PublicKey;
use crate::base::json::{Json, ObjectError};
use std::fmt;

/// Bytes that a set may have.
const MAX_BYTES: usize = 256 * 1024;
/// How many keys are tried for one signature.
const MAX_CANDIDATES: usize = 4;

/// The public keys of a JWK Set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeySet {
    keys: Vec<PublicKey>,
    skipped: usize,
}

/// Why a text is no JWK Set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySetError {
    TooLarge,
    Object(ObjectError),
    NoKeys,
}

impl KeySet {
    /// Reads a set. A key in which a member is given twice is left out, as any other that is of no use.
    ///
    /// # Errors
    /// [`KeySetError`] when it is something else.
    pub fn read(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let Ok(Json::Object(mut set)) = Json::read(json) else {
            return Err(KeySetError::Object(ObjectError::NotAnObject));
        };
        if set.take_repeated().iter().any(|name| name == "keys") {
            return Err(KeySetError::Object(ObjectError::GivenTwice));
        }
        let listed = set.iter_mut().find_map(|(name, value)| (name == "keys").then_some(value));
        let Some(Json::Array(listed)) = listed else { return Err(KeySetError::NoKeys) };
        let read = |value: &mut Json<'_>| {
            let Json::Object(jwk) = value else { return None };
            if jwk.repeats_a_member() { None } else { PublicKey::read(jwk).ok() }
        };
        let keys: Vec<PublicKey> = listed.iter_mut().filter_map(read).collect();
        Ok(Self { skipped: listed.len().saturating_sub(keys.len()), keys })
    }

    /// How many were left out.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that may have made this, not more than are to be tried: those of the header's `kid`, or those without
    /// one if no key is named so (RFC 7517 §4.5: a `kid` is optional); all, if the header names none.
    pub fn candidates<'a>(&'a self, header: &'a Header, issuer: &'a str) -> impl Iterator<Item = &'a PublicKey> {
        let name = header.key_id.as_deref();
        let known = name.filter(|name| self.has_key_id(name));
        let named = move |key: &&PublicKey| name.is_none() || key.key_id() == known;
        let fit = |key: &&PublicKey| key.verifies(header.algorithm) && key.serves(issuer);
        self.keys.iter().filter(named).filter(fit).take(MAX_CANDIDATES)
    }

    /// The thumbprint of each key (RFC 7638).
    pub fn thumbprints(&self) -> Vec<[u8; 32]> {
        self.keys.iter().map(PublicKey::thumbprint).collect()
    }

    /// Whether a key of this thumbprint verifies for this issuer.
    pub fn holds(&self, thumbprint: &[u8; 32], issuer: &str) -> bool {
        self.keys.iter().any(|key| key.thumbprint() == *thumbprint && key.serves(issuer))
    }

    pub fn has_key_id(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.key_id() == Some(key_id))
    }

    /// Whether `newer` has every key of these, for the same purposes: else what they have verified is to be forgotten.
    pub fn is_within(&self, newer: &Self) -> bool {
        self.keys.iter().all(|key| newer.keys.contains(key))
    }
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "it has more than {} KiB", MAX_BYTES / 1024),
            Self::Object(error) => error.fmt(f),
            Self::NoKeys => f.write_str("\"keys\" is not an array"),
        }
    }
}

#[cfg(test)]
mod tests;
