use super::{AwsLc, kind};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaKeyPair};
use tessera_core::port::SignatureHash::{self, Sha256, Sha384, Sha512};
use tessera_core::port::Signatures;

const TEXT: &[u8] = b"header.payload";

/// PKCS #8 and SubjectPublicKeyInfo.
struct Pair {
    private: Vec<u8>,
    public: Vec<u8>,
}

fn of_curve(algorithm: &'static EcdsaSigningAlgorithm) -> Pair {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let private = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    Pair { private, public: public.as_ref().to_vec() }
}

fn rsa() -> Pair {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    Pair { private: private.as_ref().to_vec(), public: public.as_ref().to_vec() }
}

/// Each kind of key, and the hashes that it is for.
fn pairs() -> Vec<(Pair, &'static [SignatureHash])> {
    vec![
        (rsa(), &[Sha256, Sha384, Sha512]),
        (of_curve(&signature::ECDSA_P256_SHA256_ASN1_SIGNING), &[Sha256]),
        (of_curve(&signature::ECDSA_P384_SHA384_ASN1_SIGNING), &[Sha384]),
        (of_curve(&signature::ECDSA_P521_SHA512_ASN1_SIGNING), &[Sha512]),
    ]
}

#[test]
fn what_a_key_signs_its_other_half_verifies_and_no_other() {
    let pairs = pairs();
    for (index, (pair, hashes)) in pairs.iter().enumerate() {
        for hash in [Sha256, Sha384, Sha512] {
            let made = AwsLc.sign(hash, &pair.private, TEXT).unwrap();
            assert_eq!(made.is_some(), hashes.contains(&hash), "key {index}, {hash:?}");
            let Some(made) = made else { continue };
            for (other, (of, _)) in pairs.iter().enumerate() {
                assert_eq!(AwsLc.verify(hash, &of.public, &made, TEXT), Ok(index == other), "by {index}, with {other}");
            }
            assert_eq!(AwsLc.verify(hash, &pair.public, &made, b"header.forged"), Ok(false));
            let (mut spoilt, last) = (made.clone(), made.len() - 1);
            spoilt[last] ^= 1;
            assert_eq!(AwsLc.verify(hash, &pair.public, &spoilt, TEXT), Ok(false));
            for different in [Sha256, Sha384, Sha512].into_iter().filter(|different| *different != hash) {
                assert_eq!(AwsLc.verify(different, &pair.public, &made, TEXT), Ok(false), "{hash:?} as {different:?}");
            }
        }
    }
}

#[test]
fn keys_are_told_by_their_algorithm_and_whatever_is_cut_off_is_none() {
    for (pair, _) in pairs() {
        assert!(kind(&pair.public).is_some());
        // The algorithm is in the first bytes, but only of a whole key.
        assert!((0..pair.public.len()).all(|length| kind(&pair.public[..length]).is_none()));
        assert!(kind(&pair.private).is_none());
    }
}

#[test]
fn no_key_is_an_answer_and_no_failure() {
    for junk in [&b""[..], b"\x30", b"\x30\x82", b"\x30\x82\xff", b"\x30\x83\x00\x00\x00", &[0x30; 64]] {
        assert_eq!(AwsLc.verify(Sha256, junk, junk, TEXT), Ok(false));
        assert_eq!(AwsLc.sign(Sha256, junk, TEXT), Ok(None));
    }
}
