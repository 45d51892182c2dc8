//! A bounded set of entries that keeps the hot ones: the SIEVE order over a slab.
//!
//! New entries stand at the head of a queue and never move; a hand walks from the tail to the head, forgives each entry
//! that was used since its last visit, and evicts the first one that was not. A scan of tokens seen once passes through
//! the stretch between hand and head and leaves the entries behind the hand alone.

use super::entry::Remembered;

/// An entry in its place.
#[derive(Debug)]
pub struct Node {
    /// Of route and token, for the index.
    pub hash: u64,
    /// Which question was asked of whom.
    pub route: u16,
    /// The exact token.
    pub token: Box<[u8]>,
    /// The answer.
    pub remembered: Remembered,
    /// Hits since the answer was stored, saturating.
    pub uses: u32,
    /// Used since the hand came by.
    pub visited: bool,
    /// Bytes it counts for.
    pub cost: usize,
    newer: Option<u32>,
    older: Option<u32>,
}

impl Node {
    /// An entry that no area holds yet.
    pub fn new(hash: u64, route: u16, token: Box<[u8]>, remembered: Remembered, cost: usize) -> Self {
        Self { hash, route, token, remembered, uses: 0, visited: false, cost, newer: None, older: None }
    }
}

#[derive(Debug)]
enum Place {
    Free { next: Option<u32> },
    Taken(Node),
}

/// Entries up to a number and up to a sum of their costs.
#[derive(Debug)]
pub struct Area {
    max_entries: usize,
    max_bytes: usize,
    places: Vec<Place>,
    free: Option<u32>,
    newest: Option<u32>,
    oldest: Option<u32>,
    hand: Option<u32>,
    len: usize,
    bytes: usize,
}

impl Area {
    /// An empty area; allocates as it fills.
    pub fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            max_entries,
            max_bytes,
            places: Vec::new(),
            free: None,
            newest: None,
            oldest: None,
            hand: None,
            len: 0,
            bytes: 0,
        }
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Sum of their costs.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The most that entries may cost together.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Whether an entry of that cost fits without evicting another.
    pub fn has_room(&self, cost: usize) -> bool {
        self.len < self.max_entries && cost <= self.max_bytes.saturating_sub(self.bytes)
    }

    /// The entry at `index`.
    pub fn node(&self, index: u32) -> Option<&Node> {
        match self.places.get(index as usize) {
            Some(Place::Taken(node)) => Some(node),
            _ => None,
        }
    }

    /// The entry at `index`, to be marked as used.
    pub fn node_mut(&mut self, index: u32) -> Option<&mut Node> {
        match self.places.get_mut(index as usize) {
            Some(Place::Taken(node)) => Some(node),
            _ => None,
        }
    }

    /// Puts `node` at the head of the queue and says where; the caller has made room.
    pub fn push(&mut self, mut node: Node) -> u32 {
        node.newer = None;
        node.older = self.newest;
        self.len += 1;
        self.bytes += node.cost;
        let index = self.place(node);
        match self.newest.and_then(|newest| self.node_mut(newest)) {
            Some(before) => before.newer = Some(index),
            None => self.oldest = Some(index),
        }
        self.newest = Some(index);
        index
    }

    /// Takes the entry at `index` out.
    pub fn take(&mut self, index: u32) -> Option<Node> {
        let place = self.places.get_mut(index as usize)?;
        let free = Place::Free { next: self.free };
        let node = match std::mem::replace(place, free) {
            Place::Taken(node) => node,
            unchanged => {
                *place = unchanged;
                return None;
            }
        };
        self.free = Some(index);
        self.len = self.len.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(node.cost);
        match node.newer.and_then(|newer| self.node_mut(newer)) {
            Some(newer) => newer.older = node.older,
            None => self.newest = node.older,
        }
        match node.older.and_then(|older| self.node_mut(older)) {
            Some(older) => older.newer = node.newer,
            None => self.oldest = node.newer,
        }
        if self.hand == Some(index) {
            self.hand = node.newer;
        }
        Some(node)
    }

    /// The entry to evict next; `None` when there is none.
    ///
    /// Walks at most once around, for it forgives what it passes; each use pays for one step.
    pub fn victim(&mut self) -> Option<u32> {
        loop {
            let index = self.hand.or(self.oldest)?;
            let node = self.node_mut(index)?;
            if !node.visited {
                self.hand = Some(index);
                return Some(index);
            }
            node.visited = false;
            self.hand = node.newer;
        }
    }

    fn place(&mut self, node: Node) -> u32 {
        if let Some(index) = self.free
            && let Some(place) = self.places.get_mut(index as usize)
            && let Place::Free { next } = place
        {
            self.free = *next;
            *place = Place::Taken(node);
            return index;
        }
        self.grow();
        self.places.push(Place::Taken(node));
        // `max_entries` fits: see `LocalCache::new`.
        (self.places.len() - 1) as u32
    }

    /// Doubles the slab, but never past its bound.
    fn grow(&mut self) {
        let len = self.places.len();
        if len == self.places.capacity() {
            let more = len.max(16).min(self.max_entries.saturating_sub(len).max(1));
            self.places.reserve_exact(more);
        }
    }
}
