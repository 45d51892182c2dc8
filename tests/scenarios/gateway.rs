//! A host with the filter in it, as a scenario sees it.

use crate::refusals;
use serde_json::{Value, json};

/// A running gateway with an authorization server behind the cluster `idp` and an upstream that answers 200.
pub trait Gateway {
    /// Starts with this plugin configuration. Tokens that no answer is set for are inactive.
    fn start(configuration: &Value) -> Self;

    /// From now on the authorization server answers so about `token`.
    fn introspection(&mut self, token: &str, answer: Introspected);

    /// Sends a request and waits for its end.
    fn send(&mut self, request: &Request) -> Exchange;

    /// The tokens that the authorization server was asked about, in order.
    fn introspections(&self) -> Vec<String>;
}

/// An answer of the authorization server.
#[derive(Clone, Debug)]
pub struct Introspected {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

impl Introspected {
    /// An active token with these members.
    pub fn active(members: Value) -> Self {
        let mut answer = json!({"active": true});
        if let (Some(answer), Value::Object(members)) = (answer.as_object_mut(), members) {
            answer.extend(members);
        }
        Self::json(200, &answer)
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/json; charset=utf-8", body: body.to_string() }
    }

    pub fn html(status: u16) -> Self {
        Self { status, content_type: "text/html", body: "<html>internal detail</html>".to_owned() }
    }
}

/// A request without a body, for `api.example.com`.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: &'static str,
    pub target: String,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    pub fn get(target: &str) -> Self {
        Self { method: "GET", target: target.to_owned(), headers: Vec::new() }
    }

    pub fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }
}

/// What came of a request.
#[derive(Debug)]
pub struct Exchange {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    /// The header lines (with `:path`) that reached the upstream, if the request did.
    pub upstream: Option<Vec<(String, Vec<u8>)>>,
}

impl Exchange {
    /// The only line of that name in the response.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<String> {
        only(&self.headers, name)
    }

    /// The only line of that name in what the upstream received.
    #[track_caller]
    pub fn received(&self, name: &str) -> Option<String> {
        only(self.upstream.as_ref().unwrap_or_else(|| panic!("did not pass: {self:?}")), name)
    }

    /// The request was refused with this outcome, and the upstream knows nothing of it.
    #[track_caller]
    pub fn assert_refused(&self, outcome: &str) {
        assert!(self.upstream.is_none(), "passed: {self:?}");
        refusals::assert_refused(outcome, self.status, &self.body, |name| self.header(name));
    }
}

#[track_caller]
fn only(lines: &[(String, Vec<u8>)], name: &str) -> Option<String> {
    let mut found = lines.iter().filter(|(line, _)| line == name);
    let value = found.next().map(|(_, value)| String::from_utf8(value.clone()).expect("text"));
    assert!(found.next().is_none(), "several lines of {name}: {lines:?}");
    value
}

/// A provider that is asked without credentials, an API under `/orders/` that wants a scope and a contract.
pub fn orders() -> Value {
    json!({
        "providers": [{
            "name": "main",
            "introspection": {
                "endpoint": "http://idp.example.com/introspect", "cluster": "idp", "retries": 0,
                "client": {"id": "gateway", "auth": "none"},
            },
        }],
        "apis": [{
            "id": "orders-v1",
            "match": {"paths": ["/orders/"]},
            "scopes": {"all": ["orders.read"]},
            "operations": [
                {"match": {"paths": ["/orders/health"]}, "public": true},
                {"match": {"methods": ["DELETE"]}, "scopes": {"all": ["orders.write"]}},
            ],
        }],
        "contracts": {"inline": [
            {"api": "orders-v1", "client_id": "portal", "tier": "gold"},
            {"api": "orders-v1", "client_id": "halted", "tier": "gold", "status": "suspended"},
        ]},
        "replies": {"realm": "orders", "retry_after": "7s"},
    })
}

/// The facts of a token that may read orders.
pub fn portal() -> Introspected {
    Introspected::active(json!({"client_id": "portal", "scope": "orders.read"}))
}
