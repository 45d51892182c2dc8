//! A bounded cache that keeps what is in use: the [SIEVE] order over a slab, and an index into it.
//!
//! New entries stand at the head of a queue and never move; a hand walks from the tail to the head, forgives each entry
//! that was used since its last visit, and evicts the first one that was not. A scan of keys seen once passes through
//! the stretch between hand and head and leaves the entries behind the hand alone.
//!
//! What it holds includes its own key: whoever looks one up gives the key's hash, and says which value it is. Memory is
//! taken as entries come, never ahead.
//!
//! [SIEVE]: https://www.usenix.org/conference/nsdi24/presentation/zhang-yazhuo

use std::mem;

use hashbrown::HashTable;

/// The index's share of an entry, in bytes: two tables of at most 4.6 buckets of 5 bytes while it grows.
const INDEX_SHARE: usize = 48;

/// Values up to a maximum number and a maximum sum of costs. A cost may be bytes, or unused.
pub struct Sieve<T> {
    max_entries: usize,
    max_cost: usize,
    index: HashTable<u32>,
    slots: Vec<SieveSlot<T>>,
    free: Option<u32>,
    newest: Option<u32>,
    oldest: Option<u32>,
    hand: Option<u32>,
    cost: usize,
}

enum SieveSlot<T> {
    Free { next: Option<u32> },
    Taken(SieveEntry<T>),
}

struct SieveEntry<T> {
    value: T,
    hash: u64,
    cost: u32,
    /// Used since the hand came by.
    visited: bool,
    newer: Option<u32>,
    older: Option<u32>,
}

impl<T> Sieve<T> {
    /// The most that an entry takes, in bytes, beside what its value points to: its slot (twice, while the slab grows)
    /// and its share of the index.
    pub const OVERHEAD: usize = 2 * mem::size_of::<SieveSlot<T>>() + INDEX_SHARE;

    pub fn new(max_entries: usize, max_cost: usize) -> Self {
        Self {
            max_entries: max_entries.min(u32::MAX as usize),
            max_cost,
            index: HashTable::new(),
            slots: Vec::new(),
            free: None,
            newest: None,
            oldest: None,
            hand: None,
            cost: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub fn cost(&self) -> usize {
        self.cost
    }

    /// The value with this hash that `is_it`, which counts as a use of it. Does not allocate.
    pub fn get(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        let id = self.find(hash, is_it)?;
        let entry = self.entry_mut(id)?;
        entry.visited = true;
        Some(&mut entry.value)
    }

    /// Inserts `value`, whose key is not present yet, and evicts what has not been used for long to make room.
    /// `visited` says whether it counts as used. A value that costs more than the maximum sum is not inserted.
    pub fn insert(&mut self, hash: u64, value: T, cost: u32, visited: bool) {
        let size = cost as usize;
        if self.max_entries == 0 || size > self.max_cost {
            return;
        }
        while self.len() >= self.max_entries || size > self.max_cost.saturating_sub(self.cost) {
            let Some(victim) = self.victim() else { return };
            self.take(victim);
        }
        let id = self.push(SieveEntry { value, hash, cost, visited, newer: None, older: self.newest });
        let slots = &self.slots;
        self.index.insert_unique(hash, id, |other| entry(slots, *other).map_or(0, |entry| entry.hash));
        self.cost += size;
    }

    /// Takes the value with this hash that `is_it` out. Says too whether it was used since the hand came by.
    pub fn remove(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<(T, bool)> {
        let id = self.find(hash, is_it)?;
        self.take(id).map(|entry| (entry.value, entry.visited))
    }

    /// Takes out every value that `is_out`. Walks over all of them.
    pub fn remove_all(&mut self, is_out: impl Fn(&T) -> bool) {
        for id in 0..self.slots.len() as u32 {
            if entry(&self.slots, id).is_some_and(|entry| is_out(&entry.value)) {
                self.take(id);
            }
        }
    }

    fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<u32> {
        let matches = |entry: &SieveEntry<T>| entry.hash == hash && is_it(&entry.value);
        self.index.find(hash, |id| entry(&self.slots, *id).is_some_and(matches)).copied()
    }

    fn entry_mut(&mut self, id: u32) -> Option<&mut SieveEntry<T>> {
        match self.slots.get_mut(id as usize) {
            Some(SieveSlot::Taken(entry)) => Some(entry),
            _ => None,
        }
    }

    /// The entry to evict next; `None` when there is none.
    ///
    /// Walks at most once around, for it forgives what it passes; each use pays for one step.
    fn victim(&mut self) -> Option<u32> {
        loop {
            let id = self.hand.or(self.oldest)?;
            let entry = self.entry_mut(id)?;
            if !entry.visited {
                self.hand = Some(id);
                return Some(id);
            }
            entry.visited = false;
            self.hand = entry.newer;
        }
    }

    /// Puts `entry` at the head of the queue.
    fn push(&mut self, entry: SieveEntry<T>) -> u32 {
        let id = self.store(entry);
        match self.newest.and_then(|newest| self.entry_mut(newest)) {
            Some(before) => before.newer = Some(id),
            None => self.oldest = Some(id),
        }
        self.newest = Some(id);
        id
    }

    fn take(&mut self, id: u32) -> Option<SieveEntry<T>> {
        let slot = self.slots.get_mut(id as usize)?;
        let entry = match mem::replace(slot, SieveSlot::Free { next: self.free }) {
            SieveSlot::Taken(entry) => entry,
            free => {
                *slot = free;
                return None;
            }
        };
        self.free = Some(id);
        if let Ok(found) = self.index.find_entry(entry.hash, |other| *other == id) {
            found.remove();
        }
        self.cost = self.cost.saturating_sub(entry.cost as usize);
        match entry.newer.and_then(|newer| self.entry_mut(newer)) {
            Some(newer) => newer.older = entry.older,
            None => self.newest = entry.older,
        }
        match entry.older.and_then(|older| self.entry_mut(older)) {
            Some(older) => older.newer = entry.newer,
            None => self.oldest = entry.newer,
        }
        if self.hand == Some(id) {
            self.hand = entry.newer;
        }
        Some(entry)
    }

    fn store(&mut self, entry: SieveEntry<T>) -> u32 {
        if let Some(id) = self.free
            && let Some(slot) = self.slots.get_mut(id as usize)
            && let SieveSlot::Free { next } = slot
        {
            self.free = *next;
            *slot = SieveSlot::Taken(entry);
            return id;
        }
        self.grow();
        self.slots.push(SieveSlot::Taken(entry));
        // `max_entries` fits: see `new`.
        (self.slots.len() - 1) as u32
    }

    /// Doubles the slab, but never past its bound.
    fn grow(&mut self) {
        let len = self.slots.len();
        if len == self.slots.capacity() {
            let more = len.max(16).min(self.max_entries.saturating_sub(len).max(1));
            self.slots.reserve_exact(more);
        }
    }
}

fn entry<T>(slots: &[SieveSlot<T>], id: u32) -> Option<&SieveEntry<T>> {
    match slots.get(id as usize) {
        Some(SieveSlot::Taken(entry)) => Some(entry),
        _ => None,
    }
}

#[cfg(test)]
impl<T> Sieve<T> {
    /// All values in any order, after a check that index, slab, queue and sums agree.
    pub fn checked(&self) -> Vec<&T> {
        let ids: std::collections::HashSet<u32> = self.index.iter().copied().collect();
        let entries: Vec<_> = ids.iter().map(|id| entry(&self.slots, *id).unwrap()).collect();
        assert_eq!(ids.len(), self.index.len());
        assert_eq!(entries.iter().map(|entry| entry.cost as usize).sum::<usize>(), self.cost);
        assert!(self.cost <= self.max_cost && self.slots.len() <= self.max_entries);
        assert!(self.index.capacity() <= 4 * self.max_entries.next_power_of_two().max(4));
        let queue = std::iter::successors(self.oldest, |id| entry(&self.slots, *id).unwrap().newer);
        assert_eq!(queue.collect::<std::collections::HashSet<_>>(), ids);
        entries.into_iter().map(|entry| &entry.value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers under one another's hash in pairs.
    fn get(sieve: &mut Sieve<u64>, number: u64) -> bool {
        sieve.get(number / 2, |other| *other == number).is_some()
    }

    #[test]
    fn values_of_one_hash_are_told_apart() {
        let mut sieve = Sieve::new(10, 10);
        for value in ["a", "b", "c"] {
            sieve.insert(7, value, 1, false);
        }
        for value in ["a", "b", "c"] {
            assert_eq!(sieve.get(7, |other| *other == value), Some(&mut { value }));
        }
        assert_eq!(sieve.remove(7, |other| *other == "b"), Some(("b", true)));
        assert_eq!(sieve.get(7, |other| *other == "b"), None);
        assert_eq!(sieve.get(7, |other| *other == "c"), Some(&mut "c"));
        assert_eq!(sieve.get(8, |other| *other == "c"), None);
    }

    #[test]
    fn what_costs_more_than_all_may_is_not_held_and_pushes_nothing_out() {
        let mut sieve = Sieve::new(10, 100);
        sieve.insert(0, 0, 100, false);
        sieve.insert(1, 2, 101, false);
        assert!(get(&mut sieve, 0) && !get(&mut sieve, 2));
        sieve.insert(2, 4, 1, false);
        assert!(!get(&mut sieve, 0) && get(&mut sieve, 4));
        let mut none = Sieve::new(0, 100);
        none.insert(0, 0, 0, false);
        assert!(none.is_empty());
    }

    #[test]
    fn churn_reuses_its_slots() {
        let mut sieve = Sieve::new(50, 50);
        for number in 0..5_000 {
            sieve.insert(number / 2, number, 1, false);
            if number % 3 == 0 {
                assert!(sieve.remove(number / 2, |other| *other == number).is_some());
            }
        }
        assert!(sieve.index.capacity() <= 4 * 128);
        sieve.checked();
        let largest = sieve.index.iter().max().unwrap();
        assert!(*largest < 50);
    }

    proptest! {
        #[test]
        fn no_sequence_breaks_the_bounds(
            max_entries in 0..20_usize,
            max_cost in 0..200_usize,
            steps in prop::collection::vec((0..3_u8, 0..40_u64, 0..50_u32, any::<bool>()), 0..300),
        ) {
            let mut sieve = Sieve::new(max_entries, max_cost);
            for (step, number, cost, visited) in steps {
                match step {
                    0 if !get(&mut sieve, number) => {
                        sieve.insert(number / 2, number, cost, visited);
                        let fits = max_entries > 0 && cost as usize <= max_cost;
                        prop_assert_eq!(sieve.checked().contains(&&number), fits);
                    }
                    1 => {
                        let held = get(&mut sieve, number);
                        let removed = sieve.remove(number / 2, |other| *other == number);
                        prop_assert_eq!(removed, held.then_some((number, true)));
                        prop_assert!(!get(&mut sieve, number));
                    }
                    _ => {}
                }
                sieve.checked();
            }
        }
    }
}
