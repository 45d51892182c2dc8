//! The scenarios that run in real Envoy too, on the fake host: two workers that take turns. Each request is explained, too.

use crate::caller::INACTIVE;
use crate::explained::Explained;
use crate::host::{Headers, Outcome, Worker};
use crate::process;
use crate::scenarios::{self, Exchange, Gateway, Introspected, Request, scenarios_on};
use serde_json::Value;
use std::collections::HashMap;

struct FakeHost {
    workers: [Worker; 2],
    turn: usize,
    answers: HashMap<String, Introspected>,
    introspections: Vec<String>,
}

impl Gateway for FakeHost {
    fn start(configuration: &Value) -> Self {
        let process = process();
        let worker = || process.worker(&configuration.to_string()).expect("a configuration that is accepted");
        Self { workers: [worker(), worker()], turn: 0, answers: HashMap::new(), introspections: Vec::new() }
    }

    fn introspection(&mut self, token: &str, answer: Introspected) {
        self.answers.insert(token.to_owned(), answer);
    }

    fn send(&mut self, request: &Request) -> Exchange {
        self.turn += 1;
        let worker = &self.workers[self.turn % 2];
        let mut lines = vec![(":method".to_owned(), request.method.as_bytes().to_vec())];
        lines.push((":path".to_owned(), request.target.as_bytes().to_vec()));
        lines.extend(request.headers.iter().cloned());
        let stream = worker.request(&lines);
        while let Some(call) = worker.callouts().into_iter().find(|call| call.cluster == "idp") {
            let token = call.token();
            let inactive = Introspected { status: 200, content_type: "application/json", body: INACTIVE.to_owned() };
            let answer = self.answers.get(&token).unwrap_or(&inactive);
            self.introspections.push(token);
            worker.answer(call.id, answer.status, &[("content-type", answer.content_type)], &answer.body);
        }
        let outcome = worker.outcome(stream);
        worker.hang_up(stream);
        exchange(outcome)
    }

    fn introspections(&self) -> Vec<String> {
        self.introspections.clone()
    }
}

/// What came of a request that has ended, with an upstream that answers 200.
#[track_caller]
pub fn exchange(outcome: Outcome) -> Exchange {
    match outcome {
        Outcome::Continued(headers) => {
            Exchange { status: 200, headers: Vec::new(), body: Vec::new(), upstream: Some(owned(&headers)) }
        }
        Outcome::Replied(reply) => Exchange {
            status: u16::try_from(reply.status).expect("a status"),
            headers: owned(&reply.headers),
            body: reply.body,
            upstream: None,
        },
        other => panic!("the request did not end: {other:?}"),
    }
}

fn owned(headers: &Headers) -> Vec<(String, Vec<u8>)> {
    headers.pairs().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

scenarios_on! { Explained<FakeHost> }
