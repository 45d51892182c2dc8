//! A cluster in Envoy's own configuration.

use super::origin::Origin;
use super::reach::Place;
use crate::yaml_text::Yaml;

/// Where Debian, and Envoy's own images, have the system's authorities.
pub const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

const CONTEXT: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

pub fn cluster(origin: &Origin, place: &Place<'_>) -> Yaml {
    let socket =
        Yaml::object([("address", Yaml::text(&origin.host)), ("port_value", Yaml::number(i64::from(origin.port)))]);
    let endpoint =
        Yaml::object([("endpoint", Yaml::object([("address", Yaml::object([("socket_address", socket)]))]))]);
    let endpoints = Yaml::array([Yaml::object([("lb_endpoints", Yaml::array([endpoint]))])]);
    let mut members = vec![
        ("name", Yaml::text(place.cluster)),
        ("type", Yaml::text("LOGICAL_DNS")),
        ("dns_lookup_family", Yaml::text("ALL").with_comment("else an IPv6 address alone is tried where there is one")),
        ("connect_timeout", Yaml::text("1s").with_comment("less than a call may take")),
        ("load_assignment", Yaml::object([("cluster_name", Yaml::text(place.cluster)), ("endpoints", endpoints)])),
    ];
    if origin.is_tls {
        members.push(("transport_socket", transport_socket(origin, place.ca.unwrap_or(SYSTEM))));
    }
    Yaml::object(members)
}

fn transport_socket(origin: &Origin, ca: &str) -> Yaml {
    let kind = if origin.is_address { "IP_ADDRESS" } else { "DNS" };
    let name = Yaml::object([
        ("san_type", Yaml::text(kind)),
        ("matcher", Yaml::object([("exact", Yaml::text(&origin.host))])),
    ]);
    let validation = Yaml::object([
        ("trusted_ca", Yaml::object([("filename", Yaml::text(ca).with_comment("as the proxy sees it"))])),
        ("match_typed_subject_alt_names", Yaml::array([name])),
    ]);
    let mut context = vec![("@type", Yaml::text(CONTEXT))];
    if !origin.is_address {
        context.push(("sni", Yaml::text(&origin.host)));
    }
    context.push(("common_tls_context", Yaml::object([("validation_context", validation)])));
    Yaml::object([("name", Yaml::text("envoy.transport_sockets.tls")), ("typed_config", Yaml::object(context))])
}
