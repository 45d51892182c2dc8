//! Keys for tests, made with OpenSSL; each as PEM and as JWK. They are used nowhere.

use super::SigningAlgorithm;
use crate::jose::curve::EcCurve;
use crate::port::{HostFailure, SignatureHash, Signatures};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature as native;

pub const P256: [&str; 2] = [include_str!("samples/p256.pem"), include_str!("samples/p256.json")];
pub const P384: [&str; 2] = [include_str!("samples/p384.pem"), include_str!("samples/p384.json")];
pub const P521: [&str; 2] = [include_str!("samples/p521.pem"), include_str!("samples/p521.json")];
pub const ED25519: [&str; 2] = [include_str!("samples/ed25519.pem"), include_str!("samples/ed25519.json")];
pub const RSA: [&str; 2] = [include_str!("samples/rsa.pem"), include_str!("samples/rsa.json")];

/// A key for the algorithm.
pub fn key(algorithm: SigningAlgorithm) -> [&'static str; 2] {
    match algorithm {
        SigningAlgorithm::Rsa(_) => RSA,
        SigningAlgorithm::Ecdsa(EcCurve::P256) => P256,
        SigningAlgorithm::Ecdsa(EcCurve::P384) => P384,
        SigningAlgorithm::Ecdsa(EcCurve::P521) => P521,
        SigningAlgorithm::EdDsa => ED25519,
        SigningAlgorithm::Hmac(_) => panic!("a secret"),
    }
}

/// A host that signs as Envoy does.
pub struct NativeSignatures;

impl Signatures for NativeSignatures {
    fn verify(&self, _: SignatureHash, _: &[u8], _: &[u8], _: &[u8]) -> Result<bool, HostFailure> {
        Err(HostFailure)
    }

    fn sign(&self, hash: SignatureHash, key: &[u8], text: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        let random = SystemRandom::new();
        let ecdsa = match hash {
            SignatureHash::Sha256 => &native::ECDSA_P256_SHA256_ASN1_SIGNING,
            SignatureHash::Sha384 => &native::ECDSA_P384_SHA384_ASN1_SIGNING,
            SignatureHash::Sha512 => &native::ECDSA_P521_SHA512_ASN1_SIGNING,
        };
        if let Ok(key) = native::EcdsaKeyPair::from_pkcs8(ecdsa, key) {
            return Ok(key.sign(&random, text).ok().map(|signature| signature.as_ref().to_vec()));
        }
        let padding: &dyn native::RsaEncoding = match hash {
            SignatureHash::Sha256 => &native::RSA_PKCS1_SHA256,
            SignatureHash::Sha384 => &native::RSA_PKCS1_SHA384,
            SignatureHash::Sha512 => &native::RSA_PKCS1_SHA512,
        };
        let Ok(key) = native::RsaKeyPair::from_pkcs8(key) else { return Ok(None) };
        let mut signature = vec![0; key.public_modulus_len()];
        Ok(key.sign(padding, &random, text, &mut signature).ok().map(|()| signature))
    }
}
