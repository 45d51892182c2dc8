//! OpenAPI documents of APIs: kept and given back as they are.

use serde_json::{Value, json as object};
use sha2::{Digest as _, Sha256};

use crate::domain::api::{Api, ApiDocument, api_key};
use crate::domain::refusal::Refusal;
use crate::domain::token_text::hexadecimal;
use crate::use_case::apis::{readable, writable};
use crate::use_case::audit::{Change, record};
use crate::use_case::context::Context;
use crate::use_case::keeping::find;
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record, get as kept, insert, update};
use crate::use_case::shown::Deleted;
use crate::use_case::store::Table;
use crate::use_case::tables::DOCUMENTS;

impl Record for ApiDocument {
    const TABLE: &'static Table = &DOCUMENTS;

    fn id(&self) -> String {
        api_key(&self.environment, &self.api)
    }

    fn columns(&self) -> Vec<Option<String>> {
        Vec::new()
    }
}

/// # Errors
/// There is no such API for the caller, or it has none; those of the store.
pub async fn get(cx: &mut Context<'_>, api: (&str, &str)) -> Result<String, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let api = readable(cx, &reach, api).await?.thing;
    Ok(find::<ApiDocument>(cx, &api.key()).await?.thing.text)
}

/// # Errors
/// There is no such API for the caller; no permission; what is no text; those of the store.
pub async fn put(cx: &mut Context<'_>, api: (&str, &str), bytes: &[u8]) -> Result<(), Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let mut api = writable(cx, &reach, api).await?;
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !text.trim().is_empty() => text.to_owned(),
        Ok(_) => return Err(Refusal::invalid("", "is empty")),
        Err(_) => return Err(Refusal::invalid("", "must be JSON or YAML in UTF-8")),
    };
    let before = kept::<ApiDocument>(cx.tx, &cx.caller.organisation, &api.thing.key()).await?;
    let document = ApiDocument { environment: api.thing.environment.clone(), api: api.thing.id.clone(), text };
    let digests = [before.as_ref().map(|before| digest(&before.thing)), Some(digest(&document))];
    match before {
        Some(before) if before.thing == document => return Ok(()),
        Some(mut before) => {
            before.thing = document;
            update(cx.tx, &mut before).await?;
        }
        None => {
            insert(cx.tx, &cx.caller.organisation, document).await?;
        }
    }
    mark(cx, &mut api, true).await?;
    audit(cx, "openapi.put", &api.thing, digests).await
}

/// # Errors
/// There is no such API for the caller, or it has none; no permission; those of the store.
pub async fn delete(cx: &mut Context<'_>, api: (&str, &str)) -> Result<Deleted, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let mut api = writable(cx, &reach, api).await?;
    let key = api.thing.key();
    let document = find::<ApiDocument>(cx, &key).await?.thing;
    cx.tx.delete(&DOCUMENTS, &cx.caller.organisation, &key).await?;
    mark(cx, &mut api, false).await?;
    audit(cx, "openapi.delete", &api.thing, [Some(digest(&document)), None]).await?;
    Ok(Deleted::Gone)
}

/// Shows on the API whether it has one.
async fn mark(cx: &mut Context<'_>, api: &mut Kept<Api>, has_openapi: bool) -> Result<(), Refusal> {
    if api.thing.has_openapi != has_openapi {
        api.thing.has_openapi = has_openapi;
        api.thing.updated_at = cx.now;
        update(cx.tx, api).await?;
    }
    Ok(())
}

async fn audit(
    cx: &mut Context<'_>,
    action: &'static str,
    api: &Api,
    [before, after]: [Option<Value>; 2],
) -> Result<(), Refusal> {
    let groups = [Some(api.group.as_str()), None];
    record(cx, Change { action, kind: "openapi", id: &api.key(), groups, reason: None, before, after }).await
}

/// Which document it was: the audit does not keep the text.
fn digest(document: &ApiDocument) -> Value {
    object!({ "bytes": document.text.len(), "sha256": hexadecimal(&Sha256::digest(document.text.as_bytes())) })
}
