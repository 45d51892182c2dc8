//! Knows every token, and reads the records of both ends.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;

use super::callers::Record;
use super::{MAX_TTL, TIMEOUT};
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::faulty;
use crate::harness::recorder::Arrival;
use crate::hostile_traffic::random::Random;

/// What a token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    Good,
    /// Until it is revoked.
    Fading(usize),
    /// Nobody has ever heard of it.
    Bad,
    /// Its client has no contract.
    Stranger,
    /// A good one, in a request that asks for a fault.
    Fatal,
}

/// A token as it is shown.
#[derive(Clone)]
pub struct Shown {
    pub token: String,
    pub worth: Worth,
}

pub struct Judge {
    good: Vec<String>,
    strangers: Vec<String>,
    /// The tokens that fade, and when each was revoked.
    fading: Mutex<Vec<(String, Option<Instant>)>>,
    calm: Mutex<Vec<(Instant, Instant)>>,
    arrived: Mutex<HashSet<usize>>,
}

/// Beyond what is promised, for a busy machine: from what the server has decided to what its answer brings about.
const SLACK: Duration = Duration::from_secs(1);

impl Judge {
    pub fn new(server: &AuthorizationServer) -> Self {
        let tokens = |kind: &str, client: &str| -> Vec<String> {
            let tokens: Vec<_> = (0..20).map(|number| format!("{kind}-{number}")).collect();
            tokens.iter().for_each(|token| server.activate(token, json!({"client_id": client})));
            tokens
        };
        Self {
            good: tokens("good", "portal"),
            strangers: tokens("stranger", "nobody"),
            fading: Mutex::default(),
            calm: Mutex::default(),
            arrived: Mutex::default(),
        }
    }

    pub fn good(&self) -> &[String] {
        &self.good
    }

    /// One more token that will fade.
    pub fn fades(&self, server: &AuthorizationServer) {
        let mut fading = self.fading.lock().unwrap();
        let token = format!("fading-{}", fading.len());
        server.activate(&token, json!({"client_id": "portal"}));
        fading.push((token, None));
    }

    /// The oldest one that has not faded does.
    pub fn revoke(&self, server: &AuthorizationServer) {
        let mut fading = self.fading.lock().unwrap();
        if let Some((token, revoked)) = fading.iter_mut().find(|(_, revoked)| revoked.is_none()) {
            server.answer_for(token, crate::harness::answer::Answer::json(json!({"active": false})));
            *revoked = Some(Instant::now());
        }
    }

    pub fn show(&self, random: &mut Random) -> Shown {
        let (token, worth) = match random.below(10) {
            0 | 1 => (format!("bad-{}", random.seed()), Worth::Bad),
            2 => (self.strangers[random.below(self.strangers.len())].clone(), Worth::Stranger),
            3..6 => {
                let fading = self.fading.lock().unwrap();
                // The youngest ones, of which some are faded.
                let first = fading.len().saturating_sub(30);
                match fading.len() - first {
                    0 => (self.good[0].clone(), Worth::Good),
                    some => {
                        let index = first + random.below(some);
                        (fading[index].0.clone(), Worth::Fading(index))
                    }
                }
            }
            _ => (self.good[random.below(self.good.len())].clone(), Worth::Good),
        };
        Shown { token, worth }
    }

    /// From then to then every good token was to pass.
    pub fn was_calm(&self, from: Instant, to: Instant) {
        self.calm.lock().unwrap().push((from, to));
    }

    pub fn read(&self, arrivals: &[Arrival]) {
        let mut arrived = self.arrived.lock().unwrap();
        for arrival in arrivals {
            let number: usize = arrival.headers.only("x-number").expect("a number").parse().expect("a number");
            let hides = arrival.target.starts_with("/users/");
            assert!(!hides || arrival.headers.all("authorization").is_empty(), "a token that is not to be forwarded");
            assert!(number == 0 || arrived.insert(number), "request {number} arrived twice");
        }
    }

    /// # Panics
    /// With everything that should not have been.
    pub fn conclude(&self, records: &[Record], seed: u64) {
        let (arrived, fading, calm) =
            (self.arrived.lock().unwrap(), self.fading.lock().unwrap(), self.calm.lock().unwrap());
        let mut complaints: BTreeMap<String, usize> = BTreeMap::new();
        let mut tally: BTreeMap<(String, u16), usize> = BTreeMap::new();
        let mut complain = |what: String| *complaints.entry(what).or_default() += 1;
        let faults = records.iter().filter(|record| record.shown.worth == Worth::Fatal);
        let faults: Vec<_> = faults.map(|record| (record.sent, record.ended)).collect();
        for record in records {
            let Record { number, shown, target, sent, ended, status } = record;
            let kind = match shown.worth {
                Worth::Fading(_) => "fading".to_owned(),
                worth => format!("{worth:?}").to_lowercase(),
            };
            *tally.entry((kind, *status)).or_default() += 1;
            let passes = arrived.contains(number);
            match shown.worth {
                Worth::Bad if passes => complain("a bad token passes".into()),
                Worth::Fatal if passes => complain("a request passes that nothing has judged".into()),
                Worth::Stranger if passes && target.starts_with("/orders/") => {
                    complain("a client without a contract passes".into());
                }
                Worth::Fading(index) if passes => {
                    let revoked = fading[index].1;
                    // Who has waited for an answer gets it however late it comes.
                    let late = revoked.is_some_and(|revoked| *sent > revoked + MAX_TTL + SLACK);
                    if late {
                        complain("a revoked token passes".into());
                    }
                }
                _ => {}
            }
            let is_calm = calm.iter().any(|(from, to)| from <= sent && ended <= to);
            if shown.worth == Worth::Good && is_calm && !matches!(status, 0 | 200) {
                complain(format!("a good token is refused with {status} while all is calm"));
            }
            // Whatever has failed: nothing has said that the token is not good, and no fault was in this request.
            if shown.worth == Worth::Good && matches!(status, 400..=500) {
                complain(format!("a good token is refused with {status}"));
            }
            if *status == 200 && !passes {
                complain("a request is answered, and has not arrived".into());
            }
            // Whose worker loses its VM while the upstream answers does not get that answer.
            let meets_fault = || faults.iter().any(|(from, to)| from <= ended && sent <= to);
            if !matches!(status, 0 | 200) && passes && !(*status == faulty::VM_LOST && meets_fault()) {
                complain(format!("a request is refused with {status}, and has arrived"));
            }
            let longest = 2 * TIMEOUT + Duration::from_secs(1) + 15 * SLACK;
            if *ended - *sent > longest {
                complain(format!("a request waits for over {longest:?}"));
            }
        }
        eprintln!("seed {seed}: {} requests, {} arrivals, {tally:?}", records.len(), arrived.len());
        assert!(complaints.is_empty(), "seed {seed}: {complaints:#?}");
        let passed = |kind: &str| tally.contains_key(&(kind.to_owned(), 200));
        assert!(passed("good") && passed("fading"), "seed {seed}: nothing passed: {tally:?}");
        assert!(tally.keys().any(|(kind, status)| kind == "good" && *status >= 500), "seed {seed}: nothing failed");
    }
}
