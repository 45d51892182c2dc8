//! Claims for the upstream, as header text.

use crate::base::header_text;
use crate::base::json::{Json, Object};

/// What the pointers lead to, under their own text, and, where they are asked for, all scalar members, under the end of
/// a header's name.
pub(super) fn claims(claims: &Object<'_>, pointers: &[Box<str>], all_scalars: bool) -> Vec<(Box<str>, Box<str>)> {
    let pointed = pointers.iter().filter_map(|pointer| Some((pointer.clone(), listed(claims.pointed(pointer)?)?)));
    let bare = if all_scalars { bare(claims) } else { Vec::new() };
    pointed.chain(bare).collect()
}

/// Scalar members under the end of a header's name. Of those that meet in one name, or in two that an upstream takes
/// for one, the member counts that is written so; of several such, none.
fn bare(claims: &Object<'_>) -> Vec<(Box<str>, Box<str>)> {
    // A member whose name looks like a pointer could be mistaken for what it points to.
    let is_nameable = |name: &str| !name.is_empty() && !name.starts_with('/');
    let named = claims.iter().filter(|(name, value)| is_nameable(name) && !matches!(value, Json::Null));
    let mut named: Vec<_> = named.map(|(name, value)| (header_text::name_part(name), name, value)).collect();
    let folded = |part: &str| part.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    named.sort_by_cached_key(|(part, ..)| folded(part));
    let counting = named.chunk_by(|(one, ..), (other, ..)| header_text::are_twins(one, other)).filter_map(|meeting| {
        let mut exact = meeting.iter().filter(|(part, name, _)| part == name);
        match meeting {
            [one] => Some(one),
            _ => exact.next().filter(|_| exact.next().is_none()),
        }
    });
    counting.filter_map(|(part, _, value)| Some((part.as_str().into(), header_value(value)?))).collect()
}

fn header_value(value: &Json<'_>) -> Option<Box<str>> {
    match value {
        Json::Text(text) => Some(header_text::value(text).into()),
        // It is already legal.
        other => scalar(other),
    }
}

fn scalar(value: &Json<'_>) -> Option<Box<str>> {
    match value {
        Json::Text(text) => Some((&**text).into()),
        Json::Number(number) => Some(number.to_string().into()),
        Json::Boolean(flag) => Some(flag.to_string().into()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A scalar, or the scalars of an array.
fn listed(value: &Json<'_>) -> Option<Box<str>> {
    let Json::Array(list) = value else { return header_value(value) };
    let items: Vec<Box<str>> = list.iter().map(scalar).collect::<Option<_>>()?;
    Some(header_text::list(&items, ',').into())
}
