use super::*;
use crate::jose::algorithm::Algorithm;
use crate::jose::base64url::encode;
use proptest::prelude::*;

const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

fn set(keys: &[String]) -> KeySet {
    KeySet::read(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
}

fn ed(members: &str) -> String {
    format!("{{{ED}{members}}}")
}

fn header(algorithm: Algorithm, key_id: Option<&str>) -> Header {
    Header { algorithm, typ: None, key_id: key_id.map(Into::into) }
}

fn found(set: &KeySet, algorithm: Algorithm, key_id: Option<&str>, issuer: &str) -> usize {
    set.candidates(&header(algorithm, key_id), issuer).count()
}

#[test]
fn what_is_no_key_for_signatures_is_skipped_and_the_rest_counts() {
    let set = set(&[
        ed(r#","kid":"1""#),
        ed(r#","d":"AA""#),
        r#"{"kty":"oct","k":"AA"}"#.into(),
        r#"{"kty":"new"}"#.into(),
        "{}".into(),
        "7".into(),
        "null".into(),
        r#"["a"]"#.into(),
        format!("{{{EC}}}"),
    ]);
    assert_eq!((set.len(), set.skipped(), set.is_empty()), (2, 7, false));
    assert!(set.has_key_id("1") && !set.has_key_id("2"));
}

#[test]
fn what_is_no_set_is_refused() {
    let object = |error| KeySetError::Object(error);
    for (text, expected) in [
        ("", object(ObjectError::NotAnObject)),
        ("[]", object(ObjectError::NotAnObject)),
        (r#"{"keys":[]}x"#, object(ObjectError::NotAnObject)),
        (r#"{"keys":[],"keys":[]}"#, object(ObjectError::GivenTwice)),
        ("{}", KeySetError::NoKeys),
        (r#"{"keys":{}}"#, KeySetError::NoKeys),
        (r#"{"keys":null}"#, KeySetError::NoKeys),
    ] {
        assert_eq!(KeySet::read(text.as_bytes()), Err(expected), "{text}");
    }
    let doubled = KeySet::read(format!(r#"{{"keys":[{{"kty":"a","kty":"a"}},{}]}}"#, ed("")).as_bytes()).unwrap();
    assert_eq!((doubled.len(), doubled.skipped()), (1, 1), "one bad key spoils no other");
    let empty = KeySet::read(br#"{"other":1,"keys":[],"other":2}"#).unwrap();
    assert_eq!((empty.len(), empty.skipped(), empty.is_empty()), (0, 0, true));
}

#[test]
fn a_large_set_is_read_and_a_larger_one_refused() {
    let key = format!(r#"{{"kty":"RSA","e":"AQAB","n":"{}"}}"#, encode(&[0xff; 512]));
    let many = MAX_BYTES / (key.len() + 1) - 1;
    assert_eq!(set(&vec![key; many]).len(), many);
    let mut large = format!(r#"{{"keys":[{}]}}"#, ed(""));
    large.push_str(&" ".repeat(MAX_BYTES - large.len()));
    assert_eq!(KeySet::read(large.as_bytes()).map(|set| set.len()), Ok(1));
    large.push(' ');
    assert_eq!(KeySet::read(large.as_bytes()), Err(KeySetError::TooLarge));
    assert_eq!(KeySetError::TooLarge.to_string(), "it has more than 256 KiB");
    // A certificate chain makes a key long.
    assert_eq!(set(&[ed(&format!(r#","x5c":["{}"]"#, "A".repeat(20_000)))]).len(), 1);
}

#[test]
fn candidates_are_named_fit_and_of_the_issuer() {
    let set = set(&[
        ed(r#","kid":"1""#),
        ed(r#","kid":"2","issuer":"a""#),
        format!("{{{EC}}}"),
        ed(r#","kid":"1","x5t":"again""#),
    ]);
    assert_eq!(found(&set, Algorithm::EdDsa, Some("1"), "a"), 2);
    assert_eq!(found(&set, Algorithm::EdDsa, Some("2"), "a"), 1);
    assert_eq!(found(&set, Algorithm::EdDsa, Some("2"), "b"), 0);
    assert_eq!(found(&set, Algorithm::EdDsa, Some("3"), "a"), 0);
    assert_eq!(found(&set, Algorithm::EdDsa, None, "a"), 3);
    assert_eq!(found(&set, Algorithm::EdDsa, None, "b"), 2);
    assert_eq!(found(&set, Algorithm::Es256, Some("1"), "a"), 0);
    assert_eq!(found(&set, Algorithm::Es256, None, "a"), 1);
    assert_eq!(found(&set, Algorithm::Rs256, None, "a"), 0);
    assert_eq!(found(&set, Algorithm::Es256, Some("3"), "a"), 1, "a key without a name, as no other is named so");
}

#[test]
fn few_keys_are_tried_for_one_signature() {
    let set = set(&vec![ed(""); 90]);
    assert_eq!(set.len(), 90);
    assert_eq!(found(&set, Algorithm::EdDsa, None, "a"), MAX_CANDIDATES);
}

#[test]
fn a_set_is_within_another_that_has_all_its_keys() {
    let (one, other) = (ed(r#","kid":"1""#), format!(r#"{{{EC},"kid":"2"}}"#));
    let both = set(&[one.clone(), other.clone()]);
    for (keys, within) in [
        (vec![other.clone(), one.clone()], true),
        (vec![one.clone(), other.clone(), ed("")], true),
        (vec![one.clone()], false),
        (vec![one.clone(), format!(r#"{{{EC},"kid":"1"}}"#)], false),
        (vec![one.clone(), format!(r#"{{{EC},"kid":"2","issuer":"a"}}"#)], false),
        (vec![], false),
    ] {
        assert_eq!(both.is_within(&set(&keys)), within, "{keys:?}");
    }
    assert!(KeySet::default().is_within(&both));
}

#[test]
fn a_set_holds_its_keys_for_their_issuers() {
    let (everybodys, ones) = (set(&[ed("")]), set(&[ed(r#","kid":"1","issuer":"a""#), format!("{{{EC}}}")]));
    let thumbprint = everybodys.thumbprints()[0];
    assert!(everybodys.holds(&thumbprint, "a") && everybodys.holds(&thumbprint, "b"));
    assert!(ones.holds(&thumbprint, "a") && !ones.holds(&thumbprint, "b"));
    assert!(!everybodys.holds(&[0; 32], "a") && !KeySet::default().holds(&thumbprint, "a"));
}

proptest! {
    #[test]
    fn no_bytes_trap(bytes: Vec<u8>, members in "[{}\\[\\]\",:a-zA-Z0-9\\\\]{0,60}") {
        let _ = KeySet::read(&bytes);
        let _ = KeySet::read(format!(r#"{{"keys":[{{{members}}}]}}"#).as_bytes());
    }

    #[test]
    fn no_numbers_trap(kty in "RSA|EC|OKP", crv in "P-256|P-384|P-521|Ed25519", n: Vec<u8>, x in prop::collection::vec(any::<u8>(), 0..70)) {
        let (n, x) = (encode(&n), encode(&x));
        let jwk = format!(r#"{{"kty":"{kty}","crv":"{crv}","n":"{n}","e":"AQAB","x":"{x}","y":"{x}"}}"#);
        let read = KeySet::read(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes()).unwrap();
        prop_assert_eq!(read.len() + read.skipped(), 1);
    }
}

#[test]
fn deep_and_long_texts_do_not_trap() {
    for text in ["[".repeat(MAX_BYTES), r#"{"keys":["#.repeat(MAX_BYTES / 9), r#"{"keys":[{},"#.repeat(100)] {
        assert!(KeySet::read(text.as_bytes()).is_err());
    }
    let many = format!(r#"{{"keys":[{}]}}"#, vec!["{}"; 80_000].join(","));
    assert_eq!(KeySet::read(many.as_bytes()).unwrap().skipped(), 80_000);
}
