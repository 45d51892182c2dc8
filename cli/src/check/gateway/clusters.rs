//! Clusters that nothing provides, and `https` without TLS.

use super::findings::Findings;
use super::reach::{Protection, Provided};
use super::subject::Subject;
use super::surroundings::Surroundings;
use crate::check::code::Code;
use crate::check::configuration::Kind;

pub fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    for call in &subject.calls {
        let Some(name) = call.cluster.text().filter(|name| !name.is_empty()) else { continue };
        match surroundings.provided(subject, name) {
            Provided::Missing => {
                let may_show = !call.cluster.is_repeated && is_plain(name) && findings.may_show(subject.document, name);
                let shown = if may_show { format!(" {name:?}") } else { String::new() };
                let message = format!("no cluster{shown} is provided by these files");
                findings.add(Code::UnknownCluster, &call.cluster, message, how_to_provide(subject.kind));
            }
            Provided::Here(reach) if matches!(reach.protection, Protection::None | Protection::Mesh) => {
                if let Some((_, at)) = call.url.as_ref().filter(|(url, _)| url.scheme() == "https") {
                    let may_show = is_plain(name) && findings.may_show(subject.document, name);
                    let shown = if may_show { format!(" {name:?}") } else { String::new() };
                    let message = format!("is https, but the cluster{shown} has no TLS: what is sent is not encrypted");
                    findings.add(Code::NoTls, at, message, how_to_protect(subject.kind));
                }
            }
            _ => {}
        }
    }
}

/// A URL with a user in a cluster's place is a mistake that has a password.
fn is_plain(name: &str) -> bool {
    !name.contains('@')
}

fn how_to_provide(kind: Kind) -> &'static str {
    match kind {
        Kind::Plain | Kind::Envoy => {
            "name a cluster of static_resources.clusters, check the file of clusters too, or say --cluster NAME if it \
             exists elsewhere"
        }
        Kind::WasmPlugin | Kind::TrafficExtension | Kind::EnvoyFilter => {
            "name outbound|PORT|SUBSET|HOST of a ServiceEntry or Service, check its file too, or say --cluster NAME if \
             it exists elsewhere"
        }
        Kind::EnvoyExtensionPolicy => {
            "name httproute/NAMESPACE/NAME/rule/N of a route with a backend, check its file too, or say --cluster NAME \
             if it exists elsewhere"
        }
    }
}

fn how_to_protect(kind: Kind) -> &'static str {
    match kind {
        Kind::Plain | Kind::Envoy => "give the cluster a transport_socket with a CA and names",
        Kind::WasmPlugin | Kind::TrafficExtension | Kind::EnvoyFilter => {
            "add a DestinationRule for the host with trafficPolicy.tls: mode SIMPLE, subjectAltNames"
        }
        Kind::EnvoyExtensionPolicy => "add a BackendTLSPolicy for the backends of the route",
    }
}
