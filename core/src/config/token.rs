//! `token`: where access tokens are looked for.

use super::reader::Object;
use crate::base::fields::{is_header_name, is_token};
use crate::base::headers::is_twin;
use crate::token::credential::resembles;
use crate::token::extract::{Settings, Source};

/// The settings without a `token` member.
pub fn default() -> Settings {
    Settings { sources: vec![bearer()], max_length: 8192 }
}

fn bearer() -> Source {
    Source::Header { name: "authorization".into(), scheme: Some("Bearer".into()) }
}

/// Reads the object.
pub fn read(object: &Object<'_>) -> Option<Settings> {
    let sources = object.or("sources", vec![bearer()], |field| {
        let sources = field.filled_array(|element| element.object(source))?;
        for (index, source) in sources.iter().enumerate() {
            if sources.iter().take(index).any(|other| same_place(other, source)) {
                field.refuse("names one place twice");
                return None;
            }
        }
        Some(sources)
    });
    let max_length = object.or("max_length", 8192, |field| field.integer(1..=65_536));
    Some(Settings { sources: sources?, max_length: usize::try_from(max_length?).ok()? })
}

fn same_place(one: &Source, other: &Source) -> bool {
    match (one, other) {
        (Source::Header { name: one, .. }, Source::Header { name: other, .. }) => {
            one == other || is_twin(one.as_bytes(), other.as_bytes())
        }
        (Source::Query(one), Source::Query(other)) => are_alike(one, other, true),
        (Source::Cookie(one), Source::Cookie(other)) => are_alike(one, other, false),
        _ => false,
    }
}

/// A token in one place would always be one in the wrong place, too.
fn are_alike(one: &str, other: &str, ignore_case: bool) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    resembles(one, other, ignore_case) || resembles(other, one, ignore_case)
}

fn source(object: &Object<'_>) -> Option<Source> {
    let header = object.optional("header");
    let query = object.optional("query");
    let cookie = object.optional("cookie");
    match (header, query, cookie) {
        (Some(header), None, None) => {
            let name = header.parsed(header_name);
            let scheme = object.or("scheme", None, |field| field.parsed(scheme).map(Some));
            let (name, scheme) = (name?, scheme?);
            if scheme.is_none() && &*name == "authorization" {
                object.refuse("\"scheme\" is required with the header authorization, such as \"Bearer\"");
                return None;
            }
            Some(Source::Header { name, scheme })
        }
        (None, Some(query), None) => query.text().map(Source::Query),
        (None, None, Some(cookie)) => cookie.parsed(cookie_name).map(Source::Cookie),
        _ => {
            object.pass_over(&["scheme"]);
            object.refuse("must hold one of \"header\", \"query\" and \"cookie\"");
            None
        }
    }
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
