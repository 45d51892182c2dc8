//! A worker thread of Envoy as a test drives it: requests in, callouts answered, time passing.

use super::headers::Headers;
use super::process::Process;
use super::vm::{Deferred, State, Stream, Vm};
use proxy_wasm::types::{Action, LogLevel, Status};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The plugin's settings as Envoy's configuration gives them.
#[derive(Clone, Debug, Default)]
pub struct Plugin {
    pub name: String,
    pub root_id: String,
    pub vm_id: String,
    pub vm_configuration: Vec<u8>,
    pub configuration: Vec<u8>,
}

impl Plugin {
    /// A plugin named `tessera` with this configuration and everything else empty.
    pub fn new(configuration: &str) -> Self {
        Self { name: "tessera".to_owned(), configuration: configuration.as_bytes().to_vec(), ..Self::default() }
    }
}

/// The module said no to its configuration.
#[derive(Debug)]
pub struct Refused {
    pub logs: Vec<(LogLevel, String)>,
}

/// One request's stream, by its context id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// What became of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The filter holds it.
    Paused,
    /// It went on to the upstream, with these request headers.
    Continued(Headers),
    /// The filter answered.
    Replied(Reply),
    /// The caller hung up, or the filter reset it, before either.
    Closed,
}

impl Outcome {
    /// The filter's reply.
    #[track_caller]
    pub fn reply(&self) -> &Reply {
        match self {
            Self::Replied(reply) => reply,
            other => panic!("no reply: {other:?}"),
        }
    }

    /// The headers that the upstream gets.
    #[track_caller]
    pub fn upstream(&self) -> &Headers {
        match self {
            Self::Continued(headers) => headers,
            other => panic!("not continued: {other:?}"),
        }
    }
}

/// A local reply as the filter asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u32,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub grpc_status: Option<i32>,
    pub details: String,
}

/// A callout that the module sent.
#[derive(Clone, Debug)]
pub struct Callout {
    /// What [`Worker::answer`] and its like take.
    pub id: u32,
    pub cluster: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// Zero means none.
    pub timeout: Duration,
    pub sent_at: Duration,
    /// Whether the root was the active context. If not, the SDK drops the answer once that stream is gone.
    pub by_root: bool,
}

// The module's exports.
unsafe extern "C" {
    safe fn proxy_on_context_create(context: u32, root: u32);
    safe fn proxy_on_vm_start(context: u32, size: usize) -> bool;
    safe fn proxy_on_configure(context: u32, size: usize) -> bool;
    safe fn proxy_on_request_headers(context: u32, count: usize, end_of_stream: bool) -> Action;
    safe fn proxy_on_response_headers(context: u32, count: usize, end_of_stream: bool) -> Action;
    safe fn proxy_on_http_call_response(context: u32, call: u32, headers: usize, body: usize, trailers: usize);
    safe fn proxy_on_queue_ready(context: u32, queue: u32);
    safe fn proxy_on_tick(context: u32);
    safe fn proxy_on_done(context: u32) -> bool;
    safe fn proxy_on_log(context: u32);
    safe fn proxy_on_delete(context: u32);
}

/// A worker: one VM on a thread of its own. Every method returns when the VM is idle again, so a test reads in
/// sequence however many workers it has. Dropping a worker loses it without a callback, as a crash would, and
/// fails the test if the module did anything that Envoy would not have put up with.
pub struct Worker {
    vm: Arc<Vm>,
    root: u32,
    owned: bool,
}

impl Worker {
    pub(super) fn start(process: Process, plugin: Plugin) -> Result<Self, Refused> {
        let module = process.module();
        let worker = Self { vm: Vm::start(process, plugin), root: 1, owned: true };
        worker.enter(0, move || {
            module();
            0
        });
        worker.state().roots.insert(1);
        worker.state().last_context = 1;
        worker.enter(1, || {
            proxy_on_context_create(1, 0);
            0
        });
        let (vm, plugin) = (worker.vm.plugin.vm_configuration.len(), worker.vm.plugin.configuration.len());
        let started = worker.enter(1, move || proxy_on_vm_start(1, vm).into()) != 0;
        worker.state().configuring = true;
        let ready = started && worker.enter(1, move || proxy_on_configure(1, plugin).into()) != 0;
        worker.state().configuring = false;
        if !ready {
            return Err(Refused { logs: worker.logs() });
        }
        worker.turn();
        Ok(worker)
    }

    pub(super) fn over(vm: Arc<Vm>) -> Self {
        Self { vm, root: 1, owned: false }
    }

    /// A request without a body arrives, and the worker goes on until it is idle. `:method`, `:scheme`, `:authority`
    /// and `:path` are filled in where missing (`GET http://api.example.com/`).
    pub fn request<N: AsRef<[u8]>, V: AsRef<[u8]>>(&self, headers: &[(N, V)]) -> StreamId {
        let stream = self.arrive(headers, true);
        self.turn();
        stream
    }

    /// A request arrives; wake-ups that it causes wait for the next turn, so that several can arrive in one.
    pub fn arrive<N: AsRef<[u8]>, V: AsRef<[u8]>>(&self, headers: &[(N, V)], end_of_stream: bool) -> StreamId {
        let mut lines = Headers::new(headers);
        for (name, value) in
            [(":method", "GET"), (":scheme", "http"), (":authority", "api.example.com"), (":path", "/")]
        {
            if lines.get(name).is_none() {
                lines.add(name, value.as_bytes());
            }
        }
        let (count, root) = (lines.len(), self.root);
        let id = {
            let mut state = self.state();
            state.last_context += 1;
            let id = state.last_context;
            state.streams.insert(id, Stream::new(root, lines));
            id
        };
        self.enter(id, move || {
            proxy_on_context_create(id, root);
            0
        });
        let action = self.run(id, move || proxy_on_request_headers(id, count, end_of_stream) as u32);
        let stopped = std::mem::take(&mut self.state().stop_iteration) || action != Action::Continue as u32;
        self.apply_deferred(Some(id));
        let mut state = self.state();
        if let Some(stream) = state.streams.get_mut(&id).filter(|stream| stream.outcome.is_none()) {
            if stopped {
                stream.outcome = Some(Outcome::Paused);
            } else {
                stream.go_on();
            }
        }
        drop(state);
        self.bury();
        StreamId(id)
    }

    /// What became of a stream so far.
    #[track_caller]
    pub fn outcome(&self, stream: StreamId) -> Outcome {
        let state = self.state();
        let known = state.streams.get(&stream.0).or_else(|| state.ended.get(&stream.0));
        known.and_then(|stream| stream.outcome.clone()).expect("a stream of this worker")
    }

    /// A property that the filter set on the stream, by the one name that an access log can read it by.
    pub fn property(&self, stream: StreamId, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let known = state.streams.get(&stream.0).or_else(|| state.ended.get(&stream.0));
        known.and_then(|stream| stream.properties.get(name).cloned())
    }

    /// The caller hangs up, or a stream that went on has had its response: the context goes away.
    pub fn hang_up(&self, stream: StreamId) {
        let mut state = self.state();
        let Some(known) = state.streams.get_mut(&stream.0) else { return };
        if matches!(known.outcome, Some(Outcome::Paused)) {
            known.outcome = Some(Outcome::Closed);
        }
        drop(state);
        self.destroy(stream.0);
        self.turn();
    }

    /// The callouts that wait for an answer, oldest first.
    pub fn callouts(&self) -> Vec<Callout> {
        let state = self.state();
        state.sent.iter().filter(|call| state.pending.contains(&call.id)).cloned().collect()
    }

    /// The one callout that waits for an answer.
    #[track_caller]
    pub fn callout(&self) -> Callout {
        let mut pending = self.callouts();
        assert_eq!(pending.len(), 1, "callouts that wait: {pending:?}");
        pending.remove(0)
    }

    /// Every callout since the start, answered or not.
    pub fn sent_callouts(&self) -> Vec<Callout> {
        self.state().sent.clone()
    }

    /// The other end answers a callout.
    #[track_caller]
    pub fn answer<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        call: u32,
        status: u16,
        headers: &[(N, V)],
        body: impl AsRef<[u8]>,
    ) {
        let mut lines = Headers::new(&[(":status", status.to_string())]);
        for (name, value) in Headers::new(headers).pairs() {
            lines.add(name, value);
        }
        self.deliver(call, Some((lines, body.as_ref().to_vec())));
        self.turn();
    }

    /// The other end answers 200 with a JSON body.
    #[track_caller]
    pub fn answer_json(&self, call: u32, body: &str) {
        self.answer(call, 200, &[("content-type", "application/json")], body);
    }

    /// The callout's stream breaks: it ends without headers.
    #[track_caller]
    pub fn fail(&self, call: u32) {
        self.deliver(call, None);
        self.turn();
    }

    /// The connection is refused, which arrives as Envoy's own 503.
    #[track_caller]
    pub fn refuse_connection(&self, call: u32) {
        let body = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
        self.answer(call, 503, &[("content-type", "text/plain")], body);
    }

    /// Handles the wake-ups that wait for this worker, until none is left.
    pub fn turn(&self) {
        for _ in 0..10_000 {
            if !self.turn_once() {
                return;
            }
        }
        panic!("the worker keeps waking itself up");
    }

    /// Moves the process's clock; see [`Process::advance`].
    pub fn advance(&self, by: Duration) {
        self.vm.process.advance(by);
    }

    /// The configuration goes away in good order: streams end, then the root is done and deleted.
    pub fn shut_down(self) {
        let streams: Vec<u32> = self.state().streams.keys().copied().collect();
        for id in streams {
            self.hang_up(StreamId(id));
        }
        let root = self.root;
        if self.run(root, move || proxy_on_done(root).into()) == 0 {
            self.state().fault("the root put off its end, which nothing in this host completes");
        }
        self.call(root, move || proxy_on_delete(root));
        let mut state = self.state();
        state.roots.remove(&root);
        state.ticks.clear();
    }

    /// Everything logged so far.
    pub fn logs(&self) -> Vec<(LogLevel, String)> {
        self.state().logs.clone()
    }

    /// How often each hostcall was made since the start or the last reset.
    pub fn hostcalls(&self) -> BTreeMap<&'static str, u64> {
        self.state().hostcalls.clone()
    }

    /// Starts counting hostcalls anew.
    pub fn reset_hostcalls(&self) {
        self.state().hostcalls.clear();
    }

    /// The period of the tick, if one is set.
    pub fn tick_period(&self) -> Option<Duration> {
        self.state().ticks.get(&self.root).map(|(period, _)| *period)
    }

    /// Lets the next call of a hostcall return `status` without doing anything; several are used in turn.
    pub fn fail_next(&self, hostcall: &'static str, status: Status) {
        assert!(super::abi::HOSTCALLS.contains(&hostcall), "no hostcall is named {hostcall}");
        self.state().injected.entry(hostcall.to_owned()).or_default().push_back(status);
    }

    /// What the module did that Envoy would not have put up with; taking them keeps them from failing the test.
    pub fn take_faults(&self) -> Vec<String> {
        std::mem::take(&mut self.state().faults)
    }

    pub(super) fn turn_once(&self) -> bool {
        let wakeup =
            self.vm.process.shared().wakeups.get_mut(&self.vm.id).and_then(std::collections::VecDeque::pop_front);
        let Some((root, queue)) = wakeup else { return false };
        if self.state().roots.contains(&root) {
            self.call(root, move || proxy_on_queue_ready(root, queue));
        }
        true
    }

    /// Fires what is due at `at`: callout timeouts first (as Envoy's router answers them), then ticks.
    pub(super) fn fire_timer(&self, at: Duration) {
        let late: Vec<u32> = self.state().timeouts().filter(|(due, _)| *due <= at).map(|(_, id)| id).collect();
        for call in late {
            self.answer(call, 504, &[("content-type", "text/plain")], "upstream request timeout");
        }
        let ticks: Vec<u32> =
            self.state().ticks.iter().filter(|(_, (_, next))| *next <= at).map(|(root, _)| *root).collect();
        for root in ticks {
            self.call(root, move || proxy_on_tick(root));
            let now = self.vm.process.now();
            if let Some((period, next)) = self.state().ticks.get_mut(&root) {
                *next = now + *period;
            }
        }
        self.turn();
    }

    #[track_caller]
    fn deliver(&self, call: u32, answer: Option<(Headers, Vec<u8>)>) {
        let mut state = self.state();
        assert!(state.pending.remove(&call), "callout {call} does not wait for an answer");
        let (headers, body) = answer.as_ref().map_or((0, 0), |(headers, body)| (headers.len(), body.len()));
        state.call_response = answer;
        drop(state);
        let root = self.root;
        self.run(root, move || {
            proxy_on_http_call_response(root, call, headers, body, 0);
            0
        });
        self.state().call_response = None;
        self.settle();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.vm.state()
    }

    /// One call into the VM and what Envoy does at its end.
    fn call(&self, context: u32, entry: impl FnOnce() + Send + 'static) {
        self.run(context, move || {
            entry();
            0
        });
        self.settle();
    }

    fn run(&self, context: u32, entry: impl FnOnce() -> u32 + Send + 'static) -> u32 {
        self.vm.enter(context, entry)
    }

    /// As [`Worker::call`], giving the value back.
    fn enter(&self, context: u32, entry: impl FnOnce() -> u32 + Send + 'static) -> u32 {
        let value = self.run(context, entry);
        self.settle();
        value
    }

    fn settle(&self) {
        self.state().stop_iteration = false;
        self.apply_deferred(None);
        self.bury();
    }

    /// Applies the resumes and replies that the call put off; `own` is the stream whose headers are being decoded.
    fn apply_deferred(&self, own: Option<u32>) {
        loop {
            let Some(action) = self.state().deferred.pop_front() else { return };
            match action {
                Deferred::Resume(id) => self.resume(id),
                Deferred::Reply(id, reply) => self.reply(id, reply, own == Some(id)),
                Deferred::Reset(id) => {
                    if let Some(stream) = self.state().streams.get_mut(&id) {
                        stream.outcome = Some(Outcome::Closed);
                    }
                }
            }
        }
    }

    fn resume(&self, id: u32) {
        let mut state = self.state();
        let Some(stream) = state.streams.get_mut(&id) else { return };
        if stream.outcome == Some(Outcome::Paused) {
            stream.go_on();
        } else {
            let fault = format!("stream {id} resumed while it was not paused: {:?}", stream.outcome);
            state.fault(fault);
        }
    }

    fn reply(&self, id: u32, reply: Reply, decoding: bool) {
        let mut state = self.state();
        let Some(stream) = state.streams.get_mut(&id) else { return };
        if !(stream.outcome == Some(Outcome::Paused) || decoding && stream.outcome.is_none()) {
            let fault = format!("stream {id} replied to with {} after it was {:?}", reply.status, stream.outcome);
            return state.fault(fault);
        }
        let mut headers = Headers::new(&[(":status", reply.status.to_string())]);
        for (name, value) in reply.headers.pairs() {
            headers.add(name, value);
        }
        let count = headers.len();
        stream.response = Some(headers);
        stream.outcome = Some(Outcome::Replied(reply));
        drop(state);
        // The reply passes the filter itself on its way out.
        self.run(id, move || proxy_on_response_headers(id, count, true) as u32);
        let mut state = self.state();
        state.stop_iteration = false;
        if let Some(stream) = state.streams.get_mut(&id) {
            stream.response = None;
        }
    }

    /// Deletes the streams that a reply or reset has ended.
    fn bury(&self) {
        let ended = |stream: &Stream| matches!(stream.outcome, Some(Outcome::Replied(_) | Outcome::Closed));
        loop {
            let next = self.state().streams.iter().find(|(_, stream)| ended(stream)).map(|(id, _)| *id);
            let Some(id) = next else { return };
            self.destroy(id);
        }
    }

    fn destroy(&self, id: u32) {
        if let Some(stream) = self.state().streams.get_mut(&id) {
            stream.editable = false;
        }
        for step in [
            (|id| proxy_on_log(id)) as fn(u32),
            |id| {
                proxy_on_done(id);
            },
            |id| proxy_on_delete(id),
        ] {
            self.run(id, move || {
                step(id);
                0
            });
            self.state().stop_iteration = false;
            self.apply_deferred(None);
        }
        let mut state = self.state();
        if let Some(stream) = state.streams.remove(&id) {
            state.ended.insert(id, stream);
        }
    }
}

impl Stream {
    fn new(root: u32, headers: Headers) -> Self {
        Self { root, headers, editable: true, response: None, outcome: None, properties: BTreeMap::new() }
    }

    fn go_on(&mut self) {
        self.editable = false;
        self.outcome = Some(Outcome::Continued(self.headers.clone()));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A trapped VM may hold the state's lock for good.
        if self.owned && !self.vm.trapped() && !std::thread::panicking() {
            let faults = self.take_faults();
            assert!(faults.is_empty(), "Envoy would not have put up with this: {faults:#?}");
        }
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("id", &self.vm.id).finish_non_exhaustive()
    }
}
