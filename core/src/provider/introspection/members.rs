//! The wanted members of a JSON object, each at most once.

use super::json::Json;
use crate::provider::failure::Failure;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Members that were asked for and found.
#[derive(Debug)]
pub struct Members<'a> {
    found: Vec<(Cow<'a, str>, Json<'a>)>,
    /// Where each [`Member`] stands in `found`.
    places: [usize; MEMBERS],
}

/// No place in `found`.
const ABSENT: usize = usize::MAX;

/// As many members as most answers have.
const USUAL: usize = 12;

macro_rules! members {
    ($($member:ident = $name:literal,)*) => {
        /// A member that means something whatever is configured.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Member { $(#[doc = $name] $member,)* }

        const MEMBERS: usize = [$($name),*].len();

        impl Member {
            /// The member of that name.
            pub fn named(name: &str) -> Option<Self> {
                Some(match name { $($name => Self::$member,)* _ => return None })
            }

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$member => $name,)* }
            }
        }
    };
}

members! {
    Active = "active",
    Exp = "exp",
    Nbf = "nbf",
    Iat = "iat",
    ExpiresIn = "expires_in",
    Sub = "sub",
    Username = "username",
    Iss = "iss",
    Aud = "aud",
    TokenType = "token_type",
    TokenUse = "token_use",
    TokenUsage = "token_usage",
    Purpose = "purpose",
    Typ = "typ",
    Cnf = "cnf",
}

impl<'a> Members<'a> {
    /// Reads those members of the one object in `json` that are `wanted`, by name or for what they are. Others are
    /// checked for syntax and dropped.
    ///
    /// # Errors
    /// [`Failure::NotJson`] when it is not one JSON object, [`Failure::Duplicate`] when a wanted member appears twice.
    pub fn read(json: &'a [u8], wanted: &dyn Fn(&str, Option<Member>) -> bool) -> Result<Self, Failure> {
        // All of it is UTF-8 (RFC 8259 §8.1), also what is skipped.
        std::str::from_utf8(json).map_err(|_| Failure::NotJson)?;
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let read = deserializer.deserialize_map(Wanted(wanted)).map_err(|_| Failure::NotJson)?;
        deserializer.end().map_err(|_| Failure::NotJson)?;
        read
    }

    /// The member; `None` when it is absent.
    pub fn value(&self, member: Member) -> Option<&Json<'a>> {
        let place = self.places.get(member as usize)?;
        self.found.get(*place).map(|(_, value)| value)
    }

    /// The member of that name; `None` when it is absent.
    pub fn named(&self, name: &str) -> Option<&Json<'a>> {
        self.found.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// By sorting: an answer has room for tens of thousands of members, and to compare each with each would halt the
    /// worker.
    fn repeat_a_name(&self) -> bool {
        let mut names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        !names.is_sorted_by(|one, next| one < next)
    }

    /// All wanted members, in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.found.iter().map(|(name, value)| (&**name, value))
    }
}

/// A member's name, which is copied only where it is written with escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Wanted<'w>(&'w dyn Fn(&str, Option<Member>) -> bool);

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Result<Members<'de>, Failure>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members { found: Vec::with_capacity(USUAL), places: [ABSENT; MEMBERS] };
        while let Some(Name(name)) = map.next_key()? {
            let member = Member::named(&name);
            if !(self.0)(&name, member) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if let Some(place) = member.and_then(|member| members.places.get_mut(member as usize)) {
                *place = members.found.len();
            }
            members.found.push((name, map.next_value()?));
        }
        Ok(if members.repeat_a_name() { Err(Failure::Duplicate) } else { Ok(members) })
    }
}
