//! What Envoy Gateway makes clusters of.

use super::cursor::Cursor;
use super::reach::{Protection, Provided, Reach, Unchecked};
use super::resources::{Resource, Resources};
use super::{machine, scalar};

pub const ROUTES: &str = "gateway.networking.k8s.io";
const GROUP: &str = "gateway.envoyproxy.io";
const KINDS: [&str; 2] = ["HTTPRoute", "GRPCRoute"];

/// The name of the cluster of a rule.
pub fn cluster_name(route: &Resource<'_>, rule: usize) -> String {
    format!("{}/{}/{}/rule/{rule}", route.kind.to_ascii_lowercase(), route.namespace, route.name)
}

/// Whether it is a route of HTTP or gRPC.
pub fn is_route(resource: &Resource<'_>) -> bool {
    resource.group == ROUTES && KINDS.contains(&resource.kind)
}

/// What is known of a cluster of this name.
pub fn provided<'a>(resources: &Resources<'a>, name: &str) -> Provided<'a> {
    let routes = KINDS.into_iter().flat_map(|kind| resources.of(ROUTES, kind));
    // Its name is within that of the cluster.
    let routes = routes.filter(|route| name.contains(route.name) && name.contains(route.namespace));
    let mut rules = routes.flat_map(|route| {
        let rules = route.spec().into_iter().flat_map(|spec| spec.list("rules"));
        rules.enumerate().map(move |(index, rule)| (route, index, rule))
    });
    let Some((route, _, rule)) = rules.find(|(route, index, _)| cluster_name(route, *index) == name) else {
        return Provided::Missing;
    };
    let backends: Vec<_> =
        rule.list("backendRefs").map(|reference| backend(resources, &reference, route.namespace)).collect();
    backends.into_iter().reduce(together).map_or(Provided::Missing, Provided::Here)
}

/// What is known of one of the servers behind a rule.
fn backend<'a>(resources: &Resources<'a>, reference: &Cursor<'a>, namespace: &str) -> Reach<'a> {
    let namespace = reference.text_of("namespace").unwrap_or(namespace);
    let kind = reference.text_of("kind").unwrap_or("Service");
    let name = reference.text_of("name").unwrap_or_default();
    let group = reference.text_of("group").unwrap_or_default();
    let mut objects = resources.of_kind(kind);
    let object = objects.find(|object| object.group == group && object.is_named(namespace, name));
    let spec = object.filter(|object| object.group == GROUP).and_then(Resource::spec);
    let port = object.and_then(|service| port_name(service, reference));
    let mut policies = resources.of(ROUTES, "BackendTLSPolicy").filter(|policy| policy.namespace == namespace);
    let has_policy = policies.any(|policy| targets(policy, kind, name, port));
    let own = spec.as_ref().and_then(|spec| spec.get("tls"));
    let is_protected = has_policy || own.is_some();
    Reach {
        protection: if is_protected { Protection::Tls } else { Protection::None },
        is_local: spec.and_then(|spec| is_local(&spec)),
        unchecked: own.filter(|_| !has_policy).and_then(unchecked).into_iter().collect(),
        connect_timeout: None,
    }
}

/// A rule with several servers is as weak as the weakest.
fn together<'a>(one: Reach<'a>, mut other: Reach<'a>) -> Reach<'a> {
    other.unchecked.extend(one.unchecked);
    Reach {
        protection: if one.protection == Protection::None { Protection::None } else { other.protection },
        is_local: one.is_local.zip(other.is_local).map(|(one, other)| one && other),
        ..other
    }
}

/// The name of the port that the reference is to; `None` where the Service does not tell.
fn port_name<'a>(service: &Resource<'a>, reference: &Cursor<'_>) -> Option<&'a str> {
    let wanted = scalar::number(&reference.get("port")?)?;
    let mut ports = service.spec()?.list("ports");
    ports.find(|port| port.get("port").and_then(|number| scalar::number(&number)) == Some(wanted))?.text_of("name")
}

fn targets(policy: &Resource<'_>, kind: &str, name: &str, port: Option<&str>) -> bool {
    let mut references = policy.spec().into_iter().flat_map(|spec| spec.list("targetRefs"));
    references.any(|reference| {
        let section = reference.text_of("sectionName");
        reference.text_of("kind") == Some(kind)
            && reference.text_of("name") == Some(name)
            && section.is_none_or(|section| port.is_none_or(|port| port == section))
    })
}

fn is_local(backend: &Cursor<'_>) -> Option<bool> {
    let locals = backend.list("endpoints").filter_map(|endpoint| {
        let host = |keys: &[&str]| endpoint.dig(keys).and_then(|value| value.text());
        match host(&["ip", "address"]).or_else(|| host(&["fqdn", "hostname"])) {
            Some(host) => Some(machine::is_this(host)),
            None => endpoint.get("unix").map(|_| true),
        }
    });
    locals.reduce(|one, other| one && other)
}

fn unchecked(tls: Cursor<'_>) -> Option<Unchecked<'_>> {
    let accepts_anything = tls.get("insecureSkipVerify").is_some_and(|flag| scalar::is_true(&flag));
    let has_authority =
        tls.list("caCertificateRefs").next().is_some() || tls.text_of("wellKnownCACertificates").is_some();
    (accepts_anything || !has_authority).then_some(Unchecked { at: tls, lack: "no certificate authority" })
}
