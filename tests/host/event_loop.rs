//! The worker's event loop: wake-ups, timers, and what Envoy does at the end of each call into the VM.

use super::exports::*;
use super::headers::Headers;
use super::record::{Outcome, Reply};
use super::vm::{Deferred, State, Stream};
use super::worker::Worker;
use std::collections::VecDeque;
use std::sync::MutexGuard;
use std::time::Duration;

impl Worker {
    pub(super) fn turn_once(&self) -> bool {
        let wakeup = self.vm.process.shared().wakeups.get_mut(&self.vm.id).and_then(VecDeque::pop_front);
        let Some((root, queue)) = wakeup else { return false };
        self.begin();
        if self.state().exists(root) {
            let queue_ready = self.vm.process.module().queue_ready;
            self.call(root, move || queue_ready(root, queue));
        }
        true
    }

    /// Fires what is due at `at`: callout timeouts first (as Envoy's router answers them), then ticks.
    pub(super) fn fire_timer(&self, at: Duration) {
        let late: Vec<u32> = self.state().timeouts().filter(|(due, _)| *due <= at).map(|(_, id)| id).collect();
        for call in late {
            self.time_out(call);
        }
        let ticks: Vec<u32> =
            self.state().ticks.iter().filter(|(_, (_, next))| *next <= at).map(|(root, _)| *root).collect();
        for root in ticks {
            self.begin();
            self.call(root, move || proxy_on_tick(root));
            let now = self.vm.process.now();
            if let Some((period, next)) = self.state().ticks.get_mut(&root) {
                *next = now + *period;
            }
        }
        self.turn();
    }

    #[track_caller]
    pub(super) fn deliver(&self, call: u32, answer: Option<(Headers, Vec<u8>)>) {
        let mut state = self.state();
        assert!(state.pending.remove(&call), "callout {call} does not wait for an answer");
        drop(state);
        self.begin();
        self.receive(call, answer);
    }

    /// The event loop calls: the stack is empty.
    pub(super) fn begin(&self) {
        self.state().depth = 0;
    }

    fn receive(&self, call: u32, answer: Option<(Headers, Vec<u8>)>) {
        let (headers, body) = answer.as_ref().map_or((0, 0), |(headers, body)| (headers.len(), body.len()));
        self.state().call_response = answer;
        let root = self.root;
        let module = self.vm.process.module();
        self.run(root, move || {
            (module.http_call_response)(root, call, headers, body, 0);
            0
        });
        self.state().call_response = None;
        self.settle();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.vm.state()
    }

    /// One call into the VM and what Envoy does at its end.
    pub(super) fn call(&self, context: u32, entry: impl FnOnce() + Send + 'static) {
        self.run(context, move || {
            entry();
            0
        });
        self.settle();
    }

    pub(super) fn run(&self, context: u32, entry: impl FnOnce() -> u32 + Send + 'static) -> u32 {
        self.vm.enter(context, entry)
    }

    /// As [`Worker::call`], giving the value back.
    pub(super) fn enter(&self, context: u32, entry: impl FnOnce() -> u32 + Send + 'static) -> u32 {
        let value = self.run(context, entry);
        self.settle();
        value
    }

    fn settle(&self) {
        self.state().stop_iteration = false;
        self.apply_deferred(None);
        self.bury();
    }

    /// A reply to a request whose headers have gone on takes its place: the upstream's request is reset.
    pub(super) fn settle_trailers(&self, id: u32) {
        let replied = |action: &Deferred| matches!(action, Deferred::Reply(stream, _) if *stream == id);
        let mut state = self.state();
        if state.deferred.iter().any(replied)
            && let Some(stream) = state.streams.get_mut(&id)
        {
            stream.outcome = Some(Outcome::Paused);
        }
        drop(state);
        self.settle();
    }

    /// Applies the resumes and replies that the call put off; `own` is the stream whose headers are being decoded.
    pub(super) fn apply_deferred(&self, own: Option<u32>) {
        loop {
            let Some(action) = self.state().next_deferred() else { return };
            match action {
                Deferred::Resume(id) => self.resume(id),
                Deferred::Reply(id, reply) => self.reply(id, reply, own == Some(id)),
                Deferred::Reset(id) => {
                    if let Some(stream) = self.state().streams.get_mut(&id) {
                        stream.outcome = Some(Outcome::Closed);
                    }
                }
                Deferred::Answer(call) => {
                    let lines = Headers::new(&[(":status", "503"), ("content-type", "text/plain")]);
                    self.receive(call, Some((lines, b"no healthy upstream".to_vec())));
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

    fn reply(&self, id: u32, mut reply: Reply, decoding: bool) {
        let mut state = self.state();
        let Some(stream) = state.streams.get_mut(&id) else { return };
        if !(stream.outcome == Some(Outcome::Paused) || decoding && stream.outcome.is_none()) {
            let fault = format!("stream {id} replied to with {} after it was {:?}", reply.status, stream.outcome);
            return state.fault(fault);
        }
        if stream.headers.text(":method") == Some("HEAD") {
            reply.body.clear();
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
        if let Some(response_headers) = self.vm.process.module().response_headers {
            self.run(id, move || response_headers(id, count, true) as u32);
        }
        let mut state = self.state();
        state.stop_iteration = false;
        if let Some(stream) = state.streams.get_mut(&id) {
            stream.response = None;
        }
    }

    /// Deletes the streams that a reply or reset has ended.
    pub(super) fn bury(&self) {
        let ended = |stream: &Stream| matches!(stream.outcome, Some(Outcome::Replied(_) | Outcome::Closed));
        loop {
            let next = self.state().streams.iter().find(|(_, stream)| ended(stream)).map(|(id, _)| *id);
            let Some(id) = next else { return };
            self.destroy(id);
        }
    }

    /// A callback of a stream that nothing can stop any more.
    fn last_call(&self, id: u32, callback: impl FnOnce() + Send + 'static) {
        self.run(id, move || {
            callback();
            0
        });
        self.state().stop_iteration = false;
        self.apply_deferred(None);
    }

    pub(super) fn destroy(&self, id: u32) {
        if let Some(stream) = self.state().streams.get_mut(&id) {
            stream.editable = false;
        }
        let module = self.vm.process.module();
        self.last_call(id, move || {
            if let Some(log) = module.log {
                log(id);
            }
        });
        self.last_call(id, move || {
            if let Some(done) = module.done {
                done(id);
            }
        });
        self.last_call(id, move || (module.delete)(id));
        let mut state = self.state();
        if let Some(stream) = state.streams.remove(&id) {
            state.ended.insert(id, stream);
        }
    }
}
