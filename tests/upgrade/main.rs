//! Two versions of the finished module in one process, over one store: workers of either, that come in one another's
//! place as in a rollout and its rollback. The histories are those of tests/model; what passes is held against what was
//! true, by bounds that hold for each version alone.
//!
//! `TESSERA_OLD_MODULE` is the module of the other version (`make upgrade OLD=…` builds it of a commit); without it both
//! are the one of `target/tessera.wasm`. `TESSERA_UPGRADE_HISTORIES` says how many, `TESSERA_UPGRADE_SEED` where to begin.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests"
)]

mod bounds;
mod configurations;
#[allow(dead_code, reason = "shared with the model")]
#[path = "../model/history.rs"]
mod history;
mod process;
#[path = "../model/random.rs"]
mod random;
mod shared;
#[allow(dead_code, reason = "shared with the model")]
#[path = "../model/truth.rs"]
mod truth;
mod vm;

use history::{Disorder, Plan};
use process::Process;
use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, thread};
use vm::Program;

/// Of each kind, where nothing else is said.
const HISTORIES: u64 = 3;
/// So many that everything happens in them.
const ENOUGH: u64 = 25;
/// Bytes; an interpreter that is not optimised goes deep.
const STACK: usize = 256 << 20;

/// How often each thing happened.
type Tally = BTreeMap<String, u64>;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// The module of the other version, and this one.
fn programs() -> [Program; 2] {
    let new = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tessera.wasm");
    let old = env::var_os("TESSERA_OLD_MODULE").map_or_else(|| new.clone(), Into::into);
    [("old", old), ("new", new)].map(|(name, path)| {
        let module = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Program::new(name, &module)
    })
}

fn run(disorder: Disorder, wanted: &[&str]) {
    let programs = programs();
    let (count, first) = (number("TESSERA_UPGRADE_HISTORIES", 4 * HISTORIES) / 4, number("TESSERA_UPGRADE_SEED", 1));
    let share = |thread: u64| {
        let mut tally = Tally::new();
        for seed in (first..first + count).filter(|seed| seed % 2 == thread) {
            for (what, times) in Process::new(Plan::new(seed, disorder), &programs).run() {
                *tally.entry(what).or_default() += times;
            }
        }
        tally
    };
    let mut tally = Tally::new();
    thread::scope(|scope| {
        let share = &share;
        let threads = [0, 1].map(|thread| {
            let begun = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || share(thread));
            begun.expect("a thread")
        });
        for thread in threads {
            for (what, times) in thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                *tally.entry(what).or_default() += times;
            }
        }
    });
    println!("{disorder:?}: {count} histories, {tally:?}");
    let missing: Vec<_> = wanted.iter().filter(|what| !tally.contains_key(**what)).collect();
    assert!(count < ENOUGH || missing.is_empty(), "{disorder:?}: {missing:?} never happened: {tally:?}");
}

const USUAL: &[&str] = &["old allowed", "new allowed", "allowed from memory", "403", "401"];

#[test]
fn two_versions_in_good_order() {
    run(Disorder::None, USUAL);
}

#[test]
fn two_versions_while_servers_fail() {
    run(Disorder::Servers, &[USUAL, &["503"]].concat());
}

#[test]
fn two_versions_that_replace_one_another() {
    let replaced = ["a worker died", "old replaced by new", "new replaced by old"];
    run(Disorder::Workers, &[USUAL, &replaced].concat());
}

#[test]
fn two_versions_while_everything_happens() {
    run(Disorder::Everything, &[USUAL, &["hung up", "the clock stepped"]].concat());
}
