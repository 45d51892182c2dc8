//! A provider for tests.

use super::client_auth::ClientAuth;
use super::introspection::request::{Introspection, LOOKED_AT};
use super::{Provider, TokenChecks};
use crate::base::http::HttpUrl;
use crate::token::claims::ClaimNames;
use std::time::Duration;

/// A provider that is asked once and answers in a second or not at all.
pub fn provider(name: &str) -> Provider {
    Provider::new(
        name.into(),
        Some(Introspection {
            url: HttpUrl::parse("https://idp/introspect").ok(),
            cluster: Some("idp".into()),
            timeout: Duration::from_secs(1),
            retries: 0,
            client: ClientAuth::None { id: None },
            parameters: Vec::new(),
            headers: Vec::new(),
            answer_headers: LOOKED_AT,
            signed_for: None,
        }),
        TokenChecks::default(),
        ClaimNames::default(),
    )
}
