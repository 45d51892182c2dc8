//! How many requests are taken of whom. Whoever is idle for long enough is forgotten, so that memory is bounded by the
//! rates.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::http::problem::HttpProblem;
use crate::http::problem_types::RATE_LIMITED;

/// So many requests from one sweep to the next.
const SWEEP: u32 = 1024;

pub struct Throttle {
    requests: DefaultKeyedRateLimiter<String>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    /// Until when one failure more is one too many.
    guessing: Mutex<HashMap<IpAddr, Instant>>,
    clock: DefaultClock,
    since_sweep: AtomicU32,
}

impl Throttle {
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32, failures_per_minute: NonZeroU32) -> Self {
        Self {
            requests: RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst)),
            failures: RateLimiter::keyed(Quota::per_minute(failures_per_minute)),
            guessing: Mutex::default(),
            clock: DefaultClock::default(),
            since_sweep: AtomicU32::new(0),
        }
    }

    /// Counts a request of this principal.
    ///
    /// # Errors
    /// The answer to one request too many.
    pub fn principal(&self, principal: String) -> Result<(), HttpProblem> {
        self.sweep();
        self.judged(self.requests.check_key(&principal).err(), "too many requests of this caller")
    }

    /// Counts a request of nobody from this address.
    ///
    /// # Errors
    /// The answer to one request too many.
    pub fn address(&self, address: IpAddr) -> Result<(), HttpProblem> {
        self.sweep();
        let key = format!("address:{}", party(address));
        self.judged(self.requests.check_key(&key).err(), "too many requests from this address")
    }

    /// Counts an authentication that failed.
    ///
    /// # Errors
    /// The answer to one failure too many.
    pub fn failure(&self, address: IpAddr) -> Result<(), HttpProblem> {
        self.sweep();
        let refused = self.failures.check_key(&party(address)).err();
        if let Some(refused) = &refused {
            let until = Instant::now() + refused.wait_time_from(self.clock.now());
            self.guessing().insert(party(address), until);
        }
        self.judged(refused, "too many failed authentications from this address")
    }

    /// Whether one failure more would be one too many, which counts as none.
    pub fn is_guessing(&self, address: IpAddr) -> bool {
        self.guessing().get(&party(address)).is_some_and(|until| Instant::now() < *until)
    }

    fn guessing(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.guessing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judged(
        &self,
        refused: Option<governor::NotUntil<governor::clock::QuantaInstant>>,
        detail: &str,
    ) -> Result<(), HttpProblem> {
        let Some(refused) = refused else { return Ok(()) };
        let wait = refused.wait_time_from(self.clock.now());
        Err(HttpProblem::later(&RATE_LIMITED, detail, wait.as_secs().saturating_add(1)))
    }

    fn sweep(&self) {
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) >= SWEEP {
            self.since_sweep.store(0, Ordering::Relaxed);
            self.requests.retain_recent();
            self.failures.retain_recent();
            let now = Instant::now();
            self.guessing().retain(|_, until| now < *until);
        }
    }
}

/// Who has one IPv6 address has all of its /64.
fn party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_caller_and_each_address_has_a_budget_of_its_own() {
        let [one, two] = [1, 2].map(|number| NonZeroU32::new(number).unwrap());
        let throttle = Throttle::new(one, two, two);
        for key in ["user:1", "user:2"] {
            assert!(throttle.principal(key.to_owned()).is_ok());
            assert!(throttle.principal(key.to_owned()).is_ok());
            assert_eq!(throttle.principal(key.to_owned()).unwrap_err().kind(), &RATE_LIMITED);
        }
        assert!(throttle.address(of("fd00::1")).is_ok() && throttle.address(of("fd00::2")).is_ok());
        assert!(throttle.address(of("fd00::3")).is_err(), "one network");
        assert!(throttle.address(of("fd00:0:0:1::3")).is_ok());
        assert!(throttle.failure(of("10.0.0.1")).is_ok() && throttle.failure(of("::ffff:10.0.0.1")).is_ok());
        assert!(!throttle.is_guessing(of("10.0.0.1")));
        assert!(throttle.failure(of("10.0.0.1")).is_err() && throttle.failure(of("10.0.0.2")).is_ok());
        assert!(throttle.is_guessing(of("10.0.0.1")) && !throttle.is_guessing(of("10.0.0.2")));
    }

    #[test]
    fn idle_keys_are_forgotten() {
        let many = NonZeroU32::new(100_000).unwrap();
        let throttle = Throttle::new(many, many, many);
        for number in 0..50_000 {
            assert!(throttle.principal(format!("user:{number}")).is_ok());
        }
        assert!(throttle.requests.len() < 10_000, "{} are kept", throttle.requests.len());
    }
}
