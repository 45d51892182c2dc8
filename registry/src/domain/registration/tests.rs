use super::*;
use crate::domain::time::Time;

const NAMES: ClientNames<'_> =
    ClientNames { application: "Shop {group}", group: "sales", organisation: "acme", marker: "m1" };

fn client() -> AppClient {
    AppClient {
        provider: "idp".into(),
        brought: false,
        auth_method: Some(AuthMethod::ClientSecretPost),
        grants: vec![Grant::ClientCredentials, Grant::AuthorizationCode],
        scopes: vec!["a".into(), "b".into()],
        redirect_uris: vec!["https://app.example/cb".into()],
        ..AppClient::brought("c1".into(), "app".into(), Time::from_millis(0))
    }
}

fn template(set: Value, omit: &[&str]) -> Template {
    let set = set.as_object().unwrap().clone();
    Template { set, omit: omit.iter().map(|name| (*name).to_owned()).collect() }
}

fn registered(client: &AppClient, template: &Template) -> Value {
    Registration::of(client, &NAMES, template).metadata().clone().into()
}

#[test]
fn what_is_asked_is_the_clients_and_nothing_more() {
    assert_eq!(
        registered(&client(), &Template::default()),
        json!({
            "client_name": "Shop {group} \u{b7} t-m1", "software_id": "c1",
            "grant_types": ["client_credentials", "authorization_code"], "response_types": ["code"],
            "redirect_uris": ["https://app.example/cb"], "scope": "a b",
            "token_endpoint_auth_method": "client_secret_post",
        })
    );
    let jwks = json!({"keys": []});
    let bare = AppClient {
        grants: vec![Grant::ClientCredentials],
        scopes: Vec::new(),
        redirect_uris: Vec::new(),
        auth_method: Some(AuthMethod::PrivateKeyJwt),
        jwks: Some(jwks.clone()),
        ..client()
    };
    assert_eq!(
        registered(&bare, &Template::default()),
        json!({
            "client_name": "Shop {group} \u{b7} t-m1", "software_id": "c1", "grant_types": ["client_credentials"],
            "response_types": [], "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks,
        })
    );
}

#[test]
fn a_template_adds_and_leaves_out() {
    let set = json!({
        "client_name": "{organisation}/{group}/{client}: {application} {other} {", "software_id": "{client}-x",
        "contacts": ["{group}@example.com"], "more": {"deep": ["{client}", 1, null]}, "dpop": true,
    });
    let metadata = registered(&client(), &template(set, &["response_types", "redirect_uris", "never"]));
    assert_eq!(metadata["client_name"], "acme/sales/c1: Shop {group} {other} { \u{b7} t-m1");
    assert_eq!(metadata["software_id"], "c1-x");
    assert_eq!(metadata["contacts"], json!(["sales@example.com"]));
    assert_eq!((&metadata["more"], &metadata["dpop"]), (&json!({"deep": ["c1", 1, null]}), &json!(true)));
    assert!(metadata.get("response_types").is_none() && metadata.get("redirect_uris").is_none());
}

fn judged(answer: Value) -> (Vec<String>, Option<String>) {
    let registration = Registration::of(&client(), &NAMES, &Template::default());
    let judged = registration.compare(answer.as_object().unwrap());
    let differences = judged.differences.into_iter().map(|one| format!("{}: {} -> {}", one.member, one.asked, one.got));
    (differences.collect(), judged.wider)
}

#[test]
fn what_is_missing_counts_as_asked_and_what_is_fewer_is_shown() {
    let kept = json!({
        "grant_types": ["authorization_code", "client_credentials"], "scope": "b  a", "redirect_uris": null,
        "token_endpoint_auth_method": "client_secret_post", "client_name": "other",
    });
    for same in [json!({}), kept, json!({"scope": ["a", "b"]})] {
        assert_eq!(judged(same.clone()), (Vec::new(), None), "{same}");
    }
    let fewer = json!({"grant_types": ["client_credentials"], "scope": "", "redirect_uris": []});
    let expected = [
        "grant_types: client_credentials authorization_code -> client_credentials",
        "scope: a b -> ",
        "redirect_uris: https://app.example/cb -> ",
    ];
    assert_eq!(judged(fewer), (expected.map(str::to_owned).into(), None));
}

#[test]
fn what_is_more_or_other_is_refused() {
    for wider in [
        json!({"scope": "a b c"}),
        json!({"scope": "A"}),
        json!({"scope": 1}),
        json!({"scope": ["a", 1]}),
        json!({"grant_types": ["client_credentials", "authorization_code", "refresh_token"]}),
        json!({"grant_types": "client_credentials"}),
        json!({"redirect_uris": ["https://app.example/cb", "https://app.example/cb/"]}),
        json!({"token_endpoint_auth_method": "client_secret_basic"}),
        json!({"token_endpoint_auth_method": "none"}),
        json!({"token_endpoint_auth_method": []}),
    ] {
        assert!(judged(wider.clone()).1.is_some(), "{wider}");
    }
    let (differences, wider) = judged(json!({"scope": "a \u{1b}[31mc", "grant_types": []}));
    assert_eq!(differences[1], "scope: a b -> a [31mc");
    assert_eq!(wider.as_deref(), Some("scope has what was not asked for: [31mc"));
    let long = judged(json!({"scope": "x".repeat(100_000)}));
    assert!(long.0[0].len() < 1100 && long.1.is_some_and(|why| why.len() < 1100));
}

#[test]
fn a_token_may_not_say_more_than_was_asked() {
    let registration = Registration::of(&client(), &NAMES, &Template::default());
    assert!(registration.covers(&[]) && registration.covers(&["b".into()]));
    assert!(!registration.covers(&["a".into(), "c".into()]));
}
