use super::samples::{self, NativeSignatures};
use super::*;
use crate::jose::curve::EcCurve;
use crate::jose::native::jws_signature;
use crate::port::SignatureHash;
use crate::port::memory::NoSignatures;
use aws_lc_rs::signature::{self as native, KeyPair};
use aws_lc_rs::{hmac, signature::UnparsedPublicKey};
use proptest::prelude::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn named(name: &str) -> SigningAlgorithm {
    SigningAlgorithm::NAMED.iter().find(|(known, _)| *known == name).unwrap().1
}

fn with_key(algorithm: SigningAlgorithm, text: &str) -> Result<JwsSigner, PrivateKeyError> {
    JwsSigner::with_key(algorithm, &PrivateKey::read(text, algorithm)?, None)
}

fn signer(algorithm: SigningAlgorithm) -> JwsSigner {
    match algorithm {
        SigningAlgorithm::Hmac(_) => JwsSigner::with_secret(algorithm, &Secret::new(SECRET)).unwrap(),
        _ => with_key(algorithm, samples::key(algorithm)[0]).unwrap(),
    }
}

fn parts(jws: &str) -> (String, [Vec<u8>; 3]) {
    let text = jws.rsplit_once('.').unwrap().0.to_owned();
    let segments: Vec<_> = jws.split('.').map(|segment| base64url::decode(segment).unwrap()).collect();
    (text, segments.try_into().unwrap())
}

/// Whether another implementation takes the signature.
fn is_good(algorithm: SigningAlgorithm, pkcs8: &[u8], text: &[u8], signature: &[u8]) -> bool {
    use SignatureHash::{Sha256, Sha384, Sha512};
    let ecdsa = |signing, verifying: &'static native::EcdsaVerificationAlgorithm| {
        let key = native::EcdsaKeyPair::from_pkcs8(signing, pkcs8).unwrap();
        UnparsedPublicKey::new(verifying, key.public_key().as_ref()).verify(text, signature).is_ok()
    };
    let rsa = |verifying: &'static native::RsaParameters| {
        let key = native::RsaKeyPair::from_pkcs8(pkcs8).unwrap();
        UnparsedPublicKey::new(verifying, key.public_key().as_ref()).verify(text, signature).is_ok()
    };
    let hmac = |algorithm| hmac::verify(&hmac::Key::new(algorithm, SECRET.as_bytes()), text, signature).is_ok();
    match algorithm {
        SigningAlgorithm::Hmac(Sha256) => hmac(hmac::HMAC_SHA256),
        SigningAlgorithm::Hmac(Sha384) => hmac(hmac::HMAC_SHA384),
        SigningAlgorithm::Hmac(Sha512) => hmac(hmac::HMAC_SHA512),
        SigningAlgorithm::Rsa(Sha256) => rsa(&native::RSA_PKCS1_2048_8192_SHA256),
        SigningAlgorithm::Rsa(Sha384) => rsa(&native::RSA_PKCS1_2048_8192_SHA384),
        SigningAlgorithm::Rsa(Sha512) => rsa(&native::RSA_PKCS1_2048_8192_SHA512),
        SigningAlgorithm::Ecdsa(EcCurve::P256) => {
            ecdsa(&native::ECDSA_P256_SHA256_FIXED_SIGNING, &native::ECDSA_P256_SHA256_FIXED)
        }
        SigningAlgorithm::Ecdsa(EcCurve::P384) => {
            ecdsa(&native::ECDSA_P384_SHA384_FIXED_SIGNING, &native::ECDSA_P384_SHA384_FIXED)
        }
        SigningAlgorithm::Ecdsa(EcCurve::P521) => {
            ecdsa(&native::ECDSA_P521_SHA512_FIXED_SIGNING, &native::ECDSA_P521_SHA512_FIXED)
        }
        SigningAlgorithm::EdDsa => {
            let key = native::Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).unwrap();
            UnparsedPublicKey::new(&native::ED25519, key.public_key().as_ref()).verify(text, signature).is_ok()
        }
    }
}

#[test]
fn another_implementation_takes_what_is_signed_with_each_algorithm() {
    for (name, algorithm) in SigningAlgorithm::NAMED {
        let texts = if algorithm.key_kind().is_some() { samples::key(algorithm) } else { [""; 2] };
        for text in texts {
            let signer = if text.is_empty() { signer(algorithm) } else { with_key(algorithm, text).unwrap() };
            for host in [&NativeSignatures as &dyn Signatures, &NoSignatures] {
                let Ok(by) = signer.choose(host) else { continue };
                let jws = signer.sign(host, b"{\"a\":1}").unwrap();
                let (text, [header, payload, signature]) = parts(&jws);
                assert_eq!(String::from_utf8(header).unwrap(), format!("{{\"alg\":\"{name}\",\"typ\":\"JWT\"}}"));
                assert_eq!(payload, b"{\"a\":1}");
                assert!(is_good(algorithm, signer.expose(), text.as_bytes(), &signature), "{name} by {by:?}");
                assert!(!is_good(algorithm, signer.expose(), b"other", &signature), "{name} by {by:?}");
            }
        }
    }
}

#[test]
fn the_host_signs_what_it_can_and_the_module_what_is_safe_there() {
    struct Blind;
    impl Signatures for Blind {
        fn verify(&self, _: SignatureHash, _: &[u8], _: &[u8], _: &[u8]) -> Result<bool, HostFailure> {
            Ok(false)
        }
        fn sign(&self, _: SignatureHash, _: &[u8], _: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
            Ok(None)
        }
    }
    for (name, algorithm) in SigningAlgorithm::NAMED {
        let [with, without, blind] =
            [&NativeSignatures as &dyn Signatures, &NoSignatures, &Blind].map(|host| signer(algorithm).choose(host));
        match name {
            "HS256" | "HS384" | "HS512" | "EdDSA" => {
                assert_eq!([with, without, blind], [Ok(Implementation::Module); 3], "{name}");
            }
            "ES256" => {
                assert_eq!(with, Ok(Implementation::Host));
                assert_eq!([without, blind], [Ok(Implementation::Module); 2]);
            }
            _ => {
                assert_eq!(with, Ok(Implementation::Host), "{name}");
                assert_eq!(without, Err(Unsignable::NoHost(algorithm)), "{name}");
                assert_eq!(blind, Err(Unsignable::KeyRefused(algorithm)), "{name}");
            }
        }
    }
}

#[test]
fn a_signature_that_the_host_owes_is_a_failure() {
    struct Odd(Option<Vec<u8>>);
    impl Signatures for Odd {
        fn verify(&self, _: SignatureHash, _: &[u8], _: &[u8], _: &[u8]) -> Result<bool, HostFailure> {
            Err(HostFailure)
        }
        fn sign(&self, _: SignatureHash, _: &[u8], _: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
            Ok(self.0.clone())
        }
    }
    for name in ["RS256", "ES256", "ES384", "ES512"] {
        let signer = signer(named(name));
        signer.choose(&NativeSignatures).unwrap();
        assert_eq!(signer.sign(&NoSignatures, b"{}"), Err(HostFailure), "{name}");
        assert_eq!(signer.sign(&Odd(None), b"{}"), Err(HostFailure), "{name}");
        for bytes in [&[][..], &[0x30, 0], &[1; 255], &[1; 257]] {
            let odd = Odd(Some(bytes.to_vec()));
            assert_eq!(signer.sign(&odd, b"{}"), Err(HostFailure), "{name}");
            if name.starts_with("RS") {
                assert_eq!(signer.choose(&odd), Err(Unsignable::KeyRefused(named(name))), "{name}");
            }
        }
    }
    let rsa = signer(named("RS256"));
    assert_eq!(rsa.choose(&Odd(Some(vec![1; 256]))), Ok(Implementation::Host));
}

#[test]
fn the_vectors_of_the_rfcs() {
    // RFC 7515 A.1. Its key is not text.
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
                Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let key = ModuleKey::with_secret(named("HS256"), &base64url::decode(key).unwrap()).unwrap();
    assert_eq!(base64url::encode(&key.sign(text.as_bytes())), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");

    // RFC 8037 A.4.
    let key = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
                  "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let signer = with_key(SigningAlgorithm::EdDsa, key).unwrap();
    let made = signer.signature(&NoSignatures, b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();
    let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(base64url::encode(&made), expected);

    // RFC 6979 A.2.5.
    let d = base64url::encode(&hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"));
    let x = base64url::encode(&hex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"));
    let y = base64url::encode(&hex("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"));
    let key = format!(r#"{{"kty":"EC","crv":"P-256","d":"{d}","x":"{x}","y":"{y}"}}"#);
    let signer = with_key(named("ES256"), &key).unwrap();
    signer.choose(&NoSignatures).unwrap();
    let expected = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
                    F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";
    assert_eq!(signer.signature(&NoSignatures, b"sample").unwrap(), hex(expected));
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn a_key_id_is_the_given_one_else_that_of_the_jwk() {
    let jwk = samples::P256[1].replacen('{', "{\"kid\":\"of \\\"the\\\" key\",", 1);
    let key = PrivateKey::read(&jwk, named("ES256")).unwrap();
    for (given, expected) in [(None, r#""of \"the\" key""#), (Some("given"), "\"given\"")] {
        let signer = JwsSigner::with_key(named("ES256"), &key, given).unwrap();
        let (_, [header, ..]) = parts(&signer.sign(&NativeSignatures, b"{}").unwrap());
        assert_eq!(
            String::from_utf8(header).unwrap(),
            format!("{{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":{expected}}}")
        );
    }
}

#[test]
fn a_jwk_is_the_same_key_as_its_pem() {
    for name in ["RS256", "ES256", "ES384", "ES512"] {
        let [pem, jwk] = samples::key(named(name)).map(|text| PrivateKey::read(text, named(name)).unwrap().pkcs8);
        assert_eq!(pem, jwk, "{name}");
    }
    let [pem, jwk] = samples::ED25519.map(|text| with_key(SigningAlgorithm::EdDsa, text).unwrap());
    assert_eq!(pem.signature(&NoSignatures, b"text"), jwk.signature(&NoSignatures, b"text"));
}

#[test]
fn secrets_are_as_long_as_the_hash_at_least() {
    for (name, least) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let made = |length: usize| JwsSigner::with_secret(named(name), &Secret::new(&SECRET[..length]));
        assert!(made(least).is_some(), "{name}");
        assert!(made(least - 1).is_none(), "{name}");
    }
    assert!(JwsSigner::with_secret(named("ES256"), &Secret::new(SECRET)).is_none());
}

#[test]
fn nothing_of_a_key_is_shown() {
    let signer = signer(named("EdDSA"));
    let key = PrivateKey::read(samples::ED25519[0], named("EdDSA")).unwrap();
    assert_eq!(format!("{signer:?} {key:?}"), "JwsSigner(…) PrivateKey(…)");
}

mod ecdsa_signatures {
    use super::*;

    #[test]
    fn are_read_strictly() {
        let der = |body: &[u8]| jws_signature(EcCurve::P256, body);
        let joined = |r: u8, s: u8| {
            let mut joined = vec![0; 64];
            (joined[31], joined[63]) = (r, s);
            Some(joined)
        };
        assert_eq!(der(&[0x30, 6, 2, 1, 1, 2, 1, 2]), joined(1, 2));
        assert_eq!(der(&[0x30, 8, 2, 2, 0, 0x80, 2, 2, 0, 0xff]), joined(0x80, 0xff));
        for (flaw, bytes) in [
            ("nothing", &[][..]),
            ("one number", &[0x30, 3, 2, 1, 1]),
            ("three numbers", &[0x30, 9, 2, 1, 1, 2, 1, 2, 2, 1, 3]),
            ("a byte behind", &[0x30, 6, 2, 1, 1, 2, 1, 2, 0]),
            ("a long form of the length", &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 2]),
            ("an indefinite length", &[0x30, 0x80, 2, 1, 1, 2, 1, 2, 0, 0]),
            ("a zero too many", &[0x30, 7, 2, 2, 0, 1, 2, 1, 2]),
            ("negative", &[0x30, 6, 2, 1, 0x80, 2, 1, 2]),
            ("r = 0", &[0x30, 6, 2, 1, 0, 2, 1, 2]),
            ("s = 0", &[0x30, 6, 2, 1, 1, 2, 1, 0]),
            ("an empty number", &[0x30, 5, 2, 0, 2, 1, 2]),
            ("another type", &[0x30, 6, 4, 1, 1, 2, 1, 2]),
            ("a set", &[0x31, 6, 2, 1, 1, 2, 1, 2]),
        ] {
            assert_eq!(der(bytes), None, "{flaw}");
        }
        let mut long = vec![0x30, 38, 2, 33];
        long.extend([1; 33]);
        long.extend([2, 1, 1]);
        assert_eq!(der(&long), None, "a number of 33 bytes");
    }

    proptest! {
        #[test]
        fn are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
            for curve in [EcCurve::P256, EcCurve::P384, EcCurve::P521] {
                let joined = jws_signature(curve, &bytes);
                prop_assert!(joined.is_none_or(|joined| joined.len() == 2 * curve.size()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_key_is_refused_or_another_one_and_never_a_panic(
        (_, algorithm) in prop::sample::select(&SigningAlgorithm::NAMED[..7]),
        form in 0..2_usize, place in any::<prop::sample::Index>(), byte in 0_u8..128, cut: bool,
    ) {
        let mut text = samples::key(algorithm)[form].as_bytes().to_vec();
        let place = place.index(text.len());
        if cut { text.truncate(place) } else { text[place] = byte }
        let text = String::from_utf8(text).unwrap();
        if let Ok(signer) = with_key(algorithm, &text) {
            let _ = signer.choose(&NativeSignatures);
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text: String, begin in 0..3_usize) {
        let text = format!("{}{text}", ["", "{\"kty\":\"RSA\"", "-----BEGIN PRIVATE KEY-----\n"][begin]);
        prop_assert!(with_key(named("RS256"), &text).is_err());
    }
}

mod keys;
