//! Clients at a second real server: it keeps no scopes, shows a secret in its first answer alone, and gives another
//! registration token with each change.

use serde_json::{Value, json};

use crate::client::{Client, http, sent};
use crate::django::{Django, SECRET};
use crate::place::Place;
use crate::registered::{changed, until};

/// The status of a token request with these credentials.
async fn token_status(server: &Django, shown: &Value) -> u16 {
    let (id, secret) = (shown["client_id"].as_str().unwrap(), shown["client_secret"].as_str());
    let form = [("grant_type", "client_credentials"), ("scope", "orders.read")];
    let request = http().post(format!("{}/token/", server.issuer)).basic_auth(id, secret).form(&form);
    sent(request).await.unwrap().status
}

/// A client whose contract is approved at once.
async fn requested(admin: &Client, developer: &Client, server: &Django) -> String {
    admin.make("/environments", json!({"id": "prod"})).await;
    let provider = json!({
        "id": "idp", "kind": "dcr", "issuer": server.issuer, "timeout": "60s", "auth_methods": ["client_secret_basic"],
        "introspection": {"client_id": "registry", "credential": SECRET},
    });
    admin.make("/providers", provider).await;
    admin.make("/apis", json!({"environment": "prod", "id": "orders", "group": "root", "title": "Orders"})).await;
    let tier = json!({"id": "gold", "approval": "automatic", "scopes": ["orders.read", "introspection"]});
    admin.make("/apis/prod/orders/tiers", tier).await;
    let application = developer.make("/applications", json!({"group": "root", "name": "Shop"})).await;
    let request = json!({"environment": "prod", "api": "orders", "application": application, "tier": "gold"});
    developer.make("/contracts", request).await;
    developer.make(&format!("/applications/{application}/clients"), json!({"provider": "idp"})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_lives_at_a_server_that_shows_its_secret_once() {
    let (server, place) = (Django::start(), Place::sqlite(""));
    let served = place.serve();
    let admin = place.admin(&served);
    let developer = admin.with_token(&place.run(&["token", "create", "--role", "root:developer"]));
    let first = format!("/clients/{}", requested(&admin, &developer, &server).await);
    until(&admin, &first, "live").await;
    let shown = developer.post(&format!("{first}/secret"), &json!({})).await.json();
    assert_eq!(token_status(&server, &shown).await, 200);

    // Twice: the second change needs what the first one's answer gave.
    for scopes in [json!(["orders.read"]), json!(["orders.read", "introspection"])] {
        let asked = developer.call("PATCH", &first, Some(&json!({"scopes": scopes}))).await;
        assert_eq!(asked.status, 200, "{asked:?}");
        let changed = changed(&admin, &first).await;
        assert_eq!((&changed["scopes"], &changed["error"]), (&scopes, &Value::Null), "{changed}");
    }
    assert_eq!(token_status(&server, &shown).await, 200, "the secret is the same");

    let rotated = developer.post(&format!("{first}/rotate"), &json!({"overlap": "0s"})).await;
    let second = format!("/clients/{}", rotated.id());
    until(&admin, &second, "live").await;
    until(&admin, &first, "deleted").await;
    assert_eq!(token_status(&server, &shown).await, 401, "the first is gone");
    let shown = developer.post(&format!("{second}/secret"), &json!({})).await.json();
    assert_eq!(token_status(&server, &shown).await, 200);
    let deleted = developer.call("DELETE", &second, None).await;
    assert_eq!(deleted.status, 202, "{deleted:?}");
    until(&admin, &second, "deleted").await;
    assert_eq!(token_status(&server, &shown).await, 401, "the second is gone");
    assert_eq!(admin.list("/providers/idp/orphans").await, Vec::<Value>::new());
    served.end();
}
