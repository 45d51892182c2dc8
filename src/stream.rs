//! One request: stripped, judged, then admitted or answered.

use crate::abi;
use crate::plugin::Shared;
use crate::shared_data::SharedData;
use tessera_core::base::headers::HeaderMap;
use tessera_core::decision::policy::ApiIndex;
use tessera_core::engine::about::About;
use tessera_core::engine::effect::{Ending, Step, StreamId, Verdict};
use tessera_core::engine::settings::Settings;
use tessera_core::engine::worker::Worker;
use tessera_core::outcome::Outcome;
use tessera_core::port::HostFailure;
use tessera_core::reply::{Refusal, Reply};
use tessera_core::upstream::Names;

/// Judges the request in whose context the VM runs; `None` while it waits.
pub fn judge(plugin: &Shared, stream: StreamId) -> Option<Passed> {
    let Ok(mut worker) = plugin.worker.try_borrow_mut() else { return Some(fail()) };
    // A plugin that was never configured guards nothing and lets nothing through.
    let Some(worker) = worker.as_mut() else { return Some(fail()) };
    let (Ok(now), Ok(head)) = (abi::now(), abi::HEADERS.read()) else {
        return Some(fail_within(worker, stream, None));
    };
    plugin.now.set(now);
    // First of all, and whatever comes of the request: nobody else's word on an identity goes on, or into a log.
    if let Err(HostFailure) = worker.settings().reserved.strip(&head, &abi::HEADERS) {
        return Some(fail_within(worker, stream, None));
    }
    match worker.on_request(stream, &head, &SharedData, now) {
        Step::Ended(ending) => Some(conclude(worker, stream, &ending, Some(&head))),
        Step::Waits => None,
    }
}

/// Strips the trailers of the request in whose context the VM runs; `false` when the host does not do it.
pub fn strip_trailers(plugin: &Shared) -> bool {
    let Ok(worker) = plugin.worker.try_borrow() else { return false };
    let Some(worker) = worker.as_ref() else { return false };
    let trailers = abi::TRAILERS.read();
    trailers.and_then(|trailers| worker.settings().reserved.strip(&trailers, &abi::TRAILERS)).is_ok()
}

/// Refuses a request that nothing can judge, without settings.
pub fn fail() -> Passed {
    send(
        Outcome::InternalError,
        &tessera_core::reply::Settings::default().reply(&Refusal::new(Outcome::InternalError)),
    );
    Passed::Replied
}

/// What has become of a request.
pub enum Passed {
    /// Its headers are ready for the upstream.
    Upstream,
    /// It has been answered.
    Replied,
}

/// Carries out an ending on the request in whose context the VM runs. One that the host does not let be carried out
/// ends as an internal error. `head` is what came, where it is still at hand.
pub fn conclude(worker: &mut Worker, stream: StreamId, ending: &Ending, head: Option<&HeaderMap>) -> Passed {
    end(worker.settings(), ending, head).unwrap_or_else(|(HostFailure, api)| fail_within(worker, stream, api))
}

fn fail_within(worker: &mut Worker, stream: StreamId, api: Option<ApiIndex>) -> Passed {
    let refusal = worker.on_host_failure(stream, api);
    refuse(worker.settings(), &refusal, &About { api, ..About::default() });
    Passed::Replied
}

/// Fails when the headers of an admitted request could not be made trustworthy: it must not pass.
fn end(
    settings: &Settings,
    ending: &Ending,
    head: Option<&HeaderMap>,
) -> Result<Passed, (HostFailure, Option<ApiIndex>)> {
    let done = match &ending.verdict {
        Verdict::Admit(permit) => {
            let api = permit.api();
            let names = Names { policy: &settings.policy, providers: &settings.provider_names };
            let upstream = settings.upstreams.get(api.0).ok_or((HostFailure, Some(api)))?;
            upstream
                .admit(permit, names, &abi::HEADERS)
                .and_then(|()| hide_credential(settings, api, head))
                .map_err(|failure| (failure, Some(api)))
        }
        Verdict::AdmitPublic(api) => hide_credential(settings, *api, head).map_err(|failure| (failure, Some(*api))),
        Verdict::AdmitUnmatched => Ok(()),
        Verdict::Refuse(refusal, about) => {
            if ending.stale {
                let _ = abi::set_property("tessera.cache", "stale");
            }
            refuse(settings, refusal, about);
            return Ok(Passed::Replied);
        }
    };
    done.map(|()| Passed::Upstream)
}

/// Takes the credential out of the request, if the API's upstream is not to see it.
fn hide_credential(settings: &Settings, api: ApiIndex, head: Option<&HeaderMap>) -> Result<(), HostFailure> {
    let upstream = settings.upstreams.get(api.0).ok_or(HostFailure)?;
    if upstream.forward_token {
        return Ok(());
    }
    let hide = |head: &HeaderMap| upstream.remove_credential(&settings.token.sources, head, &abi::HEADERS);
    match head {
        Some(head) => hide(head),
        None => hide(&abi::HEADERS.read()?),
    }
}

/// Answers the request in whose context the VM runs.
fn refuse(settings: &Settings, refusal: &Refusal, about: &About) {
    for (name, value) in about.properties(settings) {
        let _ = abi::set_property(name, &value);
    }
    send(refusal.outcome, &settings.replies.reply(refusal));
}

fn send(outcome: Outcome, reply: &Reply) {
    let _ = abi::set_property("tessera.outcome", outcome.name());
    let headers: HeaderMap = reply.headers.iter().map(|(name, value)| (name, value)).collect();
    // Default access logs show these details: of the flags and words that Envoy would give alone, none says why.
    let details = format!("tessera.{}", outcome.name());
    let _ = abi::reply(reply.status, &details, &headers, &reply.body);
}
