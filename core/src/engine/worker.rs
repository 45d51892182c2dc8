//! One worker: its state, and every event that its host reports.

use super::calls::{Calls, Purpose, Subject};
use super::effect::{CallId, Cx, Disposition, StreamId};
use super::flights::{Flights, Resuming};
use super::message::{self, Message};
use super::metrics::Metrics;
use super::pauses::Pauses;
use super::settings::Settings;
use super::sources::Sources;
use crate::base::http::HttpResult;
use crate::cache::{LocalCache, SharedCache};
use crate::contract::contracts::{Contracts, Holding};
use crate::jose::verify::Verifier;
use crate::outcome::Outcome;
use crate::policy::api::Api;
use crate::port::RequestHead;
use crate::proof::replay::UsedProofs;
use crate::provider::Provider;
use crate::reply::Refusal;
use std::rc::Rc;

/// What distinguishes this worker from the others of its process.
#[derive(Clone, Copy, Debug)]
pub struct WorkerId {
    /// Unique among the workers, and not to be guessed.
    pub number: u64,
    /// Its queue, through which others reach it.
    pub queue: u32,
}

/// One worker's state. Every event passes in the time and the store.
pub struct Worker {
    pub(super) settings: Rc<Settings>,
    pub(super) local: LocalCache,
    pub(super) shared: SharedCache,
    pub(super) flights: Flights,
    pub(super) calls: Calls,
    pub(super) sources: Sources,
    pub(super) verifier: Verifier,
    pub(super) resuming: Resuming,
    pub(super) used_proofs: UsedProofs,
    pub(super) contracts: Contracts,
    pub(super) metrics: Metrics,
    pub(super) pauses: Pauses,
    seed: u64,
}

impl Worker {
    pub fn new(settings: Rc<Settings>, verifier: Verifier, WorkerId { number, queue }: WorkerId) -> Self {
        Self {
            local: LocalCache::new(&settings.cache, number),
            shared: SharedCache::new(&settings.facts_prefix(), &settings.cache, number, queue),
            flights: Flights::default(),
            calls: Calls::default(),
            sources: Sources::new(&settings.providers, number),
            verifier,
            resuming: Resuming::default(),
            used_proofs: UsedProofs::new(settings.proof.dpop.entries),
            contracts: Contracts::new(Rc::clone(&settings.contracts), &settings.contracts_prefix(), number),
            metrics: Metrics::new(&settings),
            pauses: Pauses::new(settings.providers.len(), settings.cache.entries),
            seed: number,
            settings,
        }
    }

    pub fn settings(&self) -> &Rc<Settings> {
        &self.settings
    }

    /// What a call that it has asked for is about; `None` once it is over.
    pub fn subject_of(&self, call: CallId) -> Option<Subject> {
        self.calls.purpose(call).map(Purpose::subject)
    }

    /// The contract that it knows of a client.
    pub fn holding(&mut self, api: &Api, provider: &Provider, client: Option<&str>, cx: &Cx<'_>) -> Holding {
        self.contracts.find(&api.id, &provider.name, client, cx.store, cx.now)
    }

    /// What has been counted.
    pub fn metrics(&mut self) -> &mut Metrics {
        &mut self.metrics
    }

    pub fn on_request(&mut self, stream: StreamId, head: &impl RequestHead, cx: &mut Cx<'_>) -> Disposition {
        self.authorize(stream, head, cx)
    }

    /// A request is gone: it was answered, or its caller hung up.
    pub fn on_stream_gone(&mut self, stream: StreamId) {
        self.flights.leave(stream);
    }

    /// The end of a request that waited is about to be carried out. Whether it is still there: the host knows the
    /// context of one that is gone a while longer, but must not be asked to end it.
    pub fn release(&mut self, stream: StreamId) -> bool {
        self.flights.release(stream)
    }

    /// The requests that something here is going to end.
    pub fn waiting(&self) -> impl Iterator<Item = StreamId> {
        self.flights.waiting()
    }

    /// A request that should wait or pass cannot, because the host failed.
    pub fn on_host_failure(&mut self, stream: StreamId, api: Option<&Api>) -> Refusal {
        self.flights.leave(stream);
        self.metrics.request(Outcome::InternalError, api);
        Refusal::new(Outcome::InternalError)
    }

    /// A call has ended. If nobody waits for it any more, it is ignored.
    pub fn on_call_result(&mut self, call: CallId, result: HttpResult, cx: &mut Cx<'_>) {
        match self.calls.take(call) {
            Some(Purpose::Introspect(digest)) => self.on_introspected(&digest, result, cx),
            Some(Purpose::Contracts(call)) => {
                let actions = self.contracts.on_answer(call, result, cx.store, cx.now);
                self.enqueue(actions, cx);
            }
            Some(Purpose::Fetch(slot, document)) => self.on_fetched(slot, document, result, cx),
            None => {}
        }
    }

    pub fn on_message(&mut self, message: &[u8], cx: &mut Cx<'_>) {
        match message::read(message) {
            Some(Message::Completed(digest, completion)) => self.on_completed(&digest, completion, cx),
            Some(Message::Yielded) | None => {}
        }
    }

    pub fn on_tick(&mut self, cx: &mut Cx<'_>) {
        self.tend_documents(cx);
        self.tend_flights(cx);
        self.poll(cx);
    }

    /// The event loop has run: continues with the next slice of a large set of contracts, or of requests to resume.
    pub fn on_yield(&mut self, cx: &mut Cx<'_>) {
        let actions = self.contracts.on_yield(cx.store, cx.now);
        self.enqueue(actions, cx);
        self.resume_some(cx);
    }

    /// The worker is about to be shut down. Its counts are ready to be drained, and its calls in flight no longer
    /// count.
    pub fn on_shutdown(&mut self, cx: &mut Cx<'_>) {
        self.release_feeds(cx);
        self.metrics.in_flight(0);
    }

    /// A number that differs from call to call and from worker to worker.
    pub(super) fn next_seed(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(1);
        self.seed
    }
}
