//! What APIs and operations require of a token: `token`, `claims`, `scopes` and `contract`.

use super::field::Field;
use super::key::{Key, Maybe, keys};
use super::kind::{Of, Word};
use super::pattern;
use super::problem::Code;
use super::references::References;
use super::section::Section;
use super::shape::Shape;
use crate::policy::claims::ClaimRule;
use crate::policy::rule::{ContractRule, TokenRule};
use crate::policy::scopes::ScopeRule;
use crate::token::scalar::scalar;

keys! {
    /// Scopes that a token must have: one of the two.
    SCOPES: ScopeKeys at "apis[].scopes", "apis[].operations[].scopes";
    /// Every one of these. None of them: an operation asks for none where its API asks for some.
    all: Maybe<Of<Vec<Box<str>>>> = optional(Of(|field| field.array(scope)))
        as Shape::list(Shape::Text(pattern::SCOPE));
    /// At least one of these.
    any: Maybe<Of<Vec<Box<str>>>> = optional(Of(|field| field.filled_array(scope)))
        as Shape::filled(Shape::Text(pattern::SCOPE));
}

pub(super) const TOKEN: Word<TokenRule> = Word(&[("required", TokenRule::Required), ("optional", TokenRule::Optional)]);

pub(super) const CONTRACT: Word<ContractRule> =
    Word(&[("required", ContractRule::Required), ("optional", ContractRule::Optional), ("none", ContractRule::None)]);

/// An object of JSON pointers and the values of which there must be one.
pub(super) const CLAIMS: Of<Vec<ClaimRule>> = Of(|field| field.map(claim));

/// A key of that kind is of this shape.
pub(super) fn claims_shape() -> Shape {
    Shape::map(pattern::POINTER, Shape::filled(Shape::Scalar))
}

pub(super) const SCOPE_RULE: Of<ScopeRule> = Of(|field| field.section(scopes));

/// What `key` says, else `default`. Contracts cannot be asked for where there are none.
pub(super) fn contract(
    section: &Section<'_>,
    key: &'static Key<Maybe<Word<ContractRule>>>,
    default: ContractRule,
    references: &References<'_>,
) -> Option<ContractRule> {
    let rule = section.get(key)?;
    if !references.contracts && rule.is_some_and(|rule| rule != ContractRule::None) {
        section.refuse_member(key.name(), Code::Conflict, "asks for contracts, but \"contracts\" is not configured");
        return None;
    }
    Some(rule.unwrap_or(default))
}

fn scopes(section: &Section<'_>) -> Option<ScopeRule> {
    match (section.has(&SCOPES.all), section.has(&SCOPES.any)) {
        (true, false) => section.get(&SCOPES.all)?.map(ScopeRule::All),
        (false, true) => section.get(&SCOPES.any)?.map(ScopeRule::Any),
        (both, _) => {
            section.refuse(none_or_several(both), "must hold either \"all\" or \"any\"");
            None
        }
    }
}

/// What is wrong where one of several members must be there.
pub(super) fn none_or_several(is_there: bool) -> Code {
    if is_there { Code::Conflict } else { Code::MissingMember }
}

fn scope(field: &Field<'_>) -> Option<Box<str>> {
    field.parsed(scope_token)
}

/// RFC 6749 §3.3: a scope-token.
fn scope_token(text: &str) -> Result<Box<str>, &'static str> {
    let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if text.is_empty() || !text.bytes().all(legal) {
        return Err("must be one scope: printable ASCII without spaces, quotes and backslashes");
    }
    Ok(text.into())
}

fn claim(pointer: &str, values: &Field<'_>) -> Option<ClaimRule> {
    if !is_pointer(pointer) {
        values.refuse(Code::BadValue, "must be named by a JSON pointer such as \"/realm\"");
        return None;
    }
    let values = values.filled_array(|element| {
        let value = scalar(element.value());
        if value.is_none() {
            element.refuse(Code::WrongType, "must be a string, a number or a boolean");
        }
        value
    })?;
    Some(ClaimRule { pointer: pointer.into(), values })
}

/// RFC 6901 §3, but for the pointer to the whole answer.
pub(super) fn is_pointer(text: &str) -> bool {
    text.len() > 1 && text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}
