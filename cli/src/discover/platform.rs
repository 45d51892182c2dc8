//! What reaches the server, on each platform.

use super::origin::Origin;
use super::reach::{Place, Reach};
use super::unusable::Unusable;
use super::{envoy, envoy_gateway, istio};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Platform {
    Envoy,
    Istio,
    EnvoyGateway,
}

pub fn reach(platform: Option<Platform>, origin: &Origin, place: &Place<'_>) -> Result<Reach, Unusable> {
    match platform {
        None => Ok(Reach::of_resources(place.cluster.into(), Vec::new())),
        Some(Platform::Envoy) => Ok(Reach::of_clusters(place.cluster, vec![envoy::cluster(origin, place)])),
        Some(Platform::Istio) => Ok(istio::resources(origin, place)),
        Some(Platform::EnvoyGateway) => envoy_gateway::resources(origin, place),
    }
}
