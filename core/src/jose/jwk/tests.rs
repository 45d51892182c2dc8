use super::*;
use crate::jose::base64url::{decode, encode};

const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const ED: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn read(jwk: &str) -> Result<PublicKey, KeyError> {
    PublicKey::read(&Object::read(jwk.as_bytes(), &|_| true).unwrap())
}

fn ec(crv: &str, x: &str, y: &str) -> Result<PublicKey, KeyError> {
    read(&format!(r#"{{"kty":"EC","crv":"{crv}","x":"{x}","y":"{y}"}}"#))
}

fn ed(x: &str) -> Result<PublicKey, KeyError> {
    read(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#))
}

fn ed_with(members: &str) -> Result<PublicKey, KeyError> {
    read(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{ED}"{members}}}"#))
}

/// An odd number of so many bits, behind so many zeros.
fn rsa(bits: usize, zeros: usize, e: &str) -> Result<PublicKey, KeyError> {
    let mut n = vec![0xff; bits.div_ceil(8)];
    n[0] = 0xff >> (n.len() * 8 - bits);
    let n = encode(&[vec![0; zeros], n].concat());
    read(&format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#))
}

fn member(name: &'static str) -> KeyError {
    KeyError::Member(UnusableMember(name))
}

#[test]
fn a_key_fits_its_algorithms_only() {
    let fitting = |key: &PublicKey| -> Vec<&str> {
        Algorithm::ALL.into_iter().filter(|algorithm| key.verifies(*algorithm)).map(Algorithm::name).collect()
    };
    assert_eq!(fitting(&rsa(2048, 0, "AQAB").unwrap()), ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]);
    assert_eq!(fitting(&ec("P-256", X, Y).unwrap()), ["ES256"]);
    assert_eq!(fitting(&ed(ED).unwrap()), ["EdDSA"]);
}

#[test]
fn rsa_keys_have_2048_to_4096_bits_and_the_usual_exponent() {
    for bits in [2048, 2049, 3072, 4095, 4096] {
        assert!(rsa(bits, 0, "AQAB").is_ok(), "{bits}");
    }
    for bits in [1, 1024, 2047, 4097, 8192] {
        assert_eq!(rsa(bits, 0, "AQAB").unwrap_err(), KeyError::RsaSize, "{bits}");
    }
    // 3, 65536, 65539, 2^32 + 65537, none.
    for e in ["Aw", "AQAA", "AQAD", "AQABAAE", ""] {
        assert_eq!(rsa(2048, 0, e).unwrap_err(), KeyError::RsaExponent, "{e}");
    }
    for e in ["AQAB=", "AQA"] {
        assert_eq!(rsa(2048, 0, e).unwrap_err(), if e == "AQA" { KeyError::RsaExponent } else { member("e") }, "{e}");
    }
    let even = encode(&[&[0xff; 255][..], &[0xfe]].concat());
    assert_eq!(read(&format!(r#"{{"kty":"RSA","n":"{even}","e":"AQAB"}}"#)).unwrap_err(), KeyError::RsaModulus);
}

#[test]
fn zeros_before_an_rsa_number_make_no_other_key() {
    let plain = rsa(2048, 0, "AQAB").unwrap();
    assert_eq!(rsa(2048, 1, "AQAB").unwrap(), plain);
    assert_eq!(rsa(2048, 0, "AAEAAQ").unwrap(), plain);
    assert_eq!(rsa(2047, 1, "AQAB").unwrap_err(), KeyError::RsaSize);
}

#[test]
fn a_point_is_on_its_curve_and_of_its_length() {
    let with_zero = encode(&[&[0], &decode(X).unwrap()[..]].concat());
    for (crv, x, y, expected) in [
        ("P-256", Y, X, KeyError::NotOnCurve),
        ("P-256", X, X, KeyError::NotOnCurve),
        ("P-256", &"A".repeat(43), &"A".repeat(43), KeyError::NotOnCurve),
        // The coordinate is the prime, or more.
        ("P-256", &encode(&[0xff; 32]), Y, KeyError::NotOnCurve),
        ("P-256", &with_zero, Y, member("x")),
        ("P-256", X, "AA", member("y")),
        ("P-256", X, "", member("y")),
        ("P-256", X, "x", member("y")),
        ("P-384", X, Y, member("x")),
        ("secp256k1", X, Y, KeyError::UnknownKind),
        ("p-256", X, Y, KeyError::UnknownKind),
        ("Ed25519", X, Y, KeyError::UnknownKind),
    ] {
        assert_eq!(ec(crv, x, y).unwrap_err(), expected, "{crv} {x} {y}");
    }
}

#[test]
fn points_of_p521_are_checked_too() {
    let x = "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk";
    let y = "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2";
    assert!(ec("P-521", x, y).unwrap().verifies(Algorithm::Es512));
    assert_eq!(ec("P-521", y, x).unwrap_err(), KeyError::NotOnCurve);
    let changed = y.replace("Mj2", "Mj3");
    assert_eq!(ec("P-521", x, &changed).unwrap_err(), KeyError::NotOnCurve);
    // Beyond the prime: the same number, in another form.
    let mut beyond = vec![0; 66];
    let mut carry = 0;
    let prime = [&[1u8][..], &[0xff; 65]].concat();
    let y_bytes = decode(y).unwrap();
    for i in (0..66).rev() {
        let sum = u16::from(y_bytes[i]) + u16::from(prime[i]) + carry;
        beyond[i] = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert_eq!(ec("P-521", x, &encode(&beyond)).unwrap_err(), KeyError::NotOnCurve);
}

#[test]
fn weak_and_doubtful_points_of_ed25519_are_refused() {
    let encoded = |first: u8, rest: u8, last: u8| encode(&[&[first][..], &[rest; 30], &[last]].concat());
    // The neutral element, order 2, order 4.
    for x in [encoded(1, 0, 0), encoded(0xec, 0xff, 0x7f), encoded(0, 0, 0), encoded(0, 0, 0x80)] {
        assert_eq!(ed(&x).unwrap_err(), KeyError::Weak, "{x}");
    }
    // Numbers of the prime and more, a zero with a sign.
    for x in [encoded(0xed, 0xff, 0x7f), encoded(0xee, 0xff, 0x7f), encoded(1, 0, 0x80), encoded(0xf1, 0xff, 0x7f)] {
        assert_eq!(ed(&x).unwrap_err(), KeyError::NotOnCurve, "{x}");
    }
    assert_eq!(ed(&encoded(2, 0, 0)).unwrap_err(), KeyError::NotOnCurve);
    assert_eq!(ed(&ED[..42]).unwrap_err(), member("x"));
    assert_eq!(ed("AA").unwrap_err(), member("x"));
    assert_eq!(read(r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#).unwrap_err(), KeyError::UnknownKind);
    assert_eq!(read(r#"{"kty":"OKP","crv":"Ed448","x":"AA"}"#).unwrap_err(), KeyError::UnknownKind);
}

#[test]
fn private_symmetric_and_unknown_keys_are_refused() {
    for name in PRIVATE {
        assert_eq!(ed_with(&format!(r#","{name}":"AA""#)).unwrap_err(), KeyError::Private, "{name}");
    }
    assert_eq!(read(r#"{"kty":"oct","k":"AA"}"#).unwrap_err(), KeyError::Symmetric);
    for jwk in [r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#, "{}", r#"{"kty":"rsa"}"#, r#"{"kty":null}"#] {
        assert_eq!(read(jwk).unwrap_err(), KeyError::UnknownKind, "{jwk}");
    }
    assert_eq!(read(r#"{"kty":7}"#).unwrap_err(), member("kty"));
    assert_eq!(read(r#"{"kty":"OKP","crv":"Ed25519"}"#).unwrap_err(), member("x"));
    assert_eq!(read(r#"{"kty":"OKP","crv":"Ed25519","x":7}"#).unwrap_err(), member("x"));
}

#[test]
fn what_a_key_is_for_counts() {
    for members in [
        r#","use":"sig""#,
        r#","use":null,"key_ops":null,"alg":null,"kid":null"#,
        r#","key_ops":["sign","verify"]"#,
        r#","alg":"EdDSA""#,
        r#","x5c":7,"x5t":[],"ext":true"#,
    ] {
        assert!(ed_with(members).is_ok(), "{members}");
    }
    for members in [
        r#","use":"enc""#,
        r#","use":"""#,
        r#","key_ops":[]"#,
        r#","key_ops":["sign",7]"#,
        r#","use":"sig","key_ops":["encrypt"]"#,
        r#","alg":"RS256""#,
        r#","alg":"RSA-OAEP""#,
    ] {
        assert_eq!(ed_with(members).unwrap_err(), KeyError::NotForVerifying, "{members}");
    }
    for (members, name) in [
        (r#","use":["sig"]"#, "use"),
        (r#","key_ops":"verify""#, "key_ops"),
        (r#","alg":7"#, "alg"),
        (r#","kid":7"#, "kid"),
        (r#","issuer":7"#, "issuer"),
    ] {
        assert_eq!(ed_with(members).unwrap_err(), member(name), "{members}");
    }
}

#[test]
fn a_named_algorithm_is_the_only_one() {
    let n = encode(&[0xff; 256]);
    let key = read(&format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"PS384"}}"#)).unwrap();
    assert!(key.verifies(Algorithm::Ps384));
    assert!(!key.verifies(Algorithm::Ps256) && !key.verifies(Algorithm::Rs384));
}

#[test]
fn a_key_with_an_issuer_serves_that_one() {
    let key = |issuer: &str| ed_with(&format!(r#","issuer":"{issuer}""#)).unwrap();
    assert!(ed(ED).unwrap().serves("anything"));
    assert!(key("https://a").serves("https://a"));
    assert!(!key("https://a").serves("https://a/") && !key("https://a").serves(""));
    assert!(!key("").serves("https://a"));

    let tenants = key("https://login.microsoftonline.com/{tenantid}/v2.0");
    assert!(tenants.serves("https://login.microsoftonline.com/9188040d-6c67/v2.0"));
    for other in [
        "https://login.microsoftonline.com//v2.0",
        "https://login.microsoftonline.com/a/b/v2.0",
        "https://login.microsoftonline.com/a?/v2.0",
        "https://login.microsoftonline.com/a",
        "https://login.microsoftonline.com/v2.0",
        "https://evil/a/v2.0",
    ] {
        assert!(!tenants.serves(other), "{other}");
    }
    assert!(key("https://sts/{tenantid}").serves("https://sts/a"));
    assert!(!key("https://sts/{tenantid}").serves("https://sts/a/"));
    // What overlaps is not there twice.
    assert!(!key("a{tenantid}a").serves("a"));
}

#[test]
fn keys_are_the_same_when_nothing_differs_that_counts() {
    let plain = ed_with(r#","kid":"1""#).unwrap();
    assert_eq!(ed_with(r#","kid":"1","use":"sig","x5t":"a""#).unwrap(), plain);
    for members in ["", r#","kid":"2""#, r#","kid":"1","alg":"EdDSA""#, r#","kid":"1","issuer":"a""#] {
        assert_ne!(ed_with(members).unwrap(), plain, "{members}");
    }
}

#[test]
fn nothing_but_name_and_kind_is_shown() {
    let key = ed_with(r#","kid":"1""#).unwrap();
    assert_eq!(format!("{key:?}"), r#"PublicKey { kid: Some("1"), kind: "Ed25519" }"#);
}
