//! Every way a request can end, each once: its name, and what the caller receives.

/// What a refused caller receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// `error` of the body (and of the challenge, where RFC 6750 has one).
    pub error: &'static str,
    /// `error_description`: fixed text, so nothing from a server can reach a caller.
    pub description: &'static str,
}

const fn passes() -> Option<Answer> {
    None
}

const fn is_answered() -> Option<Answer> {
    None
}

const fn refuses(status: u16, error: &'static str, description: &'static str) -> Option<Answer> {
    Some(Answer { status, error, description })
}

macro_rules! outcomes {
    ($($(#[$doc:meta])+ $outcome:ident = $name:literal, $answer:expr;)+) => {
        /// How a request ended. The names are public: metrics, access logs and dashboards use them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Outcome { $($(#[$doc])+ $outcome,)+ }

        impl Outcome {
            /// Every outcome, in the order in which a request can meet them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$outcome),+];

            /// The name in metrics and in the stream property `tessera.outcome`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$outcome => $name,)+ }
            }

            /// What the caller receives; `None` for an outcome that is no refusal.
            pub const fn answer(self) -> Option<Answer> {
                match self { $(Self::$outcome => $answer,)+ }
            }
        }
    };
}

outcomes! {
    /// The token is good, its scopes suffice and there is a contract, if one is required.
    Allowed = "allowed", passes();
    /// A public operation; no token was looked at.
    Public = "public", passes();
    /// No token, where none is required.
    Anonymous = "anonymous", passes();
    /// No API matches and the configuration lets such requests pass.
    Unmatched = "unmatched", passes();
    /// Asked for the metadata of a protected resource; the filter answers itself.
    ResourceMetadata = "resource_metadata", is_answered();
    /// No API matches.
    UnknownApi = "unknown_api", refuses(404, "not_found", "No API is served under this address.");
    /// The request itself is wrong: token twice or malformed, or an ambiguous method, host or path.
    InvalidRequest = "invalid_request", refuses(400, "invalid_request",
        "The request carries a malformed, repeated or misplaced access token, or an ambiguous method, \
        host or path.");
    /// No token.
    MissingToken = "missing_token", refuses(401, "missing_token", "An access token is required.");
    /// The authorization server says the token is not active.
    Inactive = "inactive", refuses(401, "invalid_token", "The access token is not active.");
    /// Past `exp`.
    Expired = "expired", refuses(401, "invalid_token", "The access token has expired.");
    /// Before `nbf`.
    NotYetValid = "not_yet_valid", refuses(401, "invalid_token", "The access token is not valid yet.");
    /// Issued by somebody else.
    WrongIssuer = "wrong_issuer", refuses(401, "invalid_token", "The access token is from another issuer.");
    /// Issued for somebody else.
    WrongAudience = "wrong_audience", refuses(401, "invalid_token", "The access token is for another audience.");
    /// Another kind of token than an access token.
    WrongTokenType = "wrong_token_type", refuses(401, "invalid_token", "The token is no access token.");
    /// Does not say what the operation asks for.
    WrongClaims = "wrong_claims", refuses(403, "insufficient_scope",
        "The access token lacks a claim that this operation requires.");
    /// Bound to a key, and nobody proved possession of it.
    ProofMissing = "proof_missing", refuses(401, "invalid_token",
        "The access token is bound to a key and needs a proof of possession.");
    /// Possession of the key that it is bound to is not proved by what was shown.
    ProofInvalid = "proof_invalid", refuses(401, "invalid_token",
        "The proof of possession is not valid for this access token and this request.");
    /// A JWT whose signature is not one of its issuer's.
    BadSignature = "bad_signature", refuses(401, "invalid_token", "The access token's signature cannot be verified.");
    /// Not a token that this provider issues.
    MalformedToken = "malformed_token", refuses(401, "invalid_token", "The access token is malformed.");
    /// The token lacks a scope that the operation asks for.
    InsufficientScope = "insufficient_scope", refuses(403, "insufficient_scope",
        "The access token lacks a scope that this operation requires.");
    /// The client has no contract that grants.
    NoContract = "no_contract", refuses(403, "unauthorized_client", "The client holds no contract for this API.");
    /// The client's contract is suspended.
    ContractSuspended = "contract_suspended", refuses(403, "unauthorized_client",
        "The client's contract for this API is suspended.");
    /// The client's contract has ended.
    ContractExpired = "contract_expired", refuses(403, "unauthorized_client",
        "The client's contract for this API has ended.");
    /// The contracts are not loaded yet, or too old to be relied on.
    ContractsNotLoaded = "contracts_not_loaded", refuses(503, "temporarily_unavailable",
        "Contracts cannot be checked at the moment. Try again later.");
    /// The authorization server cannot be asked.
    ProviderUnavailable = "provider_unavailable", refuses(503, "temporarily_unavailable",
        "The access token cannot be checked at the moment. Try again later.");
    /// The authorization server gave no usable answer.
    ProviderError = "provider_error", refuses(502, "server_error", "The access token could not be checked.");
    /// As many requests already wait for an authorization server as memory allows.
    Overloaded = "overloaded", refuses(503, "temporarily_unavailable",
        "Too many access tokens are being checked at the moment. Try again later.");
    /// The filter could not do its own work.
    InternalError = "internal_error", refuses(500, "server_error", "The request could not be checked.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_five_outcomes_are_no_refusals_and_every_name_is_its_own() {
        let others: Vec<_> = Outcome::ALL.into_iter().filter(|outcome| outcome.answer().is_none()).collect();
        let passing = [Outcome::Allowed, Outcome::Public, Outcome::Anonymous, Outcome::Unmatched];
        assert_eq!(others, [&passing[..], &[Outcome::ResourceMetadata]].concat());
        let names: std::collections::BTreeSet<_> = Outcome::ALL.into_iter().map(Outcome::name).collect();
        assert_eq!(names.len(), Outcome::ALL.len());
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index, "ALL lists the outcomes in the order of the enum");
        }
    }
}
