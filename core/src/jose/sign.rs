//! Making a JWS (RFC 7515 §5.1): by the host, or in the module where that is small and safe.
//!
//! RSA is left to the host: in the module its private-key operations would be large, slow and open to timing attacks.

mod algorithm;
mod jwk;
mod key;
mod key_error;
mod module;
mod pkcs8;
#[cfg(test)]
pub mod samples;

use super::verify::Implementation;
use super::{base64url, native};
use crate::base::secret::Secret;
use crate::port::{HostFailure, Signatures};
use module::ModuleKey;
use pkcs8::KeyMaterial;
use serde::Serialize;
use std::cell::Cell;
use std::fmt;

pub use algorithm::{PrivateKeyKind, SigningAlgorithm};
pub use key::PrivateKey;
pub use key_error::PrivateKeyError;

/// What is signed to find out whether a key is of use.
const PROBE: &[u8] = b"tessera";

/// Signs with one key. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct JwsSigner {
    algorithm: SigningAlgorithm,
    /// The protected header, as it stands in every JWS.
    header: Box<str>,
    /// The secret, or the key as PKCS #8.
    exposed: Box<[u8]>,
    /// The key for the module; `None`: only the host signs with it.
    module: Option<ModuleKey>,
    /// How long the host's signatures are, of an RSA key.
    rsa_bytes: Option<usize>,
    by: Cell<Implementation>,
}

/// Why nobody signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsignable {
    /// The host does not sign, and the module not with this algorithm.
    NoHost(SigningAlgorithm),
    /// The host does not accept the key.
    KeyRefused(SigningAlgorithm),
}

/// The protected header (RFC 7515 §4.1).
#[derive(Serialize)]
struct SignedHeader<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

impl JwsSigner {
    /// Signs by HMAC, in the module; `None` when the secret is shorter than the hash (RFC 7518 §3.2).
    pub fn with_secret(algorithm: SigningAlgorithm, secret: &Secret) -> Option<Self> {
        let secret = secret.expose().as_bytes();
        let module = ModuleKey::with_secret(algorithm, secret)?;
        Some(Self::new(algorithm, None, secret, Some(module), Implementation::Module))
    }

    /// Signs with a private key; `key_id` goes before the key's own.
    ///
    /// # Errors
    /// [`PrivateKeyError::Unsound`] when its numbers are not those of a key.
    pub fn with_key(
        algorithm: SigningAlgorithm,
        key: &PrivateKey,
        key_id: Option<&str>,
    ) -> Result<Self, PrivateKeyError> {
        let module = ModuleKey::with_key(key)?;
        let by = if algorithm == SigningAlgorithm::EdDsa { Implementation::Module } else { Implementation::Host };
        let rsa_bytes = if let KeyMaterial::Rsa(bytes) = key.material { Some(bytes) } else { None };
        Ok(Self { rsa_bytes, ..Self::new(algorithm, key_id.or(key.key_id.as_deref()), &key.pkcs8, module, by) })
    }

    fn new(
        algorithm: SigningAlgorithm,
        kid: Option<&str>,
        exposed: &[u8],
        module: Option<ModuleKey>,
        by: Implementation,
    ) -> Self {
        let header = SignedHeader { alg: algorithm.name(), typ: "JWT", kid };
        // Strings always can be written.
        let header = base64url::encode(&serde_json::to_vec(&header).unwrap_or_default());
        Self { algorithm, header: header.into(), exposed: exposed.into(), module, rsa_bytes: None, by: Cell::new(by) }
    }

    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// What is secret, for a hash and nothing else.
    pub fn expose(&self) -> &[u8] {
        &self.exposed
    }

    /// Chooses who signs from now on, by a signature with the key.
    ///
    /// # Errors
    /// [`Unsignable`] when nobody can.
    pub fn choose(&self, host: &dyn Signatures) -> Result<Implementation, Unsignable> {
        if self.by.get() == Implementation::Host {
            let made = self.host_signature(host, PROBE);
            if let (Err(_) | Ok(None), Some(_)) = (&made, &self.module) {
                self.by.set(Implementation::Module);
                return Ok(Implementation::Module);
            }
            let refused = || Unsignable::KeyRefused(self.algorithm);
            made.map_err(|HostFailure| Unsignable::NoHost(self.algorithm))?.ok_or_else(refused)?;
        }
        Ok(self.by.get())
    }

    /// The JWS over this payload, in compact serialization (RFC 7515 §7.1).
    ///
    /// # Errors
    /// [`HostFailure`] when the host did not sign.
    pub fn sign(&self, host: &dyn Signatures, payload: &[u8]) -> Result<String, HostFailure> {
        let mut jws = format!("{}.{}", self.header, base64url::encode(payload));
        let signature = self.signature(host, jws.as_bytes())?;
        jws.push('.');
        jws.push_str(&base64url::encode(&signature));
        Ok(jws)
    }

    fn signature(&self, host: &dyn Signatures, text: &[u8]) -> Result<Vec<u8>, HostFailure> {
        match (self.by.get(), &self.module) {
            (Implementation::Module, Some(key)) => Ok(key.sign(text)),
            _ => self.host_signature(host, text)?.ok_or(HostFailure),
        }
    }

    /// `None` when the host does not accept the key, or does not answer with a signature.
    fn host_signature(&self, host: &dyn Signatures, text: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        let signature = host.sign(self.algorithm.hash(), &self.exposed, text)?;
        Ok(match self.algorithm {
            SigningAlgorithm::Ecdsa(curve) => signature.and_then(|signature| native::jws_signature(curve, &signature)),
            // RFC 8017 §8.2.1.
            _ => signature.filter(|signature| Some(signature.len()) == self.rsa_bytes),
        })
    }
}

impl fmt::Debug for JwsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwsSigner(…)")
    }
}

impl fmt::Display for Unsignable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost(algorithm) => {
                write!(f, "{} needs a host that signs (Envoy 1.36 or later); use ES256 or EdDSA here", algorithm.name())
            }
            Self::KeyRefused(algorithm) => {
                write!(f, "the host cannot sign {} with this key: it is damaged, or not of that kind", algorithm.name())
            }
        }
    }
}

#[cfg(test)]
mod tests;
