//! Routes on the Gateways that a policy of Envoy Gateway targets.

use super::attached::{self, Rule, Target};
use super::route::Route;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::resources::{Resource, Resources, has_labels};
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

/// But for those that a cluster of the configuration names, and those with a policy of their own.
pub(super) fn routes<'a>(subject: &Subject<'a>, surroundings: &Surroundings<'a>) -> Vec<Route<'a>> {
    let Some(policy) = &subject.resource else { return Vec::new() };
    let resources = &surroundings.resources;
    let is_called = |rule: &Rule<'_>| subject.calls.iter().any(|call| call.cluster.text() == Some(&*rule.cluster));
    let has_own = |rule: &Rule<'_>| {
        resources.of_kind("EnvoyExtensionPolicy").any(|other| replaces(other, policy, &rule.resource))
    };
    let rules = targets(policy, resources).into_iter().flat_map(|target| attached::rules(resources, target));
    let rules: Vec<Rule<'a>> = rules.filter(|rule| !is_called(rule) && !has_own(rule)).collect();
    rules.into_iter().map(|rule| rule.route).collect()
}

fn references<'a>(policy: &Resource<'a>) -> Vec<Cursor<'a>> {
    let Some(spec) = policy.spec() else { return Vec::new() };
    spec.get("targetRef").into_iter().chain(spec.list("targetRefs")).collect()
}

fn targets<'a>(policy: &Resource<'a>, resources: &Resources<'a>) -> Vec<Target<'a>> {
    let namespace = policy.namespace;
    let named = references(policy).into_iter().filter(|reference| reference.text_of("kind") == Some("Gateway"));
    let named = named.filter_map(|reference| {
        Some(Target { namespace, name: reference.text_of("name")?, section: reference.text_of("sectionName") })
    });
    let selectors = policy.spec().into_iter().flat_map(|spec| spec.list("targetSelectors"));
    let selected = selectors.filter(|selector| selector.text_of("kind") == Some("Gateway")).flat_map(|selector| {
        let gateways = resources.of("gateway.networking.k8s.io", "Gateway").filter(|gateway| {
            let labels = gateway.object.dig(&["metadata", "labels"]).zip(selector.get("matchLabels"));
            gateway.namespace == namespace && labels.is_some_and(|(labels, wanted)| has_labels(&labels, &wanted))
        });
        gateways.map(|gateway| Target { namespace, name: gateway.name, section: None }).collect::<Vec<_>>()
    });
    named.chain(selected).collect()
}

/// Whether this is another policy, for this route alone, which counts instead of that on the Gateway.
fn replaces(other: &Resource<'_>, policy: &Resource<'_>, route: &Resource<'_>) -> bool {
    let is_merged = || other.spec().is_some_and(|spec| spec.get("mergeType").is_some());
    other.namespace == route.namespace
        && !other.is_named(policy.namespace, policy.name)
        && !is_merged()
        && references(other).iter().any(|reference| {
            reference.text_of("kind") == Some(route.kind) && reference.text_of("name") == Some(route.name)
        })
}
