//! Where the messages of engines go: to each by the number of its queue, whatever configuration it belongs to.

use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

/// Someone who receives messages.
pub trait Receiver: Send + Sync {
    /// A message for the engine with that index; called on any thread, without a lock held.
    fn receive(&self, index: usize, message: Vec<u8>);
}

struct Office {
    last: u32,
    boxes: BTreeMap<u32, (Weak<dyn Receiver>, usize)>,
}

static OFFICE: Mutex<Office> = Mutex::new(Office { last: 0, boxes: BTreeMap::new() });

/// A queue's number that nobody else has.
pub fn number() -> u32 {
    let mut office = lock(&OFFICE);
    // Numbers come back after 2³² queues; one of them may still be in use.
    loop {
        office.last = office.last.wrapping_add(1);
        if office.last != 0 && !office.boxes.contains_key(&office.last) {
            return office.last;
        }
    }
}

/// Messages to this queue go to the receiver's engine with that index, from now on until the receiver is gone.
pub fn open<R: Receiver + 'static>(queue: u32, receiver: &Arc<R>, index: usize) {
    let receiver: Weak<R> = Arc::downgrade(receiver);
    lock(&OFFICE).boxes.insert(queue, (receiver, index));
}

pub fn close(queue: u32) {
    lock(&OFFICE).boxes.remove(&queue);
}

/// If nobody is there any more, nobody waits.
pub fn send(queue: u32, message: Vec<u8>) {
    let found = lock(&OFFICE).boxes.get(&queue).cloned();
    if let Some((receiver, index)) = found
        && let Some(receiver) = receiver.upgrade()
    {
        receiver.receive(index, message);
    }
}
