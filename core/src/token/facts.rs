//! What an authorization server said about a token: facts, never verdicts.

use super::confirmation::{Confirmation, Thumbprint};
use crate::base::time::Timestamp;
use std::rc::Rc;

/// What [`Facts::said`] calls the client, the scopes and the audience that are there, be they empty. No pointer is
/// named so.
pub(super) const CLIENT_ID: &str = "client_id";
pub(super) const SCOPE: &str = "scope";
pub(super) const AUDIENCE: &str = "aud";

/// The state of a token (RFC 7662 §2.2, `active`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenState {
    Active(Rc<Facts>),
    /// Not active; the server says no more.
    Inactive,
}

/// The meta-information of an active token (RFC 7662 §2.2), reduced to what the configuration uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Client the token was issued to; never empty.
    pub client_id: Option<Box<str>>,
    /// `sub`.
    pub subject: Option<Box<str>>,
    /// `username`.
    pub username: Option<Box<str>>,
    /// `iss`.
    pub issuer: Option<Box<str>>,
    /// Scope tokens, in the order of the answer.
    pub scope: Vec<Box<str>>,
    /// `aud`.
    pub audience: Vec<Box<str>>,
    /// End of validity: `exp`, or the answer's arrival plus `expires_in`.
    pub expires_at: Option<Timestamp>,
    pub not_before: Option<Timestamp>,
    /// Said to be another kind of token than an access token: a refresh, ID, offline or logout token.
    pub other_kind: bool,
    /// What it is bound to (`cnf`, or a `token_type` of `DPoP`): good only with a proof of possession.
    pub confirmation: Option<Box<Confirmation>>,
    /// The signed answer (RFC 9701) that says all this, where an upstream is to see it.
    pub introspection_jwt: Option<Box<str>>,
    /// Thumbprint of the key that signed the answer which says all this (RFC 9701): once that key is gone, nobody does.
    pub signed_by: Option<Box<Thumbprint>>,
    /// Further members that the configuration asks for, by JSON pointer or by the end of a header's name, as header
    /// text.
    pub claims: Vec<(Box<str>, Box<str>)>,
    /// Of the values that some rule asks for at a JSON pointer, those that stand there, as [`super::scalar::scalar`]
    /// has them.
    pub said: Vec<(Box<str>, Box<str>)>,
}

impl Facts {
    /// Whether the token is bound to a key by DPoP.
    pub fn is_of_key(&self) -> bool {
        self.confirmation.as_deref().is_some_and(Confirmation::is_of_key)
    }

    /// These facts, with what they leave out taken from others about the same token. A token ends when the first of
    /// both says so.
    pub fn completed_by(self, other: Self) -> Self {
        let says = |name: &str| self.said.iter().any(|(said, _)| **said == *name);
        let (client_id, scope, audience) = (says(CLIENT_ID), says(SCOPE), says(AUDIENCE));
        let either = |is_said: bool, one: Vec<Box<str>>, other| if is_said || !one.is_empty() { one } else { other };
        let earliest = [self.expires_at, other.expires_at].into_iter().flatten().min();
        Self {
            client_id: self.client_id.or(other.client_id.filter(|_| !client_id)),
            subject: self.subject.or(other.subject),
            username: self.username.or(other.username),
            issuer: self.issuer.or(other.issuer),
            scope: either(scope, self.scope, other.scope),
            audience: either(audience, self.audience, other.audience),
            expires_at: earliest,
            // The absence of a time comes before every other.
            not_before: self.not_before.max(other.not_before),
            other_kind: self.other_kind || other.other_kind,
            confirmation: joined(self.confirmation, other.confirmation),
            introspection_jwt: self.introspection_jwt.or(other.introspection_jwt),
            signed_by: self.signed_by.or(other.signed_by),
            claims: completed(self.claims, other.claims),
            said: completed(self.said, other.said),
        }
    }
}

/// What both name is to be proved. Two that name different keys leave nothing that anybody could prove.
fn joined(one: Option<Box<Confirmation>>, other: Option<Box<Confirmation>>) -> Option<Box<Confirmation>> {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => (*one, *other),
        (one, other) => return one.or(other),
    };
    let both = match (one, other) {
        (
            Confirmation::Of { key, certificate },
            Confirmation::Of { key: other_key, certificate: other_certificate },
        ) if [(key, other_key), (certificate, other_certificate)]
            .iter()
            .all(|(one, other)| one.is_none() || other.is_none() || one == other) =>
        {
            Confirmation::Of { key: key.or(other_key), certificate: certificate.or(other_certificate) }
        }
        _ => Confirmation::Unprovable,
    };
    Some(Box::new(both))
}

type Named = Vec<(Box<str>, Box<str>)>;

/// `one`, and of `other` what it has nothing of the same name for.
fn completed(one: Named, other: Named) -> Named {
    let missing = other.into_iter().filter(|(name, _)| !one.iter().any(|(named, _)| named == name)).collect::<Vec<_>>();
    one.into_iter().chain(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<Box<str>> {
        texts.iter().map(|text| (*text).into()).collect()
    }

    #[test]
    fn what_is_left_out_is_taken_from_the_other() {
        let at = |secs| Some(Timestamp::from_secs(secs));
        let token = Facts {
            client_id: Some("token's".into()),
            subject: Some("s".into()),
            scope: list(&["read", "write"]),
            audience: list(&["api"]),
            expires_at: at(10),
            not_before: at(5),
            claims: vec![("/a".into(), "1".into()), ("/b".into(), "2".into())],
            said: vec![("/acr".into(), "1".into()), ("/amr".into(), "\"pwd".into())],
            ..Facts::default()
        };
        let bare = Facts::default().completed_by(token.clone());
        assert_eq!(bare, token);
        let answer = Facts {
            client_id: Some("answer's".into()),
            scope: list(&["read"]),
            expires_at: at(20),
            not_before: at(4),
            claims: vec![("/a".into(), "9".into())],
            said: vec![("/acr".into(), "".into())],
            ..Facts::default()
        };
        let both = answer.clone().completed_by(token.clone());
        let expected = Facts {
            claims: vec![("/a".into(), "9".into()), ("/b".into(), "2".into())],
            said: vec![("/acr".into(), "".into()), ("/amr".into(), "\"pwd".into())],
            client_id: answer.client_id,
            scope: answer.scope,
            ..token
        };
        assert_eq!(both, expected, "it ends and begins when the stricter of both says so");
    }

    #[test]
    fn either_may_say_that_it_is_another_kind_of_token() {
        for (answer, token) in [(false, false), (false, true), (true, false), (true, true)] {
            let of = |other_kind| Facts { other_kind, ..Facts::default() };
            assert_eq!(of(answer).completed_by(of(token)).other_kind, answer | token, "{answer} {token}");
        }
    }

    #[test]
    fn only_a_key_is_what_dpop_binds_to() {
        let confirmed = |confirmation| Facts { confirmation, ..Facts::default() };
        let of = |key, certificate| Some(Box::new(Confirmation::Of { key, certificate }));
        assert!(confirmed(of(Some([1; 32]), None)).is_of_key());
        assert!(confirmed(of(Some([1; 32]), Some([2; 32]))).is_of_key());
        for other in [None, of(None, Some([2; 32])), Some(Box::new(Confirmation::Unprovable))] {
            assert!(!confirmed(other.clone()).is_of_key(), "{other:?}");
        }
    }

    #[test]
    fn what_both_name_is_to_be_proved() {
        let of = |key, certificate| Some(Box::new(Confirmation::Of { key, certificate }));
        let (one, two) = (Some([1; 32]), Some([2; 32]));
        for (answer, token, expected) in [
            (None, of(one, None), of(one, None)),
            (of(one, None), None, of(one, None)),
            (of(one, None), of(one, two), of(one, two)),
            (of(None, two), of(one, None), of(one, two)),
            (of(one, None), of(two, None), Some(Box::new(Confirmation::Unprovable))),
            (Some(Box::new(Confirmation::Unprovable)), of(one, None), Some(Box::new(Confirmation::Unprovable))),
        ] {
            assert_eq!(joined(answer, token), expected);
        }
    }
}
