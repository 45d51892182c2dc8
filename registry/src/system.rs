//! The clock and the dice of this machine, and what it writes of a process that crashes.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, setrlimit};
use uuid::{Builder, Uuid};

use crate::domain::time::Time;
use crate::use_case::ports::{Clock, Randomness};

/// Has no core dump written of this process: it would have secrets and sealing keys in the clear.
///
/// # Errors
/// The system does not allow it.
pub fn forbid_core_dumps() -> io::Result<()> {
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        // A machine that has no randomness can make no secret: nothing that is safe is left to be done.
        if getrandom::fill(bytes).is_err() {
            std::process::abort();
        }
    }

    fn id(&self, now: Time) -> String {
        let mut bits = [0; 10];
        self.fill(&mut bits);
        let id: Uuid = Builder::from_unix_timestamp_millis(now.as_millis(), &bits).into_uuid();
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_ascend_with_time() {
        let ids = [1, 2, 1 << 40].map(|millis| SystemRandomness.id(Time::from_millis(millis)));
        assert!(ids.is_sorted() && ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'7'), "{ids:?}");
    }
}
