//! What is true, and when: tokens at the authorization server, contracts at their source.

use super::random::Random;
use serde_json::json;
use std::collections::BTreeMap;

/// The beginning of every history, on the wall clock.
pub const START: u64 = 1_767_225_600_000;
pub const TOKENS: u64 = 8;
/// Tokens beyond these, that the authorization server has never heard of.
pub const STRANGERS: u64 = 200;

/// One token's life.
pub struct Token {
    pub number: u64,
    /// When it changes between active and not; it begins as active.
    changes: Vec<u64>,
    /// On the wall clock.
    pub expires: u64,
    /// Also on the wall clock.
    pub begins: Option<u64>,
    pub scope: &'static str,
    /// As JSON.
    pub audience: &'static str,
}

impl Token {
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

    pub fn is_for(&self, audience: &str) -> bool {
        self.audience.contains(&format!("\"{audience}\""))
    }
}

/// A row of the contracts, for tokens of one provider or of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// In which it was written.
    pub version: u64,
    pub status: &'static str,
    /// On the wall clock.
    pub begins: Option<u64>,
    pub ends: Option<u64>,
}

impl Row {
    pub fn has_begun(&self, wall: u64) -> bool {
        self.begins.is_none_or(|begins| begins <= wall)
    }

    pub fn has_ended(&self, wall: u64) -> bool {
        self.ends.is_some_and(|ends| ends <= wall)
    }

    pub fn grants(&self, wall: u64) -> bool {
        self.status == "active" && self.has_begun(wall) && !self.has_ended(wall)
    }
}

/// The contracts of one tenant from one moment on, by client and provider; the empty one is any.
#[derive(Clone, Default)]
pub struct Version {
    pub from: u64,
    pub rows: BTreeMap<(u64, &'static str), Row>,
}

impl Version {
    /// The row that counts for a client's tokens: that of their provider before that of any.
    pub fn row(&self, client: u64) -> Option<(&'static str, Row)> {
        ["main", ""].into_iter().find_map(|provider| Some((provider, *self.rows.get(&(client, provider))?)))
    }

    /// Whether a request passes by the row with this tier.
    pub fn passes(&self, client: u64, tier: &str, wall: u64) -> bool {
        self.row(client).is_some_and(|(provider, row)| row.grants(wall) && tier == self::tier(row, provider))
    }
}

/// Names the row, behind its tenant.
fn tier(row: Row, provider: &str) -> String {
    format!("{}{provider}", row.version)
}

pub struct Truth {
    tokens: Vec<Token>,
    stranger: Token,
    contracts: BTreeMap<&'static str, Vec<Version>>,
}

impl Truth {
    pub fn new(random: &mut Random, span: u64) -> Self {
        let token = |number: u64, random: &mut Random| {
            let mut changes: Vec<u64> = (0..random.below(4)).map(|_| 1 + random.below(span)).collect();
            changes.sort_unstable();
            let left = [*random.pick(&[3, 9, 10_000]), 10_000][usize::from(number > 1)];
            let scope = match number {
                2 => "read",
                3 => "other",
                _ => "read write",
            };
            let begins = (number == 4).then(|| START + 1000 * *random.pick(&[2, 7]));
            let audience = match number {
                5 => r#"["mobile","api"]"#,
                6 => r#""elsewhere""#,
                _ => r#""api""#,
            };
            Token { number, changes, expires: START + left * 1000, begins, scope, audience }
        };
        let tokens = (0..TOKENS).map(|number| token(number, random)).collect();
        let changes = vec![0];
        let stranger = Token { number: TOKENS, changes, expires: START, begins: None, scope: "", audience: "[]" };
        let contracts = ["a", "b"].map(|tenant| (tenant, versions(random, span)));
        Self { tokens, stranger, contracts: contracts.into() }
    }

    pub fn token(&self, number: u64) -> &Token {
        self.tokens.get(number as usize).unwrap_or(&self.stranger)
    }

    /// What a caller shows.
    pub fn text(number: u64) -> String {
        format!("t0ken-{number}")
    }

    /// The version in force at the source, by its number.
    pub fn version(&self, tenant: &str, at: u64) -> usize {
        self.contracts[tenant].iter().rposition(|version| version.from <= at).expect("one from the beginning")
    }

    /// Those in force at some time from the one to the other.
    pub fn versions(&self, tenant: &str, from: u64, to: u64) -> &[Version] {
        &self.contracts[tenant][self.version(tenant, from)..=self.version(tenant, to)]
    }

    fn row(tenant: &str, (client, provider): (u64, &str), row: Row) -> String {
        let mut text = json!({
            "api": "orders", "client_id": format!("c{client}"), "status": row.status,
            "tier": format!("{tenant} {}", tier(row, provider)),
        });
        let times = [("not_before", row.begins), ("expires_at", row.ends)];
        for (name, time) in times.into_iter().filter_map(|(name, time)| Some((name, time?))) {
            text[name] = date(time).into();
        }
        if !provider.is_empty() {
            text["provider"] = provider.into();
        }
        text.to_string()
    }

    /// The document that is served to who has this version already.
    pub fn document(&self, tenant: &str, since: Option<usize>, at: u64) -> String {
        let current = self.version(tenant, at);
        let version = &self.contracts[tenant][current];
        let known = since.map(|since| &self.contracts[tenant][since.min(current)].rows);
        let told = version.rows.iter().filter(|(whose, row)| known.is_none_or(|known| known.get(whose) != Some(row)));
        let mut rows: Vec<_> = told.map(|(whose, row)| Self::row(tenant, *whose, *row)).collect();
        let gone = known.into_iter().flatten().filter(|(whose, _)| !version.rows.contains_key(whose));
        rows.extend(gone.map(|(whose, row)| Self::row(tenant, *whose, Row { status: "removed", ..*row })));
        let name = if since.is_some() { "changes" } else { "contracts" };
        format!(r#"{{"{name}":[{}],"cursor":"{current}"}}"#, rows.join(","))
    }
}

/// RFC 3339, of the day on which histories happen.
fn date(time: u64) -> String {
    let (seconds, millis) = ((time - START) / 1000, time % 1000);
    format!("2026-01-01T00:{:02}:{:02}.{millis:03}Z", seconds / 60, seconds % 60)
}

/// A set that changes a few times.
fn versions(random: &mut Random, span: u64) -> Vec<Version> {
    let mut times: Vec<u64> = (0..random.below(6)).map(|_| random.below(span)).collect();
    times.sort_unstable();
    times.dedup();
    times.retain(|time| *time > 0);
    let mut rows = BTreeMap::new();
    let mut versions = Vec::new();
    for (number, from) in [0].into_iter().chain(times).enumerate() {
        for whose in (0..TOKENS).flat_map(|client| ["", "main", "other"].map(|provider| (client, provider))) {
            let usual = if whose.1.is_empty() { 80 } else { 10 };
            if number == 0 && random.percent(usual) || number > 0 && random.percent(usual / 3) {
                let status = *random.pick(&["active", "active", "active", "revoked", "suspended", "pending"]);
                let mut some_time = || random.percent(15).then(|| START + random.below(span));
                let (begins, ends) = (some_time(), some_time());
                rows.insert(whose, Row { version: number as u64, status, begins, ends });
            } else if number > 0 && random.percent(15) {
                rows.remove(&whose);
            }
        }
        versions.push(Version { from, rows: rows.clone() });
    }
    versions
}
