//! A request for each outcome that can be explained, with what the servers answer.

use crate::scenarios::Request;
use crate::tokens::{Issuer, KeyKind, KeyPair, Proof};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use tessera_core::outcome::Outcome;

/// Of which one request and its answers tell nothing, and why.
pub const NEVER_EXPLAINED: [(Outcome, &str); 2] = [
    (Outcome::Overloaded, "it takes a thousand requests at the same time"),
    (Outcome::InternalError, "it takes a host that fails"),
];

/// A request, and what the servers answer.
pub struct Case {
    pub configuration: Value,
    pub request: Request,
    /// What the authorization server is asked about, if it is asked; nobody else has it.
    pub token: String,
    /// What is said of the token; `None`: nobody can be reached.
    pub facts: Option<Value>,
    /// What the cluster `keys` serves.
    pub keys: Value,
    /// What the source of contracts serves, at `/v1` of the cluster `contracts`, if it can be reached.
    pub contracts: Option<Value>,
}

impl Case {
    /// A good token, for an API that asks for all that it can ask for.
    fn new(now: u64) -> Self {
        let token = token();
        let facts = json!({
            "active": true, "client_id": "portal", "scope": "orders.read", "realm": "orders", "exp": now + 600,
            "iss": "https://idp.example.com", "aud": "https://api.example.com",
        });
        Self {
            configuration: configuration(),
            request: Request::get("/orders/1").bearer(&token),
            token,
            facts: Some(facts),
            keys: json!({"keys": []}),
            contracts: None,
        }
    }

    /// With these facts besides.
    fn saying(mut self, further: Value) -> Self {
        let (Some(Value::Object(facts)), Value::Object(further)) = (&mut self.facts, further) else {
            panic!("objects")
        };
        facts.extend(further);
        self
    }

    fn sending(self, request: Request) -> Self {
        Self { request, ..self }
    }

    /// Contracts come from a source, which serves these or cannot be reached; and what no API claims passes.
    fn polling(mut self, contracts: Option<Value>) -> Self {
        self.configuration["contracts"] =
            json!({"source": {"url": "http://contracts.example.com/v1", "cluster": "contracts"}});
        self.configuration["no_match"] = json!("pass");
        Self { contracts, ..self }
    }

    /// `explain`'s URL.
    pub fn url(&self) -> String {
        format!("http://api.example.com{}", self.request.target)
    }

    /// The header lines as somebody types them.
    pub fn lines(&self) -> Vec<Vec<u8>> {
        self.request.headers.iter().map(|(name, value)| [name.as_bytes(), b": ", value].concat()).collect()
    }
}

fn token() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Mixed, so that no token is the beginning of another.
    format!("{:016x}-explained", NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn configuration() -> Value {
    json!({
        "access_log": "all",
        "dpop": {"max_age": "1h"},
        "providers": [
            {
                "name": "main", "issuer": "https://idp.example.com", "audiences": ["https://api.example.com"],
                "introspection": {
                    "endpoint": "http://idp.example.com/introspect", "cluster": "idp", "retries": 0,
                    "client": {"id": "gateway", "auth": "none"},
                },
            },
            {
                "name": "signing", "issuer": "https://signing.example.com",
                "jwt": {"keys": {"url": "https://signing.example.com/keys", "cluster": "keys"}, "algorithms": ["ES256"]},
            },
        ],
        "apis": [
            {
                "id": "orders-v1", "match": {"paths": ["/orders/"]}, "providers": ["main"],
                "scopes": {"all": ["orders.read"]}, "claims": {"/realm": ["orders"]},
                "operations": [{"match": {"paths": ["/orders/health"]}, "public": true}],
                "resource": {"identifier": "https://api.example.com/orders"},
            },
            {"id": "signed", "match": {"paths": ["/signed/"]}, "providers": ["signing"], "contract": "none"},
            {
                "id": "free", "match": {"paths": ["/free/"]}, "providers": ["main"], "token": "optional",
                "contract": "none",
            },
        ],
        "contracts": {"inline": [
            {"api": "orders-v1", "client_id": "portal", "tier": "gold"},
            {"api": "orders-v1", "client_id": "halted", "status": "suspended"},
            {"api": "orders-v1", "client_id": "ended", "expires_at": "2025-12-31T00:00:00Z"},
        ]},
    })
}

/// One at least for each outcome that can be explained; `now` in seconds since the epoch, good for some minutes.
pub fn cases(now: u64) -> Vec<(Outcome, Case)> {
    // One whose keys all can have.
    let issuer = Issuer::new("https://signing.example.com", now, &[KeyKind::P256]);
    let mut cases = of_requests(now);
    cases.extend(of_facts(now));
    cases.extend(of_jwts(now, &issuer));
    cases.extend(of_proofs(now));
    cases.extend(of_contracts(now));
    for (_, case) in &mut cases {
        case.keys = issuer.jwks();
    }
    cases
}

fn of_requests(now: u64) -> Vec<(Outcome, Case)> {
    let sent = |target: &str| Case::new(now).sending(Request::get(target));
    let token = token();
    let metadata = "/.well-known/oauth-protected-resource/orders";
    vec![
        (Outcome::Public, sent("/orders/health")),
        (Outcome::Anonymous, sent("/free/1")),
        (Outcome::UnknownApi, sent("/elsewhere")),
        (Outcome::ResourceMetadata, sent(metadata)),
        (Outcome::ResourceMetadata, Case::new(now).sending(Request::get(metadata).method("POST"))),
        (Outcome::InvalidRequest, sent("/orders/../elsewhere")),
        (Outcome::InvalidRequest, Case::new(now).sending(Request::get("/orders/1").bearer("a,b"))),
        (Outcome::InvalidRequest, Case::new(now).sending(Request::get("/orders/1").bearer(&token).bearer(&token))),
        (Outcome::MissingToken, sent("/orders/1")),
    ]
}

fn of_facts(now: u64) -> Vec<(Outcome, Case)> {
    let said = |further: Value| Case::new(now).saying(further);
    vec![
        (Outcome::Allowed, Case::new(now)),
        (Outcome::Inactive, said(json!({"active": false}))),
        (Outcome::ProviderError, said(json!({"active": "yes"}))),
        (Outcome::ProviderUnavailable, Case { facts: None, ..Case::new(now) }),
        (Outcome::Expired, said(json!({"exp": now - 60}))),
        (Outcome::NotYetValid, said(json!({"nbf": now + 3600}))),
        (Outcome::WrongIssuer, said(json!({"iss": "https://other.example.com"}))),
        (Outcome::WrongAudience, said(json!({"aud": ["https://other.example.com"]}))),
        (Outcome::WrongTokenType, said(json!({"token_use": "refresh_token"}))),
        (Outcome::WrongClaims, said(json!({"realm": "other"}))),
        (Outcome::InsufficientScope, said(json!({"scope": "orders.write"}))),
        (Outcome::NoContract, said(json!({"client_id": "stranger"}))),
        (Outcome::ContractSuspended, said(json!({"client_id": "halted"}))),
        (Outcome::ContractExpired, said(json!({"client_id": "ended"}))),
    ]
}

fn of_jwts(now: u64, issuer: &Issuer) -> Vec<(Outcome, Case)> {
    // Who has not its keys.
    let stranger = Issuer::new("https://signing.example.com", now, &[KeyKind::P256]);
    let token = |further: Value| issuer.token("ES256", further);
    let (one, other) = (token(json!({"jti": "one"})), token(json!({"jti": "other"})));
    let spoilt = format!("{}.{}", one.rsplit_once('.').expect("a JWT").0, other.rsplit_once('.').expect("a JWT").1);
    [
        (Outcome::Allowed, one),
        (Outcome::BadSignature, spoilt),
        (Outcome::BadSignature, stranger.token("ES256", json!({}))),
        (Outcome::MalformedToken, self::token()),
        (Outcome::MalformedToken, token(json!({"exp": null}))),
        (Outcome::WrongIssuer, token(json!({"iss": "https://other.example.com"}))),
        (Outcome::WrongTokenType, issuer.token_with("ES256", json!({"typ": "id+jwt"}), json!({}))),
        (Outcome::Expired, token(json!({"exp": now - 60}))),
    ]
    .map(|(outcome, token)| (outcome, Case::new(now).sending(Request::get("/signed/1").bearer(&token))))
    .into()
}

fn of_proofs(now: u64) -> Vec<(Outcome, Case)> {
    let key = KeyPair::generate(KeyKind::P256);
    let bound = || Case::new(now).saying(json!({"cnf": {"jkt": key.thumbprint()}}));
    let shown = |token: &str| {
        let request = Request::get("/orders/1").header("authorization", format!("DPoP {token}"));
        request.header("x-forwarded-proto", "https")
    };
    let proven = |change: fn(Proof<'_>, u64) -> Proof<'_>| {
        let case = bound();
        let proof = Proof::new(&key, "GET", "https://api.example.com/orders/1", now).token(&case.token);
        let request = shown(&case.token).header("dpop", change(proof, now).sign());
        case.sending(request)
    };
    let unproven = bound();
    let request = shown(&unproven.token);
    vec![
        (Outcome::Allowed, proven(|proof, _| proof)),
        (Outcome::ProofMissing, unproven.sending(request)),
        (Outcome::ProofMissing, bound()),
        (Outcome::ProofInvalid, proven(|proof, _| proof.claim("htm", json!("PUT")))),
        (Outcome::ProofInvalid, proven(|proof, now| proof.claim("iat", json!(now - 36_000)))),
    ]
}

fn of_contracts(now: u64) -> Vec<(Outcome, Case)> {
    let served = json!({"contracts": [{"api": "orders-v1", "client_id": "portal", "tier": "silver"}]});
    vec![
        (Outcome::Allowed, Case::new(now).polling(Some(served.clone()))),
        (Outcome::NoContract, Case::new(now).polling(Some(served)).saying(json!({"client_id": "stranger"}))),
        (Outcome::ContractsNotLoaded, Case::new(now).polling(None)),
        (Outcome::Unmatched, Case::new(now).sending(Request::get("/elsewhere")).polling(None)),
        (Outcome::ContractsNotLoaded, Case::new(now).polling(Some(json!({"contracts": 7})))),
    ]
}

/// Every outcome has a case, or is said to have none.
#[track_caller]
pub fn assert_every_outcome_is_among(cases: &[(Outcome, Case)]) {
    let explained: BTreeSet<Outcome> = cases.iter().map(|(outcome, _)| *outcome).collect();
    let said = NEVER_EXPLAINED.into_iter().map(|(outcome, _)| outcome).collect();
    assert!(explained.is_disjoint(&said), "explained after all: {:?}", explained.intersection(&said));
    let missing: Vec<&str> = Outcome::ALL
        .into_iter()
        .filter(|one| !explained.contains(one) && !said.contains(one))
        .map(Outcome::name)
        .collect();
    assert!(missing.is_empty(), "without a case: {missing:?}");
}
