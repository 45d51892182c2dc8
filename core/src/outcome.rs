//! Every ending a request can have, in one list: its name, status and error code.

/// How a request ended. The names are public: metrics, access logs and dashboards use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The token is good, its scopes suffice and the contract (if one is required) is held.
    Allowed,
    /// A public operation; no token was looked at.
    Public,
    /// No token, where none is required.
    Anonymous,
    /// No API matches and the configuration lets such requests pass.
    Unmatched,
    /// No API matches.
    UnknownApi,
    /// The request itself is wrong: token twice or malformed, or an ambiguous method, host or path.
    InvalidRequest,
    /// No token.
    MissingToken,
    /// The authorization server says the token is not active.
    Inactive,
    /// Past `exp`.
    Expired,
    /// Before `nbf`.
    NotYetValid,
    /// Issued by somebody else.
    WrongIssuer,
    /// Issued for somebody else.
    WrongAudience,
    /// Another kind of token than an access token.
    WrongTokenType,
    /// Does not say what the operation asks for.
    WrongClaims,
    /// Bound to a key, and nobody proved possession of it.
    ProofMissing,
    /// The token lacks a scope that the operation asks for.
    InsufficientScope,
    /// The client holds no contract that grants.
    NoContract,
    /// The client's contract is suspended.
    ContractSuspended,
    /// The client's contract has ended.
    ContractExpired,
    /// The contracts are not loaded yet, or too old to be relied on.
    ContractsNotLoaded,
    /// The authorization server cannot be asked.
    ProviderUnavailable,
    /// The authorization server gave no usable answer.
    ProviderError,
    /// As many requests already wait for an authorization server as memory allows.
    Overloaded,
    /// The filter could not do its own work.
    InternalError,
}

/// What a caller is told of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// `error` of the body (and of the challenge, where RFC 6750 has one).
    pub error: &'static str,
    /// `error_description`: fixed text, so nothing from a server can reach a caller.
    pub description: &'static str,
}

impl Outcome {
    /// Every outcome, in the order in which a request can meet them.
    pub const ALL: [Self; 24] = [
        Self::Allowed,
        Self::Public,
        Self::Anonymous,
        Self::Unmatched,
        Self::UnknownApi,
        Self::InvalidRequest,
        Self::MissingToken,
        Self::Inactive,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::WrongTokenType,
        Self::WrongClaims,
        Self::ProofMissing,
        Self::InsufficientScope,
        Self::NoContract,
        Self::ContractSuspended,
        Self::ContractExpired,
        Self::ContractsNotLoaded,
        Self::ProviderUnavailable,
        Self::ProviderError,
        Self::Overloaded,
        Self::InternalError,
    ];

    /// The name in metrics and in the stream property `tessera.outcome`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Public => "public",
            Self::Anonymous => "anonymous",
            Self::Unmatched => "unmatched",
            Self::UnknownApi => "unknown_api",
            Self::InvalidRequest => "invalid_request",
            Self::MissingToken => "missing_token",
            Self::Inactive => "inactive",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::WrongTokenType => "wrong_token_type",
            Self::WrongClaims => "wrong_claims",
            Self::ProofMissing => "proof_missing",
            Self::InsufficientScope => "insufficient_scope",
            Self::NoContract => "no_contract",
            Self::ContractSuspended => "contract_suspended",
            Self::ContractExpired => "contract_expired",
            Self::ContractsNotLoaded => "contracts_not_loaded",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderError => "provider_error",
            Self::Overloaded => "overloaded",
            Self::InternalError => "internal_error",
        }
    }

    /// What the caller is told; `None` for an outcome that lets the request pass.
    pub const fn answer(self) -> Option<Answer> {
        const fn answer(status: u16, error: &'static str, description: &'static str) -> Option<Answer> {
            Some(Answer { status, error, description })
        }
        match self {
            Self::Allowed | Self::Public | Self::Anonymous | Self::Unmatched => None,
            Self::UnknownApi => answer(404, "not_found", "No API is served under this address."),
            Self::InvalidRequest => answer(
                400,
                "invalid_request",
                "The request carries a malformed, repeated or misplaced access token, or an ambiguous method, host \
                 or path.",
            ),
            Self::MissingToken => answer(401, "missing_token", "An access token is required."),
            Self::Inactive => answer(401, "invalid_token", "The access token is not active."),
            Self::Expired => answer(401, "invalid_token", "The access token has expired."),
            Self::NotYetValid => answer(401, "invalid_token", "The access token is not valid yet."),
            Self::WrongIssuer => answer(401, "invalid_token", "The access token is from another issuer."),
            Self::WrongAudience => answer(401, "invalid_token", "The access token is for another audience."),
            Self::WrongTokenType => answer(401, "invalid_token", "The token is no access token."),
            Self::WrongClaims => {
                answer(403, "insufficient_scope", "The access token lacks a claim that this operation requires.")
            }
            Self::ProofMissing => {
                answer(401, "invalid_token", "The access token is bound to a key and needs a proof of possession.")
            }
            Self::InsufficientScope => {
                answer(403, "insufficient_scope", "The access token lacks a scope that this operation requires.")
            }
            Self::NoContract => answer(403, "unauthorized_client", "The client holds no contract for this API."),
            Self::ContractSuspended => {
                answer(403, "unauthorized_client", "The client's contract for this API is suspended.")
            }
            Self::ContractExpired => {
                answer(403, "unauthorized_client", "The client's contract for this API has ended.")
            }
            Self::ContractsNotLoaded => {
                answer(503, "temporarily_unavailable", "Contracts cannot be checked at the moment. Try again later.")
            }
            Self::ProviderUnavailable => answer(
                503,
                "temporarily_unavailable",
                "The access token cannot be checked at the moment. Try again later.",
            ),
            Self::Overloaded => answer(
                503,
                "temporarily_unavailable",
                "Too many access tokens are being checked at the moment. Try again later.",
            ),
            Self::ProviderError => answer(502, "server_error", "The access token could not be checked."),
            Self::InternalError => answer(500, "server_error", "The request could not be checked."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_outcomes_pass_and_every_name_is_its_own() {
        let passing: Vec<_> = Outcome::ALL.into_iter().filter(|outcome| outcome.answer().is_none()).collect();
        assert_eq!(passing, [Outcome::Allowed, Outcome::Public, Outcome::Anonymous, Outcome::Unmatched]);
        let names: std::collections::BTreeSet<_> = Outcome::ALL.into_iter().map(Outcome::name).collect();
        assert_eq!(names.len(), Outcome::ALL.len());
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index, "ALL lists the outcomes in the order of the enum");
        }
    }
}
