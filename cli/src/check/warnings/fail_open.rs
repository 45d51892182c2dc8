//! Filters that let requests through where they cannot judge them.

use crate::check::code::Code;
use crate::check::configuration::{Host, Kind};
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::modules::registered;
use crate::check::gateway::scalar;
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

pub(super) fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    let Some(plugin) = &subject.plugin else { return };
    let flags = ["fail_open", "failOpen"].into_iter().filter_map(|key| plugin.get(key)).filter(scalar::is_true);
    let words = ["failure_policy", "failurePolicy", "failStrategy"].into_iter().filter_map(|key| plugin.get(key));
    // A value of an enumeration has no case, and may be its number.
    let is_named = |word: &Cursor<'_>| word.text().is_some_and(|text| text.eq_ignore_ascii_case("FAIL_OPEN"));
    let words = words.filter(|word| is_named(word) || scalar::number(word) == Some(3));
    for at in flags.chain(words) {
        let message = "requests pass unjudged whenever the filter cannot run";
        findings.add(Code::FailOpen, &at, message, "leave it out, or FAIL_RELOAD where the platform has it");
    }
    for at in fetched(subject, plugin, surroundings) {
        let message = "requests pass unjudged until Envoy has fetched the module, and for good where it cannot use it";
        let remedy = "have the module's file in the proxy's image or in an image volume, and name that";
        findings.add(Code::FailOpen, &at, message, remedy);
    }
}

/// From where Envoy fetches a dynamic module. Without it, it leaves the filter out of the chain.
fn fetched<'a>(subject: &Subject<'a>, plugin: &Cursor<'a>, surroundings: &Surroundings<'a>) -> Vec<Cursor<'a>> {
    match (subject.kind, subject.host) {
        (Kind::Envoy | Kind::EnvoyFilter, Host::Native) => plugin.fields(&["module", "remote"]).into_iter().collect(),
        (Kind::EnvoyExtensionPolicy, Host::Native) => {
            let modules = registered(&surroundings.resources, plugin.text_of("name").unwrap_or_default());
            modules.iter().filter_map(|module| module.entry.dig(&["source", "remote"])).collect()
        }
        _ => Vec::new(),
    }
}
