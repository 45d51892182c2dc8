//! What is no key, and in which words it is refused.

use super::*;
use serde_json::{Value, json};

/// In which words a text is refused as a key.
#[track_caller]
fn refusal(name: &str, text: &str) -> String {
    with_key(named(name), text).err().unwrap_or_else(|| panic!("accepted: {text}")).to_string()
}

/// A JWK, changed.
fn jwk(text: &str, member: &str, value: Value) -> String {
    let mut jwk: Value = serde_json::from_str(text).unwrap();
    jwk[member] = value;
    jwk.to_string()
}

#[test]
fn pem_of_another_kind_is_refused_with_advice() {
    let neither =
        "must be a private key: PEM that begins with \"-----BEGIN PRIVATE KEY-----\", or a JWK (a JSON object)";
    let old = "is not PKCS #8; `openssl pkcs8 -topk8 -nocrypt -in old.pem -out new.pem` makes it so";
    let damaged = "is not sound PEM; are its line breaks still there?";
    for (text, expected) in [
        ("", neither),
        ("k", neither),
        ("[]", neither),
        ("{\"kty\"", neither),
        (include_str!("../samples/p256-sec1.pem"), old),
        (include_str!("../samples/rsa-pkcs1.pem"), old),
        ("-----BEGIN EC PARAMETERS-----\nBg==\n-----END EC PARAMETERS-----\n-----BEGIN EC PRIVATE KEY-----\n", old),
        (
            include_str!("../samples/encrypted.pem"),
            "is encrypted; `openssl pkcs8 -in encrypted.pem -out plain.pem` takes the password off",
        ),
        (include_str!("../samples/public.pem"), "is PEM of something other than a private key"),
        (include_str!("../samples/secp256k1.pem"), "is not PKCS #8 with an RSA, P-256, P-384, P-521 or Ed25519 key"),
        (&samples::P256[0].replace('\n', "\\n"), damaged),
        (&samples::P256[0][..100], damaged),
    ] {
        assert_eq!(refusal("ES256", text), expected);
    }
    let windows = samples::P256[0].replace('\n', "\r\n");
    let bags = format!("Bag Attributes\n    friendlyName: x\n{windows}\n{}", include_str!("../samples/public.pem"));
    with_key(named("ES256"), &bags).unwrap();
    // As folded in YAML.
    with_key(named("ES256"), &samples::P256[0].replace('\n', " ")).unwrap();
}

#[test]
fn a_key_is_of_the_algorithms_kind_and_size() {
    for (name, text, expected) in [
        ("ES256", samples::RSA[0], "is an RSA key, but \"algorithm\" needs a P-256 key"),
        ("ES384", samples::P256[1], "is a P-256 key, but \"algorithm\" needs a P-384 key"),
        ("ES512", samples::P384[0], "is a P-384 key, but \"algorithm\" needs a P-521 key"),
        ("RS256", samples::ED25519[1], "is an Ed25519 key, but \"algorithm\" needs an RSA key"),
        ("EdDSA", samples::P521[0], "is a P-521 key, but \"algorithm\" needs an Ed25519 key"),
        ("RS512", include_str!("../samples/rsa1024.pem"), "is an RSA key of 1024 bits; use one of 2048 to 4096 bits"),
    ] {
        assert_eq!(refusal(name, text), expected);
    }
}

#[test]
fn a_jwk_has_all_members_of_a_private_key_and_none_for_another_purpose() {
    let member = |name: &str| format!("is not the JWK of a private key: \"{name}\" is missing or has no usable value");
    for (name, text, names) in [
        ("RS256", samples::RSA[1], &["n", "e", "d", "p", "q", "dp", "dq", "qi"][..]),
        ("ES512", samples::P521[1], &["crv", "d", "x", "y"]),
        ("EdDSA", samples::ED25519[1], &["crv", "d", "x"]),
    ] {
        for missing in names.iter().chain(&["kty"]) {
            for value in [Value::Null, json!(1), json!(""), json!("=="), json!("A")] {
                assert_eq!(refusal(name, &jwk(text, missing, value)), member(missing), "{name}");
            }
        }
        assert_eq!(refusal(name, &jwk(text, "kid", json!(7))), member("kid"));
        let purpose = |name: &str| format!("is a JWK for another purpose: so says its \"{name}\"");
        for (wrong, value) in
            [("alg", json!("PS256")), ("use", json!("enc")), ("key_ops", json!(["verify"])), ("key_ops", json!("sign"))]
        {
            assert_eq!(refusal(name, &jwk(text, wrong, value)), purpose(wrong), "{name}");
        }
        for (right, value) in [("alg", json!(name)), ("use", json!("sig")), ("key_ops", json!(["verify", "sign"]))] {
            with_key(named(name), &jwk(text, right, value)).unwrap();
        }
    }
    // The numbers of a curve have its size (RFC 7518 §6.2.1.2).
    for (name, size) in ["d", "x", "y"].into_iter().flat_map(|name| [31, 33].map(|size| (name, size))) {
        let value = json!(base64url::encode(&vec![1; size]));
        assert_eq!(refusal("ES256", &jwk(samples::P256[1], name, value)), member(name), "{size}");
    }
    assert_eq!(refusal("RS256", &jwk(samples::RSA[1], "oth", json!([]))), member("oth"));
    assert_eq!(refusal("ES256", r#"{"kty":"oct","k":"AAAA"}"#), member("kty"));
    let twice = samples::P256[1].replacen('{', "{\"kty\":\"EC\",", 1);
    assert!(refusal("ES256", &twice).starts_with("must be a private key"));
}

#[test]
fn the_halves_of_a_key_belong_together() {
    let unsound = "is not sound: it is damaged, or its halves do not belong together";
    let other = "CYAhWHzTaw6wxYr-A2Y4Z1SF2ltIa4wxKJCuS8OCw0k";
    for (name, text, member) in [("ES256", samples::P256[1], "x"), ("EdDSA", samples::ED25519[1], "x")] {
        assert_eq!(refusal(name, &jwk(text, member, json!(other))), unsound);
    }
    for d in [[0; 32], [0xff; 32]] {
        assert_eq!(refusal("ES256", &jwk(samples::P256[1], "d", json!(base64url::encode(&d)))), unsound);
    }
    assert_eq!(refusal("EdDSA", &jwk(samples::ED25519[1], "d", json!("AAAA"))), unsound);
    // What only the host can know, it is asked.
    for (name, text, member) in [("ES384", samples::P384[1], "x"), ("RS256", samples::RSA[1], "d")] {
        let mut jwk: Value = serde_json::from_str(text).unwrap();
        let mut bytes = base64url::decode(jwk[member].as_str().unwrap()).unwrap();
        bytes[20] ^= 1;
        jwk[member] = json!(base64url::encode(&bytes));
        let signer = with_key(named(name), &jwk.to_string()).unwrap();
        assert_eq!(signer.choose(&NativeSignatures), Err(Unsignable::KeyRefused(named(name))));
    }
}
