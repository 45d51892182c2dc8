//! Verifying in the module. Nothing here is secret: a public key, a signature, a text.

use crate::jose::algorithm::Algorithm;
use crate::jose::material::VerifyingKey;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Whether the module knows the algorithm. P-521 it leaves to the host.
pub(super) fn verifies(algorithm: Algorithm) -> bool {
    algorithm != Algorithm::Es512
}

pub(super) fn verify(key: &VerifyingKey, algorithm: Algorithm, text: &[u8], signature: &[u8]) -> bool {
    match key {
        VerifyingKey::Rsa(key) => rsa(key, algorithm, text, signature),
        VerifyingKey::P256(key) => p256::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_prehash(&Sha256::digest(text), &signature).is_ok()),
        VerifyingKey::P384(key) => p384::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_prehash(&Sha384::digest(text), &signature).is_ok()),
        VerifyingKey::P521 => false,
        // Strictly: no signature has a second form, and none is good for several texts.
        VerifyingKey::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_strict(text, &signature).is_ok()),
    }
}

/// A salt is as long as its hash (RFC 7518 §3.5).
fn rsa(key: &rsa::PublicKey, algorithm: Algorithm, text: &[u8], signature: &[u8]) -> bool {
    let verified = match algorithm {
        Algorithm::Rs256 => key.pkcs1v15_verify::<Sha256>(text, signature),
        Algorithm::Rs384 => key.pkcs1v15_verify::<Sha384>(text, signature),
        Algorithm::Rs512 => key.pkcs1v15_verify::<Sha512>(text, signature),
        Algorithm::Ps256 => key.pss_verify::<Sha256>(text, signature),
        Algorithm::Ps384 => key.pss_verify::<Sha384>(text, signature),
        Algorithm::Ps512 => key.pss_verify::<Sha512>(text, signature),
        _ => return false,
    };
    verified.is_ok()
}
