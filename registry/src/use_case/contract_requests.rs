//! Requests for access: how contracts come to be.

use serde_json::Value;

use crate::domain::api::{Lifecycle, tier_key};
use crate::domain::application::{Application, ApplicationStatus};
use crate::domain::contract::{AccessContract, ContractStatus};
use crate::domain::contract_action::{AccessRequest, Act};
use crate::domain::contract_terms::{Dates, TierTerms};
use crate::domain::environment::Environment;
use crate::domain::members::{Members, Object};
use crate::domain::organisation::Organisation;
use crate::domain::principal::Duty;
use crate::domain::reader::{api_id, lines, slug, text, text_that, time};
use crate::domain::refusal::Refusal;
use crate::domain::text::{MAX_REASON, MAX_TITLE};
use crate::domain::tier::TierOfApi;
use crate::domain::time::Time;
use crate::use_case::apis::readable as readable_api;
use crate::use_case::application_access::writable_application;
use crate::use_case::client_registration::wake;
use crate::use_case::context::Context;
use crate::use_case::contract_access::{audit_contract, bound, terms_of};
use crate::use_case::contract_notices::tell;
use crate::use_case::holdings::Holdings;
use crate::use_case::keeping::{find, hold};
use crate::use_case::permission::Reach;
use crate::use_case::publishing::Publication;
use crate::use_case::record::{insert, lock};
use crate::use_case::shown::Shown;
use crate::use_case::store::Condition;
use crate::use_case::tables::CONTRACTS;

/// Members of contracts that only the registry writes.
pub const MADE_HERE: [&str; 12] = [
    "id",
    "status",
    "waiting_for",
    "in_force",
    "requested_tier",
    "requested_by",
    "requested_at",
    "decided_by",
    "decided_at",
    "allowed",
    "created_at",
    "updated_at",
];

/// What a request names.
#[derive(Default)]
struct Asking {
    environment: String,
    api: String,
    application: String,
    tier: String,
    name: Option<String>,
    dates: Dates,
    reason: String,
}

impl Asking {
    fn read(members: &mut Members<'_>) -> Self {
        let mut asking = Self::default();
        let id = text_that(|text| uuid::Uuid::try_parse(text).is_ok(), "must be the id of an application");
        members.required("environment", &mut asking.environment, slug);
        members.required("api", &mut asking.api, api_id);
        members.required("application", &mut asking.application, id);
        members.required("tier", &mut asking.tier, slug);
        members.nullable("name", &mut asking.name, text(1..=MAX_TITLE));
        asking.dates = read_dates(members);
        members.optional("reason", &mut asking.reason, String::new(), lines(0..=MAX_REASON));
        members.made_here(&MADE_HERE);
        asking
    }
}

/// The dates of a body.
pub fn read_dates(members: &mut Members<'_>) -> Dates {
    Dates { not_before: read_date(members, "not_before"), expires_at: read_date(members, "expires_at") }
}

/// `Some(None)` for `null`.
pub fn read_date(members: &mut Members<'_>, name: &'static str) -> Option<Option<Time>> {
    let is_null = members.given(name).is_some_and(Value::is_null);
    let mut date = None;
    members.nullable(name, &mut date, time);
    if is_null { Some(None) } else { date.map(Some) }
}

/// Requests access.
///
/// # Errors
/// No permission; faults of the body; an open contract of these two; the limit; those of the store.
pub async fn create(cx: &mut Context<'_>, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    if !reach.has_anywhere(&[Duty::Developer]) {
        return Err(Refusal::Forbidden);
    }
    let mut members = Members::of_new(body);
    let asking = Asking::read(&mut members);
    let application = application(cx, &reach, &asking, &mut members).await?;
    let terms = tier(cx, &reach, &asking, &mut members).await?;
    members.finish()?;
    let (Some(application), Some(terms)) = (application, terms) else { return Err(Refusal::Internal) };
    let holdings = Holdings::without_contracts(cx, application).await?;
    let contract = requested(cx, &holdings, asking, &terms)?;
    must_be_possible(cx, &contract).await?;
    let kept = insert(cx.tx, &cx.caller.organisation, contract).await?;
    let reason = Some(kept.thing.reason.as_str()).filter(|reason| !reason.is_empty());
    audit_contract(cx, &holdings.application, "request", reason, None, &kept.thing).await?;
    tell(cx, None, &kept.thing).await?;
    if kept.thing.approved {
        wake(cx, &holdings.application).await?;
    }
    let mut publication = Publication::default();
    publication.add(Default::default(), holdings.rows_of(&kept.thing)?);
    publication.publish(cx).await?;
    bound(cx, &reach, kept).await?.shown(cx).await
}

/// The application, which is locked then; or a fault of the body.
async fn application(
    cx: &mut Context<'_>,
    reach: &Reach,
    asking: &Asking,
    members: &mut Members<'_>,
) -> Result<Option<Application>, Refusal> {
    if asking.application.is_empty() {
        return Ok(None);
    }
    match writable_application(cx, reach, &asking.application).await {
        Ok(kept) if kept.thing.status == ApplicationStatus::Active => return Ok(Some(kept.thing)),
        Ok(_) => members.fault("application", "is being deleted"),
        Err(Refusal::NotFound) => members.fault("application", "there is no such application"),
        Err(refusal) => return Err(refusal),
    }
    Ok(None)
}

/// The terms of the tier, which stays until the transaction ends; or faults of the body.
async fn tier(
    cx: &mut Context<'_>,
    reach: &Reach,
    asking: &Asking,
    members: &mut Members<'_>,
) -> Result<Option<TierTerms>, Refusal> {
    let (environment, api) = (asking.environment.as_str(), asking.api.as_str());
    if environment.is_empty() || api.is_empty() {
        return Ok(None);
    }
    match find::<Environment>(cx, environment).await {
        Ok(_) => {}
        Err(Refusal::NotFound) => {
            members.fault("environment", "there is no such environment");
            return Ok(None);
        }
        Err(refusal) => return Err(refusal),
    }
    match readable_api(cx, reach, (environment, api)).await {
        Ok(api) if api.thing.lifecycle == Lifecycle::Deprecated => members.fault("api", "takes no requests any more"),
        Ok(_) => {}
        Err(Refusal::NotFound) => {
            members.fault("api", "there is no such API in the environment");
            return Ok(None);
        }
        Err(refusal) => return Err(refusal),
    }
    if asking.tier.is_empty() {
        return Ok(None);
    }
    match hold::<TierOfApi>(cx, &tier_key(environment, api, &asking.tier)).await {
        Ok(kept) => Ok(Some(terms_of(&kept.thing.tier))),
        Err(Refusal::NotFound) => {
            members.fault("tier", "the API has no such tier");
            Ok(None)
        }
        Err(refusal) => Err(refusal),
    }
}

fn requested(
    cx: &Context<'_>,
    holdings: &Holdings,
    asking: Asking,
    terms: &TierTerms,
) -> Result<AccessContract, Refusal> {
    let request = AccessRequest {
        id: cx.randomness.id(cx.now),
        has_client: holdings.has_client_in(&asking.environment),
        environment: asking.environment,
        api: asking.api,
        application: asking.application,
        name: asking.name.unwrap_or_else(|| holdings.application.name.clone()),
        dates: asking.dates,
    };
    let by = cx.caller.principal.to_string();
    let act = Act { by: &by, reason: &asking.reason, now: cx.now };
    AccessContract::request(request, terms, &act).map_err(Refusal::Invalid)
}

/// Whether there is an open one already, or the caller has as many open requests as he may have.
async fn must_be_possible(cx: &mut Context<'_>, contract: &AccessContract) -> Result<(), Refusal> {
    let organisation = cx.caller.organisation.clone();
    let same = Condition::Is("open", contract.open_key());
    if cx.tx.count(&CONTRACTS, &organisation, &[same]).await? > 0 {
        return Err(Refusal::Exists("the application has an open contract for this API"));
    }
    if contract.status != ContractStatus::Pending {
        return Ok(());
    }
    // Requests of one principal are counted one after the other.
    lock::<Organisation>(cx.tx, &organisation, &organisation).await?;
    let is_pending = Condition::Is("status", ContractStatus::Pending.word().to_owned());
    let is_own = Condition::Is("requested_by", contract.requested_by.clone());
    if cx.tx.count(&CONTRACTS, &organisation, &[is_pending, is_own]).await? >= cx.limits.open_requests {
        return Err(Refusal::LimitReached("you have as many open requests as you may have"));
    }
    Ok(())
}
