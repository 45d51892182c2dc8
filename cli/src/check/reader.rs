//! What the filter's own reader says of a configuration.

use super::configuration::Configuration;
use tessera_core::config;
use tessera_core::config::problem::{Code, Problem};
use tessera_core::engine::settings::Settings;

/// Reads a configuration as the filter does. `env` answers for the environment variables.
///
/// # Errors
/// Every mistake in it.
pub fn settings(configuration: &Configuration, env: &dyn Fn(&str) -> Option<String>) -> Result<Settings, Vec<Problem>> {
    match &configuration.root {
        Some(root) => config::read(root.to_json_text().as_bytes(), env),
        None => {
            Err(vec![Problem { path: String::new(), code: Code::NoConfiguration, reason: "is not there".to_owned() }])
        }
    }
}
