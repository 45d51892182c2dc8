//! Which requests of its API a policy holds for.

use super::change::{At, Kind, Notes};
use super::expression;
use super::policy::{MANAGER_RULES, Policy};
use super::region::Region;
use crate::document::node::{Node, Value};

/// The regions of a policy on an API whose paths begin with `base`; where its rules cannot be said, the whole API.
pub fn regions(policy: &Policy, base: &str, path: &str, notes: &mut Notes) -> Vec<Region> {
    let Some(rules) = &policy.rules else { return vec![Region::default()] };
    let elements = match &rules.value {
        Value::Null => return vec![Region::default()],
        Value::Array(elements) => elements.as_slice(),
        // One rule, or something else.
        _ => std::slice::from_ref(rules),
    };
    let mut regions: Vec<Region> = Vec::new();
    for element in elements {
        match region(policy, element, base, path, notes) {
            Some(region) if !region.is_whole() => add(&mut regions, region),
            Some(_) => return vec![Region::default()],
            None => {
                let parameter = (At::of(policy.at.file, element), policy.rule_names.rules);
                let message = "cannot be said here: the policy holds for the whole API";
                policy.note(notes, Kind::Meaning, parameter, path, message);
                return vec![Region::default()];
            }
        }
    }
    if regions.is_empty() { vec![Region::default()] } else { regions }
}

/// Rules for the same methods become one operation.
fn add(regions: &mut Vec<Region>, region: Region) {
    let same = |other: &&mut Region| other.methods == region.methods && !other.paths.is_empty();
    match regions.iter_mut().find(same).filter(|_| !region.paths.is_empty()) {
        Some(other) => {
            let more: Vec<_> = region.paths.into_iter().filter(|path| !other.paths.contains(path)).collect();
            other.paths.extend(more);
        }
        None => regions.push(region),
    }
}

fn region(policy: &Policy, rule: &Node, base: &str, path: &str, notes: &mut Notes) -> Option<Region> {
    let Value::Object(members) = &rule.value else { return None };
    let mut region = Region::default();
    let mut seen: Vec<&str> = Vec::new();
    for member in members {
        // Which of two would count is not known.
        if seen.contains(&&*member.key) {
            return None;
        }
        seen.push(&member.key);
        let text = match &member.value.value {
            Value::Null => continue,
            Value::Text(text) => text,
            Value::Object(conditions) if conditions.is_empty() => continue,
            _ => return None,
        };
        if *member.key == *policy.rule_names.path {
            let said = expression::paths(base, text)?;
            if policy.rule_names == MANAGER_RULES && !said.list.is_empty() {
                let parameter = (At::of(policy.at.file, &member.value), policy.rule_names.rules);
                let message = "is compared with the whole path here; what no rule matches passes without a token";
                policy.note(notes, Kind::Meaning, parameter, path, message);
            }
            if said.is_wider {
                let parameter = (At::of(policy.at.file, &member.value), policy.rule_names.rules);
                let message = "a path that ends in a slash also stands for what is below it here";
                policy.note(notes, Kind::Meaning, parameter, path, message);
            }
            region.paths = said.list;
        } else if *member.key == *policy.rule_names.methods {
            region.methods = expression::methods(text)?;
        } else if &**text != ".*" {
            return None;
        }
    }
    Some(region)
}
