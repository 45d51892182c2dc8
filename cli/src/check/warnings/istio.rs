//! When and for whose traffic Istio runs the filter.

use crate::check::code::Code;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::resources::{Resource, Resources, has_labels};
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

pub(super) fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    let Some(spec) = subject.spec().filter(|_| subject.is_istio_plugin()) else { return };
    if spec.text_of("phase").is_none_or(|phase| phase.starts_with("UNSPECIFIED")) {
        let message = "without a phase the filter runs behind Istio's own, just before the router";
        findings.add(Code::NoPhase, &spec, message, "phase: AUTHN");
    }
    if is_on_sidecars(&spec, &surroundings.resources) && !is_for_incoming(&spec) {
        let message = "on sidecars it also judges what the workloads send to others";
        findings.add(Code::OutboundJudged, &spec, message, "match: [{mode: SERVER}], or a selector of gateways");
    }
}

fn is_on_sidecars(spec: &Cursor<'_>, resources: &Resources<'_>) -> bool {
    let has_targets = spec.list("targetRefs").next().is_some() || spec.get("targetRef").is_some();
    let names_gateway = spec.dig(&["selector", "matchLabels"]).is_some_and(|labels| {
        let is_known = labels.text_of("istio").is_some_and(|name| name.contains("gateway"))
            || labels.get("gateway.networking.k8s.io/gateway-name").is_some();
        is_known || resources.of("networking.istio.io", "Gateway").any(|gateway| is_of_gateway(gateway, &labels))
    });
    !has_targets && !names_gateway
}

/// Whether the labels are those of the proxies of this Gateway.
fn is_of_gateway(gateway: &Resource<'_>, labels: &Cursor<'_>) -> bool {
    let selector = gateway.spec().and_then(|spec| spec.get("selector"));
    selector.is_some_and(|own| own.members().next().is_some() && has_labels(labels, &own))
}

fn is_for_incoming(spec: &Cursor<'_>) -> bool {
    let mut modes = spec.list("match").map(|entry| entry.text_of("mode")).peekable();
    modes.peek().is_some() && modes.all(|mode| mode == Some("SERVER"))
}
