//! What all requests share.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::domain::network::Network;
use crate::domain::webhook::Subscribers;
use crate::http::at_once::AtOnce;
use crate::http::notes::Notes;
use crate::http::polls::Polls;
use crate::http::throttle::Throttle;
use crate::use_case::context::Limits;
use crate::use_case::ports::{AccessTokens, Clock, ProofJudge, Randomness, Sealing};
use crate::use_case::store::Store;

/// What the configuration says of HTTP.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// An origin, without a slash at its end.
    pub public_url: String,
    pub trusted_proxies: Vec<Network>,
    pub limits: Limits,
    /// Of webhooks.
    pub subscribers: Subscribers,
    /// Per principal, else per address.
    pub requests_per_second: NonZeroU32,
    pub burst: NonZeroU32,
    /// Per address and minute.
    pub failed_authentications: NonZeroU32,
}

/// The world outside of HTTP.
pub struct Outside {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub sealing: Arc<dyn Sealing>,
    /// Without them only registry tokens are taken.
    pub access_tokens: Option<Arc<dyn AccessTokens>>,
    /// Without one, no provider can be asked.
    pub proof_judge: Option<Arc<dyn ProofJudge>>,
}

pub struct Registry {
    pub outside: Outside,
    pub settings: HttpSettings,
    pub throttle: Throttle,
    pub at_once: AtOnce,
    pub notes: Notes,
    pub polls: Polls,
}

impl Registry {
    pub fn new(outside: Outside, settings: HttpSettings) -> Self {
        let throttle = Throttle::new(settings.requests_per_second, settings.burst, settings.failed_authentications);
        let (at_once, notes, polls) = Default::default();
        Self { outside, settings, throttle, at_once, notes, polls }
    }
}
