//! What each use case is given.

use crate::domain::principal::Caller;
use crate::domain::time::Time;
use crate::domain::webhook::Subscribers;
use crate::use_case::ports::{Randomness, Sealing};
use crate::use_case::store::Transaction;

/// Limits of the configuration that use cases hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub clients_per_application: u64,
    /// Pending contracts of one principal.
    pub open_requests: u64,
}

/// One call of a use case: who, when, and the transaction that it is part of. Who made the transaction commits it.
pub struct Context<'a> {
    pub tx: &'a mut dyn Transaction,
    pub caller: &'a Caller,
    pub now: Time,
    pub randomness: &'a dyn Randomness,
    pub sealing: &'a dyn Sealing,
    pub limits: &'a Limits,
    pub subscribers: &'a Subscribers,
    /// For the audit.
    pub request_id: Option<&'a str>,
}
