//! A private key as it is configured, in PEM (PKCS #8) or as a JWK: read once, checked, and kept as PKCS #8.

use super::algorithm::SigningAlgorithm;
use super::key_error::PrivateKeyError;
use super::pkcs8::KeyMaterial;
use super::{jwk, pkcs8};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A private key. `Debug` shows nothing of it.
pub struct PrivateKey {
    /// PKCS #8 in DER.
    pub(super) pkcs8: Box<[u8]>,
    pub(super) material: KeyMaterial,
    /// The `kid` of a JWK.
    pub(super) key_id: Option<Box<str>>,
}

impl PrivateKey {
    /// Reads a key for that algorithm.
    ///
    /// # Errors
    /// [`PrivateKeyError`] when the text is not a private key of the algorithm's kind.
    pub fn read(text: &str, algorithm: SigningAlgorithm) -> Result<Self, PrivateKeyError> {
        let text = text.trim();
        let (pkcs8, key_id) = match text.starts_with('{') {
            true => jwk::read(text, algorithm)?,
            false => (read_pem(text)?, None),
        };
        let material = pkcs8::read(&pkcs8, algorithm)?;
        Ok(Self { pkcs8: pkcs8.into(), material, key_id })
    }
}

/// The first block of the text that is a private key.
fn read_pem(text: &str) -> Result<Vec<u8>, PrivateKeyError> {
    let Some((_, block)) = text.split_once(BEGIN) else {
        let has = |label: &str| text.contains(&format!("-----BEGIN {label}"));
        let known = [
            ("EC PRIVATE KEY", PrivateKeyError::OldFormat),
            ("RSA PRIVATE KEY", PrivateKeyError::OldFormat),
            ("ENCRYPTED PRIVATE KEY", PrivateKeyError::Encrypted),
            ("", PrivateKeyError::NotPrivate),
        ];
        return Err(known
            .into_iter()
            .find(|(label, _)| has(label))
            .map_or(PrivateKeyError::Neither, |(_, error)| error));
    };
    let (block, _) = block.split_once(END).ok_or(PrivateKeyError::Pem)?;
    let text: Vec<u8> = block.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(text).map_err(|_| PrivateKeyError::Pem)
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}
