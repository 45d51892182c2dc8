//! A contract document, as gateways read it, that is to become contracts of the registry.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tessera_core::base::time::Timestamp;
use tessera_core::contract::contract::Status;
use tessera_core::contract::row::Row;

use crate::domain::client::{CLIENT_ID, is_client_id};
use crate::domain::text::{Lines, MAX_TITLE, checked};
use crate::domain::time::Time;

/// What a document says of one API and client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdoptedRow {
    /// In the document.
    pub index: usize,
    pub api: String,
    pub tier: String,
    pub name: Option<String>,
    pub status: Status,
    pub not_before: Option<Time>,
    pub expires_at: Option<Time>,
}

/// The rows of each provider and client id, by API.
pub type AdoptedClients = BTreeMap<(String, String), BTreeMap<String, AdoptedRow>>;

#[derive(Deserialize)]
struct Contracts {
    contracts: Vec<Value>,
}

/// Reads the rows, of which the last holds where there are two for one API, provider and client.
///
/// # Errors
/// What is wrong, each as `path: problem`: also where a gateway would skip a row and go on.
pub fn read(document: &[u8]) -> Result<AdoptedClients, Vec<String>> {
    let Contracts { contracts } = serde_json::from_slice(document)
        .map_err(|error| vec![format!("line {}: must be an object with an array `contracts`", error.line())])?;
    let (mut clients, mut problems) = (AdoptedClients::new(), Vec::new());
    for (index, value) in contracts.iter().enumerate() {
        match row(index, value) {
            Ok((client, row)) => {
                clients.entry(client).or_default().insert(row.api.clone(), row);
            }
            Err((member, problem)) => problems.push(format!("contracts[{index}]{member}: {problem}")),
        }
    }
    if problems.is_empty() { Ok(clients) } else { Err(problems) }
}

type RowProblem = (String, String);

fn row(index: usize, value: &Value) -> Result<((String, String), AdoptedRow), RowProblem> {
    let wrong = |member: &str, problem: &str| {
        let member = if member.is_empty() { String::new() } else { format!(".{member}") };
        (member, problem.to_owned())
    };
    let Row { identity, contract } =
        Row::from_json(value.to_string().as_bytes()).map_err(|error| wrong(error.member, error.reason))?;
    let needed = |member, text: Option<&str>| text.map(str::to_owned).ok_or_else(|| wrong(member, "is required"));
    let provider = needed("provider", identity.provider.as_deref())?;
    let tier = needed("tier", contract.tier.as_deref())?;
    if contract.status == Status::Unknown {
        return Err(wrong("status", "must be one of `active`, `pending`, `suspended`, `revoked`"));
    }
    if !is_client_id(&identity.client_id) {
        return Err(wrong("client_id", CLIENT_ID));
    }
    let name = contract.name.as_deref().map(|name| checked(name, Lines::One, &(1..=MAX_TITLE))).transpose();
    let time = |at: Timestamp| Time::from_millis(at.as_millis());
    let row = AdoptedRow {
        index,
        api: identity.api.to_string(),
        tier,
        name: name.map_err(|problem| wrong("name", &problem))?,
        status: contract.status,
        not_before: contract.not_before.map(time),
        expires_at: contract.expires_at.map(time),
    };
    Ok(((provider, identity.client_id.to_string()), row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_rows_holds_and_every_problem_is_told() {
        let good = r#"{"contracts": [
            {"api": "x", "client_id": "c", "provider": "p", "tier": "t", "more": 1},
            {"api": "y", "client_id": "c", "provider": "p", "tier": "t"},
            {"api": "x", "client_id": "c", "provider": "p", "tier": "u", "status": "suspended"}], "cursor": "7"}"#;
        let clients = read(good.as_bytes()).unwrap();
        let rows = &clients[&("p".to_owned(), "c".to_owned())];
        assert_eq!((rows.len(), rows["x"].tier.as_str(), rows["x"].status), (2, "u", Status::Suspended));
        let wrong = r#"{"contracts": [
            {"api": "x", "client_id": "c", "tier": "t"}, {"api": "x", "client_id": "c", "provider": "p"}, 3,
            {"api": "x", "client_id": "c", "provider": "p", "tier": "t", "status": "odd"},
            {"api": "x", "client_id": "\u00e9", "provider": "p", "tier": "t"},
            {"api": "x", "client_id": "c", "provider": "p", "tier": "t", "name": "\u0000"},
            {"client_id": "c", "provider": "p", "tier": "t"}]}"#;
        let problems = read(wrong.as_bytes()).unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
        assert_eq!(
            paths,
            [
                "contracts[0].provider",
                "contracts[1].tier",
                "contracts[2]",
                "contracts[3].status",
                "contracts[4].client_id",
                "contracts[5].name",
                "contracts[6].api"
            ]
        );
        for broken in ["", "[]", "{}", r#"{"contracts": {}}"#, r#"{"changes": []}"#] {
            assert_eq!(read(broken.as_bytes()).unwrap_err().len(), 1, "{broken}");
        }
    }
}
