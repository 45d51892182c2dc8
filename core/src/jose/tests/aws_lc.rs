//! An independent implementation: as a host, and for all that hosts do not do.

use crate::jose::algorithm::Algorithm;
use crate::jose::jwk::PublicKey;
use crate::jose::material::VerifyingKey;
use crate::port::{HostFailure, SignatureHash, Signatures};
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

/// A host that verifies as Envoy does.
pub(super) struct AwsLc;

impl Signatures for AwsLc {
    fn verify(&self, hash: SignatureHash, key: &[u8], signature: &[u8], text: &[u8]) -> Result<bool, HostFailure> {
        let (rsa, ecdsa): (&'static dyn VerificationAlgorithm, &'static dyn VerificationAlgorithm) = match hash {
            SignatureHash::Sha256 => (&signature::RSA_PKCS1_2048_8192_SHA256, &signature::ECDSA_P256_SHA256_ASN1),
            SignatureHash::Sha384 => (&signature::RSA_PKCS1_2048_8192_SHA384, &signature::ECDSA_P384_SHA384_ASN1),
            SignatureHash::Sha512 => (&signature::RSA_PKCS1_2048_8192_SHA512, &signature::ECDSA_P521_SHA512_ASN1),
        };
        let verifies = |algorithm| UnparsedPublicKey::new(algorithm, key).verify(text, signature).is_ok();
        Ok(verifies(rsa) || verifies(ecdsa))
    }

    fn sign(&self, _: SignatureHash, _: &[u8], _: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        Err(HostFailure)
    }
}

/// Its verdict on a signature in JWS form.
pub(super) fn verifies(algorithm: Algorithm, key: &PublicKey, text: &[u8], signature: &[u8]) -> bool {
    let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
        Algorithm::EdDsa => &signature::ED25519,
    };
    let bytes = match &key.material.module {
        VerifyingKey::Ed25519(key) => key.as_bytes(),
        _ => &key.material.native[..],
    };
    UnparsedPublicKey::new(algorithm, bytes).verify(text, signature).is_ok()
}
