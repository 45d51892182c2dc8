//! Routes of the Gateway API that are attached to a Gateway.

use super::route::Route;
use crate::check::gateway::area::{Area, PathArea};
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::envoy_gateway::{cluster_name, is_route};
use crate::check::gateway::resources::{Resource, Resources};

/// A Gateway of the Gateway API, or one of its listeners.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) section: Option<&'a str>,
}

/// A rule of a route, and the name of the cluster that Envoy Gateway makes of it.
pub(super) struct Rule<'a> {
    pub(super) route: Route<'a>,
    pub(super) cluster: String,
    pub(super) resource: Resource<'a>,
}

/// The rules of the routes on this Gateway, but for those that answer by themselves.
pub(super) fn rules<'a>(resources: &Resources<'a>, target: Target<'a>) -> Vec<Rule<'a>> {
    let attached = resources.attached_to(target.namespace, target.name).filter(|resource| is_route(resource));
    attached.filter(|route| is_on(route, target)).flat_map(of_route).collect()
}

fn is_on(route: &Resource<'_>, target: Target<'_>) -> bool {
    let mut parents = route.spec().into_iter().flat_map(|spec| spec.list("parentRefs"));
    parents.any(|parent| {
        let section = parent.text_of("sectionName");
        parent.text_of("kind").unwrap_or("Gateway") == "Gateway"
            && parent.text_of("name") == Some(target.name)
            && parent.text_of("namespace").unwrap_or(route.namespace) == target.namespace
            && (section.is_none() || target.section.is_none() || section == target.section)
    })
}

fn of_route<'a>(resource: &Resource<'a>) -> Vec<Rule<'a>> {
    let Some(spec) = resource.spec() else { return Vec::new() };
    let hosts: Vec<&str> = spec.list("hostnames").filter_map(|host| host.text()).collect();
    let mut found = Vec::new();
    for (index, rule) in spec.list("rules").enumerate().filter(|(_, rule)| !answers(rule)) {
        let matches: Vec<Cursor<'a>> = rule.list("matches").collect();
        let paths: Vec<PathArea> = match matches.is_empty() {
            true => vec![PathArea::Any],
            false => matches.iter().map(|matching| paths(matching, resource.kind)).collect(),
        };
        found.push(Rule {
            route: Route { at: rule, area: Area { hosts: hosts.clone(), paths } },
            cluster: cluster_name(resource, index),
            resource: resource.clone(),
        });
    }
    found
}

/// Whether an extension answers instead of a server.
fn answers(rule: &Cursor<'_>) -> bool {
    let has_extension = rule.list("filters").any(|filter| filter.text_of("type") == Some("ExtensionRef"));
    has_extension && rule.list("backendRefs").next().is_none()
}

fn paths(matching: &Cursor<'_>, kind: &str) -> PathArea {
    if kind == "GRPCRoute" {
        return matching.get("method").map_or(PathArea::Any, |method| grpc_paths(&method));
    }
    let Some(path) = matching.get("path") else { return PathArea::Any };
    let value = path.text_of("value").unwrap_or("/");
    match path.text_of("type") {
        Some("Exact") => PathArea::Exact(value.to_owned()),
        Some("RegularExpression") => PathArea::of_regex(value),
        _ => PathArea::Segments(value.trim_end_matches('/').to_owned()),
    }
}

fn grpc_paths(method: &Cursor<'_>) -> PathArea {
    match (method.text_of("type"), method.text_of("service"), method.text_of("method")) {
        (Some("RegularExpression"), _, _) | (_, None, _) => PathArea::Any,
        (_, Some(service), Some(name)) => PathArea::Exact(format!("/{service}/{name}")),
        (_, Some(service), None) => PathArea::Prefix(format!("/{service}/")),
    }
}
