//! Callers with good tokens, each of whom sends many requests at once, again and again; and as many that no filter judges.

use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::rotation::Rotation;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::http2_frames::{Heard, Http2, field, request};
use crate::hostile_traffic::random::Random;

pub const CALLERS: u64 = 4;
/// HTTP/2 streams at once.
const STREAMS: usize = 50;
/// What is below this passes by the filter.
pub const BARE: &str = "/bare/";
const JUDGED: &str = "/orders/1";
/// So many connections at once that some come to each worker.
const EVERYWHERE: usize = 16;

/// When, and how long so many requests took: what the filter has judged, and what it has not.
struct Batch {
    at: Duration,
    judged: Duration,
    bare: Duration,
}

/// Status and body of what was not answered with 200, and how often.
type Refused = BTreeMap<(u16, String), usize>;

pub struct Callers<'a> {
    port: u16,
    rotation: &'a Mutex<Rotation>,
    began: Instant,
    batches: Mutex<Vec<Batch>>,
    refused: Mutex<Refused>,
}

impl<'a> Callers<'a> {
    pub fn new(port: u16, rotation: &'a Mutex<Rotation>) -> Self {
        Self { port, rotation, began: Instant::now(), batches: Mutex::default(), refused: Mutex::default() }
    }

    pub fn call(&self, number: u64, is_over: impl Fn() -> bool) {
        let mut random = Random::seeded(number);
        while !is_over() {
            let tokens = self.rotation.lock().unwrap().some(STREAMS, &mut random);
            let mut connection = Http2::open(self.port).expect("a connection");
            let mut took = [Duration::ZERO; 2];
            // Neither is always the one for which the connection is new.
            let order = if random.chance(50) { [0, 1] } else { [1, 0] };
            for is_judged in order {
                took[is_judged] = self.send(&mut connection, [BARE, JUDGED][is_judged], &tokens);
            }
            let [bare, judged] = took;
            self.batches.lock().unwrap().push(Batch { at: self.began.elapsed(), judged, bare });
        }
    }

    /// Waits until contracts and keys have come to every worker, as they do soon after Envoy has started.
    #[track_caller]
    pub fn await_start(&self) {
        let mut random = Random::seeded(CALLERS);
        eventually(SOON, "good tokens passing", || {
            let tokens = self.rotation.lock().unwrap().some(STREAMS, &mut random);
            let connections: Result<Vec<_>, _> = (0..EVERYWHERE).map(|_| Http2::open(self.port)).collect();
            let mut connections = connections.ok()?;
            let passes = |connection: &mut Http2| {
                let heard = ask(connection, JUDGED, &tokens).expect("an answer to every request");
                heard.values().all(|heard| heard.status == 200)
            };
            connections.iter_mut().all(passes).then_some(())
        });
    }

    /// One request with each token; how long they took.
    fn send(&self, connection: &mut Http2, target: &str, tokens: &[String]) -> Duration {
        let sent = Instant::now();
        let heard = ask(connection, target, tokens).expect("an answer to every request");
        let took = sent.elapsed();
        assert_eq!(heard.len(), tokens.len());
        for heard in heard.values().filter(|heard| heard.status != 200) {
            let answer = (heard.status, String::from_utf8_lossy(&heard.body).into_owned());
            *self.refused.lock().unwrap().entry(answer).or_default() += 1;
        }
        took
    }

    /// Those that the filter has judged.
    pub fn count(&self) -> usize {
        self.batches.lock().unwrap().len() * STREAMS
    }

    #[track_caller]
    pub fn assert_none_refused(&self) {
        let refused = self.refused.lock().unwrap();
        assert!(refused.is_empty(), "good tokens were refused: {refused:?}");
    }

    /// How many times as long as without the filter requests took in this time: whatever else the machine does, both had
    /// to do with it.
    pub fn cost(&self, from: Duration, to: Duration) -> f64 {
        let batches = self.batches.lock().unwrap();
        let within = batches.iter().filter(|batch| (from..to).contains(&batch.at));
        let (judged, bare) = within.map(|batch| (batch.judged, batch.bare)).unzip();
        median(judged).as_secs_f64() / median(bare).as_secs_f64()
    }
}

fn ask(connection: &mut Http2, target: &str, tokens: &[String]) -> io::Result<BTreeMap<u32, Heard>> {
    for token in tokens {
        let mut fields = request("GET", target);
        fields.push(field("authorization", format!("Bearer {token}")));
        connection.headers(&fields, true);
    }
    connection.await_all()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
