//! A route of Envoy Gateway that nobody takes, for the cluster that it makes.

use super::origin::Origin;
use super::reach::{Place, Reach, metadata};
use super::unusable::Unusable;
use crate::yaml_text::Yaml;

const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";
const ENVOY_GATEWAY: &str = "gateway.envoyproxy.io";

pub fn resources(origin: &Origin, place: &Place<'_>) -> Result<Reach, Unusable> {
    let name = format!("tessera-{}", place.name);
    let mut documents = vec![route(&name, place), backend(origin, &name, place)];
    if origin.is_tls {
        if origin.is_address {
            let reason = "a BackendTLSPolicy checks names only, and the server's host is an address";
            return Err(Unusable::Unsound(format!("Envoy Gateway cannot be told to check its certificate: {reason}")));
        }
        documents.push(tls_policy(origin, &name, place));
    }
    Ok(Reach::of_resources(format!("httproute/{}/{name}/rule/0", place.namespace), documents))
}

fn route(name: &str, place: &Place<'_>) -> Yaml {
    let host = Yaml::text(format!("{name}.invalid"));
    let rule = Yaml::object([("backendRefs", Yaml::array([reference(name)]))]);
    let spec = Yaml::object([
        ("parentRefs", Yaml::array([Yaml::object([("name", Yaml::text(place.gateway))])]).with_comment("--gateway")),
        ("hostnames", Yaml::array([host]).with_comment("no client's: the route is there for its cluster")),
        ("rules", Yaml::array([rule])),
    ]);
    resource(GATEWAY_API, "HTTPRoute", name, place, spec)
}

fn backend(origin: &Origin, name: &str, place: &Place<'_>) -> Yaml {
    let port = ("port", Yaml::number(i64::from(origin.port)));
    let endpoint = if origin.is_address {
        ("ip", Yaml::object([("address", Yaml::text(&origin.host)), port]))
    } else {
        ("fqdn", Yaml::object([("hostname", Yaml::text(&origin.host)), port]))
    };
    let spec = Yaml::object([("endpoints", Yaml::array([Yaml::object([endpoint])]))]);
    resource(&format!("{ENVOY_GATEWAY}/v1alpha1"), "Backend", name, place, spec)
}

fn tls_policy(origin: &Origin, name: &str, place: &Place<'_>) -> Yaml {
    let authorities = if place.ca.is_some() {
        let map = Yaml::object([
            ("group", Yaml::text("")),
            ("kind", Yaml::text("ConfigMap")),
            ("name", Yaml::text(format!("{name}-ca"))),
        ]);
        ("caCertificateRefs", Yaml::array([map]).with_comment("a ConfigMap that has the file of --ca as ca.crt"))
    } else {
        ("wellKnownCACertificates", Yaml::text("System"))
    };
    let validation = Yaml::object([("hostname", Yaml::text(&origin.host)), authorities]);
    let spec = Yaml::object([("targetRefs", Yaml::array([reference(name)])), ("validation", validation)]);
    resource(GATEWAY_API, "BackendTLSPolicy", name, place, spec)
}

fn reference(name: &str) -> Yaml {
    Yaml::object([("group", Yaml::text(ENVOY_GATEWAY)), ("kind", Yaml::text("Backend")), ("name", Yaml::text(name))])
}

fn resource(version: &str, kind: &str, name: &str, place: &Place<'_>, spec: Yaml) -> Yaml {
    Yaml::object([
        ("apiVersion", Yaml::text(version)),
        ("kind", Yaml::text(kind)),
        ("metadata", metadata(name, place)),
        ("spec", spec),
    ])
}
