//! Contracts as records, who may see them and do what, and how the audit tells of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::api::{Api, api_key};
use crate::domain::application::Application;
use crate::domain::contract::AccessContract;
use crate::domain::contract_action::Party;
use crate::domain::contract_terms::TierTerms;
use crate::domain::principal::{Duty, ROOT};
use crate::domain::refusal::Refusal;
use crate::domain::text::Span;
use crate::domain::tier::{Approval, Tier, TierOfApi};
use crate::domain::time::Time;
use crate::use_case::application_access::for_own_api;
use crate::use_case::audit::{Change, record};
use crate::use_case::context::Context;
use crate::use_case::keeping::{find, json};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record, get, list};
use crate::use_case::shown::Shown;
use crate::use_case::store::{Condition, Query, Table};
use crate::use_case::tables::{APIS, APPLICATIONS, CONTRACTS, TIERS};

impl Record for AccessContract {
    const TABLE: &'static Table = &CONTRACTS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        let is_open = self.status.is_open();
        vec![
            Some(self.application.clone()),
            Some(self.api_key()),
            Some(self.environment.clone()),
            Some(self.tier_key(&self.tier)),
            self.requested_tier.as_ref().map(|tier| self.tier_key(tier)),
            Some(self.status.word().to_owned()),
            is_open.then(|| self.open_key()),
            Some(self.requested_by.clone()),
            self.changed_by.clone(),
            self.undecided_tier().map(|tier| self.tier_key(tier)),
        ]
    }
}

/// What a contract binds, and what the caller is to it.
#[derive(Debug)]
pub struct Bound {
    pub contract: Kept<AccessContract>,
    pub application: Application,
    principal: String,
    owns_api: bool,
    develops: bool,
}

impl Bound {
    pub fn party(&self) -> Party<'_> {
        Party { principal: &self.principal, owns_api: self.owns_api, develops: self.develops }
    }

    /// As the caller sees it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn shown(&self, cx: &mut Context<'_>) -> Result<Shown, Refusal> {
        let terms = match self.tier_to_decide_on() {
            Some(tier) => terms(cx, &self.contract.thing, tier).await?,
            None => None,
        };
        self.shown_under(terms.as_ref(), cx.now)
    }

    /// The tier whose terms say what the caller may do.
    fn tier_to_decide_on(&self) -> Option<&str> {
        self.contract.thing.tier_in_question().filter(|_| self.owns_api)
    }

    fn shown_under(&self, terms: Option<&TierTerms>, now: Time) -> Result<Shown, Refusal> {
        let contract = &self.contract.thing;
        let allowed = contract.allowed(&self.party(), terms);
        Ok(Shown { value: json(contract.view(Some(allowed), now))?, revision: self.contract.revision })
    }
}

/// What contracts bind, read once for all contracts of a list.
#[derive(Debug, Default)]
pub struct Bindings {
    applications: BTreeMap<String, Application>,
    /// The group of each API and since when it is there, `None` where there is no such API any more.
    apis: BTreeMap<String, Option<(String, Time)>>,
    /// The terms of each tier, `None` where there is no such tier any more.
    terms: BTreeMap<String, Option<TierTerms>>,
}

impl Bindings {
    /// What these contracts bind, read at once.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of_all(cx: &mut Context<'_>, contracts: &[Kept<AccessContract>]) -> Result<Self, Refusal> {
        let mut bindings = Self::default();
        let applications = contracts.iter().map(|contract| contract.thing.application.clone());
        for kept in every_named::<Application>(cx, applications.collect()).await? {
            bindings.applications.insert(kept.thing.id.clone(), kept.thing);
        }
        for kept in every_named::<Api>(cx, contracts.iter().map(|contract| contract.thing.api_key()).collect()).await? {
            bindings.apis.insert(kept.thing.key(), Some((kept.thing.group, kept.thing.created_at)));
        }
        Ok(bindings)
    }

    /// As the caller sees it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn shown(&mut self, cx: &mut Context<'_>, bound: &Bound) -> Result<Shown, Refusal> {
        let Some(tier) = bound.tier_to_decide_on() else { return bound.shown_under(None, cx.now) };
        let key = bound.contract.thing.tier_key(tier);
        if !self.terms.contains_key(&key) {
            self.terms.insert(key.clone(), terms(cx, &bound.contract.thing, tier).await?);
        }
        bound.shown_under(self.terms.get(&key).and_then(Option::as_ref), cx.now)
    }

    async fn application(&mut self, cx: &mut Context<'_>, id: &str) -> Result<Application, Refusal> {
        if let Some(known) = self.applications.get(id) {
            return Ok(known.clone());
        }
        let read = find::<Application>(cx, id).await?.thing;
        self.applications.insert(id.to_owned(), read.clone());
        Ok(read)
    }

    /// The group of the contract's API, which is not one that came in its name later.
    async fn api_group(&mut self, cx: &mut Context<'_>, contract: &AccessContract) -> Result<Option<String>, Refusal> {
        let key = contract.api_key();
        let known = match self.apis.get(&key) {
            Some(known) => known.clone(),
            None => {
                let read = get::<Api>(cx.tx, &cx.caller.organisation, &key).await?;
                let read = read.map(|kept| (kept.thing.group, kept.thing.created_at));
                self.apis.insert(key, read.clone());
                read
            }
        };
        let Some((group, since)) = known else { return Ok(None) };
        // Clocks of replicas differ: what looks older than its API is asked for.
        if contract.status.is_open() || contract.created_at >= since {
            return Ok(Some(group));
        }
        let of_api = [Condition::Is("id", contract.id.clone()), Condition::Is("api", contract.api_key())];
        let is_of_api = cx.tx.count(&CONTRACTS, &cx.caller.organisation, &of_api).await? > 0;
        Ok(is_of_api.then_some(group))
    }

    /// What binds the contract, where the caller may read of it.
    ///
    /// # Errors
    /// There is none for the caller; those of the store.
    pub async fn of(
        &mut self,
        cx: &mut Context<'_>,
        reach: &Reach,
        contract: Kept<AccessContract>,
    ) -> Result<Bound, Refusal> {
        let application = self.application(cx, &contract.thing.application).await?;
        let api_group = self.api_group(cx, &contract.thing).await?;
        let in_api_group = |duties: &[Duty]| api_group.as_ref().is_some_and(|group| reach.has(group, duties));
        let is_readable = in_api_group(&[Duty::Owner, Duty::Auditor])
            || reach.has(&application.group, &[Duty::Owner, Duty::Developer, Duty::Auditor]);
        if !is_readable {
            return Err(Refusal::NotFound);
        }
        Ok(Bound {
            owns_api: in_api_group(&[Duty::Owner]),
            develops: reach.has(&application.group, &[Duty::Developer]),
            principal: cx.caller.principal.to_string(),
            contract,
            application,
        })
    }
}

async fn every_named<T: Record>(cx: &mut Context<'_>, ids: BTreeSet<String>) -> Result<Vec<Kept<T>>, Refusal> {
    let limit = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let conditions = vec![Condition::IsIn("id", ids.into_iter().collect())];
    Ok(list(cx.tx, &cx.caller.organisation, &Query { conditions, limit, ..Query::default() }).await?)
}

/// What binds one contract, where the caller may read of it.
///
/// # Errors
/// There is none for the caller; those of the store.
pub async fn bound(cx: &mut Context<'_>, reach: &Reach, contract: Kept<AccessContract>) -> Result<Bound, Refusal> {
    Bindings::default().of(cx, reach, contract).await
}

/// That the caller may read a contract.
pub fn readable_contracts(reach: &Reach) -> Condition {
    // Every application is in a group below that one.
    if reach.has(ROOT, &[Duty::Owner, Duty::Developer, Duty::Auditor]) {
        return Condition::All(Vec::new());
    }
    let api = reach.condition("group_id", &[Duty::Owner, Duty::Auditor]);
    let application = reach.condition("group_id", &[Duty::Owner, Duty::Developer, Duty::Auditor]);
    Condition::Any(vec![
        Condition::Refers("api", &APIS, vec![api]),
        Condition::Refers("application", &APPLICATIONS, vec![application]),
    ])
}

/// That a contract waits for approval, and the caller may give it.
pub fn may_be_approved(cx: &Context<'_>, reach: &Reach) -> Condition {
    let own = cx.caller.principal.to_string();
    let by_somebody_else = Condition::All(vec![
        Condition::IsNot("requested_by", own.clone()),
        Condition::Any(vec![Condition::IsNull("changed_by"), Condition::IsNot("changed_by", own)]),
    ]);
    let self_approval = Condition::Is("self_approval", "true".to_owned());
    let may = Condition::Refers("waiting", &TIERS, vec![self_approval]);
    let mut all = vec![Condition::IsNotNull("waiting"), Condition::Any(vec![by_somebody_else, may])];
    // Its tier, for few wait of the contracts that an API has.
    if !reach.has(ROOT, &[Duty::Owner]) {
        all.push(Condition::Refers("waiting", &TIERS, vec![for_own_api(reach)]));
    }
    Condition::All(all)
}

/// The terms of a tier of the contract's API, if there is such a tier.
///
/// # Errors
/// Those of the store.
pub async fn terms(cx: &mut Context<'_>, contract: &AccessContract, tier: &str) -> Result<Option<TierTerms>, Refusal> {
    let kept = get::<TierOfApi>(cx.tx, &cx.caller.organisation, &contract.tier_key(tier)).await?;
    Ok(kept.map(|kept| terms_of(&kept.thing.tier)))
}

pub fn terms_of(tier: &Tier) -> TierTerms {
    TierTerms {
        tier: tier.id.clone(),
        automatic: tier.approval == Approval::Automatic,
        self_approval: tier.self_approval,
        max_duration: tier.max_duration.as_ref().map(Span::duration),
    }
}

/// # Errors
/// Those of the store.
pub async fn audit_contract(
    cx: &mut Context<'_>,
    application: &Application,
    verb: &str,
    reason: Option<&str>,
    before: Option<&AccessContract>,
    after: &AccessContract,
) -> Result<(), Refusal> {
    let key = api_key(&after.environment, &after.api);
    let api = get::<Api>(cx.tx, &cx.caller.organisation, &key).await?;
    let groups = [Some(application.group.as_str()), api.as_ref().map(|kept| kept.thing.group.as_str())];
    let before = before.map(|contract| json(contract.view(None, cx.now))).transpose()?;
    let shown = Some(json(after.view(None, cx.now))?);
    let action = format!("contract.{verb}");
    let change = Change { action: &action, kind: "contract", id: &after.id, groups, reason, before, after: shown };
    record(cx, change).await
}
