//! The configuration that is explained.

use crate::check::code::Code;
use crate::check::configuration::{Configuration, Input, load};
use crate::check::reader;
use crate::document::node::Span;
use crate::document::path::parse_path;
use serde_json::{Value, json};
use std::rc::Rc;
use tessera_core::base::printable::Printable;
use tessera_core::config;
use tessera_core::config::problem::Problem;
use tessera_core::engine::settings::Settings;

/// Stands for every secret where none is read. Long enough for every algorithm.
const PLACEHOLDER: &str = "tessera-explain-reads-no-secrets-tessera-explain-reads-no-secrets";

/// A configuration that reads well.
pub struct Chosen {
    pub written: Value,
    pub settings: Rc<Settings>,
}

/// What keeps a configuration from being used, in the order of the places.
pub struct Mistake {
    pub code: &'static str,
    pub file: String,
    pub document: usize,
    pub span: Span,
    pub path: String,
    pub message: String,
}

/// Finds the configuration in the files; `live` reads secrets from the environment.
///
/// # Errors
/// A sentence about what cannot be read, or chosen.
pub fn choose(files: &[String], number: Option<usize>, live: bool) -> Result<Result<Chosen, Vec<Mistake>>, String> {
    let input = load(files)?;
    if !input.faults.is_empty() {
        return Ok(Err(input
            .faults
            .iter()
            .map(|fault| {
                mistake(&input, fault.code, fault.file, fault.document, fault.span, &fault.path, &fault.message)
            })
            .collect()));
    }
    let configuration = match (number, &*input.configurations) {
        (None, [only]) => only,
        (None, all) => return Err(format!("there are {} configurations: choose one with --configuration", all.len())),
        (Some(number), all) => {
            all.get(number).ok_or_else(|| format!("--configuration: there are {}, counted from 0", all.len()))?
        }
    };
    let read = if live { with_secrets(configuration) } else { without_secrets(configuration) };
    Ok(read.map_err(|problems| problems.iter().map(|problem| of(problem, configuration, &input)).collect()))
}

fn with_secrets(configuration: &Configuration) -> Result<Chosen, Vec<Problem>> {
    let settings = reader::settings(configuration, &|name| std::env::var(name).ok())?;
    Ok(Chosen { written: written(configuration), settings: Rc::new(settings) })
}

/// Every variable counts as set and sound. A key that is not read signs nothing: its client shows no credentials.
fn without_secrets(configuration: &Configuration) -> Result<Chosen, Vec<Problem>> {
    let env = |_: &str| Some(PLACEHOLDER.to_owned());
    let written = written(configuration);
    let (mut keyless, mut changed) = (written.clone(), Vec::new());
    let providers = keyless.get_mut("providers").and_then(Value::as_array_mut).into_iter().flatten().enumerate();
    for (index, provider) in providers {
        let Some(client) = provider.pointer_mut("/introspection/client") else { continue };
        if client.get("key").is_some_and(Value::is_object) {
            *client = json!({"auth": "none", "id": client.get("id")});
            changed.push(format!("providers[{index}].introspection.client.key"));
        }
    }
    let settings = match reader::settings(configuration, &env) {
        Err(mut problems) => {
            problems.retain(|problem| !changed.iter().any(|path| problem.path.starts_with(path.as_str())));
            if !problems.is_empty() {
                return Err(problems);
            }
            config::read(keyless.to_string().as_bytes(), &env)?
        }
        Ok(settings) if changed.is_empty() => settings,
        Ok(_) => config::read(keyless.to_string().as_bytes(), &env)?,
    };
    Ok(Chosen { written, settings: Rc::new(settings) })
}

fn written(configuration: &Configuration) -> Value {
    configuration.root.as_ref().map(|root| root.to_json()).unwrap_or_default()
}

fn of(problem: &Problem, configuration: &Configuration, input: &Input) -> Mistake {
    let node = configuration.root.as_ref().map(|root| root.nearest(&parse_path(&problem.path)));
    let span = node.map_or(configuration.place(), |node| node.span);
    let (file, number) = input.document(configuration).map_or((0, 1), |document| (document.file, document.number));
    mistake(input, Code::from(problem.code), file, number, span, &problem.path, &problem.reason)
}

fn mistake(input: &Input, code: Code, file: usize, document: usize, span: Span, path: &str, message: &str) -> Mistake {
    let file = input.files.get(file).map(|file| file.name.clone()).unwrap_or_default();
    Mistake { code: code.name(), file, document, span, path: path.to_owned(), message: message.to_owned() }
}

impl Mistake {
    pub fn to_json(&self) -> Value {
        let Self { code, file, document, span, path, message } = self;
        let (line, column) = (span.start.line, span.start.column);
        json!({
            "code": code, "severity": "mistake", "file": file, "document": document, "line": line, "column": column,
            "path": path, "message": message,
        })
    }

    pub fn to_text(&self) -> String {
        let Self { code, file, span, path, message, .. } = self;
        let shown = |text| Printable { text, limit: 1000 };
        let path = if path.is_empty() { "configuration" } else { path };
        let (line, column) = (span.start.line, span.start.column);
        format!("{}:{line}:{column}: mistake[{code}] {}: {}\n", shown(file), shown(path), shown(message))
    }
}
