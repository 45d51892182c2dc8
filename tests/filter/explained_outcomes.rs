//! `tessera explain` beside the filter, for every outcome that there is: what the one says of a request, the other does.

use crate::caller::A_TICK;
use crate::explained::assert_explains;
use crate::host::{Outcome as Became, Process, START, Worker};
use crate::on_the_fake_host::exchange;
use crate::process;
use crate::scenarios::{Exchange, Request};
use crate::tokens::{Issuer, KeyKind, KeyPair, Proof};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;
use tessera_cli::explain::answers::{Answers, TokenAnswer};
use tessera_cli::explain::explanation::Explanation;
use tessera_cli::explain::judge::Question;
use tessera_cli::explain::request;
use tessera_core::base::time::Timestamp;
use tessera_core::outcome::Outcome;

/// Of which one request and its answers tell nothing: it takes a thousand requests, and a host that fails.
const NEVER_EXPLAINED: [Outcome; 2] = [Outcome::Overloaded, Outcome::InternalError];

const DOCUMENTATION: &str = include_str!("../../docs/command.md");

/// A request, and what the servers answer.
struct Case {
    configuration: Value,
    request: Request,
    /// What is said of the token; `None`: nobody can be reached.
    facts: Option<Value>,
    keys: Value,
    /// What the source of contracts serves, if it can be reached.
    contracts: Option<Value>,
}

impl Case {
    /// A good token, for an API that asks for all that it can ask for.
    fn new() -> Self {
        let facts = json!({
            "active": true, "client_id": "portal", "scope": "orders.read", "realm": "orders", "exp": START + 600,
            "iss": "https://idp.example.com", "aud": "https://api.example.com",
        });
        let request = Request::get("/orders/1").bearer("abc");
        Self { configuration: configuration(), request, facts: Some(facts), keys: json!({"keys": []}), contracts: None }
    }

    /// With these facts besides.
    fn saying(mut self, further: Value) -> Self {
        let (Some(Value::Object(facts)), Value::Object(further)) = (&mut self.facts, further) else {
            panic!("objects")
        };
        facts.extend(further);
        self
    }

    fn configured(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.configuration);
        self
    }

    fn sending(self, request: Request) -> Self {
        Self { request, ..self }
    }

    /// For the API of those who sign, whose keys are these.
    fn signed(issuer: &Issuer, token: &str) -> Self {
        Self { keys: issuer.jwks(), ..Self::new().sending(Request::get("/signed/1").bearer(token)) }
    }

    /// With contracts from a source, which serves them or cannot be reached.
    fn polling(self, contracts: Option<Value>) -> Self {
        let source = json!({"source": {"url": "http://contracts.example.com/v1", "cluster": "contracts"}});
        Self { contracts, ..self.configured(|it| it["contracts"] = source) }
    }

    /// What the filter does with it, when, and which outcome it notes.
    fn filtered(&self) -> (Exchange, Duration, String) {
        let process = process();
        let worker = process.worker(&self.configuration.to_string()).expect("a configuration that is accepted");
        self.settle(&process, &worker);
        let mut lines = vec![(":method".to_owned(), self.request.method.as_bytes().to_vec())];
        lines.push((":path".to_owned(), self.request.target.as_bytes().to_vec()));
        lines.extend(self.request.headers.iter().cloned());
        let (stream, now) = (worker.request(&lines), process.now());
        self.serve(&worker);
        if worker.outcome(stream) == Became::Paused {
            self.settle(&process, &worker);
        }
        let noted = worker.outcome_property(stream).expect("an outcome");
        let became = worker.outcome(stream);
        worker.hang_up(stream);
        (exchange(became), now, noted)
    }

    /// Lets the worker fetch what it fetches by itself.
    fn settle(&self, process: &Process, worker: &Worker) {
        for _ in 0..3 {
            process.advance(A_TICK);
            self.serve(worker);
        }
    }

    fn serve(&self, worker: &Worker) {
        while let Some(call) = worker.callouts().first() {
            let answer = match (&*call.cluster, call.headers.text(":path")) {
                ("contracts", _) => self.contracts.as_ref(),
                (_, Some("/keys")) => Some(&self.keys),
                _ => self.facts.as_ref(),
            };
            match answer {
                Some(answer) => worker.answer_json(call.id, &answer.to_string()),
                None => worker.refuse_connection(call.id),
            }
        }
    }

    fn explained(&self, now: Duration) -> Explanation {
        let settings = tessera_core::config::read(self.configuration.to_string().as_bytes(), &|_| None);
        let lines: Vec<Vec<u8>> =
            self.request.headers.iter().map(|(name, value)| [name.as_bytes(), b": ", value].concat()).collect();
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let url = format!("http://api.example.com{}", self.request.target);
        let request = request::Request::from_url(self.request.method.as_bytes(), url.as_bytes(), &lines);
        let question = Question {
            written: &self.configuration,
            settings: Rc::new(settings.expect("settings")),
            request: &request.expect("a request"),
            contracts: self.contracts.as_ref().map(|_| A_TICK),
            at: Timestamp::default().plus(now),
        };
        let token = self
            .facts
            .as_ref()
            .map_or(TokenAnswer::Unavailable, |facts| TokenAnswer::Facts(facts.to_string().into_bytes()));
        let answers = Answers {
            token: Some(token),
            keys: Some(self.keys.to_string().into_bytes()),
            contracts: self.contracts.as_ref().map(|document| document.to_string().into_bytes()),
            live: None,
        };
        question.explain(answers).expect("an explanation")
    }
}

fn configuration() -> Value {
    json!({
        "access_log": "all",
        "providers": [
            {
                "name": "main", "issuer": "https://idp.example.com", "audiences": ["https://api.example.com"],
                "introspection": {
                    "endpoint": "http://idp.example.com/introspect", "cluster": "idp", "retries": 0,
                    "client": {"id": "gateway", "auth": "none"},
                },
            },
            {
                "name": "signing", "issuer": "https://signing.example.com",
                "jwt": {"keys": {"url": "https://signing.example.com/keys", "cluster": "idp"}, "algorithms": ["ES256"]},
            },
        ],
        "apis": [
            {
                "id": "orders-v1", "match": {"paths": ["/orders/"]}, "providers": ["main"],
                "scopes": {"all": ["orders.read"]}, "claims": {"/realm": ["orders"]},
                "operations": [{"match": {"paths": ["/orders/health"]}, "public": true}],
                "resource": {"identifier": "https://api.example.com/orders"},
            },
            {"id": "signed", "match": {"paths": ["/signed/"]}, "providers": ["signing"], "contract": "none"},
            {
                "id": "free", "match": {"paths": ["/free/"]}, "providers": ["main"], "token": "optional",
                "contract": "none",
            },
        ],
        "contracts": {"inline": [
            {"api": "orders-v1", "client_id": "portal", "tier": "gold"},
            {"api": "orders-v1", "client_id": "halted", "status": "suspended"},
            {"api": "orders-v1", "client_id": "ended", "expires_at": "2025-12-31T00:00:00Z"},
        ]},
    })
}

/// One at least for each outcome that can be explained.
fn cases() -> Vec<(Outcome, Case)> {
    let mut cases = of_requests();
    cases.extend(of_facts());
    cases.extend(of_jwts());
    cases.extend(of_proofs());
    cases.extend(of_contracts());
    cases
}

fn of_requests() -> Vec<(Outcome, Case)> {
    let sent = |target: &str| Case::new().sending(Request::get(target));
    let metadata = "/.well-known/oauth-protected-resource/orders";
    vec![
        (Outcome::Public, sent("/orders/health")),
        (Outcome::Anonymous, sent("/free/1")),
        (Outcome::Unmatched, sent("/elsewhere").configured(|it| it["no_match"] = json!("pass"))),
        (Outcome::UnknownApi, sent("/elsewhere")),
        (Outcome::ResourceMetadata, sent(metadata)),
        (Outcome::ResourceMetadata, Case::new().sending(Request::get(metadata).method("POST"))),
        (Outcome::InvalidRequest, sent("/orders/../elsewhere")),
        (Outcome::InvalidRequest, Case::new().sending(Request::get("/orders/1").bearer("a,b"))),
        (Outcome::InvalidRequest, Case::new().sending(Request::get("/orders/1").bearer("abc").bearer("abc"))),
        (Outcome::MissingToken, sent("/orders/1")),
    ]
}

fn of_facts() -> Vec<(Outcome, Case)> {
    let said = |further: Value| Case::new().saying(further);
    vec![
        (Outcome::Allowed, Case::new()),
        (Outcome::Inactive, said(json!({"active": false}))),
        (Outcome::ProviderError, said(json!({"active": "yes"}))),
        (Outcome::ProviderUnavailable, Case { facts: None, ..Case::new() }),
        (Outcome::Expired, said(json!({"exp": START - 60}))),
        (Outcome::NotYetValid, said(json!({"nbf": START + 60}))),
        (Outcome::WrongIssuer, said(json!({"iss": "https://other.example.com"}))),
        (Outcome::WrongAudience, said(json!({"aud": ["https://other.example.com"]}))),
        (Outcome::WrongTokenType, said(json!({"token_use": "refresh_token"}))),
        (Outcome::WrongClaims, said(json!({"realm": "other"}))),
        (Outcome::InsufficientScope, said(json!({"scope": "orders.write"}))),
        (Outcome::NoContract, said(json!({"client_id": "stranger"}))),
        (Outcome::ContractSuspended, said(json!({"client_id": "halted"}))),
        (Outcome::ContractExpired, said(json!({"client_id": "ended"}))),
    ]
}

fn of_jwts() -> Vec<(Outcome, Case)> {
    let issuer = Issuer::new("https://signing.example.com", START, &[KeyKind::P256]);
    let stranger = Issuer::new("https://signing.example.com", START, &[KeyKind::P256]);
    let token = |further: Value| issuer.token("ES256", further);
    let (one, other) = (token(json!({"jti": "one"})), token(json!({"jti": "other"})));
    let spoilt = format!("{}.{}", one.rsplit_once('.').expect("a JWT").0, other.rsplit_once('.').expect("a JWT").1);
    [
        (Outcome::Allowed, one),
        (Outcome::BadSignature, spoilt),
        (Outcome::BadSignature, stranger.token("ES256", json!({}))),
        (Outcome::MalformedToken, "opaque".to_owned()),
        (Outcome::MalformedToken, token(json!({"exp": null}))),
        (Outcome::WrongIssuer, token(json!({"iss": "https://other.example.com"}))),
        (Outcome::WrongTokenType, issuer.token_with("ES256", json!({"typ": "id+jwt"}), json!({}))),
        (Outcome::Expired, token(json!({"exp": START - 60}))),
    ]
    .map(|(outcome, token)| (outcome, Case::signed(&issuer, &token)))
    .into()
}

fn of_proofs() -> Vec<(Outcome, Case)> {
    let key = KeyPair::generate(KeyKind::P256);
    let bound = || Case::new().saying(json!({"cnf": {"jkt": key.thumbprint()}}));
    let request = || Request::get("/orders/1").header("authorization", "DPoP abc").header("x-forwarded-proto", "https");
    let proof = Proof::new(&key, "GET", "https://api.example.com/orders/1", START).token("abc");
    let proven = |proof: Proof<'_>| bound().sending(request().header("dpop", proof.sign()));
    vec![
        (Outcome::Allowed, proven(proof.clone())),
        (Outcome::ProofMissing, bound().sending(request())),
        (Outcome::ProofMissing, bound()),
        (Outcome::ProofInvalid, proven(proof.clone().claim("htm", json!("PUT")))),
        (Outcome::ProofInvalid, proven(proof.claim("iat", json!(START - 3600)))),
    ]
}

fn of_contracts() -> Vec<(Outcome, Case)> {
    let served = json!({"contracts": [{"api": "orders-v1", "client_id": "portal", "tier": "silver"}]});
    vec![
        (Outcome::Allowed, Case::new().polling(Some(served.clone()))),
        (Outcome::NoContract, Case::new().polling(Some(served)).saying(json!({"client_id": "stranger"}))),
        (Outcome::ContractsNotLoaded, Case::new().polling(None)),
        (Outcome::ContractsNotLoaded, Case::new().polling(Some(json!({"contracts": 7})))),
    ]
}

#[test]
fn what_is_explained_is_what_the_filter_does() {
    for (outcome, case) in cases() {
        let (exchange, now, noted) = case.filtered();
        assert_eq!(noted, outcome.name(), "{:?}: {exchange:?}", case.request);
        let explanation = case.explained(now);
        assert_eq!(explanation.outcome, Some(outcome), "{}", explanation.to_json());
        assert_explains(&explanation, &case.request, &exchange);
    }
}

#[test]
fn every_outcome_is_explained_or_said_never_to_be() {
    let explained: BTreeSet<Outcome> = cases().iter().map(|(outcome, _)| *outcome).collect();
    let said = NEVER_EXPLAINED.into_iter().collect();
    assert!(explained.is_disjoint(&said), "explained after all: {:?}", explained.intersection(&said));
    let missing: Vec<&str> = Outcome::ALL
        .into_iter()
        .filter(|one| !explained.contains(one) && !said.contains(one))
        .map(Outcome::name)
        .collect();
    assert!(missing.is_empty(), "without a case: {missing:?}");
    let sentence = DOCUMENTATION.lines().find(|line| line.contains("never shown")).expect("a line about it");
    for outcome in NEVER_EXPLAINED {
        assert!(sentence.contains(&format!("`{}`", outcome.name())), "{sentence}");
    }
}
