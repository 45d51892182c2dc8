//! Drives the filter's own worker through one request.

use super::answers::{Answered, Answers};
use super::host::SystemRandomness;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use tessera_core::base::headers::HeaderMap;
use tessera_core::base::http::HttpResult;
use tessera_core::base::time::Timestamp;
use tessera_core::engine::calls::Subject;
use tessera_core::engine::effect::{Cx, Disposition, Effect, Ending, StreamId};
use tessera_core::engine::settings::Settings;
use tessera_core::engine::worker::{Worker, WorkerId};
use tessera_core::jose::verify::{Unverifiable, Verifier};
use tessera_core::port::memory::MemoryStore;
use tessera_signatures::AwsLc;

const STREAM: StreamId = StreamId(1);

/// A worker, and what it has gone through.
pub struct Drive<'a> {
    pub worker: Worker,
    pub store: MemoryStore,
    pub verifier: Verifier,
    pub now: Timestamp,
    /// How the request has ended, if it has.
    pub ending: Option<Ending>,
    /// The last answer about the token.
    pub answered: Option<HttpResult>,
    /// What was asked and not answered, and why.
    pub lacking: Vec<(Subject, String)>,
    pub log: Vec<String>,
    asks_for_contracts: bool,
    answers: Answers<'a>,
}

impl<'a> Drive<'a> {
    /// # Errors
    /// [`Unverifiable`].
    pub fn new(settings: Rc<Settings>, answers: Answers<'a>, now: Timestamp) -> Result<Self, Unverifiable> {
        let verifier = Verifier::choose(&AwsLc, &settings.algorithms())?;
        let worker = Worker::new(settings, verifier.clone(), WorkerId { number: 1, queue: 0 });
        let (ending, answered, lacking, log) = Default::default();
        Ok(Self {
            worker,
            store: MemoryStore::default(),
            verifier,
            now,
            ending,
            answered,
            lacking,
            log,
            asks_for_contracts: false,
            answers,
        })
    }

    /// Loads the contracts that a source has served this long ago, or serves now.
    pub fn load_contracts(&mut self, age: Duration) {
        let then = self.now.minus(age);
        let now = std::mem::replace(&mut self.now, then);
        let effects = self.event(|worker, cx| worker.on_tick(cx));
        self.settle(effects);
        self.now = now;
        self.asks_for_contracts = true;
    }

    /// Hands in the request, and carries out what comes of it.
    pub fn request(&mut self, head: &HeaderMap) {
        let mut ended = None;
        let effects = self.event(|worker, cx| match worker.on_request(STREAM, head, cx) {
            Disposition::Ended(ending) => ended = Some(ending),
            Disposition::Waits => {}
        });
        self.ending = ended;
        self.settle(effects);
    }

    /// Why nothing more is known of this.
    pub fn lacks(&self, subject: Subject) -> Option<&str> {
        self.lacking.iter().rev().find(|(lacking, _)| *lacking == subject).map(|(_, reason)| &**reason)
    }

    /// Whether the source of contracts was asked.
    pub fn has_asked_for_contracts(&self) -> bool {
        self.asks_for_contracts
    }

    /// The context of an event.
    pub fn cx<'c>(store: &'c MemoryStore, now: Timestamp) -> Cx<'c> {
        Cx::new(store, &AwsLc, &SystemRandomness, now)
    }

    fn event(&mut self, work: impl FnOnce(&mut Worker, &mut Cx<'_>)) -> Vec<Effect> {
        let mut cx = Self::cx(&self.store, self.now);
        work(&mut self.worker, &mut cx);
        cx.effects
    }

    fn settle(&mut self, effects: Vec<Effect>) {
        let mut tasks = VecDeque::from(effects);
        while let Some(effect) = tasks.pop_front() {
            let more = match effect {
                Effect::Call(id, call) => {
                    let Some(subject) = self.worker.subject_of(id) else { continue };
                    match self.answers.answer(subject, &call, self.worker.settings()) {
                        Answered::With(result) => {
                            if subject == Subject::Token {
                                self.answered = Some(result.clone());
                            }
                            self.event(|worker, cx| worker.on_call_result(id, result, cx))
                        }
                        Answered::NotGiven(reason) => {
                            self.lacking.push((subject, reason));
                            Vec::new()
                        }
                    }
                }
                Effect::End(stream, ending) => {
                    if self.worker.release(stream) {
                        self.ending = Some(ending);
                    }
                    Vec::new()
                }
                Effect::Yield => self.event(Worker::on_yield),
                Effect::Log(_, line) => {
                    self.log.push(line);
                    Vec::new()
                }
                // There is no other worker.
                Effect::Message(..) => Vec::new(),
            };
            tasks.extend(more);
        }
    }
}
