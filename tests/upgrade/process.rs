//! A process whose workers run either version, driven as Envoy drives them, and servers that tell the truth, or fail.

use super::Tally;
use super::bounds::{Bounds, Passed};
use super::configurations::{self, Promised};
use super::history::{Outside, Plan};
use super::shared::Shared;
use super::truth::{START, Truth};
use super::vm::{Brought, Callout, Lines, Program, ROOT, Vm};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const TICK: u64 = 250;
const MESSAGE: u64 = 20;

#[derive(Clone, Copy)]
enum Asked {
    Token(u64),
    Contracts { tenant: &'static str, since: Option<usize> },
}

enum Event {
    Outside(Outside),
    HangUp { worker: u32, stream: u32 },
    Ready { queue: u32 },
    Served { worker: u32, call: u32, asked: Asked, after: u64 },
    Answered { worker: u32, call: u32, asked: Asked, served: Option<u64>, answer: (Lines, Vec<u8>) },
    Tick { worker: u32 },
}

struct Seat {
    worker: u32,
    configuration: usize,
    vm: Vm,
    waiting: BTreeMap<u32, Waiting>,
}

#[derive(Clone, Copy)]
struct Waiting {
    since: u64,
    token: u64,
    path: &'static str,
}

pub struct Process<'a> {
    plan: Plan,
    programs: &'a [Program; 2],
    promised: Vec<Promised>,
    shared: Rc<RefCell<Shared>>,
    seats: Vec<Seat>,
    now: u64,
    offset: i64,
    agenda: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    workers: u32,
    streams: u32,
    bounds: Bounds,
    /// Which version has asked for each answer, by its number.
    asked_by: BTreeMap<usize, &'static str>,
    tally: Tally,
}

impl<'a> Process<'a> {
    pub fn new(plan: Plan, programs: &'a [Program; 2]) -> Self {
        let mut process = Self {
            programs,
            promised: configurations::all(),
            shared: Rc::default(),
            seats: Vec::new(),
            now: 0,
            offset: 0,
            agenda: BTreeMap::new(),
            sequence: 0,
            workers: 0,
            streams: ROOT,
            bounds: Bounds::default(),
            asked_by: BTreeMap::new(),
            tally: Tally::new(),
            plan,
        };
        for configuration in process.plan.seats.clone() {
            let version = usize::from(process.plan.random.percent(50));
            let seat = process.seat_with(configuration, version);
            process.seats.push(seat);
        }
        for (at, event) in process.plan.events.clone() {
            process.schedule(at, Event::Outside(event));
        }
        process
    }

    /// A new worker of one of the versions; its first tick comes soon.
    fn seat_with(&mut self, configuration: usize, version: usize) -> Seat {
        self.workers += 1;
        let (worker, number) = (self.workers, u64::from(self.workers) + self.plan.seed * 1000);
        let (shared, now) = (Rc::clone(&self.shared), self.wall());
        let vm = Vm::start(&self.programs[version], shared, number, &self.promised[configuration].text, now);
        let first = 5 + self.plan.random.below(20);
        self.schedule(first, Event::Tick { worker });
        Seat { worker, configuration, vm, waiting: BTreeMap::new() }
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.sequence += 1;
        self.agenda.insert((self.now + after, self.sequence), event);
    }

    fn wall(&self) -> u64 {
        (START + self.now).saturating_add_signed(self.offset)
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    fn seat(&mut self, worker: u32) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.worker == worker)
    }

    pub fn run(mut self) -> Tally {
        let end = self.plan.span + Bounds::PATIENCE + 4 * TICK;
        while let Some(((at, _), event)) = self.agenda.pop_first() {
            if at > end {
                break;
            }
            self.now = at;
            let longest = Bounds::PATIENCE + self.bounds.set_back;
            let mut waiting = self.seats.iter().flat_map(|seat| seat.waiting.values());
            let is_patient = waiting.all(|waiting| at <= waiting.since + longest);
            assert!(is_patient, "seed {}: a request waits for more than {longest} ms", self.plan.seed);
            self.happen(event);
        }
        for (key, value) in self.shared.borrow().values() {
            let text = [key, value].map(|bytes| String::from_utf8_lossy(bytes)).concat();
            assert!(!text.contains("t0ken") && !text.contains("s3cret"), "seed {}: a secret is shared", self.plan.seed);
        }
        self.tally
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Outside(event) => self.outside(event),
            Event::HangUp { worker, stream } => {
                let now = self.wall();
                let Some(seat) = self.seat(worker) else { return };
                if seat.waiting.remove(&stream).is_some() {
                    let (_, brought) = seat.vm.end(stream, now);
                    self.carry_out(worker, brought);
                    self.count("hung up");
                }
            }
            Event::Ready { queue } => {
                let Some(worker) = self.seats.iter().find(|seat| seat.vm.queue() == queue).map(|seat| seat.worker)
                else {
                    return;
                };
                self.enter(worker, "proxy_on_queue_ready", (ROOT, queue));
            }
            Event::Served { worker, call, asked, after } => self.serve(worker, call, asked, after),
            Event::Answered { worker, call, asked, served, answer } => {
                if let Asked::Contracts { tenant, .. } = asked {
                    self.bounds.polled(worker, tenant, served, self.now);
                }
                let now = self.wall();
                let Some(seat) = self.seat(worker) else { return };
                let brought = seat.vm.answer(call, answer, now);
                self.carry_out(worker, brought);
            }
            Event::Tick { worker } => {
                if self.seat(worker).is_some() {
                    self.enter(worker, "proxy_on_tick", ROOT);
                    self.schedule(TICK, Event::Tick { worker });
                }
            }
        }
    }

    fn enter<P: wasmi::WasmParams>(&mut self, worker: u32, export: &str, arguments: P) {
        let now = self.wall();
        let Some(seat) = self.seat(worker) else { return };
        let brought = seat.vm.enter(ROOT, now, export, arguments);
        self.carry_out(worker, brought);
    }

    fn outside(&mut self, event: Outside) {
        match event {
            Outside::Request { seat, token, path, hangs_up } => self.arrive(seat, (token, path), hangs_up),
            Outside::Death { seat } => {
                let Seat { configuration, worker, .. } = self.seats[seat];
                let version = usize::from(self.plan.random.percent(50));
                self.seats[seat] = self.seat_with(configuration, version);
                self.bounds.is_gone(worker);
                self.count("a worker died");
            }
            Outside::Replacement { seat, configuration } => {
                let (worker, name) = (self.seats[seat].worker, self.seats[seat].vm.name);
                let now = self.wall();
                // What it asks for no longer reaches anybody, but its last messages do.
                self.seats[seat].vm.enter(ROOT, now, "proxy_on_delete", ROOT);
                self.announce();
                self.bounds.is_gone(worker);
                let version = usize::from(name == "old");
                self.seats[seat] = self.seat_with(configuration, version);
                self.count(format!("{name} replaced by {}", self.programs[version].name));
            }
            Outside::Step(by) => {
                self.offset += by;
                self.bounds.set_back += u64::try_from(-by).unwrap_or_default();
                self.count("the clock stepped");
            }
        }
    }

    fn arrive(&mut self, seat: usize, (token, path): (u64, &'static str), hangs_up: Option<u64>) {
        self.streams += 1;
        let (stream, now, since) = (self.streams, self.wall(), self.now);
        let bearer = format!("Bearer {}", Truth::text(token));
        let headers = [(":method", "GET"), (":path", path), (":authority", "a"), ("authorization", bearer.as_str())];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let seat = &mut self.seats[seat];
        let worker = seat.worker;
        seat.waiting.insert(stream, Waiting { since, token, path });
        let (waits, mut brought) = seat.vm.request(stream, headers, now);
        if !waits {
            brought.push(Brought::Resumed(stream));
        } else if let Some(after) = hangs_up {
            self.schedule(after, Event::HangUp { worker, stream });
        }
        self.carry_out(worker, brought);
    }

    fn carry_out(&mut self, worker: u32, brought: Vec<Brought>) {
        for each in brought {
            match each {
                Brought::Callout(callout) => self.send(worker, &callout),
                Brought::Reply { stream, status } => {
                    if self.ended(worker, stream).is_some() {
                        self.count(status.to_string());
                    }
                }
                Brought::Resumed(stream) => {
                    if let Some((waiting, headers)) = self.ended(worker, stream) {
                        self.passed(worker, waiting, &headers);
                    }
                }
            }
        }
        self.announce();
    }

    /// Queues with something new are told of, a while later.
    fn announce(&mut self) {
        let ready = std::mem::take(&mut self.shared.borrow_mut().ready);
        for queue in ready {
            let after = self.plan.random.below(MESSAGE);
            self.schedule(after, Event::Ready { queue });
        }
    }

    /// A stream is over: what it was, and its headers as the module has left them.
    fn ended(&mut self, worker: u32, stream: u32) -> Option<(Waiting, Lines)> {
        let (now, seed) = (self.wall(), self.plan.seed);
        let seat = self.seat(worker)?;
        let waiting = seat.waiting.remove(&stream);
        let waiting = waiting.unwrap_or_else(|| panic!("seed {seed}: stream {stream} ends, and does not wait"));
        let (headers, brought) = seat.vm.end(stream, now);
        self.carry_out(worker, brought);
        Some((waiting, headers))
    }

    fn passed(&mut self, worker: u32, waiting: Waiting, headers: &Lines) {
        let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let Waiting { since, token, path } = waiting;
        let passed = Passed {
            token,
            path,
            since,
            now: self.now,
            wall: self.wall(),
            subject: header("x-subject").expect("a subject"),
            tier: header("x-sla-tier"),
        };
        let Some(seat) = self.seats.iter().find(|seat| seat.worker == worker) else { return };
        let (name, promised) = (seat.vm.name, &self.promised[seat.configuration]);
        let (answer, from_memory) = self.bounds.pass(self.plan.seed, &self.plan.truth, promised, &passed);
        self.count(format!("{name} allowed"));
        if from_memory {
            self.count("allowed from memory");
        }
        let asked_by = self.asked_by[&answer];
        if asked_by != name {
            self.count(format!("{name} allowed on an answer that {asked_by} has asked for"));
        }
    }

    /// A call goes out. It may be lost on its way there, or on its way back.
    fn send(&mut self, worker: u32, callout: &Callout) {
        let Callout { id: call, timeout, .. } = *callout;
        let asked = self.asked(worker, callout);
        if let Asked::Contracts { tenant, .. } = asked {
            self.bounds.polls(worker, tenant);
        }
        let fails = match asked {
            Asked::Token(token) => self.plan.failing.contains(&token) && self.plan.random.percent(self.plan.failures),
            Asked::Contracts { .. } => self.plan.random.percent(self.plan.source_failures),
        };
        if !fails {
            let (there, after) = (self.plan.random.below(100), self.plan.random.below(100));
            return self.schedule(there, Event::Served { worker, call, asked, after });
        }
        let unwell = |more: &[(&str, &str)]| {
            let lines = [&[(":status", "503")], more].concat();
            lines.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let (after, lines) = match self.plan.random.below(3) {
            0 => (timeout, Lines::new()),
            1 if self.plan.holds => (5, unwell(&[("retry-after", "1")])),
            _ => (self.plan.random.below(timeout), unwell(&[])),
        };
        self.schedule(after, Event::Answered { worker, call, asked, served: None, answer: (lines, Vec::new()) });
    }

    fn asked(&self, worker: u32, callout: &Callout) -> Asked {
        let seat = self.seats.iter().find(|seat| seat.worker == worker).expect("a worker");
        let tenant = self.promised[seat.configuration].tenant;
        let header = |name: &str| callout.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if callout.cluster == "contracts" {
            assert_eq!(header("authorization"), Some(tenant));
            let since = header(":path").and_then(|path| path.split_once("since="));
            return Asked::Contracts {
                tenant,
                since: since.map(|(_, since)| since.parse().expect("a cursor of ours")),
            };
        }
        let body = String::from_utf8(callout.body.clone()).expect("a form");
        let token = body.split('&').find_map(|pair| pair.strip_prefix("token=t0ken-")).expect("a token of ours");
        Asked::Token(token.parse().expect("a number"))
    }

    /// The truth of this moment is on its way.
    fn serve(&mut self, worker: u32, call: u32, asked: Asked, after: u64) {
        let body = match asked {
            Asked::Token(token) => {
                let number = self.bounds.serves(token, self.now);
                let name = self.seat(worker).map(|seat| seat.vm.name);
                self.asked_by.extend(name.map(|name| (number, name)));
                let token = self.plan.truth.token(token);
                let (active, client, expires) = (token.is_active(self.now), token.number, token.expires / 1000);
                let scope = token.scope;
                format!(
                    r#"{{"active":{active},"client_id":"c{client}","sub":"of {number}","scope":"{scope}","exp":{expires}}}"#
                )
            }
            Asked::Contracts { tenant, since } => self.plan.truth.document(tenant, since, self.now),
        };
        let lines = [(":status", "200"), ("content-type", "application/json")];
        let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let answer = (lines, body.into_bytes());
        self.schedule(after, Event::Answered { worker, call, asked, served: Some(self.now), answer });
    }
}
