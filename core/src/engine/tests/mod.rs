//! Workers on a virtual clock: every event is a call, every effect a value.

mod asking;
mod judgement;
mod random;
mod simulation;

use super::effect::{CallId, Effect, Ending, Step, StreamId, Verdict};
use super::settings::{Provider, Settings};
use super::worker::{Identity, Worker};
use crate::base::headers::HeaderMap;
use crate::base::http::{Body, HttpAnswer, HttpCall, HttpResult, HttpUrl};
use crate::base::time::Timestamp;
use crate::cache;
use crate::contract;
use crate::decision::decide::TokenChecks;
use crate::decision::policy::{AmbiguousPaths, Api, Policy, ProviderIndex, Rule, Unmatched};
use crate::outcome::Outcome;
use crate::port::memory::MemoryStore;
use crate::provider::client_auth::ClientAuth;
use crate::provider::introspection::claims::ClaimNames;
use crate::provider::introspection::request::{Endpoint, LOOKED_AT, Written};
use crate::reply;
use crate::token::extract::{self, Source};
use std::rc::Rc;
use std::time::Duration;

/// A provider that is asked once and answers in a second or not at all.
pub(super) fn provider(name: &str) -> Provider {
    Provider {
        name: name.into(),
        endpoint: Endpoint {
            url: HttpUrl::parse("https://idp/introspect").unwrap(),
            cluster: "idp".into(),
            timeout: Duration::from_secs(1),
            retries: 0,
            client: ClientAuth::None { id: None },
            parameters: Vec::new(),
            headers: Vec::new(),
            answer_headers: LOOKED_AT,
            written: Written::default(),
        },
        checks: TokenChecks::default(),
        claims: ClaimNames::default(),
    }
}

/// A configuration of one API, to be varied.
#[derive(Debug)]
struct Sample {
    rule: Rule,
    provider: Provider,
    cache: cache::CacheSettings,
    contracts: contract::settings::Settings,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            rule: Rule::default(),
            provider: provider("main"),
            cache: cache::CacheSettings { refresh_ahead: false, ..cache::CacheSettings::default() },
            contracts: contract::settings::Settings::default(),
        }
    }
}

impl Sample {
    fn settings(self) -> Rc<Settings> {
        let api = Api {
            id: "orders".into(),
            hosts: Vec::new(),
            paths: Vec::new(),
            providers: vec![ProviderIndex(0)],
            rule: self.rule,
            operations: Vec::new(),
        };
        let bearer = Source::Header { name: "authorization".into(), scheme: Some("Bearer".into()) };
        Rc::new(Settings::new(
            Policy::new(vec![api], Unmatched::Refuse, AmbiguousPaths::Refuse),
            vec![self.provider],
            vec![Default::default()],
            extract::Settings { sources: vec![bearer], max_length: 100 },
            Rc::new(self.contracts),
            self.cache,
            reply::Settings::default(),
        ))
    }
}

fn worker(settings: &Rc<Settings>, number: u32) -> Worker {
    Worker::new(Rc::clone(settings), Identity { number: u64::from(number), queue: number })
}

/// A request with this token.
fn bearing(token: &str) -> HeaderMap {
    [("authorization", format!("Bearer {token}"))].into_iter().collect()
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

fn answer(json: &str) -> HttpResult {
    HttpResult::Answered(HttpAnswer { status: 200, headers: Vec::new(), body: Body::Whole(json.into()) })
}

fn status(status: u16) -> HttpResult {
    HttpResult::Answered(HttpAnswer { status, ..HttpAnswer::default() })
}

/// The token that a call asks about.
fn asked_token(call: &HttpCall) -> String {
    form_urlencoded::parse(&call.body).find(|(name, _)| name == "token").unwrap().1.into_owned()
}

/// How a request ended, in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Judged {
    Admitted { facts: String, contract: String },
    Refused(Outcome, String),
}

impl Judged {
    fn by(ending: &Ending) -> Self {
        match &ending.verdict {
            Verdict::Admit(permit) => Self::Admitted {
                facts: format!("{:?} {:?} {:?}", permit.api(), permit.provider(), permit.facts()),
                contract: format!("{:?}", permit.contract()),
            },
            Verdict::Refuse(refusal, _) => Self::Refused(refusal.outcome, refusal.scope.clone()),
            other => panic!("not a guarded request: {other:?}"),
        }
    }
}

/// One request through one worker while the server answers at once with `result`, and how many calls it took.
fn ask(worker: &mut Worker, token: &str, result: &HttpResult, store: &MemoryStore, now: Timestamp) -> (Judged, usize) {
    let stream = StreamId(1);
    let step = worker.on_request(stream, &bearing(token), store, now);
    let mut effects = worker.on_turn(now);
    let mut calls: Vec<CallId> = Vec::new();
    let mut ended = match step {
        Step::Ended(ending) => Some(Judged::by(&ending)),
        Step::Waits => None,
    };
    while let Some(effect) = effects.pop() {
        match effect {
            Effect::Call(id, call) => {
                assert_eq!(asked_token(&call), token);
                calls.push(id);
                effects.extend(worker.on_result(id, result.clone(), store, now));
            }
            Effect::End(ending_stream, ending) => {
                assert_eq!(ending_stream, stream);
                assert_eq!(ended.replace(Judged::by(&ending)), None, "answered twice");
            }
            Effect::Message(..) | Effect::Log(..) => {}
            Effect::Yield => panic!("there is no contract source"),
        }
    }
    assert!(worker.flights.is_idle());
    (ended.expect("an answer"), calls.len())
}
