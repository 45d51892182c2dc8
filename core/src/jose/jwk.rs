//! A public key as JSON (RFC 7517 §4): what it may verify, and for whom.

use super::algorithm::Algorithm;
use super::key_error::KeyError;
use super::material::PublicMaterial;
use super::members::KeyMembers;
use crate::base::json::{Json, Object, UnusableMember};
use std::fmt;

/// A public key that verifies signatures, checked and made ready. `Debug` shows its `kid` and kind.
#[derive(Clone)]
pub struct PublicKey {
    key_id: Option<Box<str>>,
    issuer: Option<Box<str>>,
    /// The only one that it verifies.
    algorithm: Option<Algorithm>,
    pub(super) material: PublicMaterial,
}

/// The members of private keys (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// What stands in a key's `issuer` for one path segment, at Entra ID.
const ANY_TENANT: &str = "{tenantid}";

/// A public key as it was read, which can be named before it is checked: that costs as much as a signature.
pub struct UncheckedKey {
    key_id: Option<Box<str>>,
    issuer: Option<Box<str>>,
    algorithm: Option<Algorithm>,
    members: KeyMembers,
}

impl UncheckedKey {
    /// # Errors
    /// [`KeyError`] when it is no public key for signatures.
    pub fn read(jwk: &Object<'_>) -> Result<Self, KeyError> {
        if jwk.text("kty")? == Some("oct") {
            return Err(KeyError::Symmetric);
        }
        if PRIVATE.iter().any(|name| jwk.get(name).is_some()) {
            return Err(KeyError::Private);
        }
        check_purpose(jwk)?;
        let members = KeyMembers::read(jwk)?;
        let algorithm = jwk.text("alg")?.map(|name| Algorithm::named(name).ok_or(KeyError::NotForVerifying));
        Ok(Self {
            key_id: jwk.text("kid")?.map(Into::into),
            issuer: jwk.text("issuer")?.map(Into::into),
            algorithm: algorithm.transpose()?,
            members,
        })
    }

    /// The SHA-256 thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> [u8; 32] {
        self.members.thumbprint()
    }

    /// # Errors
    /// [`KeyError`] when there is no such key, or it is not fit for its own algorithm.
    pub fn check(self) -> Result<PublicKey, KeyError> {
        let material = PublicMaterial::new(&self.members)?;
        if self.algorithm.is_some_and(|algorithm| !material.fits(algorithm)) {
            return Err(KeyError::NotForVerifying);
        }
        Ok(PublicKey { key_id: self.key_id, issuer: self.issuer, algorithm: self.algorithm, material })
    }
}

impl PublicKey {
    /// # Errors
    /// [`KeyError`] when it is no public key for signatures.
    pub fn read(jwk: &Object<'_>) -> Result<Self, KeyError> {
        UncheckedKey::read(jwk)?.check()
    }

    /// Whether it is fit for this algorithm.
    pub fn verifies(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|only| only == algorithm) && self.material.fits(algorithm)
    }

    /// Whether it serves this issuer.
    pub fn serves(&self, issuer: &str) -> bool {
        self.issuer.as_deref().is_none_or(|pattern| names(pattern, issuer))
    }

    /// The SHA-256 thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> [u8; 32] {
        self.material.thumbprint
    }

    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }
}

/// The same key, and for the same purposes.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        let all = |key: &Self| (key.material.thumbprint, key.algorithm);
        all(self) == all(other) && self.key_id == other.key_id && self.issuer == other.issuer
    }
}

fn check_purpose(jwk: &Object<'_>) -> Result<(), KeyError> {
    let used = jwk.text("use")?.is_none_or(|purpose| purpose == "sig");
    let allowed = match jwk.present("key_ops") {
        None => true,
        Some(Json::Array(operations)) => operations.iter().any(|operation| operation.as_text() == Some("verify")),
        Some(_) => return Err(KeyError::Member(UnusableMember("key_ops"))),
    };
    if used && allowed { Ok(()) } else { Err(KeyError::NotForVerifying) }
}

/// Whether `issuer` is what a key's `issuer` says.
fn names(pattern: &str, issuer: &str) -> bool {
    let Some((before, after)) = pattern.split_once(ANY_TENANT) else { return pattern == issuer };
    let tenant = issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    tenant.is_some_and(|tenant| !tenant.is_empty() && !tenant.contains(['/', '?', '#']))
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("kid", &self.key_id).field("kind", &self.material.kind()).finish()
    }
}

#[cfg(test)]
mod tests;
