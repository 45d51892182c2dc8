//! Routes in Envoy's own configuration.

use super::route::Route;
use crate::check::gateway::area::{Area, PathArea};
use crate::check::gateway::chain::Chain;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::envoy::Envoy;
use crate::check::gateway::scalar;
use crate::check::gateway::subject::Subject;

/// The routes of the listeners that the filter is in, but for those where it is off and those that answer by themselves.
pub(super) fn routes<'a>(subject: &Subject<'a>, envoy: &Envoy<'a>) -> Vec<Route<'a>> {
    let chains = Chain::all(subject, envoy);
    chains
        .iter()
        .filter(|chain| !chain.is_conditional())
        .flat_map(|chain| configurations(chain, envoy).into_iter().flat_map(|routes| within(&routes, &chain.filter)))
        .collect()
}

/// The route configurations of the chain's connection manager.
fn configurations<'a>(chain: &Chain<'a>, envoy: &Envoy<'a>) -> Vec<Cursor<'a>> {
    let name = chain.manager.field("rds").and_then(|rds| rds.field_text("route_config_name"));
    let is_named = |routes: &&Cursor<'a>| name.is_some() && routes.text_of("name") == name;
    chain.manager.field("route_config").into_iter().chain(envoy.routes.iter().filter(is_named).cloned()).collect()
}

fn within<'a>(configuration: &Cursor<'a>, filter: &Cursor<'a>) -> Vec<Route<'a>> {
    let mut found = Vec::new();
    for host in configuration.repeated("virtual_hosts") {
        let domains: Vec<&str> = host.repeated("domains").filter_map(|domain| domain.text()).collect();
        for at in host.repeated("routes") {
            if at.field("direct_response").is_some() || !runs(filter, &[&at, &host, configuration]) {
                continue;
            }
            let area = Area { hosts: domains.clone(), paths: vec![paths(&at)] };
            found.push(Route { at, area });
        }
    }
    found
}

/// Whether the filter runs on a route; the first of these that says something about it counts.
fn runs(filter: &Cursor<'_>, holders: &[&Cursor<'_>]) -> bool {
    let is_set = |at: Option<Cursor<'_>>| at.is_some_and(|flag| scalar::is_true(&flag));
    let name = filter.text_of("name").unwrap_or_default();
    let own = holders.iter().find_map(|holder| holder.field("typed_per_filter_config")?.get(name));
    match own {
        Some(own) => !is_set(own.get("disabled")),
        None => !is_set(filter.get("disabled")),
    }
}

fn paths(route: &Cursor<'_>) -> PathArea {
    let Some(matching) = route.get("match") else { return PathArea::Any };
    // APIs regard case: a route that does not is for all spellings.
    if matching.field("case_sensitive").is_some_and(|flag| !scalar::is_true(&flag)) {
        return PathArea::Any;
    }
    let text = |name: &str| matching.field_text(name).map(str::to_owned);
    let template = || matching.fields(&["path_match_policy", "typed_config", "path_template"]);
    if let Some(prefix) = text("prefix") {
        PathArea::Prefix(prefix)
    } else if let Some(path) = text("path") {
        PathArea::Exact(path)
    } else if let Some(segments) = text("path_separated_prefix") {
        PathArea::Segments(segments)
    } else if let Some(expression) = matching.fields(&["safe_regex", "regex"]) {
        PathArea::of_regex(expression.text().unwrap_or("."))
    } else if let Some(template) = template() {
        PathArea::Prefix(template.text().unwrap_or_default().split(['{', '*']).next().unwrap_or_default().to_owned())
    } else {
        PathArea::Any
    }
}
