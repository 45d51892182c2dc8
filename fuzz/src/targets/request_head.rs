//! The head of a request, judged by the whole filter on the fake host, and once more by a judge that is written from
//! the documents alone: what passes must be allowed to, and as who.

use super::super::Target;
use super::super::host::{Callout, Headers, Worker};
use super::super::message::{Lines, Message};
use super::super::scene::{Ended, Scene, introspection};
use serde_json::{Value, json};
use std::cell::RefCell;

mod judge;

pub const TARGET: Target = Target {
    name: "request_head",
    seeds,
    words: &[
        "Bearer ",
        "authorization: ",
        "x-access-token: ",
        "cookie: ",
        "at=",
        "access_token=",
        "good",
        "narrow",
        "x-user: ",
        "X-Agw_Role: ",
        "x-client-id: ",
        "/orders/",
        "/users/",
        "/open/",
        "..",
        "%2e",
        "%2F",
        "//",
        ";",
        "%7e",
        "%c0%ae",
        "api.example.com",
        "eu.example.org",
        "POST ",
        "post ",
        ",",
        "\"",
        "=",
        "&",
        "?",
        "dpop: ",
    ],
    run,
    rounds: 2500,
    reaches: &["orders", "users", "open", "public", "anonymous", "unmatched", "invalid_request", "inactive"],
};

/// The first word of a request line that is for the configuration where doubtful paths are read literally, and what no
/// API matches passes.
const LENIENT: &str = "~";

fn seeds() -> Vec<Vec<u8>> {
    [
        "GET /orders/1?a=1 api.example.com\nauthorization: Bearer good\nx-client-id: spoofed",
        "POST /orders/1 api.example.com:8443\nauthorization: bearer narrow",
        "GET /orders/health api.example.com\nx-user: root",
        "GET /users/7?x=1&access_token=good&y=%20 eu.example.org\nx-agw-role: admin",
        "GET /users/7 eu.example.org\ncookie: a=1; at=good; b=2\nx_agw_role: admin",
        "GET /users/public/a eu.example.org\nauthorization: Bearer good\ncookie: at=x",
        "GET /open/a x\nx-user: root",
        "GET /open/%7ea x\nx-access-token: good",
        "GET /open/a x\nauthorization: Bearer stranger\nx_client_id: root",
        "~ GET /elsewhere?access_token=a x\nx-sla-tier: gold",
        "~ GET /orders/a;b api.example.com\nauthorization: Bearer good",
        "GET /orders/../users/7 api.example.com\nauthorization: Basic Zm9v, Bearer good",
        "GET /orders/1 api.example.com\nauthorization: Bearer gone",
        "GET /orders/1 api.example.com\nauthorization: Bearer stranger\ncookie: theme=x,at=good",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

const PREFIX: &str = "x-agw-";

fn configuration(lenient: bool) -> Value {
    json!({
        "providers": [{"name": "main", "introspection": introspection(), "proof_of_possession": "ignore"}],
        "apis": [
            {
                "id": "orders", "match": {"hosts": ["api.example.com"], "paths": ["/orders/"]}, "scopes": {"all": ["read"]},
                "operations": [
                    {"match": {"methods": ["GET"], "paths": ["/orders/health"]}, "public": true},
                    {"match": {"methods": ["POST", "DELETE"]}, "scopes": {"all": ["write"]}},
                ],
            },
            {
                "id": "users", "match": {"hosts": ["*.example.org"], "paths": ["/users/"]}, "contract": "none",
                "operations": [{"match": {"paths": ["/users/public/"]}, "public": true}],
                "upstream": {"headers": {"x-user": "subject"}, "claims_prefix": PREFIX, "forward_token": false},
            },
            {
                "id": "open", "match": {"paths": ["/open/"]}, "contract": "none", "token": "optional",
                "claims": {"/sub": ["u 7%", "n"]},
                "upstream": {"headers": {"x-open-client": "client_id"}},
            },
        ],
        "no_match": if lenient { "pass" } else { "refuse" },
        "ambiguous_paths": if lenient { "literal" } else { "refuse" },
        "token": {"sources": [
            {"header": "authorization", "scheme": "Bearer"}, {"header": "x-access-token"}, {"query": "access_token"},
            {"cookie": "at"},
        ]},
        "contracts": {"inline": [{"api": "orders", "client_id": "portal", "tier": "gold"}]},
    })
}

fn facts(token: &str) -> Value {
    match token {
        "good" => json!({
            "active": true, "client_id": "portal", "scope": "read write", "sub": "u 7%", "role": "staff", "Role": "no",
        }),
        "narrow" => json!({"active": true, "client_id": "portal", "scope": "read", "sub": "n"}),
        "stranger" => json!({"active": true, "client_id": "nobody", "scope": "read write"}),
        _ => json!({"active": false}),
    }
}

thread_local! {
    static SCENES: RefCell<[Option<Scene>; 2]> = const { RefCell::new([None, None]) };
}

struct Sent {
    lenient: bool,
    method: Vec<u8>,
    target: Vec<u8>,
    host: Vec<u8>,
    lines: Lines,
}

/// `None` for what Envoy itself refuses, or reads as something else.
fn sent(input: &[u8]) -> Option<Sent> {
    let message = Message::read(input);
    let (lenient, first) = match message.first.strip_prefix(LENIENT.as_bytes()) {
        Some(rest) => (true, rest.strip_prefix(b" ").unwrap_or(rest)),
        None => (false, message.first),
    };
    let mut words = first.split(|byte| *byte == b' ');
    let mut word = || words.next().unwrap_or_default().to_vec();
    let (method, target, host) = (word(), word(), word());
    let is_token = |name: &[u8]| {
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
    };
    // What Envoy lets through in a value.
    let is_value = |value: &[u8]| !value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
    let sound = is_token(&method) && is_value(&target) && is_value(&host) && !target.is_empty() && !host.is_empty();
    let lines: Lines = message.lines.iter().filter(|(name, _)| name != b"host").cloned().collect();
    let sound = sound && lines.iter().all(|(name, value)| is_token(name) && is_value(value));
    sound.then_some(Sent { lenient, method, target, host, lines })
}

fn answer(worker: &Worker, call: &Callout) {
    let token = form_urlencoded::parse(&call.body).find(|(name, _)| name == "token");
    worker.answer_json(call.id, &facts(&token.expect("a token").1).to_string());
}

fn run(input: &[u8]) -> String {
    let Some(sent) = sent(input) else { return "unsendable".into() };
    let pseudo = [(":method", &sent.method), (":path", &sent.target), (":authority", &sent.host)];
    let pseudo = pseudo.map(|(name, value)| (name.as_bytes().to_vec(), value.clone()));
    let lines: Lines = pseudo.into_iter().chain(sent.lines.iter().cloned()).collect();
    let ended = SCENES.with_borrow_mut(|scenes| {
        let scene = &mut scenes[usize::from(sent.lenient)];
        scene.get_or_insert_with(|| Scene::start(&configuration(sent.lenient))).send(&lines, answer)
    });
    match ended {
        Ended::Refused(outcome, left) => {
            let (before, forged) = (Headers::new(&lines), judge::identities(&left));
            assert!(forged.is_empty(), "{outcome}, and a log may show {forged:?}");
            assert!(!judge::is_beyond_doubt(&sent, &before), "{outcome}, without a reason: {before:?}");
            outcome
        }
        Ended::Passed(arrived) => match judge::judge(&sent, &Headers::new(&lines), &arrived) {
            Ok(rule) => rule.into(),
            Err(why) => panic!("{why}: {arrived:?}"),
        },
    }
}
