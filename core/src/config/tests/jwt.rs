//! `jwt` and `discovery`.

use super::*;
use crate::jose::algorithm::Algorithm;
use crate::provider::jwt::settings::{KeySource, TokenTypes};
use std::time::Duration;

const ISSUER: &str = "https://idp.example.com/tenant";

/// The smallest provider that takes nothing but JWTs.
fn jwt_only(change: &[(&str, Value)]) -> Value {
    let provider = json!({
        "name": "main", "issuer": ISSUER,
        "jwt": {"keys": {"url": "https://idp.example.com/jwks", "cluster": "idp"}, "algorithms": ["RS256"]},
    });
    let configuration = json!({"providers": [provider], "apis": [{"id": "orders"}]});
    change.iter().fold(configuration, |configuration, (pointer, value)| {
        with(configuration, &format!("/providers/0{pointer}"), value.clone())
    })
}

fn without(mut configuration: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    configuration.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    configuration
}

/// Public, of RFC 7515 A.3.
fn key_set() -> Value {
    json!({"keys": [{
        "kty": "EC", "crv": "P-256", "kid": "1",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    }]})
}

#[test]
fn defaults() {
    let settings = accepted(&jwt_only(&[]));
    let jwt = settings.providers[0].jwt.as_ref().unwrap();
    assert_eq!((&*jwt.algorithms, jwt.introspects), (&[Algorithm::Rs256][..], false));
    assert_eq!(jwt.types, TokenTypes::default());
    let KeySource::Fetched { url, cluster, freshening } = &jwt.keys else { panic!("{jwt:?}") };
    assert_eq!(url.as_ref().unwrap().path(), "/jwks");
    assert_eq!(cluster.as_deref(), Some("idp"));
    assert_eq!((freshening.refresh, freshening.timeout), (Duration::from_secs(600), Duration::from_secs(2)));
    assert!(settings.providers[0].introspection.is_none());
    let of_proofs = [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];
    assert_eq!(settings.algorithms(), of_proofs);
    let ignoring = jwt_only(&[("/proof_of_possession", json!("ignore"))]);
    assert_eq!(accepted(&ignoring).algorithms(), [Algorithm::Rs256]);
}

#[test]
fn discovery_finds_what_is_left_out() {
    let found = jwt_only(&[("/discovery", json!({"cluster": "found"}))]);
    let settings = accepted(&without(found.clone(), "/providers/0/jwt/keys"));
    let provider = &settings.providers[0];
    let discovery = provider.discovery.as_ref().unwrap();
    let paths: Vec<_> = discovery.urls.iter().map(|url| url.path()).collect();
    assert_eq!(
        paths,
        [
            "/.well-known/oauth-authorization-server/tenant",
            "/tenant/.well-known/openid-configuration",
            "/.well-known/openid-configuration/tenant",
        ]
    );
    assert_eq!(
        (discovery.freshening.refresh, discovery.freshening.timeout),
        (Duration::from_secs(3600), Duration::from_secs(2))
    );
    let keys = &provider.jwt.as_ref().unwrap().keys;
    assert!(matches!(keys, KeySource::Fetched { url: None, cluster: None, .. }), "{keys:?}");

    // A configured address without a cluster is reached as a found one.
    let introspection = json!({"endpoint": "https://other.example.com/i", "client": {"id": "g", "secret": "s"}});
    let clusters = json!({"cluster": "found", "clusters": {"https://OTHER.example.com:443": "other"}});
    let mixed = with(with(found, "/providers/0/introspection", introspection), "/providers/0/discovery", clusters);
    let settings = accepted(&without(mixed, "/providers/0/jwt/keys/cluster"));
    let KeySource::Fetched { cluster, .. } = &settings.providers[0].jwt.as_ref().unwrap().keys else { panic!() };
    assert_eq!(cluster.as_deref(), Some("found"));
    assert_eq!(settings.providers[0].introspection.as_ref().unwrap().cluster.as_deref(), Some("other"));
}

#[test]
fn keys_may_stand_here() {
    let settings = accepted(&jwt_only(&[("/jwt/keys", json!({"inline": key_set()}))]));
    let KeySource::Inline(keys) = &settings.providers[0].jwt.as_ref().unwrap().keys else { panic!() };
    assert_eq!(keys.len(), 1);
}

#[test]
fn types_count_without_case_and_prefix() {
    let settings = accepted(&jwt_only(&[("/jwt/types", json!(["application/AT+jwt"]))]));
    let types = &settings.providers[0].jwt.as_ref().unwrap().types;
    assert!(types.accept(Some("at+jwt")) && !types.accept(Some("JWT")) && !types.accept(None));
}

#[test]
fn what_cannot_work_is_refused() {
    let list = "must be RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA";
    let at = "providers[0].jwt";
    for (configuration, expected) in [
        (jwt_only(&[("/jwt/algorithms", json!(["none"]))]), format!("{at}.algorithms[0]: {list}, got \"none\"")),
        (jwt_only(&[("/jwt/algorithms", json!(["HS256"]))]), format!("{at}.algorithms[0]: {list}, got \"HS256\"")),
        (jwt_only(&[("/jwt/algorithms", json!([]))]), format!("{at}.algorithms: must not be empty")),
        (
            jwt_only(&[("/jwt/algorithms", json!(["ES256", "ES256"]))]),
            format!("{at}.algorithms: names an algorithm twice"),
        ),
        (without(jwt_only(&[]), "/providers/0/jwt/algorithms"), format!("{at}.algorithms: is required")),
        (jwt_only(&[("/jwt/types", json!([]))]), format!("{at}.types: must not be empty")),
        (without(jwt_only(&[]), "/providers/0/jwt/keys"), format!("{at}.keys: is required without \"discovery\"")),
        (jwt_only(&[("/jwt/keys", json!({}))]), format!("{at}.keys: must hold \"url\" or \"inline\"")),
        (
            without(jwt_only(&[]), "/providers/0/jwt/keys/cluster"),
            format!("{at}.keys.cluster: is required without \"discovery\""),
        ),
        (
            jwt_only(&[("/jwt/keys/refresh", json!("999ms"))]),
            format!("{at}.keys.refresh: must be between 1000ms and 24h, got \"999ms\""),
        ),
        (
            jwt_only(&[("/jwt/keys/inline", key_set())]),
            format!("{at}.keys: holds \"inline\" keys: nothing else has an effect beside it"),
        ),
        (
            jwt_only(&[("/jwt/keys", json!({"inline": {"keys": [{"kty": "oct", "k": "AAAA"}]}}))]),
            format!("{at}.keys.inline: must hold public keys that are of use, and nothing else: 0 are, 1 are not"),
        ),
        (
            jwt_only(&[("/jwt/introspect", json!("always"))]),
            "providers[0]: \"jwt\" is to introspect, but \"introspection\" is not given".to_owned(),
        ),
        (
            without(jwt_only(&[]), "/providers/0/issuer"),
            "providers[0].issuer: is required with \"jwt\" and with \"discovery\"".to_owned(),
        ),
    ] {
        assert_eq!(problems(&configuration), [expected]);
    }
}

#[test]
fn what_finds_nothing_is_refused() {
    for (configuration, expected) in [
        (
            jwt_only(&[("/discovery", json!({"cluster": "c", "clusters": {"https://a/b": "a"}}))]),
            "providers[0].discovery.clusters.https://a/b: must be named by an origin alone, such as \
             \"https://keys.example.com\""
                .to_owned(),
        ),
        (
            jwt_only(&[("/discovery", json!({"cluster": "c"})), ("/issuer", json!("accounts"))]),
            "providers[0].discovery: no address of metadata follows from the issuer, which must begin with \
             \"https://\" or \"http://\"; set \"url\""
                .to_owned(),
        ),
    ] {
        assert_eq!(problems(&configuration), [expected]);
    }
}

#[test]
fn a_provider_that_nobody_vouches_for_is_refused() {
    let provider = json!({"name": "main", "issuer": ISSUER, "discovery": {"cluster": "idp"}});
    assert_eq!(
        problems(&json!({"providers": [provider], "apis": [{"id": "orders"}]})),
        ["providers[0]: must hold \"introspection\", \"jwt\" or both: who says whether a token is good"]
    );
}

/// One that is asked as well, and signs its answers.
fn signing(change: &[(&str, Value)]) -> Value {
    let introspection = json!({
        "endpoint": "https://idp.example.com/i", "cluster": "idp", "client": {"id": "gateway", "secret": "s"},
        "response": "jwt",
    });
    change.iter().fold(jwt_only(&[("/introspection", introspection)]), |configuration, (pointer, value)| {
        with(configuration, pointer, value.clone())
    })
}

#[test]
fn signed_answers_are_for_the_client_unless_told_otherwise() {
    let audience = |configuration: &Value| {
        let settings = accepted(configuration);
        settings.providers[0].introspection.as_ref().unwrap().signed_for.clone()
    };
    assert_eq!(audience(&signing(&[])).as_deref(), Some("gateway"));
    assert_eq!(audience(&signing(&[("/providers/0/introspection/audience", json!("a"))])).as_deref(), Some("a"));
    let bearer = ("/providers/0/introspection/client", json!({"auth": "bearer", "secret": "t"}));
    for (configuration, expected) in [
        (signing(&[bearer]), "providers[0].introspection.audience: is required where the client has no \"id\""),
        (
            signing(&[
                ("/providers/0/introspection/response", json!("json")),
                ("/providers/0/introspection/audience", json!("a")),
            ]),
            "providers[0].introspection.audience: has no effect unless \"response\" is \"jwt\"",
        ),
        (
            without(signing(&[]), "/providers/0/jwt"),
            "providers[0]: \"introspection.response\" is \"jwt\", but there is no \"jwt\" with the keys that verify it",
        ),
    ] {
        assert_eq!(problems(&configuration), [expected]);
    }
}

#[test]
fn an_upstream_sees_a_signed_answer_where_there_is_one() {
    let headers = ("/apis/0/upstream", json!({"headers": {"x-phantom": "introspection_jwt"}}));
    assert!(accepted(&signing(std::slice::from_ref(&headers))).providers[0].claims.keeps_answer);
    assert!(!accepted(&signing(&[])).providers[0].claims.keeps_answer);
    let plain = signing(&[("/providers/0/introspection/response", json!("json")), headers]);
    assert_eq!(
        problems(&plain),
        ["apis[0].upstream: hands on \"introspection_jwt\", but no provider of this API has introspection.response \
          \"jwt\""]
    );
}
