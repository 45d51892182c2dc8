//! The loaded contracts in shared data: a linear hash table of which readers see whole generations only.
//!
//! Keys, all under the prefix of the plugin and its configuration:
//!
//! * `…/head`: what is in force, for whoever asks, and where polling stands ([`head::Head`]);
//! * `…/<bucket>/0` and `…/<bucket>/1`: two slots per bucket ([`bucket`]), one of them current.
//!
//! The head alone says which slot of each bucket is current. A new generation is written into the other slots, then
//! one compare-and-swap of the head makes all of it current. Whoever writes first claims the next draft number in
//! the head; each slot write reads the slot's version, then makes sure that the claim still stands, then swaps: a
//! writer that was overtaken cannot touch a slot that has become current. A reader reads the slot, then makes sure
//! that the generation is still the one it took the slot from.

pub mod bucket;
pub mod draft;
pub mod head;
pub mod publish;
pub mod view;
pub mod wire;

/// The names of everything in shared data.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: Box<str>,
    /// Where the head is.
    pub head: Box<str>,
    /// Where the poller's lease is.
    pub lease: Box<str>,
}

impl Keys {
    /// All keys begin with `prefix`, which is this plugin's and configuration's own.
    pub fn new(prefix: &str) -> Self {
        let prefix = format!("{prefix}/contracts/{}", wire::FORMAT);
        Self { head: format!("{prefix}/head").into(), lease: format!("{prefix}/lease").into(), prefix: prefix.into() }
    }

    /// One slot of one bucket.
    pub fn slot(&self, bucket: u32, slot: Slot) -> String {
        format!("{}/{bucket}/{}", self.prefix, u8::from(slot == Slot::Second))
    }
}

/// Which of a bucket's two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// `…/0`
    First,
    /// `…/1`
    Second,
}

impl Slot {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}
