//! First answers to requests with an `Idempotency-Key`: what repeats them is answered with them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::time::Time;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// SHA-256 of principal and key.
    pub id: String,
    pub at: Time,
    /// SHA-256 of method, path and body.
    pub request: String,
    pub status: u16,
    pub etag: Option<String>,
    pub location: Option<String>,
    /// Without secrets.
    pub body: Value,
}
