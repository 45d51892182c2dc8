//! Policies of Envoy Gateway, each of which has a VM, or at least a cache, of its own.

use crate::check::code::Code;
use crate::check::configuration::Kind;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;

pub(super) fn look(subjects: &[Subject<'_>], findings: &mut Findings<'_>) {
    let policies = subjects.iter().filter(|subject| subject.kind == Kind::EnvoyExtensionPolicy);
    let mut specs: Vec<Cursor<'_>> = policies.filter_map(Subject::spec).collect();
    // One policy may hold several filters.
    specs.dedup_by(|one, other| one.origin == other.origin && one.path == other.path);
    let on_routes: Vec<Vec<Cursor<'_>>> =
        specs.iter().map(|spec| routes(spec).collect()).filter(|routes: &Vec<_>| !routes.is_empty()).collect();
    if on_routes.len() < 2 {
        return;
    }
    for at in on_routes.iter().flatten() {
        let message = "each policy has a cache of its own: nothing that is known of tokens and contracts is shared";
        let hint = "one policy on the Gateway, whose apis tell the routes apart";
        findings.add(Code::PolicyPerRoute, at, message, hint);
    }
}

/// The references to routes.
fn routes<'a>(spec: &Cursor<'a>) -> impl Iterator<Item = Cursor<'a>> + use<'a> {
    let lists = spec.list("targetRefs").chain(spec.list("targetSelectors"));
    let all = spec.get("targetRef").into_iter().chain(lists);
    all.filter(|reference| reference.text_of("kind").is_some_and(|kind| kind.ends_with("Route")))
}
