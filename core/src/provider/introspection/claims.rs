//! Members of an answer as facts, read strictly (RFC 7662 §2.2).

use super::kind::{self, SAYING};
use crate::base::header_text;
use crate::base::json::{Json, Object, UnusableMember, first_token};
use crate::base::time::Timestamp;
use crate::token::claim;
use crate::token::facts::Facts;

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
    /// Whether the member is read. The standard names always are, so that none appears twice.
    pub fn wants(&self, member: &str) -> bool {
        let is_root_of = |pointer: &str| first_token(pointer).is_some_and(|(root, _)| root == member);
        matches!(
            member,
            "client_id" | "scope" | "exp" | "nbf" | "iat" | "sub" | "username" | "iss" | "aud" | "token_type" | "cnf"
        ) || SAYING.contains(&member)
            || self.all_scalars
            || self.client_id.iter().chain(&self.scope).any(|name| **name == *member)
            || self.pointers.iter().chain(self.asked.iter().map(|(pointer, _)| pointer)).any(|at| is_root_of(at))
    }

    /// The facts of an active token.
    ///
    /// # Errors
    /// [`UnusableMember`]: the first that has a type or value of no use.
    pub fn facts(&self, claims: &Object<'_>) -> Result<Facts, UnusableMember> {
        time(claims, "iat")?;
        Ok(Facts {
            client_id: self.client_id(claims)?,
            subject: claims.text("sub")?.map(Into::into),
            username: claims.text("username")?.map(Into::into),
            issuer: claims.text("iss")?.map(Into::into),
            scope: self.scopes(claims)?,
            audience: audience(claims)?,
            expires_at: time(claims, "exp")?,
            not_before: time(claims, "nbf")?,
            other_kind: kind::is_another(claims),
            key_bound: is_key_bound(claims)?,
            claims: self.kept(claims),
            said: self.said(claims),
        })
    }

    /// The first candidate; an empty one is none.
    fn client_id(&self, claims: &Object<'_>) -> Result<Option<Box<str>>, UnusableMember> {
        match first(claims, &self.client_id) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(&**text).filter(|text| !text.is_empty()).map(Into::into)),
            Some(_) => Err(UnusableMember("client_id")),
        }
    }

    fn scopes(&self, claims: &Object<'_>) -> Result<Vec<Box<str>>, UnusableMember> {
        match first(claims, &self.scope) {
            None => Ok(Vec::new()),
            Some(Json::Text(list)) => Ok(list.split(' ').filter(|scope| !scope.is_empty()).map(Into::into).collect()),
            Some(Json::Array(list)) => {
                let mut scopes = texts(list).ok_or(UnusableMember("scope"))?;
                scopes.retain(|scope| !scope.is_empty());
                Ok(scopes)
            }
            Some(_) => Err(UnusableMember("scope")),
        }
    }

    /// What rules ask for, and is there; an array has each of its elements. Nothing else is kept, however much there is.
    fn said(&self, claims: &Object<'_>) -> Vec<(Box<str>, Box<str>)> {
        let is_there = |(pointer, value): &&(Box<str>, Box<str>)| match claims.pointed(pointer) {
            None => false,
            Some(Json::Array(list)) => list.iter().any(|element| claim::is_scalar(element, value)),
            Some(other) => claim::is_scalar(other, value),
        };
        self.asked.iter().filter(is_there).cloned().collect()
    }

    /// Further values as header text: pointers under their own text, scalar members under the end of a header's name.
    fn kept(&self, claims: &Object<'_>) -> Vec<(Box<str>, Box<str>)> {
        let pointed =
            self.pointers.iter().filter_map(|pointer| Some((pointer.clone(), listed(claims.pointed(pointer)?)?)));
        let bare = if self.all_scalars { bare(claims) } else { Vec::new() };
        pointed.chain(bare).collect()
    }
}

/// Scalar members under the end of a header's name. Of those that meet in one name, or in two that an upstream takes for
/// one, the member counts that is written so; of several such, none.
fn bare(claims: &Object<'_>) -> Vec<(Box<str>, Box<str>)> {
    // A member whose name looks like a pointer would pass for what that leads to.
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

/// The first of the members that is neither absent nor null.
fn first<'a>(claims: &'a Object<'_>, names: &[Box<str>]) -> Option<&'a Json<'a>> {
    names.iter().find_map(|name| claims.present(name))
}

fn audience(claims: &Object<'_>) -> Result<Vec<Box<str>>, UnusableMember> {
    match claims.present("aud") {
        None => Ok(Vec::new()),
        Some(Json::Text(one)) => Ok(vec![(&**one).into()]),
        Some(Json::Array(list)) => texts(list).ok_or(UnusableMember("aud")),
        Some(_) => Err(UnusableMember("aud")),
    }
}

fn texts(list: &[Json<'_>]) -> Option<Vec<Box<str>>> {
    list.iter().map(|value| value.as_text().map(Into::into)).collect()
}

fn is_key_bound(claims: &Object<'_>) -> Result<bool, UnusableMember> {
    let token_type = claims.text("token_type")?;
    Ok(claims.present("cnf").is_some() || token_type.is_some_and(|name| name.eq_ignore_ascii_case("DPoP")))
}

fn time(claims: &Object<'_>, name: &'static str) -> Result<Option<Timestamp>, UnusableMember> {
    Ok(seconds(claims, name)?.map(Timestamp::from_secs))
}

/// Whole seconds from an integer, a float or a decimal string; below zero is zero, beyond range is the maximum.
pub fn seconds(claims: &Object<'_>, name: &'static str) -> Result<Option<u64>, UnusableMember> {
    let Some(value) = claims.present(name) else { return Ok(None) };
    let seconds = match value {
        Json::Number(number) => number.as_u64().or_else(|| number.as_f64().map(saturating_floor)),
        Json::Text(text) => decimal(text),
        _ => None,
    };
    seconds.map(Some).ok_or(UnusableMember(name))
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

/// A scalar.
fn header_value(value: &Json<'_>) -> Option<Box<str>> {
    match value {
        Json::Text(text) => Some(header_text::value(text).into()),
        // Legal as it stands.
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
