//! The usual scene: callers in front of Envoy with the module, a fake authorization server and an upstream behind it.

use serde_json::{Map, Value, json};

use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::client::{Request, Response};
use crate::harness::envoy::Envoy;
use crate::harness::envoy_config::EnvoyBuilder;
use crate::harness::secrecy;
use crate::harness::upstream::{Received, Upstream};

/// The cluster `idp` reaches the server; all requests that pass go to the upstream.
pub struct Gateway {
    pub envoy: Envoy,
    pub server: AuthorizationServer,
    pub upstream: Upstream,
}

impl Gateway {
    #[track_caller]
    pub fn start(configuration: Value) -> Self {
        Self::start_with(configuration, |builder| builder)
    }

    #[track_caller]
    pub fn start_with(configuration: Value, adjust: impl FnOnce(EnvoyBuilder) -> EnvoyBuilder) -> Self {
        Self::start_envoy(|server, upstream| {
            adjust(Envoy::builder().plugin(configuration).cluster("idp", server.port()).upstream(upstream))
        })
    }

    /// With an Envoy that says itself how it reaches them.
    #[track_caller]
    pub fn start_envoy(envoy: impl FnOnce(&AuthorizationServer, &Upstream) -> EnvoyBuilder) -> Self {
        let (server, upstream) = (AuthorizationServer::start(), Upstream::start());
        Self { envoy: envoy(&server, &upstream).start(), server, upstream }
    }

    /// A token nobody else has, with these facts.
    pub fn token(&self, facts: Value) -> String {
        let token = secrecy::secret("token");
        self.server.activate(&token, facts);
        token
    }

    #[track_caller]
    pub fn send(&self, request: &Request) -> Response {
        request.send(self.envoy.port())
    }

    /// How often the server has been asked, and how many requests have reached the upstream.
    pub fn counts(&self) -> (usize, usize) {
        (self.server.call_count(), self.upstream.request_count())
    }

    /// What the upstream got of a request that must pass.
    #[track_caller]
    pub fn receive(&self, request: &Request) -> Received {
        Received::from(&self.send(request))
    }

    /// Every worker lets a good token pass, and none has been reloaded. `target` is a path that needs no more than that.
    #[track_caller]
    pub fn assert_sound(&self, target: &str) {
        let token = self.token(json!({"client_id": "portal"}));
        for connection in &mut self.envoy.connections_on_every_worker() {
            let response = connection.send(&Request::get(target).bearer(&token));
            assert_eq!(response.status, 200, "{response:?}");
        }
        self.envoy.assert_no_vm_reload();
    }
}

/// An element of `providers`: asks through the cluster `idp`, without credentials.
pub fn provider(name: &str, further: Value) -> Value {
    let introspection = introspection("idp", json!({}));
    with(json!({"name": name, "introspection": introspection}), further)
}

/// An `introspection` member that asks through this cluster, without credentials, and gives a busy machine its time.
pub fn introspection(cluster: &str, further: Value) -> Value {
    let endpoint = format!("http://{cluster}.example.com/introspect");
    with(json!({"endpoint": endpoint, "cluster": cluster, "client": {"auth": "none"}, "timeout": "30s"}), further)
}

/// `document` with these members added or replaced.
#[track_caller]
pub fn with(mut document: Value, further: Value) -> Value {
    let Value::Object(further) = further else { panic!("an object") };
    document.as_object_mut().unwrap_or(&mut Map::new()).extend(further);
    document
}
