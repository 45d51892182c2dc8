//! A process with one worker on the fake host, and requests that run to their end in it.

use super::host::{Callout, Headers, Module, Outcome, Process, Worker};
use super::message::Lines;
use serde_json::{Value, json};
use tessera::callbacks as own;

unsafe extern "C" {
    safe fn _initialize();
}

/// The exports of the finished module.
pub fn module() -> Module {
    Module {
        initialize: || _initialize(),
        context_create: own::tessera_on_context_create,
        request_headers: |context, count, end| own::tessera_on_request_headers(context, count, end) as u32,
        request_trailers: Some(|context, count| own::tessera_on_request_trailers(context, count) as u32),
        response_headers: None,
        log: None,
        http_call_response: own::tessera_on_http_call_response,
        queue_ready: own::tessera_on_queue_ready,
        done: None,
        delete: own::tessera_on_delete,
    }
}

pub fn introspection() -> Value {
    json!({
        "endpoint": "https://idp.example.com/introspect", "cluster": "idp", "timeout": "2s", "retries": 0,
        "client": {"id": "gateway", "auth": "client_secret_basic", "secret": "s3cret"},
    })
}

/// One worker, and the process that it is in.
pub struct Scene {
    pub process: Process,
    pub worker: Worker,
}

/// How a request ended.
pub enum Ended {
    /// With these headers for the upstream.
    Passed(Headers),
    /// With this outcome, and these headers for access logs.
    Refused(String, Headers),
}

impl Scene {
    pub fn start(configuration: &Value) -> Self {
        let process = Process::new(module(), &["idp", "contracts"]);
        let worker = process.worker(&configuration.to_string()).expect("a configuration that is accepted");
        Self { process, worker }
    }

    /// Another worker of the same process.
    pub fn other(&self, configuration: &Value) -> Self {
        let worker = self.process.worker(&configuration.to_string()).expect("as before");
        Self { process: self.process.clone(), worker }
    }

    /// One request from its arrival to its end, while the server answers each call so.
    pub fn send(&self, lines: &Lines, answer: impl Fn(&Worker, &Callout)) -> Ended {
        let stream = self.worker.request(lines);
        for _ in 0..10 {
            for call in self.worker.callouts() {
                answer(&self.worker, &call);
            }
        }
        let refusal = self.worker.property(stream, "tessera.outcome");
        let ended = match self.worker.outcome(stream) {
            Outcome::Continued(headers) => Ended::Passed(headers),
            Outcome::Replied(reply) => {
                assert!((400..600).contains(&reply.status), "a reply that is no refusal: {reply:?}");
                let outcome = String::from_utf8(refusal.expect("an outcome")).expect("a name");
                Ended::Refused(outcome, self.worker.request_headers(stream))
            }
            other => panic!("every call is answered, and the request is {other:?}"),
        };
        self.worker.hang_up(stream);
        let faults = self.worker.take_faults();
        assert!(faults.is_empty(), "Envoy would not have put up with this: {faults:?}");
        ended
    }
}
