//! What Envoy's own configuration says: clusters, routes, filters, secrets.

use super::cursor::{Cursor, Origin};
use super::envoy_cluster;
use super::reach::Provided;
use crate::document::file::Document;
use crate::document::node::Node;

/// What stands in bootstraps, discovery files and patches.
#[derive(Debug, Default)]
pub struct Envoy<'a> {
    pub clusters: Vec<Cursor<'a>>,
    /// Connection managers: objects with `http_filters`.
    pub managers: Vec<Cursor<'a>>,
    /// Route configurations that are discovered.
    pub routes: Vec<Cursor<'a>>,
    secrets: Vec<Cursor<'a>>,
    documents: Vec<Kept>,
}

/// Where a document's clusters are.
#[derive(Clone, Copy, Debug)]
struct Kept {
    document: usize,
    is_bootstrap: bool,
    has_clusters: bool,
    asks_for_clusters: bool,
}

impl<'a> Envoy<'a> {
    /// Adds a document that is no object of Kubernetes.
    pub fn add_document(&mut self, index: usize, document: &'a Document) {
        let root = Cursor::root(Origin::Document(index), &document.root);
        let is_bootstrap = is_bootstrap(&document.root);
        if !is_bootstrap && root.get("resources").is_none() && root.get("@type").is_none() {
            return;
        }
        let before = self.clusters.len();
        self.clusters
            .extend(root.field("static_resources").iter().flat_map(|resources| resources.repeated("clusters")));
        self.secrets.extend(root.field("static_resources").iter().flat_map(|resources| resources.repeated("secrets")));
        self.add_objects(&root);
        self.documents.push(Kept {
            document: index,
            is_bootstrap,
            has_clusters: self.clusters.len() > before,
            asks_for_clusters: root.fields(&["dynamic_resources", "cds_config"]).is_some(),
        });
    }

    /// Adds what is found in a value by its type.
    pub fn add_objects(&mut self, root: &Cursor<'a>) {
        root.visit_objects(&mut |object| {
            if object.is_type(".cluster.v3.Cluster") {
                self.clusters.push(object.clone());
            } else if object.is_type(".RouteConfiguration") {
                self.routes.push(object.clone());
            } else if object.is_type(".tls.v3.Secret") {
                self.secrets.push(object.clone());
            }
            if object.field("http_filters").is_some() {
                self.managers.push(object.clone());
            }
        });
    }

    /// What is known of a cluster that is called from a document.
    pub fn provided(&self, document: usize, name: &str) -> Provided<'a> {
        let is_named = |cluster: &&Cursor<'_>| cluster.text_of("name") == Some(name);
        let is_own = |cluster: &&Cursor<'_>| cluster.origin == Origin::Document(document);
        let own = self.clusters.iter().filter(is_named).find(is_own);
        match own.or_else(|| self.clusters.iter().find(is_named)) {
            Some(cluster) => Provided::Here(self.reach(cluster)),
            None if self.is_complete(document) => Provided::Missing,
            None => Provided::Elsewhere,
        }
    }

    pub fn reach(&self, cluster: &Cursor<'a>) -> super::reach::Reach<'a> {
        envoy_cluster::reach(cluster, &|name| {
            let secret = self.secrets.iter().find(|secret| secret.text_of("name") == Some(name))?;
            secret.field("validation_context")
        })
    }

    /// Whether the files hold all clusters that a configuration of this document can call.
    fn is_complete(&self, document: usize) -> bool {
        let own = self.documents.iter().find(|kept| kept.document == document && kept.is_bootstrap);
        let asks = match own {
            Some(own) => own.asks_for_clusters,
            None => self.documents.iter().any(|kept| kept.asks_for_clusters),
        };
        let is_discovered = self.documents.iter().any(|kept| !kept.is_bootstrap && kept.has_clusters);
        is_discovered || !asks && self.documents.iter().any(|kept| kept.is_bootstrap)
    }
}

fn is_bootstrap(root: &Node) -> bool {
    ["static_resources", "dynamic_resources", "admin", "node"].iter().any(|key| root.field(key).is_some())
}
