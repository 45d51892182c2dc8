//! One configuration: the engines of Envoy's threads, and what the main thread does for them.

use crate::abi::{Answer, ConfigHost, ConfigScheduler, Head, HttpFilter, Map, concurrency, log};
use crate::calls::Calls;
use crate::engine::{Engine, Judged, Outgoing};
use crate::lock::lock;
use crate::plan::{End, Plan};
use crate::post::{self, Receiver};
use crate::reports::{Reports, drain};
use crate::shard::{Notes, Shard};
use crate::stats::Stats;
use crate::store::Share;
use crate::ticker::Ticker;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tessera_core::engine::effect::StreamId;
use tessera_core::port::HostFailure;
use tessera_core::port::memory::MemoryStore;

/// The events that are posted to the main thread.
const TICK: u64 = 1;
const WAKE: u64 = 2;
/// Rounds of work that one event may take, before other events get their turn.
const MAX_ROUNDS: usize = 8;
pub struct Plugin {
    /// The main thread's, then those of the workers.
    shards: Vec<Shard>,
    store: Share,
    reports: Reports,
    calls: Calls,
    /// Until the end of the configuration.
    host: Mutex<Option<ConfigHost>>,
    /// Likewise. Apart, so that nobody waits for a call to be sent; counted, so that it is used without the lock: Envoy may
    /// end the configuration within a commit.
    scheduler: Mutex<Option<Arc<ConfigScheduler>>>,
    ticker: Mutex<Option<Ticker>>,
    is_woken: AtomicBool,
    is_ticking: AtomicBool,
    is_running: AtomicBool,
}

impl Plugin {
    /// Reads a configuration, on the main thread.
    ///
    /// # Errors
    /// What is wrong with it, one line each.
    pub fn new(host: ConfigHost, text: &[u8]) -> Result<Arc<Self>, Vec<String>> {
        let mut notes = Notes::default();
        let mut shards = vec![Shard::new(text, &mut notes)?];
        notes.0.drain(..).for_each(|(level, line)| log(level, &line));
        for _ in 0..concurrency().max(1) {
            shards.push(Shard::new(text, &mut notes)?);
        }
        let stats = Stats::define(&host).map_err(|HostFailure| vec!["Envoy lets no metrics be defined".to_owned()])?;
        let scheduler = Arc::new(host.scheduler());
        let prefixes = shards.first().and_then(|shard| shard.with(|engine| engine.prefixes()).ok()).unwrap_or_default();
        let plugin = Arc::new(Self {
            shards,
            store: Share::new(prefixes),
            reports: Reports::new(stats),
            calls: Calls::default(),
            host: Mutex::new(Some(host)),
            scheduler: Mutex::new(Some(scheduler)),
            ticker: Mutex::default(),
            is_woken: AtomicBool::new(false),
            is_ticking: AtomicBool::new(false),
            is_running: AtomicBool::new(false),
        });
        plugin.reports.report(&plugin.host);
        for (index, shard) in plugin.shards.iter().enumerate() {
            post::open(shard.queue, &plugin, index);
        }
        let clock = Arc::downgrade(&plugin);
        let tick = move || {
            if let Some(plugin) = clock.upgrade() {
                plugin.ask_for_tick();
            }
        };
        let ticker = Ticker::start(tick).map_err(|error| vec![format!("no thread for a clock: {error}")])?;
        *lock(&plugin.ticker) = Some(ticker);
        Ok(plugin)
    }

    /// The index of the engine for requests on this thread.
    pub fn shard_of(&self, filter: &HttpFilter<'_>) -> usize {
        let workers = self.shards.len().saturating_sub(1).max(1);
        1 + filter.worker_index() as usize % workers
    }

    /// A request has come, be it that a filter before this one answers it. What was counted before goes with it to Envoy, if
    /// that takes a request.
    pub fn on_request_begun(&self, filter: &HttpFilter<'_>) {
        self.reports.report_within(filter);
    }

    /// The headers of a request have come: its plan. `number` is told under which it waits, if it does.
    pub fn judge(&self, index: usize, filter: &mut HttpFilter<'_>, number: &Cell<Option<StreamId>>) -> Plan {
        let (Some(shard), Ok(head)) = (self.shards.get(index), filter.head(Map::Headers)) else {
            return Plan::fail();
        };
        let store = &*self.store;
        let Ok(Judged { plan, waits, outgoing }) = shard.with(|engine| engine.judge(&head, store)) else {
            return self.refuse(shard, &head, None);
        };
        number.set(waits);
        if let Some(stream) = waits {
            let scheduler = filter.scheduler();
            let _ = shard.with(move |engine| engine.wake_by(stream, scheduler));
        }
        drop(head);
        self.dispatch(index, outgoing);
        plan
    }

    /// A request that waits has been woken: its plan, if it was not for nothing.
    pub fn conclude(&self, index: usize, stream: StreamId, filter: &HttpFilter<'_>) -> Option<Plan> {
        let shard = self.shards.get(index)?;
        let Ok(head) = filter.head(Map::Headers) else { return Some(Plan::fail()) };
        match shard.with(|engine| engine.conclude(stream, &head)) {
            Ok(plan) => plan,
            Err(_) => Some(self.refuse(shard, &head, Some(stream))),
        }
    }

    /// The plan for a request whose plan could not be made or carried out; it waits no longer, if it did so under `stream`.
    pub fn fail(&self, index: usize, stream: Option<StreamId>, filter: &HttpFilter<'_>) -> Plan {
        let (Some(shard), Ok(head)) = (self.shards.get(index), filter.head(Map::Headers)) else { return Plan::fail() };
        self.refuse(shard, &head, stream)
    }

    fn refuse(&self, shard: &Shard, head: &Head<'_>, stream: Option<StreamId>) -> Plan {
        let fail = |engine: &mut Engine| {
            let mut plan = engine.strip(head);
            engine.fail(&mut plan, stream);
            plan
        };
        shard.with(fail).unwrap_or_else(|_| Plan::fail())
    }

    /// The plan for trailers: they come after the headers have passed, and reach upstreams that speak HTTP/2.
    pub fn judge_trailers(&self, index: usize, filter: &HttpFilter<'_>) -> Plan {
        let (Some(shard), Ok(trailers)) = (self.shards.get(index), filter.head(Map::Trailers)) else {
            return Plan::fail();
        };
        let stripped = shard.with(|engine| engine.strip(&trailers));
        stripped.map_or_else(|_| Plan::fail(), |plan| Plan { end: End::Pass, ..plan })
    }

    /// A request that waits is gone: its caller hung up.
    pub fn on_stream_gone(&self, index: usize, stream: StreamId) {
        if let Some(shard) = self.shards.get(index) {
            let _ = shard.with(|engine| engine.on_stream_gone(stream));
        }
    }

    /// A call has been answered, or has broken off. What follows is an event of its own: calls break off while Envoy takes
    /// down what they would be sent through again.
    pub fn on_answer(&self, number: u64, answer: Option<&Answer<'_>>) {
        self.calls.on_answer(number, answer);
        self.wake();
    }

    /// An event that was posted to the main thread.
    pub fn on_event(&self, event: u64) {
        if event == TICK {
            self.is_ticking.store(false, Ordering::Release);
            self.each(|engine, store| engine.on_tick(store));
            self.report();
        }
        self.run();
    }

    /// The configuration is about to go: what was counted is reported, and what others wait for is given up. Whatever
    /// thread this is on, nothing of Envoy's is used afterwards.
    pub fn shut_down(&self) {
        // Ended and awaited before anything that its ticks use goes.
        let ticker = lock(&self.ticker).take();
        drop(ticker);
        for (index, shard) in self.shards.iter().enumerate() {
            post::close(shard.queue);
            let store = &*self.store;
            if let Ok(outgoing) = shard.with(|engine| engine.on_shutdown(store)) {
                self.dispatch(index, outgoing);
            }
        }
        self.report();
        let scheduler = lock(&self.scheduler).take();
        drop(scheduler);
        *lock(&self.host) = None;
    }

    fn ask_for_tick(&self) {
        if !self.is_ticking.swap(true, Ordering::AcqRel) {
            self.post(TICK);
        }
    }

    /// Has the main thread do what there is to do.
    fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            self.post(WAKE);
        }
    }

    fn post(&self, event: u64) {
        let scheduler = lock(&self.scheduler).clone();
        if let Some(scheduler) = scheduler {
            scheduler.commit(event);
        }
    }

    /// Does what there is to do, on the main thread, a few rounds of it: each may bring more.
    fn run(&self) {
        if self.is_running.swap(true, Ordering::AcqRel) {
            // Within a call that is being sent: what this event is for may have come too late for the rounds under way.
            return self.post(WAKE);
        }
        let running = Running(&self.is_running);
        self.is_woken.store(false, Ordering::Release);
        for round in 0..MAX_ROUNDS {
            for (index, call, result) in self.calls.take_returned() {
                let store = &*self.store;
                self.work(index, |engine| engine.on_call_result(call, result, store));
            }
            for (index, shard) in self.shards.iter().enumerate() {
                for message in shard.take_mail() {
                    let store = &*self.store;
                    self.work(index, |engine| engine.on_message(&message, store));
                }
            }
            if round == 0 {
                // One slice for each event, so that other events get their turn.
                self.each(|engine, store| engine.on_yield(store));
            }
            self.calls.send(&self.host);
            if self.calls.are_settled() {
                break;
            }
        }
        drop(running);
        if !self.calls.are_settled() {
            self.wake();
        }
    }

    fn each(&self, work: impl Fn(&mut Engine, &MemoryStore) -> Outgoing + Sync) {
        for index in 0..self.shards.len() {
            let (work, store) = (&work, &*self.store);
            self.work(index, |engine| work(engine, store));
        }
    }

    fn work(&self, index: usize, work: impl FnOnce(&mut Engine) -> Outgoing + Send) {
        if let Some(Ok(outgoing)) = self.shards.get(index).map(|shard| shard.with(work)) {
            self.dispatch(index, outgoing);
        }
    }

    /// Passes on what an event has left. No engine is in use.
    fn dispatch(&self, index: usize, outgoing: Outgoing) {
        let Outgoing { calls, messages, yields, lines } = outgoing;
        lines.iter().for_each(|(level, line)| log(*level, line));
        let wakes = yields || !calls.is_empty();
        if !calls.is_empty() {
            self.calls.put(index, calls);
        }
        messages.into_iter().for_each(|(queue, message)| post::send(queue, message));
        if wakes {
            self.wake();
        }
    }

    /// Reports what the engines have counted.
    fn report(&self) {
        for shard in &self.shards {
            self.reports.put(shard.with(drain).unwrap_or_default());
        }
        self.reports.report(&self.host);
    }
}

/// The main thread is at work, until this is dropped, be it by a fault.
struct Running<'a>(&'a AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Receiver for Plugin {
    fn receive(&self, index: usize, message: Vec<u8>) {
        if let Some(shard) = self.shards.get(index) {
            shard.put(message);
            self.wake();
        }
    }
}
