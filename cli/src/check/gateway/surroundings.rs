//! Everything that the documents say beside configurations.

use super::cursor::Cursor;
use super::envoy::Envoy;
use super::envoy_gateway;
use super::istio::Mesh;
use super::reach::{Protection, Provided, Reach};
use super::resources::{Resource, Resources};
use super::subject::Subject;
use crate::check::configuration::Kind;
use crate::check::input::Input;

pub struct Surroundings<'a> {
    pub resources: Resources<'a>,
    mesh: Mesh<'a>,
    /// Bootstraps and discovery files.
    pub envoy: Envoy<'a>,
    /// What EnvoyFilters add.
    pub filters: Envoy<'a>,
    /// What EnvoyPatchPolicies add.
    patches: Envoy<'a>,
    /// Changes to clusters that are made elsewhere: the patch, and the name that it is about.
    changes: Vec<Change<'a>>,
    /// Clusters that exist elsewhere.
    elsewhere: &'a [String],
}

/// A patch that gives clusters another transport socket.
struct Change<'a> {
    /// Their name; `None`: the host of the name.
    name: Option<&'a str>,
    host: Option<&'a str>,
}

impl<'a> Surroundings<'a> {
    pub fn new(input: &'a Input, elsewhere: &'a [String]) -> Self {
        let mut all = Self {
            resources: Resources::default(),
            mesh: Mesh::default(),
            envoy: Envoy::default(),
            filters: Envoy::default(),
            patches: Envoy::default(),
            changes: Vec::new(),
            elsewhere,
        };
        for (index, document) in input.documents.iter().enumerate() {
            let resources = Resource::of(index, document);
            if resources.is_empty() {
                all.envoy.add_document(index, document);
            }
            resources.into_iter().for_each(|resource| all.resources.add(resource));
        }
        for resource in all.resources.iter() {
            let Some(spec) = resource.spec() else { continue };
            all.mesh.add(resource, &spec);
            match resource.kind {
                "EnvoyFilter" => spec.list("configPatches").for_each(|patch| {
                    add_filter(&mut all.filters, &mut all.changes, &patch);
                }),
                "EnvoyPatchPolicy" => spec.list("jsonPatches").for_each(|patch| {
                    add_patch(&mut all.patches, &mut all.changes, &patch);
                }),
                _ => {}
            }
        }
        all
    }

    /// What is known of a cluster of this name that a configuration calls.
    pub fn provided(&self, subject: &Subject<'_>, name: &str) -> Provided<'a> {
        if self.elsewhere.iter().any(|known| known == name) {
            return Provided::Elsewhere;
        }
        let added = |envoy: &Envoy<'a>| {
            let cluster = envoy.clusters.iter().find(|cluster| cluster.text_of("name") == Some(name));
            cluster.map(|cluster| Provided::Here(envoy.reach(cluster)))
        };
        let provided = match subject.kind {
            Kind::Plain => Provided::Elsewhere,
            Kind::Envoy => return self.envoy.provided(subject.document, name),
            Kind::WasmPlugin | Kind::TrafficExtension | Kind::EnvoyFilter => {
                added(&self.filters).unwrap_or_else(|| self.mesh.provided(name))
            }
            Kind::EnvoyExtensionPolicy => {
                added(&self.patches).unwrap_or_else(|| envoy_gateway::provided(&self.resources, name))
            }
        };
        match provided {
            Provided::Here(reach) if self.changes.iter().any(|change| change.is_about(name)) => {
                Provided::Here(Reach { protection: Protection::Unknown, unchecked: Vec::new(), ..reach })
            }
            provided => provided,
        }
    }

    /// The calls of a configuration whose clusters are in the files.
    pub fn reaches<'s>(
        &'s self,
        subject: &'s Subject<'a>,
    ) -> impl Iterator<Item = (&'s super::calls::Call<'a>, Reach<'a>)> {
        subject.calls.iter().filter_map(|call| match self.provided(subject, call.cluster.text()?) {
            Provided::Here(reach) => Some((call, reach)),
            _ => None,
        })
    }
}

impl Change<'_> {
    fn is_about(&self, name: &str) -> bool {
        let host = name.rsplit('|').next().unwrap_or(name);
        self.name.is_none_or(|own| own == name) && self.host.is_none_or(|own| own == host)
    }
}

fn add_filter<'a>(filters: &mut Envoy<'a>, changes: &mut Vec<Change<'a>>, patch: &Cursor<'a>) {
    let Some(value) = patch.dig(&["patch", "value"]) else { return };
    let operation = patch.dig(&["patch", "operation"]).and_then(|operation| operation.text());
    match (patch.text_of("applyTo"), operation) {
        (Some("CLUSTER"), Some("ADD")) => filters.clusters.push(value),
        (Some("CLUSTER"), _) if value.field("transport_socket").is_some() => {
            let matching = |key: &str| patch.dig(&["match", "cluster", key]).and_then(|value| value.text());
            changes.push(Change { name: matching("name"), host: matching("service") });
        }
        (Some("CLUSTER"), _) => {}
        _ => filters.add_objects(&value),
    }
}

fn add_patch<'a>(patches: &mut Envoy<'a>, changes: &mut Vec<Change<'a>>, patch: &Cursor<'a>) {
    let operation = |key: &str| patch.dig(&["operation", key]);
    if !patch.text_of("type").is_some_and(|name| name.ends_with(".cluster.v3.Cluster")) {
        return;
    }
    let path = operation("path").and_then(|path| path.text()).unwrap_or_default();
    if path.starts_with("/transport_socket") {
        changes.push(Change { name: patch.text_of("name"), host: None });
    } else if path.trim_matches('/').is_empty()
        && operation("op").is_some_and(|op| op.text() == Some("add"))
        && let Some(value) = operation("value")
    {
        patches.clusters.push(value);
    }
}
