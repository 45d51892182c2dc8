//! `tessera`: checks configurations of the filter before a rollout, explains its verdicts, and writes configurations.

pub mod check;
pub mod command;
pub mod discover;
pub mod document;
pub mod exit;
pub mod explain;
mod file_bytes;
pub mod http_client;
pub mod import_anypoint;
pub mod output;
pub mod schema;
pub mod yaml_text;
