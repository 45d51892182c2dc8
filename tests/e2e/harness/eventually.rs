//! Awaiting a condition that another process or thread brings about.

use std::thread;
use std::time::{Duration, Instant};

/// Time for anything that is expected to happen at once; generous, because test machines stall.
pub const SOON: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(4);

/// Asks until `condition` has a value and returns it; panics with `what` once `deadline` has passed.
#[track_caller]
pub fn eventually<T>(deadline: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < deadline, "not within {deadline:?}: {what}");
        thread::sleep(POLL);
    }
}
