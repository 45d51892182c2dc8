//! Applications whose clients are registered at the tests' authorization server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::client::Client;

impl AuthorizationServer {
    /// A provider that is this server, with these settings more.
    pub fn provider(&self, more: Value) -> Value {
        let mut provider = json!({"kind": "dcr", "issuer": self.url, "timeout": "30s",
            "auth_methods": ["client_secret_basic"],
            "introspection": {"client_id": "registry", "credential": "secret"}});
        provider.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        provider
    }
}

/// An API of which everybody may have a contract.
pub async fn founded(admin: &Client) {
    admin.make("/environments", json!({"id": "prod"})).await;
    let api = json!({"environment": "prod", "id": "orders", "group": "root", "title": "Orders"});
    admin.make("/apis", api).await;
    let tier = json!({"id": "gold", "approval": "automatic", "scopes": ["orders.read"]});
    admin.make("/apis/prod/orders/tiers", tier).await;
}

/// One with a contract.
pub async fn application(developer: &Client, name: &str) -> String {
    let application = developer.make("/applications", json!({"group": "root", "name": name})).await;
    let request = json!({"environment": "prod", "api": "orders", "application": application, "tier": "gold"});
    developer.make("/contracts", request).await;
    application
}

/// The application's clients, when all of those that are not deleted are so.
pub async fn until_all(client: &Client, application: &str, status: &str, within: Duration) -> Vec<Value> {
    let deadline = Instant::now() + within;
    loop {
        let clients = client.list(&format!("/applications/{application}/clients")).await;
        let other = clients.iter().find(|client| client["status"] != status && client["status"] != "deleted");
        let Some(other) = other else { return clients };
        assert!(Instant::now() < deadline, "not {status}: {other}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
