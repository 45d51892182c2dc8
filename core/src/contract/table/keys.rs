//! The keys in shared data.

use crate::contract::table::seal::FORMAT;

/// The names of everything in shared data.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: Box<str>,
    pub root: Box<str>,
    pub lease: Box<str>,
}

impl Keys {
    /// All keys begin with `prefix`, which is this plugin's and configuration's own.
    pub(crate) fn new(prefix: &str) -> Self {
        let prefix = format!("{prefix}/contracts/{FORMAT}");
        Self { root: format!("{prefix}/root").into(), lease: format!("{prefix}/lease").into(), prefix: prefix.into() }
    }

    pub(crate) fn slot(&self, bucket: u32, slot: Slot) -> String {
        format!("{}/{bucket}/{}", self.prefix, u8::from(slot == Slot::Second))
    }
}

/// Which of a bucket's two slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// `…/0`
    First,
    /// `…/1`
    Second,
}

impl Slot {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}
