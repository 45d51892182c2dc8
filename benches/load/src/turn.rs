//! A turn: some connections to one port, closed loop or at a rate, for a time or a number of requests.
//!
//! Connections stay open between turns, so that no turn pays for connecting, and a turn ends only when every answer is
//! in: the proxy's CPU time between its two ends belongs to exactly the requests counted.

use crate::authorization_server::{micros, unix_time};
use crate::connection::Connection;
use crate::token::{Form, scramble, token};
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// No answer for so long ends the turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lets the proxy finish what it does after its last answer, before its CPU time is read.
const SETTLE: Duration = Duration::from_micros(500);

/// What to do in a turn; ends at `millis` or after `requests`, whichever comes first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    port: u16,
    path: String,
    connections: usize,
    #[serde(default)]
    millis: Option<u64>,
    #[serde(default)]
    requests: Option<u64>,
    /// Requests a second; without it, the next request goes out as soon as an answer is in.
    #[serde(default)]
    rate: Option<f64>,
    credential: Credential,
    /// `/proc/…/schedstat` of the threads whose CPU time is wanted.
    #[serde(default)]
    cpu: Vec<String>,
    /// A file for every request's start (microseconds since the Unix epoch) and latency (microseconds).
    #[serde(default)]
    samples: Option<String>,
    /// The first connection sends this long before the others, and hangs up once they have sent.
    #[serde(default)]
    hang_up_after_ms: Option<u64>,
}

/// Which token goes with each request.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Credential {
    None,
    Fixed(String),
    /// `from`, `from + 1`, …
    Fresh {
        form: Form,
        from: u64,
    },
    /// Any of `from` … `from + count - 1`, evenly.
    Among {
        form: Form,
        from: u64,
        count: u64,
    },
}

/// What happened in a turn.
#[derive(Default, Serialize)]
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
        Ok(Self {
            poll: Poll::new()?,
            connections: HashMap::new(),
        })
    }

    /// Runs one turn to its end.
    pub fn turn(&mut self, order: &Order) -> Result<Outcome, String> {
        let slots = self.connections.remove(&order.port).unwrap_or_default();
        let mut run = Run::new(order, &mut self.poll, slots)
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

struct Sample {
    started_unix_us: u64,
    latency_ns: u64,
}

/// A turn under way.
struct Run<'a> {
    order: &'a Order,
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
        poll: &'a mut Poll,
        mut slots: Vec<Option<Connection>>,
    ) -> io::Result<Self> {
        slots.truncate(order.connections.max(1));
        slots.resize_with(order.connections.max(1), || None);
        for (at, slot) in slots.iter_mut().enumerate() {
            match slot {
                Some(connection) => {
                    poll.registry()
                        .register(connection.source(), Token(at), Interest::READABLE)?
                }
                None => *slot = Some(open(poll, order.port, at)?),
            }
        }
        Ok(Self {
            order,
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
        let time_over = self
            .order
            .millis
            .is_some_and(|millis| self.began.elapsed() >= Duration::from_millis(millis));
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
        let request = self.request();
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

    fn request(&self) -> Vec<u8> {
        let mut text = format!(
            "GET {} HTTP/1.1\r\nhost: api.example.com\r\nuser-agent: bench\r\naccept: */*\r\n",
            self.order.path
        );
        if let Some(token) = self.order.credential.token(self.sent) {
            text.push_str("authorization: Bearer ");
            text.push_str(&token);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        text.into_bytes()
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

impl Credential {
    fn token(&self, sent: u64) -> Option<String> {
        match self {
            Self::None => None,
            Self::Fixed(token) => Some(token.clone()),
            Self::Fresh { form, from } => Some(token(*form, from + sent)),
            Self::Among { form, from, count } => {
                Some(token(*form, from + scramble(sent) % (*count).max(1)))
            }
        }
    }
}

fn open(poll: &Poll, port: u16, at: usize) -> io::Result<Connection> {
    let mut connection = Connection::open(port)?;
    poll.registry()
        .register(connection.source(), Token(at), Interest::READABLE)?;
    Ok(connection)
}

/// Time on the CPU of all those threads: the first field of `schedstat`.
fn cpu_ns(paths: &[String]) -> Result<u64, String> {
    let mut sum = 0;
    for path in paths {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let field = text.split_whitespace().next().unwrap_or_default();
        let nanos: u64 = field
            .parse()
            .map_err(|_| format!("{path}: not schedstat: {text}"))?;
        sum += nanos;
    }
    Ok(sum)
}

/// The smallest value that at least `share` percent do not exceed, in microseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "latencies are far below 2^53 ns"
)]
fn percentile(sorted_ns: &[u64], share: usize) -> f64 {
    let rank = (sorted_ns.len() * share).div_ceil(100).max(1);
    let value = sorted_ns.get(rank - 1).copied().unwrap_or_default();
    value as f64 / 1000.0
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn write_samples(path: &str, samples: &[Sample]) -> io::Result<()> {
    let mut file = io::BufWriter::new(std::fs::File::create(path)?);
    for sample in samples {
        let latency_us = sample.latency_ns / 1000;
        writeln!(file, "{} {latency_us}", sample.started_unix_us)?;
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let values: Vec<u64> = (1..=200).map(|value| value * 1000).collect();
        assert_eq!(percentile(&values, 50), 100.0);
        assert_eq!(percentile(&values, 99), 198.0);
        assert_eq!(percentile(&values, 100), 200.0);
        assert_eq!(percentile(&[], 50), 0.0);
    }
}
