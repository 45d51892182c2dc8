//! A scriptable source of documents (contracts, keys): records polls with their times and answers as the test says.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::harness::answer::Answer;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::http_server::{HttpServer, Request};

/// Unless told otherwise every target is 404.
pub struct DocumentSource {
    server: HttpServer,
    script: Arc<Mutex<Script>>,
}

struct Script {
    once: VecDeque<Answer>,
    documents: HashMap<String, Document>,
    /// For those who ask with this `authorization`, whatever the target.
    private: HashMap<String, Document>,
    polls: Vec<Request>,
}

struct Document {
    answer: Answer,
    etag: Option<String>,
    /// What those get who have it.
    unchanged: Answer,
}

impl DocumentSource {
    pub fn start() -> Self {
        let script =
            Script { once: VecDeque::new(), documents: HashMap::new(), private: HashMap::new(), polls: Vec::new() };
        let script = Arc::new(Mutex::new(script));
        let server = HttpServer::start({
            let script = script.clone();
            move |request| script.lock().unwrap().answer(request)
        });
        Self { server, script }
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The standing answer for a target (path and query).
    pub fn answer_for(&self, target: &str, answer: Answer) {
        self.publish(target, Document { answer, etag: None, unchanged: Answer::status(304) });
    }

    /// The standing answer for whoever asks with this `authorization`.
    pub fn answer_to(&self, credential: &str, answer: Answer) {
        let document = Document { answer, etag: None, unchanged: Answer::status(304) };
        self.script.lock().unwrap().private.insert(credential.into(), document);
    }

    /// Serves a document under an entity tag; a poll that names the tag gets 304 (RFC 9110 section 13.1.2).
    pub fn serve(&self, target: &str, etag: &str, document: Value) {
        let unchanged = Answer::status(304).header("etag", etag);
        self.serve_or(unchanged, target, etag, Answer::json(document));
    }

    /// The same with another 304 than the usual one.
    pub fn serve_or(&self, unchanged: Answer, target: &str, etag: &str, answer: Answer) {
        let answer = answer.header("etag", etag);
        self.publish(target, Document { answer, etag: Some(etag.into()), unchanged });
    }

    /// Answers for the next polls, one each, whatever their target; before all standing ones.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.lock().unwrap().once.extend(answers);
    }

    /// Nothing but the standing answers, from the next one on.
    pub fn answer_as_usual(&self) {
        self.script.lock().unwrap().once.clear();
    }

    pub fn polls(&self) -> Vec<Request> {
        self.script.lock().unwrap().polls.clone()
    }

    #[track_caller]
    pub fn await_polls(&self, count: usize) {
        let what = format!("{count} polls");
        eventually(SOON, &what, || (self.script.lock().unwrap().polls.len() >= count).then_some(()));
    }

    /// Forgets the polls so far, where there are too many to keep.
    pub fn forget_polls(&self) {
        self.script.lock().unwrap().polls.clear();
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

    fn publish(&self, target: &str, document: Document) {
        self.script.lock().unwrap().documents.insert(target.into(), document);
    }
}

impl Script {
    fn answer(&mut self, request: &Request) -> Answer {
        self.polls.push(request.clone());
        if let Some(answer) = self.once.pop_front() {
            return answer;
        }
        let private = request.headers.only("authorization").and_then(|credential| self.private.get(credential));
        let Some(document) = private.or_else(|| self.documents.get(&request.target)) else {
            return Answer::status(404);
        };
        match &document.etag {
            Some(etag) if request.headers.only("if-none-match") == Some(etag) => document.unchanged.clone(),
            _ => document.answer.clone(),
        }
    }
}
