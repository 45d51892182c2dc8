//! `dpop`: what is required of DPoP proofs.

use super::jwt;
use super::key::keys;
use super::kind::{Of, Span, Whole};
use super::section::Section;
use crate::jose::algorithm::Algorithm;
use crate::proof::dpop::DpopSettings;
use std::time::Duration;

keys! {
    /// What is required of proofs of possession by DPoP (RFC 9449).
    DPOP: DpopKeys at "dpop";
    /// How old a proof may be, beyond `clock_skew` of its provider.
    max_age: Span = or(Span(Duration::from_secs(1), Duration::from_secs(3600)), "\"60s\"");
    /// Algorithms that proofs may be signed with.
    algorithms: Of<Vec<Algorithm>> =
        or(Of(jwt::algorithms), "[\"ES256\", \"ES384\", \"EdDSA\", \"RS256\", \"PS256\"]") as jwt::algorithm_names();
    /// How many proofs the process remembers, so that none is used twice.
    entries: Whole = or(Whole(1, 1_000_000), "10000");
}

pub(super) fn read(section: &Section<'_>) -> Option<DpopSettings> {
    let max_age = section.get(&DPOP.max_age);
    let algorithms = section.get(&DPOP.algorithms);
    let entries = section.get(&DPOP.entries);
    Some(DpopSettings { max_age: max_age?, algorithms: algorithms?, entries: usize::try_from(entries?).ok()? })
}
