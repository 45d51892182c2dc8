//! The wanted members of a JSON object, each at most once.

use super::failure::Failure;
use super::json::{self, Json};
use std::borrow::Cow;

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
        let json = std::str::from_utf8(json).map_err(|_| Failure::NotJson)?;
        let mut members = Self { found: Vec::with_capacity(USUAL), places: [ABSENT; MEMBERS] };
        let mut duplicate = false;
        let read = json::object(json, |name, reader| {
            let member = Member::named(&name);
            if !wanted(&name, member) {
                return reader.skip();
            }
            let here = members.found.len();
            duplicate |= match member.and_then(|member| members.places.get_mut(member as usize)) {
                Some(place) => std::mem::replace(place, here) != ABSENT,
                None => members.named(&name).is_some(),
            };
            members.found.push((name, reader.value()?));
            Some(())
        });
        match read {
            None => Err(Failure::NotJson),
            Some(()) if duplicate => Err(Failure::Duplicate),
            Some(()) => Ok(members),
        }
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

    /// All wanted members, in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.found.iter().map(|(name, value)| (&**name, value))
    }
}
