//! Where writers stand while somebody looks at what they have done.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::served::Addresses;

/// A machine may be busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Gate {
    standing: Mutex<Standing>,
    moved: Condvar,
}

struct Standing {
    is_open: bool,
    has_ended: bool,
    waiting: usize,
    addresses: Addresses,
}

impl Gate {
    /// Closed.
    pub fn new(addresses: Addresses) -> Self {
        let standing = Standing { is_open: false, has_ended: false, waiting: 0, addresses };
        Self { standing: Mutex::new(standing), moved: Condvar::new() }
    }

    /// When it is open: where the service listens; `None` when everything has ended.
    pub fn pass(&self) -> Option<Addresses> {
        let mut standing = self.standing.lock().unwrap();
        standing.waiting += 1;
        self.moved.notify_all();
        while !standing.is_open && !standing.has_ended {
            standing = self.moved.wait(standing).unwrap();
        }
        standing.waiting -= 1;
        (!standing.has_ended).then_some(standing.addresses)
    }

    /// Nobody passes any more; returns when all of so many stand here.
    pub fn close(&self, all: usize) {
        let mut standing = self.standing.lock().unwrap();
        standing.is_open = false;
        let waits = |standing: &mut Standing| standing.waiting < all;
        let (_standing, timeout) = self.moved.wait_timeout_while(standing, PATIENCE, waits).unwrap();
        assert!(!timeout.timed_out(), "a writer is stuck, or failed");
    }

    pub fn open(&self, addresses: Addresses) {
        let mut standing = self.standing.lock().unwrap();
        (standing.is_open, standing.addresses) = (true, addresses);
        self.moved.notify_all();
    }

    pub fn end(&self) {
        self.standing.lock().unwrap().has_ended = true;
        self.moved.notify_all();
    }
}
