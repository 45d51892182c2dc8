//! Signatures with one flaw each, made with keys of the tests: nobody accepts them.

use super::comparison::Comparison;
use super::key;
use crate::jose::algorithm::Algorithm;
use crate::jose::base64url;
use crate::jose::curve::EcCurve;
use crate::jose::jwk::PublicKey;
use crate::jose::native;
use crate::jose::sign::samples::{self, NativeSignatures};
use crate::port::Signatures;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};

const TEXT: &[u8] = b"header.payload";
const BYTES: usize = 256;

fn members(private: &str) -> Value {
    serde_json::from_str(private).unwrap()
}

fn public(private: &str) -> PublicKey {
    let mut jwk = members(private);
    for name in ["d", "p", "q", "dp", "dq", "qi", "key_ops", "use"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    key(&jwk.to_string()).unwrap()
}

fn number(jwk: &Value, name: &str) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(&base64url::decode(jwk[name].as_str().unwrap()).unwrap())
}

/// The signature whose padding is this (RFC 8017 §5.2.1).
fn rsa(padded: &[u8]) -> Vec<u8> {
    let jwk = members(samples::RSA[1]);
    let params = BoxedMontyParams::new_vartime(Odd::new(number(&jwk, "n")).unwrap());
    let message = BoxedMontyForm::new(BoxedUint::from_be_slice_vartime(padded), &params);
    message.pow(&number(&jwk, "d")).retrieve().to_be_bytes().to_vec()
}

fn rsa_modulus() -> Vec<u8> {
    base64url::decode(members(samples::RSA[1])["n"].as_str().unwrap()).unwrap()
}

fn sum(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut sum: Vec<u8> = one
        .iter()
        .zip(other)
        .rev()
        .map(|(one, other)| {
            let digit = u16::from(*one) + u16::from(*other) + carry;
            carry = digit >> 8;
            digit.to_le_bytes()[0]
        })
        .collect();
    sum.reverse();
    if carry == 0 { sum } else { [vec![1], sum].concat() }
}

/// DigestInfo of SHA-256 before the hash (RFC 8017 §9.2, note 1).
const SHA256_INFO: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// EMSA-PKCS1-v1_5 (RFC 8017 §9.2), with another end.
fn pkcs1(kind: u8, filler: u8, fillers: usize, separator: &[u8], info: &[u8], hash: &[u8]) -> Vec<u8> {
    let mut padded = [&[0, kind][..], &vec![filler; fillers], separator, info, hash].concat();
    padded.resize(BYTES, 0x5a);
    padded
}

#[test]
fn pkcs1_paddings() {
    let hash = Sha256::digest(TEXT);
    let full = BYTES - 3 - SHA256_INFO.len() - hash.len();
    let ber_length = b"\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    let no_null = b"\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20";
    let sha1 = b"\x30\x2d\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x20";
    let info512 = b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40";
    let mut one_filler_wrong = pkcs1(1, 0xff, full, &[0], SHA256_INFO, &hash);
    one_filler_wrong[100] = 0xfe;

    let mut comparison = Comparison::new(Algorithm::Rs256);
    let key = public(samples::RSA[1]);
    for (name, padded, good) in [
        ("good", pkcs1(1, 0xff, full, &[0], SHA256_INFO, &hash), true),
        ("another text", pkcs1(1, 0xff, full, &[0], SHA256_INFO, &Sha256::digest(b"another")), false),
        ("something behind the hash", pkcs1(1, 0xff, 8, &[0], SHA256_INFO, &hash), false),
        ("one byte behind the hash", pkcs1(1, 0xff, full - 1, &[0], SHA256_INFO, &hash), false),
        ("block type 2", pkcs1(2, 0xff, full, &[0], SHA256_INFO, &hash), false),
        ("block type 0", pkcs1(0, 0, full, &[0], SHA256_INFO, &hash), false),
        ("other filler", pkcs1(1, 0xfe, full, &[0], SHA256_INFO, &hash), false),
        ("one filler", one_filler_wrong, false),
        ("no separator", pkcs1(1, 0xff, full + 1, &[], SHA256_INFO, &hash), false),
        ("another separator", pkcs1(1, 0xff, full, &[1], SHA256_INFO, &hash), false),
        ("length in BER", pkcs1(1, 0xff, full - 1, &[0], ber_length, &hash), false),
        ("no NULL", pkcs1(1, 0xff, full + 2, &[0], no_null, &hash), false),
        ("SHA-1", pkcs1(1, 0xff, full + 4, &[0], sha1, &hash), false),
        ("no DigestInfo", pkcs1(1, 0xff, full + SHA256_INFO.len(), &[0], &[], &hash), false),
        ("SHA-512", pkcs1(1, 0xff, full - 32, &[0], info512, &Sha512::digest(TEXT)), false),
    ] {
        comparison.compare(&key, TEXT, &rsa(&padded), good, &name);
    }
    comparison.finish(15);
}

/// EMSA-PSS with SHA-256 (RFC 8017 §9.1.1), and this before the salt.
fn pss(salt: &[u8], separator: u8, trailer: u8) -> Vec<u8> {
    let hash = Sha256::new().chain_update([0; 8]).chain_update(Sha256::digest(TEXT)).chain_update(salt).finalize();
    let mut block = vec![0; BYTES - 32 - 1 - salt.len() - 1];
    block.push(separator);
    block.extend_from_slice(salt);
    for (counter, part) in (0u32..).zip(block.chunks_mut(32)) {
        let mask = Sha256::new().chain_update(hash).chain_update(counter.to_be_bytes()).finalize();
        part.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
    block[0] &= 0x7f;
    [&block, &hash[..], &[trailer]].concat()
}

#[test]
fn pss_salts_and_paddings() {
    let mut comparison = Comparison::new(Algorithm::Ps256);
    let key = public(samples::RSA[1]);
    for salt in [0, 1, 20, 31, 32, 33, 64, 222] {
        comparison.compare(&key, TEXT, &rsa(&pss(&vec![7; salt], 1, 0xbc)), salt == 32, &("salt", salt));
    }
    for (name, padded) in [
        ("separator", pss(&[7; 32], 2, 0xbc)),
        ("trailer", pss(&[7; 32], 1, 0xcc)),
        ("PKCS #1 v1.5", pkcs1(1, 0xff, 202, &[0], SHA256_INFO, &Sha256::digest(TEXT))),
    ] {
        comparison.compare(&key, TEXT, &rsa(&padded), false, &name);
    }
    comparison.finish(11);
}

#[test]
fn rsa_numbers_and_lengths() {
    let key = public(samples::RSA[1]);
    let n = rsa_modulus();
    let mut n_less_one = n.clone();
    *n_less_one.last_mut().unwrap() -= 1;
    let mut one = vec![0; BYTES];
    *one.last_mut().unwrap() = 1;
    let padded_with = |text: &[u8]| pkcs1(1, 0xff, 202, &[0], SHA256_INFO, &Sha256::digest(text));
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let mut comparison = Comparison::new(algorithm);
        let made = rsa(&if algorithm == Algorithm::Rs256 { padded_with(TEXT) } else { pss(&[7; 32], 1, 0xbc) });
        comparison.compare(&key, TEXT, &made, true, &"good");
        for (name, signature) in [
            ("nothing", vec![]),
            ("0", vec![0; BYTES]),
            ("1", one.clone()),
            ("n - 1", n_less_one.clone()),
            ("n", n.clone()),
            ("greatest", vec![0xff; BYTES]),
            ("too short", made[..BYTES - 1].to_vec()),
            ("too short before", made[1..].to_vec()),
            ("a zero before", [&[0], &made[..]].concat()),
            ("a zero behind", [&made[..], &[0]].concat()),
            ("twice", [&made[..], &made].concat()),
            ("long", vec![1; 64 * 1024]),
            ("the modulus added", sum(&made, &n)),
        ] {
            comparison.compare(&key, TEXT, &signature, false, &name);
        }
        comparison.finish(14);
    }
    // As long as a good one, and the same modulo n.
    let mut comparison = Comparison::new(Algorithm::Rs256);
    let second = (0..1000u32).find_map(|number| {
        let text = number.to_be_bytes();
        let made = sum(&rsa(&padded_with(&text)), &n);
        (made.len() == BYTES).then_some((text, made))
    });
    let (text, made) = second.unwrap();
    comparison.compare(&key, &text, &made, false, &"the modulus added, in the same length");
    comparison.finish(1);
}

/// The orders of the curves (FIPS 186-4 §D.1.2).
const ORDERS: [&str; 3] = [
    "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE",
    "________________________________x2NNgfQ3Ld9YGg2ySLCneuzsGWrMxSlz",
    "Af__________________________________________-lGGh4O_L5Zrf8wBSPcJpdA7tcm4iZxHrrtvtx6ROGQJ",
];

#[test]
fn ecdsa_numbers_and_forms() {
    let curves = [
        (Algorithm::Es256, EcCurve::P256, samples::P256),
        (Algorithm::Es384, EcCurve::P384, samples::P384),
        (Algorithm::Es512, EcCurve::P521, samples::P521),
    ];
    for ((algorithm, curve, [pem, jwk]), order) in curves.into_iter().zip(ORDERS) {
        let size = curve.size();
        let der = NativeSignatures.sign(algorithm.hash(), &pkcs8(pem), TEXT).unwrap().unwrap();
        let good = native::jws_signature(curve, &der).unwrap();
        let order = order_of(order, size);
        let (r, s) = good.split_at(size);
        let zero = vec![0; size];
        let mut one = zero.clone();
        one[size - 1] = 1;
        let key = public(jwk);
        let mut comparison = Comparison::new(algorithm);
        comparison.compare(&key, TEXT, &good, true, &"good");
        comparison.compare(&key, b"another", &good, false, &"another text");
        for (name, signature) in [
            ("nothing", vec![]),
            ("zeros", [&zero[..], &zero].concat()),
            ("r = 0", [&zero, s].concat()),
            ("s = 0", [r, &zero].concat()),
            ("r = n", [&order, s].concat()),
            ("s = n", [r, &order].concat()),
            ("r = s = n", [&order[..], &order].concat()),
            ("r = 1, s = 0", [&one[..], &zero].concat()),
            ("greatest", vec![0xff; 2 * size]),
            ("changed about", [s, r].concat()),
            ("DER", der.clone()),
            ("too short", good[..2 * size - 1].to_vec()),
            ("too short before", good[1..].to_vec()),
            ("half", r.to_vec()),
            ("a zero behind", [&good[..], &[0]].concat()),
            ("zeros before both", [&[0], r, &[0], s].concat()),
            ("three numbers", [r, s, s].concat()),
        ] {
            comparison.compare(&key, TEXT, &signature, false, &name);
        }
        comparison.finish(19);
    }
}

fn order_of(text: &str, size: usize) -> Vec<u8> {
    let order = base64url::decode(text).unwrap();
    assert_eq!(order.len(), size);
    order
}

fn pkcs8(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

#[test]
fn eddsa_forms() {
    let jwk = samples::ED25519[1];
    let seed = base64url::decode(members(jwk)["d"].as_str().unwrap()).unwrap();
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let good = pair.sign(TEXT).as_ref().to_vec();
    let (r, s) = good.split_at(32);
    // The order of the base point, in little-endian, as the numbers of a signature are (RFC 8032 §5.1).
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let reversed = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<u8>>();
    let second = reversed(&sum(&reversed(s), &reversed(&order)));
    let mut neutral = vec![0; 32];
    neutral[0] = 1;
    let key = public(jwk);
    let mut comparison = Comparison::new(Algorithm::EdDsa);
    comparison.compare(&key, TEXT, &good, true, &"good");
    comparison.compare(&key, b"another", &good, false, &"another text");
    for (name, signature) in [
        ("nothing", vec![]),
        ("zeros", vec![0; 64]),
        ("greatest", vec![0xff; 64]),
        ("the order added", [r, &second].concat()),
        ("r of small order", [&neutral, s].concat()),
        ("s = 0", [r, &[0; 32]].concat()),
        ("too short", good[..63].to_vec()),
        ("a zero behind", [&good[..], &[0]].concat()),
        ("changed about", [s, r].concat()),
    ] {
        comparison.compare(&key, TEXT, &signature, false, &name);
    }
    comparison.finish(11);
}
