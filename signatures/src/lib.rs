//! Signatures by aws-lc, the relative of the library that Envoy has: for the programs that no host gives signatures to. The
//! module for Proxy-Wasm has none of it; there Envoy signs and verifies.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaEncoding, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use tessera_core::port::{HostFailure, SignatureHash, Signatures};

/// aws-lc, part of the program itself.
pub struct AwsLc;

impl Signatures for AwsLc {
    fn verify(&self, hash: SignatureHash, key: &[u8], signature: &[u8], text: &[u8]) -> Result<bool, HostFailure> {
        // Miri runs no foreign code. The core does without.
        if cfg!(miri) {
            return Err(HostFailure);
        }
        let Some(algorithm) = kind(key).and_then(|kind| verification(kind, hash)) else { return Ok(false) };
        Ok(UnparsedPublicKey::new(algorithm, key).verify(text, signature).is_ok())
    }

    fn sign(&self, hash: SignatureHash, key: &[u8], text: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        let random = SystemRandom::new();
        let (padding, algorithm): (&dyn RsaEncoding, &'static EcdsaSigningAlgorithm) = match hash {
            SignatureHash::Sha256 => (&signature::RSA_PKCS1_SHA256, &signature::ECDSA_P256_SHA256_ASN1_SIGNING),
            SignatureHash::Sha384 => (&signature::RSA_PKCS1_SHA384, &signature::ECDSA_P384_SHA384_ASN1_SIGNING),
            SignatureHash::Sha512 => (&signature::RSA_PKCS1_SHA512, &signature::ECDSA_P521_SHA512_ASN1_SIGNING),
        };
        if let Ok(pair) = RsaKeyPair::from_pkcs8(key) {
            let mut made = vec![0; pair.public_modulus_len()];
            return Ok(pair.sign(padding, &random, text, &mut made).is_ok().then_some(made));
        }
        let Ok(pair) = EcdsaKeyPair::from_pkcs8(algorithm, key) else { return Ok(None) };
        Ok(pair.sign(&random, text).ok().map(|made| made.as_ref().to_vec()))
    }
}

/// What a key is for.
#[derive(Clone, Copy)]
enum Kind {
    Rsa,
    P256,
    P384,
    P521,
}

fn verification(kind: Kind, hash: SignatureHash) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (kind, hash) {
        (Kind::Rsa, SignatureHash::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (Kind::Rsa, SignatureHash::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (Kind::Rsa, SignatureHash::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
        // RFC 7518 §3.4 has one hash for each curve.
        (Kind::P256, SignatureHash::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (Kind::P384, SignatureHash::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (Kind::P521, SignatureHash::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

/// By the algorithm's identifier of a DER SubjectPublicKeyInfo: RFC 8017 §A.1 rsaEncryption, RFC 5480 §2.1.1
/// id-ecPublicKey with a named curve. aws-lc alone would not insist on it.
fn kind(spki: &[u8]) -> Option<Kind> {
    const IDENTIFIERS: [(&[u8], Kind); 4] = [
        (b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", Kind::Rsa),
        (b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", Kind::P256),
        (b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22", Kind::P384),
        (b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23", Kind::P521),
    ];
    let algorithm = sequence(sequence(spki)?)?;
    IDENTIFIERS.iter().find(|(identifier, _)| algorithm.starts_with(identifier)).map(|(_, kind)| *kind)
}

/// The content of a DER SEQUENCE.
fn sequence(der: &[u8]) -> Option<&[u8]> {
    let (0x30, rest) = der.split_first()? else { return None };
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), rest.get(2..)?),
        _ => return None,
    };
    rest.get(..length)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests;
