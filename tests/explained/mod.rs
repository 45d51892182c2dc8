//! `tessera explain` beside a gateway: each request is explained too, and the explanation has to say what came of it.

use crate::scenarios::{Exchange, Gateway, Introspected, Request};
use serde_json::Value;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::SystemTime;
use tessera_cli::explain::answers::Answers;
use tessera_cli::explain::explanation::Explanation;
use tessera_cli::explain::judge::Question;
use tessera_cli::explain::request;
use tessera_core::base::http::{Body, HttpAnswer, HttpCall, HttpResult};
use tessera_core::base::time::Timestamp;

/// A gateway whose every exchange is explained.
pub struct Explained<G> {
    gateway: G,
    configuration: Value,
    answers: HashMap<String, Introspected>,
}

impl<G: Gateway> Gateway for Explained<G> {
    fn start(configuration: &Value) -> Self {
        Self { gateway: G::start(configuration), configuration: configuration.clone(), answers: HashMap::new() }
    }

    fn introspection(&mut self, token: &str, answer: Introspected) {
        self.answers.insert(token.to_owned(), answer.clone());
        self.gateway.introspection(token, answer);
    }

    fn send(&mut self, request: &Request) -> Exchange {
        let exchange = self.gateway.send(request);
        assert_explains(&self.explain(request), request, &exchange);
        exchange
    }

    fn introspections(&self) -> Vec<String> {
        self.gateway.introspections()
    }
}

impl<G> Explained<G> {
    fn explain(&self, request: &Request) -> Explanation {
        let text = self.configuration.to_string();
        let settings = tessera_core::config::read(text.as_bytes(), &|_| None).expect("settings");
        let lines: Vec<Vec<u8>> =
            request.headers.iter().map(|(name, value)| [name.as_bytes(), b": ", value].concat()).collect();
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let url = format!("http://api.example.com{}", request.target);
        let request = request::Request::from_url(request.method.as_bytes(), url.as_bytes(), &lines).expect("a request");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
        let question = Question {
            written: &self.configuration,
            settings: Rc::new(settings),
            request: &request,
            contracts: None,
            at: Timestamp::default().plus(now),
        };
        let live = |call: &HttpCall| Ok(HttpResult::Answered(self.answer(call)));
        question.explain(Answers { live: Some(Box::new(live)), ..Answers::default() }).expect("an explanation")
    }

    fn answer(&self, call: &HttpCall) -> HttpAnswer {
        let mut form = form_urlencoded::parse(&call.body);
        let token = form.find(|(name, _)| name == "token").expect("a token").1;
        let inactive = Introspected::json(200, &serde_json::json!({"active": false}));
        let Introspected { status, content_type, body } = self.answers.get(&*token).unwrap_or(&inactive).clone();
        let headers = vec![("content-type".to_owned(), content_type.as_bytes().to_vec())];
        HttpAnswer { status, headers, body: Body::Whole(body.into_bytes()) }
    }
}

/// The explanation says all that the filter did.
#[track_caller]
pub fn assert_explains(explanation: &Explanation, request: &Request, exchange: &Exchange) {
    let told = explanation.to_json();
    assert_eq!(told["passes"], exchange.upstream.is_some(), "{told} of {exchange:?}");
    assert_eq!(explanation.status(), Some(exchange.status), "{told}");
    if let Some(reply) = &explanation.reply {
        for (name, value) in &reply.headers {
            assert_eq!(exchange.header(name).as_ref(), Some(value), "{name}: {told}");
        }
        for name in ["www-authenticate", "retry-after"] {
            let is_told = reply.headers.iter().any(|(told, _)| *told == name);
            assert_eq!(is_told, exchange.header(name).is_some(), "{name}: {told}");
        }
        assert!(request.method == "HEAD" || reply.body.as_bytes() == exchange.body, "{told} of {exchange:?}");
    }
    if let Some(upstream) = &explanation.upstream {
        for (name, value) in &upstream.set {
            assert_eq!(exchange.received(name).as_ref(), Some(value), "{told}");
        }
        for name in &upstream.removed {
            assert_eq!(exchange.received(name), None, "{told}");
        }
        let received = exchange.upstream.as_ref().expect("what the upstream received");
        for (name, value) in &request.headers {
            let name = name.to_ascii_lowercase();
            let is_changed = upstream.set.contains_key(&name)
                || upstream.removed.contains(&name)
                || name == "cookie" && upstream.credential.word() == "removed";
            assert!(is_changed || received.contains(&(name.clone(), value.clone())), "{name} is gone: {told}");
        }
        if !upstream.path.contains("***") {
            assert_eq!(exchange.received(":path").as_ref(), Some(&upstream.path), "{told}");
        }
    }
    // Where the filter would have gone on, nothing failed; else only the last check did.
    let checks = told["checks"].as_array().expect("checks");
    let (last, before) = checks.split_last().expect("a check");
    assert!(before.iter().all(|check| ["ok", "skipped"].contains(&check["verdict"].as_str().expect("a word"))));
    let is_refused = explanation.outcome.is_some_and(|outcome| outcome.answer().is_some());
    assert_eq!(last["verdict"] == "failed", is_refused, "{told}");
}
