//! A whole process in disorder: workers that crash, messages out of order, callers that hang up, a server that fails.

use super::super::flights::{Flight, MAX_WAITERS, Phase};
use super::super::message::{self, Completion, Message};
use super::super::outbox::{MAX_DEPTH, Outbox, Task};
use super::random::Random;
use super::*;
use crate::base::http::NoAnswer;
use std::collections::{BTreeMap, BTreeSet};

const TICK: u64 = 250;
const TIMEOUT: u64 = 1_500;
const RETRIES: u64 = 1;
/// Guarantee: the longest that a request may wait.
const PATIENCE: u64 = (RETRIES + 1) * TIMEOUT + 1_000;
const MAX_TTL: u64 = 4_000;
const SKEW: u64 = 500;
/// The longest that the event loops take to pass a message on.
const MAIL: u64 = 20;
/// The longest until a turn comes that a worker has asked itself for, less one.
const TURN: u64 = 3;
/// Guarantee: a token whose question failed is not asked about for so long.
const PAUSE: u64 = 1_000;

/// How disorderly a run is.
#[derive(Clone, Copy)]
struct Disorder {
    seed: u64,
    workers: u32,
    tokens: u64,
    requests: u64,
    /// Requests arrive within this time, in milliseconds.
    span: u64,
    hang_ups: u64,
    crashes: u64,
    /// Share of calls that fail in one of several ways.
    failures: u64,
    max_ttl: u64,
    stale_if_error: u64,
    max_age: Option<u64>,
    /// Whether a server that fails asks to be left alone.
    holds: bool,
    /// The longest that a worker is halted after it took the time of a request.
    halts: u64,
}

#[derive(Debug)]
enum Event {
    Arrive {
        worker: usize,
        token: u64,
    },
    HangUp {
        worker: usize,
        stream: StreamId,
    },
    /// To the worker that reads this queue, if it is still there.
    Message {
        queue: u32,
        message: Vec<u8>,
    },
    /// The server has read the call, and decides.
    Served {
        queue: u32,
        call: CallId,
        token: u64,
        after: u64,
        fails: Option<HttpResult>,
    },
    Result {
        queue: u32,
        call: CallId,
        token: u64,
        result: HttpResult,
    },
    Tick {
        worker: usize,
    },
    Crash {
        worker: usize,
    },
    Revoke {
        token: u64,
    },
}

/// One worker, and what its host is still to do.
struct Seat {
    queue: u32,
    worker: Worker,
    outbox: Outbox,
    /// How much its host has done since the stack was empty.
    depth: usize,
}

/// What a worker's host may carry out now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    /// As much as the stack allows.
    All,
    /// Nothing: the host is inside another callback.
    Nothing,
}

struct Process {
    disorder: Disorder,
    random: Random,
    store: MemoryStore,
    settings: Rc<Settings>,
    workers: Vec<Seat>,
    now: u64,
    sequence: u64,
    agenda: BTreeMap<(u64, u64), Event>,
    revoked: BTreeMap<u64, u64>,
    /// Requests that wait: when they arrived, and with which token.
    waiting: BTreeMap<StreamId, (u64, u64, usize)>,
    /// Those of them whose end is decided.
    decided: BTreeSet<StreamId>,
    /// Calls under way, by the worker's queue and the token.
    calls: BTreeMap<(u32, u64), CallId>,
    /// When a question failed, by the worker's queue and the token.
    failed: BTreeMap<(u32, u64), u64>,
    /// Until when the server wants to be left alone, by the queue of the worker that was told.
    held: BTreeMap<u32, u64>,
    next_stream: u32,
    next_queue: u32,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    calls: BTreeMap<u64, u64>,
    allowed: u64,
    stale: u64,
    held: u64,
    refused: BTreeMap<&'static str, u64>,
    hung_up: u64,
    lost: u64,
}

fn text(token: u64) -> String {
    format!("t0ken-{token}")
}

/// Token 0 lacks the scope, token 1 has expired in the middle of the run, token 2 was never good.
fn introspection(token: u64, active: bool, now: u64) -> HttpResult {
    let scope = if token == 0 { "other" } else { "read" };
    let end = at(ends_at(token)).as_millis() / 1000;
    let active = active && token != 2;
    let facts = format!(r#""client_id": "c{token}", "sub": "of {now}", "scope": "{scope}", "exp": {end}"#);
    answer(&format!(r#"{{"active": {active}, {facts}}}"#))
}

fn ends_at(token: u64) -> u64 {
    if token == 1 { 10_000 } else { 1_000_000 }
}

impl Seat {
    fn new(settings: &Rc<Settings>, queue: u32) -> Self {
        Self { queue, worker: super::worker(settings, queue), outbox: Outbox::default(), depth: 0 }
    }
}

impl Process {
    fn new(disorder: Disorder) -> Self {
        let mut sample = Sample::default();
        sample.asked().timeout = Duration::from_millis(TIMEOUT);
        sample.asked().retries = u32::try_from(RETRIES).unwrap();
        sample.provider.checks.clock_skew = Duration::from_millis(SKEW);
        sample.rule.scopes = crate::policy::scopes::ScopeRule::All(vec!["read".into()]);
        sample.cache.max_ttl = Duration::from_millis(disorder.max_ttl);
        sample.rule.max_age = disorder.max_age.map(Duration::from_millis);
        sample.cache.stale_if_error = Duration::from_millis(disorder.stale_if_error);
        sample.cache.negative_ttl = Duration::from_millis(1_000);
        sample.cache.refresh_ahead = true;
        // One set for all tokens, or most likely one for each.
        sample.cache.entries = [8, 1_000][disorder.seed as usize % 2];
        let mut process = Self {
            disorder,
            random: Random::new(disorder.seed),
            store: MemoryStore::default(),
            settings: sample.settings(),
            workers: Vec::new(),
            now: 0,
            sequence: 0,
            agenda: BTreeMap::new(),
            revoked: BTreeMap::new(),
            waiting: BTreeMap::new(),
            decided: BTreeSet::new(),
            calls: BTreeMap::new(),
            failed: BTreeMap::new(),
            held: BTreeMap::new(),
            next_stream: 0,
            next_queue: 0,
            tally: Tally::default(),
        };
        for worker in 0..disorder.workers as usize {
            let queue = process.next_queue();
            process.workers.push(Seat::new(&process.settings, queue));
            let first = process.random.below(TICK);
            process.schedule(first, Event::Tick { worker });
        }
        process.plan();
        process
    }

    fn plan(&mut self) {
        let Disorder { workers, tokens, requests, span, crashes, .. } = self.disorder;
        for _ in 0..requests {
            let event = Event::Arrive {
                worker: self.random.below(u64::from(workers)) as usize,
                token: self.random.below(tokens),
            };
            let when = self.random.below(span);
            self.schedule(when, event);
        }
        for _ in 0..crashes {
            let event = Event::Crash { worker: self.random.below(u64::from(workers)) as usize };
            let when = self.random.below(span);
            self.schedule(when, event);
            let event = Event::Revoke { token: self.random.below(tokens) };
            let when = self.random.below(span);
            self.schedule(when, event);
        }
    }

    fn next_queue(&mut self) -> u32 {
        self.next_queue += 1;
        self.next_queue
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.sequence += 1;
        self.agenda.insert((self.now + after, self.sequence), event);
    }

    fn run(mut self) -> Tally {
        let end = self.disorder.span + PATIENCE + 3 * TICK;
        while let Some(((when, _), event)) = self.agenda.pop_first() {
            if when > end {
                break;
            }
            self.now = when;
            // Numbered as they came: the first one waits longest.
            if let Some((stream, (since, _, _))) = self.waiting.first_key_value() {
                assert!(self.now <= since + PATIENCE, "seed {}: {stream:?} waits too long", self.disorder.seed);
            }
            self.happen(event);
        }
        assert!(self.waiting.is_empty(), "seed {}: {:?} wait for ever", self.disorder.seed, self.waiting);
        for Seat { worker, .. } in &self.workers {
            assert!(worker.is_idle() && worker.flights.is_empty(), "seed {}: something is left", self.disorder.seed);
        }
        for (key, value) in self.store.dump() {
            let shown = format!("{key}{}", String::from_utf8_lossy(&value));
            assert!(!shown.contains("t0ken"), "a token is readable in shared data");
        }
        self.tally
    }

    fn happen(&mut self, event: Event) {
        let (store, now) = (self.store.clone(), at(self.now));
        match event {
            Event::Arrive { worker, token } => self.arrive(worker, token),
            Event::HangUp { worker, stream } => {
                if self.waiting.remove(&stream).is_some() {
                    self.workers[worker].worker.on_stream_gone(stream);
                    self.tally.hung_up += 1;
                }
            }
            Event::Message { queue, message } => {
                self.hear(queue, &message);
                self.begin_turn(queue, message == message::YIELDED);
                self.in_worker(queue, Share::All, |worker| worker.message(&message, &store, now));
            }
            Event::Served { queue, call, token, after, fails } => {
                let active = !self.revoked.contains_key(&token);
                let result = fails.unwrap_or_else(|| introspection(token, active, self.now));
                self.schedule(after, Event::Result { queue, call, token, result });
            }
            Event::Result { queue, call, token, result } => {
                let is_good = matches!(&result, HttpResult::Answered(answer) if answer.status == 200);
                let share = if is_good { Share::All } else { Share::Nothing };
                self.come_back(queue, call, token, &result);
                self.in_worker(queue, share, |worker| worker.result(call, result, &store, now));
            }
            Event::Tick { worker } => {
                let queue = self.workers[worker].queue;
                self.give_up(queue);
                self.begin_turn(queue, false);
                self.in_worker(queue, Share::All, |worker| worker.tick(&store, now));
                self.schedule(TICK, Event::Tick { worker });
            }
            Event::Crash { worker } => self.crash(worker),
            Event::Revoke { token } => {
                self.revoked.entry(token).or_insert(self.now);
            }
        }
    }

    fn arrive(&mut self, worker: usize, token: u64) {
        self.next_stream += 1;
        let stream = StreamId(self.next_stream);
        let halted = if self.disorder.halts > 0 { self.random.below(self.disorder.halts) } else { 0 };
        let (store, now) = (self.store.clone(), at(self.now).minus(Duration::from_millis(halted)));
        let Seat { queue, worker: target, .. } = &mut self.workers[worker];
        let (disposition, effects) = target.request(stream, &bearing(&text(token)), &store, now);
        let queue = *queue;
        match disposition {
            Disposition::Ended(ending) => self.judge(queue, token, self.now, &ending),
            Disposition::Waits => {
                self.waiting.insert(stream, (self.now, token, worker));
                if self.random.percent(self.disorder.hang_ups) {
                    let after = self.random.below(2_000);
                    self.schedule(after, Event::HangUp { worker, stream });
                }
            }
        }
        self.in_request(queue, effects);
    }

    /// What a request's callback brought about. It is an event of its own, and does no more than send its call.
    fn in_request(&mut self, queue: u32, effects: Vec<Effect>) {
        self.check(queue, &effects);
        let Some(seat) = self.seat(queue) else { return };
        seat.worker.check_calls();
        if let Some((id, call)) = seat.outbox.extend_from_request(effects) {
            self.send(queue, id, &call);
        }
        self.ask_for_turns(queue);
    }

    /// A worker is gone with all its requests; another one takes its place.
    fn crash(&mut self, worker: usize) {
        let queue = self.next_queue();
        let gone = std::mem::replace(&mut self.workers[worker], Seat::new(&self.settings, queue));
        self.calls.retain(|(queue, _), _| *queue != gone.queue);
        let before = self.waiting.len();
        self.waiting.retain(|_, (_, _, at)| *at != worker);
        self.tally.lost += (before - self.waiting.len()) as u64;
    }

    fn seat(&mut self, queue: u32) -> Option<&mut Seat> {
        self.workers.iter_mut().find(|seat| seat.queue == queue)
    }

    /// A turn on an empty stack.
    fn begin_turn(&mut self, queue: u32, asked_for: bool) {
        let Some(seat) = self.seat(queue) else { return };
        seat.outbox.begin_turn();
        seat.depth = 0;
        if asked_for {
            seat.outbox.turn_came();
        }
    }

    /// An event in a worker, and as much of what it and earlier ones brought about as is to be done now.
    fn in_worker(&mut self, queue: u32, share: Share, event: impl FnOnce(&mut Worker) -> Vec<Effect>) {
        // A worker that is gone hears nothing.
        let Some(seat) = self.seat(queue) else { return };
        let effects = event(&mut seat.worker);
        seat.worker.check_calls();
        self.decide(queue, effects);
        while let Some(seat) = self.seat(queue) {
            let task = match share {
                Share::All => seat.outbox.pop(),
                Share::Nothing => None,
            };
            let Some(task) = task else { break };
            seat.depth += 1;
            let depth = seat.depth;
            assert!(depth <= MAX_DEPTH, "seed {}: {depth} things inside one another", self.disorder.seed);
            self.carry_out(queue, task);
        }
        self.ask_for_turns(queue);
    }

    fn ask_for_turns(&mut self, queue: u32) {
        let turns = self.seat(queue).map(|seat| seat.outbox.ask_for_turns()).unwrap_or_default();
        for _ in 0..turns {
            let after = self.random.below(TURN);
            self.schedule(after, Event::Message { queue, message: message::YIELDED.to_vec() });
        }
    }

    /// Holds what a worker wants done against the truth of now, and puts it behind what its host is still to do.
    fn decide(&mut self, queue: u32, effects: Vec<Effect>) {
        self.check(queue, &effects);
        if let Some(seat) = self.seat(queue) {
            seat.outbox.extend(effects);
        }
    }

    fn check(&mut self, queue: u32, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Call(id, call) => self.ask(queue, *id, call),
                Effect::End(stream, ending) => {
                    let Some((since, token, _)) = self.waiting.get(stream).copied() else {
                        panic!("seed {}: {stream:?} is answered, but does not wait", self.disorder.seed);
                    };
                    assert!(self.decided.insert(*stream), "seed {}: {stream:?} is answered twice", self.disorder.seed);
                    self.judge(queue, token, since, ending);
                }
                Effect::Yield => panic!("there is no contract source"),
                Effect::Message(..) | Effect::Log(..) => {}
            }
        }
    }

    fn carry_out(&mut self, queue: u32, task: Task) {
        match task {
            Task::Effect(Effect::Call(id, call)) => self.send(queue, id, &call),
            Task::Effect(Effect::End(stream, _)) => {
                let there = self.seat(queue).is_some_and(|seat| seat.worker.release(stream));
                let waited = self.waiting.remove(&stream).is_some();
                assert_eq!(there, waited, "seed {}: {stream:?} has hung up, or has not", self.disorder.seed);
            }
            Task::Effect(Effect::Message(queue, message)) => {
                let after = self.random.below(MAIL);
                self.schedule(after, Event::Message { queue, message });
            }
            Task::Effect(Effect::Yield | Effect::Log(..)) => {}
            Task::Unsent(call) => {
                let calls =
                    self.calls.iter().find(|((at, _), id)| *at == queue && **id == call).map(|((_, token), _)| *token);
                if let Some(token) = calls {
                    self.come_back(queue, call, token, &HttpResult::Failed(NoAnswer::TimedOut));
                }
                let (store, now) = (self.store.clone(), at(self.now));
                let Some(seat) = self.seat(queue) else { return };
                let effects = seat.worker.result(call, HttpResult::Failed(NoAnswer::TimedOut), &store, now);
                self.decide(queue, effects);
            }
        }
    }

    /// A call is over. If its question waited for it, that is the word on it.
    fn come_back(&mut self, queue: u32, call: CallId, token: u64, result: &HttpResult) {
        if self.calls.get(&(queue, token)) == Some(&call) {
            self.calls.remove(&(queue, token));
        }
        let waits = |flight: &Flight| matches!(flight.phase, Phase::Asking { call: sent, .. } if sent == call);
        if self.seat(queue).is_some_and(|seat| !seat.worker.flights.select(waits).is_empty()) {
            self.learn(queue, token, result);
        }
    }

    /// A worker decides to ask about a token.
    fn ask(&mut self, queue: u32, id: CallId, call: &HttpCall) {
        let token: u64 = asked_token(call).strip_prefix("t0ken-").unwrap().parse().unwrap();
        *self.tally.calls.entry(token).or_default() += 1;
        let other = self.calls.insert((queue, token), id);
        assert_eq!(other, None, "seed {}: token {token} is asked about twice at a time", self.disorder.seed);
        let held = self.held.get(&queue).is_some_and(|until| self.now < *until);
        assert!(!held, "seed {}: the server is not left alone", self.disorder.seed);
        // What has failed in this moment is being retried, or is no failure of the question after all.
        if let Some(failed) = self.failed.remove(&(queue, token)) {
            let since = self.now - failed;
            assert!(since == 0 || since >= PAUSE, "seed {}: asked again after {since} ms", self.disorder.seed);
        }
    }

    /// The call goes out.
    fn send(&mut self, queue: u32, id: CallId, call: &HttpCall) {
        let token: u64 = asked_token(call).strip_prefix("t0ken-").unwrap().parse().unwrap();
        let timeout = u64::try_from(call.timeout.as_millis()).unwrap();
        assert!((1..=TIMEOUT).contains(&timeout));
        if !self.random.percent(self.disorder.failures) {
            let (there, back) = (self.random.below(timeout.min(300)), self.random.below(timeout.min(300)));
            if there + back < timeout {
                self.schedule(there, Event::Served { queue, call: id, token, after: back, fails: None });
                return;
            }
        }
        match self.random.below(4) {
            0 => {
                let when = self.random.below(timeout);
                let fails = Some(self.unwell());
                self.schedule(when, Event::Served { queue, call: id, token, after: 0, fails });
            }
            1 => {
                let when = self.random.below(timeout);
                self.schedule(when, Event::Served { queue, call: id, token, after: 0, fails: Some(status(403)) });
            }
            2 => {
                if let Some(seat) = self.seat(queue) {
                    seat.outbox.unsent(id);
                }
            }
            _ => self.schedule(
                timeout,
                Event::Result { queue, call: id, token, result: HttpResult::Failed(NoAnswer::TimedOut) },
            ),
        }
    }

    /// A server that cannot answer now.
    fn unwell(&self) -> HttpResult {
        match self.disorder.holds {
            true => HttpResult::Answered(HttpAnswer {
                status: 503,
                headers: vec![("retry-after".to_owned(), b"1".to_vec())],
                ..HttpAnswer::default()
            }),
            false => status(503),
        }
    }

    /// What a worker learns from the answer that it is about to get.
    fn learn(&mut self, queue: u32, token: u64, result: &HttpResult) {
        if !matches!(result, HttpResult::Answered(HttpAnswer { status: 200, .. })) {
            self.failed.insert((queue, token), self.now);
        }
        if matches!(result, HttpResult::Answered(answer) if answer.header("retry-after").is_some()) {
            self.hold(queue, 1_000);
        }
    }

    fn hold(&mut self, queue: u32, wait: u64) {
        self.tally.held += 1;
        self.held.insert(queue, self.now + wait);
    }

    /// What a worker learns from the message that it is about to get.
    fn hear(&mut self, queue: u32, message: &[u8]) {
        let Some(Message::Completed(digest, completion)) = message::read(message) else { return };
        let Some(Seat { worker, .. }) = self.seat(queue) else { return };
        let Some(flight) = worker.flights.get(&digest) else { return };
        if !matches!(flight.phase, Phase::Following { .. }) {
            return;
        }
        let token = flight.question.token.expose().strip_prefix("t0ken-").unwrap().parse().unwrap();
        if let Completion::Unavailable(Some(wait)) = completion {
            self.hold(queue, u64::try_from(wait.as_millis()).unwrap());
        }
        if matches!(completion, Completion::Unavailable(_) | Completion::Unusable(_)) {
            self.failed.insert((queue, token), self.now);
        }
    }

    /// Questions whose time is over fail at the tick.
    fn give_up(&mut self, queue: u32) {
        let now = at(self.now);
        let Some(Seat { worker, .. }) = self.workers.iter_mut().find(|seat| seat.queue == queue) else { return };
        for digest in worker.flights.select(|flight| now >= flight.question.deadline) {
            let Some(flight) = worker.flights.get(&digest) else { continue };
            let token = flight.question.token.expose().strip_prefix("t0ken-").unwrap().parse().unwrap();
            self.failed.insert((queue, token), self.now);
        }
    }

    /// Holds a verdict against the truth.
    fn judge(&mut self, queue: u32, token: u64, arrived: u64, ending: &Ending) {
        let seed = self.disorder.seed;
        if ending.is_stale() {
            self.tally.stale += 1;
            let own = self.failed.get(&(queue, token)).is_some_and(|failed| self.now < failed + PAUSE);
            let held = self.held.get(&queue).is_some_and(|until| self.now < *until);
            assert!(own || held, "seed {seed}: token {token} is let pass on stale facts unasked");
        }
        match Judged::by(ending) {
            Judged::Admitted { facts, .. } => {
                self.tally.allowed += 1;
                assert!(facts.contains(&format!("c{token}")), "seed {seed}: facts of another token");
                assert_ne!(token, 0, "seed {seed}: a token without the scope passes");
                assert_ne!(token, 2, "seed {seed}: a token that was never good passes");
                assert!(self.now < ends_at(token) + SKEW, "seed {seed}: an expired token passes");
                let said: u64 = facts.split_once("of ").unwrap().1.split_once('"').unwrap().0.parse().unwrap();
                let age = self.now - said;
                // What was asked after the request had come is as young as it can be.
                let young = self.disorder.max_age.is_none_or(|max_age| age <= max_age || said >= arrived);
                assert!(young, "seed {seed}: what the server said {age} ms ago");
                let since = self.revoked.get(&token).map(|revoked| self.now - revoked);
                // An answer counts from its question on; those who wait for one get it however late it comes.
                let stale = if ending.is_stale() { self.disorder.stale_if_error } else { 0 };
                let bound = (self.disorder.max_ttl + stale).max(TIMEOUT + MAIL);
                assert!(since.is_none_or(|since| since < bound), "seed {seed}: revoked for {since:?} ms");
            }
            Judged::Refused(outcome, _) => {
                *self.tally.refused.entry(outcome.name()).or_default() += 1;
                let honest = match outcome {
                    Outcome::InsufficientScope => token == 0,
                    Outcome::Expired => token == 1 && self.now >= ends_at(1) + SKEW,
                    Outcome::Inactive => token == 2 || self.revoked.contains_key(&token),
                    Outcome::ProviderUnavailable | Outcome::ProviderError => self.disorder.failures > 0,
                    _ => false,
                };
                assert!(honest, "seed {seed}: token {token} is refused as {outcome:?} at {}", self.now);
            }
        }
    }
}

#[test]
fn every_request_is_answered_once_in_time_and_by_the_truth() {
    let mut seen = BTreeSet::new();
    let (mut lost, mut hung_up, mut allowed, mut stale, mut held) = (0, 0, 0, 0, 0);
    for seed in 0..200 {
        let tally = Process::new(Disorder {
            seed,
            workers: 1 + u32::try_from(seed % 5).unwrap(),
            tokens: 6,
            requests: 400,
            span: 15_000,
            hang_ups: 20,
            crashes: seed % 7,
            failures: [0, 10, 40, 100][seed as usize % 4],
            max_ttl: MAX_TTL,
            stale_if_error: [0, 2_000, 60_000][seed as usize % 3],
            max_age: (seed % 8 > 4).then_some(150),
            holds: seed % 5 == 0,
            halts: 0,
        })
        .run();
        seen.extend(tally.refused.keys().copied());
        lost += tally.lost;
        hung_up += tally.hung_up;
        allowed += tally.allowed;
        stale += tally.stale;
        held += tally.held;
    }
    // The disorder was one.
    assert!(lost > 50 && hung_up > 100 && allowed > 10_000, "{lost} {hung_up} {allowed}");
    assert!(stale > 100 && held > 50, "{stale} {held}");
    for outcome in ["inactive", "insufficient_scope", "expired", "provider_unavailable", "provider_error"] {
        assert!(seen.contains(outcome), "{outcome} never happened");
    }
}

#[test]
fn a_cold_token_is_asked_about_once_in_a_process_in_order() {
    for seed in 0..100 {
        let tally = Process::new(Disorder {
            seed,
            workers: 4,
            tokens: 8,
            requests: 300,
            span: 600,
            hang_ups: 20,
            crashes: 0,
            failures: 0,
            max_ttl: 600_000,
            stale_if_error: 0,
            max_age: None,
            holds: false,
            halts: [0, 50][seed as usize / 2 % 2],
        })
        .run();
        let calls: Vec<u64> = (0..8).map(|token| tally.calls.get(&token).copied().unwrap_or_default()).collect();
        // The answer for token 2 is kept for a second, less up to a tenth, and all requests come within that.
        assert_eq!(calls, [1; 8], "seed {seed}");
    }
}

#[test]
fn as_many_as_may_wait_are_answered_in_time_a_little_in_each_turn() {
    let waiters = MAX_WAITERS as u64;
    for seed in 0..4 {
        let failures = [0, 100][seed as usize % 2];
        let tally = Process::new(Disorder {
            seed,
            workers: 1 + u32::try_from(seed % 3).unwrap(),
            tokens: [8, 900][seed as usize / 2 % 2],
            requests: waiters,
            span: 5,
            hang_ups: 30,
            crashes: 0,
            failures,
            max_ttl: 600_000,
            stale_if_error: 0,
            max_age: None,
            holds: false,
            halts: 0,
        })
        .run();
        let answered = tally.allowed + tally.refused.values().sum::<u64>();
        assert!(answered <= waiters && answered + tally.hung_up >= waiters, "seed {seed}: {tally:?}");
        assert_eq!(tally.allowed > waiters / 3, failures == 0, "seed {seed}: {tally:?}");
    }
}
