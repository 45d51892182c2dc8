//! Clients in a tenant of Entra ID, at a stand-in for Graph.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tessera_registry::domain::client::AuthMethod;
use tessera_registry::domain::provider::{EntraSettings, Provider, ProviderKind};
use tessera_registry::domain::text::Span;
use tessera_registry::domain::time::Time;
use tessera_registry::remote::issuers::Issuers;
use tessera_registry::remote::proof_judge::HttpProofJudge;
use tessera_registry::remote::registrars::Registrars;
use tessera_registry::system::{SystemClock, SystemRandomness};
use tessera_registry::use_case::open_provider::OpenProvider;
use tessera_registry::use_case::ports::{Clock, Randomness};
use tessera_registry::use_case::proof_judge::{Proof, ProofJudge};
use tessera_registry::use_case::registrar::{
    AddedSecret, Called, ClientCredentials, KeptSecrets, Managed, NOT_REPLICATED, Registrar,
};

use crate::graph::{Password, REGISTRY, StandIn, TENANT};
use crate::provider::{done, ended};
use crate::scripted::Scripted;

fn registrar() -> Registrars {
    let (clock, randomness): (Arc<dyn Clock>, Arc<dyn Randomness>) =
        (Arc::new(SystemClock), Arc::new(SystemRandomness));
    Registrars::new(&Arc::new(Issuers::default()), &clock, &randomness)
}

fn provider(stand_in: &StandIn, settings: EntraSettings) -> OpenProvider {
    let url = &stand_in.server.url;
    let settings = EntraSettings {
        tenant: TENANT.into(),
        client_id: REGISTRY.0.into(),
        credential: "sealed".into(),
        graph: url.clone(),
        login: url.clone(),
        ..settings
    };
    let provider = Provider {
        id: "entra".into(),
        kind: ProviderKind::Entra,
        issuer: Some(stand_in.issuer()),
        entra: Some(settings),
        timeout: Span::parse("30s").unwrap(),
        ..Provider::blank(Time::from_millis(0))
    };
    let authorization = Some(REGISTRY.1.into());
    OpenProvider { organisation: "default".into(), provider, authorization, introspection: None }
}

fn metadata(id: &str) -> Map<String, Value> {
    json!({"client_name": "App \u{b7} t-m1", "software_id": id}).as_object().unwrap().clone()
}

/// Asks again for as long as the provider says that it does not know yet; says how often that was.
async fn patiently<T>(mut call: impl AsyncFnMut() -> Called<T>) -> (usize, Called<T>) {
    for waited in 0..50 {
        match call().await {
            Called::NotDone(failure, _) if failure.error.as_deref() == Some(NOT_REPLICATED) => {}
            other => return (waited, other),
        }
    }
    panic!("it never knows");
}

fn of(client_id: &str, secret: &SecretString) -> ClientCredentials {
    let (client_id, method) = (client_id.to_owned(), AuthMethod::ClientSecretPost);
    ClientCredentials { client_id, method, secret: Some(secret.clone()) }
}

fn added(called: Called<AddedSecret>) -> AddedSecret {
    match called {
        Called::Done(added) => added,
        other => panic!("{other:?}"),
    }
}

/// The latest first.
fn kept(secrets: &[&AddedSecret], up_to: u32) -> KeptSecrets {
    KeptSecrets { key_ids: secrets.iter().map(|secret| secret.key_id.clone()).collect(), up_to, is_patient: true }
}

fn names(stand_in: &StandIn) -> Vec<String> {
    stand_in.applications()[0].secrets.iter().map(|secret| secret.name.clone()).collect()
}

#[tokio::test]
async fn a_client_is_an_application_with_a_principal_and_a_secret_that_works() {
    let stand_in = StandIn::start();
    let parameters = [("scope".to_owned(), "api://orders/.default".to_owned())].into();
    let lifetime = Span::parse("30d").unwrap();
    let open = provider(
        &stand_in,
        EntraSettings { token_parameters: parameters, secret_lifetime: lifetime, ..EntraSettings::default() },
    );
    let registrar = registrar();
    let before = SystemClock.now();
    let issued = done(registrar.register(&open, None, &metadata("0197")).await);
    let made = stand_in.applications();
    assert_eq!((made.len(), made[0].name.as_str(), made[0].has_principal), (1, "App \u{b7} t-m1", true));
    assert!(issued.managed.uri.is_none() && issued.managed.token.is_none() && issued.secret.is_none());
    let id = issued.managed.client_id.as_str();
    assert_eq!(id, made[0].app_id);
    let added = added(registrar.add_secret(&open, id, 1).await);
    let lasts = added.expires_at.unwrap().since(before).as_secs();
    assert!((30 * 86_400..30 * 86_400 + 120).contains(&lasts), "{lasts}");
    // What is asked for stands in the provider's settings, whatever the client's scopes are.
    let got = registrar.token(&open, &of(id, &added.secret), &["x".to_owned()]).await;
    let Called::Done(token) = got else { panic!("{got:?}") };
    let judge = HttpProofJudge::new(Arc::new(Issuers::default()), Arc::new(SystemClock)).unwrap();
    let proof = judge.judge(&open, token.expose_secret()).await;
    assert_eq!(proof, Proof::Of { client_id: id.to_owned(), scopes: None });
    let asked = stand_in.server.asked().into_iter().rev().find(|asked| asked.path.ends_with("/token")).unwrap();
    assert_eq!(asked.field("scope").unwrap(), "api://orders/.default");
    let read = done(registrar.read(&open, &issued.managed).await);
    assert_eq!(Value::Object(read.metadata), json!({"client_name": "App \u{b7} t-m1", "software_id": "0197"}));
    let found = registrar.find(&open, "0197").await;
    assert!(matches!(&found, Called::Done(ids) if *ids == [id]), "{found:?}");
    for _ in 0..2 {
        assert!(matches!(registrar.delete(&open, &issued.managed).await, Called::Done(())));
    }
    assert_eq!(stand_in.state.lock().unwrap().deleted, ["0197"]);
    assert!(matches!(registrar.find(&open, "0197").await, Called::Done(ids) if ids.is_empty()));
}

#[tokio::test]
async fn what_is_not_replicated_yet_is_asked_for_again_until_it_is() {
    let stand_in = StandIn::start();
    stand_in.state.lock().unwrap().lag = 5;
    let (open, registrar) = (provider(&stand_in, EntraSettings::default()), registrar());
    let (waited, called) = patiently(async || registrar.register(&open, None, &metadata("0197")).await).await;
    let issued = done(called);
    assert_eq!((waited, stand_in.applications().len()), (5, 1));
    let id = issued.managed.client_id.as_str();
    let first = added(registrar.add_secret(&open, id, 1).await);
    let credentials = of(id, &first.secret);
    let (waited, called) = patiently(async || registrar.token(&open, &credentials, &[]).await).await;
    assert!(waited == 5 && matches!(called, Called::Done(_)), "{waited}");
    // Nothing is removed by what a replica shows that does not know the latest.
    let second = added(registrar.add_secret(&open, id, 2).await);
    let (waited, called) = patiently(async || registrar.keep_secrets(&open, id, &kept(&[&second], 2)).await).await;
    assert!(waited == 5 && matches!(called, Called::Done(())), "{waited}");
    assert_eq!(names(&stand_in), ["Tessera 2"]);
    // That there is none of this name is told from that.
    let (outcome, failure) =
        ended(registrar.read(&open, &Managed { client_id: "gone".into(), ..issued.managed }).await);
    assert_eq!((outcome, failure.error.as_deref()), ("refused", Some("Request_ResourceNotFound")));
}

#[tokio::test]
async fn a_registration_whose_end_is_not_known_is_repeated_without_a_trace() {
    for (lost, is_named) in [("uniqueName", false), ("servicePrincipals", true)] {
        let stand_in = StandIn::start();
        stand_in.state.lock().unwrap().loses = Some(lost);
        let (open, registrar) = (provider(&stand_in, EntraSettings::default()), registrar());
        let (outcome, failure) = ended(registrar.register(&open, None, &metadata("0197")).await);
        assert_eq!((outcome, failure.client_id.is_some()), ("unknown", is_named), "{lost}");
        stand_in.state.lock().unwrap().loses = None;
        let issued = done(registrar.register(&open, None, &metadata("0197")).await);
        let made = stand_in.applications();
        assert_eq!((made.len(), made[0].app_id.as_str()), (1, issued.managed.client_id.as_str()), "{lost}");
    }
}

#[tokio::test]
async fn secrets_overlap_until_they_are_not_kept_and_those_that_were_added_since_stay() {
    let stand_in = StandIn::start();
    let (open, registrar) = (provider(&stand_in, EntraSettings::default()), registrar());
    let issued = done(registrar.register(&open, None, &metadata("0197")).await);
    let id = issued.managed.client_id.as_str();
    let mut secrets = Vec::new();
    for number in 1..=6 {
        secrets.push(added(registrar.add_secret(&open, id, number).await));
    }
    let by_hand = Password { key_id: "by-hand".into(), name: "somebody's".into(), secret: "s".into() };
    stand_in.state.lock().unwrap().applications.get_mut("0197").unwrap().secrets.push(by_hand);
    for secret in &secrets {
        assert!(matches!(registrar.token(&open, &of(id, &secret.secret), &[]).await, Called::Done(_)));
    }
    // Of the first five the fifth; an attempt removes some of them.
    let (outcome, failure) = ended(registrar.keep_secrets(&open, id, &kept(&[&secrets[4]], 5)).await);
    assert_eq!((outcome, failure.error.as_deref()), ("not_done", Some("more_secrets")));
    for _ in 0..2 {
        assert!(matches!(registrar.keep_secrets(&open, id, &kept(&[&secrets[4]], 5)).await, Called::Done(())));
    }
    assert_eq!(names(&stand_in), ["Tessera 5", "Tessera 6", "somebody's"]);
    let (outcome, failure) = ended(registrar.token(&open, &of(id, &secrets[0].secret), &[]).await);
    assert_eq!((outcome, failure.error.as_deref()), ("not_done", Some(NOT_REPLICATED)));
    // Of what is not there, nothing has to be removed; but it may only be late.
    let gone = kept(&[&secrets[0]], 6);
    let (outcome, failure) = ended(registrar.keep_secrets(&open, id, &gone).await);
    assert_eq!((outcome, failure.error.as_deref()), ("not_done", Some(NOT_REPLICATED)));
    let impatient = KeptSecrets { is_patient: false, ..gone };
    assert!(matches!(registrar.keep_secrets(&open, id, &impatient).await, Called::Done(())));
    assert!(matches!(registrar.keep_secrets(&open, "none", &impatient).await, Called::Done(())));
    assert_eq!(names(&stand_in), ["somebody's"]);
}

#[tokio::test]
async fn every_answer_of_graph_ends_as_it_should() {
    let throttled = Scripted::text(429, "").with("retry-after", "17");
    let graph = |status: u16, code: &str| {
        let message = format!("{code}: the registry's secret, graph-token");
        Scripted::json(status, &json!({"error": {"code": code, "message": message}}))
    };
    for (answer, expected, pause) in [
        (throttled, "not_done", Some(17)),
        (graph(503, "ServiceUnavailable"), "not_done", None),
        (graph(403, "Authorization_RequestDenied"), "not_done", None),
        (graph(401, "InvalidAuthenticationToken"), "not_done", None),
        (graph(400, "Request_BadRequest"), "refused", None),
        (graph(500, "InternalServerError"), "unknown", None),
        (Scripted::json(201, &json!({"appId": "../x"})), "unknown", None),
        (Scripted::json(201, &json!([])), "unknown", None),
        (Scripted::text(201, "<html>"), "unknown", None),
        (Scripted::Cut { status: 201, body: b"{\"appId\":\"a\"}".to_vec() }, "unknown", None),
        (Scripted::Closed, "unknown", None),
        (Scripted::text(302, "").with("location", "https://elsewhere.example.com"), "refused", None),
    ] {
        let stand_in = StandIn::start();
        let (open, registrar) = (provider(&stand_in, EntraSettings::default()), registrar());
        stand_in.state.lock().unwrap().instead.push(answer.clone());
        let called = registrar.register(&open, None, &metadata("0197")).await;
        if let Called::NotDone(_, waits) = &called {
            assert_eq!(*waits, pause.map(Duration::from_secs), "{answer:?}");
        }
        let (outcome, failure) = ended(called);
        assert_eq!(outcome, expected, "{answer:?}");
        let said = format!("{failure:?}");
        assert!(!said.contains("registry's secret") && !said.contains("graph-token"), "{said}");
    }
}

#[tokio::test]
async fn nothing_is_asked_of_graph_without_a_token_or_with_an_odd_name() {
    let stand_in = StandIn::start();
    let registrar = registrar();
    let open = provider(&stand_in, EntraSettings::default());
    for wrong in [
        OpenProvider { authorization: None, ..open.clone() },
        OpenProvider { authorization: Some("another".into()), ..open.clone() },
    ] {
        let (outcome, failure) = ended(registrar.register(&wrong, None, &metadata("0197")).await);
        assert_eq!(outcome, "not_done", "{failure:?}");
    }
    for id in ["", "a'b", "a/b", "a b"] {
        assert_eq!(ended(registrar.register(&open, None, &metadata(id)).await).0, "refused", "{id}");
        let managed = Managed { client_id: id.into(), uri: None, token: None };
        assert_eq!(ended(registrar.delete(&open, &managed).await).0, "refused", "{id}");
    }
    assert!(stand_in.server.asked().iter().all(|asked| !asked.path.starts_with("/v1.0/")));
}
