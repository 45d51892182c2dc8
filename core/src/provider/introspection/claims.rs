//! Members of an answer as facts, read strictly (RFC 7662 §2.2).

use super::json::Json;
use super::kind;
use super::members::{Member, Members};
use crate::base::header_text;
use crate::base::time::Timestamp;
use crate::provider::failure::Failure;
use crate::token::claim;
use crate::token::facts::Facts;
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;

/// Which members hold what, and which further ones are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimNames {
    /// Members that may name the client; the first present wins.
    pub client_id: Vec<Box<str>>,
    /// Members that may hold the scopes; the first present wins.
    pub scope: Vec<Box<str>>,
    /// JSON pointers (RFC 6901) of further values to keep.
    pub pointers: Vec<Box<str>>,
    /// Whether every scalar member is kept.
    pub all_scalars: bool,
    /// JSON pointers, each with a value that some rule asks for there, as [`claim::scalar`] has it.
    pub asked: Vec<(Box<str>, Box<str>)>,
}

impl ClaimNames {
    /// Whether the member is read, even if it is no [`Member`]. The standard names are, so that none appears twice.
    pub fn wants(&self, member: &str) -> bool {
        let is_root_of = |pointer: &str| pointer_root(pointer) == member;
        self.all_scalars
            || matches!(member, "client_id" | "scope")
            || self.client_id.iter().chain(&self.scope).any(|name| &**name == member)
            || self.pointers.iter().chain(self.asked.iter().map(|(pointer, _)| pointer)).any(|at| is_root_of(at))
    }

    /// The facts of an active token whose answer arrived at `now`.
    ///
    /// # Errors
    /// [`Failure::Unreadable`] with the name of the first member that cannot be used.
    pub fn facts(&self, members: &Members<'_>, now: Timestamp) -> Result<Facts, Failure> {
        time(members, Member::Iat)?;
        let expires_at = match time(members, Member::Exp)? {
            Some(end) => Some(end),
            None => seconds(members, Member::ExpiresIn)?.map(|left| end_of_span(left, now)),
        };
        Ok(Facts {
            client_id: first_text(members, &self.client_id, "client_id")?,
            subject: text(members, Member::Sub)?.map(Into::into),
            username: text(members, Member::Username)?.map(Into::into),
            issuer: text(members, Member::Iss)?.map(Into::into),
            scope: self.scopes(members)?,
            audience: audience(members)?,
            expires_at,
            not_before: time(members, Member::Nbf)?,
            other_kind: kind::is_another(members),
            key_bound: is_key_bound(members)?,
            claims: self.kept(members),
            said: self.said(members),
        })
    }

    fn scopes(&self, members: &Members<'_>) -> Result<Vec<Box<str>>, Failure> {
        let Some(value) = first(members, &self.scope) else { return Ok(Vec::new()) };
        match value {
            Json::Text(list) => Ok(list.split(' ').filter(|scope| !scope.is_empty()).map(Into::into).collect()),
            Json::Other(Value::Array(list)) => {
                let mut scopes = strings(list).ok_or(Failure::Unreadable("scope"))?;
                scopes.retain(|scope| !scope.is_empty());
                Ok(scopes)
            }
            _ => Err(Failure::Unreadable("scope")),
        }
    }

    /// What rules ask for, and is there; an array has each of its elements. Nothing else is kept, however much there is.
    fn said(&self, members: &Members<'_>) -> Vec<(Box<str>, Box<str>)> {
        let is_there = |(pointer, value): &&(Box<str>, Box<str>)| match at(members, pointer) {
            None => false,
            Some(Pointed::Text(text)) => claim::is_string(text, value),
            Some(Pointed::Other(Value::Array(list))) => list.iter().any(|element| claim::is_scalar(element, value)),
            Some(Pointed::Other(other)) => claim::is_scalar(other, value),
        };
        self.asked.iter().filter(is_there).cloned().collect()
    }

    /// Further values as header text: pointers under their own text, scalar members under the end of a header's name.
    fn kept(&self, members: &Members<'_>) -> Vec<(Box<str>, Box<str>)> {
        let pointed = self.pointers.iter().filter_map(|pointer| {
            let text = match at(members, pointer)? {
                Pointed::Text(text) => Some(header_text::value(text).into()),
                Pointed::Other(value) => listed(value),
            };
            Some((pointer.clone(), text?))
        });
        let bare = if self.all_scalars { bare(members) } else { Vec::new() };
        pointed.chain(bare).collect()
    }
}

/// What a JSON pointer leads to.
enum Pointed<'a> {
    Text(&'a str),
    Other(&'a Value),
}

fn at<'a>(members: &'a Members<'_>, pointer: &str) -> Option<Pointed<'a>> {
    let rest = pointer.get(1 + raw_root(pointer).len()..)?;
    match members.named(&pointer_root(pointer))? {
        Json::Text(text) => rest.is_empty().then_some(Pointed::Text(text)),
        Json::Other(value) => value.pointer(rest).map(Pointed::Other),
    }
}

/// Scalar members under the end of a header's name. Of those that meet in one name, or in two that an upstream takes for
/// one, the member counts that is written so; of several such, none.
fn bare(members: &Members<'_>) -> Vec<(Box<str>, Box<str>)> {
    // A member whose name looks like a pointer would pass for what that leads to.
    let named = members.iter().filter(|(name, value)| !name.is_empty() && !name.starts_with('/') && is_present(value));
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
    let text = |value: &Json<'_>| match value {
        Json::Text(text) => Some(header_text::value(text).into()),
        // A number or a boolean: legal as it stands.
        Json::Other(value) => scalar(value),
    };
    counting.filter_map(|(part, _, value)| Some((part.as_str().into(), text(value)?))).collect()
}

fn raw_root(pointer: &str) -> &str {
    pointer.strip_prefix('/').and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

fn pointer_root(pointer: &str) -> Cow<'_, str> {
    let root = raw_root(pointer);
    if root.contains('~') { root.replace("~1", "/").replace("~0", "~").into() } else { root.into() }
}

/// The first of the members that is neither absent nor null.
fn first<'a>(members: &'a Members<'_>, names: &[Box<str>]) -> Option<&'a Json<'a>> {
    names.iter().find_map(|name| members.named(name).filter(is_present))
}

/// The member, unless it is absent or null.
fn present<'a>(members: &'a Members<'_>, member: Member) -> Option<&'a Json<'a>> {
    members.value(member).filter(is_present)
}

fn is_present(value: &&Json<'_>) -> bool {
    !matches!(value, Json::Other(Value::Null))
}

fn text<'a>(members: &'a Members<'_>, member: Member) -> Result<Option<&'a str>, Failure> {
    match present(members, member) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(Json::Other(_)) => Err(Failure::Unreadable(member.name())),
    }
}

fn first_text(members: &Members<'_>, names: &[Box<str>], called: &'static str) -> Result<Option<Box<str>>, Failure> {
    match first(members, names) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(&**text).filter(|text| !text.is_empty()).map(Into::into)),
        Some(_) => Err(Failure::Unreadable(called)),
    }
}

fn audience(members: &Members<'_>) -> Result<Vec<Box<str>>, Failure> {
    match present(members, Member::Aud) {
        None => Ok(Vec::new()),
        Some(Json::Text(one)) => Ok(vec![(&**one).into()]),
        Some(Json::Other(Value::Array(list))) => strings(list).ok_or(Failure::Unreadable("aud")),
        Some(_) => Err(Failure::Unreadable("aud")),
    }
}

fn strings(list: &[Value]) -> Option<Vec<Box<str>>> {
    list.iter().map(|value| value.as_str().map(Into::into)).collect()
}

fn is_key_bound(members: &Members<'_>) -> Result<bool, Failure> {
    let token_type = text(members, Member::TokenType)?;
    Ok(present(members, Member::Cnf).is_some() || token_type.is_some_and(|name| name.eq_ignore_ascii_case("DPoP")))
}

/// A token with no time left has ended long ago: a span knows no difference between clocks that could be in its favour.
fn end_of_span(seconds: u64, now: Timestamp) -> Timestamp {
    if seconds == 0 { Timestamp::default() } else { now.plus(Duration::from_secs(seconds)) }
}

fn time(members: &Members<'_>, member: Member) -> Result<Option<Timestamp>, Failure> {
    Ok(seconds(members, member)?.map(Timestamp::from_secs))
}

/// Whole seconds from an integer, a float or a decimal string; below zero is zero, beyond range is the maximum.
fn seconds(members: &Members<'_>, member: Member) -> Result<Option<u64>, Failure> {
    let Some(value) = present(members, member) else { return Ok(None) };
    let seconds = match value {
        Json::Other(Value::Number(number)) => number.as_u64().or_else(|| number.as_f64().map(saturating_floor)),
        Json::Text(text) => decimal(text),
        _ => None,
    };
    seconds.map(Some).ok_or(Failure::Unreadable(member.name()))
}

fn decimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || text.len() > 64 {
        return None;
    }
    Some(if text.starts_with('-') { 0 } else { whole.parse().unwrap_or(u64::MAX) })
}

// The cast saturates at both ends, and JSON has no NaN.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at both ends")]
fn saturating_floor(value: f64) -> u64 {
    value as u64
}

fn scalar(value: &Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn listed(value: &Value) -> Option<Box<str>> {
    let Value::Array(list) = value else { return scalar(value).map(|text| header_text::value(&text).into()) };
    let items: Vec<Box<str>> = list.iter().map(scalar).collect::<Option<_>>()?;
    Some(header_text::list(&items, ',').into())
}

impl Default for ClaimNames {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        Self {
            client_id: list(&["client_id", "azp", "appid", "cid"]),
            scope: list(&["scope", "scp"]),
            pointers: Vec::new(),
            all_scalars: false,
            asked: Vec::new(),
        }
    }
}
