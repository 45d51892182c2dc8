//! One plugin configuration: what its root context and its requests share.

use crate::abi;
use crate::callouts::Callouts;
use crate::host;
use crate::signatures::ForeignSignatures;
use crate::stats::Stats;
use crate::stream::{self, Passed};
use proxy_wasm::hostcalls;
use proxy_wasm::types::BufferType;
use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;
use std::time::Duration;
use tessera_core::base::http::{HttpCall, HttpResult, NoAnswer};
use tessera_core::base::time::Timestamp;
use tessera_core::config;
use tessera_core::engine::effect::{CallId, Cx, Effect, Ending, StreamId};
use tessera_core::engine::message;
use tessera_core::engine::metrics::{IN_FLIGHT, Sample, build_info};
use tessera_core::engine::outbox::{Outbox, Task};
use tessera_core::engine::worker::{Worker, WorkerId};
use tessera_core::jose::verify::Verifier;
use tessera_core::port::HostFailure;

const TICK: Duration = Duration::from_millis(250);
/// Time to the first one: the first poll of contracts should not wait.
const FIRST_TICK: Duration = Duration::from_millis(5);

/// A plugin with its root context's number. It works once a configuration has been accepted.
pub struct Plugin {
    pub root: u32,
    at_work: RefCell<Option<AtWork>>,
}

/// A worker, and what its host still has to do for it.
struct AtWork {
    worker: Worker,
    outbox: Outbox,
    callouts: Callouts,
    stats: Stats,
    queue: u32,
    ticks_regularly: bool,
}

/// Where the effects of an event are carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In this callback, as far as the stack allows.
    Here,
    Later,
}

impl Plugin {
    /// A plugin that has no configuration yet.
    pub fn new(root: u32) -> Self {
        Self { root, at_work: RefCell::default() }
    }

    /// Reads the configuration; `false` when it cannot be put to work.
    pub fn configure(&self, bytes: usize) -> bool {
        let text = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, bytes);
        let text = text.ok().flatten().unwrap_or_default();
        let settings = match config::read(&text, &|name| std::env::var(name).ok()) {
            Ok(settings) => settings,
            Err(problems) => {
                problems.iter().for_each(|problem| log::error!("{problem}"));
                return false;
            }
        };
        config::advice(&settings).iter().for_each(|line| log::warn!("{line}"));
        match config::choose_signers(&settings, &ForeignSignatures) {
            Ok(chosen) => chosen.iter().for_each(|line| log::info!("{line}")),
            Err(problems) => {
                problems.iter().for_each(|problem| log::error!("{problem}"));
                return false;
            }
        }
        let verifier = match Verifier::choose(&ForeignSignatures, &settings.algorithms()) {
            Ok(verifier) => verifier,
            Err(unverifiable) => {
                log::error!("jwt.algorithms or dpop.algorithms: {unverifiable}");
                return false;
            }
        };
        verifier.summary().iter().for_each(|line| log::info!("{line}"));
        let number = random();
        // A queue of its own: with a shared name, two roots would take each other's messages.
        let queue = match hostcalls::register_shared_queue(&format!("tessera/1/worker/{number:016x}")) {
            Ok(queue) => queue,
            Err(status) => {
                log::error!("cannot register a shared queue: {status:?}");
                return false;
            }
        };
        if let Err(status) = hostcalls::set_tick_period(FIRST_TICK) {
            log::error!("cannot set a tick period: {status:?}");
            return false;
        }
        let stats = Stats::default();
        stats.record(Sample::Set(&build_info(), 1));
        // Calls that begin and end between two reports shift nothing: without this the gauge would be missing, not 0.
        stats.record(Sample::Shift(IN_FLIGHT, 0));
        self.at_work.replace(Some(AtWork {
            worker: Worker::new(Rc::new(settings), verifier, WorkerId { number, queue }),
            outbox: Outbox::default(),
            callouts: Callouts::default(),
            stats,
            queue,
            ticks_regularly: false,
        }));
        true
    }

    /// The headers of a request have come. What has become of it; `None` while it waits.
    pub fn on_request_headers(&self, stream: StreamId) -> Option<Passed> {
        // A plugin that was never configured lets nothing pass.
        self.with(|at_work| at_work.on_request_headers(stream)).unwrap_or_else(|| Some(stream::fail()))
    }

    /// Strips the trailers of the request in whose context the VM runs; `false` when the host does not do it.
    pub fn strip_trailers(&self) -> bool {
        self.with(|at_work| stream::strip_trailers(&at_work.worker)).unwrap_or(false)
    }

    /// A request is gone: it was answered, or its caller hung up.
    pub fn on_stream_gone(&self, stream: StreamId) {
        self.with(|at_work| at_work.worker.on_stream_gone(stream));
    }

    /// A call has been answered, or has failed.
    pub fn on_http_call_response(&self, call: u32, headers: usize, body_bytes: usize) {
        self.with(|at_work| at_work.on_http_call_response(call, headers, body_bytes));
    }

    pub fn on_queue_ready(&self, queue: u32) {
        self.with(|at_work| at_work.on_queue_ready(queue));
    }

    pub fn on_tick(&self) {
        self.with(AtWork::on_tick);
    }

    /// The plugin is about to go: what it has counted is flushed, and what others wait for is given up.
    pub fn shut_down(&self) {
        self.with(|at_work| {
            // Without a clock no lease can be released in time; it expires by itself.
            at_work.worker.on_shutdown(&mut host::cx(abi::now().unwrap_or_default()));
            at_work.flush_stats();
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut AtWork) -> T) -> Option<T> {
        self.at_work.try_borrow_mut().ok()?.as_mut().map(work)
    }
}

impl AtWork {
    fn on_request_headers(&mut self, stream: StreamId) -> Option<Passed> {
        let (passed, effects) = stream::authorize(&mut self.worker, stream);
        if !effects.is_empty() {
            // Within a request's callback, its call is sent and nothing else is done.
            if let Some((call, request)) = self.outbox.extend_from_request(effects) {
                self.send(call, &request);
            }
            self.ask_for_turns();
        }
        passed
    }

    fn on_http_call_response(&mut self, call: u32, headers: usize, body_bytes: usize) {
        if let Some((call, result)) = self.callouts.receive(call, headers, body_bytes) {
            // If no server can be reached, Envoy itself answers before it has left the callback that sent the call:
            // probably that of a request's headers, which cannot be ended from within.
            let place = match &result {
                HttpResult::Answered(answer) if answer.status == 200 => {
                    self.outbox.begin_turn();
                    Place::Here
                }
                _ => Place::Later,
            };
            self.handle(place, |worker, cx| worker.on_call_result(call, result, cx));
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        // Each message starts a turn of its own.
        self.outbox.begin_turn();
        if let Ok(Some(message)) = hostcalls::dequeue_shared_queue(queue) {
            if message == message::YIELDED {
                self.outbox.turn_came();
            }
            self.handle(Place::Here, |worker, cx| worker.on_message(&message, cx));
        }
    }

    fn on_tick(&mut self) {
        if !self.ticks_regularly {
            self.ticks_regularly = hostcalls::set_tick_period(TICK).is_ok();
        }
        // A request that was reset in the same iteration of the event loop may still look alive to the host; by the
        // time messages are delivered it is gone.
        self.outbox.forget_turns();
        self.handle(Place::Later, Worker::on_tick);
        self.flush_stats();
    }

    /// Hands what the worker has counted to the host.
    fn flush_stats(&mut self) {
        self.worker.metrics().drain(|sample| self.stats.record(sample));
    }

    /// Lets the worker handle an event and carries out what comes of it, here or in turns of its own.
    fn handle(&mut self, place: Place, event: impl FnOnce(&mut Worker, &mut Cx<'_>)) {
        let Ok(now) = abi::now() else {
            log::error!("the host does not report the time");
            return;
        };
        self.work(now, event);
        if place == Place::Here {
            self.carry_out(now);
        }
        self.ask_for_turns();
    }

    fn work(&mut self, now: Timestamp, event: impl FnOnce(&mut Worker, &mut Cx<'_>)) {
        let mut cx = host::cx(now);
        event(&mut self.worker, &mut cx);
        self.outbox.extend(cx.effects);
    }

    /// Does what this turn may of what is to be done.
    fn carry_out(&mut self, now: Timestamp) {
        while let Some(task) = self.outbox.pop() {
            match task {
                Task::Effect(Effect::End(stream, ending)) => self.end(stream, &ending),
                Task::Effect(Effect::Call(call, request)) => self.send(call, &request),
                Task::Effect(Effect::Message(queue, message)) => {
                    // If that worker is gone, nobody waits.
                    let _ = hostcalls::enqueue_shared_queue(queue, Some(&message));
                }
                Task::Effect(Effect::Yield) => self.work(now, Worker::on_yield),
                Task::Effect(Effect::Log(level, line)) => log::log!(level, "{line}"),
                Task::Unsent(call) => self.fail(call, now),
            }
        }
    }

    fn send(&mut self, call: CallId, request: &HttpCall) {
        if self.callouts.send(call, request).is_err() {
            self.outbox.unsent(call);
        }
    }

    /// The host did not take the call.
    fn fail(&mut self, call: CallId, now: Timestamp) {
        self.work(now, |worker, cx| worker.on_call_result(call, HttpResult::Failed(NoAnswer::Unsent), cx));
    }

    /// Ends a waiting request. One that is gone needs nothing.
    fn end(&mut self, stream: StreamId, ending: &Ending) {
        if !self.worker.release(stream) || abi::enter(stream.0).is_err() {
            return;
        }
        match stream::conclude(&mut self.worker, stream, ending, None) {
            Passed::Upstream => {
                if abi::resume_request().is_err() {
                    log::error!("the host did not resume an admitted request");
                }
            }
            Passed::Replied => {}
        }
    }

    /// Puts notes into this worker's own queue: each brings a turn of its own, on an empty stack.
    fn ask_for_turns(&mut self) {
        for _ in 0..self.outbox.ask_for_turns() {
            if let Err(HostFailure) = self.ask_for_turn() {
                // The next tick makes up for it.
                self.outbox.forget_turns();
                return;
            }
        }
    }

    fn ask_for_turn(&self) -> Result<(), HostFailure> {
        hostcalls::enqueue_shared_queue(self.queue, Some(message::YIELDED)).map_err(|_| HostFailure)
    }
}

/// A number that nobody can guess, and not 0: the standard library seeds its hashers from the host's randomness.
fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish().max(1)
}
