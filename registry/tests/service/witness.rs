//! The servers that the registry calls: an authorization server, and a receiver of webhooks.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub struct Witness {
    pub url: String,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

struct Seen {
    url: String,
    /// Claims of the tokens that are active.
    tokens: BTreeMap<String, Value>,
    told: Mutex<Vec<String>>,
    /// `Authorization` of who has introspected.
    callers: Mutex<Vec<String>>,
}

impl Witness {
    pub fn start(tokens: &[(&str, Value)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let tokens = tokens.iter().map(|(token, claims)| ((*token).to_owned(), claims.clone())).collect();
        let seen = Arc::new(Seen { url: url.clone(), tokens, told: Mutex::default(), callers: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let serve = async move {
            let server = axum_server::from_tcp(listener).unwrap();
            server.serve(router.into_make_service()).await.unwrap();
        };
        Self { url, seen, task: tokio::spawn(serve) }
    }

    /// Bodies of webhooks.
    pub fn told(&self) -> Vec<String> {
        self.seen.told.lock().unwrap().clone()
    }

    pub fn callers(&self) -> Vec<String> {
        self.seen.callers.lock().unwrap().clone()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(seen): State<Arc<Seen>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let answer = match parts.uri.path() {
        "/.well-known/openid-configuration" => {
            json!({"issuer": seen.url, "introspection_endpoint": format!("{}/introspect", seen.url)})
        }
        "/introspect" => {
            let caller = parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
            seen.callers.lock().unwrap().extend(caller);
            let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            seen.tokens.get(&form["token"]).cloned().unwrap_or(json!({"active": false}))
        }
        _ => {
            seen.told.lock().unwrap().push(body);
            Value::Null
        }
    };
    ([("content-type", "application/json")], answer.to_string()).into_response()
}
