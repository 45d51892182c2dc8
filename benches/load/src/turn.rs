//! A turn: some connections to one port, closed loop or at a rate, for a time or a number of requests.
//!
//! Connections stay open between turns, so that no turn pays for connecting, and a turn ends only when every answer is
//! in: the proxy's CPU time between its two ends belongs to exactly the requests counted.

use crate::authorization_server::{micros, unix_time};
use crate::connection::Connection;
use crate::measure::{Sample, cpu_ns, nanos, percentile, write_samples};
use crate::order::Order;
use crate::proof::Proofs;
use mio::{Events, Interest, Poll, Token};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::{Duration, Instant};

/// No answer for so long ends the turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lets the proxy finish what it does after its last answer, before its CPU time is read.
const SETTLE: Duration = Duration::from_micros(500);

/// What happened in a turn.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    completed: u64,
    failed: u64,
    statuses: BTreeMap<u16, u64>,
    seconds: f64,
    cpu_ns: u64,
    p50_us: f64,
    p99_us: f64,
    max_us: f64,
}

/// The connections of all turns, by port.
pub struct Pool {
    poll: Poll,
    connections: HashMap<u16, Vec<Option<Connection>>>,
}

impl Pool {
    /// An empty pool.
    pub fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, connections: HashMap::new() })
    }

    /// Runs one turn to its end.
    pub fn turn(&mut self, order: &Order) -> Result<Outcome, String> {
        let proofs = order.proofs()?;
        let slots = self.connections.remove(&order.port).unwrap_or_default();
        let mut run = Run::new(order, proofs, &mut self.poll, slots)
            .map_err(|error| format!("connect to port {}: {error}", order.port))?;
        let cpu_before = cpu_ns(&order.cpu)?;
        let began = Instant::now();
        run.go(began).map_err(|error| format!("poll: {error}"))?;
        let seconds = began.elapsed().as_secs_f64();
        std::thread::sleep(SETTLE);
        let cpu_ns = cpu_ns(&order.cpu)?.saturating_sub(cpu_before);
        let (mut outcome, samples, slots) = run.finish();
        self.connections.insert(order.port, slots);
        if let Some(path) = &order.samples {
            write_samples(path, &samples).map_err(|error| format!("{path}: {error}"))?;
        }
        let mut latencies: Vec<u64> = samples.iter().map(|sample| sample.latency_ns).collect();
        latencies.sort_unstable();
        outcome.seconds = seconds;
        outcome.cpu_ns = cpu_ns;
        outcome.p50_us = percentile(&latencies, 50);
        outcome.p99_us = percentile(&latencies, 99);
        outcome.max_us = percentile(&latencies, 100);
        Ok(outcome)
    }
}

/// A turn under way.
struct Run<'a> {
    order: &'a Order,
    proofs: Option<Proofs<'a>>,
    poll: &'a mut Poll,
    slots: Vec<Option<Connection>>,
    idle: Vec<usize>,
    in_flight: usize,
    sent: u64,
    outcome: Outcome,
    samples: Vec<Sample>,
    /// The wall clock at `began`: samples are told in it.
    unix_began: Duration,
    began: Instant,
    /// At a rate: requests were due while every connection was busy, so their wait is the proxy's doing.
    backlogged: bool,
}

impl<'a> Run<'a> {
    fn new(
        order: &'a Order,
        proofs: Option<Proofs<'a>>,
        poll: &'a mut Poll,
        mut slots: Vec<Option<Connection>>,
    ) -> io::Result<Self> {
        slots.truncate(order.connections.max(1));
        slots.resize_with(order.connections.max(1), || None);
        for (at, slot) in slots.iter_mut().enumerate() {
            match slot {
                Some(connection) => poll.registry().register(connection.source(), Token(at), Interest::READABLE)?,
                None => *slot = Some(open(poll, order.port, at)?),
            }
        }
        Ok(Self {
            order,
            proofs,
            poll,
            idle: (0..slots.len()).rev().collect(),
            slots,
            in_flight: 0,
            sent: 0,
            outcome: Outcome::default(),
            samples: Vec::new(),
            unix_began: unix_time(),
            began: Instant::now(),
            backlogged: false,
        })
    }

    fn go(&mut self, began: Instant) -> io::Result<()> {
        self.began = began;
        self.unix_began = unix_time();
        let mut events = Events::with_capacity(1024);
        let mut last_answer = began;
        if let Some(lead) = self.order.hang_up_after_ms {
            self.send_one(began);
            std::thread::sleep(Duration::from_millis(lead));
            self.send_due();
            self.hang_up(0);
        }
        loop {
            self.send_due();
            if self.in_flight == 0 && self.over() {
                return Ok(());
            }
            if last_answer.elapsed() > PATIENCE {
                self.give_up();
                return Ok(());
            }
            self.poll.poll(&mut events, Some(self.pause()))?;
            for event in &events {
                self.receive(event.token().0);
                last_answer = Instant::now();
            }
        }
    }

    /// Whether no further request is to be sent.
    fn over(&self) -> bool {
        let time_over = self.order.millis.is_some_and(|millis| self.began.elapsed() >= Duration::from_millis(millis));
        time_over || self.order.requests.is_some_and(|limit| self.sent >= limit)
    }

    /// When the next request is due, where there is a rate.
    fn due(&self) -> Option<Instant> {
        let rate = self.order.rate?;
        let number = u32::try_from(self.sent).ok()?;
        Some(self.began + Duration::from_secs_f64(f64::from(number) / rate))
    }

    fn pause(&self) -> Duration {
        match self.due() {
            Some(due) if !self.idle.is_empty() => due.saturating_duration_since(Instant::now()),
            _ => Duration::from_millis(100),
        }
    }

    fn send_due(&mut self) {
        while !self.over() {
            let now = Instant::now();
            let started = match self.due() {
                Some(due) if due > now => return,
                Some(due) if self.backlogged => due,
                _ => now,
            };
            if self.idle.is_empty() {
                self.backlogged = true;
                return;
            }
            self.send_one(started);
            self.backlogged = self.backlogged && self.due().is_some_and(|due| due <= now);
        }
    }

    fn send_one(&mut self, started: Instant) {
        let Some(at) = self.idle.pop() else { return };
        let proof = self.proofs.as_mut().and_then(Proofs::next);
        let request = self.order.request(self.sent, proof.as_deref());
        self.sent += 1;
        let sent = match self.slots.get_mut(at).and_then(Option::as_mut) {
            Some(connection) => connection.send(&request, started),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        self.in_flight += 1;
        if sent.is_err() {
            self.fail(at);
        }
    }

    fn receive(&mut self, at: usize) {
        let Some(connection) = self.slots.get_mut(at).and_then(Option::as_mut) else {
            return;
        };
        match (connection.receive(), connection.started) {
            (Ok(Some(status)), Some(started)) => {
                connection.started = None;
                let offset = started.saturating_duration_since(self.began);
                self.samples.push(Sample {
                    started_unix_us: micros(self.unix_began + offset),
                    latency_ns: nanos(started.elapsed()),
                });
                self.outcome.completed += 1;
                *self.outcome.statuses.entry(status).or_default() += 1;
                self.in_flight -= 1;
                self.idle.push(at);
            }
            (Ok(None), _) => {}
            (Ok(Some(_)) | Err(_), _) => self.fail(at),
        }
    }

    /// The connection is of no more use: a request on it failed, and a new one takes its place.
    fn fail(&mut self, at: usize) {
        if let Some(slot) = self.slots.get_mut(at) {
            let was_busy = slot.as_ref().is_some_and(|old| old.started.is_some());
            *slot = open(self.poll, self.order.port, at).ok();
            if was_busy {
                self.outcome.failed += 1;
                self.in_flight = self.in_flight.saturating_sub(1);
                if slot.is_some() {
                    self.idle.push(at);
                }
            }
        }
    }

    /// Closes a connection whose request is still unanswered.
    fn hang_up(&mut self, at: usize) {
        if let Some(slot) = self.slots.get_mut(at)
            && slot.take().is_some_and(|old| old.started.is_some())
        {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
    }

    fn give_up(&mut self) {
        for slot in &mut self.slots {
            if slot.as_ref().is_some_and(|old| old.started.is_some()) {
                *slot = None;
                self.outcome.failed += 1;
            }
        }
        self.in_flight = 0;
    }

    fn finish(mut self) -> (Outcome, Vec<Sample>, Vec<Option<Connection>>) {
        for connection in self.slots.iter_mut().flatten() {
            // Unregistered until this port's next turn; a failure shows itself there.
            let _ = self.poll.registry().deregister(connection.source());
        }
        (self.outcome, self.samples, self.slots)
    }
}

fn open(poll: &Poll, port: u16, at: usize) -> io::Result<Connection> {
    let mut connection = Connection::open(port)?;
    poll.registry().register(connection.source(), Token(at), Interest::READABLE)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Reply, Request, listen};
    use serde_json::{Value, json};
    use std::collections::HashSet;
    use std::sync::{Arc, Mutex};

    fn turn(port: u16, order: Value) -> Outcome {
        let mut whole = json!({"port": port, "path": "/", "connections": 4, "credential": "none"});
        let fields = order.as_object().unwrap().clone();
        whole.as_object_mut().unwrap().extend(fields);
        let order = serde_json::from_value(whole).unwrap();
        Pool::new().unwrap().turn(&order).unwrap()
    }

    #[test]
    fn every_request_is_counted_by_its_status() {
        let port = listen(|request| match request.header("authorization") {
            Some("Bearer yes") => Reply::json("{}"),
            _ => Reply::empty("401 Unauthorized"),
        })
        .unwrap();
        let good = turn(port, json!({"requests": 25, "credential": {"fixed": "yes"}}));
        let bad = turn(port, json!({"requests": 10}));
        assert_eq!(good.statuses, BTreeMap::from([(200, 25)]));
        assert_eq!((good.completed, good.failed), (25, 0));
        assert_eq!(bad.statuses, BTreeMap::from([(401, 10)]));
    }

    #[test]
    fn fresh_tokens_are_the_numbers_asked_for_and_never_repeat() {
        let seen = Arc::new(Mutex::new(HashSet::new()));
        let notes = Arc::clone(&seen);
        let port = listen(move |request: &Request| {
            let token = request.header("authorization").unwrap().to_owned();
            assert!(notes.lock().unwrap().insert(token));
            Reply::json("{}")
        })
        .unwrap();
        let fresh = |from: u64| json!({"requests": 50, "credential": {"fresh": {"form": "good", "from": from}}});
        assert_eq!(turn(port, fresh(0)).completed, 50);
        assert_eq!(turn(port, fresh(50)).completed, 50);
        assert_eq!(seen.lock().unwrap().len(), 100);
    }

    #[test]
    fn a_request_has_as_many_headers_as_asked_for() {
        let seen = Arc::new(Mutex::new(HashSet::new()));
        let notes = Arc::clone(&seen);
        let port = listen(move |request: &Request| {
            let names: HashSet<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
            notes.lock().unwrap().insert((request.headers.len(), names.len()));
            Reply::json("{}")
        })
        .unwrap();
        for order in [
            json!({"requests": 2}),
            json!({"requests": 2, "headers": 10}),
            json!({"requests": 2, "headers": 40, "credential": {"fixed": "yes"}}),
        ] {
            assert_eq!(turn(port, order).completed, 2);
        }
        assert_eq!(*seen.lock().unwrap(), HashSet::from([(3, 3), (10, 10), (40, 40)]));
    }

    #[test]
    fn a_rate_is_kept_and_a_slow_answer_is_charged_for_the_wait_behind_it() {
        let port = listen(|_| {
            std::thread::sleep(Duration::from_millis(20));
            Reply::json("{}")
        })
        .unwrap();
        let within = turn(port, json!({"requests": 20, "rate": 100.0}));
        assert!((0.19..0.5).contains(&within.seconds), "{within:?}");
        // One connection can do 50 a second: the queue grows, and so must the latency.
        let beyond = turn(port, json!({"requests": 20, "rate": 200.0, "connections": 1}));
        assert!(beyond.max_us > 200_000.0, "{beyond:?}");
    }

    #[test]
    fn the_first_caller_can_hang_up_on_its_own_request() {
        let port = listen(|_| {
            std::thread::sleep(Duration::from_millis(100));
            Reply::json("{}")
        })
        .unwrap();
        let outcome = turn(port, json!({"requests": 4, "hang_up_after_ms": 10}));
        assert_eq!((outcome.completed, outcome.failed), (3, 0));
    }

    #[test]
    fn a_server_that_closes_is_a_failure_and_not_an_answer() {
        // A handler that panics ends its connection without an answer.
        let port = listen(|_| panic!("on purpose")).unwrap();
        let outcome = turn(port, json!({"requests": 4}));
        assert_eq!((outcome.completed, outcome.failed), (0, 4));
    }
}
