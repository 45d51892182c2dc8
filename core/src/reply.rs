//! What a refused caller receives (RFC 6750 §3, RFC 9449 §7.1).

use crate::base::fields::quoted;
use crate::base::time::millis;
use crate::outcome::{Answer, Outcome};
use std::rc::Rc;
use std::time::Duration;

pub mod metadata;

/// How refusals are worded.
#[derive(Clone, Debug, Default)]
pub struct ReplySettings {
    /// `realm` of challenges; `None` leaves it out.
    pub realm: Option<Box<str>>,
    /// `resource_metadata` of challenges of what has no metadata of its own (RFC 9728 §5.1).
    pub resource_metadata: Option<Box<str>>,
    /// `algs` of challenges in the scheme `DPoP`: names of algorithms, separated by spaces.
    pub dpop_algorithms: Box<str>,
    /// `Retry-After` of 503 answers, where no server says otherwise; sent in whole seconds, rounded up.
    pub retry_after: Duration,
}

/// A request that does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub outcome: Outcome,
    /// Scopes that the operation asks for, separated by spaces; empty where the outcome is not about scopes.
    pub scope: String,
    /// Address of the metadata of the resource that was asked for, if it has one of its own (RFC 9728 §5.1).
    pub resource_metadata: Option<Rc<str>>,
    /// How long the authorization server wants to be left alone, where that is the reason.
    pub retry_after: Option<Duration>,
    /// Whether it is about a token that is bound to a key by DPoP, or came as one.
    pub is_of_dpop: bool,
    /// Whether a DPoP proof itself is to blame.
    pub is_of_proof: bool,
}

impl Refusal {
    /// A refusal that has nothing to do with scopes.
    pub fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            scope: String::new(),
            resource_metadata: None,
            retry_after: None,
            is_of_dpop: false,
            is_of_proof: false,
        }
    }
}

/// A local reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl ReplySettings {
    /// The reply to a refused request. An outcome that passes has none to give and is answered as an internal error.
    pub fn reply(&self, refusal: &Refusal) -> Reply {
        let internal = Answer { status: 500, error: "server_error", description: "" };
        let mut answer = refusal.outcome.answer().or_else(|| Outcome::InternalError.answer()).unwrap_or(internal);
        if refusal.is_of_proof {
            answer.error = "invalid_dpop_proof";
        }
        let mut headers =
            vec![("content-type", "application/json".to_owned()), ("cache-control", "no-store".to_owned())];
        if let Some(challenge) = self.challenge(refusal, answer) {
            headers.push(("www-authenticate", challenge));
        }
        if answer.status == 503 {
            let wait = refusal.retry_after.unwrap_or(self.retry_after);
            headers.push(("retry-after", millis(wait).div_ceil(1000).to_string()));
        }
        // Fixed texts, in which nothing needs an escape.
        let body = format!("{{\"error\":\"{}\",\"error_description\":\"{}\"}}", answer.error, answer.description);
        Reply { status: answer.status, headers, body }
    }

    /// The `WWW-Authenticate` value, for the statuses that RFC 6750 §3.1 gives a challenge.
    fn challenge(&self, refusal: &Refusal, answer: Answer) -> Option<String> {
        let is_about_the_token = matches!(answer.status, 400 | 401) || answer.error == "insufficient_scope";
        if !is_about_the_token {
            return None;
        }
        // A request without a token gets no error code: RFC 6750 §3.1.
        let error = (refusal.outcome != Outcome::MissingToken).then_some(answer);
        let parameters = [
            ("realm", self.realm.as_deref()),
            ("error", error.map(|answer| answer.error)),
            ("error_description", error.map(|answer| answer.description)),
            ("scope", Some(&*refusal.scope).filter(|scope| !scope.is_empty())),
            ("resource_metadata", refusal.resource_metadata.as_deref().or(self.resource_metadata.as_deref())),
            ("algs", Some(&*self.dpop_algorithms).filter(|_| refusal.is_of_dpop)),
        ];
        let scheme = if refusal.is_of_dpop { "DPoP" } else { "Bearer" };
        let written: Vec<String> =
            parameters.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", quoted(value?)))).collect();
        Some(if written.is_empty() { scheme.to_owned() } else { format!("{scheme} {}", written.join(", ")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ReplySettings {
        ReplySettings {
            realm: Some("a \"b\\".into()),
            resource_metadata: None,
            dpop_algorithms: "ES256 PS256".into(),
            retry_after: Duration::from_millis(4001),
        }
    }

    fn header(reply: &Reply, name: &str) -> Option<String> {
        reply.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn every_refusal_has_a_json_body_and_is_not_stored() {
        for outcome in Outcome::ALL {
            let Some(answer) = outcome.answer() else { continue };
            let reply = settings().reply(&Refusal::new(outcome));
            assert_eq!(reply.status, answer.status);
            let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
            assert_eq!(body["error"], answer.error, "{outcome:?}");
            assert_eq!(body["error_description"], answer.description, "{outcome:?}");
            assert_eq!(header(&reply, "content-type").as_deref(), Some("application/json"));
            assert_eq!(header(&reply, "cache-control").as_deref(), Some("no-store"));
            assert_eq!(header(&reply, "retry-after").is_some(), answer.status == 503, "{outcome:?}");
            let challenged = [400, 401].contains(&answer.status) || answer.error == "insufficient_scope";
            assert_eq!(header(&reply, "www-authenticate").is_some(), challenged, "{outcome:?}");
        }
    }

    #[test]
    fn a_challenge_quotes_its_values() {
        let refusal = Refusal { scope: "a b".to_owned(), ..Refusal::new(Outcome::InsufficientScope) };
        assert_eq!(
            header(&settings().reply(&refusal), "www-authenticate").unwrap(),
            "Bearer realm=\"a \\\"b\\\\\", error=\"insufficient_scope\", \
             error_description=\"The access token lacks a scope that this operation requires.\", scope=\"a b\""
        );
    }

    #[test]
    fn what_is_about_dpop_is_challenged_in_its_scheme() {
        let settings = ReplySettings { realm: None, ..settings() };
        let challenge = |refusal: Refusal| header(&settings.reply(&refusal), "www-authenticate").unwrap();
        let expired = Refusal { is_of_dpop: true, ..Refusal::new(Outcome::Expired) };
        assert_eq!(
            challenge(expired),
            "DPoP error=\"invalid_token\", error_description=\"The access token has expired.\", algs=\"ES256 PS256\""
        );
        let replayed = Refusal { is_of_dpop: true, is_of_proof: true, ..Refusal::new(Outcome::ProofInvalid) };
        assert!(challenge(replayed.clone()).starts_with("DPoP error=\"invalid_dpop_proof\", error_description="));
        assert!(settings.reply(&replayed).body.starts_with("{\"error\":\"invalid_dpop_proof\","));
    }

    #[test]
    fn a_missing_token_is_challenged_without_an_error() {
        let settings =
            ReplySettings { realm: None, resource_metadata: Some("https://r/.well-known".into()), ..settings() };
        let refusal = Refusal { scope: "read".to_owned(), ..Refusal::new(Outcome::MissingToken) };
        let reply = settings.reply(&refusal);
        assert_eq!(
            header(&reply, "www-authenticate").unwrap(),
            "Bearer scope=\"read\", resource_metadata=\"https://r/.well-known\""
        );
        let own = Refusal { resource_metadata: Some("https://own/.well-known".into()), ..refusal };
        assert_eq!(
            header(&settings.reply(&own), "www-authenticate").unwrap(),
            "Bearer scope=\"read\", resource_metadata=\"https://own/.well-known\""
        );
        let bare = ReplySettings::default().reply(&Refusal::new(Outcome::MissingToken));
        assert_eq!(header(&bare, "www-authenticate").as_deref(), Some("Bearer"));
        assert_eq!(
            header(&super::tests::settings().reply(&Refusal::new(Outcome::Overloaded)), "retry-after").as_deref(),
            Some("5")
        );
        for (wait, seconds) in [(1, "1"), (1000, "1"), (1001, "2"), (10_000, "10")] {
            let wait = Some(Duration::from_millis(wait));
            let refusal = Refusal { retry_after: wait, ..Refusal::new(Outcome::ProviderUnavailable) };
            assert_eq!(header(&settings.reply(&refusal), "retry-after").as_deref(), Some(seconds));
        }
    }
}
