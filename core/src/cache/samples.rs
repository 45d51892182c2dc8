//! Arbitrary facts and entries for the tests of this module.

use proptest::prelude::*;

use super::entry::{Remembered, end_of};
use super::lifetime::Lifetime;
use crate::base::time::Timestamp;
use crate::token::confirmation::Confirmation;
use crate::token::facts::{Facts, TokenState};

/// Any answer an authorization server could give.
pub(super) fn state() -> impl Strategy<Value = TokenState> {
    prop_oneof![
        1 => Just(TokenState::Inactive),
        4 => facts().prop_map(|facts| TokenState::Active(facts.into())),
    ]
}

/// Any entry whose times are in their order.
pub(super) fn remembered() -> impl Strategy<Value = Remembered> {
    (state(), any::<[u64; 3]>()).prop_map(|(state, times)| {
        let mut times = times.map(|time| Timestamp::from_millis(time).min(end_of(&state)));
        times.sort();
        let [asked_at, fresh_until, stale_until] = times;
        Remembered { state, lifetime: Lifetime { asked_at, fresh_until, stale_until } }
    })
}

/// A good answer for `client`, fresh for `millis` from `asked_at` on.
pub(super) fn good(client: &str, asked_at: Timestamp, millis: u64) -> Remembered {
    lasting(TokenState::Active(Facts { client_id: Some(client.into()), ..Facts::default() }.into()), asked_at, millis)
}

/// A negative answer, fresh for `millis` from `asked_at` on.
pub(super) fn negative(asked_at: Timestamp, millis: u64) -> Remembered {
    lasting(TokenState::Inactive, asked_at, millis)
}

/// `remembered` as if it had been asked for at another time.
pub(super) fn asked_at(remembered: Remembered, asked_at: Timestamp) -> Remembered {
    Remembered { lifetime: Lifetime { asked_at, ..remembered.lifetime }, ..remembered }
}

fn lasting(state: TokenState, asked_at: Timestamp, millis: u64) -> Remembered {
    let until = Timestamp::from_millis(asked_at.as_millis() + millis);
    Remembered { state, lifetime: Lifetime { asked_at, fresh_until: until, stale_until: until } }
}

fn confirmation() -> impl Strategy<Value = Option<Box<Confirmation>>> {
    prop_oneof![
        Just(None),
        Just(Some(Confirmation::Unprovable)),
        any::<[u8; 32]>().prop_map(|key| Some(Confirmation::Of { key: Some(key), certificate: None })),
        (any::<Option<[u8; 32]>>(), any::<[u8; 32]>())
            .prop_map(|(key, certificate)| Some(Confirmation::Of { key, certificate: Some(certificate) })),
    ]
    .prop_map(|confirmation| confirmation.map(Box::new))
}

fn facts() -> impl Strategy<Value = Facts> {
    (
        prop::option::of("\\PC{1,20}"),
        prop::array::uniform3(prop::option::of("\\PC{0,20}")),
        prop::collection::vec("\\PC{0,9}", 0..6),
        prop::collection::vec("\\PC{0,9}", 0..3),
        prop::array::uniform2(prop::option::of(any::<u64>())),
        (any::<bool>(), confirmation(), prop::option::of("[A-Za-z0-9_.-]{0,40}"), any::<Option<[u8; 32]>>()),
        (
            prop::collection::vec(("/\\PC{0,9}|[a-z0-9_-]{1,9}", "[!-~]{0,30}"), 0..4),
            prop::collection::vec(("\\PC{0,9}", "\\PC{0,30}"), 0..4),
        ),
    )
        .prop_map(|(client, texts, scope, audience, times, (other_kind, confirmation, jwt, signer), pairs)| {
            let [claims, said] = [pairs.0, pairs.1]
                .map(|list| list.into_iter().map(|(name, value)| (name.into(), value.into())).collect::<Vec<_>>());
            let [subject, username, issuer] = texts.map(|text| text.map(Into::into));
            let [expires_at, not_before] = times.map(|time| time.map(Timestamp::from_millis));
            Facts {
                client_id: client.map(Into::into),
                subject,
                username,
                issuer,
                scope: scope.into_iter().map(Into::into).collect(),
                audience: audience.into_iter().map(Into::into).collect(),
                expires_at,
                not_before,
                other_kind,
                confirmation,
                introspection_jwt: jwt.map(Into::into),
                signed_by: signer.map(Box::new),
                claims,
                said,
            }
        })
}
