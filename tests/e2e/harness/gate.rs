//! A gate that holds answers back until a test opens it.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::harness::eventually::SOON;

/// Shared by the test, which opens it, and the server's threads, which wait at it. Starts closed.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<Visitors>, Condvar)>);

#[derive(Default)]
struct Visitors {
    arrived: usize,
    open: bool,
}

impl Gate {
    pub fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    /// Waits, as the test, until `count` requests have reached the gate.
    #[track_caller]
    pub fn await_arrivals(&self, count: usize) {
        let visitors = self.0.0.lock().unwrap();
        let (visitors, _) = self.0.1.wait_timeout_while(visitors, SOON, |v| v.arrived < count).unwrap();
        assert!(visitors.arrived >= count, "{} of {count} requests reached the gate", visitors.arrived);
    }

    /// Waits, as the server, until the gate is open; `false` when `abandoned` says first that nobody cares any more.
    pub fn pass(&self, abandoned: impl Fn() -> bool) -> bool {
        let mut visitors = self.0.0.lock().unwrap();
        visitors.arrived += 1;
        self.0.1.notify_all();
        while !visitors.open {
            if abandoned() {
                return false;
            }
            visitors = self.0.1.wait_timeout(visitors, Duration::from_millis(20)).unwrap().0;
        }
        true
    }
}
