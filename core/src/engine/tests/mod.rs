//! Workers on a virtual clock: every event is a call, every effect a value.

mod asking;
mod assertions;
mod judgement;
mod random;
mod receiving;
mod simulation;

use super::effect::{CallId, Cx, Disposition, Effect, Ending, StreamId, Verdict};
use super::flights::Phase;
use super::settings::Settings;
use super::worker::{Worker, WorkerId};
use crate::base::headers::HeaderMap;
use crate::base::http::{Body, HttpAnswer, HttpCall, HttpResult};
use crate::base::time::Timestamp;
use crate::cache;
use crate::contract;
use crate::jose::verify::Verifier;
use crate::outcome::Outcome;
use crate::policy::api::ApiSettings;
use crate::policy::rule::Rule;
use crate::policy::selection::{AmbiguousPaths, Policy, Unmatched};
use crate::port::memory::{FixedRandom, MemoryStore, NoSignatures};
use crate::provider::Provider;
use crate::provider::introspection::request::Introspection;
use crate::provider::samples::provider;
use crate::reply;
use crate::token::extract::{self, TokenSource};
use std::rc::Rc;
use std::time::Duration;

/// A configuration of one API, to be varied.
#[derive(Debug)]
struct Sample {
    rule: Rule,
    provider: Provider,
    cache: cache::CacheSettings,
    contracts: contract::settings::ContractSettings,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            rule: Rule::default(),
            provider: provider("main"),
            cache: cache::CacheSettings { refresh_ahead: false, ..cache::CacheSettings::default() },
            contracts: contract::settings::ContractSettings::default(),
        }
    }
}

impl Sample {
    /// How its provider is asked.
    fn asked(&mut self) -> &mut Introspection {
        Rc::make_mut(self.provider.introspection.as_mut().unwrap())
    }

    fn settings(self) -> Rc<Settings> {
        let api = ApiSettings {
            id: "orders".into(),
            hosts: Vec::new(),
            paths: Vec::new(),
            providers: vec![0],
            upstream: Default::default(),
            rule: self.rule,
            resource: None,
            operations: Vec::new(),
        };
        let bearer = TokenSource::Header { name: "authorization".into(), schemes: vec!["Bearer".into()] };
        let providers = vec![Rc::new(self.provider)];
        Rc::new(Settings::new(
            Policy::new(vec![api], &providers, Unmatched::Refuse, AmbiguousPaths::Refuse).unwrap(),
            providers,
            extract::TokenSettings { sources: vec![bearer], max_length: 100 },
            crate::proof::ProofSettings::default(),
            Rc::new(self.contracts),
            self.cache,
            reply::ReplySettings::default(),
        ))
    }
}

/// Events as tests have them: what comes of each is what it gives.
impl Worker {
    fn request(
        &mut self,
        stream: StreamId,
        head: &HeaderMap,
        store: &MemoryStore,
        now: Timestamp,
    ) -> (Disposition, Vec<Effect>) {
        let mut cx = Cx::new(store, &NoSignatures, &FixedRandom(7), now);
        let disposition = self.on_request(stream, head, &mut cx);
        (disposition, cx.effects)
    }

    fn result(&mut self, call: CallId, result: HttpResult, store: &MemoryStore, now: Timestamp) -> Vec<Effect> {
        let mut cx = Cx::new(store, &NoSignatures, &FixedRandom(7), now);
        self.on_call_result(call, result, &mut cx);
        cx.effects
    }

    fn message(&mut self, message: &[u8], store: &MemoryStore, now: Timestamp) -> Vec<Effect> {
        let mut cx = Cx::new(store, &NoSignatures, &FixedRandom(7), now);
        self.on_message(message, &mut cx);
        cx.effects
    }

    fn tick(&mut self, store: &MemoryStore, now: Timestamp) -> Vec<Effect> {
        let mut cx = Cx::new(store, &NoSignatures, &FixedRandom(7), now);
        self.on_tick(&mut cx);
        cx.effects
    }

    /// Every introspection under way is a flight's, and every flight's call is under way.
    fn check_calls(&self) {
        let calls = self.flights.select(|flight| matches!(flight.phase, Phase::Asking { .. }));
        assert_eq!(self.calls.introspections(), calls.len());
    }

    fn is_idle(&self) -> bool {
        self.flights.is_idle() && self.calls.introspections() == 0
    }
}

fn worker(settings: &Rc<Settings>, number: u32) -> Worker {
    Worker::new(Rc::clone(settings), Verifier::default(), WorkerId { number: u64::from(number), queue: number })
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
                facts: format!("{} {} {:?}", permit.api().id, permit.provider().name, permit.facts()),
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
    let (disposition, mut effects) = worker.request(stream, &bearing(token), store, now);
    let mut calls: Vec<CallId> = Vec::new();
    let mut ended = match disposition {
        Disposition::Ended(ending) => Some(Judged::by(&ending)),
        Disposition::Waits => None,
    };
    while let Some(effect) = effects.pop() {
        match effect {
            Effect::Call(id, call) => {
                assert_eq!(asked_token(&call), token);
                calls.push(id);
                effects.extend(worker.result(id, result.clone(), store, now));
            }
            Effect::End(ending_stream, ending) => {
                assert_eq!(ending_stream, stream);
                assert_eq!(ended.replace(Judged::by(&ending)), None, "answered twice");
            }
            Effect::Message(..) | Effect::Log(..) => {}
            Effect::Yield => panic!("there is no contract source"),
        }
    }
    assert!(worker.is_idle());
    (ended.expect("an answer"), calls.len())
}
