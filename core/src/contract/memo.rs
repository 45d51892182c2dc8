//! What a worker has looked up and may look up again: bounded, and kind to what is asked for often.

use crate::contract::identity::{IdentityMap, IdentityRef};

/// Entries of one half. A memo holds at most twice as many.
const HALF: usize = 8192;

/// A map of two halves. When the younger half is full the older one is dropped and the younger takes its place;
/// what is asked for in the meantime moves to the younger half again.
#[derive(Debug)]
pub struct Memo<V> {
    young: IdentityMap<V>,
    old: IdentityMap<V>,
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self { young: IdentityMap::default(), old: IdentityMap::default() }
    }
}

impl<V: Clone> Memo<V> {
    /// What is remembered under `key`.
    pub fn get(&mut self, key: IdentityRef<'_>) -> Option<V> {
        if let Some(value) = self.young.get(&key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(&key)?;
        self.insert_owned(key, value.clone());
        Some(value)
    }

    /// Remembers `value`.
    pub fn insert(&mut self, key: IdentityRef<'_>, value: V) {
        self.insert_owned(key.to_identity(), value);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    fn insert_owned(&mut self, key: crate::contract::row::Identity, value: V) {
        if self.young.len() >= HALF {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let mut memo = Memo::default();
        let hot = IdentityRef { api: "a", provider: None, client_id: "hot" };
        memo.insert(hot, 0);
        for number in 0..5 * HALF {
            let client_id = number.to_string();
            memo.insert(IdentityRef { api: "a", provider: None, client_id: &client_id }, number);
            if number % 100 == 0 {
                assert_eq!(memo.get(hot), Some(0));
            }
            assert!(memo.young.len() + memo.old.len() <= 2 * HALF);
        }
        let early = IdentityRef { api: "a", provider: None, client_id: "7" };
        assert_eq!(memo.get(early), None);
        memo.clear();
        assert_eq!(memo.get(hot), None);
    }
}
