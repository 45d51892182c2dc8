//! What Istio makes clusters of.

use super::cursor::Cursor;
use super::reach::{ConnectTimeout, Protection, Provided, Reach, Unchecked};
use super::resources::Resource;
use super::{machine, scalar};
use std::collections::{BTreeSet, HashMap};

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

/// Specifications, by the hosts that they are about.
#[derive(Debug, Default)]
pub struct Mesh<'a> {
    /// ServiceEntries.
    entries: HashMap<&'a str, Vec<Cursor<'a>>>,
    services: HashMap<String, Vec<Cursor<'a>>>,
    /// DestinationRules.
    rules: HashMap<String, Vec<Cursor<'a>>>,
    /// Those for all hosts with an end, and that end.
    wide_rules: Vec<(&'a str, Cursor<'a>)>,
}

impl<'a> Mesh<'a> {
    /// Adds a resource with its specification, if it is one of these.
    pub fn add(&mut self, resource: &Resource<'a>, spec: &Cursor<'a>) {
        let Resource { name, namespace, .. } = resource;
        if resource.is(GROUP, "ServiceEntry") {
            for host in spec.list("hosts").filter_map(|host| host.text()).collect::<BTreeSet<_>>() {
                self.entries.entry(host).or_default().push(spec.clone());
            }
        } else if resource.is("", "Service") {
            let host = format!("{name}.{namespace}.svc.cluster.local");
            self.services.entry(host).or_default().push(spec.clone());
        } else if let Some(host) = spec.text_of("host").filter(|_| resource.is(GROUP, "DestinationRule")) {
            self.wide_rules.extend(host.strip_prefix('*').map(|end| (end, spec.clone())));
            self.rules.entry(full_host(host, namespace)).or_default().push(spec.clone());
        }
    }

    /// What is known of a cluster of this name.
    pub fn provided(&self, name: &str) -> Provided<'a> {
        let Some(name) = Name::parse(name) else { return Provided::Missing };
        let has_port = |spec: &&Cursor<'a>, key| spec.list("ports").any(|port| has_number(&port, key, name.port));
        let entries = self.entries.get(name.host).into_iter().flatten().filter(|spec| has_port(spec, "number"));
        let entries: Vec<_> = entries.map(is_local).collect();
        let mut services = self.services.get(name.host).into_iter().flatten();
        if entries.is_empty() && !services.any(|spec| has_port(&spec, "port")) {
            return Provided::Missing;
        }
        let rules: Vec<&Cursor<'a>> = self.rules(name.host).collect();
        let subset = rules.iter().find_map(|rule| subset(rule, name.subset));
        if !name.subset.is_empty() && subset.is_none() {
            return Provided::Missing;
        }
        let holders = [rules.first().copied(), subset.as_ref()].into_iter().flatten();
        let policies: Vec<Cursor<'_>> = holders.filter_map(|holder| holder.get("trafficPolicy")).collect();
        let tls = setting(&policies, name.port, "tls");
        let pool = setting(&policies, name.port, "connectionPool");
        Provided::Here(Reach {
            protection: tls.as_ref().map_or(Protection::None, protection),
            is_local: entries.into_iter().flatten().reduce(|one, other| one && other),
            unchecked: tls.and_then(unchecked).into_iter().collect(),
            connect_timeout: pool.and_then(|pool| pool.dig(&["tcp", "connectTimeout"])).and_then(connect_timeout),
        })
    }

    /// The DestinationRules for the host, the closest one first.
    fn rules(&self, host: &str) -> impl Iterator<Item = &Cursor<'a>> {
        let mut wide: Vec<_> = self.wide_rules.iter().filter(|(end, _)| host.len() > end.len()).collect();
        wide.retain(|(end, _)| host.ends_with(end));
        wide.sort_by_key(|(end, _)| std::cmp::Reverse(end.len()));
        self.rules.get(host).into_iter().flatten().chain(wide.into_iter().map(|(_, spec)| spec))
    }
}

/// Whether each address that a ServiceEntry names is of this machine.
fn is_local(entry: &Cursor<'_>) -> Option<bool> {
    let addresses = entry.list("endpoints").filter_map(|endpoint| endpoint.text_of("address"));
    addresses.map(|host| host.starts_with("unix://") || machine::is_this(host)).reduce(|one, other| one && other)
}

fn has_number(object: &Cursor<'_>, key: &str, number: u64) -> bool {
    object.get(key).and_then(|value| scalar::number(&value)) == Some(number)
}

/// A name without a dot is that of a Service beside the rule.
fn full_host(host: &str, namespace: &str) -> String {
    if host.contains('.') || host.contains('*') {
        host.to_owned()
    } else {
        format!("{host}.{namespace}.svc.cluster.local")
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
