//! `contracts`: where contracts come from.

use super::field::Field;
use super::headers::{ExtraHeaders, HEADERS};
use super::key::{Elsewhere, Maybe, keys};
use super::kind::{Of, Span, TEXT, URL, Word};
use super::pattern;
use super::problem::Code;
use super::references::References;
use super::section::Section;
use super::shape::Shape;
use crate::base::http::HttpUrl;
use crate::contract::contract::Status;
use crate::contract::row::{Row, RowError};
use crate::contract::settings::{BeforeFirstLoad, ContractSettings};
use crate::feed::settings::FeedSettings;
use std::time::Duration;

keys! {
    /// Where contracts come from.
    CONTRACTS: ContractKeys at "contracts";
    /// Contracts written here.
    inline: Elsewhere = or(Elsewhere, "[]") as Shape::list(Shape::Section);
    /// A document to poll.
    source: Maybe<Of<FeedSettings>> = optional(Of(|field| field.section(source))) as Shape::Section;
    /// How long contracts are relied on without a good answer; `0s`: forever.
    max_staleness: Span = or(Span(Duration::ZERO, Duration::from_secs(365 * 86_400)), "\"24h\"");
    /// What is in force until the source has answered: nothing, or the inline contracts.
    before_first_load: Word<BeforeFirstLoad> =
        or(Word(&[("refuse", BeforeFirstLoad::Refuse), ("inline", BeforeFirstLoad::Inline)]), "\"refuse\"");
}

keys! {
    /// A contract.
    ROW: RowKeys at "contracts.inline[]";
    /// Id of the API.
    api: Elsewhere = required(Elsewhere) as Shape::Text(pattern::FILLED);
    /// The client application.
    client_id: Elsewhere = required(Elsewhere) as Shape::Text(pattern::FILLED);
    /// Only `active` grants.
    status: Word<Status> = or(Word(Status::WORDS), "\"active\"");
    /// SLA tier.
    tier: Maybe<Elsewhere> = optional(Elsewhere) as Shape::nullable(Shape::Text(pattern::ANY));
    /// For people.
    name: Maybe<Elsewhere> = optional(Elsewhere) as Shape::nullable(Shape::Text(pattern::ANY));
    /// Only tokens from this provider; wins over a contract without one.
    provider: Maybe<Elsewhere> = optional(Elsewhere) as Shape::nullable(Shape::Text(pattern::FILLED));
    /// First moment at which it grants (RFC 3339).
    not_before: Maybe<Elsewhere> = optional(Elsewhere) as Shape::nullable(Shape::Text(pattern::DATE));
    /// First moment at which it no longer grants (RFC 3339).
    expires_at: Maybe<Elsewhere> = optional(Elsewhere) as Shape::nullable(Shape::Text(pattern::DATE));
}

keys! {
    /// A document to poll.
    SOURCE: ContractSourceKeys at "contracts.source";
    /// Where the document is.
    url: Of<HttpUrl> = required(URL);
    /// The Envoy cluster that reaches it.
    cluster: Of<Box<str>> = required(TEXT);
    /// Time between two polls.
    refresh: Span = or(Span(Duration::from_millis(100), Duration::from_secs(86_400)), "\"15s\"");
    /// A poll after so long asks for everything, whatever has changed.
    full_reload: Span = or(Span(Duration::from_secs(1), Duration::from_secs(7 * 86_400)), "\"1h\"");
    /// Limit of one page.
    timeout: Span = or(Span(Duration::from_millis(1), Duration::from_secs(300)), "\"5s\"");
    /// Request headers; each value is a secret, and says whose contracts these are.
    headers: Of<ExtraHeaders> = or(HEADERS, "{}") as Shape::map(pattern::TOKEN, Shape::Secret(pattern::HEADER_VALUE));
}

pub(super) fn read(section: &Section<'_>, references: &References<'_>) -> Option<ContractSettings> {
    let inline = section.read(&CONTRACTS.inline, |field| field.array(|element| row(element, references)));
    let source = section.get(&CONTRACTS.source);
    let max_staleness = section.get(&CONTRACTS.max_staleness);
    let before_first_load = section.get(&CONTRACTS.before_first_load);
    let (has_inline, has_source) = (section.has(&CONTRACTS.inline), section.has(&CONTRACTS.source));
    if !has_inline && !has_source {
        section.refuse(Code::MissingMember, "must hold \"inline\", \"source\" or both");
        return None;
    }
    if !has_source && (section.has(&CONTRACTS.max_staleness) || section.has(&CONTRACTS.before_first_load)) {
        section.refuse(Code::Conflict, "\"max_staleness\" and \"before_first_load\" have no effect without \"source\"");
        return None;
    }
    let (inline, source, max_staleness) = (inline?, source?, max_staleness?);
    let before_first_load = before_first_load?;
    if before_first_load == BeforeFirstLoad::Inline && !has_inline {
        section.refuse(Code::Conflict, "\"before_first_load\" is \"inline\", but \"inline\" is not given");
        return None;
    }
    let max_staleness = (!max_staleness.is_zero()).then_some(max_staleness);
    let wait = source.as_ref().map(FeedSettings::wait).unwrap_or_default();
    if !outlasts(max_staleness, wait) {
        section.refuse_member(CONTRACTS.max_staleness.name(), Code::Conflict, NOT_LONGER);
        return None;
    }
    Some(ContractSettings { inline, source, max_staleness, before_first_load })
}

/// Stricter than for a row of a document: an unknown member or status is refused, and so is an API or provider that
/// does not exist, because the contract could never grant anything.
fn row(field: &Field<'_>, references: &References<'_>) -> Option<Row> {
    field.section(|section| {
        section.pass_over(&ROW.api);
        section.pass_over(&ROW.client_id);
        let status = section.get(&ROW.status);
        for key in [&ROW.tier, &ROW.name, &ROW.provider, &ROW.not_before, &ROW.expires_at] {
            section.pass_over(key);
        }
        // A wrong status has been reported already.
        let row = status.and_then(|_| {
            let row = Row::from_json(&serde_json::to_vec(field.value()).ok()?);
            row.map_err(|error| section.refuse_member(error.member, code_of(error, section), error.reason)).ok()
        });
        let api = section.has(&ROW.api).then(|| section.field(&ROW.api)).flatten();
        let provider = section.field(&ROW.provider);
        let exist = [(api, references.apis, "API"), (provider, references.providers, "provider")]
            .map(|(field, known, what)| field.is_none_or(|field| exists(&field, known, what)));
        row.filter(|_| exist == [true, true])
    })
}

fn code_of(error: RowError, section: &Section<'_>) -> Code {
    match error.reason {
        "is missing" if !section.holds(error.member) => Code::MissingMember,
        "is missing" | "not a string" => Code::WrongType,
        "is empty" | "is too long" => Code::OutOfRange,
        _ => Code::BadValue,
    }
}

/// Whether the name is configured. What is not a name has been refused already.
fn exists(field: &Field<'_>, known: &[Box<str>], what: &str) -> bool {
    match field.value().as_text() {
        Some(name) if !name.is_empty() && !known.iter().any(|known| **known == *name) => {
            field.refuse(Code::UnknownReference, format!("no {what} {name:?} is configured"));
            false
        }
        _ => true,
    }
}

fn source(section: &Section<'_>) -> Option<FeedSettings> {
    let url = section.get(&SOURCE.url);
    let cluster = section.get(&SOURCE.cluster);
    let refresh = section.get(&SOURCE.refresh);
    let full_reload = section.get(&SOURCE.full_reload);
    let timeout = section.get(&SOURCE.timeout);
    let headers = section.get(&SOURCE.headers);
    let settings = FeedSettings {
        cluster: cluster?.into(),
        url: url?,
        refresh: refresh?,
        full_reload: full_reload?,
        timeout: timeout?,
        headers: headers?,
    };
    if outlasts(Some(settings.timeout), settings.wait()) {
        return Some(settings);
    }
    section.refuse_member(SOURCE.timeout.name(), Code::Conflict, NOT_LONGER);
    None
}

const NOT_LONGER: &str = "must be longer than the \"wait\" that the header \"prefer\" of the source asks for";

/// Whether a poll that is held for as long as was asked for ends before that.
fn outlasts(limit: Option<Duration>, wait: Duration) -> bool {
    wait.is_zero() || limit.is_none_or(|limit| limit > wait)
}
