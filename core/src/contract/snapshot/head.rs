//! The one record that says what is in force and where polling stands.

use std::time::Duration;

use crate::base::time::{Timestamp, millis};
use crate::contract::snapshot::Slot;
use crate::contract::snapshot::draft::MAX_BUCKETS;
use crate::contract::snapshot::wire::{self, FORMAT, Reader, put_bytes, put_number};
use crate::port::{Expect, SharedStore, Version, WriteError};

/// The state of the table and of polling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Which set is in force; 0 when none has been loaded.
    pub generation: u64,
    /// Last number claimed by a writer. A generation is the draft that became current.
    pub draft: u64,
    /// Keys the hashes, those that the fingerprint is of among them.
    pub seed: u64,
    /// Number of buckets of the current generation.
    pub buckets: u32,
    /// Number of contracts in it.
    pub rows: u64,
    /// No bucket from this number on has ever held anything that was not cleared since.
    pub high: u32,
    /// One bit per bucket: set when the second slot is current.
    current: Vec<u8>,
    /// When the source last answered as it should.
    pub checked_at: Timestamp,
    /// When the last poll began,
    pub polled_at: Timestamp,
    /// and how long after that the next one is due.
    pub wait: Duration,
    /// Polls that have failed since.
    pub failures: u32,
    /// Names the settings of the poller that wrote these ([`SourceSettings::pace`]).
    ///
    /// [`SourceSettings::pace`]: crate::contract::settings::SourceSettings::pace
    pub settings: u64,
    /// Settings whose polls have succeeded, one bit for each ([`Head::note`]),
    proven: u64,
    /// and settings whose polls have failed and never succeeded.
    failing: u64,
    /// When everything is to be asked for again.
    pub full_due: Timestamp,
    /// Where the next delta begins.
    pub cursor: Option<Box<str>>,
    /// The first page of the last answer with its validator, which stands for all of them.
    pub page: Option<Page>,
    /// Of the bytes of the last snapshot; 0 when a delta came after it.
    pub fingerprint: u64,
}

/// A page and its entity tag (RFC 9110 §8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Path and query it was asked under.
    pub path: Box<str>,
    /// The validator, as it came.
    pub etag: Box<str>,
}

impl Head {
    /// Which slot of a bucket is current; `None` for a bucket outside of the table.
    pub fn current(&self, bucket: u32) -> Option<Slot> {
        if bucket >= self.buckets {
            return None;
        }
        let byte = self.current.get(bucket as usize / 8)?;
        Some(if byte >> (bucket % 8) & 1 == 1 { Slot::Second } else { Slot::First })
    }

    /// Sets the number of buckets, and for each of them which slot is current.
    pub fn arrange(&mut self, buckets: u32, slot: impl Fn(u32) -> Slot) {
        let mut current = vec![0u8; buckets.div_ceil(8) as usize];
        for bucket in 0..buckets {
            if let (Slot::Second, Some(byte)) = (slot(bucket), current.get_mut(bucket as usize / 8)) {
                *byte |= 1 << (bucket % 8);
            }
        }
        self.buckets = buckets;
        self.current = current;
    }

    /// Forgets what makes the next poll ask for less than everything.
    pub fn ask_for_everything(&mut self) {
        self.cursor = None;
        self.page = None;
        self.fingerprint = 0;
    }

    /// Takes note of what a poll under these settings came to. Settings may share a bit: then the ones pass for as good
    /// as the others.
    pub fn note(&mut self, settings: u64, success: bool) {
        if success {
            self.proven |= bit(settings);
        }
        self.failing = (self.failing | bit(settings)) & !self.proven;
        self.settings = settings;
    }

    /// Whether polls under these settings have failed, and never succeeded.
    pub fn fails(&self, settings: u64) -> bool {
        self.failing & bit(settings) != 0
    }

    /// Whether polls under these settings have ended before.
    pub fn knows(&self, settings: u64) -> bool {
        (self.failing | self.proven) & bit(settings) != 0
    }

    /// The record's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(128 + self.current.len());
        to.push(FORMAT);
        for number in [
            self.generation,
            self.draft,
            self.seed,
            u64::from(self.buckets),
            self.rows,
            u64::from(self.high),
            self.checked_at.as_millis(),
            self.polled_at.as_millis(),
            millis(self.wait),
            u64::from(self.failures),
            self.settings,
            self.proven,
            self.failing,
            self.full_due.as_millis(),
            self.fingerprint,
            u64::from(self.cursor.is_some()),
            u64::from(self.page.is_some()),
        ] {
            put_number(&mut to, number);
        }
        put_bytes(&mut to, &self.current);
        if let Some(cursor) = &self.cursor {
            put_bytes(&mut to, cursor.as_bytes());
        }
        if let Some(page) = &self.page {
            put_bytes(&mut to, page.path.as_bytes());
            put_bytes(&mut to, page.etag.as_bytes());
        }
        wire::seal(&mut to);
        to
    }

    /// Reads the record; `None` when it is not one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(wire::unseal(bytes)?);
        if from.byte()? != FORMAT {
            return None;
        }
        let mut head = Self {
            generation: from.number()?,
            draft: from.number()?,
            seed: from.number()?,
            buckets: u32::try_from(from.number()?).ok()?,
            rows: from.number()?,
            high: u32::try_from(from.number()?).ok()?,
            checked_at: Timestamp::from_millis(from.number()?),
            polled_at: Timestamp::from_millis(from.number()?),
            wait: Duration::from_millis(from.number()?),
            failures: u32::try_from(from.number()?).ok()?,
            settings: from.number()?,
            proven: from.number()?,
            failing: from.number()?,
            full_due: Timestamp::from_millis(from.number()?),
            fingerprint: from.number()?,
            ..Self::default()
        };
        let has_cursor = from.number()? != 0;
        let has_page = from.number()? != 0;
        head.current = from.bytes()?.to_vec();
        if has_cursor {
            head.cursor = Some(from.text()?.into());
        }
        if has_page {
            head.page = Some(Page { path: from.text()?.into(), etag: from.text()?.into() });
        }
        let fits = head.current.len() == head.buckets.div_ceil(8) as usize
            && head.buckets.max(head.high) <= MAX_BUCKETS
            && (head.generation == 0 || head.buckets > 0);
        (fits && from.0.is_empty()).then_some(head)
    }
}

fn bit(settings: u64) -> u64 {
    1 << (settings % 64)
}

/// A head as it was read, with what a compare-and-swap over it needs.
#[derive(Clone, Debug)]
pub struct Base {
    /// The head; an empty one where there was none, or none that can be read.
    pub head: Head,
    /// What must hold for it to be replaced.
    pub expect: Expect,
}

impl Base {
    /// Reads the head.
    pub fn read(store: &dyn SharedStore, key: &str) -> Self {
        match store.get(key) {
            None => Self { head: Head::default(), expect: Expect::Absent },
            Some(found) => {
                Self { head: Head::decode(&found.value).unwrap_or_default(), expect: Expect::Version(found.version) }
            }
        }
    }

    /// Replaces the head by `head`.
    ///
    /// # Errors
    /// As [`SharedStore::set`]; a conflict when the head has changed since it was read.
    pub fn replace(&self, store: &dyn SharedStore, key: &str, head: &Head) -> Result<(), WriteError> {
        store.set(key, &head.encode(), self.expect)
    }

    /// The version that was read, if there was a head.
    pub fn version(&self) -> Option<Version> {
        match self.expect {
            Expect::Version(version) => Some(version),
            Expect::Absent | Expect::Anything => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_head_comes_back() {
        let mut head = Head {
            generation: u64::MAX,
            draft: 1 << 40,
            seed: 3,
            rows: 4,
            high: 20,
            checked_at: Timestamp::from_secs(5),
            polled_at: Timestamp::from_secs(6),
            wait: Duration::from_millis(7),
            failures: 8,
            settings: 11,
            cursor: Some("9".into()),
            full_due: Timestamp::from_secs(12),
            page: Some(Page { path: "/a".into(), etag: "\"x\"".into() }),
            fingerprint: 10,
            ..Head::default()
        };
        head.note(13, true);
        head.note(11, false);
        head.arrange(19, |bucket| if bucket % 3 == 0 { Slot::Second } else { Slot::First });
        assert_eq!(Head::decode(&head.encode()).as_ref(), Some(&head));
        assert!(head.fails(11) && !head.fails(13) && head.knows(13) && !head.knows(12));
        head.note(13, false);
        assert!(!head.fails(13), "it has succeeded once");
        assert_eq!(head.current(18), Some(Slot::Second));
        assert_eq!(head.current(17), Some(Slot::First));
        assert_eq!(head.current(19), None);
        assert_eq!(Head::decode(&Head::default().encode()), Some(Head::default()));
    }

    proptest! {
        /// The checksum keeps accidents out; this is about what has one that fits.
        #[test]
        fn sealed_nonsense_does_no_harm(mut bytes: Vec<u8>) {
            bytes.insert(0, FORMAT);
            wire::seal(&mut bytes);
            let _ = Head::decode(&bytes);
        }
    }
}
