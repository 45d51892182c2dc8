//! What Istio makes clusters of.

use super::cursor::Cursor;
use super::reach::{ConnectTimeout, Protection, Provided, Reach, Unchecked};
use super::resources::Resource;
use super::{machine, scalar};

const GROUP: &str = "networking.istio.io";

/// `outbound|PORT|SUBSET|HOST`
#[derive(Clone, Copy, Debug)]
struct Name<'a> {
    port: u64,
    subset: &'a str,
    host: &'a str,
}

impl<'a> Name<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('|');
        let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
        let [Some("outbound"), Some(port), Some(subset), Some(host), None] = parts else { return None };
        Some(Self { port: port.parse().ok()?, subset, host })
    }
}

/// What is known of a cluster of this name.
pub fn provided<'a>(resources: &[Resource<'a>], name: &str) -> Provided<'a> {
    let Some(name) = Name::parse(name) else { return Provided::Missing };
    let entries: Vec<_> = resources.iter().filter_map(|resource| entry(resource, name)).collect();
    let is_service = resources.iter().any(|resource| is_service(resource, name));
    if entries.is_empty() && !is_service {
        return Provided::Missing;
    }
    let rules = rules(resources, name.host);
    let subset = rules.iter().find_map(|rule| subset(rule, name.subset));
    if !name.subset.is_empty() && subset.is_none() {
        return Provided::Missing;
    }
    let policies: Vec<Cursor<'_>> = [rules.first(), subset.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|holder| holder.get("trafficPolicy"))
        .collect();
    let tls = setting(&policies, name.port, "tls");
    let pool = setting(&policies, name.port, "connectionPool");
    Provided::Here(Reach {
        protection: tls.as_ref().map_or(Protection::None, protection),
        is_local: entries.into_iter().flatten().reduce(|one, other| one && other),
        unchecked: tls.and_then(unchecked).into_iter().collect(),
        connect_timeout: pool.and_then(|pool| pool.dig(&["tcp", "connectTimeout"])).and_then(connect_timeout),
    })
}

/// A ServiceEntry with this host and port: whether each address that it names is of this machine.
fn entry(resource: &Resource<'_>, name: Name<'_>) -> Option<Option<bool>> {
    let spec = resource.spec().filter(|_| resource.is(GROUP, "ServiceEntry"))?;
    let has_host = spec.list("hosts").any(|host| host.text() == Some(name.host));
    let has_port = spec.list("ports").any(|port| has_number(&port, "number", name.port));
    if !has_host || !has_port {
        return None;
    }
    let addresses = spec.list("endpoints").filter_map(|endpoint| endpoint.text_of("address"));
    Some(addresses.map(|host| host.starts_with("unix://") || machine::is_this(host)).reduce(|one, other| one && other))
}

fn is_service(resource: &Resource<'_>, name: Name<'_>) -> bool {
    let host = format!("{}.{}.svc.cluster.local", resource.name, resource.namespace);
    let mut ports = resource.spec().into_iter().flat_map(|spec| spec.list("ports"));
    resource.is("", "Service") && host == name.host && ports.any(|port| has_number(&port, "port", name.port))
}

fn has_number(object: &Cursor<'_>, key: &str, number: u64) -> bool {
    object.get(key).and_then(|value| scalar::number(&value)) == Some(number)
}

/// The specifications of the DestinationRules for the host, the closest one first.
fn rules<'a>(resources: &[Resource<'a>], host: &str) -> Vec<Cursor<'a>> {
    let mut rules: Vec<_> = resources
        .iter()
        .filter(|resource| resource.is(GROUP, "DestinationRule"))
        .filter_map(|resource| {
            let spec = resource.spec()?;
            Some((closeness(&full_host(spec.text_of("host")?, resource.namespace), host)?, spec))
        })
        .collect();
    rules.sort_by_key(|(closeness, _)| std::cmp::Reverse(*closeness));
    rules.into_iter().map(|(_, spec)| spec).collect()
}

/// A name without a dot is that of a Service beside the rule.
fn full_host(host: &str, namespace: &str) -> String {
    if host.contains('.') || host.contains('*') {
        host.to_owned()
    } else {
        format!("{host}.{namespace}.svc.cluster.local")
    }
}

/// How much of the host the pattern spells out; `None` where it is about others.
fn closeness(pattern: &str, host: &str) -> Option<usize> {
    match pattern.strip_prefix('*') {
        _ if pattern == host => Some(usize::MAX),
        Some(suffix) if host.len() > suffix.len() && host.ends_with(suffix) => Some(suffix.len()),
        _ => None,
    }
}

fn subset<'a>(rule: &Cursor<'a>, name: &str) -> Option<Cursor<'a>> {
    rule.list("subsets").find(|subset| !name.is_empty() && subset.text_of("name") == Some(name))
}

/// The setting in force: a later policy comes before an earlier one, and a port's settings replace all others.
fn setting<'a>(policies: &[Cursor<'a>], port: u64, key: &str) -> Option<Cursor<'a>> {
    policies.iter().fold(None, |value, policy| {
        let mut levels = policy.list("portLevelSettings");
        let level = levels.find(|level| level.get("port").is_some_and(|object| has_number(&object, "number", port)));
        match level {
            Some(level) => level.get(key),
            None => policy.get(key).or(value),
        }
    })
}

fn protection(tls: &Cursor<'_>) -> Protection {
    match tls.text_of("mode") {
        Some("SIMPLE" | "MUTUAL") => Protection::Tls,
        Some("ISTIO_MUTUAL") => Protection::Mesh,
        _ => Protection::None,
    }
}

fn unchecked(tls: Cursor<'_>) -> Option<Unchecked<'_>> {
    if protection(&tls) != Protection::Tls {
        return None;
    }
    let accepts_anything = tls.get("insecureSkipVerify").is_some_and(|flag| scalar::is_true(&flag));
    let has_names = tls.list("subjectAltNames").next().is_some();
    let lack = match (accepts_anything, has_names) {
        (true, _) => "no certificate authority",
        (false, false) => "no name",
        (false, true) => return None,
    };
    Some(Unchecked { at: tls, lack })
}

fn connect_timeout(at: Cursor<'_>) -> Option<ConnectTimeout<'_>> {
    let value = scalar::duration(at.text()?)?;
    Some(ConnectTimeout { at, value })
}
