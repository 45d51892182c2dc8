//! What all files say together: whether a configuration gets the variables, clusters and TLS that it names, and what else
//! about its surroundings is dangerous.

pub mod area;
pub mod calls;
pub mod chain;
mod clusters;
pub mod cursor;
pub mod envoy;
mod envoy_cluster;
pub mod envoy_gateway;
pub mod findings;
mod istio;
pub mod machine;
pub mod modules;
pub mod reach;
pub mod resources;
pub mod scalar;
pub mod subject;
pub mod surroundings;
mod tls;
mod variables;

use super::diagnostic::Diagnostic;
use super::input::Input;
use super::warnings;
use findings::Findings;
use subject::Subject;
use surroundings::Surroundings;

/// The mistakes that show in all documents together, and every warning. `elsewhere` names clusters that other files have.
pub fn examine(input: &Input, elsewhere: &[String]) -> Vec<Diagnostic> {
    let surroundings = Surroundings::new(input, elsewhere);
    let subjects: Vec<_> = input
        .configurations
        .iter()
        .enumerate()
        .filter_map(|(index, configuration)| {
            let document = input.documents.get(configuration.document)?;
            Some(Subject::new(index, configuration, &document.root, &surroundings.resources))
        })
        .collect();
    let mut findings = Findings::new(input);
    for subject in &subjects {
        variables::look(subject, &mut findings);
        clusters::look(subject, &surroundings, &mut findings);
        modules::look(subject, &surroundings, &mut findings);
    }
    warnings::look(input, &subjects, &surroundings, &mut findings);
    findings.into_vec()
}
