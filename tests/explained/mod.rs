//! `tessera explain` beside a gateway: each request is explained too, and the explanation has to say what came of it.

pub mod cases;

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
use tessera_core::outcome::Outcome;

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
    assert_eq!(explanation.status(), Some(exchange.status), "{explanation:?}");
    if let Some(reply) = &explanation.reply {
        assert!(request.method == "HEAD" || reply.body.as_bytes() == exchange.body, "{explanation:?} of {exchange:?}");
    }
    assert_tells(&explanation.to_json(), request, exchange);
}

/// The same of what the command prints as JSON.
#[track_caller]
pub fn assert_tells(told: &Value, request: &Request, exchange: &Exchange) {
    assert_eq!(told["passes"], exchange.upstream.is_some(), "{told} of {exchange:?}");
    let (reply, upstream) = (&told["reply"], &told["upstream"]);
    assert!(reply.is_null() != upstream.is_null(), "{told}");
    if upstream.is_null() {
        assert_tells_reply(reply, request, exchange);
    } else {
        assert_eq!(exchange.status, 200, "{told}");
        assert_tells_upstream(upstream, request, exchange);
    }
    // Where the filter would have gone on, nothing failed; else only the last check did.
    let checks = told["checks"].as_array().expect("checks");
    let (last, before) = checks.split_last().expect("a check");
    assert!(before.iter().all(|check| ["ok", "skipped"].contains(&check["verdict"].as_str().expect("a word"))));
    let outcome = Outcome::ALL.into_iter().find(|outcome| told["outcome"] == outcome.name()).expect("an outcome");
    assert_eq!(last["verdict"] == "failed", outcome.answer().is_some(), "{told}");
}

#[track_caller]
fn assert_tells_reply(reply: &Value, request: &Request, exchange: &Exchange) {
    assert_eq!(reply["status"], exchange.status, "{reply} of {exchange:?}");
    let headers = reply["headers"].as_object().expect("headers");
    for (name, value) in headers {
        assert_eq!(exchange.header(name).as_deref(), value.as_str(), "{name}: {reply}");
    }
    for name in ["www-authenticate", "retry-after"] {
        assert_eq!(headers.contains_key(name), exchange.header(name).is_some(), "{name}: {reply}");
    }
    let answered = || serde_json::from_slice::<Value>(&exchange.body).ok();
    assert!(request.method == "HEAD" || reply["body"] == Value::from(answered()), "{reply} of {exchange:?}");
}

#[track_caller]
fn assert_tells_upstream(upstream: &Value, request: &Request, exchange: &Exchange) {
    let set = upstream["set"].as_object().expect("headers");
    for (name, value) in set {
        assert_eq!(exchange.received(name).as_deref(), value.as_str(), "{upstream}");
    }
    let removed = upstream["removed"].as_array().expect("names");
    for name in removed {
        assert_eq!(exchange.received(name.as_str().expect("a name")), None, "{upstream}");
    }
    let received = exchange.upstream.as_ref().expect("what the upstream received");
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        let is_changed = set.contains_key(&name)
            || removed.iter().any(|removed| *removed == name)
            || name == "cookie" && upstream["credential"] == "removed";
        assert!(is_changed || received.contains(&(name.clone(), value.clone())), "{name} is gone: {upstream}");
    }
    let path = upstream["path"].as_str().expect("a path");
    assert!(path.contains("***") || exchange.received(":path").as_deref() == Some(path), "{upstream} of {exchange:?}");
}
