//! What is true, and when: tokens at the authorization server, contracts at their source.

use super::random::Random;
use std::collections::BTreeMap;

/// The beginning of every history, on the wall clock.
pub const START: u64 = 1_767_225_600_000;
pub const TOKENS: u64 = 6;

/// One token's life.
pub struct Token {
    pub number: u64,
    /// When it changes between active and not; it begins as active.
    changes: Vec<u64>,
    /// On the wall clock.
    pub expires: u64,
    pub scope: &'static str,
}

impl Token {
    pub fn text(&self) -> String {
        format!("t0ken-{}", self.number)
    }

    pub fn is_active(&self, at: u64) -> bool {
        self.changes.iter().filter(|change| **change <= at).count() % 2 == 0
    }

    /// Whether it was inactive at some time from the one to the other.
    pub fn was_inactive(&self, from: u64, to: u64) -> bool {
        !self.is_active(from) || !self.is_active(to) || self.changes.iter().any(|change| (from..=to).contains(change))
    }

    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|has| has == scope)
    }
}

/// The contracts of one tenant from one moment on: each client's row with the version in which it was written.
#[derive(Clone, Default)]
pub struct Version {
    pub from: u64,
    pub rows: BTreeMap<u64, (u64, bool)>,
}

pub struct Truth {
    pub tokens: Vec<Token>,
    contracts: BTreeMap<&'static str, Vec<Version>>,
}

impl Truth {
    pub fn new(random: &mut Random, span: u64) -> Self {
        let token = |number: u64, random: &mut Random| {
            let mut changes: Vec<u64> = (0..random.below(4)).map(|_| 1 + random.below(span)).collect();
            changes.sort_unstable();
            let left = [*random.pick(&[3, 9, 10_000]), 10_000][usize::from(number > 1)];
            let scope = if number == 2 {
                "read"
            } else if number == 3 {
                "other"
            } else {
                "read write"
            };
            Token { number, changes, expires: START + left * 1000, scope }
        };
        let tokens = (0..TOKENS).map(|number| token(number, random)).collect();
        let contracts = ["a", "b"].map(|tenant| (tenant, versions(random, span)));
        Self { tokens, contracts: contracts.into() }
    }

    /// The version in force at the source, by its number.
    pub fn version(&self, tenant: &str, at: u64) -> usize {
        self.contracts[tenant].iter().rposition(|version| version.from <= at).expect("one from the beginning")
    }

    /// Those in force at some time from the one to the other.
    pub fn versions(&self, tenant: &str, from: u64, to: u64) -> &[Version] {
        &self.contracts[tenant][self.version(tenant, from)..=self.version(tenant, to)]
    }

    pub fn row(tenant: &str, client: u64, (version, active): (u64, bool)) -> String {
        let status = if active { "active" } else { "revoked" };
        format!(r#"{{"api":"orders","client_id":"c{client}","status":"{status}","tier":"{tenant} {version}"}}"#)
    }

    /// The document that is served to who has this version already.
    pub fn document(&self, tenant: &str, since: Option<usize>, at: u64) -> String {
        let current = self.version(tenant, at);
        let version = &self.contracts[tenant][current];
        let known = since.map(|since| &self.contracts[tenant][since.min(current)].rows);
        let told = version.rows.iter().filter(|(client, row)| known.is_none_or(|known| known.get(client) != Some(row)));
        let rows: Vec<_> = told.map(|(client, row)| Self::row(tenant, *client, *row)).collect();
        let name = if since.is_some() { "changes" } else { "contracts" };
        format!(r#"{{"{name}":[{}],"cursor":"{current}"}}"#, rows.join(","))
    }
}

/// A set that changes a few times. A client whose contract has been taken away keeps a row that says so.
fn versions(random: &mut Random, span: u64) -> Vec<Version> {
    let mut times: Vec<u64> = (0..random.below(6)).map(|_| random.below(span)).collect();
    times.sort_unstable();
    times.dedup();
    times.retain(|time| *time > 0);
    let mut rows = BTreeMap::new();
    let mut versions = Vec::new();
    for (number, from) in [0].into_iter().chain(times).enumerate() {
        for client in 0..TOKENS {
            if number == 0 && random.percent(80) || number > 0 && random.percent(30) {
                rows.insert(client, (number as u64, random.percent(60)));
            }
        }
        versions.push(Version { from, rows: rows.clone() });
    }
    versions
}
