//! What the VMs of one `vm_id` share, whatever module they run: data and queues, as Envoy keeps them.

use std::collections::{BTreeMap, HashMap, VecDeque};

#[derive(Default)]
pub struct Shared {
    data: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    versions: u32,
    names: HashMap<Vec<u8>, u32>,
    queues: BTreeMap<u32, VecDeque<Vec<u8>>>,
    /// Queues that have something new, which their workers have not been told of.
    pub ready: Vec<u32>,
}

impl Shared {
    pub fn get(&self, key: &[u8]) -> Option<(Vec<u8>, u32)> {
        self.data.get(key).cloned()
    }

    /// Whether it was written: a value that exists is only written by who knows its version, or any.
    pub fn set(&mut self, key: Vec<u8>, value: Vec<u8>, expected: u32) -> bool {
        let is_other = self.data.get(&key).is_some_and(|(_, version)| *version != expected);
        if expected != 0 && is_other {
            return false;
        }
        self.versions += 1;
        self.data.insert(key, (value, self.versions));
        true
    }

    pub fn values(&self) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        self.data.iter().map(|(key, (value, _))| (key, value))
    }

    pub fn register(&mut self, name: Vec<u8>) -> u32 {
        let next = u32::try_from(self.names.len() + 1).expect("few queues");
        let queue = *self.names.entry(name).or_insert(next);
        self.queues.entry(queue).or_default();
        queue
    }

    pub fn enqueue(&mut self, queue: u32, message: Vec<u8>) -> bool {
        let Some(messages) = self.queues.get_mut(&queue) else { return false };
        messages.push_back(message);
        self.ready.push(queue);
        true
    }

    pub fn dequeue(&mut self, queue: u32) -> Option<Vec<u8>> {
        self.queues.get_mut(&queue)?.pop_front()
    }
}
