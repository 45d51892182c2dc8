//! One VM: the thread it runs on, what the host knows about its contexts, and how a trap is caught.

use super::headers::Headers;
use super::process::Process;
use super::record::{Callout, Outcome, Plugin, Reply};
use proxy_wasm::types::{LogLevel, Status};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{c_char, c_int, c_void};
use std::panic;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// How long one call into the VM may take in real time before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A VM with its thread.
pub(super) struct Vm {
    pub id: u32,
    pub process: Process,
    pub plugin: Plugin,
    state: Mutex<State>,
    trap: OnceLock<String>,
    thread: Mutex<(Sender<Job>, Receiver<Return>)>,
}

type Entry = Box<dyn FnOnce() -> u32 + Send>;
type Job = (Arc<Vm>, Entry);

enum Return {
    Value(u32),
    Trap(String),
}

/// What the host knows; the hostcalls work on it while the VM runs.
pub(super) struct State {
    pub current: u32,
    effective: u32,
    /// Set by a local reply: the callback's own verdict no longer counts, whichever stream was replied to.
    pub stop_iteration: bool,
    pub configuring: bool,
    pub roots: BTreeSet<u32>,
    pub streams: BTreeMap<u32, Stream>,
    pub ended: BTreeMap<u32, Stream>,
    /// Whether the contexts of ended streams can still be entered, as in Envoy until its event loop's pass is over.
    pub lingering: bool,
    pub last_context: u32,
    pub sent: Vec<Callout>,
    pub pending: BTreeSet<u32>,
    pub call_response: Option<(Headers, Vec<u8>)>,
    pub deferred: VecDeque<Deferred>,
    /// How many of them were carried out inside one another, as far as the stack goes.
    pub depth: usize,
    /// Root context to (period, next time).
    pub ticks: BTreeMap<u32, (Duration, Duration)>,
    pub logs: Vec<(LogLevel, String)>,
    pub faults: Vec<String>,
    pub hostcalls: BTreeMap<&'static str, u64>,
    pub injected: BTreeMap<String, VecDeque<Status>>,
    /// The SHA-256 of the certificate that clients of this worker authenticate with, in hexadecimal digits.
    pub certificate: Option<String>,
    pub metrics: BTreeMap<u32, String>,
}

/// What Envoy puts off to the end of the call into the VM.
pub(super) enum Deferred {
    Resume(u32),
    Reply(u32, Reply),
    Reset(u32),
    /// A callout that Envoy answered itself, while it was sent.
    Answer(u32),
}

/// How many actions Envoy carries out inside one another before V8's stack overflows. (Some 310 were seen, with
/// nothing else in the chain.)
const MAX_DEPTH: usize = 100;

pub(super) struct Stream {
    pub root: u32,
    pub headers: Headers,
    /// Envoy forgets the request's headers once the stream moves on: later edits are refused.
    pub editable: bool,
    /// Held on its headers alone: what comes behind them takes them along.
    pub leaks: bool,
    pub trailers: Option<Headers>,
    pub response: Option<Headers>,
    pub outcome: Option<Outcome>,
    pub properties: BTreeMap<String, Vec<u8>>,
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
    static RUNNING: RefCell<Option<(Arc<Vm>, Sender<Return>)>> = const { RefCell::new(None) };
}

impl Vm {
    pub fn start(process: Process, plugin: Plugin) -> Arc<Self> {
        watch_for_traps();
        let (jobs, inbox) = channel::<Job>();
        let (outbox, returns) = channel();
        let id = {
            let mut shared = process.shared();
            shared.last_worker += 1;
            shared.last_worker
        };
        thread::Builder::new()
            .name(format!("worker {id}"))
            .spawn(move || run(&inbox, &outbox))
            .expect("a thread for the worker");
        let vm = Arc::new(Self {
            id,
            process: process.clone(),
            plugin,
            state: Mutex::new(State::new()),
            trap: OnceLock::new(),
            thread: Mutex::new((jobs, returns)),
        });
        process.shared().workers.insert(id, Arc::downgrade(&vm));
        vm
    }

    /// The VM that is running on this thread.
    pub fn running() -> Option<Arc<Self>> {
        RUNNING.try_with(|running| running.borrow().as_ref().map(|(vm, _)| Arc::clone(vm))).ok().flatten()
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn trapped(&self) -> bool {
        self.trap.get().is_some()
    }

    /// Runs `entry` in the VM for `context` and gives what it returned; a trap fails the test.
    pub fn enter(self: &Arc<Self>, context: u32, entry: impl FnOnce() -> u32 + Send + 'static) -> u32 {
        self.assert_alive();
        {
            let mut state = self.state();
            state.current = context;
            state.effective = 0;
        }
        let answer = {
            let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
            thread.0.send((Arc::clone(self), Box::new(entry))).expect("the worker's thread");
            thread.1.recv_timeout(PATIENCE)
        };
        match answer {
            Ok(Return::Value(value)) => value,
            Ok(Return::Trap(message)) => {
                let _ = self.trap.set(message);
                self.assert_alive();
                0
            }
            Err(_) => {
                let _ = self.trap.set(format!("no return after {PATIENCE:?}"));
                self.assert_alive();
                0
            }
        }
    }

    fn assert_alive(&self) {
        if let Some(message) = self.trap.get() {
            panic!("the filter trapped: {message}");
        }
    }

    /// When this VM's next tick or callout timeout is due.
    pub fn next_timer(&self) -> Option<Duration> {
        let state = self.state();
        let ticks = state.ticks.values().map(|(_, next)| *next);
        ticks.chain(state.timeouts().map(|(at, _)| at)).min()
    }

    pub fn shift_timers(&self, before: Duration, after: Duration) {
        let moved = |at: Duration| (at + after).saturating_sub(before);
        let mut state = self.state();
        for (_, next) in state.ticks.values_mut() {
            *next = moved(*next);
        }
        for call in &mut state.sent {
            call.sent_at = moved(call.sent_at);
        }
    }
}

impl State {
    fn new() -> Self {
        Self {
            current: 0,
            effective: 0,
            stop_iteration: false,
            configuring: false,
            roots: BTreeSet::new(),
            streams: BTreeMap::new(),
            ended: BTreeMap::new(),
            lingering: false,
            last_context: 0,
            sent: Vec::new(),
            pending: BTreeSet::new(),
            call_response: None,
            deferred: VecDeque::new(),
            depth: 0,
            ticks: BTreeMap::new(),
            logs: Vec::new(),
            faults: Vec::new(),
            hostcalls: BTreeMap::new(),
            injected: BTreeMap::new(),
            certificate: None,
            metrics: BTreeMap::new(),
        }
    }

    pub fn exists(&self, context: u32) -> bool {
        self.roots.contains(&context) || self.streams.contains_key(&context)
    }

    /// Whether a context can be entered.
    fn is_known(&self, context: u32) -> bool {
        self.exists(context) || self.lingering && self.ended.contains_key(&context)
    }

    /// The context that hostcalls work on: the effective one while it lives, else the called one.
    pub fn context(&self) -> u32 {
        if self.effective != 0 && self.is_known(self.effective) { self.effective } else { self.current }
    }

    pub fn set_effective(&mut self, context: u32) -> Status {
        if !self.is_known(context) {
            return Status::BadArgument;
        }
        self.effective = context;
        Status::Ok
    }

    pub fn root(&self) -> u32 {
        let context = self.context();
        self.streams.get(&context).map_or(context, |stream| stream.root)
    }

    pub fn stream(&mut self) -> Option<&mut Stream> {
        let context = self.context();
        self.streams.get_mut(&context)
    }

    /// The next action of those that wait for the end of a call into the VM.
    pub fn next_deferred(&mut self) -> Option<Deferred> {
        let action = self.deferred.pop_front()?;
        self.depth += 1;
        if self.depth == MAX_DEPTH {
            self.fault(format!("{MAX_DEPTH} actions inside one another: the stack overflows, and the VM is lost"));
        }
        Some(action)
    }

    pub fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    /// The pending callouts that have a timeout, with the time it runs out.
    pub fn timeouts(&self) -> impl Iterator<Item = (Duration, u32)> {
        let pending = self.sent.iter().filter(|call| self.pending.contains(&call.id));
        pending.filter(|call| !call.timeout.is_zero()).map(|call| (call.sent_at + call.timeout, call.id))
    }
}

impl Stream {
    pub fn new(root: u32, headers: Headers) -> Self {
        Self {
            root,
            headers,
            editable: true,
            leaks: false,
            trailers: None,
            response: None,
            outcome: None,
            properties: BTreeMap::new(),
        }
    }

    pub fn go_on(&mut self) {
        self.editable = false;
        self.outcome = Some(Outcome::Continued(self.headers.clone()));
    }
}

fn run(inbox: &Receiver<Job>, outbox: &Sender<Return>) {
    while let Ok((vm, entry)) = inbox.recv() {
        RUNNING.set(Some((vm, outbox.clone())));
        let value = entry();
        RUNNING.set(None);
        if outbox.send(Return::Value(value)).is_err() {
            return;
        }
    }
}

/// Takes the message of a panic in a VM from the panic hook, for [`_Unwind_RaiseException`] to report.
fn watch_for_traps() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        // The SDK claims the `log` facade and the panic hook on its first use, without a lock: let that be here.
        proxy_wasm::set_log_level(LogLevel::Critical);
        panic::set_hook(Box::new(move |panic| {
            if Vm::running().is_some() {
                PANIC.set(panic.to_string());
            } else {
                usual(panic);
            }
        }));
    });
}

/// Stands before the unwinder's own function, which starts the unwinding of every panic. A panic in a VM must not
/// unwind: the SDK's `extern "C"` callbacks would turn it into an abort of the whole test binary. On Wasm it does not
/// either: it traps. So it is reported to the thread that waits for the call, and the worker's thread goes no further.
/// (The panic hook cannot do this: it holds a lock that the test harness wants at its end.)
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn _Unwind_RaiseException(exception: *mut c_void) -> c_int {
    let outbox = RUNNING.try_with(|running| running.borrow().as_ref().map(|(_, outbox)| outbox.clone()));
    if let Ok(Some(outbox)) = outbox {
        let _ = outbox.send(Return::Trap(PANIC.take()));
        loop {
            thread::park();
        }
    }
    type Raise = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;
    // `RTLD_NEXT` is -1 in glibc and musl.
    let next = unsafe { dlsym(std::ptr::without_provenance_mut(usize::MAX), c"_Unwind_RaiseException".as_ptr()) };
    assert!(!next.is_null(), "an unwinder");
    unsafe { std::mem::transmute::<*mut c_void, Raise>(next)(exception) }
}

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
}
