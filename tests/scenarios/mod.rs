//! Scenarios written once and run on the fake host and in real Envoy, so that the one checks the other.

mod asking;
mod gateway;
mod metadata;
mod passing;
mod refusals;

pub use asking::*;
pub use gateway::{Exchange, Gateway, Introspected, Request};
pub use metadata::*;
pub use passing::*;
pub use refusals::*;

/// Makes every scenario a test of this [`Gateway`]; `scenarios` must name this module where it is used.
macro_rules! scenarios_on {
    ($gateway:ty) => {
        scenarios_on! { $gateway:
            an_active_token_passes_with_its_identity
            a_spoofed_header_never_arrives_on_a_public_operation
            a_request_that_no_api_claims_passes_without_identity
            a_token_that_is_not_required_may_be_missing_but_not_bad
            what_a_token_must_say_is_asked_of_it
            an_optional_contract_gives_its_tier
            an_optional_contract_that_is_suspended_gives_nothing
            a_token_that_is_not_forwarded_is_gone
            a_value_that_no_header_can_hold_is_encoded
            without_a_token_the_caller_is_challenged
            an_unknown_api_is_not_found
            an_inactive_token_is_refused
            an_expired_token_is_refused
            a_wrong_scope_is_refused_with_the_scope
            a_client_without_a_contract_is_refused
            a_suspended_contract_is_refused
            an_ambiguous_path_is_refused
            a_token_in_two_places_is_refused
            a_token_that_is_no_text_is_refused
            a_server_that_refuses_us_is_an_error
            a_server_that_is_down_is_an_outage
            a_server_that_says_nothing_sensible_is_an_error
            a_known_token_is_asked_about_once
            a_known_bad_token_is_asked_about_once
            a_known_token_is_judged_anew_by_each_operation
            a_token_arrives_at_the_server_as_it_was_sent
            a_retry_is_another_call
            the_metadata_of_a_resource_is_for_everybody
            a_challenge_names_the_metadata_of_the_resource
        }
    };
    ($gateway:ty: $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                scenarios::$name::<$gateway>();
            }
        )*
    };
}
pub(crate) use scenarios_on;
