use super::*;
use crate::contract::row::Row;
use crate::contract::table::sweep::Sweep;
use crate::contract::table::view::{Finding, View};
use crate::port::memory::MemoryStore;
use crate::port::{Versioned, WriteError};
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
    let mut draft = TableDraft::from_nothing(7);
    for client in 0..60 {
        draft.put(&row(client, tier), &|_| None).unwrap();
    }
    let base = Base::read(store, &keys.root);
    let mut publication = Publication::claim(draft, &base, 1, &keys, store)?;
    while publication.write(1, &keys, store)? == Progress::More {}
    let root = publication.commit(FeedState::default(), &keys, store)?;
    let mut sweep = Sweep::of(root.manifest);
    while sweep.step(1, &keys, store)? == Progress::More {}
    Ok(())
}

/// The tier that all contracts have.
fn seen(store: &MemoryStore) -> String {
    let (keys, mut view) = (Keys::new("t"), View::default());
    view.refresh(&keys, store);
    let mut tiers: Vec<_> = (0..60)
        .map(|client| match view.find(["a", "p", &client.to_string()], &keys, store) {
            Finding::Contract(contract) => contract.tier.unwrap().to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    tiers.dedup();
    assert_eq!(tiers.len(), 1, "{tiers:?}");
    tiers.remove(0)
}

#[test]
fn what_is_replaced_takes_no_space() {
    let store = MemoryStore::default();
    for tier in ["first", "second", "third"] {
        publish(tier, &store).unwrap();
        let manifest = Base::read(&store, &Keys::new("t").root).root.manifest;
        assert!(manifest.buckets > 1, "{} buckets", manifest.buckets);
        // The root, and one slot of each bucket.
        let filled = store.dump().iter().filter(|(_, value)| !value.is_empty()).count();
        assert_eq!(filled, 1 + manifest.buckets as usize, "{tier}");
    }
}

#[test]
fn who_is_overtaken_while_it_claims_the_table_writes_nothing() {
    let store = MemoryStore::default();
    publish("first", &store).unwrap();
    let other = store.clone();
    // The root was read, then written, and is read again.
    let slow = Interrupted {
        store: store.clone(),
        left: Cell::new(3),
        happens: RefCell::new(Some(|| publish("other", &other).unwrap())),
    };
    assert!(matches!(publish("slow", &slow), Err(Halt::Superseded)));
    assert_eq!((slow.left.get(), seen(&store)), (0, "other".to_owned()));
}

#[test]
fn wherever_a_writer_is_superseded_it_does_no_harm() {
    let mut superseded = 0;
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
                    assert_eq!(halt, Halt::Superseded);
                    superseded += 1;
                    assert_eq!(seen(&store), last);
                }
                Ok(()) if slow.happens.borrow().is_some() => {
                    assert!(superseded > 20, "{superseded}");
                    return;
                }
                Ok(()) => assert_eq!(seen(&store), "slow"),
            }
        }
    }
}

#[test]
fn whenever_a_reader_is_superseded_it_sees_one_set() {
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
            let Finding::Contract(found) = view.find(["a", "p", client], &keys, &slow) else {
                panic!("{client} is there all the time");
            };
            let tier = found.tier.unwrap();
            assert_eq!(*tier == *"newest", view.generation() != before);
            assert_ne!(&*tier, "newer");
        }
    }
}
