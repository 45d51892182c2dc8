//! Who calls.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The group above all others of an organisation.
pub const ROOT: &str = "root";
/// The organisation that always exists.
pub const DEFAULT_ORGANISATION: &str = "default";

/// Whoever acts, as audit entries name him.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// The `sub` of an access token, or of a portal session.
    User(String),
    /// The id of a registry token.
    Token(String),
    System,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(subject) => write!(f, "user:{subject}"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// What a role lets somebody do in a group and all groups below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duty {
    /// Publishes APIs and decides on requests for them.
    Owner,
    /// Has applications and requests access for them.
    Developer,
    /// Reads.
    Auditor,
}

/// A role as it is written: `admin`, or `GROUP:DUTY`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everything in the organisation.
    Admin,
    In {
        group: String,
        duty: Duty,
    },
}

impl Role {
    /// `None` for what is no role. Whether there is such a group is not asked.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "admin" {
            return Some(Self::Admin);
        }
        let (group, duty) = text.split_once(':')?;
        let duty = match duty {
            "owner" => Duty::Owner,
            "developer" => Duty::Developer,
            "auditor" => Duty::Auditor,
            _ => return None,
        };
        is_slug(group).then(|| Self::In { group: group.to_owned(), duty })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::In { group, duty: Duty::Owner } => write!(f, "{group}:owner"),
            Self::In { group, duty: Duty::Developer } => write!(f, "{group}:developer"),
            Self::In { group, duty: Duty::Auditor } => write!(f, "{group}:auditor"),
        }
    }
}

/// Who calls, for which organisation, with which roles there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub principal: Principal,
    pub organisation: String,
    pub roles: Vec<Role>,
}

impl Caller {
    /// Who acts for a command or of the registry's own accord.
    pub fn system(organisation: impl Into<String>) -> Self {
        Self { principal: Principal::System, organisation: organisation.into(), roles: vec![Role::Admin] }
    }
}

/// `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`
pub fn is_slug(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for text in ["admin", "root:owner", "a-1:developer", "x:auditor"] {
            assert_eq!(Role::parse(text).map(|role| role.to_string()).as_deref(), Some(text));
        }
        for wrong in
            ["", "Admin", "root", "root:", ":owner", "root:admin", "-a:owner", "a-:owner", "A:owner", "a:b:owner"]
        {
            assert_eq!(Role::parse(wrong), None, "{wrong}");
        }
        assert!(is_slug(&"a".repeat(63)) && !is_slug(&"a".repeat(64)));
    }
}
