//! What the tiers of an application's approved contracts allow its clients.

use std::collections::BTreeSet;

use crate::domain::client::{AppClient, AuthMethod};
use crate::domain::contract::AccessContract;
use crate::domain::fault::Fault;
use crate::domain::provider::{DcrSettings, Provider};
use crate::domain::refusal::Refusal;
use crate::domain::tier::{GRANTS, Grant, RedirectUris, TierOfApi};
use crate::domain::words::word_of;
use crate::use_case::application_access::is_open;
use crate::use_case::context::Context;
use crate::use_case::holdings::every;
use crate::use_case::record::get;
use crate::use_case::store::Condition;

/// All that the contracts in a provider's environments allow together.
#[derive(Debug, Default)]
pub struct Allowed {
    /// Whether there is such a contract.
    pub is_approved: bool,
    grants: BTreeSet<Grant>,
    scopes: Vec<String>,
    redirects: bool,
}

impl Allowed {
    /// # Errors
    /// Those of the store.
    pub async fn to(cx: &mut Context<'_>, application: &str, provider: &Provider) -> Result<Self, Refusal> {
        let of = Condition::Is("application", application.to_owned());
        let mut allowed = Self::default();
        for contract in every::<AccessContract>(cx, vec![of, is_open()]).await? {
            let contract = contract.thing;
            if !contract.approved || !provider.serves(&contract.environment) {
                continue;
            }
            allowed.is_approved = true;
            let key = contract.tier_key(&contract.tier);
            let Some(tier) = get::<TierOfApi>(cx.tx, &cx.caller.organisation, &key).await? else { continue };
            let tier = tier.thing.tier;
            allowed.grants.extend(tier.grants);
            allowed.scopes.extend(tier.scopes);
            allowed.redirects |= tier.redirect_uris == RedirectUris::Https;
        }
        allowed.scopes.sort_unstable();
        allowed.scopes.dedup();
        Ok(allowed)
    }

    /// Gives a client all that is allowed where nothing was named, and says what is more than that. One that is refused
    /// gets it anew when it is tried again: the tiers may have changed.
    pub fn fit(&self, client: &mut AppClient, settings: &DcrSettings) -> Vec<Fault> {
        if client.defaulted.grants {
            let is_usable = |grant: &Grant| match grant {
                Grant::ClientCredentials => client.auth_method != Some(AuthMethod::None),
                Grant::AuthorizationCode | Grant::RefreshToken => !client.redirect_uris.is_empty(),
            };
            let offered = settings.grants.iter().copied();
            client.grants = offered.filter(|grant| self.grants.contains(grant) && is_usable(grant)).collect();
        }
        if client.defaulted.scopes {
            client.scopes.clone_from(&self.scopes);
        }
        let mut faults = Vec::new();
        if client.grants.is_empty() {
            faults.push(Fault::new("/grants", "there is none that provider and tiers allow to this client"));
        }
        for grant in client.grants.iter().filter(|grant| !self.grants.contains(grant)) {
            faults.push(Fault::new("/grants", format!("no approved tier allows {}", word_of(GRANTS, *grant))));
        }
        for scope in client.scopes.iter().filter(|scope| !self.scopes.contains(scope)) {
            faults.push(Fault::new("/scopes", format!("no approved tier allows {scope}")));
        }
        if !client.redirect_uris.is_empty() && !self.redirects {
            faults.push(Fault::new("/redirect_uris", "no approved tier allows redirect URIs"));
        }
        faults
    }
}
