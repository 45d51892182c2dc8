//! What the filter's own reader says of a configuration, with places.

use super::assumed;
use super::configuration::{Configuration, Input};
use super::diagnostic::Diagnostic;
use super::hint::hint;
use super::place::follow;
use super::secrecy::{is_secret, redacted};
use crate::document::file::Document;
use crate::document::node::Node;
use tessera_core::base::printable::Printable;
use tessera_core::config;
use tessera_core::config::problem::{Code, Problem};
use tessera_core::engine::settings::Settings;

/// Most characters of a message.
const LONGEST: usize = 400;

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
        let (Some(root), Some(document)) = (&configuration.root, input.document(configuration)) else { continue };
        let settings = match with_env {
            true => settings(configuration, &|name| std::env::var(name).ok()),
            false => settings_assuming_variables(configuration),
        };
        let problems = settings.err().unwrap_or_default();
        for (number, problem) in problems.iter().enumerate() {
            let is_same = |other: &&Problem| other.code == problem.code && other.path == problem.path;
            let earlier = problems.iter().take(number).filter(is_same).count();
            found.push(Diagnostic { configuration: Some(index), ..diagnostic(problem, earlier, root, document) });
        }
    }
    found
}

fn diagnostic(problem: &Problem, earlier: usize, root: &Node, document: &Document) -> Diagnostic {
    let destination = follow(root, &problem.path);
    let secret = is_secret(problem, &destination);
    let reason = if secret { redacted(&problem.reason, destination.value) } else { problem.reason.clone() };
    let reason = reason.replace("in the VM", "here");
    Diagnostic {
        code: problem.code.into(),
        file: document.file,
        document: document.number,
        span: destination.span(problem.code, earlier),
        configuration: None,
        path: Printable { text: &problem.path, limit: LONGEST }.to_string(),
        message: Printable { text: &reason, limit: LONGEST }.to_string(),
        hint: hint(problem, destination.value),
        secret,
    }
}
