//! What the upstream receives: trustworthy identity headers, and no others under their names.

use crate::base::header_text;
use crate::base::headers::is_twin;
use crate::decision::decide::Permit;
use crate::policy::upstream::{IdentitySource, Upstream};
use crate::port::{HeaderEdits, HostFailure, RequestHead};
use crate::token::credential::{CookieToken, Likeness, QueryToken};
use crate::token::extract::{TokenSource, credentials};
use std::borrow::Cow;

pub use reserved::{Forged, ReservedNames};

mod reserved;

/// Writes the identity headers of a permitted request. [`ReservedNames`] have been stripped from it; `forged` is what was
/// there.
///
/// # Errors
/// [`HostFailure`]: the request must not pass then.
pub fn write_identity(permit: &Permit, forged: Forged, request: &impl HeaderEdits) -> Result<(), HostFailure> {
    let Upstream { headers, claims_prefix, .. } = &permit.api().upstream;
    if let Some(prefix) = claims_prefix {
        for (member, value) in permit.facts().claims.iter().filter(|(member, _)| !member.starts_with('/')) {
            let name = [prefix, &**member].concat();
            // No member of an answer replaces a header that is configured by name.
            let is_named = headers.iter().any(|(named, _)| header_text::are_twins(named, &name));
            if !value.is_empty() && !is_named {
                request.set(&name, value.as_bytes())?;
            }
        }
    }
    for (name, value) in headers {
        let Some(text) = text(value, permit).filter(|text| !text.is_empty()) else { continue };
        match forged {
            // Each is configured once, and no member has its name.
            Forged::Nothing => request.add(name, text.as_bytes())?,
            Forged::Something => request.set(name, text.as_bytes())?,
        }
    }
    Ok(())
}

/// Takes the credential out of a request with these headers, and whatever could be taken for it: where no token was
/// looked for, it may be anywhere.
///
/// # Errors
/// [`HostFailure`]: the request must not pass then.
pub fn remove_credential(
    sources: &[TokenSource],
    head: &impl RequestHead,
    request: &impl HeaderEdits,
) -> Result<(), HostFailure> {
    // The proof that came with it, which is of no use to anybody else (RFC 9449 §4.1).
    if head.first("dpop").is_some() {
        request.remove(b"dpop")?;
    }
    let mut path = head.first(":path").unwrap_or_default().to_vec();
    for source in sources {
        match source {
            TokenSource::Header { name, schemes } => {
                for twin in head.names().filter(|other| is_twin(other, name.as_bytes())) {
                    request.remove(twin)?;
                }
                // A value with another scheme is not an access token, and stays.
                if head.lines(name).any(|value| credentials(value, schemes).likeness != Likeness::Other) {
                    request.remove(name.as_bytes())?;
                }
            }
            TokenSource::Query(name) => {
                let query = QueryToken::named(name);
                if query.parameters(&path).any(|(likeness, _)| likeness != Likeness::Other) {
                    path = query.cut_from(&path);
                    request.set(":path", &path)?;
                }
            }
            TokenSource::Cookie(_) => {}
        }
    }
    match cookies_left(sources, head) {
        None => Ok(()),
        Some(left) if left.is_empty() => request.remove(b"cookie"),
        Some(left) => request.set("cookie", &left),
    }
}

/// The cookies without tokens, in one line; `None` where there are none to take out.
fn cookies_left(sources: &[TokenSource], head: &impl RequestHead) -> Option<Vec<u8>> {
    let mut left = Vec::new();
    let mut are_cut = false;
    for line in head.lines("cookie") {
        let mut line = line.to_vec();
        for source in sources {
            let TokenSource::Cookie(name) = source else { continue };
            let cookie = CookieToken::named(name);
            let has = |wanted| cookie.cookies(&line).any(|(likeness, _)| likeness == wanted);
            // If it is one cookie to some readers and several to others, removing a part could create new ones.
            if has(Likeness::Twin) {
                return Some(Vec::new());
            }
            if has(Likeness::Token) {
                are_cut = true;
                line = cookie.cut_from(&line);
            }
        }
        if !left.is_empty() && !line.is_empty() {
            left.extend_from_slice(b"; ");
        }
        left.extend_from_slice(&line);
    }
    are_cut.then_some(left)
}

fn text<'a>(value: &IdentitySource, permit: &'a Permit) -> Option<Cow<'a, str>> {
    let facts = permit.facts();
    let borrowed = match value {
        IdentitySource::ClientId => facts.client_id.as_deref(),
        IdentitySource::Subject => facts.subject.as_deref(),
        IdentitySource::Username => facts.username.as_deref(),
        IdentitySource::Issuer => facts.issuer.as_deref(),
        IdentitySource::Scope => return Some(header_text::list(&facts.scope, ' ').into()),
        IdentitySource::Provider => Some(&*permit.provider().name),
        IdentitySource::IntrospectionJwt => facts.introspection_jwt.as_deref(),
        IdentitySource::Api => Some(&*permit.api().id),
        IdentitySource::ContractTier => permit.contract().and_then(|contract| contract.tier.as_deref()),
        IdentitySource::ContractName => permit.contract().and_then(|contract| contract.name.as_deref()),
        // Stored as header text already.
        IdentitySource::Claim(pointer) => {
            let claim = facts.claims.iter().find(|(name, _)| name == pointer);
            return claim.map(|(_, value)| Cow::Borrowed(&**value));
        }
    };
    borrowed.map(header_text::value)
}
