//! Turns claims into facts, whoever vouches for them: the members of an introspection response (RFC 7662 §2.2).

use super::confirmation::Confirmation;
use super::facts::{AUDIENCE, CLIENT_ID, Facts, SCOPE};
use super::forwarded;
use super::kind::{self, SAYING};
use super::scalar;
use crate::base::header_text;
use crate::base::json::{Json, Object, UnusableMember, first_token};
use crate::base::time::Timestamp;

/// Which members name the client and the scopes, and which further ones are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimNames {
    /// Members that may name the client; the first present wins. What begins with `/` is a JSON pointer (RFC 6901).
    pub client_id: Vec<Box<str>>,
    /// Members that may contain the scopes, given in the same way; the first present wins.
    pub scope: Vec<Box<str>>,
    /// JSON pointers (RFC 6901) of further values to keep.
    pub pointers: Vec<Box<str>>,
    /// Whether every scalar member is kept.
    pub all_scalars: bool,
    /// JSON pointers, each with a value that some rule asks for there, as [`scalar::scalar`] has it.
    pub asked: Vec<(Box<str>, Box<str>)>,
    /// Whether it is kept of what is empty, or is not what rules ask for, that it is there: as no value at all. What
    /// completes the facts must not take its place.
    pub keeps_presence: bool,
    /// Whether an answer that is signed is kept itself.
    pub keeps_answer: bool,
}

impl ClaimNames {
    /// Whether the member is read. The standard names always are, so that none may be given twice.
    pub fn wants(&self, member: &str) -> bool {
        let is_root_of = |pointer: &str| first_token(pointer).is_some_and(|(root, _)| root == member);
        let is_of = |name: &str| if name.starts_with('/') { is_root_of(name) } else { name == member };
        matches!(
            member,
            "client_id" | "scope" | "exp" | "nbf" | "iat" | "sub" | "username" | "iss" | "aud" | "token_type" | "cnf"
        ) || SAYING.contains(&member)
            || self.all_scalars
            || self.client_id.iter().chain(&self.scope).any(|name| is_of(name))
            || self.pointers.iter().chain(self.asked.iter().map(|(pointer, _)| pointer)).any(|at| is_root_of(at))
    }

    /// The facts of a token that is good.
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
            confirmation: Confirmation::of(claims)?,
            introspection_jwt: None,
            signed_by: None,
            claims: self.forwarded(claims),
            said: self.said(claims),
        })
    }

    fn forwarded(&self, claims: &Object<'_>) -> Vec<(Box<str>, Box<str>)> {
        let mut forwarded = forwarded::claims(claims, &self.pointers, self.all_scalars);
        if self.keeps_presence {
            let is_present = |pointer: &str| claims.pointed(pointer).is_some();
            let mut present: Vec<_> = self.pointers.iter().filter(|pointer| is_present(pointer)).cloned().collect();
            if self.all_scalars {
                present.extend(claims.iter().map(|(name, _)| Box::from(header_text::name_part(name))));
            }
            present.retain(|name| !forwarded.iter().any(|(named, _)| named == name));
            forwarded.extend(present.into_iter().map(|name| (name, "".into())));
        }
        forwarded
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

    /// What rules ask for, and is there; an array has each of its elements. Nothing else is kept, however much there
    /// is.
    fn said(&self, claims: &Object<'_>) -> Vec<(Box<str>, Box<str>)> {
        let is_there = |(pointer, value): &&(Box<str>, Box<str>)| match claims.pointed(pointer) {
            None => false,
            Some(Json::Array(list)) => list.iter().any(|element| scalar::is_scalar(element, value)),
            Some(other) => scalar::is_scalar(other, value),
        };
        let mut said: Vec<_> = self.asked.iter().filter(is_there).cloned().collect();
        if self.keeps_presence {
            let is_present = |pointer: &str| claims.pointed(pointer).is_some();
            let asked = self.asked.iter().map(|(pointer, _)| &**pointer).filter(|pointer| is_present(pointer));
            let lists = [(CLIENT_ID, &self.client_id), (SCOPE, &self.scope)];
            let named = lists.into_iter().filter(|(_, names)| first(claims, names).is_some()).map(|(name, _)| name);
            let audience = claims.present(AUDIENCE).map(|_| AUDIENCE);
            said.extend(asked.chain(named).chain(audience).map(|name| (name.into(), "".into())));
        }
        said
    }
}

/// The first of the members that is neither absent nor null.
fn first<'a>(claims: &'a Object<'_>, names: &[Box<str>]) -> Option<&'a Json<'a>> {
    names.iter().find_map(|name| match name.starts_with('/') {
        true => claims.pointed(name).filter(|value| **value != Json::Null),
        false => claims.present(name),
    })
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

/// As the configuration has it where it names none.
#[cfg(test)]
impl Default for ClaimNames {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        Self {
            client_id: list(&["client_id", "azp", "appid", "cid"]),
            scope: list(&["scope", "scp"]),
            pointers: Vec::new(),
            all_scalars: false,
            asked: Vec::new(),
            keeps_presence: false,
            keeps_answer: false,
        }
    }
}
