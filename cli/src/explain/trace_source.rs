//! The checks that bring facts: who vouches for the token, by which signature, and what is said of it.

use super::check::Passing;
use super::trace::{Found, Step, Trace};
use std::ops::ControlFlow::{Break, Continue};
use std::rc::Rc;
use tessera_core::base::http::{Body, HttpAnswer, HttpResult};
use tessera_core::decision::decide::check_facts;
use tessera_core::engine::calls::Subject;
use tessera_core::jose::compact::JwsError;
use tessera_core::outcome::Outcome;
use tessera_core::policy::api::{Guard, Unvouched};
use tessera_core::provider::Provider;
use tessera_core::provider::failure::ProviderFailure;
use tessera_core::provider::introspection::response::{self, whole_body};
use tessera_core::provider::introspection::signed::{Expected, SignedAnswer};
use tessera_core::provider::jwt::access_token::{AccessTokenError, Unverified};
use tessera_core::provider::jwt::settings::Jwt;
use tessera_core::token::facts::{Facts, TokenState};

impl Trace<'_, '_> {
    /// `provider`, `signature` and `facts`.
    pub(super) fn source(&mut self, guard: &Guard, found: &Found) -> Step<Facts> {
        let list = self.written.member(&format!("apis[{}]", self.place.0), "providers");
        let (choice, jwt) = match guard.api.choices.choose(&found.token) {
            Ok(chosen) => chosen,
            Err(Unvouched::WrongIssuer) => {
                let detail = "the token names an issuer that is none of the API's providers";
                return self.failed("provider", list, detail, Outcome::WrongIssuer);
            }
            Err(Unvouched::NotJwt) => {
                let detail =
                    "the token is not a JWT that names its issuer, and none of the API's providers introspects";
                return self.failed("provider", list, detail, Outcome::MalformedToken);
            }
        };
        let provider = Rc::clone(&choice.provider);
        let why = match (jwt.is_some(), guard.api.choices.iter().count()) {
            (true, _) => "whose issuer the token names",
            (false, 1) => "the only one of the API",
            (false, _) if provider.verifies(&found.token).is_some() => "whose issuer the token names",
            (false, _) => "whose issuer the token names, or else the first one of the API that introspects",
        };
        self.provider = Some(Rc::clone(&provider));
        let path = Some(format!("providers[{}]", provider.slot));
        self.ok("provider", path, &format!("{}, {why}", provider.name))?;
        let verified = match jwt {
            Some(jwt) => Some(self.signature(&provider, jwt, found)?),
            None => {
                let detail = match provider.jwt {
                    Some(_) => "the token is not a JWT of this issuer",
                    None => "this provider verifies none",
                };
                self.skipped("signature", None, detail)?;
                None
            }
        };
        let facts = match verified {
            Some(facts) if !jwt.is_some_and(|jwt| jwt.introspects) => {
                let said = said(&facts);
                self.ok("facts", self.of_provider(&provider, "jwt"), &format!("from the token itself: {said}"))?;
                facts
            }
            verified => self.asked(&provider, verified)?,
        };
        self.client_id = facts.client_id.as_deref().map(str::to_owned);
        Continue(facts)
    }

    /// `signature` of the token. What needs no key is judged before one is looked for.
    fn signature(&mut self, provider: &Provider, jwt: &Jwt, found: &Found) -> Step<Facts> {
        let path = self.of_provider(provider, "jwt");
        let Unverified { jws, facts } = match jwt.read(found.token.expose(), &provider.claims) {
            Ok(unverified) => unverified,
            Err(error) => return self.unreadable(provider, &error),
        };
        if check_facts(&facts, &provider.checks, self.drive.now).is_err() {
            self.client_id = facts.client_id.as_deref().map(str::to_owned);
            self.skipped("signature", path.clone(), "not looked at: what the token says rules it out")?;
            self.ok("facts", path, &format!("the token, not verified, says: {}", said(&facts)))?;
            return match self.check_facts(&facts, provider) {
                Break(decided) => Break(decided),
                // Cannot be: one of the checks has failed.
                Continue(()) => Break(None),
            };
        }
        let key = jws.header.key_id.as_deref().map_or_else(|| "no kid".to_owned(), |id| format!("kid {id:?}"));
        let detail = format!("{}, {key}", jws.header.algorithm.name());
        let keys = path.clone().map(|path| format!("{path}.keys"));
        // Whoever has asked about the token, or ended otherwise, has found the signature good.
        let has_asked = self.drive.answered.is_some() || self.drive.lacks(Subject::Token).is_some();
        match self.refused() {
            _ if has_asked => {}
            Some((by @ (Outcome::BadSignature | Outcome::ProviderUnavailable | Outcome::InternalError), reason)) => {
                return self.failed("signature", keys, &format!("{detail}: {reason}"), by);
            }
            None if self.drive.ending.is_none() => {
                let reason =
                    [Subject::Keys, Subject::Metadata].into_iter().find_map(|subject| self.drive.lacks(subject));
                let reason = reason.unwrap_or("the keys are not known").to_owned();
                return self.unknown("signature", keys, &format!("{detail}: {reason}"));
            }
            _ => {}
        }
        self.ok("signature", keys, &format!("{detail}, made with a key of the issuer"))?;
        Continue(facts)
    }

    /// The token is none that any signature could make good.
    fn unreadable(&mut self, provider: &Provider, error: &AccessTokenError) -> Step<Facts> {
        let path = self.of_provider(provider, "jwt");
        let name = match error {
            AccessTokenError::Jws(JwsError::AlgorithmNotAccepted) => {
                let path = path.map(|path| format!("{path}.algorithms"));
                return self.failed("signature", path, &error.to_string(), error.outcome());
            }
            AccessTokenError::Jws(_) => "signature",
            AccessTokenError::NotAnObject | AccessTokenError::NoExpiry | AccessTokenError::Unusable(_) => "facts",
            AccessTokenError::Type | AccessTokenError::OtherKind(_) => "token_type",
        };
        for before in ["signature", "facts", "expiry", "not_before", "issuer", "audience"] {
            if before == name {
                break;
            }
            self.note(before, Passing::Skipped, None, "not looked at: the token is ruled out by what it is");
            if name == "facts" {
                break;
            }
        }
        self.failed(name, path, &error.to_string(), error.outcome())
    }

    /// `facts`, from the server.
    fn asked(&mut self, provider: &Provider, verified: Option<Facts>) -> Step<Facts> {
        let path = self.of_provider(provider, "introspection");
        let lacking = [Subject::Token, Subject::Metadata, Subject::Keys];
        let Some(result) = self.drive.answered.clone() else {
            return match self.refused() {
                Some((by, reason)) => self.failed("facts", path, &reason, by),
                None => {
                    let reason = lacking.into_iter().find_map(|subject| self.drive.lacks(subject));
                    let reason = reason.unwrap_or("no answer is known").to_owned();
                    self.unknown("facts", path, &reason)
                }
            };
        };
        if self.drive.ending.is_none() {
            let reason = lacking.into_iter().find_map(|subject| self.drive.lacks(subject));
            let reason = format!("the answer is signed: {}", reason.unwrap_or("its key is not known"));
            return self.unknown("facts", path, &reason);
        }
        let state = self.opened(provider, &result).and_then(|opened| {
            let introspection = provider.introspection.as_ref();
            let own_token = introspection.is_some_and(|introspection| introspection.sends_own_token());
            response::read(&opened, &provider.claims, own_token, self.drive.now)
        });
        let state = match (state, self.refused()) {
            (Err(failure), _) => return self.failed("facts", path, &failure.to_string(), failure.outcome()),
            // The signature of a signed answer is the worker's to judge.
            (Ok(_), Some((by @ (Outcome::ProviderError | Outcome::ProviderUnavailable), reason))) => {
                return self.failed("facts", path, &reason, by);
            }
            (Ok(state), _) => state,
        };
        match state {
            TokenState::Inactive => {
                self.failed("facts", path, "the server says that the token is not active", Outcome::Inactive)
            }
            TokenState::Active(facts) => {
                let facts = match verified {
                    Some(verified) => Facts::clone(&facts).completed_by(verified),
                    None => Facts::clone(&facts),
                };
                self.ok("facts", path, &format!("active, {}", said(&facts)))?;
                Continue(facts)
            }
        }
    }

    /// The answer as if it had come as JSON.
    fn opened(&self, provider: &Provider, result: &HttpResult) -> Result<HttpResult, ProviderFailure> {
        let signed_for = provider.introspection.as_ref().and_then(|introspection| introspection.signed_for.as_ref());
        let (Some(audience), HttpResult::Answered(answer)) = (signed_for, result) else { return Ok(result.clone()) };
        let Some(jwt) = &provider.jwt else { return Err(ProviderFailure::NotSigned) };
        if answer.status != 200 || answer.is_coded() {
            return Ok(result.clone());
        }
        let expected = Expected {
            algorithms: &jwt.algorithms,
            issuer: provider.checks.issuer.as_deref().unwrap_or_default(),
            audience,
            clock_skew: provider.checks.clock_skew,
        };
        let SignedAnswer { content, .. } = SignedAnswer::read(whole_body(answer)?, &expected, self.drive.now)?;
        Ok(HttpResult::Answered(HttpAnswer {
            status: 200,
            headers: answer.headers.clone(),
            body: Body::Whole(content),
        }))
    }
}

/// Whose token it is.
fn said(facts: &Facts) -> String {
    let named = [("client", &facts.client_id), ("subject", &facts.subject), ("username", &facts.username)];
    let named: Vec<String> =
        named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?))).collect();
    if named.is_empty() { "no client".to_owned() } else { named.join(", ") }
}
