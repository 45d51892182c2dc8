//! Finds policies and their APIs in documents: Flex Gateway's resources and API Manager's policies.

use super::address;
use super::change::{At, Change, Kind, Notes, shown_name};
use super::policy::{Api, FLEX_RULES, MANAGER_RULES, Policy, PolicyKind, RuleNames};
use crate::document::file::Document;
use crate::document::node::{Node, Value};

/// What has been found.
#[derive(Debug, Default)]
pub struct Found {
    pub apis: Vec<Api>,
    pub policies: Vec<Policy>,
    keys: Vec<Key>,
}

/// What an API is called in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Flex { namespace: String, name: String },
    Manager(String),
}

/// An instance, before it is known which policies hold for it.
struct Instance<'a> {
    api: usize,
    labels: Option<&'a Node>,
}

struct Collector<'a> {
    /// `--api`: ids there, and here.
    names: &'a [(String, String)],
    found: Found,
    notes: &'a mut Notes,
}

/// Reads all documents.
pub fn collect(documents: &[Document], names: &[(String, String)], notes: &mut Notes) -> Found {
    let mut collector = Collector { names, found: Found::default(), notes };
    let resources: Vec<(usize, &Node)> =
        documents.iter().flat_map(|document| flattened(&document.root).map(|node| (document.file, node))).collect();
    let instances: Vec<Instance<'_>> = resources
        .iter()
        .filter(|(_, node)| is_kind(node, "ApiInstance"))
        .map(|(file, node)| collector.instance(*file, node))
        .collect();
    for (file, node) in &resources {
        if is_kind(node, "PolicyBinding") {
            collector.binding(*file, node, &instances);
        }
    }
    for document in documents {
        collector.manager(document.file, &document.root);
    }
    let Collector { found, notes, .. } = collector;
    let called = |(Key::Flex { name, .. } | Key::Manager(name)): &Key, there: &str| *name == there;
    notes.unused(names, |there| found.keys.iter().any(|key| called(key, there)));
    found
}

/// A document, or the items of a list.
fn flattened(root: &Node) -> impl Iterator<Item = &Node> {
    let is_list = root.get("kind").and_then(Node::text) == Some("List");
    let items = root.get("items").filter(|_| is_list).map_or(&[][..], Node::elements);
    items.iter().chain((!is_list).then_some(root))
}

fn is_kind(node: &Node, kind: &str) -> bool {
    let text = |name| node.get(name).and_then(Node::text);
    text("kind") == Some(kind) && text("apiVersion").is_some_and(|version| version.starts_with("gateway.mulesoft.com/"))
}

/// A text, or a number, which ids often are.
fn id_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn namespace_of(node: &Node) -> Option<String> {
    node.get("namespace").and_then(id_text)
}

impl Collector<'_> {
    fn note(&mut self, kind: Kind, at: At, policy: Option<&str>, parameter: &str, path: String, message: &str) {
        let policy = policy.map(|name| shown_name(name).into());
        self.notes.changes.push(Change {
            kind,
            at,
            policy,
            parameter: parameter.into(),
            path,
            message: message.into(),
        });
    }

    /// The API of that name, which is added if there is none.
    fn api(&mut self, key: Key, at: At) -> usize {
        if let Some(known) = self.found.keys.iter().position(|other| *other == key) {
            return known;
        }
        let (Key::Flex { name, .. } | Key::Manager(name)) = &key;
        let mapped = self.names.iter().find(|(there, _)| there == name).map_or(name, |(_, here)| here).clone();
        let is_sound = !mapped.is_empty() && !mapped.contains(char::is_control);
        let wanted = if is_sound { mapped.clone() } else { "api".to_owned() };
        let is_taken = |id: &String| self.found.apis.iter().any(|api| api.id == *id);
        let id = (1..).map(|count| if count == 1 { wanted.clone() } else { format!("{wanted}-{count}") });
        let id = id.into_iter().find(|id| !is_taken(id)).unwrap_or_default();
        if id != mapped {
            let message = match is_sound {
                true => "another API has that id: contracts of this one need the new id; --api gives another",
                false => "nothing says what the API is called: --api gives it an id",
            };
            self.note(Kind::Meaning, at, None, "id", "apis".into(), message);
        }
        self.found.keys.push(key);
        self.found.apis.push(Api { id, at, authority: None, base: "".into() });
        self.found.apis.len() - 1
    }

    fn instance<'a>(&mut self, file: usize, node: &'a Node) -> Instance<'a> {
        let at = At::of(file, node);
        let metadata = node.get("metadata");
        let name = metadata.and_then(|metadata| metadata.get("name")).and_then(id_text).unwrap_or_default();
        let namespace = metadata.and_then(namespace_of).unwrap_or_else(|| "default".into());
        let mut key = Key::Flex { namespace: namespace.clone(), name: name.clone() };
        if self.found.keys.contains(&key) {
            // Another one of that name, perhaps of another environment: bindings are for the first.
            key = Key::Flex { namespace: format!("{namespace}\0{file}\0{at:?}"), name };
        }
        let api = self.api(key, at);
        let spec = node.get("spec");
        if let Some(address) = spec.and_then(|spec| spec.get("address")) {
            let at = At::of(file, address);
            let read = address.text().map(address::read);
            if read.as_ref().is_none_or(|read| !read.is_sound) {
                let message = "its path cannot be read: the API is every path";
                self.note(Kind::Meaning, at, None, "address", "apis".into(), message);
            }
            if let (Some(read), Some(api)) = (read, self.found.apis.get_mut(api)) {
                (api.authority, api.base) = (Some(read.authority), read.base);
            }
        }
        for policy in self.list(file, spec.and_then(|spec| spec.get("policies"))) {
            self.flex_policy(file, policy, &[api]);
        }
        Instance { api, labels: metadata.and_then(|metadata| metadata.get("labels")) }
    }

    fn binding(&mut self, file: usize, node: &Node, instances: &[Instance<'_>]) {
        let at = At::of(file, node);
        let Some(spec) = node.get("spec") else {
            return self.note(Kind::None, at, None, "spec", String::new(), "is missing: no policy is bound");
        };
        let target = spec.get("targetRef");
        let kind = target.and_then(|target| target.get("kind")).and_then(Node::text).unwrap_or("ApiInstance");
        let namespace = node.get("metadata").and_then(namespace_of).unwrap_or_else(|| "default".into());
        let apis = match (kind, target) {
            ("Selector", Some(target)) => selected(target.get("selector"), instances),
            ("ApiInstance", Some(target)) => {
                let name = target.get("name").and_then(id_text).unwrap_or_default();
                let namespace = namespace_of(target).unwrap_or(namespace);
                let key = Key::Flex { namespace, name };
                if !self.found.keys.contains(&key) {
                    let message = "that instance is in none of the files: its API is every path";
                    self.note(Kind::Meaning, At::of(file, target), None, "targetRef", "apis".into(), message);
                }
                vec![self.api(key, at)]
            }
            _ => Vec::new(),
        };
        if apis.is_empty() {
            self.note(Kind::None, at, None, "targetRef", String::new(), "it holds for no instance in the files");
        }
        self.flex_policy(file, spec, &apis);
    }

    /// The elements of a list of policies. Something else must not pass for an empty list.
    fn list<'a>(&mut self, file: usize, list: Option<&'a Node>) -> &'a [Node] {
        match list.map(|list| (list, &list.value)) {
            None | Some((_, Value::Null | Value::Array(_))) => list.map_or(&[], Node::elements),
            Some((list, _)) => {
                self.notes.fault(At::of(file, list), "policies is no list");
                &[]
            }
        }
    }

    fn flex_policy(&mut self, file: usize, node: &Node, apis: &[usize]) {
        let name = node.get("policyRef").and_then(|reference| reference.get("name")).and_then(Node::text);
        self.policy(file, node, name, node.get("config"), apis, FLEX_RULES);
    }

    fn policy(
        &mut self,
        file: usize,
        node: &Node,
        name: Option<&str>,
        config: Option<&Node>,
        apis: &[usize],
        rule_names: RuleNames,
    ) {
        let at = At::of(file, node);
        let Some(kind) = name.and_then(PolicyKind::of) else {
            let shown = name.map_or("…", shown_name);
            return self.note(Kind::None, at, name, shown, String::new(), "this policy is not imported");
        };
        for api in apis {
            self.found.policies.push(Policy {
                kind,
                name: name.unwrap_or_default().into(),
                at,
                api: *api,
                config: config.cloned(),
                rules: node.get(rule_names.rules).cloned(),
                rule_names,
            });
        }
    }

    fn manager(&mut self, file: usize, root: &Node) {
        let policies = match &root.value {
            Value::Array(elements) => elements.as_slice(),
            Value::Object(_) if root.get("kind").is_none() => match root.get("policies") {
                Some(list) => self.list(file, Some(list)),
                None if manager_name(root).is_some() => std::slice::from_ref(root),
                None => &[],
            },
            _ => &[],
        };
        for node in policies {
            let name = manager_name(node);
            let at = At::of(file, node);
            if let Some(disabled) = node.get("disabled").filter(|value| matches!(value.value, Value::Boolean(true))) {
                let message = "the policy is disabled, and left out";
                self.note(Kind::None, At::of(file, disabled), name, "disabled", String::new(), message);
                continue;
            }
            let apis = match name.and_then(PolicyKind::of) {
                Some(_) => vec![self.api(Key::Manager(node.get("apiId").and_then(id_text).unwrap_or_default()), at)],
                None => Vec::new(),
            };
            let config = node.get("configuration").or_else(|| node.get("configurationData"));
            self.policy(file, node, name, config, &apis, MANAGER_RULES);
        }
    }
}

fn manager_name(node: &Node) -> Option<&str> {
    let of_template = || node.get("template")?.get("assetId");
    node.get("assetId").or_else(of_template)?.text()
}

/// Labels are texts, whatever they look like.
fn label_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => id_text(node),
    }
}

/// The instances that have all these labels; without labels, all instances.
fn selected(selector: Option<&Node>, instances: &[Instance<'_>]) -> Vec<usize> {
    let Some(selector) = selector else { return Vec::new() };
    if selector.get("kind").and_then(Node::text).is_some_and(|kind| kind != "ApiInstance") {
        return Vec::new();
    }
    let labels = selector.get("labels").map_or(&[][..], Node::members);
    let has = |instance: &Instance<'_>, key: &str, value: &Node| {
        let own = instance.labels.and_then(|labels| labels.get(key));
        own.and_then(label_text).is_some_and(|own| Some(own) == label_text(value))
    };
    let matches = |instance: &&Instance<'_>| labels.iter().all(|label| has(instance, &label.key, &label.value));
    instances.iter().filter(matches).map(|instance| instance.api).collect()
}
