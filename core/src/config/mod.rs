//! The plugin configuration: JSON text in; typed settings, or every mistake in it, out.

mod advice;
mod apis;
mod cache;
mod client_auth;
mod contracts;
mod discovery;
mod dpop;
pub mod duration;
mod field;
mod headers;
mod introspection;
mod jwt;
mod kept;
pub mod key;
mod kind;
mod operations;
mod pattern;
pub mod problem;
mod protobuf;
mod providers;
mod references;
mod replies;
mod resource;
mod root;
mod rules;
mod secret;
mod section;
pub mod shape;
mod signing;
mod tables;
mod text;
mod token;
mod upstream;

use crate::engine::settings::Settings;
use field::{Context, Field};
use problem::{Problem, Problems};

pub use advice::advice;
pub use duration::parse as parse_duration;
pub use secret::is_variable_name;
pub use signing::choose_signers;
pub use tables::key_tables;

/// Reads a configuration. `env` answers for the environment variables that secrets come from.
///
/// # Errors
/// Every mistake in the text, each with its JSON path; never a secret.
pub fn read(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Settings, Vec<Problem>> {
    let problems = Problems::default();
    let settings = text::parse(bytes, &problems)
        .and_then(|value| Field::root(&value, Context { problems: &problems, env }).section(root::read));
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(problems.into_vec()),
    }
}

#[cfg(test)]
mod tests;
