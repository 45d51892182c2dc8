//! A registry with contracts, and gateways that know all of them.

use crate::client::Client;
use crate::gateway::Gateway;
use crate::place::{Place, Served};

pub struct Followed {
    pub place: Place,
    pub served: Served,
    pub admin: Client,
    pub contracts: Vec<String>,
    pub gateways: Vec<Gateway>,
}

impl Followed {
    /// With so many contracts and gateways.
    pub async fn at(place: Place, contracts: usize, gateways: usize) -> Self {
        let served = place.serve();
        let admin = place.admin(&served);
        admin.found().await;
        let mut followed = Self { place, served, admin, contracts: Vec::new(), gateways: Vec::new() };
        for number in 0..contracts {
            followed.contracts.push(followed.admin.contract(&format!("client-{number}")).await.1);
        }
        for number in 0..gateways {
            let token = followed.admin.gateway(&format!("gateway {number}")).await;
            followed.gateways.push(Gateway::follow(&followed.served.url("feed"), &token));
        }
        followed.all_know().await;
        followed
    }

    /// Until all gateways know what there is.
    pub async fn all_know(&self) {
        let expected = self.admin.served().await;
        for gateway in &self.gateways {
            gateway.comes_to(&expected).await;
        }
    }
}
