//! Sound files that `check` has nothing to say of, and what it says of each variant of them.
//!
//! A variant is one edit of a base. `⟦` in what is put in stands where the diagnostic is to be; it is taken out before the
//! files are read. Next to each variant of a warning stand edits that come close to it, and are quiet.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[path = "variants/clusters.rs"]
mod clusters;
#[path = "variants/native.rs"]
mod native;
#[path = "variants/reader.rs"]
mod reader;
#[path = "variants/routes.rs"]
mod routes;
#[path = "variants/runner.rs"]
mod runner;
#[path = "variants/values.rs"]
mod values;

use runner::{Base, Variant};
use std::collections::BTreeSet;

/// How many of the codes are those of mistakes.
const MISTAKES: usize = 15;

/// Every code that this table has to have: those of mistakes, then those of warnings.
const CODES: [&str; 33] = [
    "syntax",
    "duplicate-member",
    "unknown-member",
    "missing-member",
    "wrong-type",
    "out-of-range",
    "bad-value",
    "bad-secret",
    "unknown-reference",
    "conflict",
    "no-configuration",
    "env-not-passed",
    "env-not-set",
    "unknown-cluster",
    "no-tls",
    "fail-open",
    "module-by-discovery",
    "tls-no-name-check",
    "cleartext-remote",
    "no-audience",
    "no-match-pass",
    "other-routes-refused",
    "secret-inline",
    "token-in-query",
    "image-not-pinned",
    "no-phase",
    "outbound-judged",
    "preflight-refused",
    "policy-per-route",
    "stale-too-long",
    "connect-timeout",
    "metric-names-collide",
    "read-otherwise",
];

fn variants() -> Vec<Variant> {
    [reader::variants(), clusters::variants(), routes::variants(), values::VALUES.to_vec(), native::VARIANTS.to_vec()]
        .concat()
}

#[test]
fn the_bases_are_quiet() {
    for base in Base::ALL {
        assert_eq!(base.check(&[]), [], "{base:?}");
    }
}

#[test]
fn every_variant_is_caught_where_it_is_wrong_and_nothing_else_is() {
    let mut wrong = Vec::new();
    for variant in variants() {
        let expected = variant.expected();
        let found = variant.base.check(variant.edits);
        if found != expected {
            wrong.push(format!("{:?} {:?}:\nexpected {expected:#?}\nfound {found:#?}", variant.base, variant.edits));
        }
        for quiet in variant.quiet {
            let found = variant.base.check(quiet);
            if !found.is_empty() {
                wrong.push(format!("{:?} {quiet:?}:\nexpected nothing, found {found:#?}", variant.base));
            }
        }
    }
    assert!(wrong.is_empty(), "{} variants\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_every_code_and_every_kind_of_document() {
    let variants = variants();
    assert!(variants.len() >= 50, "only {} variants", variants.len());
    let codes: BTreeSet<&str> = variants.iter().flat_map(|variant| variant.code.split(' ')).collect();
    let missing: Vec<_> = CODES.iter().filter(|code| !codes.contains(**code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for base in Base::ALL {
        let count = variants.iter().filter(|variant| variant.base == base).count();
        assert!(count >= 3, "{base:?} has {count} variants");
    }
    let opposed: BTreeSet<&str> =
        variants.iter().filter(|variant| !variant.quiet.is_empty()).map(|variant| variant.code).collect();
    let unopposed: Vec<_> = CODES[MISTAKES..].iter().filter(|code| !opposed.contains(**code)).collect();
    assert!(unopposed.is_empty(), "no quiet counterpart: {unopposed:?}");
}

#[test]
fn the_tables_of_the_document_have_every_code_in_this_order() {
    let text = include_str!("../../docs/command.md");
    let section = &text[text.find("### Mistakes").unwrap()..text.find("`other-routes-refused` and").unwrap()];
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), CODES);
}
