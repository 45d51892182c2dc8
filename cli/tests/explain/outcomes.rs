//! Every outcome that one request can have. `overloaded` needs thousands of requests, and `internal_error` a host that
//! fails: neither is a matter of the configuration.

use super::tokens::{Signer, bound, proof};
use super::{Case, Folder, NOW, TOKEN, case};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[track_caller]
fn assert_outcome(case: &Case, outcome: &str, decided_by: &str) {
    let ran = case.run(&["--json"]);
    let told = ran.json();
    assert_eq!((told["outcome"].as_str(), ran.code), (Some(outcome), 0), "{told}\n{}", ran.stderr);
    let checks = told["checks"].as_array().expect("checks");
    assert_eq!(checks.last().expect("a check")["check"], decided_by, "{told}");
    let passes = ["allowed", "public", "anonymous", "unmatched"].contains(&outcome);
    assert_eq!(told["passes"], passes, "{told}");
    assert_eq!((told["reply"].is_null(), told["upstream"].is_null()), (passes, !passes), "{told}");
    let status = if passes { "passes".to_owned() } else { told["reply"]["status"].to_string() };
    let text = case.run(&[]).stdout;
    assert!(text.contains(&format!("=> {outcome}: {status}\n")), "{text}");
}

#[test]
fn another_verdict_than_is_expected_ends_with_1() {
    let suspended = || case().facts(json!({"client_id": "halted"}));
    for (case, good, bad) in [
        (case(), ["allowed", "200"], ["public", "403"]),
        (suspended(), ["contract_suspended", "403"], ["no_contract", "200"]),
    ] {
        for (words, code) in [(good, 0), (bad, 1)] {
            for word in words {
                assert_eq!(case.clone().with(&["--expect", word]).run(&[]).code, code, "{word}");
            }
        }
    }
    assert_eq!(case().without_answer().with(&["--expect", "allowed"]).run(&[]).code, 3);
}

#[test]
fn outcomes_of_a_request_and_its_token() {
    assert_outcome(&case().url("/elsewhere"), "unknown_api", "api");
    assert_outcome(&case().url("/elsewhere").configured(|it| it["no_match"] = json!("pass")), "unmatched", "api");
    assert_outcome(&case().url("/orders/../a"), "invalid_request", "request");
    assert_outcome(&case().url("/orders/health").without_token(), "public", "operation");
    assert_outcome(&case().url("/orders/open").without_token(), "anonymous", "token");
    assert_outcome(&case().without_token(), "missing_token", "token");
    assert_outcome(&case().without_token().with(&["-H", "authorization: Bearer a,b"]), "invalid_request", "token");
    assert_outcome(&case().with(&["-H", "Authorization: Bearer other"]), "invalid_request", "token");
    let resource = |it: &mut Value| it["apis"][0]["resource"] = json!({"identifier": "https://api.example.com/orders"});
    let metadata = case().without_token().without_answer().configured(resource);
    assert_outcome(&metadata.url("/.well-known/oauth-protected-resource/orders"), "resource_metadata", "api");
}

#[test]
fn outcomes_of_facts() {
    assert_outcome(&case(), "allowed", "contract");
    let with = |further: Value| case().facts(further);
    assert_outcome(&with(json!({"active": false})), "inactive", "facts");
    assert_outcome(&with(json!({"active": "yes"})), "provider_error", "facts");
    assert_outcome(&case().without_answer().with(&["--unavailable"]), "provider_unavailable", "facts");
    assert_outcome(&with(json!({"exp": NOW - 60})), "expired", "expiry");
    assert_outcome(&with(json!({"nbf": NOW + 60})), "not_yet_valid", "not_before");
    assert_outcome(&with(json!({"iss": "https://other.example.com"})), "wrong_issuer", "issuer");
    assert_outcome(&with(json!({"aud": ["others"]})), "wrong_audience", "audience");
    assert_outcome(&with(json!({"token_use": "refresh_token"})), "wrong_token_type", "token_type");
    assert_outcome(&with(json!({"acr": "1"})), "wrong_claims", "claims");
    assert_outcome(&with(json!({"scope": "orders.write"})), "insufficient_scope", "scopes");
    assert_outcome(&case().with(&["-X", "DELETE"]), "insufficient_scope", "scopes");
    assert_outcome(&with(json!({"client_id": "stranger"})), "no_contract", "contract");
    assert_outcome(&with(json!({"client_id": "halted"})), "contract_suspended", "contract");
    assert_outcome(&with(json!({"client_id": "ended"})), "contract_expired", "contract");
}

#[test]
fn outcomes_of_contracts_from_a_source() {
    let folder = Folder::new();
    let contracts = folder.file("contracts.json", json!({
        "contracts": [{"api": "orders-v1", "client_id": "portal", "tier": "from the file", "client_secret": "never shown"}],
    }).to_string());
    let source = |it: &mut Value| {
        it["contracts"] = json!({
            "source": {"url": "https://contracts.example.com/v1", "cluster": "contracts"}, "max_staleness": "1h",
        });
    };
    assert_outcome(&case().configured(source), "contracts_not_loaded", "contract");
    let loaded = case().configured(source).with(&["--contracts", &contracts]);
    assert_outcome(&loaded, "allowed", "contract");
    assert_eq!(loaded.json()["upstream"]["set"]["x-sla-tier"], "from the file");
    assert_outcome(&loaded.clone().with(&["--contracts-age", "59m"]), "allowed", "contract");
    assert_outcome(&loaded.clone().with(&["--contracts-age", "61m"]), "contracts_not_loaded", "contract");
    assert_outcome(&loaded.clone().facts(json!({"client_id": "stranger"})), "no_contract", "contract");
    let broken = folder.file("broken.json", "{");
    assert_outcome(&case().configured(source).with(&["--contracts", &broken]), "contracts_not_loaded", "contract");
    let none = case().with(&["--contracts", &contracts]).run(&[]);
    assert_eq!(none.code, 3, "{}", none.stderr);
}

#[test]
fn outcomes_of_jwts() {
    let folder = Folder::new();
    let signer = Signer::new();
    let keys = folder.file("keys.json", signer.key_set().to_string());
    let other = folder.file("other.json", Signer::new().key_set().to_string());
    let jwt = |it: &mut Value| {
        it["providers"][0]["jwt"] =
            json!({"keys": {"url": "https://idp.example.com/keys", "cluster": "idp"}, "algorithms": ["ES256"]});
        it["providers"][0]["introspection"] = Value::Null;
        it["providers"][0].as_object_mut().expect("an object").remove("introspection");
    };
    let claims = |further: Value| {
        let mut claims = super::facts();
        super::merge(&mut claims, further);
        claims
    };
    let with = |token: String, keys: &str| {
        let file = folder.file(&format!("token-{}", token.len()), token + "\r\n");
        case().without_answer().without_token().configured(jwt).with(&["--keys", keys, "--token-file", &file])
    };
    assert_outcome(&with(signer.token(&json!({"typ": "at+jwt"}), &claims(json!({}))), &keys), "allowed", "contract");
    assert_outcome(&with(signer.token(&json!({}), &claims(json!({}))), &other), "bad_signature", "signature");
    assert_outcome(&with(signer.token(&json!({}), &claims(json!({"exp": NOW - 60}))), &keys), "expired", "expiry");
    assert_outcome(
        &with(signer.token(&json!({"typ": "id+jwt"}), &claims(json!({}))), &keys),
        "wrong_token_type",
        "token_type",
    );
    assert_outcome(
        &with(signer.token(&json!({}), &claims(json!({"exp": Value::Null}))), &keys),
        "malformed_token",
        "facts",
    );
    assert_outcome(
        &with(signer.token(&json!({"alg": "none"}), &claims(json!({}))), &keys),
        "bad_signature",
        "signature",
    );
    assert_outcome(&with("opaque".to_owned(), &keys), "malformed_token", "provider");
    let elsewhere = claims(json!({"iss": "https://other.example.com"}));
    assert_outcome(&with(signer.token(&json!({}), &elsewhere), &keys), "wrong_issuer", "provider");
    let unreachable = with(signer.token(&json!({}), &claims(json!({}))), &keys);
    let more = unreachable.more.iter().filter(|word| **word != keys && *word != "--keys").cloned();
    let more = more.chain(["--unavailable".to_owned()]).collect();
    assert_outcome(&Case { more, ..unreachable }, "provider_unavailable", "signature");
}

#[test]
fn outcomes_of_proofs() {
    let signer = Signer::new();
    let of = |further: Value| case().without_token().facts(bound(&signer)).facts(further);
    let dpop = format!("authorization: DPoP {TOKEN}");
    let good = format!("dpop: {}", proof(&signer, TOKEN, &json!({})));
    let old = format!("dpop: {}", proof(&signer, TOKEN, &json!({"iat": NOW - 3600})));
    assert_outcome(&of(json!({})).with(&["-H", &dpop, "-H", &good]), "allowed", "contract");
    assert_outcome(&of(json!({})).with(&["-H", &dpop]), "proof_missing", "proof");
    assert_outcome(&of(json!({})).with(&["-H", &dpop, "-H", &old]), "proof_invalid", "proof");
    let certificate = json!({"cnf": {"x5t#S256": "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"}});
    let forwarded = |it: &mut Value| it["client_certificate"] = json!("forwarded");
    let shown = format!("x-forwarded-client-cert: Hash={}", "aa".repeat(32));
    assert_outcome(
        &case().configured(forwarded).facts(certificate.clone()).with(&["-H", &shown]),
        "allowed",
        "contract",
    );
    assert_outcome(&case().configured(forwarded).facts(certificate), "proof_missing", "proof");
}

#[test]
fn what_is_not_given_leaves_the_verdict_open() {
    let certificate = json!({"cnf": {"x5t#S256": "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"}});
    let discovery = |it: &mut Value| {
        it["providers"][0]["discovery"] = json!({"cluster": "idp"});
        it["providers"][0]["introspection"] = json!({"client": {"id": "gateway", "auth": "none"}});
    };
    let signed = |it: &mut Value| {
        it["providers"][0]["introspection"]["response"] = json!("jwt");
        it["providers"][0]["jwt"] =
            json!({"keys": {"url": "https://idp.example.com/keys", "cluster": "idp"}, "algorithms": ["ES256"]});
    };
    let cases = BTreeMap::from([
        ("facts", case().without_answer()),
        ("proof", case().facts(certificate)),
        ("facts ", case().without_answer().configured(discovery)),
        ("facts  ", case().configured(signed)),
    ]);
    for (check, case) in cases {
        let ran = case.run(&["--json"]);
        let told = ran.json();
        assert_eq!(ran.code, 3, "{told}");
        assert_eq!((&told["outcome"], &told["passes"]), (&Value::Null, &Value::Null), "{told}");
        assert_eq!((&told["reply"], &told["upstream"]), (&Value::Null, &Value::Null), "{told}");
        let last = told["checks"].as_array().expect("checks").last().expect("a check").clone();
        assert_eq!((&last["check"], &last["verdict"]), (&json!(check.trim()), &json!("unknown")), "{told}");
        assert!(case.run(&[]).stdout.ends_with("=> undetermined\n"));
    }
    assert_outcome(&case().configured(discovery), "allowed", "contract");
}
