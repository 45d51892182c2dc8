//! `token`: where to look for access tokens.

use super::field::{Field, repeated};
use super::key::{Maybe, keys};
use super::kind::{Of, Parsed, TEXT, Whole};
use super::pattern;
use super::problem::Code;
use super::rules::none_or_several;
use super::section::Section;
use super::shape::Shape;
use crate::base::fields::{is_header_name, is_token};
use crate::base::headers::is_twin;
use crate::token::credential::resembles;
use crate::token::extract::{DPOP, TokenSettings, TokenSource};

keys! {
    /// Where tokens are looked for.
    TOKEN: TokenKeys at "token";
    /// Places to look in; a token in two of them is refused.
    sources: Of<Vec<TokenSource>> =
        or(Of(sources), "[{\"header\": \"authorization\", \"scheme\": \"Bearer\"}]") as Shape::filled(Shape::Section);
    /// Longest token in bytes.
    max_length: Whole = or(Whole(1, 65_536), "8192");
}

keys! {
    /// A place where a token may be: one of `header`, `query` and `cookie`.
    SOURCE: SourceKeys at "token.sources[]";
    /// Name of a request header.
    header: Maybe<Parsed<Box<str>>> = optional(Parsed(header_name)) as Shape::Text(pattern::TOKEN);
    /// Name of a query parameter.
    query: Maybe<Of<Box<str>>> = optional(TEXT);
    /// Name of a cookie, with case.
    cookie: Maybe<Parsed<Box<str>>> = optional(Parsed(cookie_name)) as Shape::Text(pattern::TOKEN);
    /// What stands before the token in a header, in any case. Required for `authorization`.
    scheme: Maybe<Parsed<Box<str>>> = optional(Parsed(scheme)) as Shape::Text(pattern::TOKEN);
}

pub(super) fn read(section: &Section<'_>) -> Option<TokenSettings> {
    let sources = section.get(&TOKEN.sources);
    let max_length = section.get(&TOKEN.max_length);
    Some(TokenSettings { sources: sources?, max_length: usize::try_from(max_length?).ok()? })
}

/// `authorization` with `Bearer` takes tokens that come with a proof, too (RFC 9449 §7.1).
pub(super) fn taking_dpop(mut settings: TokenSettings) -> TokenSettings {
    for source in &mut settings.sources {
        if let TokenSource::Header { name, schemes } = source
            && &**name == "authorization"
            && schemes.iter().all(|scheme| scheme.eq_ignore_ascii_case("Bearer"))
        {
            schemes.push(DPOP.into());
        }
    }
    settings
}

fn sources(field: &Field<'_>) -> Option<Vec<TokenSource>> {
    let sources = field.filled_array(|element| element.section(source))?;
    if repeated(&sources, is_same_place).next().is_some() {
        field.refuse(Code::Conflict, "names one place twice");
        return None;
    }
    Some(sources)
}

fn is_same_place(one: &TokenSource, other: &TokenSource) -> bool {
    match (one, other) {
        (TokenSource::Header { name: one, .. }, TokenSource::Header { name: other, .. }) => {
            one == other || is_twin(one.as_bytes(), other.as_bytes())
        }
        (TokenSource::Query(one), TokenSource::Query(other)) => are_alike(one, other, true),
        (TokenSource::Cookie(one), TokenSource::Cookie(other)) => are_alike(one, other, false),
        _ => false,
    }
}

/// A token in one place would always be one in the wrong place, too.
fn are_alike(one: &str, other: &str, ignore_case: bool) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    resembles(one, other, ignore_case) || resembles(other, one, ignore_case)
}

fn source(section: &Section<'_>) -> Option<TokenSource> {
    match (section.has(&SOURCE.header), section.has(&SOURCE.query), section.has(&SOURCE.cookie)) {
        (true, false, false) => header(section),
        (false, true, false) => section.get(&SOURCE.query)?.map(TokenSource::Query),
        (false, false, true) => section.get(&SOURCE.cookie)?.map(TokenSource::Cookie),
        (header, query, cookie) => {
            section.pass_over(&SOURCE.scheme);
            section.refuse(
                none_or_several(header || query || cookie),
                "must hold one of \"header\", \"query\" and \"cookie\"",
            );
            None
        }
    }
}

fn header(section: &Section<'_>) -> Option<TokenSource> {
    let name = section.get(&SOURCE.header);
    let scheme = section.get(&SOURCE.scheme);
    let (name, scheme) = (name??, scheme?);
    if scheme.is_none() && &*name == "authorization" {
        section.refuse(Code::MissingMember, "\"scheme\" is required with the header authorization, such as \"Bearer\"");
        return None;
    }
    Some(TokenSource::Header { name, schemes: scheme.into_iter().collect() })
}

fn header_name(text: &str) -> Result<Box<str>, &'static str> {
    let lower = text.to_ascii_lowercase();
    if !is_header_name(&lower) || ["cookie", "host"].contains(&lower.as_str()) {
        return Err("must be a header name that can hold a token");
    }
    Ok(lower.into())
}

fn scheme(text: &str) -> Result<Box<str>, &'static str> {
    if !is_token(text.as_bytes()) {
        return Err("must be an authentication scheme such as \"Bearer\"");
    }
    Ok(text.into())
}

fn cookie_name(text: &str) -> Result<Box<str>, &'static str> {
    if !is_token(text.as_bytes()) {
        return Err("must be a cookie name");
    }
    Ok(text.into())
}
