//! A scriptable authorization server: counts introspections (RFC 7662) and answers them as the test says.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::http_server::{HttpServer, Request};

/// Unless told otherwise every token is inactive, and every answer `no-store`, as those of most servers are.
pub struct AuthorizationServer {
    server: HttpServer,
    script: Arc<Mutex<Script>>,
}

struct Script {
    once: VecDeque<Answer>,
    by_token: HashMap<String, Answer>,
    otherwise: Answer,
    calls: Vec<Introspection>,
}

/// One call as it arrived.
#[derive(Clone, Debug)]
pub struct Introspection {
    pub request: Request,
    /// The body's fields in order, decoded.
    pub form: Vec<(String, String)>,
}

impl Introspection {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn token(&self) -> &str {
        self.field("token").unwrap_or_default()
    }
}

impl AuthorizationServer {
    pub fn start() -> Self {
        let script = Arc::new(Mutex::new(Script {
            once: VecDeque::new(),
            by_token: HashMap::new(),
            otherwise: Answer::json(json!({"active": false})),
            calls: Vec::new(),
        }));
        let server = HttpServer::start({
            let script = script.clone();
            move |request| script.lock().unwrap().answer(request)
        });
        Self { server, script }
    }

    /// For an Envoy cluster; the endpoint's path is free.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The standing answer for one token.
    pub fn answer_for(&self, token: &str, answer: Answer) {
        self.script.lock().unwrap().by_token.insert(token.into(), answer);
    }

    /// Makes `token` active with these further members.
    pub fn activate(&self, token: &str, members: Value) {
        let mut document = json!({"active": true});
        let members = members.as_object().expect("an object").clone();
        document.as_object_mut().expect("an object").extend(members);
        self.answer_for(token, Answer::json(document));
    }

    /// The standing answer for tokens without one of their own.
    pub fn answer_otherwise(&self, answer: Answer) {
        self.script.lock().unwrap().otherwise = answer;
    }

    /// Answers for the next calls, one each, whatever their token; before all standing ones.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.lock().unwrap().once.extend(answers);
    }

    /// Nothing but the standing answers, from the next one on.
    pub fn answer_as_usual(&self) {
        self.script.lock().unwrap().once.clear();
    }

    pub fn calls(&self) -> Vec<Introspection> {
        self.script.lock().unwrap().calls.clone()
    }

    pub fn call_count(&self) -> usize {
        self.script.lock().unwrap().calls.len()
    }

    pub fn calls_for(&self, token: &str) -> usize {
        self.script.lock().unwrap().calls.iter().filter(|call| call.token() == token).count()
    }

    #[track_caller]
    pub fn await_calls(&self, count: usize) {
        let what = format!("{count} introspections");
        eventually(SOON, &what, || (self.call_count() >= count).then_some(()));
    }

    /// Forgets the calls so far, where there are too many to keep.
    pub fn forget_calls(&self) {
        self.script.lock().unwrap().calls.clear();
    }

    pub fn go_away(&self) {
        self.server.go_away();
    }

    pub fn come_back(&self) {
        self.server.come_back();
    }

    /// Comes back at another port, which this is.
    pub fn move_elsewhere(&self) -> u16 {
        self.server.move_elsewhere()
    }
}

impl Script {
    fn answer(&mut self, request: &Request) -> Answer {
        let form = form_urlencoded::parse(&request.body).into_owned().collect();
        let call = Introspection { request: request.clone(), form };
        let standing = self.by_token.get(call.token()).unwrap_or(&self.otherwise);
        let answer = self.once.pop_front().unwrap_or_else(|| standing.clone());
        self.calls.push(call);
        answer.or_header("cache-control", "no-store")
    }
}
