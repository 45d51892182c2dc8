//! JWT access tokens: verified where they arrive.

use crate::caller::{A_TICK, active};
use crate::configuration::{configuration, provider};
use crate::host::{HostSignatures, Outcome, Process, Worker};
use crate::process;
use crate::tokens::{Issuer, KeyKind, KeyPair, base64url};
use serde_json::{Value, json};
use std::time::Duration;

pub const ISSUER: &str = "https://idp.example.com";
const KEYS: [KeyKind; 5] = KeyKind::ALL;
const ALL: [&str; 10] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

fn issuer(process: &Process) -> Issuer {
    Issuer::new(ISSUER, process.now().as_secs(), &KEYS)
}

/// A provider that takes nothing but JWTs of the issuer's keys, changed by a merge patch.
fn jwt_only(issuer: &Issuer, change: Value) -> String {
    let mut main = provider(json!({
        "introspection": null, "issuer": ISSUER, "jwt": {"keys": {"inline": issuer.jwks()}, "algorithms": ALL},
    }));
    merge(&mut main, change);
    configuration(json!({"providers": [main]}))
}

fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    target.remove(&name);
                } else {
                    merge(target.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch,
    }
}

/// How a request with this token ends, which nobody is asked about.
#[track_caller]
fn verdict(worker: &Worker, token: &str) -> String {
    let stream = worker.bearer(token);
    let outcome = match worker.outcome(stream) {
        Outcome::Continued(_) => "allowed".to_owned(),
        Outcome::Replied(_) => worker.outcome_property(stream).expect("an outcome"),
        other => panic!("{other:?}"),
    };
    assert!(worker.callouts().is_empty(), "somebody is asked");
    worker.hang_up(stream);
    outcome
}

#[test]
fn a_token_of_each_algorithm_passes_and_a_spoilt_one_does_not() {
    let process = process();
    let issuer = issuer(&process);
    let worker = process.worker(&jwt_only(&issuer, json!({}))).unwrap();
    for algorithm in ALL {
        let token = issuer.token(algorithm, json!({}));
        assert_eq!(verdict(&worker, &token), "allowed", "{algorithm}");
        let other = issuer.token(algorithm, json!({"sub": "other"}));
        let spoilt = format!("{}.{}", token.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
        assert_eq!(verdict(&worker, &spoilt), "bad_signature", "{algorithm}");
    }
    let summary = "signatures are verified: RS256, RS384, RS512, ES256, ES384, ES512 by the host; PS256, PS384, PS512, EdDSA \
                   by the module";
    assert_eq!(worker.logs().iter().filter(|(_, line)| line == summary).count(), 1, "{:?}", worker.logs());
    worker.advance(A_TICK);
    let counted =
        |result: &str, by: &str| process.metric(&format!("tessera_signatures.provider.main.result.{result}.by.{by}"));
    assert_eq!([counted("good", "host"), counted("good", "module")], [6, 4]);
    assert_eq!([counted("bad", "host"), counted("bad", "module")], [6, 4]);
}

#[test]
fn a_token_that_is_bound_to_a_key_is_challenged_by_dpop_before_it_is_verified() {
    let process = process();
    let issuer = issuer(&process);
    let worker = process.worker(&jwt_only(&issuer, json!({}))).unwrap();
    let now = process.now().as_secs();
    let challenge = |claims: Value| {
        let outcome = worker.exchange(&[("authorization", format!("Bearer {}", issuer.token("ES256", claims)))]);
        outcome.reply().headers.text("www-authenticate").expect("a challenge").to_owned()
    };
    let jkt = base64url([1; 32]);
    assert!(challenge(json!({"exp": now - 60})).starts_with("Bearer "));
    assert!(challenge(json!({"exp": now - 60, "cnf": {"x5t#S256": jkt}})).starts_with("Bearer "));
    assert!(challenge(json!({"exp": now - 60, "cnf": {"jkt": jkt}})).starts_with("DPoP "));
    assert!(challenge(json!({"cnf": {"jkt": jkt}})).starts_with("DPoP "), "it is verified");
}

#[test]
fn a_host_without_signatures_or_that_errs_is_not_used() {
    for signatures in
        [HostSignatures::Missing, HostSignatures::AlwaysGood, HostSignatures::AlwaysBad, HostSignatures::Garbled]
    {
        let process = process();
        process.set_signatures(signatures);
        let issuer = issuer(&process);
        assert!(process.worker(&jwt_only(&issuer, json!({}))).is_err(), "nobody verifies ES512");
        let few: Vec<_> = ALL.into_iter().filter(|algorithm| *algorithm != "ES512").collect();
        let worker = process.worker(&jwt_only(&issuer, json!({"jwt": {"algorithms": few}}))).unwrap();
        for algorithm in few {
            let token = issuer.token(algorithm, json!({}));
            assert_eq!(verdict(&worker, &token), "allowed", "{algorithm} {signatures:?}");
            let spoilt = format!("{}A{}", &token[..token.len() - 20], &token[token.len() - 19..]);
            if spoilt != token {
                assert_eq!(verdict(&worker, &spoilt), "bad_signature", "{algorithm} {signatures:?}");
            }
        }
    }
}

#[test]
fn what_no_signature_could_make_good_is_refused_without_looking_for_a_key() {
    let process = process();
    let issuer = issuer(&process);
    let worker = process.worker(&jwt_only(&issuer, json!({"audiences": ["https://api.example.com"]}))).unwrap();
    let now = issuer.now;
    for (claims, outcome) in [
        (json!({"exp": now - 11}), "expired"),
        (json!({"nbf": now + 11}), "not_yet_valid"),
        (json!({"aud": "https://other.example.com"}), "wrong_audience"),
        (json!({"iss": "https://other.example.com"}), "wrong_issuer"),
        (json!({"iss": "https://idp.example.com/"}), "wrong_issuer"),
        (json!({"iss": null}), "malformed_token"),
        (json!({"exp": null}), "malformed_token"),
        (json!({"exp": (now + 60).to_string()}), "malformed_token"),
        (json!({"nbf": -1}), "malformed_token"),
        (json!({"iat": "yesterday"}), "malformed_token"),
        (json!({"sub": 7}), "malformed_token"),
        (json!({"typ": "Refresh"}), "wrong_token_type"),
        (json!({"typ": "ID"}), "wrong_token_type"),
        (json!({"typ": "Offline"}), "wrong_token_type"),
        (json!({"typ": "Logout"}), "wrong_token_type"),
        (json!({"token_use": "id"}), "wrong_token_type"),
        (json!({"purpose": "id"}), "wrong_token_type"),
        (json!({"tokenName": "id_token"}), "wrong_token_type"),
        (json!({"tokenName": "something new"}), "wrong_token_type"),
        (json!({"at_hash": "x"}), "wrong_token_type"),
        (json!({"c_hash": "x"}), "wrong_token_type"),
        (json!({"events": {}}), "wrong_token_type"),
        (json!({"token_introspection": {"active": true}}), "wrong_token_type"),
    ] {
        assert_eq!(verdict(&worker, &issuer.token("ES256", claims.clone())), outcome, "{claims}");
    }
    for claims in [
        json!({"exp": now as f64 + 0.5}),
        json!({"exp": now - 9}),
        json!({"nbf": now + 9}),
        json!({"token_use": "access"}),
        json!({"purpose": "access_token"}),
        json!({"tokenName": "access_token"}),
        json!({"typ": "Bearer"}),
    ] {
        assert_eq!(verdict(&worker, &issuer.token("ES256", claims.clone())), "allowed", "{claims}");
    }
    worker.advance(A_TICK);
    let bad =
        ["host", "module"].map(|by| process.metric(&format!("tessera_signatures.provider.main.result.bad.by.{by}")));
    assert_eq!(bad, [0, 0]);
}

#[test]
fn the_header_is_read_strictly() {
    let process = process();
    let issuer = issuer(&process);
    let settings = jwt_only(&issuer, json!({"jwt": {"algorithms": ["ES256", "RS256"]}}));
    let worker = process.worker(&settings).unwrap();
    for (header, outcome) in [
        (json!({"typ": "id+jwt"}), "wrong_token_type"),
        (json!({"typ": "dpop+jwt"}), "wrong_token_type"),
        (json!({"typ": 7}), "malformed_token"),
        (json!({"kid": 7}), "malformed_token"),
        (json!({"crit": []}), "malformed_token"),
        (json!({"crit": ["b64"], "b64": false}), "malformed_token"),
        (json!({"alg": "none"}), "bad_signature"),
        (json!({"alg": "HS256"}), "bad_signature"),
        (json!({"alg": "es256"}), "bad_signature"),
        (json!({"alg": "RS256"}), "bad_signature"),
        (json!({"alg": null}), "malformed_token"),
        (json!({"typ": "application/AT+JWT"}), "allowed"),
        (json!({"typ": "JWT"}), "allowed"),
        (json!({"typ": null}), "allowed"),
        (json!({"kid": null}), "allowed"),
        (json!({"kid": "unknown"}), "bad_signature"),
        (json!({"jku": "https://attacker.example.com/jwks", "x5u": "https://attacker.example.com"}), "allowed"),
    ] {
        let token = issuer.token_with("ES256", header.clone(), json!({}));
        assert_eq!(verdict(&worker, &token), outcome, "{header}");
    }
    // A key that the token brings along is not looked at.
    let stranger = KeyPair::generate(KeyKind::P256);
    let header = json!({"alg": "ES256", "typ": "at+jwt", "jwk": stranger.jwk()});
    assert_eq!(verdict(&worker, &stranger.jws(&header, &issuer.claims(json!({})))), "bad_signature");
}

#[test]
fn what_is_no_jws_is_malformed() {
    let process = process();
    let issuer = issuer(&process);
    let worker = process.worker(&jwt_only(&issuer, json!({}))).unwrap();
    let token = issuer.token("ES256", json!({}));
    let (text, signature) = token.rsplit_once('.').unwrap();
    let payload = base64url(issuer.claims(json!({})).to_string());
    for token in [
        "opaque".to_owned(),
        format!("{token}.x"),
        format!("{text}.{signature}="),
        format!("{}.{payload}.{signature}", base64url("{")),
        format!("{}.{payload}.{signature}", base64url("[]")),
        format!("{}.{payload}.{signature}", base64url(r#"{"alg":"ES256","alg":"ES256"}"#)),
        format!(".{payload}.{signature}"),
    ] {
        assert_eq!(verdict(&worker, &token), "malformed_token", "{token}");
    }
    assert_eq!(verdict(&worker, &format!("{text}.")), "bad_signature");
}

#[test]
fn a_verified_token_is_known_like_any_other_until_it_expires() {
    let process = process();
    let issuer = issuer(&process);
    let settings = jwt_only(&issuer, json!({"clock_skew": "0s"}));
    let worker = process.worker(&settings).unwrap();
    let token = issuer.token("RS256", json!({"exp": issuer.now + 60}));
    assert_eq!(verdict(&worker, &token), "allowed");
    worker.reset_hostcalls();
    assert_eq!(verdict(&worker, &token), "allowed");
    assert!(!worker.hostcalls().contains_key("proxy_call_foreign_function"), "{:?}", worker.hostcalls());
    process.advance(Duration::from_secs(60));
    assert_eq!(verdict(&worker, &token), "expired");
}

#[test]
fn nothing_of_a_verified_token_is_shared() {
    let process = process();
    let issuer = issuer(&process);
    let worker = process.worker(&jwt_only(&issuer, json!({}))).unwrap();
    let before = process.shared_data();
    assert_eq!(verdict(&worker, &issuer.token("RS256", json!({}))), "allowed");
    assert_eq!(process.shared_data(), before);
}

#[test]
fn its_facts_reach_rules_and_upstream() {
    let process = process();
    let issuer = issuer(&process);
    let mut settings: Value = serde_json::from_str(&jwt_only(&issuer, json!({}))).unwrap();
    merge(
        &mut settings["apis"][0],
        json!({
            "scopes": {"all": ["orders.read"]},
            "upstream": {"headers": {"x-client-id": "client_id", "x-subject": "subject", "x-issuer": "issuer"}},
        }),
    );
    let worker = process.worker(&settings.to_string()).unwrap();
    assert_eq!(verdict(&worker, &issuer.token("ES256", json!({}))), "insufficient_scope");
    let token = issuer.token("ES256", json!({"client_id": null, "azp": "shop", "scp": ["orders.read"], "sub": "u"}));
    let stream = worker.bearer(&token);
    let Outcome::Continued(headers) = worker.outcome(stream) else { panic!() };
    let header = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
    assert_eq!(
        ["x-client-id", "x-subject", "x-issuer"].map(header),
        [Some("shop".to_owned()), Some("u".to_owned()), Some(ISSUER.to_owned())]
    );
}

/// A provider that verifies and asks: opaque tokens, and JWTs too where `introspect` says so.
fn both(issuer: &Issuer, introspect: &str) -> String {
    let main = provider(json!({
        "issuer": ISSUER,
        "jwt": {"keys": {"inline": issuer.jwks()}, "algorithms": ALL, "introspect": introspect},
    }));
    configuration(json!({"providers": [main], "apis": [{
        "id": "orders-v1", "scopes": {"all": ["read"]}, "upstream": {"headers": {"x-client-id": "client_id"}}
    }]}))
}

#[test]
fn an_opaque_token_is_introspected_beside_verified_ones() {
    let process = process();
    let issuer = issuer(&process);
    let worker = process.worker(&both(&issuer, "never")).unwrap();
    assert_eq!(verdict(&worker, &issuer.token("RS256", json!({"scope": "read"}))), "allowed");
    assert!(worker.asked("opaque", &active(json!({"scope": "read"}))).passed());
}

#[test]
fn a_verified_token_that_is_introspected_too_ends_when_either_says_so() {
    let process = process();
    let issuer = issuer(&process);
    let worker = process.worker(&both(&issuer, "always")).unwrap();
    let token = |claims| issuer.token("RS256", claims);
    // What cannot be verified is asked about by nobody.
    let other = KeyPair::generate(KeyKind::Rsa);
    let forged = other
        .jws(&json!({"alg": "RS256", "kid": issuer.key("RS256").key_id}), &issuer.claims(json!({"scope": "read"})));
    assert_eq!(verdict(&worker, &forged), "bad_signature");
    assert_eq!(verdict(&worker, &token(json!({"exp": issuer.now - 60}))), "expired");
    // The answer counts; what it leaves out is the token's.
    let good = token(json!({"scope": "read"}));
    assert!(worker.asked(&good, &active(json!({}))).passed());
    assert!(worker.known(&good).passed());
    assert_eq!(worker.asked(&token(json!({"scope": "read", "jti": "2"})), r#"{"active":false}"#).status(), Some(401));
    assert_eq!(
        worker.asked(&token(json!({"scope": "read", "jti": "3"})), &active(json!({"scope": "write"}))).status(),
        Some(403)
    );
    // What it names empty is empty.
    for (number, answer) in (4..).zip([json!({"scope": ""}), json!({"scope": []})]) {
        let token = token(json!({"scope": "read", "jti": number.to_string()}));
        assert_eq!(worker.asked(&token, &active(answer)).status(), Some(403));
    }
    let nobody = token(json!({"scope": "read", "jti": "6"}));
    assert!(worker.asked(&nobody, &active(json!({"client_id": ""}))).passed());
    match worker.known(&nobody) {
        Outcome::Continued(headers) => assert_eq!(headers.text("x-client-id"), None),
        other => panic!("{other:?}"),
    }
    // The token ends when it says, whatever the answer says.
    let short = token(json!({"scope": "read", "exp": issuer.now + 5}));
    assert!(worker.asked(&short, &active(json!({"exp": issuer.now + 600}))).passed());
    process.advance(Duration::from_secs(20));
    assert_eq!(verdict(&worker, &short), "expired");
}

#[test]
fn another_worker_verifies_for_itself_and_shares_the_answer() {
    let process = process();
    let issuer = issuer(&process);
    let [one, two] = [0, 1].map(|_| process.worker(&both(&issuer, "always")).unwrap());
    let token = issuer.token("RS256", json!({"scope": "read"}));
    assert!(one.asked(&token, &active(json!({}))).passed());
    two.reset_hostcalls();
    assert!(two.known(&token).passed(), "with what the token itself says");
    assert_eq!(two.hostcalls()["proxy_call_foreign_function"], 1);
}
