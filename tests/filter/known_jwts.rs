//! A JWT that is known is judged as one that was never seen, whatever it says, whatever is asked of it, and whenever.

use crate::configuration::{configuration, provider};
use crate::host::{Outcome, Process, START, Worker};
use crate::jwt::ISSUER;
use crate::process;
use crate::tokens::{KeyKind, KeyPair};
use proptest::prelude::*;
use proptest::{collection, option, sample};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use std::time::Duration;

static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeyKind::P256));
const VERIFIES: &str = "proxy_call_foreign_function";
const PROPERTIES: [&str; 6] = ["outcome", "api", "provider", "client_id", "detail", "token"];

/// Few names, so that what is asked for is often what there is.
fn name() -> impl Strategy<Value = &'static str> {
    sample::select(vec!["a", "b", "c"])
}

fn list(least: usize, most: usize) -> impl Strategy<Value = Value> {
    collection::vec(name(), least..=most).prop_map(|names| json!(names))
}

/// As a list, or in one string.
fn names(most: usize) -> impl Strategy<Value = Value> {
    let text = collection::vec(name(), 0..=most).prop_map(|names| json!(names.join(" ")));
    prop_oneof![list(0, most), text]
}

/// Seconds since the epoch, some of them before the test begins, or after it ends.
fn date(seconds: std::ops::Range<u64>) -> impl Strategy<Value = Value> {
    seconds.prop_map(|second| json!(START - 20 + second))
}

fn duration(millis: std::ops::Range<u64>) -> impl Strategy<Value = Value> {
    millis.prop_map(|millis| json!(format!("{millis}ms")))
}

/// An object of the members that there are.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}

/// What a token says, or an answer about it.
fn facts() -> impl Strategy<Value = Value> {
    let who = (option::weighted(0.8, name()), option::of(name()), option::of(name()), list(1, 2));
    let scopes = (option::of(names(3)), option::weighted(0.3, list(0, 3)));
    let when = (option::weighted(0.95, date(50..200)), option::weighted(0.2, date(0..60)));
    let odd =
        (option::weighted(0.1, Just(json!({"jkt": KEY.thumbprint()}))), option::weighted(0.05, Just(json!("id"))));
    (who, scopes, when, odd).prop_map(|((client, azp, org, aud), (scope, scp), (exp, nbf), (cnf, token_use))| {
        object([
            ("client_id", client.map(Value::from)),
            ("azp", azp.map(Value::from)),
            ("org", org.map(Value::from)),
            ("aud", Some(aud)),
            ("scope", scope),
            ("scp", scp),
            ("exp", exp),
            ("nbf", nbf),
            ("cnf", cnf),
            ("token_use", token_use),
            ("sub", Some(json!("s"))),
        ])
    })
}

#[derive(Clone, Debug)]
struct Token {
    claims: Value,
    text: String,
    is_spoilt: bool,
}

fn token() -> impl Strategy<Value = Token> {
    let odd = [0.05; 3].map(prop::bool::weighted);
    (facts(), odd).prop_map(|(mut claims, [is_other_kind, is_other_issuers, is_spoilt])| {
        let kind = if is_other_kind { "dpop+jwt" } else { "at+jwt" };
        claims["iss"] = json!(if is_other_issuers { "https://other.example.com" } else { ISSUER });
        let mut text = KEY.jws(&json!({"alg": "ES256", "typ": kind, "kid": KEY.key_id}), &claims);
        if is_spoilt {
            let other = KEY.jws(&json!({"alg": "ES256"}), &json!({}));
            text = format!("{}.{}", text.rsplit_once('.').expect("a JWS").0, other.rsplit_once('.').expect("a JWS").1);
        }
        Token { claims, text, is_spoilt }
    })
}

/// What an API or an operation asks of a token.
fn rule() -> impl Strategy<Value = Value> {
    let scopes = (sample::select(vec!["all", "any"]), list(1, 2)).prop_map(|(kind, names)| json!({ kind: names }));
    let claims =
        (sample::select(vec!["/org", "/aud", "/azp"]), list(1, 2)).prop_map(|(at, values)| json!({ at: values }));
    let contract = sample::select(vec!["required", "optional", "none"]);
    (option::of(scopes), option::weighted(0.3, claims), contract).prop_map(|(scopes, claims, contract)| {
        object([("scopes", scopes), ("claims", claims), ("contract", Some(json!(contract)))])
    })
}

/// One that asks for this at its own path, and for something else of a POST.
fn api(id: &'static str) -> impl Strategy<Value = Value> {
    let headers = json!({
        "x-client-id": "client_id", "x-sla-tier": "contract.tier", "x-scope": "scope", "x-api": "api", "x-org": "claim:/org",
    });
    let prefix = option::of(Just(json!("x-token-")));
    (rule(), rule(), option::of(duration(1..60_000)), prefix).prop_map(
        move |(mut api, mut operation, max_age, prefix)| {
            operation["match"] = json!({"methods": ["POST"]});
            operation.as_object_mut().expect("members").extend(max_age.map(|age| ("max_age".to_owned(), age)));
            api["id"] = json!(id);
            api["match"] = json!({"paths": [format!("/{id}/")]});
            api["operations"] = json!([operation]);
            api["upstream"] = object([("headers", Some(headers.clone())), ("claims_prefix", prefix)]);
            api
        },
    )
}

fn contract() -> impl Strategy<Value = Value> {
    let status = sample::select(vec!["active", "active", "active", "pending", "suspended", "revoked"]);
    let day = || {
        let day =
            (0..120_u64).prop_map(|second| json!(format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60)));
        option::weighted(0.3, day)
    };
    let provider = option::of(Just(json!("main")));
    (sample::select(vec!["x", "y"]), name(), status, provider, day(), day()).prop_map(
        |(api, client, status, provider, from, to)| {
            object([
                ("api", Some(json!(api))),
                ("client_id", Some(json!(client))),
                ("status", Some(json!(status))),
                ("tier", Some(json!(status))),
                ("provider", provider),
                ("not_before", from),
                ("expires_at", to),
            ])
        },
    )
}

fn settings() -> impl Strategy<Value = Value> {
    let main = (option::of(list(2, 2)), duration(1..15_000), any::<bool>(), any::<bool>());
    let main = main.prop_map(|(audiences, clock_skew, ignores_proofs, introspects)| {
        let change = json!({
            "issuer": ISSUER,
            "clock_skew": clock_skew,
            "proof_of_possession": if ignores_proofs { "ignore" } else { "enforce" },
            "jwt": {
                "keys": {"inline": {"keys": [KEY.jwk()]}}, "algorithms": ["ES256"],
                "introspect": if introspects { "always" } else { "never" },
            },
        });
        let mut main = provider(change);
        main.as_object_mut().expect("members").extend(audiences.map(|names| ("audiences".to_owned(), names)));
        main
    });
    let cache = (sample::select(vec![0, 10, 10, 10, 10]), duration(1..120_000), any::<bool>());
    let cache = cache.prop_map(
        |(entries, max_ttl, refreshes)| json!({"entries": entries, "max_ttl": max_ttl, "refresh_ahead": refreshes}),
    );
    (main, api("x"), api("y"), collection::vec(contract(), 0..6), cache).prop_map(|(main, x, y, mut inline, cache)| {
        let of = |contract: &Value| ["api", "client_id", "provider"].map(|name| contract.get(name).map(Value::to_string));
        inline.sort_by_key(of);
        inline.dedup_by_key(|contract| of(contract));
        json!({"providers": [main], "apis": [x, y], "contracts": {"inline": inline}, "cache": cache, "access_log": "all"})
    })
}

/// Method and path.
type Request = (&'static str, &'static str);

fn request() -> impl Strategy<Value = Request> {
    (sample::select(vec!["GET", "GET", "POST"]), sample::select(vec!["/x/", "/y/"]))
}

/// What caller, upstream and access log see.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    outcome: Outcome,
    properties: [Option<Vec<u8>>; 6],
}

/// One request, about whose token the authorization server says this if it is asked.
fn ask(worker: &Worker, token: &Token, (method, path): Request, answer: &Value) -> Seen {
    let authorization = format!("Bearer {}", token.text);
    let stream = worker.request(&[(":method", method), (":path", path), ("authorization", &authorization)]);
    while let Some(call) = worker.callouts().first() {
        worker.answer_json(call.id, &answer.to_string());
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

/// How long what was verified `now` is surely known to a request: jitter takes a tenth at most.
fn surely_known(settings: &Value, token: &Token, answer: &Value, (method, path): Request, now: Duration) -> Duration {
    let millis =
        |text: &Value| Duration::from_millis(text.as_str().expect("text").trim_end_matches("ms").parse().expect("ms"));
    if settings["cache"]["entries"] == 0 || token.is_spoilt {
        return Duration::ZERO;
    }
    let is_asked = settings["providers"][0]["jwt"]["introspect"] == "always";
    let left = |facts: &Value| facts["exp"].as_u64().map(|end| Duration::from_secs(end).saturating_sub(now));
    let ends = [left(&token.claims), left(answer).filter(|_| is_asked)];
    let known = ends.into_iter().flatten().fold(millis(&settings["cache"]["max_ttl"]), Duration::min) * 9 / 10;
    let api = &settings["apis"][usize::from(path == "/y/")];
    match &api["operations"][0]["max_age"] {
        Value::Null => known,
        _ if method != "POST" => known,
        age => known.min(millis(age)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn a_known_jwt_is_judged_as_a_fresh_one(
        settings in settings(),
        token in token(),
        mut answer in facts(),
        first in (0..60_000_u64, request()),
        then in collection::vec((prop_oneof![0..2_000_u64, 0..60_000_u64], request()), 1..=3),
    ) {
        answer["active"] = json!(true);
        let configuration = configuration(settings.clone());
        let mut now = Duration::from_secs(START) + Duration::from_millis(first.0);
        let (process, worker) = start(&configuration, now);
        worker.reset_hostcalls();
        ask(&worker, &token, first.1, &answer);
        let mut learned = worker.hostcalls().contains_key(VERIFIES).then_some(now);
        for (later, request) in then {
            let learned = learned.take();
            now += Duration::from_millis(later);
            process.set_clock(now);
            worker.reset_hostcalls();
            let asked = worker.sent_callouts().len();
            let known = ask(&worker, &token, request, &answer);
            let (_elsewhere, fresh) = start(&configuration, now);
            prop_assert_eq!(&known, &ask(&fresh, &token, request, &answer));
            // The test would prove nothing if nothing were known.
            if learned.is_some_and(|then| now - then < surely_known(&settings, &token, &answer, request, then)) {
                prop_assert!(!worker.hostcalls().contains_key(VERIFIES), "it is verified again");
                prop_assert_eq!(worker.sent_callouts().len(), asked);
            }
        }
    }
}
