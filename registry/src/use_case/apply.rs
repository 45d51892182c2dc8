//! Making the catalogue of an organisation what a file says.
//!
//! It is done, and what is done is told; whoever only wants to know drops the transaction.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::domain::api::{Api, api_key, tier_key};
use crate::domain::catalogue_file::{CatalogueFile, problem};
use crate::domain::environment::Environment;
use crate::domain::group::Group;
use crate::domain::members::Object;
use crate::domain::principal::ROOT;
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::tier::{Tier, TierOfApi};
use crate::use_case::context::Context;
use crate::use_case::keeping::hold;
use crate::use_case::record::Record;
use crate::use_case::serving::{follow, prepare};
use crate::use_case::tree::Tree;
use crate::use_case::wanted::Wanted;
use crate::use_case::{apis, environments, groups, one_time_tokens, organisations, providers, tiers};

/// Why nothing was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotApplied {
    /// The file has these, each as `path: problem`.
    Problems(Vec<String>),
    /// What the file does not name cannot go: which thing, and why.
    InUse(String, &'static str),
    Refused(Refusal),
}

impl From<Refusal> for NotApplied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Makes groups, environments, providers, APIs and tiers of the caller's organisation, which is the file's, what the file
/// says, and says what that changes: a line each, beginning with `+`, `~` or `-`. What the file does not name stays,
/// unless `prune`.
///
/// # Errors
/// Why it cannot be.
pub async fn apply(cx: &mut Context<'_>, file: &CatalogueFile, prune: bool) -> Result<Vec<String>, NotApplied> {
    let mut lines = Vec::new();
    if organisations::ensure(cx).await? {
        lines.push(format!("+ organisation {}", cx.caller.organisation));
    }
    groups::hold_tree(cx).await?;
    let catalogue = Catalogue::read(cx, file).await?;
    let problems = catalogue.problems(prune);
    if !problems.is_empty() {
        return Err(NotApplied::Problems(problems));
    }
    catalogue.hold(cx, prune).await?;
    catalogue.put(cx, &mut lines).await?;
    if prune {
        catalogue.prune(cx, &mut lines).await?;
    }
    Ok(lines)
}

struct Catalogue {
    groups: Wanted<Group>,
    environments: Wanted<Environment>,
    providers: Wanted<Provider>,
    apis: Wanted<Api>,
    tiers: Wanted<TierOfApi>,
}

impl Catalogue {
    async fn read(cx: &mut Context<'_>, file: &CatalogueFile) -> Result<Self, Refusal> {
        let mut catalogue = Self {
            groups: Wanted::of(cx).await?,
            environments: Wanted::of(cx).await?,
            providers: Wanted::of(cx).await?,
            apis: Wanted::of(cx).await?,
            tiers: Wanted::of(cx).await?,
        };
        let now = cx.now;
        for (index, object) in file.groups.iter().enumerate() {
            let (at, id) = (format!("/groups/{index}"), text(object, "id"));
            catalogue.groups.read(&at, object, id, Group::blank(now), |members, group| group.read(members));
        }
        for (index, object) in file.environments.iter().enumerate() {
            let (at, id, blank) = (format!("/environments/{index}"), text(object, "id"), Environment::blank(now));
            catalogue.environments.read(&at, object, id, blank, |members, environment| environment.read(members));
        }
        for (index, object) in file.providers.iter().enumerate() {
            let (at, id) = (format!("/providers/{index}"), text(object, "id"));
            catalogue.providers.read(&at, object, id, Provider::blank(now), |members, provider| {
                let before = (!provider.id.is_empty()).then(|| (provider.kind, provider.issuer.clone()));
                providers::read_into(cx, provider, members);
                let Some((kind, issuer)) = before else { return };
                for (name, is_other) in [("kind", kind != provider.kind), ("issuer", issuer != provider.issuer)] {
                    if is_other {
                        members.fault(name, "cannot be changed");
                    }
                }
            });
        }
        for (index, (object, tiers)) in file.apis.iter().enumerate() {
            catalogue.read_api(cx, &format!("/apis/{index}"), object, tiers);
        }
        Ok(catalogue)
    }

    fn read_api(&mut self, cx: &Context<'_>, at: &str, object: &Object, tiers: &[Object]) {
        let (environment, api) = (text(object, "environment"), text(object, "id"));
        let key = api_key(environment, api);
        self.apis.read(at, object, &key, Api::blank(cx.now), |members, api| api.read(members));
        for (index, object) in tiers.iter().enumerate() {
            let at = format!("{at}/tiers/{index}");
            let blank = TierOfApi { environment: environment.to_owned(), api: api.to_owned(), tier: Tier::default() };
            let key = tier_key(environment, api, text(object, "id"));
            self.tiers.read(&at, object, &key, blank, |members, tier| tier.tier.read(members));
        }
    }

    /// The groups as they will be.
    fn tree(&self, prune: bool) -> Tree {
        let mut tree = Tree::default();
        let stays = |id: &String| !prune || id == ROOT || self.groups.has(id);
        for (id, kept) in self.groups.there().filter(|(id, _)| stays(id)) {
            tree.put(id.clone(), kept.thing.parent.clone());
        }
        for (_, group) in self.groups.wanted() {
            tree.put(group.id.clone(), group.parent.clone());
        }
        tree
    }

    /// Faults of each part, and names of what will not be there.
    fn problems(&self, prune: bool) -> Vec<String> {
        let faults = [
            self.groups.faults(),
            self.environments.faults(),
            self.providers.faults(),
            self.apis.faults(),
            self.tiers.faults(),
        ];
        let mut problems: Vec<String> = faults.concat();
        let mut missing = |at: &str, name: &str, detail: &str| problems.push(problem(&format!("{at}/{name}"), detail));
        let tree = self.tree(prune);
        for (at, group) in self.groups.wanted() {
            if let Some(fault) = tree.fault_of(&group.id) {
                missing(at, "parent", fault);
            }
        }
        for (id, fault) in
            tree.groups().filter(|id| !self.groups.has(id)).filter_map(|id| Some((id, tree.fault_of(id)?)))
        {
            missing("/groups", id, fault);
        }
        let there = self.environments.there().map(|(id, _)| id).filter(|_| !prune);
        let environments: BTreeSet<&String> =
            there.chain(self.environments.wanted().map(|(_, environment)| &environment.id)).collect();
        for (at, provider) in self.providers.wanted() {
            for name in provider.environments.iter().flatten().filter(|name| !environments.contains(name)) {
                missing(at, "environments", &format!("there is no environment {name}"));
            }
        }
        for (at, api) in self.apis.wanted() {
            if !api.environment.is_empty() && !environments.contains(&api.environment) {
                missing(at, "environment", "there is no such environment");
            }
            if !api.group.is_empty() && !tree.has(&api.group) {
                missing(at, "group", "there is no such group");
            }
        }
        problems
    }

    /// Locks what there is and will be changed, in the order of everybody, before the first change is audited: the audit
    /// locks the organisation, which others lock last.
    async fn hold(&self, cx: &mut Context<'_>, prune: bool) -> Result<(), Refusal> {
        self.groups.hold(cx, prune).await?;
        self.environments.hold(cx, prune).await?;
        self.providers.hold(cx, prune).await?;
        let wanted = self.providers.wanted();
        let changes: Vec<_> =
            wanted.filter_map(|(_, after)| Some((self.providers.before(&after.id)?, after))).collect();
        prepare(cx, &changes).await?;
        self.apis.hold(cx, prune).await?;
        self.tiers.hold(cx, prune).await
    }

    async fn put(&self, cx: &mut Context<'_>, lines: &mut Vec<String>) -> Result<(), NotApplied> {
        let tree = self.tree(false);
        let mut groups: Vec<&Group> = self.groups.wanted().map(|(_, group)| group).collect();
        groups.sort_by_key(|group| tree.path(&group.id).count());
        for group in groups {
            self.groups.put(cx, group, lines).await?;
        }
        for (_, environment) in self.environments.wanted() {
            if self.environments.put(cx, environment, lines).await? {
                cx.tx.begin_feed(&cx.caller.organisation, &environment.id).await.map_err(Refusal::from)?;
            }
        }
        for (_, provider) in self.providers.wanted() {
            self.providers.put(cx, provider, lines).await?;
        }
        for (_, api) in self.apis.wanted() {
            self.apis.put(cx, api, lines).await?;
        }
        for (_, tier) in self.tiers.wanted() {
            self.tiers.put(cx, tier, lines).await?;
        }
        for (_, provider) in self.providers.wanted() {
            if let Some(before) = self.providers.before(&provider.id) {
                follow(cx, before, provider).await?;
                one_time_tokens::follow(cx, before, provider).await?;
            }
        }
        Ok(())
    }

    /// Removes what the file does not name, what depends on something before it.
    async fn prune(&self, cx: &mut Context<'_>, lines: &mut Vec<String>) -> Result<(), NotApplied> {
        for kept in self.tiers.unnamed() {
            let kept = &hold::<TierOfApi>(cx, &kept.thing.id()).await?;
            gone("tier", &kept.thing.id(), tiers::end(cx, kept).await, lines)?;
        }
        for kept in self.apis.unnamed() {
            let kept = &hold::<Api>(cx, &kept.thing.id()).await?;
            gone("api", &kept.thing.id(), apis::end(cx, kept).await, lines)?;
        }
        for kept in self.providers.unnamed() {
            let kept = &hold::<Provider>(cx, &kept.thing.id).await?;
            gone("provider", &kept.thing.id, providers::end(cx, kept).await, lines)?;
        }
        for kept in self.environments.unnamed() {
            let kept = &hold::<Environment>(cx, &kept.thing.id).await?;
            gone("environment", &kept.thing.id, environments::end(cx, kept).await, lines)?;
        }
        let tree = self.tree(false);
        let mut groups: Vec<_> = self.groups.unnamed().filter(|kept| kept.thing.id != ROOT).collect();
        groups.sort_by_key(|kept| std::cmp::Reverse(tree.path(&kept.thing.id).count()));
        for kept in groups {
            let id = &kept.thing.id;
            hold::<Group>(cx, id).await?;
            let done = match groups::free(cx, id).await {
                Ok(()) => groups::end(cx, kept).await,
                Err(refusal) => Err(refusal),
            };
            gone("group", id, done, lines)?;
        }
        Ok(())
    }
}

fn gone<T>(kind: &str, id: &str, done: Result<T, Refusal>, lines: &mut Vec<String>) -> Result<(), NotApplied> {
    match done {
        Ok(_) => {
            lines.push(format!("- {kind} {id}"));
            Ok(())
        }
        Err(Refusal::InUse(why)) => Err(NotApplied::InUse(format!("{kind} {id}"), why)),
        Err(refusal) => Err(NotApplied::Refused(refusal)),
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}
