//! The examples of RFC 7515, 7520, 7638, 8037 and 9449.

use super::aws_lc::{self, AwsLc};
use super::key;
use crate::jose::algorithm::Algorithm;
use crate::jose::base64url;
use crate::jose::compact::Jws;
use crate::jose::verify::Verifier;
use crate::port::Signatures;
use crate::port::memory::NoSignatures;
use serde_json::Value;

const EXAMPLES: &str = include_str!("rfc.json");

/// Name, key, JWS.
fn examples() -> Vec<(String, String, String)> {
    let Value::Array(examples) = serde_json::from_str(EXAMPLES).unwrap() else { panic!() };
    let text = |example: &Value, name: &str| example[name].as_str().unwrap().to_owned();
    examples.iter().map(|example| (text(example, "name"), example["key"].to_string(), text(example, "jws"))).collect()
}

#[test]
fn every_example_is_verified_by_whoever_can() {
    let examples = examples();
    assert_eq!(examples.len(), 9);
    for (name, jwk, text) in examples {
        let key = key(&jwk).unwrap();
        let jws = Jws::read(&text, &Algorithm::ALL).unwrap();
        assert!(aws_lc::verifies(jws.header.algorithm, &key, jws.signing_input, &jws.signature), "{name}");
        let hosts: [&dyn Signatures; 2] = [&AwsLc, &NoSignatures];
        for host in hosts {
            let Ok(verifier) = Verifier::choose(host, &[jws.header.algorithm]) else {
                assert_eq!(jws.header.algorithm, Algorithm::Es512);
                continue;
            };
            assert_eq!(verifier.verify(host, &key, &jws), Ok(true), "{name}");

            // With another payload, and with a letter of the signature changed.
            let (rest, signature) = text.rsplit_once('.').unwrap();
            let (header, _) = rest.split_once('.').unwrap();
            let first = if signature.starts_with('A') { "B" } else { "A" };
            for spoilt in [format!("{header}.e30.{signature}"), format!("{rest}.{first}{}", &signature[1..])] {
                let jws = Jws::read(&spoilt, &Algorithm::ALL).unwrap();
                assert_eq!(verifier.verify(host, &key, &jws), Ok(false), "{name}: {spoilt}");
            }
        }
    }
}

#[test]
fn a_proof_is_verified_by_the_key_that_it_brings() {
    for (name, jwk, text) in examples().into_iter().filter(|(name, _, _)| name.contains("9449")) {
        let (jws, brought) = Jws::read_with_jwk(&text, &[Algorithm::Es256]).unwrap();
        let thumbprint = brought.thumbprint();
        let brought = brought.check().unwrap();
        assert_eq!(brought.thumbprint(), thumbprint);
        assert_eq!(jws.header.typ.as_deref(), Some("dpop+jwt"));
        let verifier = Verifier::choose(&NoSignatures, &[Algorithm::Es256]).unwrap();
        assert_eq!(verifier.verify(&NoSignatures, &brought, &jws), Ok(true), "{name}");
        assert_eq!(brought, key(&jwk).unwrap());
        // RFC 9449 §6.1.
        assert_eq!(base64url::encode(&brought.thumbprint()), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    for (jwk, thumbprint) in [
        // RFC 7638 §3.1.
        (
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        ),
        // RFC 8037 §A.3.
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        ),
    ] {
        assert_eq!(base64url::encode(&key(jwk).unwrap().thumbprint()), thumbprint);
    }
}
