//! Signatures that the core leaves to its host: all with RSA keys, and those of P-384 and P-521.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};
use tessera_core::jose::base64url;
use tessera_core::port::{HostFailure, SignatureHash, Signatures};

/// Signs with every key; verifies what the core does not, which are signatures of P-521.
pub struct HostSignatures;

impl Signatures for HostSignatures {
    fn verify(&self, hash: SignatureHash, key: &[u8], signature: &[u8], text: &[u8]) -> Result<bool, HostFailure> {
        match hash {
            SignatureHash::Sha256 | SignatureHash::Sha384 => Err(HostFailure),
            SignatureHash::Sha512 => {
                Ok(UnparsedPublicKey::new(&signature::ECDSA_P521_SHA512_ASN1, key).verify(text, signature).is_ok())
            }
        }
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

/// A set with the public half of a new key of P-256, whose private half nobody has.
pub fn new_public_keys() -> Option<Value> {
    let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
    // 4, and both coordinates (SEC 1, 2.3.3).
    let point = pair.public_key().as_ref();
    let (x, y) = (base64url::encode(point.get(1..33)?), base64url::encode(point.get(33..65)?));
    Some(json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "probe", "x": x, "y": y}]}))
}
