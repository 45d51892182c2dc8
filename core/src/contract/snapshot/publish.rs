//! Bringing a draft into force, and clearing what it replaced, in slices.

use crate::contract::snapshot::bucket;
use crate::contract::snapshot::draft::Draft;
use crate::contract::snapshot::head::{Base, Head};
use crate::contract::snapshot::{Keys, Slot};
use crate::port::{Expect, SharedStore, Version, WriteError};

/// How far a slice has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    More,
    /// All is done.
    Done,
}

/// Why work on the slots ended early. Whatever was in force still is.
#[derive(Debug, PartialEq, Eq)]
pub enum Halt {
    /// Another worker has changed the head: it owns the slots now, and this work is void.
    Overtaken,
    /// The host refused a write.
    Refused,
}

impl From<WriteError> for Halt {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Conflict => Self::Overtaken,
            WriteError::Unavailable => Self::Refused,
        }
    }
}

/// A draft on its way into force.
#[derive(Debug)]
pub struct Publication {
    draft: Draft,
    /// The head to be, but for where polling stands.
    head: Head,
    claimed: Version,
    to_write: Vec<u32>,
}

impl Publication {
    /// Claims the slots that are not current. `first` numbers the draft where there is no head to count on from.
    ///
    /// # Errors
    /// [`Halt::Overtaken`] when the head is no longer `base`.
    pub fn claim(draft: Draft, base: &Base, first: u64, keys: &Keys, store: &dyn SharedStore) -> Result<Self, Halt> {
        let mut head = base.head.clone();
        head.draft = match head.draft {
            0 => first.max(1),
            last => last.saturating_add(1),
        };
        head.high = head.high.max(draft.buckets());
        base.replace(store, &keys.head, &head)?;
        // The host does not tell which version it gave.
        let found = Base::read(store, &keys.head);
        let claimed = match found.version() {
            Some(version) if found.head == head => version,
            _ => return Err(Halt::Overtaken),
        };
        let to_write = draft.to_write();
        let written: hashbrown::HashSet<u32, foldhash::fast::RandomState> = to_write.iter().copied().collect();
        head.arrange(draft.buckets(), |bucket| match base.head.current(bucket) {
            Some(slot) if written.contains(&bucket) => slot.other(),
            Some(slot) => slot,
            None => Slot::First,
        });
        head.generation = head.draft;
        head.seed = draft.seed();
        head.rows = draft.rows();
        Ok(Self { draft, head, claimed, to_write })
    }

    /// Writes up to `count` buckets.
    ///
    /// # Errors
    /// See [`Halt`].
    pub fn write(&mut self, count: usize, keys: &Keys, store: &dyn SharedStore) -> Result<Progress, Halt> {
        for _ in 0..count {
            let Some(bucket) = self.to_write.pop() else {
                return Ok(Progress::Done);
            };
            let slot = self.head.current(bucket).unwrap_or(Slot::First);
            let value = bucket::seal(bucket, &self.draft.take_rows(bucket));
            let held = || version(store, &keys.head) == Some(self.claimed);
            set_while(held, store, &keys.slot(bucket, slot), |_| Some(&value))?;
        }
        Ok(Progress::More)
    }

    /// Makes the draft current; `settle` fills in where polling stands. Returns the head that is in force now.
    ///
    /// # Errors
    /// See [`Halt`].
    pub fn flip(mut self, settle: impl FnOnce(&mut Head), keys: &Keys, store: &dyn SharedStore) -> Result<Head, Halt> {
        settle(&mut self.head);
        let expect = Expect::Version(self.claimed);
        store.set(&keys.head, &self.head.encode(), expect)?;
        Ok(self.head)
    }

    /// True when nothing of what was in force before carries over.
    pub fn replaces_everything(&self) -> bool {
        self.draft.replaces_everything()
    }
}

/// Empties the slots that are not current, so that a set takes its space once.
#[derive(Debug)]
pub struct Sweep {
    head: Head,
    next: u32,
}

impl Sweep {
    /// Of what is left now that `head` is in force.
    pub fn of(head: Head) -> Self {
        Self { head, next: 0 }
    }

    /// Looks at up to `count` buckets.
    ///
    /// # Errors
    /// See [`Halt`].
    pub fn step(&mut self, count: u32, keys: &Keys, store: &dyn SharedStore) -> Result<Progress, Halt> {
        let end = self.next.saturating_add(count).min(self.head.high);
        for bucket in self.next..end {
            let spare = match self.head.current(bucket) {
                Some(current) => vec![current.other()],
                None => vec![Slot::First, Slot::Second],
            };
            for slot in spare {
                let key = keys.slot(bucket, slot);
                let held = || Base::read(store, &keys.head).head.draft == self.head.draft;
                set_while(held, store, &key, |old| (!old.is_empty()).then_some(&[]))?;
            }
        }
        self.next = end;
        if end < self.head.high {
            return Ok(Progress::More);
        }
        let base = Base::read(store, &keys.head);
        if base.head.draft != self.head.draft {
            return Err(Halt::Overtaken);
        }
        let mut swept = base.head.clone();
        swept.high = swept.buckets;
        base.replace(store, &keys.head, &swept)?;
        Ok(Progress::Done)
    }
}

fn version(store: &dyn SharedStore, key: &str) -> Option<Version> {
    store.get(key).map(|found| found.version)
}

/// Writes a slot if `held` still holds after the slot's version was read. Then nobody who came later can have
/// written it before this write, which is what makes overtaken writers harmless.
fn set_while<'a>(
    held: impl Fn() -> bool,
    store: &dyn SharedStore,
    key: &str,
    value: impl FnOnce(&[u8]) -> Option<&'a [u8]>,
) -> Result<(), Halt> {
    let found = store.get(key);
    let old = found.as_ref().map_or(&[][..], |found| &found.value);
    let Some(value) = value(old) else {
        return Ok(());
    };
    if !held() {
        return Err(Halt::Overtaken);
    }
    let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::Version(found.version));
    Ok(store.set(key, value, expect)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::row::Row;
    use crate::contract::snapshot::view::{Found, View};
    use crate::port::Versioned;
    use crate::port::memory::MemoryStore;
    use std::cell::{Cell, RefCell};

    /// Lets something happen right before the n-th access to shared data.
    struct Interrupted<F: FnOnce()> {
        store: MemoryStore,
        left: Cell<u32>,
        happens: RefCell<Option<F>>,
    }

    impl<F: FnOnce()> Interrupted<F> {
        fn count(&self) {
            self.left.set(self.left.get().wrapping_sub(1));
            if self.left.get() == 0
                && let Some(happens) = self.happens.take()
            {
                happens();
            }
        }
    }

    impl<F: FnOnce()> SharedStore for Interrupted<F> {
        fn get(&self, key: &str) -> Option<Versioned> {
            self.count();
            self.store.get(key)
        }

        fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError> {
            self.count();
            self.store.set(key, value, expect)
        }
    }

    fn row(client: usize, tier: &str) -> Row {
        let json = format!(r#"{{"api":"a","client_id":"{client}","tier":"{tier}"}}"#);
        Row::from_json(json.as_bytes()).unwrap()
    }

    fn publish(tier: &str, store: &dyn SharedStore) -> Result<(), Halt> {
        let keys = Keys::new("t");
        let mut draft = Draft::from_nothing(7);
        for client in 0..60 {
            draft.put(&row(client, tier), &|_| None).unwrap();
        }
        let base = Base::read(store, &keys.head);
        let mut publication = Publication::claim(draft, &base, 1, &keys, store)?;
        while publication.write(1, &keys, store)? == Progress::More {}
        let head = publication.flip(|_| {}, &keys, store)?;
        let mut sweep = Sweep::of(head);
        while sweep.step(1, &keys, store)? == Progress::More {}
        Ok(())
    }

    /// The tier that all contracts have.
    fn seen(store: &MemoryStore) -> String {
        let (keys, mut view) = (Keys::new("t"), View::default());
        view.refresh(&keys, store);
        let mut tiers: Vec<_> = (0..60)
            .map(|client| match view.find(["a", "p", &client.to_string()], &keys, store) {
                Found::Contract(contract) => contract.tier.unwrap().to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        tiers.dedup();
        assert_eq!(tiers.len(), 1, "{tiers:?}");
        tiers.remove(0)
    }

    #[test]
    fn wherever_a_writer_is_overtaken_it_does_no_harm() {
        let mut overtaken = 0;
        for access in 1.. {
            for others in 1..4 {
                let store = MemoryStore::default();
                publish("first", &store).unwrap();
                let other = store.clone();
                let slow = Interrupted {
                    store: store.clone(),
                    left: Cell::new(access),
                    happens: RefCell::new(Some(|| {
                        for number in 0..others {
                            publish(&number.to_string(), &other).unwrap();
                        }
                    })),
                };
                let last = (others - 1).to_string();
                match publish("slow", &slow) {
                    Err(halt) => {
                        assert_eq!(halt, Halt::Overtaken);
                        overtaken += 1;
                        assert_eq!(seen(&store), last);
                    }
                    Ok(()) if slow.happens.borrow().is_some() => {
                        assert!(overtaken > 20, "{overtaken}");
                        return;
                    }
                    Ok(()) => assert_eq!(seen(&store), "slow"),
                }
            }
        }
    }

    #[test]
    fn whenever_a_reader_is_overtaken_it_sees_one_set() {
        for access in 1..12 {
            let store = MemoryStore::default();
            publish("old", &store).unwrap();
            let (keys, mut view) = (Keys::new("t"), View::default());
            view.refresh(&keys, &store);
            let other = store.clone();
            let slow = Interrupted {
                store: store.clone(),
                left: Cell::new(access),
                happens: RefCell::new(Some(|| {
                    publish("newer", &other).unwrap();
                    publish("newest", &other).unwrap();
                })),
            };
            let before = view.generation();
            for client in ["1", "2", "3"] {
                let Found::Contract(found) = view.find(["a", "p", client], &keys, &slow) else {
                    panic!("{client} is there all the time");
                };
                let tier = found.tier.unwrap();
                assert_eq!(*tier == *"newest", view.generation() != before);
                assert_ne!(&*tier, "newer");
            }
        }
    }
}
