"""The base envoy/kubernetes/registry: its pod's program, with what the base gives to it, and the addresses of its Services."""

import base64
import secrets

import yaml

import manifests
from contract_registry import Registry, built
from processes import Failure, free_ports
from scenario import ask

FOLDER = "kubernetes/registry"
DOCUMENT = "docs/registry-operating.md"
AUTHORIZATION = "CONTRACTS_AUTH"


class DeployedRegistry:
    """One replica, on SQLite in the place of the PostgreSQL that the user has."""

    def __init__(self, root, folder):
        folder = folder / "registry-pod"
        folder.mkdir()
        self.documents, _ = manifests.read(root / "target/manifests" / FOLDER)
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.secrets = {"DATABASE_URL": f"sqlite:{folder}/registry.db", "SEALING_KEY": key}
        base = manifests.Manifests(self.documents).replace(self.secrets)
        pod = base.pod({"app": "tessera-registry"})
        [container] = pod["spec"]["containers"]
        flag, path, command = container["args"]
        assert (flag, command) == ("--config", "serve"), container["args"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        local = dict(zip(ports, free_ports(len(ports))))
        configuration = base.mounted(pod, container, path)
        for name, port in ports.items():
            configuration = _replaced_once(configuration, f'{name} = "0.0.0.0:{port}"', f'{name} = "127.0.0.1:{local[name]}"')
        environment = base.environment(container["env"], "tessera")
        self.registry = Registry(built(root), folder, configuration, environment)
        self._probe(container, local)
        self.addresses = {(host, port): local[target] for host, port, target in _services(base, pod)}

    @staticmethod
    def _probe(container, local):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[probe]["httpGet"]
            answer = ask(f"http://127.0.0.1:{local[asked['port']]}{asked['path']}")
            assert answer.status == 200, f"{probe}: {answer}"


def _services(base, pod):
    """Each address of a Service, and the port of the pod that it stands for."""
    for service in base.all("Service"):
        spec, metadata = service["spec"], service["metadata"]
        assert spec["selector"].items() <= pod["metadata"]["labels"].items(), f"{metadata['name']} selects another pod"
        for port in spec["ports"]:
            yield f"{metadata['name']}.{metadata['namespace']}.svc.cluster.local", port["port"], port["targetPort"]


def source(root):
    """What the filter's `contracts` becomes, as the document shows it."""
    _, _, rest = (root / DOCUMENT).read_text().partition("\n## Kubernetes\n")
    block = rest.partition("```yaml configuration\n")[2].partition("```")[0]
    contracts = (yaml.safe_load(block) or {}).get("contracts")
    if not contracts:
        raise Failure(f"{DOCUMENT} shows no `contracts`")
    return contracts


def let_filter_poll(root, documents):
    """The changes that the document tells of, in the manifests of istio/gateway."""
    base = manifests.Manifests(documents)
    plugin = base.one("WasmPlugin", "tessera")["spec"]
    plugin["pluginConfig"]["contracts"] = source(root)
    plugin["vmConfig"]["env"].append({"name": AUTHORIZATION, "valueFrom": "HOST"})
    base.one("Secret", "tessera", "tessera")["stringData"][AUTHORIZATION] = "replace-me"
    [proxy] = base.pod(plugin["selector"]["matchLabels"])["spec"]["containers"]
    reference = {"name": "tessera", "key": AUTHORIZATION}
    proxy["env"].append({"name": AUTHORIZATION, "valueFrom": {"secretKeyRef": reference}})


def _replaced_once(text, old, new):
    assert text.count(old) == 1, f"{old!r} must be there once"
    return text.replace(old, new)
