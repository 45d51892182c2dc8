//! `tessera import-anypoint`: MuleSoft's token policies become a configuration, and its contracts a contract document.

mod address;
mod assemble;
mod authorization;
mod change;
mod collect;
mod combine;
mod configuration;
mod contracts;
mod expression;
mod flags;
mod given;
mod limits;
mod number;
mod parameters;
mod policy;
mod providers;
mod region;
mod registry;
mod requirements;
mod rules;
mod scopes;

pub use flags::Arguments;

use crate::document::file::{Document, File};
use crate::document::read::{documents, read_file, read_files};
use crate::exit::Exit;
use crate::output::Output;
use crate::yaml_text::{Yaml, block};
use change::{At, Change, Notes};
use policy::PolicyKind;
use registry::RegistryCommand;
use serde_json::{Value, json};
use tessera_core::config;

pub fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let done = if !arguments.contracts.is_empty() {
        import_contracts(arguments, output)
    } else if arguments.registry.is_given() {
        Err("--registry and what belongs to it are for --contracts".into())
    } else {
        import_policies(arguments, output)
    };
    done.unwrap_or_else(|message| {
        output.complain(&message);
        Exit::Failed
    })
}

/// # Errors
/// Why it could not be done.
fn import_policies(arguments: &Arguments, output: &mut Output) -> Result<Exit, String> {
    if !arguments.map.is_empty() {
        return Err("--map is for --contracts".into());
    }
    let given = arguments.given()?;
    let names = arguments.names()?;
    let files = read_files(&arguments.files)?;
    let mut notes = Notes::default();
    let documents = all_documents(&files, &mut notes);
    let found = collect::collect(&documents, &names, &mut notes);
    let is_federated = found.policies.iter().any(|policy| policy.kind == PolicyKind::OpenIdConnect);
    if is_federated && (given.introspection_url.is_none() || given.client_id.is_none()) {
        return Err("openidconnect-access-token-enforcement says neither where tokens are introspected nor as whom: \
                    --introspection-url and --client-id do"
            .into());
    }
    let plan = assemble::assemble(&found, &given, &mut notes);
    let notes = notes.sorted();
    if !notes.faults.is_empty() || found.policies.is_empty() {
        let nothing =
            "there is nothing to import: no oauth2-token-introspection, no openidconnect-access-token-enforcement";
        let is_sound = notes.faults.is_empty();
        return Ok(refuse(&notes, &files, "configuration", is_sound.then_some(nothing), output));
    }
    if given.issuers.len() > plan.providers.len() {
        return Err("--issuer is given more often than there are authorization servers".into());
    }
    let configuration = configuration::configuration(&plan, &given);
    check(&configuration)?;
    if output.json {
        output.print_json(&result("configuration", configuration.to_json(), &notes.changes, &files));
    } else {
        output.print(&block(&configuration, 0));
        tell(&notes.changes, &files, output);
    }
    Ok(Exit::Done)
}

/// # Errors
/// Why it could not be done.
fn import_contracts(arguments: &Arguments, output: &mut Output) -> Result<Exit, String> {
    let columns = contracts::Columns::of(&arguments.map)?;
    let names = arguments.names()?;
    let wanted = arguments.registry.wanted(arguments.given()?.issuers)?;
    let tables = read_each("--contracts", &arguments.contracts)?;
    let mut notes = Notes::default();
    let table = contracts::table(&tables, &columns, &names, &mut notes);
    let Some(wanted) = wanted else {
        notes.unused(&names, |there| table.ids.contains(there));
        let made = (!table.is_useless()).then(|| Made::document(table.document()));
        return Ok(finish(made, "document", notes, &tables, output));
    };
    let lists = [("--tier-list", &arguments.registry.tier_list), ("--api-list", &arguments.registry.api_list)];
    let [tier_lists, api_lists] = lists.map(|(flag, files)| read_each(flag, files));
    let (tier_lists, api_lists) = (tier_lists?, api_lists?);
    let tiers = tables.len()..tables.len() + tier_lists.len();
    let files: Vec<File> = [tables, tier_lists, api_lists].into_iter().flatten().collect();
    let lists = registry::Lists::read(&files, tiers, &mut notes);
    let made = registry::registry(&table, &lists, &names, &wanted, &mut notes);
    let made = made.map(|json| match wanted.command {
        RegistryCommand::Apply => Made { text: registry::toml(&json), json },
        RegistryCommand::Adopt => Made::document(json),
    });
    Ok(finish(made, wanted.command.result(), notes, &files, output))
}

/// What is printed, as it is and for `--json`.
struct Made {
    json: Value,
    text: String,
}

impl Made {
    fn document(json: Value) -> Self {
        Self { text: format!("{json:#}\n"), json }
    }
}

/// Prints what was made, unless there is a fault.
fn finish(made: Option<Made>, name: &str, notes: Notes, files: &[File], output: &mut Output) -> Exit {
    let notes = notes.sorted();
    let is_sound = notes.faults.is_empty();
    let Some(made) = made.filter(|_| is_sound) else {
        let nothing = "there is nothing to import: no row has an API and a client";
        return refuse(&notes, files, name, is_sound.then_some(nothing), output);
    };
    if output.json {
        output.print_json(&result(name, made.json, &notes.changes, files));
    } else {
        output.print(&made.text);
        tell(&notes.changes, files, output);
    }
    Exit::Done
}

fn read_each(flag: &str, names: &[String]) -> Result<Vec<File>, String> {
    names.iter().map(|name| read_file(flag, name)).collect()
}

fn all_documents(files: &[File], notes: &mut Notes) -> Vec<Document> {
    let mut all = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let (documents, faults) = documents(index, file);
        for document in &documents {
            notes.repeated(index, &document.root);
        }
        all.extend(documents);
        for fault in faults {
            notes.fault(At { file: index, place: fault.place }, fault.message);
        }
    }
    all
}

fn tell(changes: &[Change], files: &[File], output: &mut Output) {
    for change in changes {
        output.note(&change.line(files));
    }
}

fn result(name: &str, value: Value, changes: &[Change], files: &[File]) -> Value {
    let changes: Vec<Value> = changes.iter().map(|change| change.to_json(files)).collect();
    json!({ "version": 1, name: value, "changes": changes })
}

/// Nothing is made of the input.
fn refuse(notes: &Notes, files: &[File], name: &str, nothing: Option<&str>, output: &mut Output) -> Exit {
    if output.json {
        output.print_json(&result(name, Value::Null, &notes.changes, files));
    } else {
        tell(&notes.changes, files, output);
    }
    for fault in &notes.faults {
        output.note(&fault.line(files));
    }
    if let Some(nothing) = nothing {
        output.complain(nothing);
    }
    Exit::Mistakes
}

/// The filter's own reader has the last word.
///
/// # Errors
/// What it refuses; only where, for the values are from the input.
fn check(configuration: &Yaml) -> Result<(), String> {
    let text = configuration.to_json().to_string();
    let env = |_: &str| Some("x".to_owned());
    config::read(text.as_bytes(), &env).map(drop).map_err(|problems| {
        let paths: Vec<&str> = problems.iter().map(|problem| &*problem.path).collect();
        format!("what this would make is refused by the filter at {}; please report it", paths.join(", "))
    })
}
