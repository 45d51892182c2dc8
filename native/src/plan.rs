//! What is to become of a request: decided under the engine's lock, carried out without it.

use crate::edits::EditList;
use std::rc::Rc;
use tessera_core::engine::about::{About, Logged};
use tessera_core::engine::effect::{Ending, StreamId, Verdict};
use tessera_core::engine::settings::Settings;
use tessera_core::engine::worker::Worker;
use tessera_core::outcome::Outcome;
use tessera_core::policy::api::Api;
use tessera_core::port::{HostFailure, RequestHead};
use tessera_core::reply::{Refusal, Reply, ReplySettings};
use tessera_core::upstream::{self, Forged};

/// Changes to the headers, then values for access logs, then the end.
#[derive(Default)]
pub struct Plan {
    pub edits: EditList,
    /// What was taken out first of all.
    pub forged: Forged,
    pub states: Vec<(&'static str, String)>,
    pub end: End,
}

/// How a request goes on.
#[derive(Default)]
pub enum End {
    /// Its headers are ready for the upstream.
    Pass,
    /// Likewise, and routes match on them.
    PassAnew,
    Reply(Reply, Outcome),
    /// It waits for its token to be resolved.
    #[default]
    Wait,
}

impl Plan {
    /// A request that nothing can judge.
    pub fn fail() -> Self {
        let mut plan = Self::default();
        plan.send(Outcome::InternalError, ReplySettings::default().reply(&Refusal::new(Outcome::InternalError)));
        plan
    }

    /// Adds how a request ends. `head` is what came, or what is there of it.
    pub fn conclude(&mut self, worker: &mut Worker, stream: StreamId, ending: &Ending, head: &impl RequestHead) {
        let settings = Rc::clone(worker.settings());
        let ended = match &ending.verdict {
            Verdict::Admit(permit) => {
                let api = permit.api();
                upstream::write_identity(permit, self.forged, &self.edits)
                    .and_then(|()| self.hide_credential(&settings, api, head))
                    .map_err(|HostFailure| Some(Rc::clone(api)))
            }
            Verdict::AdmitWithout(_, api) => {
                self.hide_credential(&settings, api, head).map_err(|HostFailure| Some(Rc::clone(api)))
            }
            Verdict::AdmitUnmatched => Ok(()),
            Verdict::Describe(reply) => return self.send(Outcome::ResourceMetadata, reply.clone()),
            Verdict::Refuse(refusal, about) => {
                self.tell_cache(ending);
                return self.refuse(&settings, refusal, about);
            }
        };
        match ended {
            Ok(()) => {
                if settings.logged == Logged::All {
                    self.tell_outcome(ending.verdict.outcome());
                    self.tell_cache(ending);
                }
                let api = match &ending.verdict {
                    Verdict::Admit(permit) => Some(permit.api()),
                    Verdict::AdmitWithout(_, api) => Some(api),
                    _ => None,
                };
                self.end = if api.is_some_and(|api| api.upstream.rematch_route) { End::PassAnew } else { End::Pass };
            }
            Err(api) => self.fail_within(worker, stream, api),
        }
    }

    /// Adds that the request is refused, since Envoy or this module has failed.
    pub fn fail_within(&mut self, worker: &mut Worker, stream: StreamId, api: Option<Rc<Api>>) {
        let refusal = worker.on_host_failure(stream, api.as_deref());
        self.refuse(&Rc::clone(worker.settings()), &refusal, &About { api, ..About::default() });
    }

    /// Takes the credential out of the request, if the API's upstream is not to see it.
    fn hide_credential(&self, settings: &Settings, api: &Api, head: &impl RequestHead) -> Result<(), HostFailure> {
        if api.upstream.forward_token {
            return Ok(());
        }
        upstream::remove_credential(&settings.token.sources, head, &self.edits)
    }

    fn refuse(&mut self, settings: &Settings, refusal: &Refusal, about: &About) {
        self.states.extend(about.properties());
        self.send(refusal.outcome, settings.replies.reply(refusal));
    }

    fn send(&mut self, outcome: Outcome, reply: Reply) {
        self.tell_outcome(outcome);
        self.end = End::Reply(reply, outcome);
    }

    fn tell_outcome(&mut self, outcome: Outcome) {
        self.states.push(("tessera.outcome", outcome.name().to_owned()));
    }

    fn tell_cache(&mut self, ending: &Ending) {
        if let Some(cache) = ending.cache() {
            self.states.push(("tessera.cache", cache.to_owned()));
        }
    }
}
