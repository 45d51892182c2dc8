//! A host of Istio's registry, and its TLS.

use super::envoy::SYSTEM;
use super::origin::Origin;
use super::reach::{Place, Reach, metadata};
use crate::yaml_text::Yaml;

pub fn resources(origin: &Origin, place: &Place<'_>) -> Reach {
    let name = format!("tessera-{}", place.name);
    // A host is a full name there, never an address; one without a dot would be a Service's.
    let is_name = !origin.is_address && origin.host.contains('.');
    let host = if is_name { origin.host.clone() } else { format!("{name}.invalid") };
    let mut documents = vec![service_entry(origin, &host, &name, place)];
    if origin.is_tls {
        documents.push(destination_rule(origin, &host, &name, place));
    }
    Reach::of_resources(format!("outbound|{}||{host}", origin.port), documents)
}

fn service_entry(origin: &Origin, host: &str, name: &str, place: &Place<'_>) -> Yaml {
    let (port_name, protocol) = if origin.is_tls { ("https", "HTTPS") } else { ("http", "HTTP") };
    let port = Yaml::object([
        ("number", Yaml::number(i64::from(origin.port))),
        ("name", Yaml::text(port_name)),
        ("protocol", Yaml::text(protocol)),
    ]);
    let annotation = Yaml::text("true").with_comment("or a gateway is told only of what its routes need");
    let metadata = Yaml::object([
        ("name", Yaml::text(name)),
        ("namespace", Yaml::text(place.namespace)),
        ("annotations", Yaml::object([("networking.istio.io/always-include-in-gateways", annotation)])),
    ]);
    let mut spec = vec![
        ("exportTo", own_namespace()),
        ("hosts", Yaml::texts([host])),
        ("location", Yaml::text("MESH_EXTERNAL")),
        ("resolution", Yaml::text(if origin.is_address { "STATIC" } else { "DNS" })),
        ("ports", Yaml::array([port])),
    ];
    if host != origin.host {
        spec.push(("endpoints", Yaml::array([Yaml::object([("address", Yaml::text(&origin.host))])])));
    }
    resource("ServiceEntry", metadata, Yaml::object(spec))
}

fn destination_rule(origin: &Origin, host: &str, name: &str, place: &Place<'_>) -> Yaml {
    let mut tls = vec![("mode", Yaml::text("SIMPLE"))];
    if !origin.is_address {
        tls.push(("sni", Yaml::text(&origin.host)));
    }
    let names = Yaml::texts([&*origin.host]).with_comment("without it any certificate of those authorities would do");
    let ca = Yaml::text(place.ca.unwrap_or(SYSTEM)).with_comment("as the proxy sees it");
    tls.extend([("subjectAltNames", names), ("caCertificates", ca)]);
    let pool = Yaml::object([("tcp", Yaml::object([("connectTimeout", Yaml::text("1s"))]))]);
    let policy = Yaml::object([("connectionPool", pool), ("tls", Yaml::object(tls))]);
    let spec = Yaml::object([("exportTo", own_namespace()), ("host", Yaml::text(host)), ("trafficPolicy", policy)]);
    resource("DestinationRule", metadata(name, place), spec)
}

/// Workloads that speak TLS to the server themselves would do it twice.
fn own_namespace() -> Yaml {
    Yaml::texts(["."]).with_comment("for proxies of this namespace: elsewhere TLS would be made twice")
}

fn resource(kind: &str, metadata: Yaml, spec: Yaml) -> Yaml {
    Yaml::object([
        ("apiVersion", Yaml::text("networking.istio.io/v1")),
        ("kind", Yaml::text(kind)),
        ("metadata", metadata),
        ("spec", spec),
    ])
}
