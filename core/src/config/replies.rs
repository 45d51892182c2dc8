//! `replies`: how refusals are worded.

use super::key::{Maybe, keys};
use super::kind::{Nullable, Of, Parsed, Span, URL_TEXT};
use super::pattern;
use super::section::Section;
use super::shape::Shape;
use crate::base::fields::is_header_value;
use crate::reply::ReplySettings;
use std::time::Duration;

keys! {
    /// How refusals are worded.
    REPLIES: ReplyKeys at "replies";
    /// `realm` of challenges; without it, they have none.
    realm: Maybe<Parsed<Box<str>>> = optional(Parsed(quotable)) as Shape::Text(pattern::HEADER_VALUE_OR_NONE);
    /// Address of a resource's metadata (RFC 9728), named in challenges of APIs without `resource`.
    resource_metadata: Nullable<Of<Box<str>>> = or(Nullable(URL_TEXT), "null")
        as Shape::nullable(Shape::Text(pattern::URL));
    /// `Retry-After` of a 503 where the authorization server asks for no other time, in whole seconds, rounded up.
    retry_after: Span = or(Span(Duration::from_millis(1), Duration::from_secs(86_400)), "\"5s\"");
}

pub(super) fn read(section: &Section<'_>) -> Option<ReplySettings> {
    let realm = section.get(&REPLIES.realm);
    let resource_metadata = section.get(&REPLIES.resource_metadata);
    let retry_after = section.get(&REPLIES.retry_after);
    Some(ReplySettings {
        realm: realm?,
        resource_metadata: resource_metadata?,
        retry_after: retry_after?,
        ..ReplySettings::default()
    })
}

fn quotable(text: &str) -> Result<Box<str>, &'static str> {
    if !is_header_value(text) {
        return Err("must be printable ASCII without spaces at its ends");
    }
    Ok(text.into())
}
