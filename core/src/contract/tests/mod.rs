//! The contracts of one worker against a scripted source, on a virtual clock.

mod held;
mod polling;
mod scale;
mod simulation;
mod transfer;
mod trouble;
mod unreadable;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::base::http::{Body, HttpAnswer, HttpCall, HttpResult, HttpUrl};
use crate::base::time::Timestamp;
use crate::contract::action::{Action, PageCall};
use crate::contract::contract::Status;
use crate::contract::contracts::{Contracts, Holding};
use crate::contract::settings::{BeforeFirstLoad, ContractSettings};
use crate::feed::duty::{FIRST_DEFERENCE, LEASE};
use crate::feed::settings::FeedSettings;
use crate::port::memory::MemoryStore;

const REFRESH: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(250);

/// How the scripted source answers.
type Script = Rc<RefCell<dyn FnMut(&Asked) -> HttpResult>>;

/// A request as the source sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    path: String,
    etag: Option<String>,
}

/// One worker, its clock, and the source.
struct Stage {
    store: MemoryStore,
    now: Timestamp,
    contracts: Contracts,
    script: Script,
    asked: Vec<Asked>,
    log: Vec<String>,
    slices: usize,
}

fn source_settings() -> FeedSettings {
    FeedSettings {
        cluster: "contracts".into(),
        url: HttpUrl::parse("https://contracts.internal/c").unwrap(),
        refresh: REFRESH,
        full_reload: Duration::from_secs(86_400),
        timeout: Duration::from_secs(5),
        headers: Vec::new(),
    }
}

fn settings() -> ContractSettings {
    ContractSettings {
        inline: Vec::new(),
        source: Some(source_settings()),
        max_staleness: None,
        before_first_load: BeforeFirstLoad::Refuse,
    }
}

impl Stage {
    fn new(script: impl FnMut(&Asked) -> HttpResult + 'static) -> Self {
        Self::with(settings(), script)
    }

    fn with(settings: ContractSettings, script: impl FnMut(&Asked) -> HttpResult + 'static) -> Self {
        Self {
            store: MemoryStore::default(),
            now: Timestamp::from_secs(1_800_000_000),
            contracts: Contracts::new(Rc::new(settings), "t", 1),
            script: Rc::new(RefCell::new(script)),
            asked: Vec::new(),
            log: Vec::new(),
            slices: 0,
        }
    }

    fn script(&mut self, script: impl FnMut(&Asked) -> HttpResult + 'static) {
        self.script = Rc::new(RefCell::new(script));
    }

    /// Another worker of the same process.
    fn other(&self, worker: u64) -> Contracts {
        Contracts::new(Rc::new(settings()), "t", worker)
    }

    fn tick(&mut self) {
        let mut actions = self.contracts.on_tick(&self.store, self.now);
        while !actions.is_empty() {
            let mut next = Vec::new();
            for action in actions {
                next.extend(match action {
                    Action::Call(id, call) => {
                        let asked = asked(&call);
                        self.asked.push(asked.clone());
                        let script = Rc::clone(&self.script);
                        let result = (script.borrow_mut())(&asked);
                        self.contracts.on_answer(id, result, &self.store, self.now)
                    }
                    Action::Yield => {
                        self.slices += 1;
                        self.contracts.on_yield(&self.store, self.now)
                    }
                    Action::Log(_, line) => {
                        self.log.push(line);
                        Vec::new()
                    }
                });
            }
            actions = next;
        }
    }

    /// Lets time pass, with a tick every 250 ms.
    fn pass(&mut self, span: Duration) {
        let end = self.now.plus(span);
        while self.now < end {
            self.now = self.now.plus(TICK);
            self.tick();
        }
    }

    /// Lets time pass until the next call has been sent and answered; returns how long that took.
    fn until_next_poll(&mut self) -> Duration {
        let (start, count) = (self.now, self.asked.len());
        while self.asked.len() == count {
            assert!(self.now.since(start) < Duration::from_secs(7200), "no poll in two hours");
            self.pass(TICK);
        }
        self.now.since(start)
    }

    fn find(&mut self, client: &str) -> Holding {
        self.contracts.find("a", "p", Some(client), &self.store, self.now)
    }

    /// The tier of a client's contract, `-` for none, `?` when not loaded.
    fn tier(&mut self, client: &str) -> String {
        tier(self.find(client))
    }

    fn last(&self) -> &Asked {
        self.asked.last().expect("something has been asked")
    }
}

fn tier(holding: Holding) -> String {
    match holding {
        Holding::Held(contract) if contract.status == Status::Active => {
            contract.tier.as_deref().unwrap_or("").to_owned()
        }
        Holding::Held(contract) => format!("{:?}", contract.status),
        Holding::None => "-".to_owned(),
        Holding::NotLoaded => "?".to_owned(),
    }
}

fn asked(call: &HttpCall) -> Asked {
    let header = |name: &str| {
        let found = call.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    Asked { path: header(":path").unwrap(), etag: header("if-none-match") }
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> HttpResult {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
    HttpResult::Answered(HttpAnswer {
        status,
        headers: headers.iter().map(own).collect(),
        body: Body::Whole(body.into()),
    })
}

fn ok(body: impl Into<Vec<u8>>) -> HttpResult {
    answer(200, &[("content-type", "application/json; charset=utf-8")], body)
}

fn row(client: &str, tier: &str) -> String {
    format!(r#"{{"api":"a","client_id":"{client}","tier":"{tier}"}}"#)
}

fn snapshot(rows: &[String]) -> String {
    format!(r#"{{"contracts":[{}]}}"#, rows.join(","))
}

fn one(tier: &str) -> String {
    snapshot(&[row("c", tier)])
}
