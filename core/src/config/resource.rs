//! `resource`: an API as a protected resource that clients find by its metadata (RFC 9728).

use super::field::{Field, repeated};
use super::key::{Key, Maybe, keys};
use super::kind::{Of, Parsed, TEXT, URL_TEXT};
use super::pattern;
use super::problem::Code;
use super::section::Section;
use super::shape::Shape;
use crate::base::json::Json;
use crate::policy::resource::{ProtectedResource, ResourceIdentifier};

keys! {
    /// What an API is called outside. The filter itself answers requests for its metadata.
    RESOURCE: ResourceKeys at "apis[].resource";
    /// The URL by which clients know the API.
    identifier: Parsed<ResourceIdentifier> = required(Parsed(ResourceIdentifier::parse))
        as Shape::Text(pattern::IDENTIFIER);
    /// A name for people.
    name: Maybe<Of<Box<str>>> = optional(TEXT);
    /// Address of what developers read about it.
    documentation: Maybe<Of<Box<str>>> = optional(URL_TEXT) as Shape::Text(pattern::URL);
}

pub(super) const OBJECT: Of<ProtectedResource> = Of(|field| field.section(read));

fn read(section: &Section<'_>) -> Option<ProtectedResource> {
    let identifier = section.get(&RESOURCE.identifier);
    let name = section.get(&RESOURCE.name);
    let documentation = section.get(&RESOURCE.documentation);
    Some(ProtectedResource { identifier: identifier?, name: name?, documentation: documentation? })
}

/// Whether no two of these APIs, sound or not, have their metadata at one address.
pub(super) fn are_told_apart<K>(apis: &Field<'_>, key: &Key<K>) -> bool {
    let identifier = |resource: Option<&Json<'_>>| match resource? {
        Json::Object(members) => ResourceIdentifier::parse(members.get(RESOURCE.identifier.name())?.as_text()?).ok(),
        _ => None,
    };
    let identifiers: Vec<_> = apis.values(key).into_iter().map(identifier).collect();
    let is_same = |one: &Option<ResourceIdentifier>, other: &Option<ResourceIdentifier>| match (one, other) {
        (Some(one), Some(other)) => one.is_twin(other),
        _ => false,
    };
    let reason = "has its metadata where another API has: identifiers must differ in host or path, and not only in case, \
                  port or a slash at the end";
    repeated(&identifiers, is_same).map(|index| apis.refuse_within(index, key, Code::Conflict, reason)).count() == 0
}
