//! Callers: each sends one request after the other, or many at once, until it is told to stop.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::judge::{Judge, Shown, Worth};
use crate::harness::client::{Connection, Request};
use crate::harness::http2_frames::{Http2, field, request};
use crate::hostile_traffic::random::Random;

/// HTTP/2 streams at once.
const STREAMS: usize = 20;

/// One request, and what became of it.
pub struct Record {
    pub number: usize,
    pub shown: Shown,
    pub target: &'static str,
    pub sent: Instant,
    pub ended: Instant,
    /// 0 where there was none: the caller hung up, or the connection was drained.
    pub status: u16,
}

#[derive(Clone, Copy)]
pub struct Callers<'a> {
    pub port: u16,
    pub judge: &'a Judge,
    pub over: &'a AtomicBool,
    pub records: &'a Mutex<Vec<Record>>,
}

/// Numbers begin with 1: 0 is for those that are not looked at.
static NEXT: AtomicUsize = AtomicUsize::new(1);

impl Callers<'_> {
    /// An even number calls over HTTP/1, an odd one over HTTP/2.
    pub fn call(self, number: u64, seed: u64) {
        let mut random = Random::seeded(seed * 100 + number);
        while !self.over.load(Ordering::Relaxed) {
            let records =
                if number.is_multiple_of(2) { self.over_http1(&mut random) } else { self.over_http2(&mut random) };
            self.keep(records);
        }
    }

    pub fn keep(&self, records: Vec<Record>) {
        self.records.lock().unwrap().extend(records);
    }

    /// The number of another request.
    pub fn next(&self) -> usize {
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// All of these tokens, which nobody knows, at once.
    pub fn flood(self, tokens: Vec<String>) {
        let shown = tokens.into_iter().map(|token| (Shown { token, worth: Worth::Bad }, "/orders/1", false));
        self.keep(self.at_once(shown.collect()));
    }

    fn target(random: &mut Random) -> &'static str {
        random.pick(&["/orders/1", "/orders/2?a=b", "/users/7"])
    }

    /// A connection with a few requests; sometimes it hangs up on the last.
    fn over_http1(&self, random: &mut Random) -> Vec<Record> {
        let Ok(mut connection) = Connection::open(self.port) else { return Vec::new() };
        let mut records = Vec::new();
        for _ in 0..1 + random.below(20) {
            let (shown, number) = (self.judge.show(random), self.next());
            let target = Self::target(random);
            let request = Request::get(target).bearer(&shown.token).header("x-number", number.to_string());
            let sent = Instant::now();
            let written = connection.write(&request.encode());
            let hangs_up = random.chance(3);
            let answer = (written.is_ok() && !hangs_up).then(|| connection.read_response()).and_then(Result::ok);
            let (status, closes) = answer.map_or((0, true), |answer| (answer.status, answer.closes()));
            records.push(Record { number, shown, target, sent, ended: Instant::now(), status });
            if closes {
                break;
            }
        }
        records
    }

    /// Many streams at once, some of which are reset.
    fn over_http2(&self, random: &mut Random) -> Vec<Record> {
        let mut stream = || (self.judge.show(random), Self::target(random), random.chance(5));
        self.at_once((0..STREAMS).map(|_| stream()).collect())
    }

    /// On one connection: what each shows, and where, and whether it is reset.
    fn at_once(&self, requests: Vec<(Shown, &'static str, bool)>) -> Vec<Record> {
        let Ok(mut connection) = Http2::open(self.port) else { return Vec::new() };
        let sent = Instant::now();
        let streams: Vec<_> = requests
            .into_iter()
            .map(|(shown, target, is_reset)| {
                let number = self.next();
                let mut fields = request("GET", target);
                fields.push(field("authorization", format!("Bearer {}", shown.token)));
                fields.push(field("x-number", number.to_string()));
                let stream = connection.headers(&fields, true);
                if is_reset {
                    connection.reset(stream);
                }
                (stream, number, shown, target)
            })
            .collect();
        let heard = connection.await_all().unwrap_or_else(|_| connection.heard());
        let ended = Instant::now();
        let record = |(stream, number, shown, target)| {
            let status = heard.get(&stream).filter(|heard| !heard.reset).map_or(0, |heard| heard.status);
            Record { number, shown, target, sent, ended, status }
        };
        streams.into_iter().map(record).collect()
    }
}
