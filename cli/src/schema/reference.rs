//! The texts of the reference, by section and key.

use std::collections::BTreeMap;

/// What people read about the keys.
const PAGE: &str = include_str!("../../../docs/configuration.md");

pub struct Reference(BTreeMap<(String, String), String>);

impl Reference {
    pub fn read() -> Self {
        let mut texts = BTreeMap::new();
        let mut paths: Vec<String> = Vec::new();
        for line in PAGE.lines() {
            if let Some(heading) = line.strip_prefix('#') {
                let heading = heading.trim_start_matches('#').trim();
                paths = if heading == "Top level" { vec![String::new()] } else { code_spans(heading) };
            }
            let Some(cells) = line.strip_prefix('|') else { continue };
            let cells: Vec<&str> = cells.trim_end_matches('|').split('|').map(str::trim).collect();
            let [key, meaning, more @ ..] = cells.as_slice() else { continue };
            let Some(key) = key.strip_prefix('`').and_then(|key| key.strip_suffix('`')) else { continue };
            for path in &paths {
                texts.insert((path.clone(), key.to_owned()), described(meaning, more));
            }
        }
        Self(texts)
    }

    /// The text of a key, where the reference has one.
    pub fn text(&self, path: &str, key: &str) -> Option<&str> {
        let text = self.0.get(&(path.to_owned(), key.to_owned()))?;
        // An operation's keys are the API's.
        if text.starts_with("as above") { self.text("apis[]", key) } else { Some(text) }
    }
}

/// The meaning, the default in words, and the bounds.
fn described(meaning: &str, more: &[&str]) -> String {
    let mut text = plain(meaning);
    for (label, cell) in ["default", "bounds"].into_iter().zip(more).filter(|(_, cell)| !cell.is_empty()) {
        text += &format!("; {label}: {}", plain(cell));
    }
    text
}

fn code_spans(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(String::from).collect()
}

/// Without links and emphasis.
fn plain(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, link)) = rest.split_once('[') {
        let inner = link.split_once("](").and_then(|(label, target)| Some((label, target.split_once(')')?.1)));
        plain += before;
        match inner.filter(|(label, _)| !label.contains(['[', ']'])) {
            Some((label, behind)) => {
                plain += label;
                rest = behind;
            }
            None => {
                plain.push('[');
                rest = link;
            }
        }
    }
    plain += rest;
    plain.replace("**", "")
}
