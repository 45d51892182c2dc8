//! A private key as it is configured, in PEM (PKCS #8) or as a JWK: read once, checked, and kept as PKCS #8.

use super::algorithm::{PrivateKeyKind, SigningAlgorithm};
use super::jwk;
use super::key_error::{PrivateKeyError, RSA_BITS};
use crate::jose::curve::EcCurve;
use crate::jose::native::{EC, ED25519, RSA};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::Decode;
use der::asn1::{OctetStringRef, UintRef};
use pkcs8::PrivateKeyInfoRef;
use sec1::EcPrivateKey;
use std::fmt;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// How many numbers an RSA key consists of, with its version.
const RSA_NUMBERS: usize = 9;

/// A private key. `Debug` shows nothing of it.
pub struct PrivateKey {
    /// PKCS #8 in DER.
    pub(super) pkcs8: Box<[u8]>,
    pub(super) material: KeyMaterial,
    /// The `kid` of a JWK.
    pub(super) key_id: Option<Box<str>>,
}

/// What the module itself needs of a key.
pub(super) enum KeyMaterial {
    /// A scalar, and the public half if it is given (SEC 1 §2.3.3).
    P256 {
        scalar: Box<[u8]>,
        public: Option<Box<[u8]>>,
    },
    Ed25519 {
        seed: [u8; 32],
        public: Option<Box<[u8]>>,
    },
    /// Only the host signs with it.
    Foreign,
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
        let material = check(&pkcs8, algorithm)?;
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

fn check(pkcs8: &[u8], algorithm: SigningAlgorithm) -> Result<KeyMaterial, PrivateKeyError> {
    let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| PrivateKeyError::Der)?;
    let found = kind(&info).ok_or(PrivateKeyError::Der)?;
    match algorithm.key_kind() {
        Some(wanted) if wanted != found => return Err(PrivateKeyError::WrongKind { found, wanted }),
        _ => {}
    }
    let key = info.private_key.as_bytes();
    let unsound = |_: der::Error| PrivateKeyError::Unsound;
    match found {
        PrivateKeyKind::Rsa => {
            // RFC 8017 §A.1.2, of two primes: the modulus comes behind the version.
            let numbers = Vec::<UintRef<'_>>::from_der(key).map_err(unsound)?;
            let modulus = numbers.get(1).filter(|_| numbers.len() == RSA_NUMBERS).ok_or(PrivateKeyError::Unsound)?;
            match bits(modulus.as_bytes()) {
                size if RSA_BITS.contains(&size) => Ok(KeyMaterial::Foreign),
                size => Err(PrivateKeyError::RsaBits(size)),
            }
        }
        PrivateKeyKind::Ec(curve) => {
            let key = EcPrivateKey::from_der(key).map_err(unsound)?;
            match curve {
                EcCurve::P256 => {
                    Ok(KeyMaterial::P256 { scalar: key.private_key.into(), public: key.public_key.map(Into::into) })
                }
                EcCurve::P384 | EcCurve::P521 => Ok(KeyMaterial::Foreign),
            }
        }
        PrivateKeyKind::Ed25519 => {
            let seed = <&OctetStringRef>::from_der(key).map_err(unsound)?.as_bytes();
            let seed = seed.try_into().map_err(|_| PrivateKeyError::Unsound)?;
            let public = info.public_key.map(|public| public.as_bytes().ok_or(PrivateKeyError::Unsound)).transpose()?;
            Ok(KeyMaterial::Ed25519 { seed, public: public.map(Into::into) })
        }
    }
}

fn kind(info: &PrivateKeyInfoRef<'_>) -> Option<PrivateKeyKind> {
    match info.algorithm.oid {
        RSA => Some(PrivateKeyKind::Rsa),
        ED25519 => Some(PrivateKeyKind::Ed25519),
        EC => {
            let named = info.algorithm.parameters_oid().ok()?;
            EcCurve::ALL.into_iter().find(|curve| curve.oid() == named).map(PrivateKeyKind::Ec)
        }
        _ => None,
    }
}

/// How many bits a number has that is written without zeros before it.
fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |first| first.leading_zeros() as usize);
    number.len() * 8 - leading
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}
