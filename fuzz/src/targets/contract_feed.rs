//! A contract source that answers whatever it likes. Whoever holds a contract has been named by it, and after a document
//! that is beyond doubt exactly those hold one that it names.

use super::super::Target;
use super::super::message::Message;
use super::super::source::documented;
use serde_json::Value;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;
use tessera_core::base::http::{Body, HttpAnswer, HttpResult, HttpUrl, NoAnswer};
use tessera_core::base::time::Timestamp;
use tessera_core::contract::action::{Action, PageCall};
use tessera_core::contract::contract::Status;
use tessera_core::contract::contracts::{Contracts, Holding};
use tessera_core::contract::settings::ContractSettings;
use tessera_core::feed::settings::FeedSettings;
use tessera_core::port::memory::MemoryStore;

pub const TARGET: Target = Target {
    name: "contract_feed",
    seeds,
    words: &[
        "\n--\n",
        "200\n",
        "304\n",
        "410\n",
        "503\n",
        "fail",
        "\"status\":\"removed\"",
        "\"status\":\"revoked\"",
        "\"provider\":\"main\"",
        "\"cursor\":\"1\"",
        "{\"changes\":[",
        "{\"contracts\":[",
        "{\"api\":\"a\",\"client_id\":\"c\"}",
        "]}",
        ",",
        "link: <?page=2>; rel=next\n",
        "etag: \"1\"\n",
        "content-type: text/html\n",
        "\"api\":",
        "\"client_id\":",
        "null",
        "\\u0061",
        "\"expires_at\":\"2027-01-01T00:00:00Z\"",
        "retry-after: 9\n",
        "\"api\":\"b\"",
    ],
    run,
    rounds: 8000,
    reaches: &["held", "plain", "nothing loaded"],
};

/// Between two answers.
const NEXT: &[u8] = b"\n--\n";
const TICK: Duration = Duration::from_millis(250);

fn seeds() -> Vec<Vec<u8>> {
    let page = |body: &str| format!("200\ncontent-type: application/json\n\n{body}");
    let one =
        r#"{"contracts":[{"api":"a","client_id":"c","tier":"gold"},{"api":"b","client_id":"d","status":"pending"}]}"#;
    let with_cursor = r#"{"contracts":[{"api":"a","client_id":"c"}],"cursor":"1"}"#;
    let delta =
        r#"{"changes":[{"api":"a","client_id":"c","status":"removed"},{"api":"a","client_id":"d"}],"cursor":"2"}"#;
    let limited = r#"{"contracts":[{"api":"a","client_id":"c","provider":"main","status":"revoked"},
        {"api":"a","client_id":"c"},{"api":"a","client_id":"c","provider":"other"}]}"#;
    let unreadable = r#"{"contracts":[{"api":"a","client_id":"c"},{"api":"a","client_id":"c","tier":7},{"api":"b"}]}"#;
    let mut seeds = vec![
        page(one),
        [page(with_cursor), page(delta)].join("\n--\n"),
        [page(one), "304\n\n".into(), page(limited), "503\nretry-after: 1\n\n".into(), page(unreadable)].join("\n--\n"),
        format!("200\nlink: <?page=2>; rel=\"next\"\netag: \"1\"\n\n{one}\n--\n{}", page(with_cursor)),
        [page(with_cursor), "410\n\n".into(), page(one), "fail".into(), "200\n\n<html>".into()].join("\n--\n"),
    ];
    seeds.extend(documented("contracts").iter().map(|block| page(&block.text)));
    seeds.into_iter().map(String::into_bytes).collect()
}

struct Stage {
    store: MemoryStore,
    now: Timestamp,
    contracts: Contracts,
    waiting: Vec<PageCall>,
}

impl Stage {
    fn new() -> Self {
        let source = FeedSettings {
            cluster: "contracts".into(),
            url: HttpUrl::parse("https://contracts.internal/c").expect("a URL"),
            refresh: Duration::from_secs(10),
            full_reload: Duration::from_secs(600),
            timeout: Duration::from_secs(5),
            headers: Vec::new(),
        };
        let settings = ContractSettings { source: Some(source), ..ContractSettings::default() };
        Self {
            store: MemoryStore::default(),
            now: Timestamp::from_secs(1_800_000_000),
            contracts: Contracts::new(Rc::new(settings), "t", 1),
            waiting: Vec::new(),
        }
    }

    /// Everything that is to be done at once.
    fn carry_out(&mut self, mut actions: Vec<Action>) {
        for _ in 0..10_000 {
            let mut next = Vec::new();
            for action in actions {
                match action {
                    Action::Call(id, call) => {
                        let path = call.headers.iter().find(|(name, _)| name == ":path").expect("a path").1.clone();
                        assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
                        self.waiting.push(id);
                    }
                    Action::Yield => next.extend(self.contracts.on_yield(&self.store, self.now)),
                    Action::Log(..) => {}
                }
            }
            if next.is_empty() {
                return;
            }
            actions = next;
        }
        panic!("it never comes to an end");
    }

    /// The next poll; a source is asked again within an hour, whatever it has answered.
    fn until_asked(&mut self) -> PageCall {
        for tick in 0..1200 {
            if let Some(call) = self.waiting.pop() {
                return call;
            }
            self.now = self.now.plus(if tick < 400 { TICK } else { TICK * 40 });
            let actions = self.contracts.on_tick(&self.store, self.now);
            self.carry_out(actions);
        }
        panic!("the source is not asked again");
    }

    fn holding(&mut self, api: &str, client: &str) -> Holding {
        self.contracts.find(api, "main", Some(client), &self.store, self.now)
    }
}

/// Who is named, and whether with a status that may grant.
type Named = BTreeSet<(String, String)>;

fn run(input: &[u8]) -> String {
    let mut stage = Stage::new();
    let mut named: Named = [("a", "c"), ("a", "d"), ("b", "d")].map(|(a, c)| (a.to_owned(), c.to_owned())).into();
    let mut granting = Named::new();
    let mut behaviour = "nothing loaded";
    let mut has_next = false;
    for answer in split(input).into_iter().take(6) {
        let call = stage.until_asked();
        let message = Message::read(answer);
        let answered = message.answer();
        let has_failed = message.first == b"fail";
        let result = match has_failed {
            true => HttpResult::Failed(NoAnswer::TimedOut),
            false => HttpResult::Answered(answered.clone()),
        };
        let rows = rows(&answered);
        for row in &rows {
            let identity = (text(&row["api"]), text(&row["client_id"]));
            if matches!(row["status"].as_str(), None | Some("active")) {
                granting.insert(identity.clone());
            }
            named.insert(identity);
        }
        let actions = stage.contracts.on_answer(call, result, &stage.store, stage.now);
        stage.carry_out(actions);
        // What may be a further page is not all that there is.
        let certain = !has_failed && !has_next && is_beyond_doubt(&answered) && stage.waiting.is_empty();
        has_next = answered.header("link").is_some();
        for (api, client) in &named {
            let holding = stage.holding(api, client);
            let held = matches!(&holding, Holding::Held(contract) if contract.status == Status::Active);
            if held {
                behaviour = "held";
                assert!(
                    granting.contains(&(api.clone(), client.clone())),
                    "a contract that nobody gave: {api} {client}"
                );
            }
            if certain {
                assert_ne!(holding, Holding::NotLoaded, "a document without a fault has no effect");
                assert_eq!(held, grants(&rows, api, client), "{client} at {api} after {rows:?}");
                behaviour = if held { behaviour } else { "plain" };
            }
        }
    }
    behaviour.into()
}

fn split(input: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = input;
    while let Some(at) = rest.windows(NEXT.len()).position(|window| window == NEXT) {
        parts.push(&rest[..at]);
        rest = &rest[at + NEXT.len()..];
    }
    parts.push(rest);
    parts
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn body(answer: &HttpAnswer) -> &[u8] {
    match &answer.body {
        Body::Whole(bytes) => bytes,
        Body::TooLarge(_) => &[],
    }
}

/// Every object that has an `api` and a `client_id`, wherever it stands, and also of a text that breaks off or has
/// members given twice: whatever somebody could take for a row.
fn rows(answer: &HttpAnswer) -> Vec<Value> {
    let text = String::from_utf8_lossy(body(answer)).into_owned();
    match serde_json::from_str::<Value>(&text) {
        Ok(document) => {
            let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
            list("contracts").into_iter().chain(list("changes")).collect()
        }
        Err(_) => Vec::new(),
    }
}

/// A whole set that any reader reads alike.
fn is_beyond_doubt(answer: &HttpAnswer) -> bool {
    let headers = answer.headers.iter().all(|(name, value)| match name.as_str() {
        "content-type" => value == b"application/json",
        name => !matches!(name, "link" | "content-encoding" | "etag" | "preference-applied"),
    });
    let Ok(text) = std::str::from_utf8(body(answer)) else { return false };
    let Ok(Value::Object(document)) = serde_json::from_str::<Value>(text) else { return false };
    let Some(rows) = document.get("contracts").and_then(Value::as_array) else { return false };
    let known = ["api", "client_id", "status", "tier"];
    let is_plain = |row: &Value| {
        let Some(row) = row.as_object() else { return false };
        let short = |value: &Value| value.as_str().is_some_and(|text| (1..=200).contains(&text.len()));
        let status = row
            .get("status")
            .is_none_or(|status| ["active", "pending", "revoked", "suspended"].iter().any(|word| status == word));
        row.contains_key("api")
            && row.contains_key("client_id")
            && status
            && row.iter().all(|(name, value)| known.contains(&name.as_str()) && short(value))
    };
    let members: usize = rows.iter().map(|row| row.as_object().map_or(0, serde_json::Map::len)).sum();
    answer.status == 200
        && headers
        && document.len() == 1
        && rows.iter().all(is_plain)
        // No member is given twice, and none has its colon in a text.
        && text.matches(':').count() == members + 1
        && !text.contains('\\')
}

/// The last row of a pair holds.
fn grants(rows: &[Value], api: &str, client: &str) -> bool {
    let last = rows.iter().rfind(|row| row["api"] == api && row["client_id"] == client);
    last.is_some_and(|row| matches!(row["status"].as_str(), None | Some("active")))
}
