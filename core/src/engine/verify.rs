//! The signature as the source of facts: JWTs, verified where they arrive.

use super::about::About;
use super::effect::Cx;
use super::reason::Reason;
use super::worker::Worker;
use crate::cache::{CacheControl, Lifetime, Remembered};
use crate::decision::decide::check_facts;
use crate::jose::compact::Jws;
use crate::outcome::Outcome;
use crate::provider::Provider;
use crate::provider::jwt::access_token::Unverified;
use crate::provider::jwt::settings::Jwt;
use crate::token::bearer::Bearer;
use crate::token::confirmation::Thumbprint;
use crate::token::facts::{Facts, TokenState};
use std::rc::Rc;

/// Whose signature one is.
pub(super) enum SignedBy {
    /// That of the key with this thumbprint.
    Key(Box<Thumbprint>),
    /// Of none, though the key that it names is known.
    Nobody,
    /// None of the keys that are known has made it.
    Unknown,
    HostFailure,
}

/// What has become of a JWT.
pub(super) enum Verified {
    /// It is its issuer's, and says this.
    Facts(Facts),
    Refused(Reason),
    /// It may be good, but none of the keys that are known can have made it.
    KeyUnknown,
}

impl Worker {
    /// Verifies a JWT of this provider.
    #[cold]
    #[inline(never)]
    pub(super) fn verify(&mut self, provider: &Provider, jwt: &Jwt, token: &Bearer, cx: &Cx<'_>) -> Verified {
        let Unverified { jws, facts } = match jwt.read(token.expose(), &provider.claims) {
            Ok(unverified) => unverified,
            Err(error) => return Verified::Refused(Reason::new(error.outcome(), error.to_string())),
        };
        if let Err(outcome) = check_facts(&facts, &provider.checks, cx.now) {
            let (detail, is_of_dpop) = (About::detail(&facts, outcome), facts.is_of_key());
            return Verified::Refused(Reason { outcome, detail, is_of_dpop });
        }
        match self.signer(provider, &jws, facts.issuer.as_deref().unwrap_or_default(), cx) {
            SignedBy::Key(_) => Verified::Facts(facts),
            SignedBy::Nobody => {
                Verified::Refused(Reason::new(Outcome::BadSignature, "no key of the issuer has made this signature"))
            }
            SignedBy::Unknown => Verified::KeyUnknown,
            SignedBy::HostFailure => {
                Verified::Refused(Reason::new(Outcome::InternalError, "the host no longer verifies signatures"))
            }
        }
    }

    /// Whose signature this is.
    pub(super) fn signer(&mut self, provider: &Provider, jws: &Jws<'_>, issuer: &str, cx: &Cx<'_>) -> SignedBy {
        let Some(keys) = self.sources.keys(provider).map(Rc::clone) else { return SignedBy::Unknown };
        let mut is_good = None;
        let mut signer = None;
        for key in keys.candidates(&jws.header, issuer) {
            let Ok(verdict) = self.verifier.verify(cx.signatures, key, jws) else { return SignedBy::HostFailure };
            is_good = Some(verdict);
            if verdict {
                signer = Some(Box::new(key.thumbprint()));
                break;
            }
        }
        if let Some((is_good, by)) = is_good.zip(self.verifier.implementation(jws.header.algorithm)) {
            self.metrics.signature(provider, is_good, by);
        }
        let is_named = |id: &str| keys.has_key_id(id);
        match signer {
            Some(key) => SignedBy::Key(key),
            None if jws.header.key_id.as_deref().is_some_and(is_named) => SignedBy::Nobody,
            // It may be a new key's.
            None => SignedBy::Unknown,
        }
    }

    /// Facts out of a signature, for as long as they may be remembered.
    pub(super) fn remember_verified(&mut self, facts: Facts, cx: &Cx<'_>) -> Remembered {
        let state = TokenState::Active(Rc::new(facts));
        let seed = self.next_seed();
        let lifetime = self.settings.cache.lifetime(&state, CacheControl::default(), cx.now, seed);
        Remembered { state, lifetime: lifetime.unwrap_or(Lifetime::none(cx.now)) }
    }

    /// An introspection answer about a token, with what it leaves out taken from the token itself where that is a JWT
    /// to be verified: anew each time, so that a key that is gone vouches for nothing.
    ///
    /// # Errors
    /// The [`Reason`] for which the token is refused, whatever the answer says.
    pub(super) fn with_token(
        &mut self,
        provider: &Provider,
        token: &Bearer,
        answered: Remembered,
        cx: &Cx<'_>,
    ) -> Result<Remembered, Reason> {
        let Some(jwt) = provider.verifies(token).filter(|_| answered.is_active()) else { return Ok(answered) };
        match self.verify(provider, jwt, token, cx) {
            Verified::Facts(facts) => Ok(completed(answered, Some(facts))),
            Verified::Refused(reason) => Err(reason),
            Verified::KeyUnknown => Err(Reason::new(Outcome::BadSignature, "its key is gone")),
        }
    }
}

/// An answer, with what it leaves out taken from the token itself.
pub(super) fn completed(answered: Remembered, verified: Option<Facts>) -> Remembered {
    match (answered, verified) {
        (Remembered { state: TokenState::Active(answer), lifetime }, Some(facts)) => {
            let facts = Facts::clone(&answer).completed_by(facts);
            Remembered::within_exp(TokenState::Active(Rc::new(facts)), lifetime)
        }
        (answered, _) => answered,
    }
}
