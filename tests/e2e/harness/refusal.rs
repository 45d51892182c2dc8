//! What a refused caller must see, read from Envoy's response.

use crate::harness::client::Response;
use crate::refusals;

#[track_caller]
pub fn assert_refused(response: &Response, outcome: &str) {
    let header = |name: &str| response.header(name).map(str::to_owned);
    refusals::assert_refused(outcome, response.status, &response.body, header);
}

/// A parameter of the response's challenge.
#[track_caller]
pub fn parameter(response: &Response, name: &str) -> Option<String> {
    let challenge = response.header("www-authenticate").unwrap_or_else(|| panic!("no challenge: {response:?}"));
    refusals::parameter(challenge, name)
}
