//! What the filter's own reader says of a configuration, with places.

use super::assumed;
use super::configuration::Configuration;
use super::diagnostic::Diagnostic;
use super::hint::hint;
use super::input::Input;
use super::place::Places;
use super::secrecy::{is_secret, redacted};
use std::collections::HashMap;
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

/// The same, where every variable counts as set and sound.
///
/// # Errors
/// Every mistake in it.
pub fn settings_assuming_variables(configuration: &Configuration) -> Result<Settings, Vec<Problem>> {
    let root = configuration.root.as_ref().map(assumed::with_keys);
    settings(&Configuration { root, ..configuration.clone() }, &|_| Some(assumed::variable()))
}

/// The mistakes in all configurations that are there; with `with_env`, variables are those of this process.
pub fn mistakes(input: &Input, with_env: bool) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, configuration) in input.configurations.iter().enumerate() {
        let Some(root) = &configuration.root else { continue };
        let settings = match with_env {
            true => settings(configuration, &|name| std::env::var(name).ok()),
            false => settings_assuming_variables(configuration),
        };
        let Err(problems) = settings else { continue };
        let places = Places::of(root);
        let mut earlier: HashMap<(u8, &str), usize> = HashMap::new();
        for problem in &problems {
            let count = earlier.entry((problem.code as u8, &problem.path)).or_default();
            found.extend(diagnostic(input, index, problem, *count, &places));
            *count += 1;
        }
    }
    found
}

fn diagnostic(
    input: &Input,
    configuration: usize,
    problem: &Problem,
    earlier: usize,
    places: &Places<'_>,
) -> Option<Diagnostic> {
    let index = input.configurations.get(configuration)?.document;
    let document = input.documents.get(index)?;
    let destination = places.follow(&problem.path);
    let span = destination.span(problem.code, earlier);
    let secret = is_secret(problem, &destination) || input.secrets.cover(index, destination.value.span.start);
    let reason = if secret { redacted(&problem.reason, destination.value) } else { problem.reason.clone() };
    Some(Diagnostic {
        code: problem.code.into(),
        file: document.file,
        document: document.number,
        span,
        configuration: Some(configuration),
        path: problem.path.clone(),
        message: reason.replace("in the VM", "here"),
        hint: hint(problem, destination.value),
        secret,
    })
}
