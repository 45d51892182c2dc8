//! The keys that the module itself signs with: secrets (HMAC), Ed25519, and P-256 where the host does not sign.

use super::algorithm::SigningAlgorithm;
use super::key::PrivateKey;
use super::key_error::PrivateKeyError;
use super::pkcs8::KeyMaterial;
use crate::port::SignatureHash;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::Signer;
use sha2::{Sha256, Sha384, Sha512};

/// A key, ready for use.
#[derive(Clone)]
pub(super) enum ModuleKey {
    Hs256(Hmac<Sha256>),
    Hs384(Hmac<Sha384>),
    Hs512(Hmac<Sha512>),
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl ModuleKey {
    /// `None` when the secret is shorter than the hash, or the algorithm takes none.
    pub(super) fn with_secret(algorithm: SigningAlgorithm, secret: &[u8]) -> Option<Self> {
        let SigningAlgorithm::Hmac(hash) = algorithm else { return None };
        if secret.len() < algorithm.secret_bytes() {
            return None;
        }
        Some(match hash {
            SignatureHash::Sha256 => Self::Hs256(Hmac::new_from_slice(secret).ok()?),
            SignatureHash::Sha384 => Self::Hs384(Hmac::new_from_slice(secret).ok()?),
            SignatureHash::Sha512 => Self::Hs512(Hmac::new_from_slice(secret).ok()?),
        })
    }

    /// `None` when the module does not sign with such keys.
    ///
    /// # Errors
    /// [`PrivateKeyError::Unsound`] when its numbers are not those of a key.
    pub(super) fn with_key(key: &PrivateKey) -> Result<Option<Self>, PrivateKeyError> {
        match &key.material {
            KeyMaterial::P256 { scalar, public } => {
                let key = p256::ecdsa::SigningKey::from_slice(scalar).map_err(|_| PrivateKeyError::Unsound)?;
                let own = |compressed| key.verifying_key().to_sec1_point(compressed);
                let is_own = |public: &[u8]| [false, true].iter().any(|form| own(*form).as_bytes() == public);
                sound(public.as_deref().is_none_or(is_own))?;
                Ok(Some(Self::P256(key)))
            }
            KeyMaterial::Ed25519 { seed, public } => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                let own = key.verifying_key();
                sound(public.as_deref().is_none_or(|public| own.as_bytes() == public))?;
                Ok(Some(Self::Ed25519(key)))
            }
            KeyMaterial::Rsa(_) | KeyMaterial::Foreign => Ok(None),
        }
    }

    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Hs256(key) => mac(key, text),
            Self::Hs384(key) => mac(key, text),
            Self::Hs512(key) => mac(key, text),
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(text);
                signature.to_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(text).to_bytes().to_vec(),
        }
    }
}

fn mac<M: Mac + Clone>(key: &M, text: &[u8]) -> Vec<u8> {
    key.clone().chain_update(text).finalize().into_bytes().to_vec()
}

fn sound(is_so: bool) -> Result<(), PrivateKeyError> {
    if is_so { Ok(()) } else { Err(PrivateKeyError::Unsound) }
}
