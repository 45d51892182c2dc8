//! `contracts`: where contracts come from.

use super::providers::extra_headers;
use super::reader::{Field, Object};
use crate::contract::row::Row;
use crate::contract::settings::{BeforeFirstLoad, Settings};
use crate::feed::settings::FeedSettings;
use std::time::Duration;

/// What the contracts of the configuration refer to.
pub struct References<'a> {
    /// Ids of the APIs.
    pub apis: &'a [Box<str>],
    /// Names of the providers.
    pub providers: &'a [Box<str>],
}

/// Reads the object.
pub fn read(object: &Object<'_>, references: &References<'_>) -> Option<Settings> {
    let inline = object.or("inline", Vec::new(), |field| field.array(|element| row(element, references)));
    let source = object.or("source", None, |field| field.object(source).map(Some));
    let year = Duration::from_secs(365 * 86_400);
    let max_staleness =
        object.or("max_staleness", Duration::from_secs(86_400), |field| field.duration(Duration::ZERO..=year));
    let before_first_load = object.or("before_first_load", BeforeFirstLoad::Refuse, |field| {
        field.word(&[("refuse", BeforeFirstLoad::Refuse), ("inline", BeforeFirstLoad::Inline)])
    });
    let given = |name| object.optional(name).is_some();
    if !given("inline") && !given("source") {
        object.refuse("must hold \"inline\", \"source\" or both");
        return None;
    }
    if !given("source") && (given("max_staleness") || given("before_first_load")) {
        object.refuse("\"max_staleness\" and \"before_first_load\" have no effect without \"source\"");
        return None;
    }
    let (inline, source, max_staleness) = (inline?, source?, max_staleness?);
    let before_first_load = before_first_load?;
    if before_first_load == BeforeFirstLoad::Inline && !given("inline") {
        object.refuse("\"before_first_load\" is \"inline\", but \"inline\" is not given");
        return None;
    }
    let max_staleness = (!max_staleness.is_zero()).then_some(max_staleness);
    Some(Settings { inline, source, max_staleness, before_first_load })
}

/// A row of the configuration is held to more than one of a document: no unknown member, no unknown status, and no API
/// or provider that does not exist, for it could never grant anything.
fn row(field: &Field<'_>, references: &References<'_>) -> Option<Row> {
    field.object(|object| {
        object.pass_over(&["api", "client_id", "status", "tier", "name", "provider", "not_before", "expires_at"]);
        let status = object.or("status", (), |status| {
            status.word(&[("active", ()), ("pending", ()), ("suspended", ()), ("revoked", ())])
        });
        // Of a faulty status enough has been said.
        let row = status.and_then(|()| {
            let row = Row::from_json(&serde_json::to_vec(field.value()).ok()?);
            row.map_err(|error| object.refuse_member(error.member, error.reason)).ok()
        });
        let known = |name: &'static str, list: &[Box<str>], what: &str| match object.optional(name)?.value().as_text() {
            Some(text) if !text.is_empty() && !list.iter().any(|known| **known == *text) => {
                object.refuse_member(name, format!("no {what} {text:?} is configured"));
                Some(())
            }
            _ => None,
        };
        let unknown = [known("api", references.apis, "API"), known("provider", references.providers, "provider")];
        row.filter(|_| unknown == [None, None])
    })
}

fn source(object: &Object<'_>) -> Option<FeedSettings> {
    let url = object.required("url").and_then(|field| field.url());
    let cluster = object.required("cluster").and_then(|field| field.text());
    let refresh = object.or("refresh", Duration::from_secs(15), |field| {
        field.duration(Duration::from_millis(100)..=Duration::from_secs(86_400))
    });
    let full_reload = object.or("full_reload", Duration::from_secs(3600), |field| {
        field.duration(Duration::from_secs(1)..=Duration::from_secs(7 * 86_400))
    });
    let timeout = object.or("timeout", Duration::from_secs(5), |field| {
        field.duration(Duration::from_millis(1)..=Duration::from_secs(300))
    });
    let headers = object.or("headers", Vec::new(), extra_headers);
    Some(FeedSettings {
        cluster: cluster?.into(),
        url: url?,
        refresh: refresh?,
        full_reload: full_reload?,
        timeout: timeout?,
        headers: headers?,
    })
}
