//! What to do about a problem, where there is something to say.

use crate::document::node::{Node, Value};
use tessera_core::config::problem::{Code, Problem};

pub fn hint(problem: &Problem, value: &Node) -> Option<String> {
    let reason = problem.reason.as_str();
    match problem.code {
        Code::UnknownMember => similar(problem).map(|name| format!("did you mean {name:?}?")),
        Code::DuplicateMember => Some("leave one of them".to_owned()),
        Code::OutOfRange if reason.starts_with("must be between") && reason.contains('"') => {
            Some("write a duration such as \"2s\"".to_owned())
        }
        Code::BadValue if reason.starts_with("must be a whole number and") => {
            Some("write a duration such as \"2s\"".to_owned())
        }
        Code::WrongType if reason.starts_with("must be a string") => match value.value {
            Value::Number(_) | Value::Boolean(_) => Some("write it in quotes".to_owned()),
            _ => None,
        },
        Code::WrongType if matches!(value.value, Value::Null) => {
            Some("leave the member out, or give it a value".to_owned())
        }
        Code::BadSecret if reason.ends_with("end in a line break") => {
            Some("in YAML, a block that begins with \"|-\" has none".to_owned())
        }
        Code::EnvNotSet => Some("set it here; it is read because of --with-env or --live".to_owned()),
        _ => None,
    }
}

/// The name that is known there and most like the one that is not.
fn similar(problem: &Problem) -> Option<&str> {
    let name = problem.path.rsplit('.').next()?.to_ascii_lowercase();
    let (_, known) = problem.reason.split_once("known are ")?;
    let ranked = known.split(", ").map(|known| (distance(&name, known), known));
    let (distance, known) = ranked.min()?;
    (distance <= 1 + known.len() / 4).then_some(known)
}

/// How many characters must be put in, taken out or exchanged to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, letter) in one.chars().enumerate() {
        let (mut left, mut diagonal) = (index + 1, index);
        let mut next = vec![left];
        for (above, known) in row.iter().skip(1).zip(other.chars()) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(letter != known));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn names_have_a_distance() {
        for (one, other, is) in
            [("", "", 0), ("", "ab", 2), ("retrys", "retries", 2), ("abc", "abc", 0), ("ab", "ba", 2)]
        {
            assert_eq!(distance(one, other), is, "{one} {other}");
            assert_eq!(distance(other, one), is, "{other} {one}");
        }
    }
}
