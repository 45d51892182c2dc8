//! A worker thread of Envoy as a test drives it: requests in, callouts answered, time passing.

use super::exports::*;
use super::headers::Headers;
use super::process::Process;
use super::record::{Callout, Outcome, Plugin, Refused, StreamId};
use super::vm::{Stream, Vm};
use proxy_wasm::types::{Action, LogLevel, Status};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What tells the answer of a server from one of Envoy's own.
const SERVED: (&str, &str) = ("x-envoy-upstream-service-time", "3");

/// A worker: one VM on a thread of its own. Every method returns when the VM is idle again, so a test reads in
/// sequence however many workers it has. Dropping a worker loses it without a callback, as a crash would, and
/// fails the test if the module did anything that Envoy would not have put up with.
pub struct Worker {
    pub(super) vm: Arc<Vm>,
    pub(super) root: u32,
    owned: bool,
}

impl Worker {
    pub(super) fn start(process: Process, plugin: Plugin) -> Result<Self, Refused> {
        let module = process.module();
        let worker = Self { vm: Vm::start(process, plugin), root: 1, owned: true };
        worker.enter(0, move || {
            (module.initialize)();
            0
        });
        worker.state().roots.insert(1);
        worker.state().last_context = 1;
        worker.enter(1, move || {
            (module.context_create)(1, 0);
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

    /// A request arrives and, unless the filter holds it, runs to its end; nothing of it is kept.
    pub fn exchange<N: AsRef<[u8]>, V: AsRef<[u8]>>(&self, headers: &[(N, V)]) -> Outcome {
        let stream = self.request(headers);
        let outcome = self.outcome(stream);
        if outcome != Outcome::Paused {
            self.hang_up(stream);
            self.state().ended.remove(&stream.0);
        }
        outcome
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
        let module = self.vm.process.module();
        self.begin();
        self.enter(id, move || {
            (module.context_create)(id, root);
            0
        });
        let action = self.run(id, move || (module.request_headers)(id, count, end_of_stream));
        let replied = std::mem::take(&mut self.state().stop_iteration);
        let stopped = replied || action != Action::Continue as u32;
        let leaks = !replied && action == Action::Pause as u32 && self.vm.plugin.allow_on_headers_stop_iteration;
        self.apply_deferred(Some(id));
        let mut state = self.state();
        if let Some(stream) = state.streams.get_mut(&id).filter(|stream| stream.outcome.is_none()) {
            if stopped {
                stream.outcome = Some(Outcome::Paused);
                stream.leaks = leaks;
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

    /// The request's headers as an access log shows them: as the filter left them.
    pub fn request_headers(&self, stream: StreamId) -> Headers {
        let state = self.state();
        let known = state.streams.get(&stream.0).or_else(|| state.ended.get(&stream.0));
        known.map(|stream| stream.headers.clone()).expect("a stream of this worker")
    }

    /// The caller hangs up, or a stream that went on has had its response: the context goes away.
    pub fn hang_up(&self, stream: StreamId) {
        self.hang_up_at_once(stream);
        self.turn();
    }

    /// As [`Worker::hang_up`]; wake-ups wait for the next turn.
    pub fn hang_up_at_once(&self, stream: StreamId) {
        let mut state = self.state();
        let Some(known) = state.streams.get_mut(&stream.0) else { return };
        if matches!(known.outcome, Some(Outcome::Paused)) {
            known.outcome = Some(Outcome::Closed);
        }
        drop(state);
        self.begin();
        self.destroy(stream.0);
    }

    /// From now on the contexts of streams that have ended can still be entered.
    pub fn let_contexts_linger(&self) {
        self.state().lingering = true;
    }

    /// A message in some queue of an earlier VM comes: Envoy passes it to the context that has the number now.
    pub fn misdirected_message(&self, stream: StreamId) {
        self.vm.process.shared().wakeups.entry(self.vm.id).or_default().push_back((stream.0, u32::MAX));
        self.turn();
    }

    /// The first bytes of the request's body arrive.
    pub fn body(&self, stream: StreamId) {
        let mut state = self.state();
        let Some(known) = state.streams.get_mut(&stream.0) else { return };
        if known.leaks && known.outcome == Some(Outcome::Paused) {
            known.go_on();
        }
    }

    /// The request's trailers arrive; what the upstream gets of them, or `None` while, or because, it gets none.
    pub fn trailers<N: AsRef<[u8]>, V: AsRef<[u8]>>(&self, stream: StreamId, lines: &[(N, V)]) -> Option<Headers> {
        self.body(stream);
        let (id, count) = (stream.0, lines.len());
        let passed = |known: &Stream| matches!(known.outcome, Some(Outcome::Continued(_)));
        if !self.state().streams.get(&id).is_some_and(passed) {
            return None;
        }
        self.state().streams.get_mut(&id).expect("a stream").trailers = Some(Headers::new(lines));
        self.begin();
        let module = self.vm.process.module();
        let stopped = module.request_trailers.is_some_and(|callback| {
            let action = self.run(id, move || callback(id, count));
            self.state().stop_iteration || action != Action::Continue as u32
        });
        let trailers = self.state().streams.get_mut(&id).and_then(|known| known.trailers.take());
        self.settle_trailers(id);
        trailers.filter(|_| !stopped)
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
        let mut lines = Headers::new(&[(":status", &*status.to_string()), SERVED]);
        for (name, value) in Headers::new(headers).pairs() {
            lines.add(name, value);
        }
        self.deliver(call, Some((lines, body.as_ref().to_vec())));
        self.turn();
    }

    /// Envoy itself answers a callout, in place of the other end.
    #[track_caller]
    fn answer_itself(&self, call: u32, status: &str, body: &str, further: &[(&str, &str)]) {
        let usual = [(":status", status), ("content-type", "text/plain")];
        let lines = Headers::new(&[&usual, further].concat());
        self.deliver(call, Some((lines, body.as_bytes().to_vec())));
        self.turn();
    }

    /// The other end answers 200 with a JSON body.
    #[track_caller]
    pub fn answer_json(&self, call: u32, body: &str) {
        self.answer(call, 200, &[("content-type", "application/json")], body);
    }

    /// As [`Worker::answer_json`]; wake-ups that it causes wait for the next turn.
    #[track_caller]
    pub fn deliver_json(&self, call: u32, body: &str) {
        let lines = Headers::new(&[(":status", "200"), ("content-type", "application/json"), SERVED]);
        self.deliver(call, Some((lines, body.as_bytes().to_vec())));
    }

    /// The host loses every callout that waits for an answer, and tells nobody.
    pub fn lose_callouts(&self) {
        self.state().pending.clear();
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
        self.answer_itself(call, "503", body, &[]);
    }

    /// There was a connection, but by then the cluster's circuit breaker was open, which arrives as Envoy's own 503 too.
    #[track_caller]
    pub fn break_circuit(&self, call: u32) {
        let body = "upstream connect error or disconnect/reset before headers. reset reason: overflow";
        self.answer_itself(call, "503", body, &[("x-envoy-overloaded", "true")]);
    }

    /// The time for the callout is up, which arrives as Envoy's own 504.
    #[track_caller]
    pub fn time_out(&self, call: u32) {
        self.answer_itself(call, "504", "upstream request timeout", &[]);
    }

    /// The callout is forgotten: neither an answer nor a timeout comes back, unless it is found again.
    #[track_caller]
    pub fn lose(&self, call: u32) {
        assert!(self.state().pending.remove(&call), "callout {call} does not wait for an answer");
    }

    /// A callout that was lost waits for an answer again.
    #[track_caller]
    pub fn find(&self, call: u32) {
        let mut state = self.state();
        assert!(state.sent.iter().any(|sent| sent.id == call), "no callout {call} was sent");
        state.pending.insert(call);
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
        let module = self.vm.process.module();
        if let Some(done) = module.done
            && self.run(root, move || done(root).into()) == 0
        {
            self.state().fault("the root put off its end, which nothing in this host completes");
        }
        self.call(root, move || (module.delete)(root));
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

    /// From now on clients authenticate with the certificate of this SHA-256 (in hexadecimal digits), or with none.
    pub fn set_client_certificate(&self, digest: Option<&str>) {
        self.state().certificate = digest.map(str::to_owned);
    }

    /// What the module did that Envoy would not have put up with; taking them keeps them from failing the test.
    pub fn take_faults(&self) -> Vec<String> {
        std::mem::take(&mut self.state().faults)
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
