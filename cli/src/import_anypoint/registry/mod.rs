//! `--registry`: what `tessera-registry apply` and `tessera-registry adopt` read, made of contracts.

mod adopted;
mod catalogue;
mod flags;
mod id;
mod lists;
mod tier;
mod toml;

pub use flags::{RegistryCommand, RegistryFlags, RegistryWanted};
pub use lists::Lists;
pub use toml::toml;

use super::change::Notes;
use super::contracts::ContractTable;
use catalogue::Catalogue;
use serde_json::Value;
use std::collections::BTreeSet;

/// What the command reads; `None` where nothing can be used.
pub fn registry(
    table: &ContractTable,
    lists: &Lists,
    names: &[(String, String)],
    wanted: &RegistryWanted,
    notes: &mut Notes,
) -> Option<Value> {
    // What was said of the table has its place there, and none in what is made here.
    notes.changes.iter_mut().for_each(|change| change.path.clear());
    let mut catalogue = Catalogue::new(wanted);
    catalogue.add_lists(lists, names, notes);
    let contracts = catalogue.add_contracts(table, notes);
    let ids: BTreeSet<&str> = table.ids.iter().map(|id| &**id).chain(lists.ids()).collect();
    notes.unused(names, |there| ids.contains(there));
    match wanted.command {
        RegistryCommand::Apply => (!table.is_useless() || !lists.is_empty()).then(|| catalogue.document(notes)),
        RegistryCommand::Adopt => (!table.is_useless()).then(|| adopted::document(&contracts, wanted, notes)),
    }
}
