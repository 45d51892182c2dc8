use super::*;
use crate::base::secret::Secret;
use crate::jose::sign::samples::{self, NativeSignatures};
use crate::jose::sign::{PrivateKey, SigningAlgorithm};
use crate::port::memory::{FixedRandom, NoSignatures};
use serde_json::{Value, json};

fn named(name: &str) -> SigningAlgorithm {
    SigningAlgorithm::NAMED.iter().find(|(known, _)| *known == name).unwrap().1
}

fn assertion(audience: Option<&str>) -> ClientAssertion {
    let secret = Secret::new("0123456789abcdef0123456789abcdef");
    let signer = JwsSigner::with_secret(named("HS256"), &secret).unwrap();
    ClientAssertion { id: "gate\"way".into(), audience: audience.map(Into::into), signer }
}

fn claims(jws: &str) -> Value {
    let payload = jws.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64url::decode(payload).unwrap()).unwrap()
}

#[test]
fn it_says_who_asks_whom_once_and_for_a_minute() {
    let endpoint = HttpUrl::parse("https://idp.example.com:8443/introspect?a=b").unwrap();
    let now = Timestamp::from_millis(1_700_000_000_999);
    for (audience, expected) in [
        (Some("https://idp.example.com"), "https://idp.example.com"),
        (None, "https://idp.example.com:8443/introspect?a=b"),
    ] {
        let made = assertion(audience).make(&endpoint, &NoSignatures, &FixedRandom(0xff), now).unwrap();
        assert_eq!(
            claims(&made),
            json!({
                "iss": "gate\"way", "sub": "gate\"way", "aud": expected, "jti": "_____________________w",
                "iat": 1_700_000_000, "exp": 1_700_000_060,
            })
        );
    }
}

#[test]
fn the_end_of_time_is_an_end_too() {
    let endpoint = HttpUrl::parse("https://idp/").unwrap();
    let made = assertion(None).make(&endpoint, &NoSignatures, &FixedRandom(0), Timestamp::MAX).unwrap();
    assert_eq!(claims(&made)["iat"], json!(u64::MAX / 1000));
}

#[test]
fn a_host_without_randomness_or_signatures_fails() {
    struct NoRandom;
    impl Random for NoRandom {
        fn fill(&self, _: &mut [u8]) -> Result<(), HostFailure> {
            Err(HostFailure)
        }
    }
    let endpoint = HttpUrl::parse("https://idp/").unwrap();
    let now = Timestamp::from_secs(1);
    assert_eq!(assertion(None).make(&endpoint, &NoSignatures, &NoRandom, now), Err(HostFailure));
    let key = PrivateKey::read(samples::RSA[0], named("RS256")).unwrap();
    let signer = JwsSigner::with_key(named("RS256"), &key, None).unwrap();
    let assertion = ClientAssertion { signer, ..assertion(None) };
    assert_eq!(assertion.make(&endpoint, &NoSignatures, &FixedRandom(0), now), Err(HostFailure));
    assert!(assertion.make(&endpoint, &NativeSignatures, &FixedRandom(0), now).is_ok());
}

#[test]
fn nothing_secret_is_shown() {
    let shown = format!("{:?}", assertion(None));
    assert_eq!(shown, "ClientAssertion { id: \"gate\\\"way\", audience: None, signer: JwsSigner(…) }");
}
