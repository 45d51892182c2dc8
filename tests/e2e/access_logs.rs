//! Access logs in the formats that people have: every outcome shows, and never whom a caller claims to be.

mod cases;
mod formats;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tessera_core::outcome::Outcome;

use crate::harness::host::Host;
use cases::{Logged, PASSING, logged};
use formats::{ISTIO, envoy_gateway, everything, shipped};

#[test]
fn each_outcome_shows_in_every_format_with_the_true_client() {
    let formats = [json!(ISTIO), envoy_gateway(), shipped(), everything()];
    let all = logged("refusals", &formats);
    for Logged { outcome, client, lines } in &all {
        let [istio, gateway, ours, everything] = &lines[..] else { panic!("{lines:?}") };
        let passed = PASSING.contains(outcome);
        let details = if passed { "via_upstream".to_owned() } else { format!("tessera.{outcome}") };
        let column = istio.split('"').nth(2).and_then(|part| part.split(' ').nth(3));
        assert_eq!(column, Some(&*details), "{istio}");
        assert_eq!(object(gateway)["response_code_details"], details, "{gateway}");
        let of = |known: bool| if known && *client != "-" { json!(client) } else { Value::Null };
        let fields = object(ours);
        assert_eq!(fields["details"], details, "{ours}");
        assert_eq!(fields["outcome"], if passed { Value::Null } else { json!(outcome) }, "{ours}");
        assert_eq!((&fields["client"], &fields["client_id"]), (&of(!passed), &of(passed)), "{ours}");
        let fields = object(everything);
        assert_eq!((&fields["client_id"], &fields["x-client-id"]), (&of(!passed), &of(passed)), "{everything}");
    }
    assert_every_outcome_is_among(&all);
}

#[track_caller]
fn assert_every_outcome_is_among(logged: &[Logged]) {
    let reached: BTreeSet<_> = logged.iter().map(|logged| logged.outcome).collect();
    // No configuration has Envoy refuse a dynamic module what it asks for.
    let unreached = (Host::of_tests() == Host::Native).then_some(Outcome::InternalError);
    let wanted = Outcome::ALL.into_iter().filter(|outcome| Some(*outcome) != unreached).map(Outcome::name);
    let missing: Vec<_> = wanted.filter(|name| !reached.contains(name)).collect();
    assert!(missing.is_empty(), "not logged: {missing:?}");
}

/// Outcomes of which no token was looked up.
const WITHOUT_A_TOKEN: [&str; 11] = [
    "unknown_api",
    "invalid_request",
    "missing_token",
    "resource_metadata",
    "public",
    "anonymous",
    "unmatched",
    // There was one, but no use in asking about it.
    "bad_signature",
    "malformed_token",
    "overloaded",
    // It was, but that is not told.
    "internal_error",
];

#[test]
fn all_requests_say_how_they_ended_where_that_is_asked_for() {
    for Logged { outcome, lines, .. } in logged("all", &[everything()]) {
        let fields = object(&lines[0]);
        assert_eq!(fields["outcome"], outcome, "{fields}");
        let cache = if WITHOUT_A_TOKEN.contains(&outcome) { Value::Null } else { json!("miss") };
        assert_eq!(fields["cache"], cache, "{fields}");
    }
}

#[track_caller]
fn object(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
