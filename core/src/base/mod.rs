//! What every other module may use: no domain, no host.

pub mod date;
pub mod fields;
pub mod hash;
pub mod header_text;
pub mod headers;
pub mod http;
pub mod json;
pub mod printable;
pub mod protobuf;
pub mod random;
pub mod retry_after;
pub mod secret;
pub mod shared_key;
pub mod sieve;
pub mod time;
pub mod wire;
