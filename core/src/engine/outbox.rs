//! What a worker's host still has to do, in order, a little at a time.
//!
//! Envoy carries out what a call into the VM asks for when that call returns, one effect inside the other: a local
//! reply destroys its stream, whose deletion enters the VM, after which the next reply is sent, and so on down the
//! stack. A call that fails at once brings its result in the same way. About three hundred of these overflow the stack,
//! and the VM is lost. So everything goes through this queue, and at most [`MAX_DEPTH`] of it is carried out between
//! two turns that begin on an empty stack: answers of servers, and messages in the worker's own queue.
//!
//! At most one request ends in a turn. What Envoy does about an ending may take down a whole connection, and other
//! requests on it that the same turn had ended would be ended after they are gone.

use super::effect::{CallId, Effect};
use crate::base::http::HttpCall;
use std::collections::VecDeque;

/// Most that is carried out from one empty stack to the next.
pub const MAX_DEPTH: usize = 32;
/// Most turns asked for in advance: each is one message in the worker's own queue.
const MAX_TURNS: usize = 32;

/// Something for the host to do.
#[derive(Debug)]
pub enum Task {
    Effect(Effect),
    /// Tell the engine that the host did not take this call.
    Unsent(CallId),
}

/// The tasks of one worker.
#[derive(Debug)]
pub struct Outbox {
    tasks: VecDeque<Task>,
    /// How many more may be carried out before the stack is empty again.
    left: usize,
    /// Turns asked for that have not come.
    turns: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { tasks: VecDeque::new(), left: MAX_DEPTH, turns: 0 }
    }
}

impl Outbox {
    pub fn extend(&mut self, effects: Vec<Effect>) {
        self.tasks.extend(effects.into_iter().map(Task::Effect));
    }

    /// The host did not take the call.
    pub fn unsent(&mut self, call: CallId) {
        self.tasks.push_back(Task::Unsent(call));
    }

    /// A turn begins, and the stack is empty.
    pub fn begin_turn(&mut self) {
        self.left = MAX_DEPTH;
    }

    /// A turn that was asked for has come.
    pub fn turn_came(&mut self) {
        self.turns = self.turns.saturating_sub(1);
    }

    /// The next task; `None` when there is none, or when the rest has to wait for a turn of its own.
    pub fn pop(&mut self) -> Option<Task> {
        let left = self.left.checked_sub(1)?;
        self.left = match self.tasks.front()? {
            // A slice takes a turn of its own, so that the event loop is never blocked for long.
            Task::Effect(Effect::Yield) if self.left == MAX_DEPTH => 0,
            Task::Effect(Effect::Yield) => return None,
            // The last of its turn.
            Task::Effect(Effect::End(..)) => 0,
            _ => left,
        };
        self.tasks.pop_front()
    }

    /// What a request's callback wants done. Its call, unless something is before it, is to be sent in that callback:
    /// one call is not too much for whatever the stack holds, since what comes of it waits for a turn.
    pub fn extend_from_request(&mut self, effects: Vec<Effect>) -> Option<(CallId, HttpCall)> {
        let mut effects = VecDeque::from(effects);
        let call = match effects.pop_front_if(|effect| self.tasks.is_empty() && matches!(effect, Effect::Call(..))) {
            Some(Effect::Call(call, request)) => Some((call, request)),
            _ => None,
        };
        self.tasks.extend(effects.into_iter().map(Task::Effect));
        call
    }

    /// How many further turns to ask for now, so that the rest is done soon.
    pub fn ask_for_turns(&mut self) -> usize {
        let wanted = self.tasks.len().min(MAX_TURNS);
        let more = wanted.saturating_sub(self.turns);
        self.turns += more;
        more
    }

    /// Turns that were asked for may never come: none is waited for any more.
    pub fn forget_turns(&mut self) {
        self.turns = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::effect::{Ending, StreamId, Verdict};
    use super::*;

    fn log(number: usize) -> Effect {
        Effect::Log(log::Level::Info, number.to_string())
    }

    fn drain(outbox: &mut Outbox) -> Vec<String> {
        let shown = |task| match task {
            Task::Effect(Effect::Log(_, line)) => line,
            other => format!("{other:?}"),
        };
        std::iter::from_fn(|| outbox.pop().map(shown)).collect()
    }

    #[test]
    fn a_turn_does_its_share_in_order_and_the_rest_follows() {
        let mut outbox = Outbox::default();
        outbox.extend((0..3 * MAX_DEPTH + 1).map(log).collect());
        let mut done = drain(&mut outbox);
        assert_eq!(done.len(), MAX_DEPTH);
        assert_eq!(drain(&mut outbox), [""; 0], "what came of it does no more on the same stack");
        assert_eq!((outbox.ask_for_turns(), outbox.ask_for_turns()), (MAX_TURNS, 0));
        for _ in 0..3 {
            outbox.begin_turn();
            done.extend(drain(&mut outbox));
            assert_eq!(outbox.ask_for_turns(), 0);
        }
        assert_eq!(done, (0..3 * MAX_DEPTH + 1).map(|number| number.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn a_slice_waits_for_its_turn_and_fills_it() {
        let mut outbox = Outbox::default();
        outbox.extend(vec![log(1), Effect::Yield, log(2)]);
        assert_eq!(drain(&mut outbox), ["1"]);
        outbox.begin_turn();
        assert_eq!(drain(&mut outbox), ["Effect(Yield)"]);
        assert_eq!(outbox.ask_for_turns(), 1);
        outbox.begin_turn();
        assert_eq!(drain(&mut outbox), ["2"]);
    }

    #[test]
    fn an_ending_is_the_last_of_its_turn() {
        let end = |stream| {
            let ending = Ending::from(Verdict::AdmitUnmatched);
            Effect::End(StreamId(stream), ending)
        };
        let mut outbox = Outbox::default();
        outbox.extend(vec![log(1), end(1), end(2), log(2)]);
        assert_eq!(drain(&mut outbox).len(), 2);
        assert_eq!(outbox.ask_for_turns(), 2);
        outbox.begin_turn();
        assert_eq!(drain(&mut outbox).len(), 1);
        outbox.begin_turn();
        assert_eq!(drain(&mut outbox), ["2"]);
    }

    #[test]
    fn few_turns_are_asked_for_at_once() {
        let mut outbox = Outbox::default();
        outbox.extend((0..10_000).map(log).collect());
        assert_eq!((outbox.ask_for_turns(), outbox.ask_for_turns()), (MAX_TURNS, 0));
        outbox.turn_came();
        assert_eq!(outbox.ask_for_turns(), 1);
        outbox.forget_turns();
        assert_eq!(outbox.ask_for_turns(), MAX_TURNS);
    }

    #[test]
    fn calls_are_sent_from_a_request_only_when_nothing_is_before_them() {
        let call = |number| {
            Effect::Call(
                CallId(number),
                HttpCall {
                    cluster: "idp".into(),
                    headers: std::rc::Rc::new([]),
                    body: Vec::new(),
                    timeout: std::time::Duration::ZERO,
                    answer_headers: crate::base::http::AnswerHeaders::All,
                    max_answer_bytes: 0,
                },
            )
        };
        let mut outbox = Outbox::default();
        outbox.extend((0..MAX_DEPTH).map(log).collect());
        assert_eq!(drain(&mut outbox).len(), MAX_DEPTH);
        let sent = outbox.extend_from_request(vec![call(1), log(1), call(2)]);
        assert_eq!(sent.map(|(call, _)| call), Some(CallId(1)), "whatever this turn has done before");
        assert!(outbox.extend_from_request(vec![call(3)]).is_none());
        outbox.unsent(CallId(1));
        outbox.begin_turn();
        assert_eq!(drain(&mut outbox).len(), 4);
    }
}
