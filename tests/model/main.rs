//! The engine against a model. Random histories of a whole process: tokens that are revoked and come back, contracts that
//! change, servers that fail, clocks that step, workers that die, configurations that are replaced, several workers and
//! two configurations over one store. Whatever the engine says is held against what was true, by a judge that remembers
//! everything and is clever about nothing: no cache, no flights, no shared data.
//!
//! `TESSERA_MODEL_HISTORIES` says how many, `TESSERA_MODEL_SEED` where to begin. A failure prints its seed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "tests"
)]

mod configurations;
mod history;
mod host;
mod judge;
mod random;
mod truth;

use history::{Disorder, Plan};
use host::Process;
use std::collections::BTreeMap;
use std::{env, thread};

/// Of each kind.
const HISTORIES: u64 = 2500;
const THREADS: u64 = 2;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// How often each thing happened.
pub type Tally = BTreeMap<String, u64>;

/// Runs so many histories of a kind; what happened in them has to be enough to fail for.
fn run(disorder: Disorder, wanted: &[&str]) {
    let (count, first) = (number("TESSERA_MODEL_HISTORIES", 4 * HISTORIES) / 4, number("TESSERA_MODEL_SEED", 1));
    let share = |thread: u64| -> Tally {
        let mut tally = Tally::new();
        for seed in (first..first + count).filter(|seed| seed % THREADS == thread) {
            for (what, times) in Process::new(Plan::new(seed, disorder)).run() {
                *tally.entry(what).or_default() += times;
            }
        }
        tally
    };
    let mut tally = Tally::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || share(thread))).collect();
        for thread in threads {
            for (what, times) in thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                *tally.entry(what).or_default() += times;
            }
        }
    });
    println!("{disorder:?}: {count} histories, {tally:?}");
    if count >= HISTORIES {
        let missing: Vec<_> = wanted.iter().filter(|what| !tally.contains_key(**what)).collect();
        assert!(missing.is_empty(), "{disorder:?}: {missing:?} never happened: {tally:?}");
    }
}

const USUAL: &[&str] = &[
    "allowed",
    "allowed from memory",
    "inactive",
    "insufficient_scope",
    "expired",
    "no_contract",
    "contract_suspended",
    "contract_expired",
    "not_yet_valid",
    "wrong_audience",
    "contracts_not_loaded",
];

#[test]
fn in_good_order_every_bound_is_kept() {
    run(Disorder::None, USUAL);
}

#[test]
fn while_servers_fail() {
    run(Disorder::Servers, &[USUAL, &["stale", "provider_unavailable", "provider_error"]].concat());
}

#[test]
fn while_workers_die_and_configurations_are_replaced() {
    run(Disorder::Workers, &[USUAL, &["a worker died", "a worker was replaced"]].concat());
}

#[test]
fn while_everything_happens_and_clocks_step() {
    let all =
        ["stale", "provider_unavailable", "a worker died", "a worker was replaced", "the clock stepped", "hung up"];
    run(Disorder::Everything, &[USUAL, &all].concat());
}
