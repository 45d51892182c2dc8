//! An upstream that answers with the request headers it received.

use crate::server::{Reply, serve};

/// Serves until standard input closes.
pub fn run() -> Result<(), String> {
    serve(|request| {
        let headers: serde_json::Map<String, serde_json::Value> =
            request.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        Reply::json(serde_json::Value::Object(headers).to_string())
    })
}
