//! Clients that a provider has found (no RFC has this): an array of them, or an object with one.

use serde_json::Value;

use crate::domain::client::is_client_id;
use crate::domain::registration::name_marker;
use crate::http::json;
use crate::remote::ending::{Good, failure};
use crate::use_case::registrar::{Called, Failure};

/// The ids of those whose name ends with the marker.
pub fn named(good: &Good, marker: &str) -> Called<Vec<String>> {
    let unreadable = |why: &str| Failure { status: Some(good.status), ..failure("unreadable_answer", why) };
    let value = match good.body.as_ref().map(|body| json::read(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(_)) => return Called::Unknown(unreadable("the answer is no JSON, or has a member twice")),
        Err(why) => return Called::Unknown(unreadable(why)),
    };
    let clients = match &value {
        Value::Array(clients) => Some(clients),
        Value::Object(members) => members.values().find_map(Value::as_array),
        _ => None,
    };
    let Some(clients) = clients else {
        return Called::Unknown(unreadable("the answer is no list of clients"));
    };
    let end = name_marker(marker);
    let is_that =
        |client: &&Value| client.get("client_name").and_then(Value::as_str).is_some_and(|name| name.ends_with(&end));
    let ids = clients.iter().filter(is_that).filter_map(|client| client.get("client_id")?.as_str());
    Called::Done(ids.filter(|id| is_client_id(id)).map(str::to_owned).collect())
}
