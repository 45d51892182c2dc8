//! Routes on the gateways that a resource of Istio targets.

use super::attached::{self, Target};
use super::route::Route;
use crate::check::gateway::area::{Area, PathArea};
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::resources::{Resource, has_labels};
use crate::check::gateway::scalar;
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

const GROUP: &str = "networking.istio.io";
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

pub(super) fn routes<'a>(subject: &Subject<'a>, surroundings: &Surroundings<'a>) -> Vec<Route<'a>> {
    let Some(resource) = &subject.resource else { return Vec::new() };
    let Some(spec) = resource.spec() else { return Vec::new() };
    let resources = &surroundings.resources;
    let labels = ["selector", "workloadSelector"].into_iter().find_map(|key| spec.get(key));
    let labels = labels.and_then(|selector| selector.get("matchLabels").or_else(|| selector.get("labels")));
    let attached = targets(&spec, resource.namespace, labels.as_ref()).into_iter();
    let attached = attached.flat_map(|target| attached::rules(resources, target)).map(|rule| rule.route);
    let gateways: Vec<&Resource<'a>> = match &labels {
        Some(labels) => resources.of(GROUP, "Gateway").filter(|gateway| is_selected(gateway, labels)).collect(),
        None => Vec::new(),
    };
    let services =
        resources.of(GROUP, "VirtualService").filter(|service| gateways.iter().any(|gateway| is_on(service, gateway)));
    attached.chain(services.flat_map(of_service)).collect()
}

/// The Gateways of the Gateway API that it is for.
fn targets<'a>(spec: &Cursor<'a>, namespace: &'a str, labels: Option<&Cursor<'a>>) -> Vec<Target<'a>> {
    let references = spec.get("targetRef").into_iter().chain(spec.list("targetRefs"));
    let named = references.filter(|reference| reference.text_of("kind") == Some("Gateway"));
    let named = named.filter_map(|reference| reference.text_of("name"));
    let labelled = labels.and_then(|labels| labels.text_of(GATEWAY_NAME));
    named.chain(labelled).map(|name| Target { namespace, name, section: None }).collect()
}

/// Whether the labels are those of the proxies of this Gateway.
fn is_selected(gateway: &Resource<'_>, labels: &Cursor<'_>) -> bool {
    let selector = gateway.spec().and_then(|spec| spec.get("selector"));
    !labels.node.members().is_empty()
        && selector
            .is_some_and(|own| !own.node.members().is_empty() && (has_labels(labels, &own) || has_labels(&own, labels)))
}

fn is_on(service: &Resource<'_>, gateway: &Resource<'_>) -> bool {
    let mut names = service.spec().into_iter().flat_map(|spec| spec.list("gateways"));
    names.any(|name| {
        let name = name.text().unwrap_or_default();
        let (namespace, name) = name.split_once('/').unwrap_or((service.namespace, name));
        gateway.is_named(namespace, name)
    })
}

fn of_service<'a>(service: &Resource<'a>) -> Vec<Route<'a>> {
    let Some(spec) = service.spec() else { return Vec::new() };
    let hosts: Vec<&str> = spec.list("hosts").filter_map(|host| host.text()).collect();
    let mut found = Vec::new();
    for at in spec.list("http").filter(|route| route.get("directResponse").is_none()) {
        let paths: Vec<PathArea> = at.list("match").map(|matching| paths(&matching)).collect();
        let paths = if paths.is_empty() { vec![PathArea::Any] } else { paths };
        found.push(Route { at, area: Area { hosts: hosts.clone(), paths } });
    }
    found
}

fn paths(matching: &Cursor<'_>) -> PathArea {
    let ignores_case = matching.get("ignoreUriCase").is_some_and(|flag| scalar::is_true(&flag));
    let Some(uri) = matching.get("uri").filter(|_| !ignores_case) else { return PathArea::Any };
    match (uri.text_of("exact"), uri.text_of("prefix"), uri.text_of("regex")) {
        (Some(path), _, _) => PathArea::Exact(path.to_owned()),
        (_, Some(prefix), _) => PathArea::Prefix(prefix.to_owned()),
        (_, _, Some(expression)) => PathArea::of_regex(expression),
        _ => PathArea::Any,
    }
}
