//! No two types of one name: whoever reads a name knows which one is meant.

use std::collections::BTreeMap;
use std::fs;

use proc_macro2::{TokenStream, TokenTree};

/// Crates whose types are told apart by their names alone.
const CRATES: &[&str] = &["core/src/lib.rs"];

#[test]
fn no_two_types_of_a_crate_have_one_name() {
    for first in CRATES {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in crate::production_files(first) {
            for name in types(&fs::read_to_string(&file).unwrap()) {
                places.entry(name).or_default().push(crate::shown(&file));
            }
        }
        assert!(places.len() > 150, "only {} types were found", places.len());
        places.retain(|_, places| places.len() > 1);
        assert!(places.is_empty(), "{places:#?}");
    }
}

#[test]
fn types_are_found_by_their_keywords() {
    let text = "pub struct A; enum B {} pub(crate) trait C { type Item; } type D = A; impl A { fn f() { struct Own; } }
        mod tests { struct E; } macro_rules! m { () => { struct F; } }";
    assert_eq!(types(text), ["A", "B", "C", "D"]);
}

/// The types that `text` defines, outside of functions, tests and other braces.
fn types(text: &str) -> Vec<String> {
    let tokens: Vec<TokenTree> = text.parse::<TokenStream>().unwrap().into_iter().collect();
    let defines = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if ["struct", "enum", "trait", "type"].iter().any(|keyword| word == keyword));
    let pairs = tokens.windows(2).filter(|pair| defines(&pair[0]));
    pairs
        .filter_map(|pair| match &pair[1] {
            TokenTree::Ident(name) => Some(name.to_string()),
            _ => None,
        })
        .collect()
}
