//! The configuration that is explained.

use super::arguments::Arguments;
use crate::check::code::Severity;
use crate::check::diagnostic::Diagnostic;
use crate::check::input::{Input, load};
use crate::check::{all, reader, sort};
use serde_json::Value;
use std::rc::Rc;
use tessera_core::engine::settings::Settings;

/// A configuration that reads well.
pub struct Chosen {
    pub written: Value,
    pub settings: Rc<Settings>,
}

/// What keeps it from being used.
pub struct Mistaken {
    pub input: Input,
    pub diagnostics: Vec<Diagnostic>,
}

/// Finds the configuration in the files; with `--live`, secrets are read from the environment, else every variable counts
/// as set and sound.
///
/// # Errors
/// A sentence about what cannot be read, or chosen.
pub fn choose(files: &[String], arguments: &Arguments) -> Result<Result<Chosen, Mistaken>, String> {
    let input = load(files)?;
    let live = arguments.live;
    let index = match (arguments.configuration, input.configurations.len()) {
        (None, 0 | 1) => 0,
        (None, several) => return Err(format!("there are {several} configurations: choose one with --configuration")),
        (Some(number), all) if number < all => number,
        (Some(_), all) => return Err(format!("--configuration: there are {all}, counted from 0")),
    };
    let mut diagnostics = all(&input, live, &arguments.cluster);
    diagnostics
        .retain(|one| one.code.severity() == Severity::Mistake && one.configuration.is_none_or(|of| of == index));
    sort(&mut diagnostics);
    let chosen = input.configurations.get(index).filter(|_| diagnostics.is_empty());
    let settings = chosen.map(|configuration| match live {
        true => reader::settings(configuration, &|name| std::env::var(name).ok()),
        false => reader::settings_assuming_variables(configuration),
    });
    let written = chosen.and_then(|configuration| configuration.root.as_ref()).map(|root| root.to_json());
    Ok(match (settings, written) {
        (Some(Ok(settings)), Some(written)) => Ok(Chosen { written, settings: Rc::new(settings) }),
        _ => Err(Mistaken { input, diagnostics }),
    })
}
