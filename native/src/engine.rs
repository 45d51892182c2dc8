//! A worker of the core with what its host keeps for it. It is used under a lock: nothing here calls Envoy, but for the
//! posting of an event.

use crate::abi::{Head, RequestScheduler};
use crate::host;
use crate::plan::Plan;
use hashbrown::{HashMap, HashSet};
use std::time::Duration;
use tessera_core::base::http::{AnswerHeaders, HttpCall, HttpResult};
use tessera_core::engine::effect::{CallId, Cx, Disposition, Effect, Ending, StreamId};
use tessera_core::engine::metrics::Sample;
use tessera_core::engine::worker::Worker;
#[cfg(feature = "faults")]
use tessera_core::port::RequestHead;
use tessera_core::port::memory::MemoryStore;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// One engine.
pub struct Engine {
    worker: Worker,
    last: u32,
    /// The requests that wait, each with what wakes it.
    waiting: Map<StreamId, Option<RequestScheduler>>,
    /// How those end that are to be woken; `None` where a fault has lost that.
    endings: Map<StreamId, Option<Ending>>,
    /// The one that is being judged.
    judged: Option<StreamId>,
    yields: bool,
}

/// What an event leaves to others.
#[derive(Default)]
pub struct Outgoing {
    pub calls: Vec<OutgoingCall>,
    /// Queues, and what they get.
    pub messages: Vec<(u32, Vec<u8>)>,
    pub yields: bool,
    pub lines: Vec<(log::Level, String)>,
}

/// A call for the main thread to send.
pub struct OutgoingCall {
    pub call: CallId,
    pub cluster: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub timeout: Duration,
    pub answer_headers: AnswerHeaders,
    pub max_answer_bytes: usize,
}

/// A request's plan, and the number under which it waits, if it does.
pub struct Judged {
    pub plan: Plan,
    pub waits: Option<StreamId>,
    pub outgoing: Outgoing,
}

impl Engine {
    pub fn new(worker: Worker) -> Self {
        Self { worker, last: 0, waiting: Map::default(), endings: Map::default(), judged: None, yields: false }
    }

    /// How the keys begin under which it shares what it knows. What was noted of used proofs is nobody's alone.
    pub fn prefixes(&self) -> Vec<String> {
        let settings = self.worker.settings();
        vec![settings.facts_prefix(), settings.contracts_prefix()]
    }

    /// Authorizes a request. First of all, and whatever the outcome: no forged identity may reach the upstream or a log.
    pub fn judge(&mut self, head: &Head<'_>, store: &MemoryStore) -> Judged {
        #[cfg(feature = "faults")]
        assert!(head.first("x-fault") != Some(b"1"), "a fault that a test asks for");
        let mut plan = self.strip(head);
        let stream = self.next_stream();
        self.judged = Some(stream);
        let mut cx = host::cx(store);
        let waits = match self.worker.on_request(stream, head, &mut cx) {
            Disposition::Ended(ending) => {
                plan.conclude(&mut self.worker, stream, &ending, head);
                None
            }
            Disposition::Waits => {
                self.waiting.insert(stream, None);
                #[cfg(feature = "faults")]
                assert!(head.first("x-fault").is_none(), "one that comes late");
                Some(stream)
            }
        };
        let outgoing = self.absorb(cx.effects);
        self.judged = None;
        Judged { plan, waits, outgoing }
    }

    /// What comes before everything else.
    pub fn strip(&self, head: &Head<'_>) -> Plan {
        let mut plan = Plan::default();
        // Edits that are only noted cannot fail.
        plan.forged = self.worker.settings().reserved.strip(head, &plan.edits).unwrap_or_default();
        plan
    }

    /// Refuses a request that could not be judged; `stream`, if it had waited.
    pub fn fail(&mut self, plan: &mut Plan, stream: Option<StreamId>) {
        if let Some(stream) = stream {
            self.on_stream_gone(stream);
        }
        let stream = stream.unwrap_or_else(|| self.next_stream());
        plan.fail_within(&mut self.worker, stream, None);
    }

    /// From now on a request that waits can be woken. It may be due already.
    pub fn wake_by(&mut self, stream: StreamId, scheduler: RequestScheduler) {
        if self.endings.contains_key(&stream) {
            scheduler.commit();
        }
        self.waiting.insert(stream, Some(scheduler));
    }

    /// How a request that has been woken ends; `None` when it was woken for nothing. `head` is what is there of it.
    pub fn conclude(&mut self, stream: StreamId, head: &Head<'_>) -> Option<Plan> {
        let ending = self.endings.remove(&stream)?;
        self.waiting.remove(&stream);
        let mut plan = Plan::default();
        match ending.filter(|_| self.worker.release(stream)) {
            Some(ending) => plan.conclude(&mut self.worker, stream, &ending, head),
            None => plan.fail_within(&mut self.worker, stream, None),
        }
        Some(plan)
    }

    /// A request that waited is gone.
    pub fn on_stream_gone(&mut self, stream: StreamId) {
        self.worker.on_stream_gone(stream);
        self.waiting.remove(&stream);
        self.endings.remove(&stream);
    }

    pub fn on_tick(&mut self, store: &MemoryStore) -> Outgoing {
        self.work(store, Worker::on_tick)
    }

    pub fn on_message(&mut self, message: &[u8], store: &MemoryStore) -> Outgoing {
        self.work(store, |worker, cx| worker.on_message(message, cx))
    }

    pub fn on_call_result(&mut self, call: CallId, result: HttpResult, store: &MemoryStore) -> Outgoing {
        #[cfg(feature = "faults")]
        let is_faulty = is_faulty(&result);
        self.work(store, |worker, cx| {
            worker.on_call_result(call, result, cx);
            #[cfg(feature = "faults")]
            assert!(!is_faulty, "one that an answer brings");
        })
    }

    /// Goes on with what has given way, if something has.
    pub fn on_yield(&mut self, store: &MemoryStore) -> Outgoing {
        if std::mem::take(&mut self.yields) { self.work(store, Worker::on_yield) } else { Outgoing::default() }
    }

    pub fn on_shutdown(&mut self, store: &MemoryStore) -> Outgoing {
        self.work(store, Worker::on_shutdown)
    }

    /// Hands over what has been counted.
    pub fn drain(&mut self, take: impl FnMut(Sample<'_>)) {
        self.worker.metrics().drain(take);
    }

    /// After a fault: forgets the request in whose judgement it came up, which is refused, and ends those that wait for
    /// what it has lost. What had given way goes on.
    pub fn recover(&mut self) {
        if let Some(stream) = self.judged.take() {
            self.on_stream_gone(stream);
        }
        let held: HashSet<StreamId, foldhash::fast::RandomState> = self.worker.waiting().collect();
        let is_lost = |stream: &StreamId| !held.contains(stream) && !self.endings.contains_key(stream);
        let lost: Vec<StreamId> = self.waiting.keys().copied().filter(is_lost).collect();
        for stream in lost {
            self.end(stream, None);
        }
        self.yields = true;
    }

    fn work(&mut self, store: &MemoryStore, event: impl FnOnce(&mut Worker, &mut Cx<'_>)) -> Outgoing {
        let mut cx = host::cx(store);
        event(&mut self.worker, &mut cx);
        let effects = cx.effects;
        self.absorb(effects)
    }

    /// Wakes whom it has to, and tells what is left for others.
    fn absorb(&mut self, effects: Vec<Effect>) -> Outgoing {
        let mut outgoing = Outgoing::default();
        for effect in effects {
            match effect {
                Effect::End(stream, ending) => self.end(stream, Some(ending)),
                Effect::Call(call, request) => outgoing.calls.push(OutgoingCall::of(call, request)),
                Effect::Message(queue, message) => outgoing.messages.push((queue, message)),
                Effect::Yield => self.yields = true,
                Effect::Log(level, line) => outgoing.lines.push((level, line)),
            }
        }
        outgoing.yields = self.yields;
        outgoing
    }

    fn end(&mut self, stream: StreamId, ending: Option<Ending>) {
        // One that is gone needs nothing.
        let Some(waiting) = self.waiting.get(&stream) else { return };
        self.endings.insert(stream, ending);
        if let Some(scheduler) = waiting {
            scheduler.commit();
        }
    }

    /// A number that no waiting request has.
    fn next_stream(&mut self) -> StreamId {
        loop {
            self.last = self.last.wrapping_add(1);
            let stream = StreamId(self.last);
            if !self.waiting.contains_key(&stream) {
                return stream;
            }
        }
    }
}

/// Whether a test asks for a fault by this answer.
#[cfg(feature = "faults")]
fn is_faulty(result: &HttpResult) -> bool {
    use tessera_core::base::http::{Body, HttpAnswer};
    let HttpResult::Answered(HttpAnswer { body: Body::Whole(bytes), .. }) = result else { return false };
    bytes.windows(7).any(|word| word == b"x-fault")
}

impl OutgoingCall {
    fn of(call: CallId, request: HttpCall) -> Self {
        let HttpCall { cluster, headers, body, timeout, answer_headers, max_answer_bytes } = request;
        Self {
            call,
            cluster: (*cluster).to_owned(),
            headers: headers.to_vec(),
            body,
            timeout,
            answer_headers,
            max_answer_bytes,
        }
    }
}
