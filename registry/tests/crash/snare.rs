//! Where somebody waits for the registry between its provider and its database, to have it killed just there.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::authorization_server::{Moment, Operation};
use crate::scripted::Scripted;

const PATIENCE: Duration = Duration::from_secs(120);

/// When it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The provider has been asked, and never does it.
    Asked,
    /// It does it afterwards.
    Before,
    /// It has done it, and the answer finds nobody.
    Done,
    /// The answer is on its way.
    Answered,
}

pub const STEPS: [Step; 4] = [Step::Asked, Step::Before, Step::Done, Step::Answered];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Set(Operation, Step),
    Sprung,
}

#[derive(Default)]
pub struct Snare {
    state: Mutex<State>,
    moved: Condvar,
}

impl Snare {
    /// Returns when somebody is in it; whether somebody has come.
    pub fn catch(&self, operation: Operation, step: Step) -> bool {
        let mut state = self.state.lock().unwrap();
        *state = State::Set(operation, step);
        let waits = |state: &mut State| *state != State::Sprung;
        let (_state, timeout) = self.moved.wait_timeout_while(state, PATIENCE, waits).unwrap();
        !timeout.timed_out()
    }

    /// The one that was in it is dead.
    pub fn open(&self) {
        *self.state.lock().unwrap() = State::Open;
        self.moved.notify_all();
    }

    /// Somebody comes by.
    pub fn pass(&self, operation: Operation, moment: Moment) -> Option<Scripted> {
        let mut state = self.state.lock().unwrap();
        let State::Set(wanted, step) = *state else { return None };
        let is_then = match step {
            Step::Asked | Step::Before => moment == Moment::Asked,
            Step::Done | Step::Answered => moment == Moment::Done,
        };
        if wanted != operation || !is_then {
            return None;
        }
        *state = State::Sprung;
        self.moved.notify_all();
        if step != Step::Answered {
            let waits = |state: &mut State| *state == State::Sprung;
            drop(self.moved.wait_timeout_while(state, PATIENCE, waits).unwrap());
        }
        (step == Step::Asked).then_some(Scripted::Closed)
    }
}
