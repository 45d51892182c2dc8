//! `contracts`: where contracts come from.

use super::providers::extra_headers;
use super::reader::{Field, Object};
use crate::base::http::HttpUrl;
use crate::contract::row::Row;
use crate::contract::settings::{BeforeFirstLoad, Settings, SourceSettings};
use std::time::Duration;

/// Reads the object.
pub fn read(object: &Object<'_>) -> Option<Settings> {
    let inline = object.or("inline", Vec::new(), |field| field.array(row));
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

/// A row of the configuration is held to more than one of a document: no unknown member, no unknown status.
fn row(field: &Field<'_>) -> Option<Row> {
    field.object(|object| {
        const MEMBERS: [&str; 8] =
            ["api", "client_id", "status", "tier", "name", "provider", "not_before", "expires_at"];
        for name in MEMBERS {
            object.optional(name);
        }
        object.or("status", (), |status| {
            status.word(&[("active", ()), ("pending", ()), ("suspended", ()), ("revoked", ())])
        })?;
        Row::from_json(field.value().to_string().as_bytes())
            .map_err(|error| object.refuse(format!("{:?} {}", error.member, error.reason)))
            .ok()
    })
}

fn source(object: &Object<'_>) -> Option<SourceSettings> {
    let url = object.required("url").and_then(|field| field.parsed(HttpUrl::parse));
    let cluster = object.required("cluster").and_then(|field| field.text());
    let refresh = object.or("refresh", Duration::from_secs(15), |field| {
        field.duration(Duration::from_millis(100)..=Duration::from_secs(86_400))
    });
    let timeout = object.or("timeout", Duration::from_secs(5), |field| {
        field.duration(Duration::from_millis(1)..=Duration::from_secs(300))
    });
    let headers = object.or("headers", Vec::new(), extra_headers);
    let url = url?;
    Some(SourceSettings {
        cluster: cluster?,
        scheme: url.scheme().into(),
        authority: url.authority().into(),
        path: url.path().into(),
        refresh: refresh?,
        timeout: timeout?,
        headers: headers?,
    })
}
