//! Providers as tests call them.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tessera_registry::domain::provider::{DcrSettings, Provider, ProviderKind};
use tessera_registry::domain::text::Span;
use tessera_registry::domain::time::Time;
use tessera_registry::remote::dcr::HttpRegistrar;
use tessera_registry::remote::issuers::Issuers;
use tessera_registry::system::{SystemClock, SystemRandomness};
use tessera_registry::use_case::open_provider::OpenProvider;
use tessera_registry::use_case::registrar::{Called, Failure, Issued, Managed};

use crate::scripted::{Asked, Scripted};

pub fn registrar() -> HttpRegistrar {
    HttpRegistrar::new(Arc::new(Issuers::default()), Arc::new(SystemClock), Arc::new(SystemRandomness))
}

/// One of this issuer, with a patience that a busy machine does not exhaust.
pub fn provider(issuer: &str, settings: DcrSettings) -> OpenProvider {
    let provider = Provider {
        id: "main".to_owned(),
        kind: ProviderKind::Dcr,
        issuer: Some(issuer.to_owned()),
        registration: Some(settings),
        timeout: Span::parse("30s").unwrap(),
        ..Provider::blank(Time::from_millis(0))
    };
    OpenProvider { organisation: "default".to_owned(), provider, authorization: None, introspection: None }
}

pub fn with_credential(open: OpenProvider, credential: &str) -> OpenProvider {
    OpenProvider { authorization: Some(credential.into()), ..open }
}

/// What is asked of a server that gives a secret.
pub fn metadata() -> Map<String, Value> {
    let metadata = json!({
        "client_name": "App \u{b7} t-m1",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "scope": "orders.read",
        "token_endpoint_auth_method": "client_secret_basic",
    });
    metadata.as_object().unwrap().clone()
}

pub fn client(url: &str) -> Managed {
    Managed {
        client_id: "c1".into(),
        uri: Some(format!("{url}/reg/c1")),
        token: Some(SecretString::from("rat-token-1")),
    }
}

/// The metadata of a server (RFC 8414), where it is asked for.
pub fn discovered(asked: &Asked, url: &str) -> Option<Scripted> {
    asked.path.starts_with("/.well-known/").then(|| {
        Scripted::json(
            200,
            &json!({"issuer": url, "registration_endpoint": format!("{url}/reg"), "token_endpoint": format!("{url}/token")}),
        )
    })
}

/// A good answer to a registration.
pub fn registered(url: &str) -> Value {
    json!({
        "client_id": "c1", "client_secret": "very-secret-secret", "client_secret_expires_at": 0,
        "registration_client_uri": format!("{url}/reg/c1"), "registration_access_token": "rat-token-1",
        "grant_types": ["client_credentials"], "scope": "orders.read",
        "token_endpoint_auth_method": "client_secret_basic",
    })
}

/// How it ended, with what is told of it.
#[track_caller]
pub fn ended<T>(called: Called<T>) -> (&'static str, Failure) {
    match called {
        Called::Done(_) => ("done", Failure::default()),
        Called::Refused(failure) => ("refused", failure),
        Called::NotDone(failure, _) => ("not_done", failure),
        Called::Unknown(failure) => ("unknown", failure),
    }
}

#[track_caller]
pub fn done(called: Called<Issued>) -> Issued {
    match called {
        Called::Done(issued) => issued,
        other => panic!("{other:?}"),
    }
}
