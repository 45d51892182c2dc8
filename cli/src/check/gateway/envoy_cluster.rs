//! How one of Envoy's clusters reaches its servers.

use super::cursor::Cursor;
use super::machine;
use super::reach::{ConnectTimeout, Protection, Reach};
use super::{scalar, tls};
use std::time::Duration;

/// Envoy's own `connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// `secret` finds a validation context by its name.
pub fn reach<'a>(cluster: &Cursor<'a>, secret: &dyn Fn(&str) -> Option<Cursor<'a>>) -> Reach<'a> {
    Reach {
        protection: if is_made_of_others(cluster) { Protection::Unknown } else { tls::protection(cluster) },
        is_local: is_local(cluster),
        unchecked: tls::unchecked(cluster, secret).collect(),
        connect_timeout: connect_timeout(cluster),
    }
}

fn is_made_of_others(cluster: &Cursor<'_>) -> bool {
    let name = cluster.field("cluster_type").and_then(|kind| kind.text_of("name"));
    name.is_some_and(|name| ["envoy.clusters.aggregate", "envoy.clusters.composite"].contains(&name))
}

fn connect_timeout<'a>(cluster: &Cursor<'a>) -> Option<ConnectTimeout<'a>> {
    match cluster.field("connect_timeout") {
        Some(at) => scalar::duration(at.text()?).map(|value| ConnectTimeout { at, value }),
        None => Some(ConnectTimeout { at: cluster.clone(), value: CONNECT_TIMEOUT }),
    }
}

fn is_local(cluster: &Cursor<'_>) -> Option<bool> {
    let localities = cluster.field("load_assignment").into_iter().flat_map(|load| load.repeated("endpoints"));
    let endpoints = localities.flat_map(|locality| locality.repeated("lb_endpoints"));
    let addresses = endpoints.filter_map(|endpoint| endpoint.fields(&["endpoint", "address"]));
    let mut locals = addresses.map(|address| is_local_address(&address)).peekable();
    locals.peek()?;
    Some(locals.all(|is_local| is_local))
}

fn is_local_address(address: &Cursor<'_>) -> bool {
    match address.fields(&["socket_address", "address"]).and_then(|host| host.text()) {
        Some(host) => machine::is_this(host),
        None => ["pipe", "envoy_internal_address"].iter().any(|kind| address.field(kind).is_some()),
    }
}
