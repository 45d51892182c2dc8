//! The protected API: answers every request with a description of what reached it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::Response;
use crate::harness::http_server::{HttpServer, Request};
use crate::harness::message::Headers;

pub struct Upstream {
    server: HttpServer,
    count: Arc<AtomicUsize>,
}

impl Upstream {
    pub fn start() -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let server = HttpServer::start({
            let count = count.clone();
            move |request| {
                count.fetch_add(1, Ordering::SeqCst);
                Answer::json(describe(request))
            }
        });
        Self { server, count }
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    pub fn request_count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// What the upstream received, read back from its answer.
#[derive(Debug)]
pub struct Received {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Headers,
    pub body_length: u64,
    /// SHA-256 in base64.
    pub body_digest: String,
}

impl Received {
    #[track_caller]
    pub fn from(response: &Response) -> Self {
        assert_eq!(response.status, 200, "no answer of the upstream: {response:?}");
        let echo = response.json();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let line = |line: &Value| (text(&line[0]), STANDARD.decode(text(&line[1])).expect("base64"));
        Self {
            method: text(&echo["method"]),
            target: text(&echo["target"]),
            headers: Headers(echo["headers"].as_array().expect("headers").iter().map(line).collect()),
            body_length: echo["body_length"].as_u64().expect("a length"),
            body_digest: text(&echo["body_digest"]),
        }
    }
}

/// SHA-256 in base64, as in [`Received::body_digest`].
pub fn digest(body: &[u8]) -> String {
    STANDARD.encode(hmac_sha256::Hash::hash(body))
}

fn describe(request: &Request) -> Value {
    // Header values may be any bytes, so they travel in base64.
    let line = |(name, value): &(String, Vec<u8>)| json!([name, STANDARD.encode(value)]);
    json!({
        "method": request.method,
        "target": request.target,
        "headers": request.headers.0.iter().map(line).collect::<Vec<_>>(),
        "body_length": request.body.len(),
        "body_digest": digest(&request.body),
    })
}
