//! The tables of configuration.md, held against the keys of the code: names, defaults, bounds and words.

use std::collections::BTreeMap;

use serde_json::Value;
use tessera_core::config::key::{KeyDescription, Presence};
use tessera_core::config::shape::Shape;
use tessera_core::config::{key_tables, parse_duration};

use super::{code_spans, document, yaml};

/// A row of a table, by the heads of its columns.
type Row = BTreeMap<String, String>;

#[test]
fn each_row_of_configuration_md_says_what_its_key_takes() {
    let mut documented = documented();
    let mut compared = 0;
    for table in key_tables() {
        for path in table.paths.iter().filter(|path| **path != "secret") {
            let mut rows = documented.remove(*path).unwrap_or_else(|| panic!("no table for {path:?}"));
            for key in &table.keys {
                let row = rows.remove(key.name).unwrap_or_else(|| panic!("{path}: no row for {}", key.name));
                compare(&format!("{path}.{}", key.name), key, &row);
                compared += 1;
            }
            assert!(rows.is_empty(), "{path}: not known are {:?}", rows.keys());
        }
    }
    assert!(documented.is_empty(), "no sections are {:?}", documented.keys());
    assert!(compared > 60, "only {compared} keys were compared");
}

fn compare(place: &str, key: &KeyDescription, row: &Row) {
    assert!(key.meaning.ends_with('.'), "{place}: {:?}", key.meaning);
    if let Some(shown) = row.get("default") {
        match key.presence {
            Presence::Required => assert!(shown.starts_with("required"), "{place}: is required, not {shown}"),
            Presence::Optional => assert!(!shown.starts_with("required"), "{place}: is not required"),
            Presence::Default(default) => compare_default(place, default, shown),
        }
    }
    let text = row.values().map(String::as_str).collect::<Vec<_>>().join(" | ");
    match &key.shape {
        Shape::Duration(from, to) => {
            let bounds = text.match_indices("` to `").any(|(at, joint)| {
                let before = text[..at].rsplit('`').next().and_then(parse_duration);
                let behind = text[at + joint.len()..].split('`').next().and_then(parse_duration);
                (before, behind) == (Some(*from), Some(*to))
            });
            assert!(bounds, "{place}: the bounds are {from:?} and {to:?}, not {text}");
        }
        Shape::Integer(from, to) => {
            assert!(
                row.values().any(|cell| *cell == format!("{from} to {to}")),
                "{place}: from {from} to {to}: {text}"
            );
        }
        Shape::Word(words) if !text.contains("as above") => {
            let shown = code_spans(&text);
            let missing: Vec<_> = words.iter().filter(|word| !shown.iter().any(|shown| shown == *word)).collect();
            assert!(missing.is_empty(), "{place}: {missing:?} are not explained: {text}");
        }
        _ => {}
    }
}

/// Shown is the value as YAML, or in words what an empty object or list means.
fn compare_default(place: &str, default: &str, shown: &str) {
    let value: Value = serde_json::from_str(default).unwrap_or_else(|error| panic!("{place}: {default}: {error}"));
    if shown.starts_with('`') {
        assert_eq!(yaml(&code_spans(shown)[0], place), value, "{place}");
    } else {
        assert!(["{}", "[]"].contains(&default), "{place}: the default is {default}, not {shown}");
    }
}

/// The rows of each table of keys, by the paths of the sections that the heading above it names, and by their keys.
fn documented() -> BTreeMap<String, BTreeMap<String, Row>> {
    let mut tables: BTreeMap<String, BTreeMap<String, Row>> = BTreeMap::new();
    let (mut paths, mut head): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for line in document("docs/configuration.md").text.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            paths = match heading.trim_start_matches('#').trim() {
                "Top level" => vec![String::new()],
                heading => code_spans(heading),
            };
        }
        let Some(cells) = line.strip_prefix('|') else {
            head.clear();
            continue;
        };
        let cells = cells.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        match cells[0].strip_prefix('`').and_then(|key| key.strip_suffix('`')) {
            Some(key) if head.first().is_some_and(|first| first == "key") => {
                let row: Row = head.iter().cloned().zip(cells.iter().cloned()).collect();
                for path in &paths {
                    tables.entry(path.clone()).or_default().insert(key.to_owned(), row.clone());
                }
            }
            _ if head.is_empty() => head = cells,
            _ => {}
        }
    }
    tables
}
