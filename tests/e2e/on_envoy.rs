//! The scenarios that run on the fake host too, in real Envoy with two workers. Each request is explained, too.

use crate::explained::Explained;
use crate::scenarios::{self, Exchange, Gateway, Introspected, Request, scenarios_on};
use serde_json::Value;

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::client;
use crate::harness::envoy::Envoy;
use crate::harness::secrecy;
use crate::harness::upstream::{Received, Upstream};

struct RealEnvoy {
    envoy: Envoy,
    server: AuthorizationServer,
    upstream: Upstream,
}

impl Gateway for RealEnvoy {
    fn start(configuration: &Value) -> Self {
        let (server, upstream) = (AuthorizationServer::start(), Upstream::start());
        let envoy =
            Envoy::builder().plugin(configuration.clone()).cluster("idp", server.port()).upstream(&upstream).start();
        Self { envoy, server, upstream }
    }

    fn introspection(&mut self, token: &str, answer: Introspected) {
        secrecy::register(token);
        let answer = Answer::status(answer.status).header("content-type", answer.content_type).body(answer.body);
        self.server.answer_for(token, answer);
    }

    fn send(&mut self, request: &Request) -> Exchange {
        exchange(&self.envoy, &self.upstream, request)
    }

    fn introspections(&self) -> Vec<String> {
        self.server.calls().iter().map(|call| call.token().to_owned()).collect()
    }
}

impl Drop for RealEnvoy {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.envoy.assert_no_vm_reload();
        }
    }
}

/// Sends a request and waits for its end; `upstream` sees those that pass.
#[track_caller]
pub fn exchange(envoy: &Envoy, upstream: &Upstream, request: &Request) -> Exchange {
    let before = upstream.request_count();
    let lines = request.headers.iter();
    let sent = lines
        .fold(client::Request::new(request.method, &request.target), |sent, (name, value)| sent.header(name, value));
    let response = sent.send(envoy.port());
    let upstream = (upstream.request_count() > before).then(|| {
        let received = Received::from(&response);
        let path = (":path".to_owned(), received.target.into_bytes());
        received.headers.0.into_iter().map(lower).chain([path]).collect()
    });
    Exchange {
        status: response.status,
        headers: response.headers.0.into_iter().map(lower).collect(),
        body: response.body,
        upstream,
    }
}

fn lower((name, value): (String, Vec<u8>)) -> (String, Vec<u8>) {
    (name.to_ascii_lowercase(), value)
}

scenarios_on! { Explained<RealEnvoy> }
