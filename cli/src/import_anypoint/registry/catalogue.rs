//! What `apply` reads: the environment, the group, the provider, and APIs with their tiers.

use super::super::change::{At, Change, Kind, Notes};
use super::super::contracts::{ContractTable, ImportedContract};
use super::flags::{RegistryCommand, RegistryWanted};
use super::id::{is_api_id, is_description, is_title, slug_of};
use super::lists::{ListedApi, Lists, text};
use super::tier::TierTerms;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
struct CatalogueApi {
    listed: Option<ApiTexts>,
    tiers: BTreeMap<String, TierTerms>,
}

#[derive(Debug)]
struct ApiTexts {
    title: Option<String>,
    description: Option<String>,
    is_deprecated: bool,
}

/// A contract, and the id of its tier.
#[derive(Debug)]
pub struct TieredContract<'a> {
    pub contract: &'a ImportedContract,
    pub tier: String,
}

#[derive(Debug)]
pub struct Catalogue<'a> {
    wanted: &'a RegistryWanted,
    apis: BTreeMap<String, CatalogueApi>,
}

impl<'a> Catalogue<'a> {
    pub fn new(wanted: &'a RegistryWanted) -> Self {
        Self { wanted, apis: BTreeMap::new() }
    }

    pub fn add_lists(&mut self, lists: &Lists, names: &[(String, String)], notes: &mut Notes) {
        let here =
            |there: &str| names.iter().find(|(name, _)| name == there).map_or(there, |(_, here)| here).to_owned();
        for api in &lists.apis {
            let ListedApi { id, at, title, description, is_deprecated } = api;
            let texts = self.texts(title.clone(), description.clone(), *is_deprecated, *at, notes);
            if let Some(known) = self.api(&here(id), *at, notes) {
                known.listed = Some(texts);
            }
        }
        for tier in &lists.tiers {
            let at = At::of(tier.file, &tier.node);
            let Some(name) = text(tier.node.get("name")) else {
                notes.fault(at, "a tier wants `name`, a text");
                continue;
            };
            let Some(id) = self.tier_id(name, at, notes) else { continue };
            let terms = TierTerms::of_node(&id, name, tier.file, &tier.node);
            self.add_tier(&here(&tier.api), (&id, at), terms, notes);
        }
    }

    /// Adds what contracts name, and says what their tiers are called.
    pub fn add_contracts<'t>(&mut self, table: &'t ContractTable, notes: &mut Notes) -> Vec<TieredContract<'t>> {
        let mut tiered = Vec::new();
        for contract in &table.contracts {
            let (source, row) = (&contract.source, &contract.row);
            if let Some(node) = source.node() {
                notes.repeated(source.at.file, node);
            }
            let node = source.node().and_then(|node| node.get("tier"));
            let (id, terms) = match row.contract.tier.as_deref() {
                None => {
                    let id = self.wanted.default_tier.clone();
                    (id.clone(), TierTerms::of_none(&id, source.at))
                }
                Some(name) => {
                    let Some(id) = self.tier_id(name, source.at, notes) else { continue };
                    let terms = match node.filter(|node| text(node.get("name")) == Some(name)) {
                        Some(node) => TierTerms::of_node(&id, name, source.at.file, node),
                        None => TierTerms::of_name(&id, name, source.at),
                    };
                    (id, terms)
                }
            };
            self.add_tier(&row.identity.api, (&id, source.at), terms, notes);
            tiered.push(TieredContract { contract, tier: id });
        }
        tiered
    }

    fn texts(
        &self,
        title: Option<String>,
        description: Option<String>,
        is_deprecated: bool,
        at: At,
        notes: &mut Notes,
    ) -> ApiTexts {
        let description = description.map(|text| text.replace("\r\n", "\n"));
        let title_that_can_be = title.clone().filter(|text| is_title(text));
        let description_that_can_be = description.clone().filter(|text| is_description(text));
        for (parameter, is_lost) in [
            ("name", title.is_some() && title_that_can_be.is_none()),
            ("description", description.is_some() && description_that_can_be.is_none()),
        ] {
            if is_lost && self.wanted.command == RegistryCommand::Apply {
                note(notes, (Kind::None, at), parameter, "", "is too long, or has control characters: left out");
            }
        }
        ApiTexts { title: title_that_can_be, description: description_that_can_be, is_deprecated }
    }

    /// The API of this id, new or known; `None` with a fault.
    fn api(&mut self, id: &str, at: At, notes: &mut Notes) -> Option<&mut CatalogueApi> {
        if !is_api_id(id) {
            notes.fault(at, "its API has an id that the registry does not take: --api ANYPOINT-ID=ID gives it another");
            return None;
        }
        Some(self.apis.entry(id.to_owned()).or_default())
    }

    fn tier_id(&self, name: &str, at: At, notes: &mut Notes) -> Option<String> {
        let given = self.wanted.tiers.iter().find(|(there, _)| there == name).map(|(_, here)| here.clone());
        let id = given.or_else(|| slug_of(name));
        if id.is_none() {
            notes.fault(at, "the name of its tier has no letter or digit for an id: --tier NAME=ID gives it one");
        }
        id
    }

    fn add_tier(&mut self, api: &str, (id, at): (&str, At), terms: TierTerms, notes: &mut Notes) {
        let is_shown = self.wanted.command == RegistryCommand::Apply;
        let Some(known) = self.api(api, at, notes) else { return };
        let Some(there) = known.tiers.get(id) else {
            known.tiers.insert(id.to_owned(), terms);
            return;
        };
        if there.name != terms.name {
            let message =
                format!("another tier of this API would be called {id}, too: --tier NAME=ID tells them apart");
            notes.fault(at, message);
        } else if terms.is_whole && !there.is_whole {
            known.tiers.insert(id.to_owned(), terms);
        } else if is_shown && terms.is_whole && !there.is_same(&terms) {
            let message = "has other terms than where it was first named: the first ones count";
            note(notes, (Kind::Meaning, at), "tier", "", message);
        }
    }

    pub fn document(&self, notes: &mut Notes) -> Value {
        let RegistryWanted { environment, group, provider, issuer, .. } = self.wanted;
        let mut document = Map::new();
        if group != "root" {
            document.insert("groups".into(), json!([{ "id": group }]));
        }
        document.insert("environments".into(), json!([{ "id": environment }]));
        let mut of_provider = json!({ "id": provider, "kind": "manual" });
        if let (Some(issuer), Some(members)) = (issuer, of_provider.as_object_mut()) {
            members.insert("issuer".into(), issuer.as_str().into());
        }
        document.insert("providers".into(), json!([of_provider]));
        let apis = self.apis.iter().enumerate().map(|(index, (id, api))| {
            api.remark(index, notes);
            api.written(id, environment, group)
        });
        document.insert("apis".into(), apis.collect());
        document.into()
    }
}

impl CatalogueApi {
    fn written(&self, id: &str, environment: &str, group: &str) -> Value {
        let listed = self.listed.as_ref();
        let title = listed.and_then(|texts| texts.title.as_deref()).unwrap_or(id);
        let mut api = json!({ "environment": environment, "id": id, "group": group, "title": title });
        let Some(members) = api.as_object_mut() else { return api };
        if let Some(description) = listed.and_then(|texts| texts.description.as_deref()) {
            members.insert("description".into(), description.into());
        }
        if listed.is_some_and(|texts| texts.is_deprecated) {
            members.insert("lifecycle".into(), "deprecated".into());
        }
        members.insert("tiers".into(), self.tiers.values().map(TierTerms::written).collect());
        api
    }

    fn remark(&self, index: usize, notes: &mut Notes) {
        for (number, tier) in self.tiers.values().enumerate() {
            for remark in &tier.remarks {
                let path = match remark.member {
                    "" => String::new(),
                    member => format!("apis[{index}].tiers[{number}].{member}"),
                };
                note(notes, (remark.kind, remark.at), remark.parameter, &path, &remark.message);
            }
        }
    }
}

pub fn note(notes: &mut Notes, (kind, at): (Kind, At), parameter: &str, path: &str, message: &str) {
    let (parameter, path, message) = (parameter.into(), path.to_owned(), message.to_owned());
    notes.changes.push(Change { kind, at, policy: None, parameter, path, message });
}
