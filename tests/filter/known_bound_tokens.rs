//! A token that is bound is judged alike, known or not, with each part of its proof and without it.

use crate::caller::active;
use crate::configuration::{configuration, provider};
use crate::host::{Outcome, Process, Worker};
use crate::jwt::ISSUER;
use crate::process;
use crate::tokens::{KeyKind, KeyPair, Proof};
use proptest::prelude::*;
use proptest::{collection, option, sample};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::Duration;

static ISSUERS: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeyKind::P256));
static OWN: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeyKind::P256));
static OTHER: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeyKind::P256));
const URI: &str = "https://api.example.com/";
const CERTIFICATE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const ANOTHER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
/// The first one's 32 bytes in base64url.
const X5T: &str = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo";
const PROPERTIES: [&str; 6] = ["outcome", "api", "provider", "client_id", "detail", "token"];

/// What is wrong with a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Absent,
    Method,
    Uri,
    Token,
    Key,
    Old,
    Ahead,
    Signature,
    /// It is the last one that was good.
    Used,
    Twice,
}

const FLAWS: [Flaw; 10] = [
    Flaw::Absent,
    Flaw::Method,
    Flaw::Uri,
    Flaw::Token,
    Flaw::Key,
    Flaw::Old,
    Flaw::Ahead,
    Flaw::Signature,
    Flaw::Used,
    Flaw::Twice,
];

#[derive(Clone, Debug)]
struct Shown {
    by_dpop: bool,
    flaw: Option<Flaw>,
    certificate: Option<&'static str>,
    after: Duration,
}

fn shown() -> impl Strategy<Value = Shown> {
    let certificate = sample::select(vec![Some(CERTIFICATE), Some(CERTIFICATE), Some(ANOTHER), None]);
    let flaw = option::weighted(0.6, sample::select(FLAWS.to_vec()));
    (prop::bool::weighted(0.7), flaw, certificate, 0..2_000_u64).prop_map(|(by_dpop, flaw, certificate, millis)| {
        Shown { by_dpop, flaw, certificate, after: Duration::from_millis(millis) }
    })
}

fn token(is_jwt: bool, cnf: &Value, now: u64) -> String {
    if !is_jwt {
        return "opaque".to_owned();
    }
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": ISSUERS.key_id});
    let claims = json!({"iss": ISSUER, "sub": "s", "client_id": "portal", "exp": now + 600, "cnf": cnf});
    ISSUERS.jws(&header, &claims)
}

fn proofs(shown: &Shown, token: &str, last_good: Option<&String>, now: u64) -> Vec<String> {
    let key = if shown.flaw == Some(Flaw::Key) { &OTHER } else { &OWN };
    let proof = Proof::new(key, "GET", URI, now).token(token);
    match shown.flaw {
        None | Some(Flaw::Key) => vec![proof.sign()],
        Some(Flaw::Absent) => vec![],
        Some(Flaw::Method) => vec![proof.claim("htm", json!("POST")).sign()],
        Some(Flaw::Uri) => vec![proof.claim("htu", json!("https://api.example.com/other")).sign()],
        Some(Flaw::Token) => vec![proof.token("another").sign()],
        Some(Flaw::Old) => vec![proof.claim("iat", json!(now - 100)).sign()],
        Some(Flaw::Ahead) => vec![proof.claim("iat", json!(now + 100)).sign()],
        Some(Flaw::Signature) => vec![proof.sign_with(&OTHER)],
        Some(Flaw::Used) => vec![last_good.cloned().unwrap_or_else(|| proof.sign())],
        Some(Flaw::Twice) => vec![proof.sign(), proof.sign()],
    }
}

type Lines = Vec<(&'static str, String)>;

fn lines(shown: &Shown, token: &str, proofs: &[String]) -> Lines {
    let scheme = if shown.by_dpop { "DPoP" } else { "Bearer" };
    let mut lines = vec![("authorization", format!("{scheme} {token}")), ("x-forwarded-proto", "https".to_owned())];
    lines.extend(proofs.iter().map(|proof| ("dpop", proof.clone())));
    lines
}

/// What caller, upstream and access log see.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    outcome: Outcome,
    properties: [Option<Vec<u8>>; 6],
}

fn ask(worker: &Worker, lines: &Lines, certificate: Option<&str>, answer: &str) -> Seen {
    worker.set_client_certificate(certificate);
    let stream = worker.request(lines);
    while let Some(call) = worker.callouts().first() {
        worker.answer_json(call.id, answer);
    }
    let properties = PROPERTIES.map(|name| worker.property(stream, &format!("tessera.{name}")));
    let seen = Seen { outcome: worker.outcome(stream), properties };
    worker.hang_up(stream);
    seen
}

fn start(configuration: &str, now: Duration) -> (Process, Worker) {
    let process = process();
    process.set_clock(now);
    let worker = process.worker(configuration).expect("a configuration that is accepted");
    (process, worker)
}

/// A process that knows nothing but which proofs were used in another.
fn fresh(of: &Process, configuration: &str) -> (Process, Worker) {
    let (process, worker) = start(configuration, of.now());
    for (key, value) in of.shared_data() {
        if key.contains("/proofs/") {
            process.set_shared_data(&key, &value);
        }
    }
    (process, worker)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_known_bound_token_is_judged_as_a_fresh_one(
        is_jwt: bool,
        (to_key, to_certificate) in sample::select(vec![(true, false), (false, true), (true, true)]),
        requests in collection::vec(shown(), 2..=6),
    ) {
        let mut cnf = json!({});
        if to_key {
            cnf["jkt"] = json!(OWN.thumbprint());
        }
        if to_certificate {
            cnf["x5t#S256"] = json!(X5T);
        }
        let answer = active(json!({"client_id": "portal", "cnf": cnf}));
        let jwt = json!({"keys": {"inline": {"keys": [ISSUERS.jwk()]}}, "algorithms": ["ES256"]});
        let configuration = configuration(json!({
            "providers": [provider(json!({"issuer": ISSUER, "jwt": jwt}))], "access_log": "all",
        }));
        let (process, worker) = start(&configuration, process().now());
        let token = token(is_jwt, &cnf, process.now().as_secs());
        let mut last_good = None;
        for (number, shown) in requests.iter().enumerate() {
            process.set_clock(process.now() + shown.after);
            let proofs = proofs(shown, &token, last_good.as_ref(), process.now().as_secs());
            let lines = lines(shown, &token, &proofs);
            let (_elsewhere, unknowing) = fresh(&process, &configuration);
            let asked = worker.sent_callouts().len();
            worker.reset_hostcalls();
            unknowing.reset_hostcalls();
            let known = ask(&worker, &lines, shown.certificate, &answer);
            let unknown = ask(&unknowing, &lines, shown.certificate, &answer);
            prop_assert_eq!(&known, &unknown);
            // The test would prove nothing if nothing were known, or all were refused.
            if number > 0 {
                prop_assert_eq!(worker.sent_callouts().len(), asked);
                let verified = |worker: &Worker| worker.hostcalls().get("proxy_call_foreign_function").copied().unwrap_or(0);
                prop_assert_eq!(verified(&worker) + u64::from(is_jwt), verified(&unknowing));
            }
            let is_good = shown.flaw.is_none() || (shown.flaw == Some(Flaw::Used) && last_good.is_none());
            let by_key = if to_key { shown.by_dpop && is_good } else { !shown.by_dpop };
            let passes = by_key && (!to_certificate || shown.certificate == Some(CERTIFICATE));
            prop_assert_eq!(known.outcome.passed(), passes);
            if passes && to_key {
                last_good = proofs.first().cloned();
            }
        }
    }
}
