//! Routes whose requests the filter refuses, because no API is for them.

mod attached;
mod envoy;
mod gateway_api;
mod istio;
mod route;

use crate::check::code::Code;
use crate::check::configuration::Kind;
use crate::check::gateway::area::Guard;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;
use crate::document::node::Value;

pub(super) fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    let Some(root) = subject.root.as_ref().filter(|root| refuses(root)) else { return };
    let routes = match subject.kind {
        Kind::Plain => Vec::new(),
        Kind::Envoy => envoy::routes(subject, &surroundings.envoy),
        Kind::WasmPlugin | Kind::TrafficExtension | Kind::EnvoyFilter => istio::routes(subject, surroundings),
        Kind::EnvoyExtensionPolicy => gateway_api::routes(subject, surroundings),
    };
    let apis: Vec<Guard> = root.list("apis").map(|api| Guard::of(&api)).collect();
    for route in routes.into_iter().filter(|route| !route.area.is_guarded(&apis)) {
        let message =
            "no API matches any request of this route, and no_match is \"refuse\": they are answered with 404";
        let hint = "add an API for it, with a public operation if it is open, or switch the filter off on this route";
        findings.add(Code::OtherRoutesRefused, &route.at, message, hint);
    }
}

fn refuses(root: &Cursor<'_>) -> bool {
    let has_apis =
        matches!(root.node.get("apis").map(|apis| &apis.value), Some(Value::Array(apis)) if !apis.is_empty());
    has_apis && root.get("no_match").is_none_or(|word| word.text() == Some("refuse"))
}
