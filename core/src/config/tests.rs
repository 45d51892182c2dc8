//! Configurations as users write them: what they mean, and what is said of the wrong ones.

mod assertions;
mod cross;
mod defaults;
mod example;
mod jwt;
mod protobuf;
mod refusals;
mod resource;
mod secrecy;

use super::problem::Problem;
use crate::engine::settings::Settings;
use crate::jose::sign::samples;
use serde_json::{Value, json};

/// The variables that tests may refer to.
fn env(name: &str) -> Option<String> {
    match name {
        "IDP_CLIENT_SECRET" => Some("from the environment".to_owned()),
        "CONTRACTS_AUTH" => Some("Bearer contracts".to_owned()),
        "IDP_CLIENT_KEY" => Some(samples::P256[0].to_owned()),
        "EMPTY" => Some(String::new()),
        "FROM_A_FILE" => Some("Sesame\n".to_owned()),
        "FROM_WINDOWS" => Some("Sesame\r\n".to_owned()),
        "CONTROLLED" => Some("Ses\u{1b}ame".to_owned()),
        _ => None,
    }
}

fn read(configuration: &Value) -> Result<Settings, Vec<Problem>> {
    super::read(configuration.to_string().as_bytes(), &env)
}

fn accepted(configuration: &Value) -> Settings {
    read(configuration).unwrap_or_else(|problems| panic!("refused: {problems:?}"))
}

/// The problems as they are logged, in the order of their paths.
fn problems(configuration: &Value) -> Vec<String> {
    let mut lines: Vec<String> = read(configuration).unwrap_err().iter().map(ToString::to_string).collect();
    lines.sort();
    lines
}

/// The smallest configuration.
fn smallest() -> Value {
    json!({ "providers": [provider("main")], "apis": [{"id": "orders"}] })
}

fn provider(name: &str) -> Value {
    json!({
        "name": name,
        "introspection": {
            "endpoint": "https://idp.example.com/introspect", "cluster": "idp", "client": {"id": "g", "secret": "s"}
        }
    })
}

/// `configuration` with the value at a JSON pointer replaced; a member that is missing is added.
fn with(mut configuration: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = configuration.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {parent}"));
    match parent {
        Value::Array(elements) => match name.parse::<usize>() {
            Ok(index) if index < elements.len() => elements[index] = value,
            _ => elements.push(value),
        },
        parent => parent[name] = value,
    }
    configuration
}
