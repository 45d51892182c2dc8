//! The places for secrets: of a configuration, those where its reader takes one, and of a filter, where variables stand.

use super::gateway::cursor::Cursor;
use std::sync::LazyLock;
use tessera_core::config::key_tables;
use tessera_core::config::shape::Shape;

/// Paths such as `providers[].introspection.client.secret` and `contracts.source.headers.*`.
static PLACES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut places = Vec::new();
    for table in key_tables() {
        for key in &table.keys {
            let end = match &key.shape {
                Shape::Secret(_) => "",
                Shape::Map { values, .. } if matches!(**values, Shape::Secret(_)) => ".*",
                _ => continue,
            };
            places.extend(table.paths.iter().map(|path| format!("{path}.{}{end}", key.name)));
        }
    }
    places
});

/// What a value holds, by the keys on the way to it. A secret may have been put in a wrong place: wherever the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Other,
    Secret,
    /// In each of its members.
    Secrets,
}

impl Holds {
    /// What its member at a key holds.
    pub fn at(self, key: &str) -> Self {
        if self != Self::Other {
            return Self::Secret;
        }
        let mut ends = PLACES.iter().map(|place| match place.strip_suffix(".*") {
            Some(place) => (place, Self::Secrets),
            None => (place.as_str(), Self::Secret),
        });
        let found = ends.find(|(place, _)| place.rsplit('.').next() == Some(key));
        found.map_or(Self::Other, |(_, holds)| holds)
    }

    /// What its elements hold.
    pub fn within(self) -> Self {
        if self == Self::Other { self } else { Self::Secret }
    }
}

/// What a member of what is said of a plugin holds of the VM's variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variables {
    /// A value in each member.
    Members,
    /// A value in each element.
    Elements,
    /// Something of these, deeper.
    Deeper,
}

impl Variables {
    pub fn at(key: &str) -> Option<Self> {
        match key {
            "key_values" | "keyValues" => Some(Self::Members),
            "env" => Some(Self::Elements),
            "vm_config" | "vmConfig" | "environment_variables" | "environmentVariables" | "wasm" => Some(Self::Deeper),
            _ => None,
        }
    }
}

/// The values that stand in the places of a configuration.
pub fn of<'a>(root: &Cursor<'a>) -> Vec<Cursor<'a>> {
    PLACES.iter().flat_map(|place| reached(root.clone(), &place.split('.').collect::<Vec<_>>())).collect()
}

fn reached<'a>(at: Cursor<'a>, steps: &[&str]) -> Vec<Cursor<'a>> {
    let Some((step, rest)) = steps.split_first() else { return vec![at] };
    let next: Vec<Cursor<'a>> = match step.strip_suffix("[]") {
        Some(list) => at.list(list).collect(),
        None if *step == "*" => at.members().map(|(_, value)| value).collect(),
        None => at.get(step).into_iter().collect(),
    };
    next.into_iter().flat_map(|next| reached(next, rest)).collect()
}

/// The name of the variable that a secret comes from.
pub fn variable<'a>(secret: &Cursor<'a>) -> Option<Cursor<'a>> {
    secret.get("env").filter(|name| name.text().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_those_of_the_reader() {
        let mut places = PLACES.clone();
        places.sort();
        assert_eq!(
            places,
            [
                "contracts.source.headers.*",
                "providers[].introspection.client.key",
                "providers[].introspection.client.secret",
                "providers[].introspection.headers.*",
            ]
        );
        assert_eq!(
            ["key", "headers", "name"].map(|key| Holds::Other.at(key)),
            [Holds::Secret, Holds::Secrets, Holds::Other]
        );
    }
}
