//! One request at a time with one `Idempotency-Key`, in this process.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::http::problem::HttpProblem;
use crate::http::problem_types::REQUEST_RUNNING;

/// Requests with a key that this process is at.
#[derive(Default)]
pub struct AtOnce {
    ids: Mutex<BTreeSet<String>>,
}

/// One of them, while it is there.
pub struct Turn<'a> {
    all: &'a AtOnce,
    id: String,
}

impl AtOnce {
    /// # Errors
    /// The answer to a request while another one with its key has not ended.
    pub fn begin(&self, id: &str) -> Result<Turn<'_>, HttpProblem> {
        let is_first = self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        if is_first { Ok(Turn { all: self, id: id.to_owned() }) } else { Err(running()) }
    }

    #[cfg(test)]
    pub fn running(&self) -> usize {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.all.ids.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// The answer to whoever comes meanwhile.
pub fn running() -> HttpProblem {
    HttpProblem::new(&REQUEST_RUNNING, "a request with this Idempotency-Key has not ended yet")
}
