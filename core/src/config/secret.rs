//! Secrets: a string, or the name of an environment variable of the VM.

use super::field::{Field, code_of_fault, fault_of_text};
use super::key::keys;
use super::kind::{Of, TEXT};
use super::problem::Code;
use super::section::Section;
use crate::base::fields::is_header_value;
use crate::base::json::Json;
use crate::base::secret::Secret;

/// What is wrong with a secret, as a phrase.
type Fault = fn(&str) -> Option<&'static str>;

keys! {
    /// A secret that is not written into the configuration.
    VARIABLE: VariableKeys at "secret";
    /// The environment variable of the VM that has it.
    env: Of<Box<str>> = required(TEXT);
}

/// A secret. Never shown in a problem.
pub(super) const SECRET: Of<Secret> = Of(|field| field.secret());

impl Field<'_> {
    pub(super) fn secret(&self) -> Option<Secret> {
        self.secret_without(fault_of_text)
    }

    /// A secret that consists of lines.
    pub(super) fn secret_lines(&self) -> Option<Secret> {
        self.secret_without(|text| text.is_empty().then_some("must not be empty"))
    }

    fn secret_without(&self, fault: Fault) -> Option<Secret> {
        match self.value {
            Json::Text(text) => match fault(text) {
                None => Some(Secret::new(&**text)),
                Some(fault) => {
                    self.refuse(code_of_fault(text, Code::BadSecret), fault);
                    None
                }
            },
            Json::Object(_) => self.section(|section| variable(section, fault)),
            _ => {
                self.refuse_type("a string or {\"env\": \"NAME\"}");
                None
            }
        }
    }

    /// A secret that can stand in a header.
    pub(super) fn header_secret(&self) -> Option<Secret> {
        let secret = self.secret()?;
        if !is_header_value(secret.expose()) {
            self.refuse(Code::BadSecret, "must be printable ASCII without spaces at its ends to stand in a header");
            return None;
        }
        Some(secret)
    }
}

/// Whether the text can be nothing but the name of an environment variable.
pub fn is_variable_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn variable(section: &Section<'_>, fault: Fault) -> Option<Secret> {
    let field = section.field(&VARIABLE.env)?;
    let name = field.text()?;
    let value = (field.context.env)(&name).unwrap_or_default();
    let (code, fault) = match value.is_empty() {
        true => (Code::EnvNotSet, "is not set or empty in the VM"),
        false => match fault(&value) {
            Some(fault) => (Code::BadSecret, fault),
            None => return Some(Secret::new(value)),
        },
    };
    // What does not look like a name may be the secret itself, put in the wrong place.
    let shown = if is_variable_name(&name) { format!(" {name:?}") } else { String::new() };
    field.refuse(code, format!("environment variable{shown} {fault}"));
    None
}
