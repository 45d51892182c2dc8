//! What a writer has, and the rows that it implies.

use std::collections::BTreeMap;

pub const APIS: [&str; 3] = ["a0", "a1", "a2"];

/// API and client id → status, tier, name.
pub type Rows = BTreeMap<(String, String), (String, String, String)>;

/// An open contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Empty until it is answered.
    pub id: String,
    pub status: &'static str,
    pub tier: &'static str,
    pub name: String,
}

/// A live client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Empty until it is answered.
    pub id: String,
    pub client_id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    pub client: Option<Client>,
    pub contracts: [Option<Open>; 3],
}

impl Holdings {
    pub fn rows(&self) -> Rows {
        let Some(client) = &self.client else { return Rows::new() };
        let served = APIS.iter().zip(&self.contracts).filter_map(|(api, open)| {
            let open = open.as_ref().filter(|open| open.status != "pending")?;
            let row = (open.status.to_owned(), open.tier.to_owned(), open.name.clone());
            Some((((*api).to_owned(), client.client_id.clone()), row))
        });
        served.collect()
    }

    /// `active` with a client, `pending` without.
    pub fn granted(&self) -> &'static str {
        if self.client.is_some() { "active" } else { "pending" }
    }

    /// A client has come or gone.
    pub fn settle(&mut self) {
        let (from, to) = if self.client.is_some() { ("pending", "active") } else { ("active", "pending") };
        for open in self.contracts.iter_mut().flatten().filter(|open| open.status == from) {
            open.status = to;
        }
    }
}

/// How many rows change.
pub fn difference(before: &Rows, after: &Rows) -> i64 {
    let gone = before.keys().filter(|key| !after.contains_key(*key)).count();
    let new = after.iter().filter(|(key, row)| before.get(*key) != Some(row)).count();
    i64::try_from(gone + new).unwrap()
}
