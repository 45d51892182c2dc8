//! A tenant of Entra ID, through all that calls the real one.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tessera_registry::domain::client::AppClient;
use tessera_registry::remote::issuers::Issuers;
use tessera_registry::remote::proof_judge::HttpProofJudge;
use tessera_registry::remote::registrars::Registrars;
use tessera_registry::system::{SystemClock, SystemRandomness};
use tessera_registry::use_case::client_calls::Callers;
use tessera_registry::use_case::ports::{Clock, Randomness};

use crate::graph::{REGISTRY, StandIn, State, TENANT};
use crate::world::object;

pub struct Tenant {
    pub stand_in: StandIn,
    registrars: Registrars,
    judge: HttpProofJudge,
}

impl Tenant {
    pub fn start() -> Self {
        let issuers = Arc::<Issuers>::default();
        let (clock, randomness): (Arc<dyn Clock>, Arc<dyn Randomness>) =
            (Arc::new(SystemClock), Arc::new(SystemRandomness));
        let registrars = Registrars::new(&issuers, &clock, &randomness);
        Self { stand_in: StandIn::start(), registrars, judge: HttpProofJudge::new(issuers, clock).unwrap() }
    }

    pub fn provider(&self) -> Map<String, Value> {
        let url = &self.stand_in.server.url;
        object(json!({
            "id": "idp", "kind": "entra", "issuer": self.stand_in.issuer(), "tenant": TENANT, "client_id": REGISTRY.0,
            "credential": REGISTRY.1, "graph": url, "login": url, "timeout": "30s",
            "token_parameters": {"scope": "api://orders/.default"},
        }))
    }

    pub fn callers(&self) -> Callers<'_> {
        Callers { registrar: &self.registrars, judge: &self.judge }
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.stand_in.state.lock().unwrap())
    }

    /// The secrets that work.
    pub fn secrets(&self) -> Vec<String> {
        let applications = self.stand_in.applications();
        applications.into_iter().flat_map(|known| known.secrets).map(|secret| secret.secret).collect()
    }

    /// Ids, with names; each has exactly the secrets that its client is to have, or is nobody's.
    pub fn applications(&self, clients: &[AppClient]) -> Vec<(String, String)> {
        let applications = self.stand_in.applications();
        for application in &applications {
            let is_its = |client: &&AppClient| {
                client.status.holds_contracts()
                    && client.registered.as_ref().is_some_and(|registered| registered.client_id == application.app_id)
            };
            let Some(client) = clients.iter().find(is_its) else { continue };
            let mut wanted = client.registered.as_ref().unwrap().key_ids();
            let mut known: Vec<String> = application.secrets.iter().map(|secret| secret.key_id.clone()).collect();
            wanted.sort_unstable();
            known.sort_unstable();
            assert_eq!(wanted, known, "secrets that nobody knows, or that are gone");
        }
        applications.into_iter().map(|application| (application.app_id, application.name)).collect()
    }
}
