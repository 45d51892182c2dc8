//! What a sound configuration should not do without a reason.

mod cleartext;
mod connect_timeout;
mod discovery;
mod fail_open;
mod image;
mod inline_secrets;
mod istio;
mod metric_names;
mod other_routes;
mod policies;
mod preflight;
mod providers;
mod readers;
mod unchecked_tls;
mod values;

use super::gateway::findings::Findings;
use super::gateway::subject::Subject;
use super::gateway::surroundings::Surroundings;
use super::input::Input;

/// Adds every warning.
pub(super) fn look(
    input: &Input,
    subjects: &[Subject<'_>],
    surroundings: &Surroundings<'_>,
    findings: &mut Findings<'_>,
) {
    for subject in subjects {
        fail_open::look(subject, surroundings, findings);
        discovery::look(subject, findings);
        image::look(subject, surroundings, findings);
        inline_secrets::look(subject, findings);
        metric_names::look(subject, findings);
        providers::look(subject, findings);
        values::look(subject, findings);
        cleartext::look(subject, surroundings, findings);
        connect_timeout::look(subject, surroundings, findings);
        istio::look(subject, surroundings, findings);
        other_routes::look(subject, surroundings, findings);
        preflight::look(subject, surroundings, findings);
        unchecked_tls::look(subject, surroundings, findings);
    }
    policies::look(subjects, findings);
    readers::look(input, subjects, surroundings, findings);
}
