//! The foreign functions `verify_signature` and `sign`, called by a filter.

use crate::host::{HostSignatures, Process, Worker};
use crate::tokens::{KeyKind, KeyPair};
use crate::{last_log, process};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::encoding;

const TEXT: &[u8] = b"header.payload";

/// A message of these length-delimited fields.
fn message(fields: &[(u32, &[u8])]) -> Vec<u8> {
    let mut message = Vec::new();
    for (number, value) in fields {
        encoding::bytes::encode(*number, &value.to_vec(), &mut message);
    }
    message
}

/// Calls the function and gives its answer, or the name of its status.
fn call(worker: &Worker, function: &str, request: &[u8]) -> Result<Vec<u8>, String> {
    let arguments = STANDARD.encode(request);
    worker.exchange(&[("x-do", "call-foreign"), ("x-name", function), ("x-arguments", &arguments)]);
    let log = last_log(worker);
    match log.strip_prefix("Ok(\"").and_then(|rest| rest.strip_suffix("\")")) {
        Some(answer) => Ok(STANDARD.decode(answer).expect("base64")),
        None => Err(log),
    }
}

fn verify(worker: &Worker, hash: &str, key: &[u8], signature: &[u8]) -> Vec<u8> {
    let request = message(&[(1, hash.as_bytes()), (2, key), (3, signature), (4, TEXT)]);
    call(worker, "verify_signature", &request).expect("an answer")
}

fn worker(process: &Process) -> Worker {
    process.worker("a").expect("a configuration that is accepted")
}

/// The result `true` and nothing else.
const GOOD: &[u8] = &[0x08, 1];

fn is_bad(answer: &[u8]) -> bool {
    // No result, which is `false`, and a text.
    answer.first() == Some(&0x12)
}

#[test]
fn signatures_of_rsa_keys_are_verified_with_each_hash() {
    let worker = worker(&process());
    let key = KeyPair::generate(KeyKind::Rsa);
    for (algorithm, hash) in [("RS256", "sha256"), ("RS384", "sha384"), ("RS512", "sha512")] {
        let signature = key.sign(algorithm, TEXT);
        assert_eq!(verify(&worker, hash, &key.spki(), &signature), GOOD, "{algorithm}");
        let pss = key.sign(&algorithm.replace("RS", "PS"), TEXT);
        assert!(is_bad(&verify(&worker, hash, &key.spki(), &pss)), "{algorithm}");
    }
    assert!(is_bad(&verify(&worker, "sha384", &key.spki(), &key.sign("RS256", TEXT))));
    assert!(is_bad(&verify(&worker, "sha3-256", &key.spki(), &key.sign("RS256", TEXT))));
}

#[test]
fn what_it_signs_it_calls_good_with_that_key_only() {
    let worker = worker(&process());
    for (kind, hash) in
        [(KeyKind::Rsa, "sha512"), (KeyKind::P256, "sha256"), (KeyKind::P384, "sha384"), (KeyKind::P521, "sha512")]
    {
        let (key, other) = (KeyPair::generate(kind), KeyPair::generate(kind));
        let request = message(&[(1, hash.as_bytes()), (2, &key.pkcs8()), (3, TEXT)]);
        let answer = call(&worker, "sign", &request).expect("an answer");
        let (result, rest) = answer.split_at(2);
        assert_eq!((result, rest[0]), (GOOD, 0x12), "{kind:?}");
        let mut signature: Vec<u8> = Vec::new();
        encoding::bytes::merge(
            encoding::WireType::LengthDelimited,
            &mut signature,
            &mut &rest[1..],
            encoding::DecodeContext::default(),
        )
        .expect("a signature");
        assert_eq!(verify(&worker, hash, &key.spki(), &signature), GOOD, "{kind:?}");
        assert!(is_bad(&verify(&worker, hash, &other.spki(), &signature)), "{kind:?}");
        let end = signature.len() - 1;
        signature[end] ^= 1;
        assert!(is_bad(&verify(&worker, hash, &key.spki(), &signature)), "{kind:?}");
    }
}

#[test]
fn a_signature_of_an_ec_key_is_der_and_nothing_else() {
    let worker = worker(&process());
    let key = KeyPair::generate(KeyKind::P256);
    assert!(is_bad(&verify(&worker, "sha256", &key.spki(), &key.sign("ES256", TEXT))));
}

#[test]
fn an_unusable_key_is_an_answer_that_says_no() {
    let worker = worker(&process());
    let (rsa, ed25519) = (KeyPair::generate(KeyKind::Rsa), KeyPair::generate(KeyKind::Ed25519));
    let signature = rsa.sign("RS256", TEXT);
    let raw = rsa.spki().split_off(24);
    for key in [b"no key".as_slice(), &raw, &rsa.pkcs8(), &ed25519.spki()] {
        assert!(is_bad(&verify(&worker, "sha256", key, &signature)));
    }
    assert!(is_bad(&verify(&worker, "sha256", &ed25519.spki(), &ed25519.sign("EdDSA", TEXT))));
    for key in [b"no key".as_slice(), &rsa.spki(), &ed25519.pkcs8()] {
        let answer = call(&worker, "sign", &message(&[(1, b"sha256"), (2, key), (3, TEXT)])).expect("an answer");
        assert_eq!(answer[0], 0x1a, "{answer:?}");
    }
}

#[test]
fn a_request_that_cannot_be_decoded_is_a_bad_argument() {
    let worker = worker(&process());
    for request in
        [b"".as_slice(), b"\x08\x01", b"\x7a\x00", b"\x0a\xff", b"\x12\x05ab", b"\x0a\x01\xff", b"\x00", b"\x0f"]
    {
        for function in ["verify_signature", "sign"] {
            assert_eq!(call(&worker, function, request), Err("Err(BadArgument)".to_owned()), "{request:?}");
        }
    }
    // Nor is one without a key of any use; unknown fields do not matter.
    let key = message(&[(2, b"no key"), (15, b"")]);
    assert!(is_bad(&call(&worker, "verify_signature", &key).expect("an answer")));
}

#[test]
fn a_host_offers_what_the_test_says() {
    let process = process();
    let worker = worker(&process);
    let key = KeyPair::generate(KeyKind::P256);
    let sign = message(&[(1, b"sha256"), (2, &key.pkcs8()), (3, TEXT)]);
    let not_found = Err("Err(NotFound)".to_owned());
    process.set_signatures(HostSignatures::WithoutSign);
    assert_eq!(call(&worker, "sign", &sign), not_found);
    assert!(is_bad(&verify(&worker, "sha256", &key.spki(), b"")));
    process.set_signatures(HostSignatures::Missing);
    assert_eq!(call(&worker, "sign", &sign), not_found);
    assert_eq!(call(&worker, "verify_signature", &sign), not_found);
    process.set_signatures(HostSignatures::AlwaysGood);
    assert_eq!(verify(&worker, "sha256", b"no key", b"no signature"), GOOD);
    process.set_signatures(HostSignatures::AlwaysBad);
    assert!(is_bad(&call(&worker, "verify_signature", b"\xff").expect("an answer")));
    process.set_signatures(HostSignatures::Whole);
    assert_eq!(call(&worker, "sign", &sign).expect("an answer")[..2], *GOOD);
}
