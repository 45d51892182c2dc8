//! A process with its workers as Envoy drives them, and servers that tell the truth, or fail.

use super::Tally;
use super::configurations::{self, Configuration, TIMEOUT};
use super::history::{Outside, Plan};
use super::judge::{Asked, Came, HOLD, Heard, Judge, Who};
use super::truth::{START, STRANGERS, TOKENS, Truth};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tessera_core::base::headers::HeaderMap;
use tessera_core::base::http::{Body, HttpAnswer, HttpCall, HttpResult, NoAnswer};
use tessera_core::base::time::Timestamp;
use tessera_core::engine::effect::{CallId, Cx, Disposition, Effect, Ending, StreamId};
use tessera_core::engine::message::{self, Message};
use tessera_core::engine::outbox::{Outbox, Task};
use tessera_core::engine::worker::{Worker, WorkerId};
use tessera_core::jose::verify::Verifier;
use tessera_core::port::memory::{FixedRandom, MemoryStore, NoSignatures};
use tessera_core::token::digest::{Digest, TokenNames};

const TICK: u64 = 250;
/// The longest that the event loops take to pass a message on,
pub const MAIL: u64 = 20;
/// and that an answer takes on its way back.
pub const BACK: u64 = 100;
/// More than this inside one another, and V8's stack overflows before long.
const DEEPEST: usize = 100;

thread_local! {
    static CONFIGURATIONS: Rc<Vec<Configuration>> = Rc::new(configurations::all());
    static NAMES: BTreeMap<Digest, u64> = (0..TOKENS + STRANGERS)
        .map(|token| (TokenNames::new("main").name(Truth::text(token).as_bytes()), token))
        .collect();
}

enum Event {
    Outside(Outside),
    HangUp {
        queue: u32,
        stream: StreamId,
    },
    Message {
        queue: u32,
        message: Vec<u8>,
    },
    /// A server decides what it answers, and the answer comes so much later.
    Served {
        queue: u32,
        call: CallId,
        asked: Asked,
        after: u64,
    },
    Result {
        queue: u32,
        call: CallId,
        asked: Asked,
        result: HttpResult,
    },
    Tick {
        queue: u32,
    },
}

/// A worker, and what its host still has to do.
struct Seat {
    queue: u32,
    configuration: usize,
    worker: Worker,
    outbox: Outbox,
    depth: usize,
    endings: usize,
    waiting: BTreeMap<StreamId, Waiting>,
    /// Those whose end is decided, and not yet carried out.
    decided: BTreeSet<StreamId>,
    /// Introspections that have been decided on and have not come back, by the token.
    asking: BTreeSet<u64>,
    /// When a caller last came with a token.
    shown: BTreeMap<u64, u64>,
    who: Who,
}

#[derive(Clone, Copy)]
struct Waiting {
    since: u64,
    token: u64,
    path: &'static str,
}

pub struct Process {
    plan: Plan,
    configurations: Rc<Vec<Configuration>>,
    store: MemoryStore,
    seats: Vec<Seat>,
    now: u64,
    /// How far the wall clock is from where it would be.
    offset: i64,
    agenda: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    queues: u32,
    streams: u32,
    judge: Judge,
    tally: Tally,
}

impl Process {
    pub fn new(plan: Plan) -> Self {
        let configurations = CONFIGURATIONS.with(Rc::clone);
        let mut process = Self {
            judge: Judge::new(&plan, &configurations),
            configurations,
            store: MemoryStore::default(),
            seats: Vec::new(),
            now: 0,
            offset: 0,
            agenda: BTreeMap::new(),
            sequence: 0,
            queues: 0,
            streams: 0,
            tally: Tally::new(),
            plan,
        };
        for configuration in process.plan.seats.clone() {
            let seat = process.seat_with(configuration);
            process.seats.push(seat);
        }
        process.tell_tenants();
        for (at, event) in process.plan.events.clone() {
            process.schedule(at, Event::Outside(event));
        }
        process
    }

    /// A new worker; its first tick comes soon.
    fn seat_with(&mut self, configuration: usize) -> Seat {
        self.queues += 1;
        let queue = self.queues;
        let settings = Rc::clone(&self.configurations[configuration].settings);
        let id = WorkerId { number: u64::from(queue) + self.plan.seed * 1000, queue };
        let worker = Worker::new(settings, Verifier::default(), id);
        let first = 5 + self.plan.random.below(20);
        self.schedule(first, Event::Tick { queue });
        Seat {
            queue,
            configuration,
            worker,
            outbox: Outbox::default(),
            depth: 0,
            endings: 0,
            waiting: BTreeMap::new(),
            decided: BTreeSet::new(),
            asking: BTreeSet::new(),
            shown: BTreeMap::new(),
            who: Who { queue, entries: self.configurations[configuration].entries },
        }
    }

    fn tell_tenants(&mut self) {
        let tenants: Vec<_> = self.seats.iter().map(|seat| self.configurations[seat.configuration].tenant).collect();
        self.judge.there_are(&tenants, self.now);
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.sequence += 1;
        self.agenda.insert((self.now + after, self.sequence), event);
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis((START + self.now).saturating_add_signed(self.offset))
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    fn seat(&mut self, queue: u32) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.queue == queue)
    }

    pub fn run(mut self) -> Tally {
        let end = self.plan.span + Judge::PATIENCE + 4 * TICK;
        while let Some(((at, _), event)) = self.agenda.pop_first() {
            if at > end {
                break;
            }
            self.now = at;
            for seat in &self.seats {
                for waiting in seat.waiting.values() {
                    self.judge.may_wait(waiting.since, self.now);
                }
            }
            self.happen(event);
        }
        for seat in &self.seats {
            let left = seat.waiting.values().filter(|waiting| waiting.since + Judge::PATIENCE < self.now).count();
            assert_eq!(left, 0, "seed {}: requests wait for ever", self.plan.seed);
        }
        self.judge.check_store(&self.store.dump());
        self.tally
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Outside(event) => self.outside(event),
            Event::HangUp { queue, stream } => {
                let Some(seat) = self.seat(queue) else { return };
                if seat.waiting.remove(&stream).is_some() {
                    seat.worker.on_stream_gone(stream);
                    self.count("hung up");
                }
            }
            Event::Message { queue, message } => {
                self.hear(queue, &message);
                self.begin_turn(queue);
                if message == message::YIELDED
                    && let Some(seat) = self.seat(queue)
                {
                    seat.outbox.turn_came();
                }
                self.in_worker(queue, true, |worker, cx| worker.on_message(&message, cx));
            }
            Event::Served { queue, call, asked, after } => {
                let result = self.served(&asked);
                self.schedule(after, Event::Result { queue, call, asked, result });
            }
            Event::Result { queue, call, asked, result } => self.come_back(queue, call, &asked, result),
            Event::Tick { queue } => {
                let Some(seat) = self.seat(queue) else { return };
                seat.outbox.forget_turns();
                self.in_worker(queue, false, Worker::on_tick);
                self.schedule(TICK, Event::Tick { queue });
            }
        }
    }

    fn outside(&mut self, event: Outside) {
        match event {
            Outside::Request { seat, token, path, hangs_up } => self.arrive(seat, token, path, hangs_up),
            Outside::Death { seat } => {
                let Seat { configuration, who, .. } = self.seats[seat];
                self.seats[seat] = self.seat_with(configuration);
                self.judge.is_gone(who, self.now);
                self.count("a worker died");
            }
            Outside::Replacement { seat, configuration } => {
                let (store, now) = (self.store.clone(), self.wall());
                let mut cx = Cx::new(&store, &NoSignatures, &FixedRandom(7), now);
                let gone = &mut self.seats[seat];
                gone.worker.on_shutdown(&mut cx);
                let who = gone.who;
                self.seats[seat] = self.seat_with(configuration);
                self.judge.is_gone(who, self.now);
                self.tell_tenants();
                self.count("a worker was replaced");
            }
            Outside::Step(by) => {
                self.offset += by;
                self.judge.stepped(by);
                self.count("the clock stepped");
            }
        }
    }

    fn arrive(&mut self, seat: usize, token: u64, path: &'static str, hangs_up: Option<u64>) {
        self.streams += 1;
        let stream = StreamId(self.streams);
        let bearer = format!("Bearer {}", Truth::text(token));
        let head: HeaderMap =
            [(":method", "GET"), (":path", path), (":authority", "a"), ("authorization", bearer.as_str())]
                .into_iter()
                .collect();
        let (store, now) = (self.store.clone(), self.wall());
        let mut cx = Cx::new(&store, &NoSignatures, &FixedRandom(7), now);
        let seat = &mut self.seats[seat];
        seat.shown.insert(token, self.now);
        let (queue, disposition) = (seat.queue, seat.worker.on_request(stream, &head, &mut cx));
        let effects = cx.effects;
        let waiting = Waiting { since: self.now, token, path };
        match disposition {
            Disposition::Ended(ending) => self.judge_ending(queue, waiting, &ending),
            Disposition::Waits => {
                seat.waiting.insert(stream, waiting);
                if let Some(after) = hangs_up {
                    self.schedule(after, Event::HangUp { queue, stream });
                }
            }
        }
        self.decided(queue, &effects);
        let Some(seat) = self.seat(queue) else { return };
        if let Some((id, call)) = seat.outbox.extend_from_request(effects) {
            self.send(queue, id, &call);
        }
        self.ask_for_turns(queue);
    }

    fn judge_ending(&mut self, queue: u32, waiting: Waiting, ending: &Ending) {
        let Some(seat) = self.seats.iter().find(|seat| seat.queue == queue) else { return };
        let configuration = &self.configurations[seat.configuration];
        let Waiting { since, token, path } = waiting;
        let request = super::judge::Request { queue, token, path, since, now: self.now, wall: self.wall().as_millis() };
        let what = self.judge.ending(&self.plan.truth, configuration, &request, ending);
        self.count(what.outcome);
        if what.from_memory {
            self.count("allowed from memory");
        }
        if ending.is_stale() {
            self.count("stale");
        }
    }

    fn begin_turn(&mut self, queue: u32) {
        if let Some(seat) = self.seat(queue) {
            seat.outbox.begin_turn();
            (seat.depth, seat.endings) = (0, 0);
        }
    }

    /// An event, and as much of what is to be done as this turn may.
    fn in_worker(&mut self, queue: u32, here: bool, event: impl FnOnce(&mut Worker, &mut Cx<'_>)) {
        self.work(queue, event);
        loop {
            let seed = self.plan.seed;
            let Some(seat) = self.seat(queue).filter(|_| here) else { break };
            let Some(task) = seat.outbox.pop() else { break };
            seat.depth += 1;
            assert!(seat.depth <= DEEPEST, "seed {seed}: {DEEPEST} actions inside one another");
            self.carry_out(queue, task);
        }
        self.ask_for_turns(queue);
    }

    fn work(&mut self, queue: u32, event: impl FnOnce(&mut Worker, &mut Cx<'_>)) {
        let (store, now) = (self.store.clone(), self.wall());
        let Some(seat) = self.seat(queue) else { return };
        let mut cx = Cx::new(&store, &NoSignatures, &FixedRandom(7), now);
        event(&mut seat.worker, &mut cx);
        let effects = cx.effects;
        self.decided(queue, &effects);
        if let Some(seat) = self.seat(queue) {
            seat.outbox.extend(effects);
        }
    }

    /// What a worker has decided counts from now on, whenever it is carried out.
    fn decided(&mut self, queue: u32, effects: &[Effect]) {
        let seed = self.plan.seed;
        for effect in effects {
            match effect {
                Effect::End(stream, ending) => {
                    let seat = self.seat(queue).expect("a worker");
                    let Some(waiting) = seat.waiting.get(stream).copied() else {
                        panic!("seed {seed}: {stream:?} is ended, and does not wait")
                    };
                    assert!(seat.decided.insert(*stream), "seed {seed}: {stream:?} is ended twice");
                    self.judge_ending(queue, waiting, ending);
                }
                Effect::Call(_, call) => {
                    let asked = self.asked(queue, call);
                    if let Asked::Contracts { tenant, .. } = asked {
                        self.judge.polls(queue, tenant);
                    }
                    if let Asked::Token(token) = asked {
                        let seat = self.seat(queue).expect("a worker");
                        seat.asking.insert(token);
                        let who = seat.who;
                        self.judge.asks(who, token, &self.plan.truth, self.now);
                    }
                }
                Effect::Message(..) | Effect::Yield | Effect::Log(..) => {}
            }
        }
    }

    fn carry_out(&mut self, queue: u32, task: Task) {
        let seed = self.plan.seed;
        match task {
            Task::Effect(Effect::Call(id, call)) => self.send(queue, id, &call),
            Task::Effect(Effect::End(stream, _)) => {
                let Some(seat) = self.seat(queue) else { return };
                seat.endings += 1;
                assert_eq!(seat.endings, 1, "seed {seed}: two requests end in one turn");
                let there = seat.worker.release(stream);
                assert_eq!(
                    there,
                    seat.waiting.remove(&stream).is_some(),
                    "seed {seed}: {stream:?} has hung up, or not"
                );
            }
            Task::Effect(Effect::Message(to, message)) => {
                let after = self.plan.random.below(MAIL);
                self.schedule(after, Event::Message { queue: to, message });
            }
            Task::Effect(Effect::Yield) => self.work(queue, Worker::on_yield),
            Task::Effect(Effect::Log(..)) => {}
            Task::Unsent(call) => {
                self.work(queue, |worker, cx| worker.on_call_result(call, HttpResult::Failed(NoAnswer::Unsent), cx));
            }
        }
    }

    fn ask_for_turns(&mut self, queue: u32) {
        let turns = self.seat(queue).map_or(0, |seat| seat.outbox.ask_for_turns());
        for _ in 0..turns {
            let after = self.plan.random.below(3);
            self.schedule(after, Event::Message { queue, message: message::YIELDED.to_vec() });
        }
    }

    fn asked(&self, queue: u32, call: &HttpCall) -> Asked {
        let seat = self.seats.iter().find(|seat| seat.queue == queue).expect("a worker");
        let header = |name: &str| call.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        if &*call.cluster == "contracts" {
            let credential = header("authorization").expect("a credential");
            assert_eq!(credential, self.configurations[seat.configuration].tenant);
            let path = header(":path").expect("a path");
            let since = path.split_once("since=").map(|(_, since)| since.parse().expect("a cursor of ours"));
            return Asked::Contracts { tenant: self.configurations[seat.configuration].tenant, since };
        }
        let token = form_urlencoded::parse(&call.body).find(|(name, _)| name == "token").expect("a token").1;
        Asked::Token(token.strip_prefix("t0ken-").expect("one of ours").parse().expect("a number"))
    }

    /// A call goes out. It may be lost on its way there, or on its way back.
    fn send(&mut self, queue: u32, call: CallId, request: &HttpCall) {
        let asked = self.asked(queue, request);
        let timeout = u64::try_from(request.timeout.as_millis()).expect("a time");
        assert!((1..=TIMEOUT.max(30_000)).contains(&timeout));
        let fails = match asked {
            Asked::Token(token) => self.plan.failing.contains(&token) && self.plan.random.percent(self.plan.failures),
            Asked::Contracts { .. } => self.plan.random.percent(self.plan.source_failures),
        };
        if !fails {
            let (there, back) = (self.plan.random.below(100), self.plan.random.below(BACK));
            return self.schedule(there, Event::Served { queue, call, asked, after: back });
        }
        let unwell = |headers| HttpResult::Answered(HttpAnswer { status: 503, headers, ..HttpAnswer::default() });
        let (after, result) = match self.plan.random.below(4) {
            0 => (timeout, HttpResult::Failed(NoAnswer::TimedOut)),
            1 => (5, HttpResult::Answered(HttpAnswer { status: 403, ..HttpAnswer::default() })),
            2 if self.plan.holds => {
                (5, unwell(vec![("retry-after".to_owned(), (HOLD / 1000).to_string().into_bytes())]))
            }
            2 => (5, HttpResult::Failed(NoAnswer::Unconnected)),
            _ => (self.plan.random.below(timeout), unwell(Vec::new())),
        };
        self.schedule(after, Event::Result { queue, call, asked, result });
    }

    /// The truth of this moment.
    fn served(&mut self, asked: &Asked) -> HttpResult {
        let body = match asked {
            Asked::Token(token) => {
                let number = self.judge.serves(*token, self.now);
                let token = self.plan.truth.token(*token);
                let begins = token.begins.map(|begins| format!(r#","nbf":{}"#, begins / 1000)).unwrap_or_default();
                let facts = format!(
                    r#""client_id":"c{}","sub":"of {number}","scope":"{}","exp":{},"aud":{}{begins}"#,
                    token.number,
                    token.scope,
                    token.expires / 1000,
                    token.audience,
                );
                format!(r#"{{"active":{},{facts}}}"#, token.is_active(self.now))
            }
            Asked::Contracts { tenant, since } => self.plan.truth.document(tenant, *since, self.now),
        };
        let headers = vec![("served".to_owned(), self.now.to_string().into_bytes())];
        HttpResult::Answered(HttpAnswer { status: 200, headers, body: Body::Whole(body.into_bytes()) })
    }

    fn come_back(&mut self, queue: u32, call: CallId, asked: &Asked, result: HttpResult) {
        let now = self.now;
        let Some(seat) = self.seat(queue) else { return };
        if let Asked::Token(token) = asked {
            seat.asking.remove(token);
        }
        // A call that nobody waits for any more tells nobody anything.
        let (who, is_awaited) = (seat.who, seat.worker.subject_of(call).is_some());
        if is_awaited {
            let came = self.came(asked, &result);
            self.judge.comes_back(who, asked, came, now);
        }
        self.judge.is_over(who, asked, is_awaited, now);
        let here = matches!(&result, HttpResult::Answered(answer) if answer.status == 200);
        if here {
            self.begin_turn(queue);
        }
        self.in_worker(queue, here, |worker, cx| worker.on_call_result(call, result, cx));
    }

    fn came(&self, asked: &Asked, result: &HttpResult) -> Came {
        let answer = match result {
            HttpResult::Answered(answer) => answer,
            HttpResult::Failed(_) => return Came::Failure { is_retried: true, unusable: false, holds: false },
        };
        let Some(served) = answer.header("served") else {
            let (holds, unusable) = (answer.header("retry-after").is_some(), answer.status == 403);
            return Came::Failure { is_retried: !holds && !unusable, unusable, holds };
        };
        let served = String::from_utf8_lossy(served).parse().expect("a time");
        let is_active = matches!(asked, Asked::Token(token) if self.plan.truth.token(*token).is_active(served));
        Came::Answer { served, is_active }
    }

    /// What a worker hears from another, before it does.
    fn hear(&mut self, queue: u32, message: &[u8]) {
        if let Some(Message::Completed(digest, completion)) = message::read(message) {
            let token = NAMES.with(|names| names.get(&digest).copied()).expect("one of ours");
            let Some(seat) = self.seats.iter().find(|seat| seat.queue == queue) else { return };
            // Only who follows takes a word for it. Who does so for a renewal, or for a caller that has hung up, has nobody
            // who waits, and stops unnoticed when the question's time is over.
            let waits = seat.waiting.values().any(|waiting| waiting.token == token);
            let may_follow = seat.shown.get(&token).is_some_and(|shown| self.now <= shown + Judge::PATIENCE);
            if waits && !seat.asking.contains(&token) {
                self.judge.hears(Heard { queue, token, completion: &completion }, self.now);
            } else if may_follow && !seat.asking.contains(&token) {
                self.judge.may_hear(queue, &completion, self.now);
            }
        }
    }
}
