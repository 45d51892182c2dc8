//! What is good, and what is nearly so.

use super::super::super::signer::{jwk, sha256, sign};
use super::{AUDIENCE, ISSUER, NOW, URI};
use serde_json::{Value, json};

pub fn good_token() -> [String; 2] {
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "u", "client_id": "portal", "iat": NOW, "exp": NOW + 600, "jti": "t",
    });
    [json!({"alg": "EdDSA", "typ": "at+jwt"}).to_string(), claims.to_string()]
}

pub fn good_answer() -> [String; 2] {
    let issuer = ISSUER.to_owned() + "/signed";
    let said = json!({"active": true, "client_id": "portal"});
    let claims = json!({"iss": issuer, "aud": "gateway", "iat": NOW, "token_introspection": said});
    [json!({"alg": "EdDSA", "typ": "token-introspection+jwt"}).to_string(), claims.to_string()]
}

pub fn good_proof() -> [String; 2] {
    let claims = json!({"htm": "GET", "htu": URI, "iat": NOW, "jti": "p", "ath": sha256("bound")});
    [json!({"alg": "EdDSA", "typ": "dpop+jwt", "jwk": jwk()}).to_string(), claims.to_string()]
}

pub fn seeds() -> Vec<Vec<u8>> {
    let all = [("token", good_token()), ("answer", good_answer()), ("proof", good_proof())];
    let as_text = |(kind, [header, payload]): &(&str, [String; 2])| {
        format!("{kind} text\n{}", sign(header.as_bytes(), payload.as_bytes())).into_bytes()
    };
    let as_parts =
        |(kind, [header, payload]): &(&str, [String; 2])| format!("{kind} parts\n{header}\n{payload}").into_bytes();
    let mut seeds: Vec<_> = all.iter().flat_map(|each| [as_text(each), as_parts(each)]).collect();
    let expired =
        r#"{"iss":"https://idp.example.com","aud":["https://api.example.com"],"client_id":"portal","iat":1,"exp":2}"#;
    seeds.push(format!("token parts\n{{\"alg\":\"EdDSA\",\"typ\":\"application/at+jwt\"}}\n{expired}").into_bytes());
    seeds.extend(nearly_good());
    seeds.push(b"token text\neyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbSJ9.".to_vec());
    seeds
}

/// Each wrong in one claim, and well signed.
fn nearly_good() -> Vec<Vec<u8>> {
    let wrong = [
        (
            "token",
            good_token(),
            vec![("iss", json!("https://other")), ("aud", json!("b")), ("exp", json!(1)), ("nbf", json!(NOW + 60))],
        ),
        (
            "answer",
            good_answer(),
            vec![("iss", json!(ISSUER)), ("aud", json!(["b"])), ("iat", json!(NOW + 60)), ("exp", json!(1))],
        ),
        (
            "proof",
            good_proof(),
            vec![
                ("htm", json!("POST")),
                ("htu", json!("https://other.example.com/")),
                ("ath", json!(sha256("other"))),
                ("iat", json!(NOW - 4000)),
                ("iat", json!(NOW + 60)),
                ("jti", json!("")),
            ],
        ),
    ];
    let mut seeds = Vec::new();
    for (kind, [header, payload], claims) in wrong {
        for (name, value) in claims {
            let mut claims: Value = serde_json::from_str(&payload).expect("claims");
            claims[name] = value;
            seeds.push(format!("{kind} parts\n{header}\n{claims}").into_bytes());
        }
    }
    seeds
}
