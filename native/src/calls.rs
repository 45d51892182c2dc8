//! The calls of the engines: sent on the main thread, answered there.

use crate::abi::{Answer, ConfigHost};
use crate::answers::{Sent, result};
use crate::engine::OutgoingCall;
use crate::lock::lock;
use hashbrown::HashMap;
use std::sync::Mutex;
use tessera_core::base::http::{HttpResult, NoAnswer};
use tessera_core::engine::effect::CallId;
use tessera_core::port::HostFailure;

/// What came of a call, with the index of the engine that has asked for it.
pub type Returned = (usize, CallId, HttpResult);

/// The calls of one configuration.
#[derive(Default)]
pub struct Calls {
    /// To be sent, each with the index of who asks.
    outgoing: Mutex<Vec<(usize, OutgoingCall)>>,
    /// In flight, by Envoy's number.
    sent: Mutex<HashMap<u64, Sent, foldhash::fast::RandomState>>,
    returned: Mutex<Vec<Returned>>,
}

impl Calls {
    /// Takes calls to be sent, from whatever thread.
    pub fn put(&self, index: usize, calls: Vec<OutgoingCall>) {
        lock(&self.outgoing).extend(calls.into_iter().map(|call| (index, call)));
    }

    /// A call has been answered, or has broken off. The answer to one that nobody knows of is nobody's.
    pub fn on_answer(&self, number: u64, answer: Option<&Answer<'_>>) {
        let Some(sent) = lock(&self.sent).remove(&number) else { return };
        let result = result(&sent, answer);
        lock(&self.returned).push((sent.shard, sent.call, result));
    }

    /// What came back.
    pub fn take_returned(&self) -> Vec<Returned> {
        std::mem::take(&mut *lock(&self.returned))
    }

    /// Sends what there is to send.
    pub fn send(&self, host: &Mutex<Option<ConfigHost>>) {
        let calls = std::mem::take(&mut *lock(&self.outgoing));
        for (shard, outgoing) in calls {
            let OutgoingCall { call, cluster, headers, body, timeout, answer_headers, max_answer_bytes } = outgoing;
            let sent = match &*lock(host) {
                Some(host) => host.call(&cluster, &headers, &body, timeout),
                None => Err(HostFailure),
            };
            match sent {
                Ok(number) => {
                    let sent = Sent { shard, call, headers: answer_headers, max_bytes: max_answer_bytes };
                    lock(&self.sent).insert(number, sent);
                }
                Err(HostFailure) => {
                    lock(&self.returned).push((shard, call, HttpResult::Failed(NoAnswer::Unsent)));
                }
            }
        }
    }

    /// Whether nothing is left to be sent or handed over.
    pub fn are_settled(&self) -> bool {
        lock(&self.returned).is_empty() && lock(&self.outgoing).is_empty()
    }
}
