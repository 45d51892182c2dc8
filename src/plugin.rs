//! The root context: configuration, ticks, and everything that outlives a request.

use crate::abi;
use crate::callbacks;
use crate::callouts::{Callouts, NotSent};
use crate::shared_data::SharedData;
use crate::stats::Stats;
use crate::stream::{self, Passed};
use crate::turn::NO_QUEUE;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, RootContext};
use proxy_wasm::types::BufferType;
use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;
use std::time::Duration;
use tessera_core::base::http::{HttpCall, HttpResult};
use tessera_core::base::time::Timestamp;
use tessera_core::config;
use tessera_core::engine::effect::{CallId, Effect, Ending, StreamId};
use tessera_core::engine::message;
use tessera_core::engine::metrics::{Sample, build_info};
use tessera_core::engine::outbox::{Outbox, Task};
use tessera_core::engine::worker::{Identity, Worker};
use tessera_core::port::HostFailure;

/// Time between two ticks.
const TICK: Duration = Duration::from_millis(250);
/// Time to the first one: the first poll of contracts should not wait.
const FIRST_TICK: Duration = Duration::from_millis(5);

/// What the root context and its requests have in common.
pub struct Shared {
    /// The root context.
    pub root: u32,
    /// When the last request came.
    pub now: Cell<Timestamp>,
    /// `None` until a configuration has been accepted.
    pub worker: RefCell<Option<Worker>>,
    queue: Cell<Option<u32>>,
    stats: Stats,
}

impl Shared {
    /// Whether the root context has calls to send.
    pub fn has_calls_to_send(&self) -> bool {
        self.worker.try_borrow().is_ok_and(|worker| worker.as_ref().is_some_and(Worker::has_calls_to_send))
    }

    /// A request is gone: answered, or its caller hung up.
    pub fn on_stream_gone(&self, stream: StreamId) {
        self.with_worker(|worker| worker.on_stream_gone(stream));
    }

    /// The plugin is about to go: what it has counted is told, and what others wait for is given up.
    pub fn retire(&self) {
        let now = abi::now().unwrap_or_else(|_| self.now.get());
        self.with_worker(|worker| worker.on_end(&SharedData, now));
        self.tell_stats();
    }

    /// Hands what the worker has counted to the host.
    fn tell_stats(&self) {
        self.with_worker(|worker| worker.metrics().drain(|sample| self.stats.record(sample)));
    }

    fn with_worker(&self, work: impl FnOnce(&mut Worker)) {
        if let Ok(mut worker) = self.worker.try_borrow_mut()
            && let Some(worker) = worker.as_mut()
        {
            work(worker);
        }
    }

    /// Puts a note into this worker's own queue: the root context gets a turn of its own, on an empty stack.
    fn ask_for_turn(&self) -> Result<(), HostFailure> {
        let queue = self.queue.get().ok_or(HostFailure)?;
        hostcalls::enqueue_shared_queue(queue, Some(message::WAKE)).map_err(|_| HostFailure)
    }
}

/// The root context of one plugin configuration.
pub struct Plugin {
    shared: Rc<Shared>,
    callouts: Callouts,
    outbox: Outbox,
    ticks_regularly: bool,
}

impl Plugin {
    /// A plugin that has no configuration yet.
    pub fn new(id: u32) -> Self {
        let shared = Rc::new(Shared {
            root: id,
            now: Cell::default(),
            worker: RefCell::default(),
            queue: Cell::default(),
            stats: Stats::default(),
        });
        callbacks::enlist(Rc::clone(&shared));
        Self { shared, callouts: Callouts::default(), outbox: Outbox::default(), ticks_regularly: false }
    }

    fn configure(&mut self, bytes: usize) -> bool {
        let text = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, bytes);
        let text = text.ok().flatten().unwrap_or_default();
        let settings = match config::read(&text, &|name| std::env::var(name).ok()) {
            Ok(settings) => settings,
            Err(problems) => {
                problems.iter().for_each(|problem| log::error!("{problem}"));
                return false;
            }
        };
        if let Some(line) = config::advice(&settings) {
            log::warn!("{line}");
        }
        let number = random();
        // A queue of its own: two roots under one name would take each other's turns.
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
        self.shared.queue.set(Some(queue));
        self.shared.worker.replace(Some(Worker::new(Rc::new(settings), Identity { number, queue })));
        self.shared.stats.record(Sample::Set(&build_info(), 1));
        true
    }

    /// Lets the worker handle an event and carries out what comes of it, here or in turns of its own.
    fn handle(&mut self, place: Place, event: impl FnOnce(&mut Worker, Timestamp) -> Vec<Effect>) {
        let Ok(now) = abi::now() else {
            log::error!("the host does not tell the time");
            return;
        };
        let shared = Rc::clone(&self.shared);
        let Ok(mut worker) = shared.worker.try_borrow_mut() else { return };
        let Some(worker) = worker.as_mut() else { return };
        self.outbox.extend(event(worker, now));
        if place == Place::Here {
            self.carry_out(worker, now);
        }
        self.ask_for_turns();
    }

    /// In the middle of a request's callback: the calls that wait are sent, and nothing else is done.
    fn send_calls(&mut self) {
        let shared = Rc::clone(&self.shared);
        let Ok(mut worker) = shared.worker.try_borrow_mut() else { return };
        let Some(worker) = worker.as_mut() else { return };
        self.outbox.extend(worker.on_turn(self.shared.now.get()));
        while let Some(Task::Effect(Effect::Call(id, call))) = self.outbox.next_call() {
            self.send(id, &call);
        }
        self.ask_for_turns();
    }

    /// Does what this turn may of what is to be done.
    fn carry_out(&mut self, worker: &mut Worker, now: Timestamp) {
        let root = self.shared.root;
        // The context that host calls are about: the root's, until a request is ended.
        let mut within = root;
        while let Some(task) = self.outbox.pop() {
            match task {
                Task::Effect(Effect::End(stream, ending)) => {
                    within = stream.0;
                    finish(worker, stream, &ending);
                }
                Task::Effect(Effect::Call(id, call)) => {
                    if within != root && abi::enter(root).is_ok() {
                        within = root;
                    }
                    self.send(id, &call);
                }
                Task::Effect(Effect::Message(queue, message)) => {
                    // A worker that is gone waits for nothing.
                    let _ = hostcalls::enqueue_shared_queue(queue, Some(&message));
                }
                Task::Effect(Effect::Yield) => self.outbox.extend(worker.on_yield(&SharedData, now)),
                Task::Effect(Effect::Log(level, line)) => log::log!(level, "{line}"),
                Task::Unsent(call) => {
                    self.outbox.extend(worker.on_result(call, HttpResult::Failed, &SharedData, now));
                }
            }
        }
    }

    fn send(&mut self, id: CallId, call: &HttpCall) {
        if let Err(NotSent) = self.callouts.send(id, call) {
            self.outbox.unsent(id);
        }
    }

    fn ask_for_turns(&mut self) {
        for _ in 0..self.outbox.ask_for_turns() {
            if self.shared.ask_for_turn().is_err() {
                // The next tick makes up for it.
                self.outbox.forget_turns();
                return;
            }
        }
    }
}

/// Where the effects of an event are carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In this callback, as far as the stack allows.
    Here,
    /// In turns of their own.
    Later,
}

/// Ends a waiting request. One that is gone needs nothing.
fn finish(worker: &mut Worker, stream: StreamId, ending: &Ending) {
    if !worker.dismiss(stream) || abi::enter(stream.0).is_err() {
        return;
    }
    match stream::conclude(worker, stream, ending, None) {
        Passed::Upstream => {
            if abi::resume_request().is_err() {
                log::error!("the host did not resume an admitted request");
            }
        }
        Passed::Replied => {}
    }
}

impl Context for Plugin {
    fn on_http_call_response(&mut self, number: u32, headers: usize, body_bytes: usize, _: usize) {
        if let Some((call, result)) = self.callouts.receive(number, headers, body_bytes) {
            // Where no server can be reached, Envoy itself answers, before it is done with the callback that the call
            // was sent in: that of a request's headers, most likely, which cannot be ended from within.
            let place = match &result {
                HttpResult::Answered(answer) if answer.status == 200 => {
                    self.outbox.begin_turn();
                    Place::Here
                }
                _ => Place::Later,
            };
            self.handle(place, |worker, now| worker.on_result(call, result, &SharedData, now));
        }
    }
}

impl RootContext for Plugin {
    fn on_configure(&mut self, bytes: usize) -> bool {
        self.configure(bytes)
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if queue == NO_QUEUE {
            return self.send_calls();
        }
        // Each message brings a turn of its own.
        self.outbox.begin_turn();
        if let Ok(Some(message)) = hostcalls::dequeue_shared_queue(queue) {
            if message == message::WAKE {
                self.outbox.turn_came();
            }
            self.handle(Place::Here, |worker, now| worker.on_message(&message, &SharedData, now));
        }
    }

    fn on_tick(&mut self) {
        if !self.ticks_regularly {
            self.ticks_regularly = hostcalls::set_tick_period(TICK).is_ok();
        }
        // A request that was reset in the same round of the event loop may still look alive to the host; before messages
        // are handed over it is gone.
        self.outbox.forget_turns();
        self.handle(Place::Later, |worker, now| worker.on_tick(&SharedData, now));
        self.shared.tell_stats();
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        callbacks::strike(self.shared.root);
    }
}

/// A number that nobody can guess, and not 0: the standard library seeds its hashers from the host's randomness.
fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish().max(1)
}
