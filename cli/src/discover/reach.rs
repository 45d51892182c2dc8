//! What is written beside the provider, so that its server is reached.

use crate::yaml_text::Yaml;
use serde_json::Value;

/// Names and files of what is written.
pub struct Place<'a> {
    pub name: &'a str,
    pub cluster: &'a str,
    pub namespace: &'a str,
    pub gateway: &'a str,
    pub ca: Option<&'a str>,
}

pub struct Reach {
    /// What the configuration calls it.
    pub cluster: String,
    pub documents: Vec<Yaml>,
    clusters: Vec<Yaml>,
}

impl Reach {
    pub fn of_clusters(cluster: &str, clusters: Vec<Yaml>) -> Self {
        let document = Yaml::object([("clusters", Yaml::array(clusters.clone()))]);
        Self { cluster: cluster.into(), documents: vec![document], clusters }
    }

    pub fn of_resources(cluster: String, documents: Vec<Yaml>) -> Self {
        Self { cluster, documents, clusters: Vec::new() }
    }

    /// Each cluster or resource by itself.
    pub fn resources(&self) -> Vec<Value> {
        let list = if self.clusters.is_empty() { &self.documents } else { &self.clusters };
        list.iter().map(Yaml::to_json).collect()
    }
}

/// `metadata` of a resource.
pub fn metadata(name: &str, place: &Place<'_>) -> Yaml {
    Yaml::object([("name", Yaml::text(name)), ("namespace", Yaml::text(place.namespace))])
}
