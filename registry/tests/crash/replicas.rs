//! One service or several on one database, of which some are killed now and then.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::dice::Dice;
use crate::served::{Addresses, Place, Served};
use crate::wire::Reply;
use crate::writer::{Step, attempt, is_passing};

const PATIENCE: Duration = Duration::from_secs(120);

pub struct Replicas<'a> {
    place: &'a Place,
    served: Vec<Served>,
    /// Of those that run.
    at: Arc<Mutex<Vec<Addresses>>>,
}

impl<'a> Replicas<'a> {
    pub fn start(place: &'a Place, number: usize) -> Self {
        let mut replicas = Self { place, served: Vec::new(), at: Arc::default() };
        replicas.fill(number);
        replicas
    }

    fn fill(&mut self, number: usize) {
        while self.served.len() < number {
            self.served.push(Served::start(self.place));
            self.note();
        }
    }

    fn note(&self) {
        *self.at.lock().unwrap() = self.served.iter().map(|served| served.addresses).collect();
    }

    pub fn number(&self) -> usize {
        self.served.len()
    }

    /// All of them at once.
    pub fn kill_all(&mut self) {
        self.at.lock().unwrap().clear();
        self.served.drain(..).for_each(Served::kill);
    }

    pub fn kill_one(&mut self, which: usize) {
        self.served.remove(which).kill();
        self.note();
    }

    /// As many as there were.
    pub fn again(&mut self, number: usize) {
        self.fill(number);
    }

    pub fn feed(&self) -> std::net::SocketAddr {
        self.served.first().unwrap().addresses.feed
    }

    pub fn caller(&self, token: &str, name: &str) -> Caller {
        let (at, token, name) = (Arc::clone(&self.at), token.to_owned(), name.to_owned());
        let seed = name.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte));
        Caller { at, token, name, asked: 0, dice: Dice(seed) }
    }
}

/// Somebody who asks any of them until he is answered.
pub struct Caller {
    at: Arc<Mutex<Vec<Addresses>>>,
    token: String,
    /// Nobody else's: its requests are told from those of others by it.
    name: String,
    asked: u64,
    pub dice: Dice,
}

impl Caller {
    fn any(&mut self) -> Option<Addresses> {
        let at = self.at.lock().unwrap();
        let sides = u64::try_from(at.len()).unwrap();
        (sides > 0).then(|| at[usize::try_from(self.dice.roll(sides)).unwrap()])
    }

    pub fn ask(&mut self, method: &'static str, path: &str, body: Value) -> Reply {
        self.asked += 1;
        let key = format!("{}-{}", self.name, self.asked);
        let (step, begun) = (Step::plain(method, &format!("/api/v1{path}"), body, &key), Instant::now());
        loop {
            let at = self.any();
            match at.map(|at| attempt(at, &self.token, &step)) {
                Some(Ok(reply)) if !is_passing(&step, &reply) => {
                    assert!(reply.status < 500, "{step:?}: {} {}", reply.status, reply.json());
                    return reply;
                }
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
            assert!(begun.elapsed() < PATIENCE, "no answer: {step:?}");
        }
    }

    /// The answer, where nothing is in the way of it.
    #[track_caller]
    pub fn must(&mut self, method: &'static str, path: &str, body: Value) -> Value {
        let reply = self.ask(method, path, body);
        assert!((200..300).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.json());
        reply.json()
    }

    /// All items of a list.
    pub fn list(&mut self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut next) = (Vec::new(), format!("{path}{joint}limit=200"));
        loop {
            let reply = self.ask("GET", &next, Value::Null);
            assert_eq!(reply.status, 200, "{next}: {}", reply.json());
            items.extend(reply.json()["items"].as_array().unwrap().iter().cloned());
            let Some(link) = reply.header("link") else { return items };
            next = link.strip_prefix("</api/v1").unwrap().split_once('>').unwrap().0.to_owned();
        }
    }
}
