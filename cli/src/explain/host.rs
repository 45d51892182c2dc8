//! What the filter has of its host, here: signatures, randomness, the time.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaKeyPair, UnparsedPublicKey};
use std::time::{SystemTime, UNIX_EPOCH};
use tessera_core::base::time::{Timestamp, millis};
use tessera_core::port::{HostFailure, Random, SignatureHash, Signatures};

/// Signatures by the same library that Envoy has.
pub struct NativeSignatures;

impl Signatures for NativeSignatures {
    fn verify(&self, hash: SignatureHash, key: &[u8], signature: &[u8], text: &[u8]) -> Result<bool, HostFailure> {
        let Some(algorithm) = algorithm(hash, key) else { return Ok(false) };
        Ok(UnparsedPublicKey::new(algorithm, key).verify(text, signature).is_ok())
    }

    fn sign(&self, hash: SignatureHash, key: &[u8], text: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        let random = SystemRandom::new();
        if let Ok(pair) = RsaKeyPair::from_pkcs8(key) {
            let encoding: &dyn signature::RsaEncoding = match hash {
                SignatureHash::Sha256 => &signature::RSA_PKCS1_SHA256,
                SignatureHash::Sha384 => &signature::RSA_PKCS1_SHA384,
                SignatureHash::Sha512 => &signature::RSA_PKCS1_SHA512,
            };
            let mut made = vec![0; pair.public_modulus_len()];
            return Ok(pair.sign(encoding, &random, text, &mut made).is_ok().then_some(made));
        }
        let algorithm: &'static EcdsaSigningAlgorithm = match hash {
            SignatureHash::Sha256 => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            SignatureHash::Sha384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            SignatureHash::Sha512 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        };
        let made = EcdsaKeyPair::from_pkcs8(algorithm, key).ok().and_then(|pair| pair.sign(&random, text).ok());
        Ok(made.map(|made| made.as_ref().to_vec()))
    }
}

/// The one for a SubjectPublicKeyInfo, told by the identifier in it (RFC 8017 §A.1, RFC 5480 §2.1.1).
fn algorithm(hash: SignatureHash, key: &[u8]) -> Option<&'static dyn signature::VerificationAlgorithm> {
    const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    const P384: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
    const P521: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";
    // Behind the tags and lengths of two sequences, which take two to four bytes each.
    let is =
        |identifier: &[u8]| (4..=8).any(|start| key.get(start..).is_some_and(|inside| inside.starts_with(identifier)));
    Some(match hash {
        SignatureHash::Sha256 if is(RSA) => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        SignatureHash::Sha384 if is(RSA) => &signature::RSA_PKCS1_2048_8192_SHA384,
        SignatureHash::Sha512 if is(RSA) => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        SignatureHash::Sha256 if is(P256) => &signature::ECDSA_P256_SHA256_ASN1,
        SignatureHash::Sha384 if is(P384) => &signature::ECDSA_P384_SHA384_ASN1,
        SignatureHash::Sha512 if is(P521) => &signature::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

/// The randomness of the system.
pub struct SystemRandomness;

impl Random for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostFailure> {
        SystemRandom::new().fill(bytes).map_err(|_| HostFailure)
    }
}

pub fn now() -> Timestamp {
    Timestamp::from_millis(millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
}
