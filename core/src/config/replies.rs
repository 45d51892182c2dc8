//! `replies`: how refusals are worded.

use super::reader::Object;
use crate::base::fields::is_header_value;
use crate::reply::Settings;
use std::time::Duration;

/// `Retry-After` when nothing else is configured.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Reads the object.
pub fn read(object: &Object<'_>) -> Option<Settings> {
    let realm = object.or("realm", None, |field| field.parsed(quotable).map(Some));
    let resource_metadata = match object.nullable("resource_metadata") {
        Some(field) => field.url().and_then(|_| field.text()).map(Some),
        None => Some(None),
    };
    let retry_after = object
        .or("retry_after", RETRY_AFTER, |field| field.duration(Duration::from_millis(1)..=Duration::from_secs(86_400)));
    Some(Settings { realm: realm?, resource_metadata: resource_metadata?, retry_after: retry_after? })
}

fn quotable(text: &str) -> Result<Box<str>, &'static str> {
    if !is_header_value(text) {
        return Err("must be printable ASCII without spaces at its ends");
    }
    Ok(text.into())
}
