//! What is wrong with a configuration, and where.

use crate::base::printable::Printable;
use std::cell::RefCell;
use std::fmt;

/// Most characters of a path, and of what is wrong there, that are shown: both may contain text of the configuration.
const LONGEST: usize = 400;

/// Most characters of a member's name in a path: what follows a long one is still to be seen.
const LONGEST_NAME: usize = 64;

/// What kind of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No JSON.
    Syntax,
    DuplicateMember,
    UnknownMember,
    MissingMember,
    WrongType,
    /// Outside its bounds, or empty.
    OutOfRange,
    /// Of the right type, but nothing that is known there.
    BadValue,
    BadSecret,
    /// The name of a provider or an API that is not there.
    UnknownReference,
    /// Members that cannot stand together, or what is given twice.
    Conflict,
    NoConfiguration,
    /// An environment variable that is not there, or empty.
    EnvNotSet,
}

/// One mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON path: `providers[0].introspection.timeout`. Empty for the whole.
    pub path: String,
    pub code: Code,
    /// What must hold there, and what was found. Never a secret.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "configuration" } else { &self.path };
        let (path, rest) = shown(path);
        let [path, reason] = [path, &self.reason].map(|text| Printable { text, limit: LONGEST });
        write!(f, "{path}{rest}: {reason}")
    }
}

/// The path as far as it is shown, and what stands for the rest: a key in the place of a secret may be the secret.
fn shown(path: &str) -> (&str, &'static str) {
    let members = [".secret", ".key"].into_iter();
    let members = members.flat_map(|member| path.match_indices(member).map(move |(at, _)| at + member.len()));
    // The values of these headers are secrets, too.
    let headers = [".introspection.headers.", ".source.headers."].into_iter().filter_map(|headers| {
        let name = path.find(headers)? + headers.len();
        Some(name + path.get(name..)?.find(['.', '['])?)
    });
    let is_within = |(_, within): &(&str, &str)| within.starts_with(['.', '[']) && *within != ".env";
    let secret = members.chain(headers).filter_map(|end| path.split_at_checked(end)).find(is_within);
    secret.map_or((path, ""), |(before, _)| (before, ".…"))
}

/// Collects problems while the reading goes on.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub fn add(&self, path: &str, code: Code, reason: impl Into<String>) {
        self.push(path, code, reason.into());
    }

    #[inline(never)]
    fn push(&self, path: &str, code: Code, reason: String) {
        self.0.borrow_mut().push(Problem { path: path.to_owned(), code, reason });
    }

    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All problems, in the order in which they were found.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// The path of a member of the value at `path`.
pub fn member(path: &str, name: &str) -> String {
    let name = Printable { text: name, limit: LONGEST_NAME };
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

/// The path of an element of the value at `path`.
pub fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}
