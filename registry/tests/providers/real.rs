//! Clients at a real authorization server, from their registration to their end.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tessera_registry::domain::client::AuthMethod;
use tessera_registry::domain::provider::{Authorization, DcrSettings, EndpointAuth, Introspection};
use tessera_registry::remote::issuers::Issuers;
use tessera_registry::remote::proof_judge::HttpProofJudge;
use tessera_registry::system::SystemClock;
use tessera_registry::use_case::open_provider::OpenProvider;
use tessera_registry::use_case::proof_judge::{Proof, ProofJudge};
use tessera_registry::use_case::registrar::{Called, ClientCredentials, Issued, Managed, Registrar};

use crate::oidc::{INITIAL_TOKEN, INTROSPECTOR, JWT, OPAQUE, OidcProvider};
use crate::provider::{done, ended, metadata, provider, registrar, with_credential};

fn open(server: &OidcProvider, resource: &str) -> OpenProvider {
    let settings = DcrSettings {
        authorization: Authorization::Bearer { credential: "sealed".into() },
        token_parameters: [("resource".to_owned(), resource.to_owned())].into(),
        ..DcrSettings::default()
    };
    let mut open = with_credential(provider(&server.issuer, settings), INITIAL_TOKEN);
    if resource == OPAQUE {
        open.introspection = Some(INTROSPECTOR.1.into());
        open.provider.introspection = Some(Introspection {
            endpoint: None,
            client_id: INTROSPECTOR.0.to_owned(),
            auth: EndpointAuth::ClientSecretBasic,
            credential: "sealed".into(),
        });
    }
    open
}

async fn token(open: &OpenProvider, issued: &Issued) -> SecretString {
    let credentials = ClientCredentials {
        client_id: issued.managed.client_id.clone(),
        method: AuthMethod::ClientSecretBasic,
        secret: issued.secret.clone(),
    };
    match registrar().token(open, &credentials, &["orders.read".to_owned()]).await {
        Called::Done(token) => token,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_client_lives_and_ends() {
    let server = OidcProvider::start();
    let judge = HttpProofJudge::new(Arc::new(Issuers::default()), Arc::new(SystemClock)).unwrap();
    for resource in [OPAQUE, JWT] {
        let (open, registrar) = (open(&server, resource), registrar());
        let issued = done(registrar.register(&open, None, &metadata()).await);
        assert_eq!(issued.metadata["scope"], "orders.read");
        assert!(issued.secret.is_some() && issued.secret_expires_at.is_none());
        let access_token = token(&open, &issued).await;
        let proof = judge.judge(&open, access_token.expose_secret()).await;
        let (client_id, scopes) = (issued.managed.client_id.clone(), Some(vec!["orders.read".to_owned()]));
        assert_eq!(proof, Proof::Of { client_id, scopes }, "{resource}");
        assert!(matches!(judge.judge(&open, "nonsense").await, Proof::Nothing(_)));
        let spoilt = format!("{}x", access_token.expose_secret());
        assert!(matches!(judge.judge(&open, &spoilt).await, Proof::Nothing(_)), "{resource}");

        let read = done(registrar.read(&open, &issued.managed).await);
        assert_eq!(
            read.managed.token.as_ref().unwrap().expose_secret(),
            issued.managed.token.as_ref().unwrap().expose_secret()
        );
        let mut wanted = metadata();
        wanted.insert("scope".into(), json!("orders.read orders.write"));
        let changed = done(registrar.update(&open, &read.managed, &wanted).await);
        assert_eq!(changed.metadata["scope"], "orders.read orders.write");
        let former = changed.managed.token.as_ref().unwrap().expose_secret()
            != read.managed.token.as_ref().unwrap().expose_secret();
        assert!(former, "a change rotates the token");
        assert_eq!(ended(registrar.read(&open, &read.managed).await).0, "not_done", "the former token is nobody's");

        assert!(matches!(registrar.delete(&open, &changed.managed).await, Called::Done(())));
        assert!(matches!(registrar.delete(&open, &changed.managed).await, Called::Done(())), "it is gone");
        assert_eq!(ended(registrar.read(&open, &changed.managed).await).0, "not_done");
    }
}

#[tokio::test]
async fn what_it_does_not_want_is_refused() {
    let server = OidcProvider::start();
    let registrar = registrar();
    let mut wrong = metadata();
    wrong.insert("grant_types".into(), json!(["no_such_grant"]));
    let (end, failure) = ended(registrar.register(&open(&server, JWT), None, &wrong).await);
    assert_eq!(
        (end, failure.status, failure.error.as_deref()),
        ("refused", Some(400), Some("invalid_client_metadata"))
    );
    let stranger = with_credential(open(&server, JWT), "another-token");
    let (end, failure) = ended(registrar.register(&stranger, None, &metadata()).await);
    assert_eq!((end, failure.status, failure.error.as_deref()), ("not_done", Some(401), Some("invalid_token")));
    let issued = done(registrar.register(&open(&server, JWT), None, &metadata()).await);
    let other = Managed { token: Some("not-its-token".into()), ..issued.managed };
    assert_eq!(ended(registrar.update(&open(&server, JWT), &other, &metadata()).await).0, "not_done");
}
