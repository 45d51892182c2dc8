//! What `adopt` reads: a contract document whose rows name their provider and their tier.

use super::super::change::{Kind, Notes};
use super::super::contracts::TableRow;
use super::catalogue::{TieredContract, note};
use super::flags::RegistryWanted;
use super::id::{is_client_id, is_title};
use crate::document::node::Value as NodeValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tessera_core::contract::contract::{Contract, Status};
use tessera_core::contract::row::{Identity, Row};
use tessera_core::contract::writer::write_row;

/// Of each API and client the last contract, unless it is revoked: nothing becomes of that.
pub fn document(contracts: &[TieredContract<'_>], wanted: &RegistryWanted, notes: &mut Notes) -> Value {
    let mut last: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (index, TieredContract { contract, .. }) in contracts.iter().enumerate() {
        let Identity { api, client_id, .. } = &contract.row.identity;
        last.insert((api, client_id), index);
    }
    let mut indices: Vec<usize> = last.into_values().collect();
    indices.sort_unstable();
    let mut rows: Vec<Value> = Vec::new();
    for tiered in indices.into_iter().filter_map(|index| contracts.get(index)) {
        let written = row(tiered, rows.len(), wanted, notes);
        rows.extend(written);
    }
    json!({ "contracts": rows })
}

/// `None` where nothing becomes of the contract, with a word about it.
fn row(tiered: &TieredContract<'_>, index: usize, wanted: &RegistryWanted, notes: &mut Notes) -> Option<Value> {
    let TieredContract { contract, tier } = tiered;
    let Row { identity, contract: Contract { status, name, not_before, expires_at, .. } } = &contract.row;
    let source = &contract.source;
    let mut say = |kind: Kind, parameter: &str, member: &str, message: &str| {
        let path = if member.is_empty() { String::new() } else { format!("contracts[{index}].{member}") };
        note(notes, (kind, source.at), parameter, &path, message);
    };
    if *status == Status::Revoked {
        say(Kind::None, "status", "", "grants nothing: the row is left out");
        return None;
    }
    if !is_client_id(&identity.client_id) {
        say(Kind::None, "clientId", "", "is no client id (RFC 6749, appendix A.1): the row is left out");
        return None;
    }
    let name = name.clone().filter(|name| {
        let is_kept = is_title(name);
        if !is_kept {
            say(Kind::None, "applicationName", "", "is too long, or has control characters: the client id is the name");
        }
        is_kept
    });
    if *status == Status::Pending {
        say(Kind::Meaning, "status", "status", "waits for an owner here, too; who asked for it is not known here");
    }
    if has_object(source, "requestedTier") {
        say(Kind::None, "requestedTier", "", "a change of tier that waits there has to be asked for again");
    }
    if has_object(source, "groupInstance") {
        say(
            Kind::Meaning,
            "groupInstance",
            "api",
            "is of a group of APIs there: here it is a contract of this API alone",
        );
    }
    let identity = Identity { provider: Some(wanted.provider.as_str().into()), ..identity.clone() };
    let tier = Some(tier.as_str().into());
    let contract = Contract { status: *status, tier, name, not_before: *not_before, expires_at: *expires_at };
    match write_row(&Row { identity, contract }) {
        Ok(text) => serde_json::from_str(&text).ok(),
        Err(error) => {
            say(Kind::None, error.member, "", &format!("{}: the row is left out", error.reason));
            None
        }
    }
}

fn has_object(source: &TableRow, member: &str) -> bool {
    let node = source.node().and_then(|node| node.get(member));
    matches!(node.map(|node| &node.value), Some(NodeValue::Object(_)))
}
