//! What a poller is doing, and what it has to work with.

use crate::base::time::Timestamp;
use crate::contract::action::{Action, PageCall};
use crate::contract::document::Document;
use crate::contract::table::publication::Publication;
use crate::contract::table::sweep::Sweep;
use crate::contract::transfer::Transfer;
use crate::port::SharedStore;

/// What the poller has to work with during one event.
pub(super) struct Turn<'a> {
    pub store: &'a dyn SharedStore,
    pub now: Timestamp,
    pub actions: Vec<Action>,
}

/// What the poller is doing.
pub(super) enum Work {
    /// Nothing, until the next poll is due.
    Idle,
    /// Waiting for a page until that time.
    Asking(Transfer, PageCall, Timestamp),
    /// Reading a page; the next one's address is known already.
    Reading(Transfer, Document, Option<String>),
    Writing(Transfer, Publication),
    Sweeping(Sweep),
}
