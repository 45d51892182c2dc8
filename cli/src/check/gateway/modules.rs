//! Dynamic modules that the EnvoyProxies of Envoy Gateway let policies name.

use super::cursor::Cursor;
use super::findings::Findings;
use super::resources::Resources;
use super::subject::Subject;
use super::surroundings::Surroundings;
use crate::check::code::Code;
use crate::check::configuration::{Host, Kind};

const GROUP: &str = "gateway.envoyproxy.io";

/// A module that may be named, and the specification of the EnvoyProxy that says so.
pub struct Registered<'a> {
    pub entry: Cursor<'a>,
    proxy: Cursor<'a>,
}

/// The entries of this name, of every EnvoyProxy in the files.
pub fn registered<'a>(resources: &Resources<'a>, name: &str) -> Vec<Registered<'a>> {
    let proxies = resources.of(GROUP, "EnvoyProxy").filter_map(|proxy| proxy.spec());
    let entries = proxies.flat_map(|proxy| {
        let entries: Vec<_> = proxy.list("dynamicModules").collect();
        entries.into_iter().map(move |entry| Registered { entry, proxy: proxy.clone() })
    });
    entries.filter(|registered| registered.entry.text_of("name") == Some(name)).collect()
}

impl<'a> Registered<'a> {
    /// The images that are mounted where the module's file is.
    pub fn images(&self) -> Vec<Cursor<'a>> {
        let path = self.entry.dig(&["source", "local", "path"]).and_then(|path| path.text()).unwrap_or_default();
        let kubernetes = self.proxy.dig(&["provider", "kubernetes"]);
        let workloads = ["envoyDeployment", "envoyDaemonSet"].into_iter();
        let workloads = workloads.filter_map(|key| kubernetes.as_ref()?.get(key));
        workloads.flat_map(|workload| mounted(&workload, path)).collect()
    }
}

fn mounted<'a>(workload: &Cursor<'a>, path: &str) -> Vec<Cursor<'a>> {
    let mounts = workload.get("container").into_iter().flat_map(|container| container.list("volumeMounts"));
    let above = mounts.filter(|mount| {
        let rest = mount.text_of("mountPath").and_then(|folder| path.strip_prefix(folder.trim_end_matches('/')));
        rest.is_some_and(|rest| rest.starts_with('/'))
    });
    let names: Vec<&str> = above.filter_map(|mount| mount.text_of("name")).collect();
    let volumes = workload.get("pod").into_iter().flat_map(|pod| pod.list("volumes"));
    let volumes = volumes.filter(|volume| volume.text_of("name").is_some_and(|name| names.contains(&name)));
    volumes.filter_map(|volume| volume.dig(&["image", "reference"])).collect()
}

pub fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    let resources = &surroundings.resources;
    let is_named = subject.kind == Kind::EnvoyExtensionPolicy && subject.host == Host::Native;
    let name = subject.plugin.as_ref().filter(|_| is_named).and_then(|entry| entry.get("name"));
    let Some(at) = name.filter(|_| resources.of(GROUP, "EnvoyProxy").next().is_some()) else { return };
    if at.text().is_some_and(|name| registered(resources, name).is_empty()) {
        let message = "no EnvoyProxy of these files has a dynamic module of this name: the policy is rejected";
        findings.add(Code::UnknownReference, &at, message, "add it to spec.dynamicModules of the EnvoyProxy");
    }
}
