//! Several workers over one store, on a virtual clock, with everything going wrong that can.
//!
//! Workers crash and come back, a new configuration comes beside the old one until that is drained, ticks and answers are
//! late and out of order, the source fails. In a storm, workers are also halted in the middle of what they do to shared
//! data, for longer than a lease, while the others go on. Every state of the source names itself, so that whatever a
//! worker sees can be compared with what was served.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::*;
use crate::base::http::NoAnswer;
use crate::base::random::Prng;
use crate::contract::action::PageCall;
use crate::port::{Expect, SharedStore, Versioned, WriteError};

const START: u64 = 1_800_000_000;
/// A worker that is halted for longer than 63 leases takes one that is held for one from before the clock was set
/// back: that does no harm to what is in force, but there are two pollers then.
const LONGEST_HALT: Duration = Duration::from_secs(30);
/// Often, so that much happens.
const REFRESH: Duration = Duration::from_secs(2);
const WORKERS: usize = 4;
const CLIENTS: u64 = 120;
/// The client whose tier is the number of the source's state.
const STATE: &str = "state";

/// What may go wrong.
#[derive(Clone, Copy)]
struct Weather {
    /// Answers take up to so many milliseconds each way.
    delay: u64,
    /// Of 100 requests so many fail.
    failures: u64,
    /// Of 1000 ticks so many are crashes,
    crashes: u64,
    /// which are so far apart at least,
    calm_after_crash: Duration,
    /// and also come in the middle of a poll.
    at_work: bool,
    /// Before so many of 1000 events all workers get a new configuration.
    reloads: u64,
    /// Of 1000 accesses to shared data so many halt the worker.
    halts: u64,
    /// The source changes once in so many events.
    steady: u64,
}

const CALM: Weather = Weather {
    delay: 40,
    failures: 0,
    crashes: 0,
    calm_after_crash: Duration::ZERO,
    at_work: false,
    reloads: 0,
    halts: 0,
    steady: 80,
};
const CRASHES: Weather = Weather { crashes: 40, calm_after_crash: Duration::from_secs(5), ..CALM };
const RELOADS: Weather = Weather { reloads: 8, ..CALM };
const STORM: Weather = Weather {
    delay: 600,
    failures: 10,
    crashes: 10,
    calm_after_crash: Duration::ZERO,
    at_work: true,
    reloads: 1,
    halts: 30,
    steady: 20,
};

struct Worker {
    contracts: Contracts,
    configuration: u64,
    /// 0 when it is gone.
    life: u64,
    /// When its listener has been drained.
    ends: Option<Timestamp>,
    last_event: Timestamp,
    seen: usize,
}

#[derive(Clone)]
enum What {
    Tick,
    Continue,
    Request(PageCall, Asked),
    Answer(PageCall, HttpResult),
}

struct Event {
    at: Timestamp,
    worker: usize,
    life: u64,
    what: What,
}

/// The source: all its states, and since when each was served.
struct Server {
    states: Vec<(Timestamp, BTreeMap<String, String>)>,
    etags: bool,
    deltas: bool,
    pages: usize,
}

struct World {
    now: Cell<Timestamp>,
    weather: Cell<Weather>,
    prng: RefCell<Prng>,
    store: MemoryStore,
    /// Those of the newest configuration, and behind them those of the one before.
    workers: Vec<RefCell<Worker>>,
    events: RefCell<Vec<Event>>,
    server: RefCell<Server>,
    depth: Cell<u32>,
    lives: Cell<u64>,
    last_crash: Cell<Timestamp>,
    last_end: Cell<Timestamp>,
    /// Which configuration is the newest, and since when.
    newest: Cell<(u64, Timestamp)>,
    reloads: Cell<u64>,
    checks: Cell<u64>,
    newest_seen: Cell<usize>,
    halted_at: Cell<Timestamp>,
}

/// Shared data under a worker that may be halted before each access.
struct Halting<'a>(&'a World);

impl SharedStore for Halting<'_> {
    fn get(&self, key: &str) -> Option<Versioned> {
        self.0.maybe_halt();
        self.0.store.get(key)
    }

    fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError> {
        self.0.maybe_halt();
        self.0.store.set(key, value, expect)
    }
}

impl Server {
    fn change(&mut self, now: Timestamp, prng: &mut Prng) {
        let number = self.states.len();
        let mut state = self.states.last().map(|(_, state)| state.clone()).unwrap_or_default();
        let many = prng.number().is_multiple_of(2);
        for _ in 0..if many { CLIENTS } else { 1 + prng.number() % 3 } {
            let client = format!("c{}", prng.number() % CLIENTS);
            match prng.number() % 3 {
                0 => state.remove(&client),
                1 => state.insert(client, "revoked".into()),
                _ => state.insert(client, format!("tier-{number}")),
            };
        }
        state.insert(STATE.into(), number.to_string());
        self.states.push((now, state));
    }

    fn newest(&self) -> usize {
        self.states.len() - 1
    }

    fn row(client: &str, tier: Option<&String>) -> String {
        match tier.map(String::as_str) {
            Some("revoked") => {
                format!(r#"{{"api":"a","client_id":"{client}","status":"revoked"}}"#)
            }
            Some(tier) => row(client, tier),
            None => format!(r#"{{"api":"a","client_id":"{client}","status":"removed"}}"#),
        }
    }

    fn respond(&self, asked: &Asked, prng: &mut Prng) -> HttpResult {
        let newest = self.newest();
        if let Some((_, since)) = asked.path.split_once("since=") {
            return self.delta(since.parse().unwrap(), prng);
        }
        let (number, page) = match asked.path.split_once("state=") {
            Some((_, rest)) => {
                let (number, page) = rest.split_once("&page=").unwrap();
                (number.parse().unwrap(), page.parse().unwrap())
            }
            None => (newest, 0),
        };
        let etag = format!("\"{number}-{page}\"");
        if asked.etag.as_ref() == Some(&etag) {
            return answer(304, &[], "");
        }
        let state = &self.states[number].1;
        let per_page = state.len().div_ceil(self.pages);
        let rows = state.iter().skip(page * per_page).take(per_page);
        let rows: Vec<_> = rows.map(|(c, tier)| Self::row(c, Some(tier))).collect();
        let cursor = if self.deltas { format!(r#""{number}""#) } else { "null".into() };
        let body = format!(r#"{{"contracts":[{}],"cursor":{cursor}}}"#, rows.join(","));
        let link = format!("<?state={number}&page={}>; rel=\"next\"", page + 1);
        let mut headers = vec![("content-type", "application/json")];
        if self.etags {
            headers.push(("etag", &etag));
        }
        if page + 1 < self.pages {
            headers.push(("link", &link));
        }
        answer(200, &headers, body)
    }

    fn delta(&self, since: usize, prng: &mut Prng) -> HttpResult {
        if prng.number().is_multiple_of(10) {
            return answer(410, &[], "");
        }
        let mut changes = Vec::new();
        for (old, new) in self.states[since..].iter().zip(&self.states[since + 1..]) {
            for client in old.1.keys().filter(|client| !new.1.contains_key(*client)) {
                changes.push(Self::row(client, None));
            }
            for (client, tier) in new.1.iter().filter(|(c, tier)| old.1.get(*c) != Some(*tier)) {
                changes.push(Self::row(client, Some(tier)));
            }
        }
        let newest = self.newest();
        ok(format!(r#"{{"changes":[{}],"cursor":"{newest}"}}"#, changes.join(",")))
    }
}

impl World {
    fn new(seed: u64) -> Rc<Self> {
        let mut prng = Prng::new(seed);
        let now = Timestamp::from_secs(START);
        let mut server = Server {
            states: Vec::new(),
            etags: prng.number().is_multiple_of(2),
            deltas: prng.number().is_multiple_of(2),
            pages: if prng.number().is_multiple_of(2) { 1 } else { 3 },
        };
        server.change(now, &mut prng);
        let world = Self {
            now: Cell::new(now),
            weather: Cell::new(CALM),
            prng: RefCell::new(prng),
            store: MemoryStore::default(),
            workers: Vec::new(),
            events: RefCell::default(),
            server: RefCell::new(server),
            depth: Cell::new(0),
            lives: Cell::new(0),
            last_crash: Cell::new(now),
            last_end: Cell::default(),
            newest: Cell::new((0, now)),
            reloads: Cell::new(0),
            checks: Cell::new(0),
            newest_seen: Cell::new(0),
            halted_at: Cell::new(now),
        };
        let workers = (0..2 * WORKERS).map(|_| RefCell::new(world.born())).collect::<Vec<_>>();
        workers[WORKERS..].iter().for_each(|worker| worker.borrow_mut().life = 0);
        let world = Self { workers, ..world };
        for worker in 0..WORKERS {
            let life = world.workers[worker].borrow().life;
            world.schedule(world.random(250), worker, life, What::Tick);
        }
        Rc::new(world)
    }

    fn random(&self, below: u64) -> u64 {
        self.prng.borrow_mut().number() % below.max(1)
    }

    fn chance(&self, of_1000: u64) -> bool {
        self.random(1000) < of_1000
    }

    fn born(&self) -> Worker {
        self.lives.set(self.lives.get() + 1);
        // Every configuration has settings of its own, which come to the same.
        let configuration = self.newest.get().0;
        let refresh = REFRESH - Duration::from_micros(configuration);
        let source = FeedSettings { refresh, ..source_settings() };
        let settings = ContractSettings { source: Some(source), ..settings() };
        Worker {
            contracts: Contracts::new(Rc::new(settings), "t", self.prng.borrow_mut().number() | 1),
            configuration,
            life: self.lives.get(),
            ends: None,
            last_event: self.now.get(),
            seen: 0,
        }
    }

    fn schedule(&self, after: u64, worker: usize, life: u64, what: What) {
        let at = self.now.get().plus(Duration::from_millis(after));
        self.events.borrow_mut().push(Event { at, worker, life, what });
    }

    /// New workers come beside the ones that are there; half the time they do just the same.
    fn reload(&self) {
        let now = self.now.get();
        self.reloads.set(self.reloads.get() + 1);
        if self.chance(500) {
            self.newest.set((self.newest.get().0 + 1, now));
        }
        for seat in 0..WORKERS {
            let mut old = self.workers[seat].replace(self.born());
            for event in self.events.borrow_mut().iter_mut().filter(|event| event.life == old.life) {
                event.worker = WORKERS + seat;
            }
            old.ends = Some(now.plus(Duration::from_millis(self.random(6000))));
            let mut older = self.workers[WORKERS + seat].replace(old);
            self.end(&mut older);
            let life = self.workers[seat].borrow().life;
            self.schedule(self.random(40), seat, life, What::Tick);
        }
    }

    /// The worker goes away, and half the time is not even told.
    fn end(&self, worker: &mut Worker) {
        if worker.life != 0 && (worker.contracts.polls() || self.chance(500)) {
            self.last_end.set(self.now.get());
            worker.contracts.on_end(&self.store);
        }
        worker.life = 0;
    }

    /// Runs the earliest event of a worker that is not in the middle of one.
    fn step(&self) {
        if self.depth.get() == 0 && self.chance(self.weather.get().reloads) {
            self.reload();
        }
        let event = {
            let mut events = self.events.borrow_mut();
            let free = |event: &Event| self.workers[event.worker].try_borrow_mut().is_ok();
            let earliest = (0..events.len()).filter(|at| free(&events[*at]));
            let Some(earliest) = earliest.min_by_key(|at| events[*at].at) else {
                return;
            };
            events.swap_remove(earliest)
        };
        self.now.set(self.now.get().max(event.at));
        if self.random(self.weather.get().steady) == 0 {
            let (now, prng) = (self.now.get(), &mut self.prng.borrow_mut());
            self.server.borrow_mut().change(now, prng);
        }
        let mut worker = self.workers[event.worker].borrow_mut();
        let ended = worker.ends.is_some_and(|end| end <= self.now.get());
        if worker.life == event.life && ended {
            self.end(&mut worker);
        } else if worker.life == event.life {
            self.run(event, &mut worker);
        }
    }

    fn run(&self, event: Event, worker: &mut Worker) {
        let weather = self.weather.get();
        let started = self.now.get();
        let now = started;
        let store = Halting(self);
        let actions = match event.what {
            What::Request(id, asked) => {
                let result = if self.chance(weather.failures * 10) {
                    let mishap = self.random(4);
                    [HttpResult::Failed(NoAnswer::TimedOut), answer(500, &[], ""), ok("{"), answer(302, &[], "")]
                        [mishap as usize]
                        .clone()
                } else {
                    self.server.borrow().respond(&asked, &mut self.prng.borrow_mut())
                };
                let what = What::Answer(id, result);
                return self.schedule(self.random(weather.delay), event.worker, event.life, what);
            }
            What::Tick => {
                let apart = now.since(self.last_crash.get()) >= weather.calm_after_crash;
                let may_crash = weather.at_work || !worker.contracts.polls();
                if apart && may_crash && worker.ends.is_none() && self.chance(weather.crashes) {
                    self.last_crash.set(now);
                    *worker = self.born();
                }
                let late = if weather.halts > 0 { self.random(400) } else { 0 };
                self.schedule(250 + late, event.worker, worker.life, What::Tick);
                worker.contracts.on_tick(&store, now)
            }
            What::Continue => worker.contracts.on_yield(&store, now),
            What::Answer(id, result) => worker.contracts.on_answer(id, result, &store, now),
        };
        let now = self.now.get();
        if now == started {
            worker.last_event = now;
        }
        for action in actions {
            let (after, what) = match action {
                Action::Call(id, call) => {
                    // Halted in between, it could not know that another took over.
                    if now == started {
                        self.check_alone(event.worker, &worker.contracts, now);
                    }
                    self.check_newest(worker, now);
                    (self.random(weather.delay), What::Request(id, asked(&call)))
                }
                Action::Yield => (self.random(5), What::Continue),
                Action::Log(..) => continue,
            };
            self.schedule(after, event.worker, worker.life, what);
        }
        self.check(worker);
    }

    /// In a storm: halts the worker that is running, and lets the others go on.
    fn maybe_halt(&self) {
        if self.depth.get() >= 3 || !self.chance(self.weather.get().halts) {
            return;
        }
        if self.depth.get() == 0 {
            self.halted_at.set(self.now.get());
        } else if self.now.get().since(self.halted_at.get()) > LONGEST_HALT {
            return;
        }
        self.depth.set(self.depth.get() + 1);
        let for_long = self.chance(300);
        let end = self.now.get().plus(Duration::from_millis(self.random(if for_long { 9000 } else { 30 })));
        for _ in 0..200 {
            self.step();
            if self.now.get() >= end {
                break;
            }
        }
        self.depth.set(self.depth.get() - 1);
    }

    /// Nobody whose lease cannot have ended polls when another begins, unless they were outranked, perhaps by one that
    /// went away since: then they find out before they do anything.
    fn check_alone(&self, worker: usize, contracts: &Contracts, now: Timestamp) {
        if now.since(self.last_end.get()) < LEASE {
            return;
        }
        let claimant = contracts.claimant().expect("it had a tick");
        for (number, other) in self.workers.iter().enumerate() {
            let Ok(other) = other.try_borrow() else {
                continue;
            };
            let outranked = other.contracts.claimant().is_some_and(|other| claimant.outranks(&other));
            if number != worker && other.life != 0 && other.contracts.polls() && !outranked {
                let idle = now.since(other.last_event);
                assert!(idle >= LEASE / 2, "{worker} polls, {number} was busy {idle:?} ago");
            }
        }
    }

    /// A second after a new configuration came, nobody polls for an older one. (When workers die or are halted,
    /// others may for a while.)
    fn check_newest(&self, worker: &Worker, now: Timestamp) {
        let (newest, since) = self.newest.get();
        let weather = self.weather.get();
        let orderly = weather.reloads > 0 && weather.crashes == 0 && weather.halts == 0;
        if orderly && now.since(since) > Duration::from_secs(1) {
            assert_eq!(worker.configuration, newest);
        }
    }

    /// What the worker sees is a state of the source, whole, and none older than it has seen before; and so is what
    /// a newcomer sees, who has nothing to remember.
    fn check(&self, worker: &mut Worker) {
        worker.seen = self.look(&mut worker.contracts).map_or(worker.seen, |number| {
            assert!(number >= worker.seen, "from {} back to {number}", worker.seen);
            number
        });
        let before = self.newest_seen.get();
        if self.chance(700) {
            return;
        }
        if let Some(number) = self.look(&mut self.born().contracts) {
            assert!(number >= before, "a newcomer sees {number} after {before}");
            self.newest_seen.set(number.max(self.newest_seen.get()));
        }
    }

    /// The state that somebody sees; `None` when another came into force while they looked.
    fn look(&self, contracts: &mut Contracts) -> Option<usize> {
        let store = Halting(self);
        let now = self.now.get();
        let mut find = |client: &str| {
            let holding = contracts.find("a", "p", Some(client), &store, now);
            (tier(holding), contracts.generation())
        };
        let (state, generation) = find(STATE);
        let offset = self.random(CLIENTS);
        let clients: Vec<_> = (0..40).map(|n| format!("c{}", (offset + n * 7) % CLIENTS)).collect();
        let found: Vec<_> = clients.iter().map(|client| find(client)).collect();
        if found.iter().any(|(_, then)| *then != generation) {
            return None;
        }
        if state == "?" {
            assert_eq!(self.newest_seen.get(), 0, "loaded once, always loaded");
            return None;
        }
        let number: usize = state.parse().unwrap();
        let server = self.server.borrow();
        let served = &server.states[number].1;
        for (client, (found, _)) in clients.iter().zip(found) {
            let wanted = match served.get(client).map(String::as_str) {
                None => "-",
                Some("revoked") => "Revoked",
                Some(tier) => tier,
            };
            assert_eq!(found, wanted, "{client} in state {number}");
        }
        self.checks.set(self.checks.get() + 1);
        Some(number)
    }

    /// Every worker sees whatever has been served for longer than `bound`.
    fn check_bound(&self, bound: Duration) {
        let now = self.now.get();
        let server = self.server.borrow();
        let old = |(since, _): &&(Timestamp, _)| now.since(*since) > bound;
        let due = server.states.iter().filter(old).count().saturating_sub(1);
        for worker in &self.workers {
            let worker = worker.borrow();
            // A worker that was only just born has not seen anything yet.
            let lives = worker.life != 0 && now.since(worker.last_event) < Duration::from_secs(1);
            if lives && worker.contracts.generation() > 0 {
                assert!(worker.seen >= due, "sees {} when {due} is due", worker.seen);
            }
        }
    }

    fn pass(&self, span: Duration, mut each: impl FnMut()) {
        let end = self.now.get().plus(span);
        while self.now.get() < end {
            self.step();
            each();
        }
    }

    fn converges_within(&self, bound: Duration) {
        let end = self.now.get().plus(bound);
        let newest = self.server.borrow().newest();
        let behind = |worker: &RefCell<Worker>| worker.borrow().life != 0 && worker.borrow().seen < newest;
        while self.workers.iter().any(behind) {
            assert!(self.now.get() < end, "not converged");
            self.step();
        }
    }
}

#[test]
fn in_calm_weather_every_change_is_in_force_in_time() {
    for seed in 0..4 {
        let world = World::new(seed);
        world.pass(Duration::from_secs(5), || {});
        let bound = REFRESH + Duration::from_secs(1);
        world.pass(Duration::from_secs(60), || world.check_bound(bound));
        world.converges_within(bound);
        assert!(world.checks.get() > 1000);
    }
}

#[test]
fn a_crash_makes_no_change_late_unless_it_comes_in_a_poll_and_then_by_no_more_than_a_lease() {
    for seed in 100..108 {
        let at_work = seed % 4 == 0;
        let world = World::new(seed);
        world.pass(Duration::from_secs(5), || {});
        world.weather.set(Weather { at_work, ..CRASHES });
        let bound = REFRESH + Duration::from_secs(1) + if at_work { LEASE } else { Duration::ZERO };
        world.pass(Duration::from_secs(120), || world.check_bound(bound));
        world.converges_within(bound);
        assert!(world.last_crash.get() > Timestamp::from_secs(START + 60), "somebody died");
    }
}

#[test]
fn the_newest_configuration_polls_and_no_change_is_late_for_that() {
    for seed in 300..308 {
        let world = World::new(seed);
        world.pass(Duration::from_secs(5), || {});
        world.weather.set(RELOADS);
        let bound = REFRESH + Duration::from_secs(1);
        world.pass(Duration::from_secs(120), || world.check_bound(bound));
        world.converges_within(bound);
        assert!(world.reloads.get() >= 5, "{:?}", world.reloads.get());
    }
}

#[test]
fn after_a_storm_all_see_the_same_and_never_half_of_it() {
    for seed in 200..212 {
        let world = World::new(seed);
        world.weather.set(STORM);
        world.pass(Duration::from_secs(100), || {});
        world.weather.set(CALM);
        let backoff = crate::feed::schedule::LONGEST_BACKOFF;
        world.converges_within(backoff + REFRESH + LEASE);
    }
}
