use super::*;
use crate::jose::base64url::encode;
use proptest::prelude::*;

const SIGNATURE: &str = "c2ln";

fn jws(header: &str) -> String {
    format!("{}.{}.{SIGNATURE}", encode(header.as_bytes()), encode(b"payload"))
}

fn error(token: &str) -> JwsError {
    Jws::read(token, &[Algorithm::Rs256, Algorithm::EdDsa]).unwrap_err()
}

#[test]
fn three_segments_are_read() {
    let text = jws(r#"{"typ":"at+jwt","alg":"EdDSA","kid":"1","jwk":7,"x5c":["a"],"b64":true}"#);
    let read = Jws::read(&text, &[Algorithm::Rs256, Algorithm::EdDsa]).unwrap();
    assert_eq!(
        read.header,
        Header { algorithm: Algorithm::EdDsa, typ: Some("at+jwt".into()), key_id: Some("1".into()) }
    );
    assert_eq!(read.payload, b"payload");
    assert_eq!(read.signature, b"sig");
    assert_eq!(read.signing_input, text.strip_suffix(".c2ln").unwrap().as_bytes());
    assert_eq!(format!("{read:?}"), "Jws { algorithm: EdDsa, .. }");

    let text = jws(r#"{"alg":"RS256"}"#);
    let header = Jws::read(&text, &[Algorithm::Rs256]).unwrap().header;
    assert_eq!(header, Header { algorithm: Algorithm::Rs256, typ: None, key_id: None });
}

#[test]
fn other_numbers_of_segments_are_refused() {
    let good = jws(r#"{"alg":"RS256"}"#);
    for text in ["", "a", "a.b", "....", &format!("{good}."), &format!(".{good}"), &format!("{good}.a.b")] {
        assert_eq!(error(text), JwsError::NotThreeSegments, "{text}");
    }
}

#[test]
fn each_segment_has_one_form() {
    let good = jws(r#"{"alg":"RS256"}"#);
    let (header, payload) = (encode(br#"{"alg":"RS256"}"#), encode(b"payload"));
    for text in [
        format!("{header}=.{payload}.{SIGNATURE}"),
        format!("{header}.{payload}=.{SIGNATURE}"),
        format!("{header}.{payload}.{SIGNATURE}="),
        format!("{header}.{payload}.c2lnAB"),
        format!("{header}.{payload}.c2l/"),
        format!("{header}.{payload}.c2ln "),
        format!("{header}. {payload}.{SIGNATURE}"),
        format!("{header}.{payload}.{SIGNATURE}\n"),
        format!("é.{payload}.{SIGNATURE}"),
    ] {
        assert_eq!(error(&text), JwsError::NotBase64Url, "{text}");
    }
    assert!(Jws::read(&good, &[Algorithm::Rs256]).is_ok());
}

#[test]
fn a_header_says_what_it_must_and_nothing_critical() {
    use JwsError as E;
    for (header, expected) in [
        ("", E::Header(ObjectError::NotAnObject)),
        ("[]", E::Header(ObjectError::NotAnObject)),
        (r#"{"alg":"RS256"}x"#, E::Header(ObjectError::NotAnObject)),
        (r#"{"alg":"RS256","alg":"RS256"}"#, E::Header(ObjectError::GivenTwice)),
        (r#"{"alg":"RS256","a":1,"\u0061":1}"#, E::Header(ObjectError::GivenTwice)),
        (r#"{"alg":"RS256","jwk":{"a":1,"a":1}}"#, E::Header(ObjectError::GivenTwice)),
        ("{}", E::NoAlgorithm),
        (r#"{"alg":null}"#, E::NoAlgorithm),
        (r#"{"alg":["RS256"]}"#, E::NoAlgorithm),
        (r#"{"alg":"none"}"#, E::AlgorithmNotAccepted),
        (r#"{"alg":"HS256"}"#, E::AlgorithmNotAccepted),
        (r#"{"alg":"rs256"}"#, E::AlgorithmNotAccepted),
        (r#"{"alg":"PS256"}"#, E::AlgorithmNotAccepted),
        (r#"{"alg":"RS256","crit":["exp"],"exp":1}"#, E::Critical),
        (r#"{"alg":"RS256","crit":[]}"#, E::Critical),
        (r#"{"alg":"RS256","crit":null}"#, E::Critical),
        (r#"{"alg":"RS256","typ":7}"#, E::Type),
        (r#"{"alg":"RS256","typ":null}"#, E::Type),
        (r#"{"alg":"RS256","kid":7}"#, E::KeyId),
    ] {
        assert_eq!(error(&jws(header)), expected, "{header}");
    }
    let not_utf8 = format!("{}.e30.{SIGNATURE}", encode(b"{\"alg\":\"RS256\",\"x\":\"\xff\"}"));
    assert_eq!(error(&not_utf8), E::Header(ObjectError::NotAnObject));
}

#[test]
fn a_proof_brings_a_public_key() {
    let read = |jwk: &str| {
        let text = jws(&format!(r#"{{"alg":"EdDSA"{jwk}}}"#));
        Jws::read_with_jwk(&text, &[Algorithm::EdDsa]).map(|(_, key)| key.check().unwrap())
    };
    let okp = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    assert!(read(&format!(r#","jwk":{{{okp}}}"#)).unwrap().verifies(Algorithm::EdDsa));
    for (jwk, expected) in [
        (String::new(), JwsError::NoKey),
        (r#","jwk":null"#.into(), JwsError::NoKey),
        (r#","jwk":"x""#.into(), JwsError::NoKey),
        (format!(r#","jwk":{{{okp},"d":"AA"}}"#), JwsError::Key(KeyError::Private)),
        (r#","jwk":{"kty":"oct","k":"AA"}"#.into(), JwsError::Key(KeyError::Symmetric)),
    ] {
        assert_eq!(read(&jwk).unwrap_err(), expected, "{jwk}");
    }
}

#[test]
fn errors_say_what_is_wrong_and_show_nothing() {
    let texts: Vec<String> = [
        JwsError::NotThreeSegments,
        JwsError::NotBase64Url,
        JwsError::Header(ObjectError::GivenTwice),
        JwsError::NoAlgorithm,
        JwsError::AlgorithmNotAccepted,
        JwsError::Critical,
        JwsError::Type,
        JwsError::KeyId,
        JwsError::NoKey,
        JwsError::Key(KeyError::Private),
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    let mut distinct = texts.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), texts.len());
    assert_eq!(texts[2], "header: a member is given twice");
    assert_eq!(texts[9], "header: jwk: it is a private key");
}

proptest! {
    #[test]
    fn no_text_traps(text: String, dotted in "[A-Za-z0-9_-]{0,40}[.][A-Za-z0-9_-]{0,40}[.][A-Za-z0-9_-]{0,40}") {
        for text in [text, dotted] {
            let _ = Jws::read(&text, &Algorithm::ALL);
            let _ = Jws::read_with_jwk(&text, &Algorithm::ALL);
        }
    }

    #[test]
    fn no_header_traps(header: Vec<u8>, members in "[{}\\[\\]\",:a-z0-9\\\\]{0,60}") {
        for header in [header, format!(r#"{{"alg":"RS256",{members}}}"#).into_bytes()] {
            let text = format!("{}.e30.{SIGNATURE}", encode(&header));
            let _ = Jws::read(&text, &Algorithm::ALL);
            let _ = Jws::read_with_jwk(&text, &Algorithm::ALL);
        }
    }
}

#[test]
fn deep_and_long_headers_do_not_trap() {
    let many = 256 * 1024;
    for header in
        ["[".repeat(many), r#"{"a":"#.repeat(many / 5), format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(many))]
    {
        let _ = Jws::read(&jws(&header), &Algorithm::ALL);
    }
}
