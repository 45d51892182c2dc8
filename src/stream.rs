//! One request: stripped, authorized, then admitted or answered.

use crate::abi;
use crate::host;
use crate::request::Request;
use std::rc::Rc;
use tessera_core::base::headers::HeaderMap;
use tessera_core::engine::about::{About, Logged};
use tessera_core::engine::effect::{Disposition, Effect, Ending, StreamId, Verdict};
use tessera_core::engine::settings::Settings;
use tessera_core::engine::worker::Worker;
use tessera_core::outcome::Outcome;
use tessera_core::policy::api::Api;
use tessera_core::port::HostFailure;
use tessera_core::reply::{self, Refusal, Reply};
use tessera_core::upstream::{self, Forged};

/// What happened to a request.
pub enum Passed {
    /// Its headers are ready for the upstream.
    Upstream,
    Replied,
}

/// Authorizes the request in whose context the VM runs: what has become of it, `None` while it waits, and what is to be
/// done about it.
pub fn authorize(worker: &mut Worker, stream: StreamId) -> (Option<Passed>, Vec<Effect>) {
    let (Ok(now), Ok(head)) = (abi::now(), abi::HEADERS.read().map(Request)) else {
        return (Some(fail_within(worker, stream, None)), Vec::new());
    };
    // First of all, and whatever the outcome: no forged identity may reach the upstream or a log.
    let Ok(forged) = worker.settings().reserved.strip(&head, &abi::HEADERS) else {
        return (Some(fail_within(worker, stream, None)), Vec::new());
    };
    let mut cx = host::cx(now);
    let passed = match worker.on_request(stream, &head, &mut cx) {
        Disposition::Ended(ending) => Some(conclude(worker, stream, &ending, Some((&head.0, forged)))),
        Disposition::Waits => None,
    };
    (passed, cx.effects)
}

/// Strips the trailers of the request in whose context the VM runs; `false` when the host does not do it.
pub fn strip_trailers(worker: &Worker) -> bool {
    let trailers = abi::TRAILERS.read();
    trailers.and_then(|trailers| worker.settings().reserved.strip(&trailers, &abi::TRAILERS)).is_ok()
}

/// Refuses a request that nothing can judge, without settings.
pub fn fail() -> Passed {
    send(Outcome::InternalError, &reply::ReplySettings::default().reply(&Refusal::new(Outcome::InternalError)));
    Passed::Replied
}

/// Carries out an ending on the request in whose context the VM runs. One that the host does not let be carried out
/// ends as an internal error. `came` is the head that came, and what was forged in it, where that is still at hand.
pub fn conclude(worker: &mut Worker, stream: StreamId, ending: &Ending, came: Option<(&HeaderMap, Forged)>) -> Passed {
    let settings = worker.settings();
    let (head, forged) = came.map_or((None, Forged::default()), |(head, forged)| (Some(head), forged));
    let ended = match &ending.verdict {
        Verdict::Admit(permit) => {
            let api = permit.api();
            upstream::write_identity(permit, forged, &abi::HEADERS)
                .and_then(|()| hide_credential(settings, api, head))
                .map_err(|HostFailure| Some(Rc::clone(api)))
        }
        Verdict::AdmitWithout(_, api) => {
            hide_credential(settings, api, head).map_err(|HostFailure| Some(Rc::clone(api)))
        }
        Verdict::AdmitUnmatched => Ok(()),
        Verdict::Describe(reply) => {
            send(Outcome::ResourceMetadata, reply);
            return Passed::Replied;
        }
        Verdict::Refuse(refusal, about) => {
            tell_cache(ending);
            refuse(settings, refusal, about);
            return Passed::Replied;
        }
    };
    match ended {
        Ok(()) => {
            if settings.logged == Logged::All {
                tell_outcome(ending.verdict.outcome());
                tell_cache(ending);
            }
            Passed::Upstream
        }
        Err(api) => fail_within(worker, stream, api),
    }
}

/// The headers of an admitted request could not be made trustworthy: it must not pass.
fn fail_within(worker: &mut Worker, stream: StreamId, api: Option<Rc<Api>>) -> Passed {
    let refusal = worker.on_host_failure(stream, api.as_deref());
    refuse(worker.settings(), &refusal, &About { api, ..About::default() });
    Passed::Replied
}

/// Takes the credential out of the request, if the API's upstream is not to see it.
fn hide_credential(settings: &Settings, api: &Api, head: Option<&HeaderMap>) -> Result<(), HostFailure> {
    if api.upstream.forward_token {
        return Ok(());
    }
    let hide = |head: &HeaderMap| upstream::remove_credential(&settings.token.sources, head, &abi::HEADERS);
    match head {
        Some(head) => hide(head),
        None => hide(&abi::HEADERS.read()?),
    }
}

/// Answers the request in whose context the VM runs.
fn refuse(settings: &Settings, refusal: &Refusal, about: &About) {
    for (name, value) in about.properties() {
        let _ = abi::set_property(name, &value);
    }
    send(refusal.outcome, &settings.replies.reply(refusal));
}

fn send(outcome: Outcome, reply: &Reply) {
    tell_outcome(outcome);
    let headers: HeaderMap = reply.headers.iter().map(|(name, value)| (name, value)).collect();
    // Default access logs show these details; Envoy's own flags would not say why.
    let details = format!("tessera.{}", outcome.name());
    let _ = abi::reply(reply.status, &details, &headers, &reply.body);
}

/// Properties are for access logs alone: one that the host does not take changes nothing.
fn tell_outcome(outcome: Outcome) {
    let _ = abi::set_property("tessera.outcome", outcome.name());
}

fn tell_cache(ending: &Ending) {
    if let Some(cache) = ending.cache() {
        let _ = abi::set_property("tessera.cache", cache);
    }
}
