//! A tier of API Manager, as the registry has it.

use super::super::change::{At, Kind};
use super::id::{is_description, is_title};
use super::lists::text;
use crate::document::node::{Node, Value};
use serde_json::{Map, json};

/// Limits that a tier of the registry may have.
const MAX_LIMITS: usize = 8;
const MILLIS_OF_DAY: u64 = 86_400_000;
/// Units of a period, in milliseconds.
const UNITS: &[(u64, &str)] = &[(MILLIS_OF_DAY, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];

/// What is said about a tier when it is written, whose place in the catalogue is known then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub kind: Kind,
    pub at: At,
    pub parameter: &'static str,
    /// Of the tier; empty where nothing became of it.
    pub member: &'static str,
    pub message: String,
}

/// The terms of a tier.
#[derive(Clone, Debug)]
pub struct TierTerms {
    /// As it is called there; `None` for the one of contracts without a tier.
    pub name: Option<String>,
    /// Whether its terms are known, and not its name alone.
    pub is_whole: bool,
    members: Map<String, serde_json::Value>,
    pub remarks: Vec<Remark>,
}

impl TierTerms {
    /// A tier of which a table has the name alone.
    pub fn of_name(id: &str, name: &str, at: At) -> Self {
        let mut terms = Self::new(id, Some(name), at);
        terms.say(Kind::Default, at, "tierName", "approval", "is not in the table: an owner approves each request");
        terms
    }

    /// The one of contracts without a tier.
    pub fn of_none(id: &str, at: At) -> Self {
        let mut terms = Self::new(id, None, at);
        let message = "has no tier: this one, whose requests an owner approves; there they are approved at once";
        terms.say(Kind::Meaning, at, "tierName", "id", message);
        terms
    }

    /// The object that API Manager answers with.
    pub fn of_node(id: &str, name: &str, file: usize, node: &Node) -> Self {
        let at = At::of(file, node);
        let mut terms = Self::new(id, Some(name), at);
        terms.is_whole = true;
        let description = text(node.get("description")).map(|text| text.replace("\r\n", "\n"));
        match description.filter(|text| !text.is_empty()) {
            Some(text) if is_description(&text) => drop(terms.members.insert("description".into(), text.into())),
            Some(_) => terms.say(Kind::None, at, "description", "", "is too long, or has control characters: left out"),
            None => {}
        }
        let is_automatic = matches!(node.get("autoApprove").map(|node| &node.value), Some(Value::Boolean(true)));
        if is_automatic {
            terms.members.insert("approval".into(), "automatic".into());
        }
        terms.limits(file, node.get("limits"));
        if text(node.get("status")) == Some("DEPRECATED") {
            let message = "is deprecated there: here it can be requested, until it is deleted";
            terms.say(Kind::None, at, "status", "", message);
        }
        terms
    }

    fn new(id: &str, name: Option<&str>, at: At) -> Self {
        let mut terms =
            Self { name: name.map(str::to_owned), is_whole: false, members: Map::new(), remarks: Vec::new() };
        terms.members.insert("id".into(), id.into());
        let Some(name) = name else { return terms };
        if is_title(name) {
            terms.members.insert("title".into(), name.into());
        } else {
            terms.say(Kind::None, at, "name", "", "is too long, or has control characters: its id is its title");
        }
        if name != id {
            terms.say(Kind::Meaning, at, "name", "id", &format!("is called {id} here, also in the header of the tier"));
        }
        terms
    }

    fn say(&mut self, kind: Kind, at: At, parameter: &'static str, member: &'static str, message: &str) {
        self.remarks.push(Remark { kind, at, parameter, member, message: message.to_owned() });
    }

    fn limits(&mut self, file: usize, limits: Option<&Node>) {
        let mut written = Vec::new();
        for limit in limits.map(Node::elements).unwrap_or_default() {
            let number = |member: &str| match limit.get(member).map(|node| &node.value) {
                Some(Value::Number(number)) => number.as_u64(),
                _ => None,
            };
            let requests = number("maximumRequests").filter(|requests| (1..1 << 53).contains(requests));
            let period = number("timePeriodInMilliseconds").and_then(period);
            let at = At::of(file, limit);
            match (requests, period) {
                _ if written.len() == MAX_LIMITS => {
                    self.say(Kind::None, at, "limits", "", "a tier has at most 8 limits: left out");
                }
                (Some(requests), Some(period)) => written.push(json!({ "requests": requests, "period": period })),
                _ => self.say(Kind::None, at, "limits", "", "is no limit that can be shown here: left out"),
            }
        }
        if !written.is_empty() {
            self.members.insert("limits".into(), written.into());
        }
    }

    /// As `apply` reads it.
    pub fn written(&self) -> serde_json::Value {
        self.members.clone().into()
    }

    /// Whether two answers say the same of one tier.
    pub fn is_same(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

/// From 1 ms to 36,500 days, in the largest unit that it is a multiple of.
fn period(millis: u64) -> Option<String> {
    if millis > 36_500 * MILLIS_OF_DAY {
        return None;
    }
    let (unit, name) = UNITS.iter().find(|(unit, _)| millis.is_multiple_of(*unit))?;
    (millis > 0).then(|| format!("{}{name}", millis / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_written_in_its_largest_unit() {
        for (millis, text) in [
            (1, Some("1ms")),
            (1000, Some("1s")),
            (90_000, Some("90s")),
            (60_000, Some("1m")),
            (3_600_000, Some("1h")),
            (2_592_000_000, Some("30d")),
            (36_500 * MILLIS_OF_DAY, Some("36500d")),
            (36_500 * MILLIS_OF_DAY + 1, None),
            (u64::MAX, None),
            (0, None),
        ] {
            assert_eq!(period(millis).as_deref(), text, "{millis}");
        }
    }
}
