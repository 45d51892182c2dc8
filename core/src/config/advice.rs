//! What is allowed and seldom meant.

use crate::engine::settings::Settings;
use crate::policy::api::Api;

/// Lines for the log. Names of providers and ids of APIs are safe to show.
pub fn advice(settings: &Settings) -> Vec<String> {
    let apis = settings.policy.apis().iter().filter_map(|api| resource(api));
    unchecked_audiences(settings).into_iter().chain(apis).collect()
}

fn unchecked_audiences(settings: &Settings) -> Option<String> {
    let unchecked = settings.providers.iter().filter(|provider| provider.checks.audiences.is_empty());
    let names: Vec<&str> = unchecked.map(|provider| &*provider.name).collect();
    (!names.is_empty()).then(|| {
        format!(
            "audiences are not checked for tokens of {}: any active token of that server passes, also one that was \
             issued for another API or is no access token at all; set providers[].audiences where it answers \"aud\"",
            names.join(", ")
        )
    })
}

/// Metadata that leads nobody to a token, or is asked for where the API is not.
fn resource(api: &Api) -> Option<String> {
    let identifier = &api.resource.as_ref()?.identifier;
    let id = &api.id;
    if api.choices.iter().all(|choice| choice.provider.checks.issuer.is_none()) {
        return Some(format!(
            "the metadata of {id:?} names no authorization server, and clients do not learn where to get a token; set \
             providers[].issuer"
        ));
    }
    let host = identifier.host();
    (!api.is_served_at(host.as_bytes())).then(|| {
        format!(
            "the metadata of {id:?} is served at the host {host:?} of its identifier, which its match.hosts leaves out"
        )
    })
}
