//! `claims` of an API or operation: what a token must say.

use super::reader::Field;
use crate::policy::api::{Access, ApiSettings};
use crate::policy::claims::ClaimRule;
use crate::token::scalar::scalar;

/// Reads the object: JSON pointers and the values of which there must be one.
pub fn read(field: &Field<'_>) -> Option<Vec<ClaimRule>> {
    field.map(|pointer, values| {
        if !is_pointer(pointer) {
            values.refuse("must be named by a JSON pointer such as \"/realm\"");
            return None;
        }
        let values = values.filled_array(|element| {
            let value = scalar(element.value());
            if value.is_none() {
                element.refuse("must be a string, a number or a boolean");
            }
            value
        })?;
        Some(ClaimRule { pointer: pointer.into(), values })
    })
}

/// RFC 6901 §3, but for the pointer to the whole answer.
fn is_pointer(text: &str) -> bool {
    text.len() > 1 && text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

/// What all rules ask for: each pointer with each of its values, once.
pub fn asked(apis: &[ApiSettings]) -> Vec<(Box<str>, Box<str>)> {
    let guarded = apis.iter().flat_map(|api| {
        let operations = api.operations.iter().filter_map(|operation| match &operation.access {
            Access::Guarded(rule) => Some(&**rule),
            Access::Public => None,
        });
        operations.chain([&api.rule])
    });
    let mut asked: Vec<(Box<str>, Box<str>)> = Vec::new();
    for claim in guarded.flat_map(|rule| &rule.claims) {
        for value in &claim.values {
            let pair = (claim.pointer.clone(), value.clone());
            if !asked.contains(&pair) {
                asked.push(pair);
            }
        }
    }
    asked
}
