//! Secrets: named by a variable of the environment or by a file.

use std::env::VarError;
use std::fs;

use secrecy::SecretString;
use toml::Value;

use super::section::{Environment, Section};

/// A file that is longer is no secret.
const MOST_BYTES: u64 = 1 << 20;

/// `{env = "NAME"}` or `{file = "PATH"}`; one trailing newline is dropped.
pub(super) fn secret(section: &mut Section<'_>, key: &str) -> Option<SecretString> {
    let value = section.value(key)?;
    from_value(section, key, &value)
}

/// As [`secret`], and there must be one.
pub(super) fn required_secret(section: &mut Section<'_>, key: &str) -> Option<SecretString> {
    let Some(value) = section.value(key) else {
        section.fault(key, "is required");
        return None;
    };
    from_value(section, key, &value)
}

pub(super) fn from_value(section: &Section<'_>, key: &str, value: &Value) -> Option<SecretString> {
    match resolve(section.environment(), value) {
        Ok(secret) => Some(secret),
        Err(problem) => {
            section.fault(key, problem);
            None
        }
    }
}

/// # Errors
/// What is wrong with it; never quotes it.
pub fn resolve(environment: &Environment, value: &Value) -> Result<SecretString, String> {
    const FORM: &str = "must be {env = \"NAME\"} or {file = \"PATH\"}, never the secret itself";
    let table = value.as_table().filter(|table| table.len() == 1).ok_or(FORM)?;
    let text = match (table.get("env").and_then(Value::as_str), table.get("file").and_then(Value::as_str)) {
        (Some(name), None) => variable(environment, name)?,
        (None, Some(path)) => file(path)?,
        _ => return Err(FORM.to_owned()),
    };
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() { Err("is empty".to_owned()) } else { Ok(SecretString::from(text)) }
}

fn variable(environment: &Environment, name: &str) -> Result<String, String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err("env must be the name of a variable".to_owned());
    }
    match environment(name) {
        Ok(text) => Ok(text),
        Err(VarError::NotPresent) => Err(format!("the environment has no {name}")),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8")),
    }
}

fn file(path: &str) -> Result<String, String> {
    let length = fs::metadata(path).map_err(|error| format!("{path}: {error}"))?;
    if !length.is_file() || length.len() > MOST_BYTES {
        return Err(format!("{path}: is no file of at most 1 MiB"));
    }
    fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
}
