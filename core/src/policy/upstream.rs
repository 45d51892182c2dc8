//! What the upstream of an API learns about a caller.

/// The headers of one API's upstream.
#[derive(Clone, Debug, Default)]
pub struct Upstream {
    /// Header names (lower case) and what they carry.
    pub headers: Vec<(Box<str>, IdentitySource)>,
    /// Every scalar member of the answer becomes a header of this prefix and its name.
    pub claims_prefix: Option<Box<str>>,
    /// Whether the credential stays in the request.
    pub forward_token: bool,
    /// Whether the route is chosen anew once the headers are set, on a host that leaves that to whoever sets them.
    pub rematch_route: bool,
}

/// Where the value of an identity header comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    ClientId,
    /// `sub`.
    Subject,
    Scope,
    /// `username`.
    Username,
    /// `iss`.
    Issuer,
    /// Name of the provider that vouches for the token.
    Provider,
    Api,
    ContractTier,
    ContractName,
    /// The signed answer itself (RFC 9701), for an upstream that verifies it once more.
    IntrospectionJwt,
    /// A member of the answer, by JSON pointer (RFC 6901).
    Claim(Box<str>),
}
