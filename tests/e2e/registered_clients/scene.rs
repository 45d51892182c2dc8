//! Envoy with the module, which polls the registry; two authorization servers, at which the registry registers clients;
//! who calls its API.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::contracts::outcome;
use crate::harness::client::{Connection, Request};
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::with;
use crate::harness::oidc::{Client, JWT, OPAQUE, OidcProvider};
use crate::harness::registry::{Caller, Registry, text};
use crate::harness::secrecy;
use crate::harness::upstream::Upstream;

/// What the documents promise of a change.
const BOUND: Duration = Duration::from_secs(1);
const TARGET: &str = "/orders/1";

pub struct Scene {
    registry: Registry,
    pub admin: Caller,
    pub owner: Caller,
    pub developer: Caller,
    /// Gives opaque tokens, which are introspected.
    pub main: OidcProvider,
    /// Gives tokens that are JWTs.
    pub other: OidcProvider,
    /// A client that `main` has had from the beginning.
    pub portal: Client,
    envoy: Envoy,
    connections: Vec<Connection>,
    _upstream: Upstream,
    /// From the answer of the registry to that of the last worker.
    took: Vec<Duration>,
}

/// A client that the registry has registered.
pub struct Known {
    id: String,
    pub credentials: Client,
    /// One of its access tokens.
    pub token: String,
}

impl Known {
    pub fn path(&self) -> String {
        format!("/clients/{}", self.id)
    }
}

impl Scene {
    /// With so many processes of the registry.
    pub fn start(database: Option<String>, replicas: usize) -> Self {
        let (initial, portal) = (secrecy::secret("initial-token"), Client::application("portal", "orders.read"));
        let [gateway, introspector] = ["gateway", "registry"].map(Client::gateway);
        let clients = [portal.clone(), gateway.clone(), introspector.clone()];
        let [main, other] = [(); 2].map(|()| OidcProvider::start_registering(&clients, &initial));
        let registry = Registry::start(database, replicas);
        let [admin, owner, developer] = ["admin", "root:owner", "root:developer"].map(|role| registry.caller(role));
        let dcr = |id: &str, server: &OidcProvider, further: Value| {
            let authorization = json!({"type": "bearer", "credential": initial});
            let usual = json!({"id": id, "kind": "dcr", "issuer": server.issuer(), "authorization": authorization});
            admin.make("/providers", with(with(usual, json!({"timeout": "60s"})), further));
        };
        admin.make("/environments", json!({"id": "production"}));
        let introspection = json!({"client_id": introspector.id(), "credential": introspector.secret()});
        dcr("main", &main, json!({"introspection": introspection, "token_parameters": {"resource": OPAQUE}}));
        dcr("other", &other, json!({"token_parameters": {"resource": JWT}}));
        let api = json!({"environment": "production", "id": "orders", "group": "root", "title": "Orders"});
        owner.post("/apis", api);
        for tier in ["silver", "gold"] {
            owner.make("/apis/production/orders/tiers", json!({"id": tier, "scopes": ["orders.read"]}));
        }
        let upstream = Upstream::start();
        let envoy = Envoy::builder()
            .plugin(configuration(&main, &other, &gateway))
            .environment("IDP_CLIENT_SECRET", gateway.secret())
            .environment("CONTRACTS_AUTH", &format!("Bearer {}", feed_token(&admin)))
            .cluster("main", main.port())
            .cluster("other", other.port())
            .cluster("registry", registry.feed_port())
            .one_call_a_connection("registry")
            .upstream(&upstream)
            .start();
        let connections = envoy.connections_on_every_worker();
        let took = Vec::new();
        Self { registry, admin, owner, developer, main, other, portal, envoy, connections, _upstream: upstream, took }
    }

    /// The developer's new request; its id.
    pub fn requests(&self, application: &str, tier: &str) -> String {
        let request = json!({"environment": "production", "api": "orders", "application": application, "tier": tier});
        let contract = self.developer.post("/contracts", request);
        assert_eq!((&contract["status"], &contract["waiting_for"]), (&json!("pending"), &json!(["approval"])));
        text(&contract, "id")
    }

    /// The client that takes the place of this one, at that provider, once it is live.
    pub fn rotates(&self, old: &Known, how: Value, provider: &str) -> Known {
        let new = self.developer.make(&format!("{}/rotate", old.path()), how);
        self.becomes_live(&new, provider)
    }

    /// Registered and checked; its secret is shown to its developer, once.
    pub fn becomes_live(&self, id: &str, provider: &str) -> Known {
        let path = format!("/clients/{id}");
        let live = self.developer.until(&path, "live");
        assert_eq!((&live["provider"], &live["scopes"]), (&json!(provider), &json!(["orders.read"])), "{live}");
        assert_eq!((&live["secret"], &live["differences"]), (&json!("available"), &json!([])), "{live}");
        let secret = format!("{path}/secret");
        assert_eq!(self.owner.call("POST", &secret, Some(&json!({}))).status, 403);
        let shown = self.developer.post(&secret, json!({}));
        assert_eq!(self.developer.call("POST", &secret, Some(&json!({}))).status, 410);
        let (client_id, secret) = (text(&shown, "client_id"), text(&shown, "client_secret"));
        assert_eq!(live["gateway_client_id"], client_id.as_str());
        let credentials = Client::registered(&client_id, &secret, "orders.read");
        let (server, resource) = if provider == "main" { (&self.main, OPAQUE) } else { (&self.other, JWT) };
        let token = server.token(&credentials, "orders.read", resource);
        Known { id: id.to_owned(), credentials, token }
    }

    /// The task that deletes the client, after an attempt that did not reach the server.
    pub fn is_tried_in_vain(&self, client: &Known) -> String {
        let path = format!("/tasks?kind=delete&client={}", client.id);
        eventually(SOON, "an attempt to delete the client", || {
            let task = self.admin.get(&path)["items"][0].clone();
            (task["last"]["outcome"] == "not_done").then(|| text(&task, "id"))
        })
    }

    fn outcomes(&mut self, token: &str) -> Vec<String> {
        let request = Request::get(TARGET).bearer(token);
        self.connections.iter_mut().map(|connection| outcome(&connection.send(&request))).collect()
    }

    /// Every worker answers so, now.
    #[track_caller]
    pub fn is(&mut self, token: &str, wanted: &str) {
        let found = self.outcomes(token);
        assert!(found.iter().all(|found| found == wanted), "{found:?}, not {wanted}");
    }

    /// Every worker comes to answer so, and goes on, after what the registry has just answered.
    #[track_caller]
    pub fn comes_to(&mut self, token: &str, wanted: &str) {
        let begun = Instant::now();
        let what = format!("{wanted} on every worker");
        eventually(SOON, &what, || self.outcomes(token).iter().all(|found| found == wanted).then_some(()));
        self.took.push(begun.elapsed());
        self.is(token, wanted);
    }

    /// It passes until this time, and on every worker comes to end so.
    #[track_caller]
    pub fn ends_at(&mut self, date: &str, token: &str, wanted: &str) {
        let at = OffsetDateTime::parse(date, &Rfc3339).expect("a date").unix_timestamp_nanos();
        let at = UNIX_EPOCH + Duration::from_nanos(at.try_into().expect("a time after 1970"));
        eventually(SOON, &format!("{wanted} on every worker"), || {
            let found = self.outcomes(token);
            let is_over = SystemTime::now() >= at;
            assert!(is_over || found.iter().all(|found| found.starts_with("allowed")), "{found:?} before {date}");
            found.iter().all(|found| found == wanted).then_some(())
        });
    }

    /// Where there are several processes, the oldest ends behind a new one.
    pub fn roll(&mut self) {
        if self.registry.replicas() > 1 {
            self.registry.add_replica();
            self.registry.end_replica();
        }
    }

    /// What is left is in order, and all went in time.
    pub fn end(mut self) {
        for provider in ["main", "other"] {
            assert_eq!(self.admin.get(&format!("/providers/{provider}/orphans"))["items"], json!([]));
        }
        self.took.sort();
        eprintln!("in force on every worker after {:?}", self.took);
        // What else the machine does makes some of them slower.
        assert!(self.took[self.took.len() / 2] <= BOUND, "{:?}", self.took);
        self.registry.assert_each_was_asked();
        assert!(self.registry.run(&["check", "--connect", "--audit"]).contains("ok"));
        let export = self.registry.run(&["export"]);
        assert!(secrecy::leaks(export.as_bytes()).is_empty(), "a secret is in the export");
        self.envoy.assert_no_vm_reload();
    }
}

/// The module's: one provider is asked, the other one's keys are.
fn configuration(main: &OidcProvider, other: &OidcProvider, gateway: &Client) -> Value {
    let client = json!({"id": gateway.id(), "secret": {"env": "IDP_CLIENT_SECRET"}});
    let endpoint = format!("{}/token/introspection", main.issuer());
    let introspection = json!({"endpoint": endpoint, "cluster": "main", "client": client, "timeout": "30s"});
    let keys = json!({"url": other.keys_url(), "cluster": "other", "timeout": "30s"});
    json!({
        "providers": [
            {"name": "main", "issuer": main.issuer(), "audiences": [OPAQUE], "introspection": introspection},
            {"name": "other", "issuer": other.issuer(), "audiences": [JWT], "jwt": {"keys": keys, "algorithms": ["RS256"]}},
        ],
        "apis": [{"id": "orders", "match": {"paths": ["/orders/"]}, "scopes": {"all": ["orders.read"]}}],
        "contracts": {"source": {
            "url": "http://registry.example.com/v1/contracts", "cluster": "registry", "refresh": "1s", "timeout": "25s",
            "headers": {"authorization": {"env": "CONTRACTS_AUTH"}, "prefer": "wait=20"},
        }},
    })
}

/// That of a gateway for all APIs.
fn feed_token(admin: &Caller) -> String {
    let gateway = admin.make("/gateways", json!({"environment": "production", "title": "Envoy"}));
    let token = text(&admin.post(&format!("/gateways/{gateway}/tokens"), json!({})), "token");
    secrecy::register(&token);
    token
}

/// So many seconds from now.
pub fn date_in(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs();
    let at = OffsetDateTime::from_unix_timestamp((now + seconds) as i64).expect("a date");
    format!("{}T{:02}:{:02}:{:02}Z", at.date(), at.hour(), at.minute(), at.second())
}
