//! Which claims of a token the APIs use, so that they are kept.

use crate::policy::api::{Access, ApiSettings};
use crate::policy::upstream::IdentitySource;
use crate::token::claims::ClaimNames;

/// Which claims are kept besides those of every answer.
pub(super) struct KeptClaims {
    pointers: Vec<Box<str>>,
    all_scalars: bool,
    /// Whether some upstream sees signed answers.
    keeps_answer: bool,
    asked: Vec<(Box<str>, Box<str>)>,
}

impl KeptClaims {
    /// What these APIs make headers of or ask for.
    pub(super) fn of(apis: &[ApiSettings]) -> Self {
        let upstreams = || apis.iter().map(|api| &api.upstream);
        let mut pointers: Vec<Box<str>> = upstreams()
            .flat_map(|upstream| &upstream.headers)
            .filter_map(|(_, value)| match value {
                IdentitySource::Claim(pointer) => Some(pointer.clone()),
                _ => None,
            })
            .collect();
        pointers.sort();
        pointers.dedup();
        let all_scalars = upstreams().any(|upstream| upstream.claims_prefix.is_some());
        let is_answer = |(_, source): &(Box<str>, IdentitySource)| *source == IdentitySource::IntrospectionJwt;
        let keeps_answer = upstreams().any(|upstream| upstream.headers.iter().any(is_answer));
        Self { pointers, all_scalars, keeps_answer, asked: asked(apis) }
    }

    pub(super) fn named(&self, names: ClaimNames) -> ClaimNames {
        ClaimNames {
            pointers: self.pointers.clone(),
            all_scalars: self.all_scalars,
            keeps_answer: self.keeps_answer,
            asked: self.asked.clone(),
            ..names
        }
    }
}

/// What all rules ask for: each pointer with each of its values, once.
fn asked(apis: &[ApiSettings]) -> Vec<(Box<str>, Box<str>)> {
    let guarded = apis.iter().flat_map(|api| {
        let operations = api.operations.iter().filter_map(|operation| match &operation.access {
            Access::Guarded(rule) => Some(&**rule),
            Access::Public => None,
        });
        operations.chain([&api.rule])
    });
    let mut asked: Vec<(Box<str>, Box<str>)> = Vec::new();
    for claim in guarded.flat_map(|rule| &rule.claims) {
        for value in &claim.values {
            let pair = (claim.pointer.clone(), value.clone());
            if !asked.contains(&pair) {
                asked.push(pair);
            }
        }
    }
    asked
}
