//! What a refused caller must see, outcome by outcome: the table that users rely on, written down a second time, and
//! for all tests that see a caller's reply.

use serde_json::{Value, json};

/// One way to be refused.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// The name in metrics and access logs.
    pub outcome: &'static str,
    pub status: u16,
    pub error: &'static str,
    /// Each outcome has a text of its own.
    pub description: &'static str,
}

/// In the order in which requests are judged.
pub const REFUSALS: [Refusal; 23] = [
    refusal("unknown_api", 404, "not_found", "No API is served under this address."),
    refusal(
        "invalid_request",
        400,
        "invalid_request",
        "The request carries a malformed, repeated or misplaced access token, or an ambiguous method, host or path.",
    ),
    refusal("missing_token", 401, "missing_token", "An access token is required."),
    refusal("inactive", 401, "invalid_token", "The access token is not active."),
    refusal("expired", 401, "invalid_token", "The access token has expired."),
    refusal("not_yet_valid", 401, "invalid_token", "The access token is not valid yet."),
    refusal("wrong_issuer", 401, "invalid_token", "The access token is from another issuer."),
    refusal("wrong_audience", 401, "invalid_token", "The access token is for another audience."),
    refusal("wrong_token_type", 401, "invalid_token", "The token is no access token."),
    refusal("wrong_claims", 403, "insufficient_scope", "The access token lacks a claim that this operation requires."),
    refusal(
        "proof_missing",
        401,
        "invalid_token",
        "The access token is bound to a key and needs a proof of possession.",
    ),
    refusal(
        "proof_invalid",
        401,
        "invalid_token",
        "The proof of possession is not valid for this access token and this request.",
    ),
    refusal("bad_signature", 401, "invalid_token", "The access token's signature cannot be verified."),
    refusal("malformed_token", 401, "invalid_token", "The access token is malformed."),
    refusal(
        "insufficient_scope",
        403,
        "insufficient_scope",
        "The access token lacks a scope that this operation requires.",
    ),
    refusal("no_contract", 403, "unauthorized_client", "The client holds no contract for this API."),
    refusal("contract_suspended", 403, "unauthorized_client", "The client's contract for this API is suspended."),
    refusal("contract_expired", 403, "unauthorized_client", "The client's contract for this API has ended."),
    refusal(
        "contracts_not_loaded",
        503,
        "temporarily_unavailable",
        "Contracts cannot be checked at the moment. Try again later.",
    ),
    refusal(
        "provider_unavailable",
        503,
        "temporarily_unavailable",
        "The access token cannot be checked at the moment. Try again later.",
    ),
    refusal("provider_error", 502, "server_error", "The access token could not be checked."),
    refusal(
        "overloaded",
        503,
        "temporarily_unavailable",
        "Too many access tokens are being checked at the moment. Try again later.",
    ),
    refusal("internal_error", 500, "server_error", "The request could not be checked."),
];

const fn refusal(outcome: &'static str, status: u16, error: &'static str, description: &'static str) -> Refusal {
    Refusal { outcome, status, error, description }
}

impl Refusal {
    #[track_caller]
    pub fn of(outcome: &str) -> Self {
        let found = REFUSALS.into_iter().find(|refusal| refusal.outcome == outcome);
        found.unwrap_or_else(|| panic!("{outcome:?} refuses nobody"))
    }

    /// RFC 6750 section 3: the statuses 400 and 401, and 403 for a lack of scope.
    pub fn is_challenged(self) -> bool {
        matches!(self.status, 400 | 401) || self.error == "insufficient_scope"
    }
}

/// The reply is this outcome's refusal, in every part that the configuration cannot change.
#[track_caller]
pub fn assert_refused(outcome: &str, status: u16, body: &[u8], header: impl Fn(&str) -> Option<String>) {
    let refusal = Refusal::of(outcome);
    let text = String::from_utf8_lossy(body);
    assert_eq!(status, refusal.status, "not {outcome}: {text}");
    let shown: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{outcome}: {error}: {text}"));
    assert_eq!(shown, json!({"error": refusal.error, "error_description": refusal.description}), "not {outcome}");
    assert_eq!(header("content-type").as_deref(), Some("application/json"), "{outcome}");
    assert_eq!(header("cache-control").as_deref(), Some("no-store"), "{outcome}");
    assert_eq!(header("retry-after").is_some(), refusal.status == 503, "{outcome}");
    let challenge = header("www-authenticate");
    assert_eq!(challenge.is_some(), refusal.is_challenged(), "{outcome}: {challenge:?}");
    if let Some(challenge) = challenge {
        // RFC 6750 section 3.1: no error code where there were no credentials.
        let (error, description) = match outcome {
            "missing_token" => (None, None),
            _ => (Some(refusal.error), Some(refusal.description)),
        };
        assert_eq!(parameter(&challenge, "error").as_deref(), error, "{outcome}");
        assert_eq!(parameter(&challenge, "error_description").as_deref(), description, "{outcome}");
    }
}

/// A parameter of the challenge; the whole header must be one challenge, in the scheme `Bearer` or `DPoP`, by RFC 9110
/// section 11.6.1.
#[track_caller]
pub fn parameter(challenge: &str, name: &str) -> Option<String> {
    let parameters = parameters(challenge).unwrap_or_else(|| panic!("not one challenge: {challenge}"));
    let mut found = parameters.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value);
    let value = found.next();
    assert_eq!(found.next(), None, "{name} is given twice: {challenge}");
    value
}

fn parameters(header: &str) -> Option<Vec<(String, String)>> {
    let mut rest = header.strip_prefix("Bearer").or_else(|| header.strip_prefix("DPoP"))?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix(if found.is_empty() { " " } else { ", " })?;
        let (name, value) = rest.split_once("=\"")?;
        let (value, after) = quoted(value)?;
        found.push((name.to_owned(), value));
        rest = after;
    }
    Some(found)
}

/// What a quoted-string holds, after its opening quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    loop {
        match letters.next()? {
            (at, '"') => return Some((value, &text[at + 1..])),
            (_, '\\') => value.push(letters.next()?.1),
            (_, letter) => value.push(letter),
        }
    }
}

#[test]
fn a_challenge_is_read_strictly() {
    let read = |header: &str| parameters(header);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(read("Bearer"), Some(vec![]));
    assert_eq!(
        read(r#"Bearer a="1", b="x \"y\\", c="""#),
        Some(vec![pair("a", "1"), pair("b", "x \"y\\"), pair("c", "")])
    );
    for wrong in ["Basic", "Bearer ", "Bearer a=1", r#"Bearer a="1" b="2""#, r#"Bearer a="1"#, r#"Bearer, a="1""#] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}
