//! A proxy as the filter sees it: workers of one process that follow the feed, over a network that loses things.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tessera_core::base::http::{Body, HttpAnswer, HttpCall, HttpResult, HttpUrl, NoAnswer};
use tessera_core::base::secret::Secret;
use tessera_core::base::time::Timestamp;
use tessera_core::contract::action::{Action, PageCall};
use tessera_core::contract::contracts::{Contracts, Holding};
use tessera_core::contract::settings::{BeforeFirstLoad, ContractSettings};
use tessera_core::feed::settings::FeedSettings;
use tessera_core::port::memory::MemoryStore;
use tessera_registry::use_case::feed_store::FeedKey;

use crate::dice::Dice;
use crate::model::Held;
use crate::wire::send;
use crate::writers::{Shared, now};

const TICK: Duration = Duration::from_millis(10);
/// Beyond the pause that a held feed asks for, also on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);
/// Where somebody is to miss something, and does so for ever.
const SHORT_PATIENCE: Duration = Duration::from_secs(20);

/// How one of them polls.
#[derive(Clone, Debug)]
pub struct Manner {
    pub number: u64,
    pub token: String,
    /// All when absent.
    pub api: Option<&'static str>,
    pub prefers_to_wait: bool,
    /// It stops now and then for a while, and begins anew with what it knew, or with nothing.
    pub restarts: bool,
}

type Answer = (usize, PageCall, HttpResult);

pub struct Gateway {
    manner: Manner,
    shared: Arc<Shared>,
    replicas: Arc<Mutex<[SocketAddr; 2]>>,
    settings: Rc<ContractSettings>,
    store: MemoryStore,
    workers: Vec<Contracts>,
    /// When the poll of each worker that is under way began.
    asked: [Instant; 2],
    dice: Dice,
    answers: (Sender<Answer>, Receiver<Answer>),
    born: u64,
    /// The one that was asked last.
    replica: usize,
    polls: usize,
    /// The last line of the log.
    said: String,
}

impl Gateway {
    pub fn new(manner: Manner, shared: Arc<Shared>, replicas: Arc<Mutex<[SocketAddr; 2]>>) -> Self {
        let mut headers = vec![("authorization".into(), Secret::new(format!("Bearer {}", manner.token)))];
        if manner.prefers_to_wait {
            headers.push(("prefer".into(), Secret::new("wait=2")));
        }
        let source = FeedSettings {
            cluster: "registry".into(),
            url: HttpUrl::parse("http://registry/v1/contracts").unwrap(),
            refresh: Duration::from_millis(if manner.prefers_to_wait { 200 } else { 30 }),
            full_reload: Duration::from_secs(86_400),
            timeout: Duration::from_secs(5),
            headers,
        };
        let settings = Rc::new(ContractSettings {
            inline: Vec::new(),
            source: Some(source),
            max_staleness: None,
            before_first_load: BeforeFirstLoad::Refuse,
        });
        let mut gateway = Self {
            dice: Dice(manner.number + 100),
            manner,
            shared,
            replicas,
            settings,
            store: MemoryStore::default(),
            workers: Vec::new(),
            asked: [Instant::now(); 2],
            answers: channel(),
            born: 0,
            replica: 0,
            polls: 0,
            said: String::new(),
        };
        gateway.begin();
        gateway
    }

    /// Follows until the writers have ended and it knows all that there is. How often it was told something.
    ///
    /// # Errors
    /// What it knows and should not, or does not and should.
    pub fn follow(mut self) -> Result<usize, String> {
        let patience = if self.shared.sequence { SHORT_PATIENCE } else { PATIENCE };
        let mut until: Option<Instant> = None;
        loop {
            self.turn()?;
            if self.shared.has_ended() {
                let missing = self.missing();
                let Some(missing) = missing else { return Ok(self.polls) };
                let until = until.get_or_insert_with(|| Instant::now() + patience);
                if Instant::now() > *until {
                    return Err(format!("{:?} does not learn: {missing}; {}", self.manner, self.said));
                }
            } else if self.manner.restarts && self.dice.one_in(150) {
                std::thread::sleep(Duration::from_millis(self.dice.roll(1500)));
                if self.dice.one_in(2) {
                    self.store = MemoryStore::default();
                }
                self.begin();
            }
        }
    }

    /// The workers of a new process, or of a new configuration in the same one.
    fn begin(&mut self) {
        self.answers = channel();
        self.workers.clear();
        for _ in 0..2 {
            self.born += 1;
            self.workers.push(Contracts::new(Rc::clone(&self.settings), "t", self.manner.number * 1000 + self.born));
        }
    }

    fn turn(&mut self) -> Result<(), String> {
        match self.answers.1.recv_timeout(TICK) {
            Ok((worker, call, result)) => {
                let actions = self.workers[worker].on_answer(call, result, &self.store, timestamp());
                self.act(worker, actions)
            }
            Err(RecvTimeoutError::Timeout) => {
                for worker in 0..self.workers.len() {
                    let actions = self.workers[worker].on_tick(&self.store, timestamp());
                    self.act(worker, actions)?;
                }
                Ok(())
            }
            Err(RecvTimeoutError::Disconnected) => unreachable!("the other end is here"),
        }
    }

    fn act(&mut self, worker: usize, mut actions: Vec<Action>) -> Result<(), String> {
        self.check(worker)?;
        while !actions.is_empty() {
            for action in std::mem::take(&mut actions) {
                match action {
                    Action::Call(call, request) => self.call(worker, call, request),
                    Action::Yield => {
                        let next = self.workers[worker].on_yield(&self.store, timestamp());
                        self.check(worker)?;
                        actions.extend(next);
                    }
                    Action::Log(_, line) => self.said = line,
                }
            }
        }
        Ok(())
    }

    /// After a poll that has succeeded, nothing is known that was over when it began.
    fn check(&mut self, worker: usize) -> Result<(), String> {
        let report = self.workers[worker].report(timestamp());
        if report.skipped > 0 {
            return Err(format!("{:?} skipped a row", self.manner));
        }
        if report.changed + report.unchanged == 0 {
            return Ok(());
        }
        self.polls += 1;
        let asked = self.asked[worker];
        let shared = Arc::clone(&self.shared);
        for key in shared.model.last().into_keys() {
            if !self.sees(&key) {
                continue;
            }
            let found = self.find(worker, &key)?;
            if !shared.model.allows(&key, &found, asked) {
                return Err(format!("{:?} was told {found:?} of {key:?}, which was over", self.manner));
            }
        }
        Ok(())
    }

    fn sees(&self, key: &FeedKey) -> bool {
        self.manner.api.is_none_or(|api| key.api == api)
    }

    fn find(&mut self, worker: usize, key: &FeedKey) -> Result<Held, String> {
        match self.workers[worker].find(&key.api, &key.provider, Some(&key.client_id), &self.store, timestamp()) {
            Holding::Held(contract) => Ok(Some((contract.status, contract.tier.clone().unwrap_or_default()))),
            Holding::None => Ok(None),
            Holding::NotLoaded => Err("nothing is loaded".to_owned()),
        }
    }

    /// What some worker does not know yet.
    fn missing(&mut self) -> Option<String> {
        let all = self.shared.model.last();
        for worker in 0..self.workers.len() {
            let mut rows = 0;
            for (key, held) in &all {
                let expected = if self.sees(key) { held } else { &None };
                rows += u64::from(expected.is_some());
                match self.find(worker, key) {
                    Ok(found) if found == *expected => {}
                    found => return Some(format!("{key:?}: {found:?} and not {expected:?}")),
                }
            }
            let known = self.workers[worker].report(timestamp()).contracts;
            if known != Some(rows) {
                return Some(format!("{known:?} rows and not {rows}"));
            }
        }
        None
    }

    fn call(&mut self, worker: usize, call: PageCall, request: HttpCall) {
        let path = request.headers.iter().find(|(name, _)| name == ":path").unwrap().1.clone();
        let is_first = !path.contains("page=");
        if is_first {
            self.asked[worker] = Instant::now();
        }
        if is_first || self.dice.one_in(8) {
            self.replica = usize::try_from(self.dice.roll(2)).unwrap();
        }
        let to = self.replicas.lock().unwrap()[self.replica];
        let luck = self.dice.roll(100);
        let (answers, timeout) = (self.answers.0.clone(), request.timeout);
        let headers: Vec<_> = request.headers.iter().filter(|(name, _)| !name.starts_with(':')).cloned().collect();
        std::thread::spawn(move || {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let result = match luck {
                0 => HttpResult::Failed(NoAnswer::Unconnected),
                _ => match send(to, ("GET", &path), &headers, "", timeout) {
                    Ok(_) if luck == 1 => HttpResult::Failed(NoAnswer::BrokenOff),
                    Ok(reply) => HttpResult::Answered(HttpAnswer {
                        status: reply.status,
                        headers: reply.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
                        body: Body::Whole(reply.body),
                    }),
                    Err(_) => HttpResult::Failed(NoAnswer::Unconnected),
                },
            };
            // The process that asked may be gone.
            let _ = answers.send((worker, call, result));
        });
    }
}

fn timestamp() -> Timestamp {
    Timestamp::from_millis(now().as_millis())
}
