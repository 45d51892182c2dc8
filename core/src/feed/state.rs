//! Where polling stands, for all workers of a process. Untrusted when read, like everything shared.

use crate::base::time::{Timestamp, millis};
use crate::base::wire::{Malformed, Reader, put_text, put_time, put_u64, put_varint};
use std::time::Duration;

/// Where polling stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedState {
    /// When the source last answered as it should.
    pub checked_at: Timestamp,
    /// When the last poll began,
    pub polled_at: Timestamp,
    /// and how long after that the next one is due.
    pub wait: Duration,
    pub failures: u32,
    /// Names the settings of the poller that wrote these ([`FeedSettings::pace`]).
    ///
    /// [`FeedSettings::pace`]: crate::feed::settings::FeedSettings::pace
    pub pace: u64,
    /// Settings whose polls have succeeded, one bit for each ([`Self::record`]),
    proven: u64,
    /// and settings whose polls have failed and never succeeded.
    failing: u64,
    /// When everything is to be asked for again.
    pub full_due: Timestamp,
    /// What the next poll goes on from.
    pub last_good: LastGood,
}

/// The part of the last usable answer from which the next poll continues. It describes the set in force, and changes
/// with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastGood {
    pub cursor: Option<Box<str>>,
    /// The first page with its validator, which stands for all of them.
    pub validator: Option<Validator>,
    /// Of the bytes of the last full document; 0 when a delta came after it.
    pub fingerprint: u64,
}

/// A page and its entity tag (RFC 9110 §8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Path and query it was asked under.
    pub path: Box<str>,
    /// The entity tag, as it came.
    pub etag: Box<str>,
}

impl FeedState {
    /// Forgets what makes the next poll ask for less than everything.
    pub fn ask_for_everything(&mut self) {
        self.last_good = LastGood::default();
    }

    /// Records what a poll under these settings came to. Settings may share a bit: then the ones pass for as good as
    /// the others.
    pub fn record(&mut self, pace: u64, success: bool) {
        if success {
            self.proven |= bit(pace);
        }
        self.failing = (self.failing | bit(pace)) & !self.proven;
        self.pace = pace;
    }

    /// Whether polls under these settings have failed, and never succeeded.
    pub fn fails(&self, pace: u64) -> bool {
        self.failing & bit(pace) != 0
    }

    /// Whether polls under these settings have ended before.
    pub fn knows(&self, pace: u64) -> bool {
        (self.failing | self.proven) & bit(pace) != 0
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        for time in [self.checked_at, self.polled_at, self.full_due] {
            put_time(out, time);
        }
        for number in [millis(self.wait), u64::from(self.failures)] {
            put_varint(out, number);
        }
        let LastGood { cursor, validator, fingerprint } = &self.last_good;
        for number in [self.pace, self.proven, self.failing, *fingerprint] {
            put_u64(out, number);
        }
        out.push(u8::from(cursor.is_some()) | u8::from(validator.is_some()) << 1);
        let texts = [cursor.as_ref(), validator.as_ref().map(|v| &v.path), validator.as_ref().map(|v| &v.etag)];
        for text in texts.into_iter().flatten() {
            put_text(out, text);
        }
    }

    /// Reads what [`Self::write`] has written.
    ///
    /// # Errors
    /// [`Malformed`] when it is something else.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (checked_at, polled_at, full_due) = (reader.time()?, reader.time()?, reader.time()?);
        let wait = Duration::from_millis(reader.varint()?);
        let failures = u32::try_from(reader.varint()?).map_err(|_| Malformed)?;
        let (pace, proven, failing) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let fingerprint = reader.u64()?;
        let present = reader.u8()?;
        let cursor = if present & 1 != 0 { Some(reader.text()?.into()) } else { None };
        let validator = match present >> 1 {
            0 => None,
            1 => Some(Validator { path: reader.text()?.into(), etag: reader.text()?.into() }),
            _ => return Err(Malformed),
        };
        let last_good = LastGood { cursor, validator, fingerprint };
        Ok(Self { checked_at, polled_at, wait, failures, pace, proven, failing, full_due, last_good })
    }
}

fn bit(pace: u64) -> u64 {
    1 << (pace % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(state: &FeedState) -> Vec<u8> {
        let mut bytes = Vec::new();
        state.write(&mut bytes);
        bytes
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let mut state = FeedState {
            checked_at: Timestamp::from_secs(5),
            polled_at: Timestamp::from_secs(6),
            wait: Duration::from_millis(7),
            failures: 8,
            full_due: Timestamp::from_secs(12),
            last_good: LastGood {
                cursor: Some("9".into()),
                validator: Some(Validator { path: "/a".into(), etag: "\"x\"".into() }),
                fingerprint: 10,
            },
            ..FeedState::default()
        };
        state.record(13, true);
        state.record(11, false);
        for state in [state, FeedState::default()] {
            let bytes = written(&state);
            let mut reader = Reader::new(&bytes);
            assert_eq!(FeedState::read(&mut reader), Ok(state));
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn settings_that_have_succeeded_once_do_not_fail() {
        let mut state = FeedState::default();
        state.record(13, true);
        state.record(11, false);
        assert!(state.fails(11) && !state.fails(13) && state.knows(13) && !state.knows(12));
        state.record(13, false);
        assert!(!state.fails(13));
        assert_eq!(state.pace, 13);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = FeedState::read(&mut Reader::new(&bytes));
        }
    }
}
