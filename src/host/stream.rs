//! One request: judged, then admitted or answered.

use super::abi::{self, RequestHeaders};
use super::plugin::Shared;
use super::shared_data::SharedData;
use crate::decision::policy::ApiIndex;
use crate::engine::effect::{Ending, Step, StreamId, Verdict};
use crate::engine::settings::Settings;
use crate::engine::worker::Worker;
use crate::outcome::Outcome;
use crate::reply::{Refusal, Reply};
use crate::token::extract::HostFailure;
use crate::upstream::Names;
use proxy_wasm::hostcalls;
use proxy_wasm::types::Action;

/// Judges the request in whose context the VM runs.
pub fn judge(plugin: &Shared, stream: StreamId) -> Action {
    let Ok(now) = abi::now() else { return fail() };
    plugin.now.set(now);
    let Ok(mut worker) = plugin.worker.try_borrow_mut() else { return fail() };
    // A plugin that was never configured guards nothing and lets nothing through.
    let Some(worker) = worker.as_mut() else { return fail() };
    let ending = match worker.on_request(stream, &RequestHeaders, &SharedData, now) {
        Step::Ended(ending) => ending,
        Step::Waits => return Action::Pause,
    };
    match conclude(worker, stream, &ending) {
        Passed::Upstream => Action::Continue,
        Passed::Replied => Action::Pause,
    }
}

/// Refuses a request that nothing can judge, without settings.
pub fn fail() -> Action {
    send(Outcome::InternalError, &crate::reply::Settings::default().reply(&Refusal::new(Outcome::InternalError)));
    Action::Pause
}

/// What has become of a request.
pub enum Passed {
    /// Its headers are ready for the upstream.
    Upstream,
    /// It has been answered.
    Replied,
}

/// Carries out an ending on the request in whose context the VM runs. One that the host does not let be carried out
/// ends as an internal error.
pub fn conclude(worker: &mut Worker, stream: StreamId, ending: &Ending) -> Passed {
    end(worker.settings(), ending).unwrap_or_else(|(HostFailure, api)| {
        let refusal = worker.on_host_failure(stream, api);
        refuse(worker.settings(), &refusal);
        Passed::Replied
    })
}

/// Fails when the headers of an admitted request could not be made trustworthy: it must not pass.
fn end(settings: &Settings, ending: &Ending) -> Result<Passed, (HostFailure, Option<ApiIndex>)> {
    if ending.stale {
        let _ = hostcalls::set_property(vec!["tessera.cache"], Some(b"stale"));
    }
    match &ending.verdict {
        Verdict::Admit(permit) => {
            let api = permit.api();
            let names = Names { policy: &settings.policy, providers: &settings.provider_names };
            let upstream = settings.upstreams.get(api.0).ok_or((HostFailure, Some(api)))?;
            upstream
                .admit(permit, names, &RequestHeaders)
                .and_then(|()| upstream.remove_credential(&settings.token.sources, &RequestHeaders))
                .map_err(|failure| (failure, Some(api)))?;
        }
        Verdict::AdmitPublic(api) => {
            let upstream = settings.upstreams.get(api.0).ok_or((HostFailure, Some(*api)))?;
            upstream
                .strip(&RequestHeaders)
                .and_then(|()| upstream.remove_credential(&settings.token.sources, &RequestHeaders))
                .map_err(|failure| (failure, Some(*api)))?;
        }
        Verdict::AdmitUnmatched => {
            for upstream in &settings.upstreams {
                upstream.strip(&RequestHeaders).map_err(|failure| (failure, None))?;
            }
        }
        Verdict::Refuse(refusal) => {
            refuse(settings, refusal);
            return Ok(Passed::Replied);
        }
    }
    Ok(Passed::Upstream)
}

/// Answers the request in whose context the VM runs.
fn refuse(settings: &Settings, refusal: &Refusal) {
    send(refusal.outcome, &settings.replies.reply(refusal));
}

fn send(outcome: Outcome, reply: &Reply) {
    let _ = hostcalls::set_property(vec!["tessera.outcome"], Some(outcome.name().as_bytes()));
    let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _ = hostcalls::send_http_response(u32::from(reply.status), headers, Some(reply.body.as_bytes()));
}
