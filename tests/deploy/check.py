"""Every base of manifests in real Envoy, with a stand-in for its control plane.

    make deploy-check

The image is pushed to a registry on this machine and fetched by the rules of the fetchers; secrets, CA and contracts come
from the manifests' own Secret and ConfigMaps; the authorization server is behind TLS, with a certificate of the test's CA.
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "envoy/demo"))

import envoy_gateway
import istio
import images
import manifests
from processes import READY_WITHIN, Failure, Program, free_ports, leave_nothing_behind
from image_registry import Refused, Registry
from registry import AUTHORIZATION, FOLDER, DeployedRegistry, let_filter_poll
from scenario import ask, play
from world import World

HOST = "api.example.com"
NEEDED = {"docker-registry": "docker-registry", "skopeo": "skopeo", "nginx": "nginx-light", "openssl": "openssl", "node": "nodejs"}
BASES = {
    "istio/gateway": istio, "istio/traffic-extension": istio, "istio/envoy-filter": istio, "istio/sidecar": istio,
    "istio/native": istio, "envoy-gateway": envoy_gateway, "envoy-gateway-native": envoy_gateway,
}
# Those with the dynamic module, which the pods have from an image volume: without it none starts. Its metrics have labels.
NATIVE = ("istio/native", "envoy-gateway-native")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Where Envoy itself downloads the module, over TLS; and what everybody gets from it where it cannot. The TLS is that of the
# base where it names the server; Envoy Gateway's proxies ask its controller, by settings that no manifest has.
DOWNLOADED = ("istio/envoy-filter", "envoy-gateway")
NOT_DOWNLOADED = 503
# What Envoy counts where it is not satisfied with a certificate.
VERIFIED = {"a wrong CA": "fail_verify_error", "a wrong name": "fail_verify_san"}


class Proxy:
    """Envoy as the control plane configures it."""

    def __init__(self, control_plane, folder, name):
        port, admin = free_ports(2)
        self.gateway, self.admin, self.log = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin}", folder / f"{name}.access.log"
        configuration = folder / f"{name}.json"
        configuration.write_text(json.dumps(control_plane.configuration(port, admin, self.log), indent=1))
        envoy = os.environ.get("TESSERA_ENVOY") or ROOT / ".venv/bin/envoy"
        self.program = Program(
            f"Envoy for {name}", [envoy, "--config-path", configuration, "--concurrency", "2", "--log-level", "warning", "--disable-hot-restart"],
            folder / f"{name}.log", control_plane.environment())
        # Where the module cannot be downloaded, that is tried again and again first.
        self.program.wait_until(lambda: self._ready(), 2 * READY_WITHIN)

    def _ready(self):
        try:
            return ask(f"{self.admin}/ready").status == 200 and ask(f"{self.gateway}/ready").status
        except OSError:
            return None

    def send(self, method="GET", path="/orders/7", **headers):
        return ask(f"{self.gateway}{path}", method, {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}})

    def logged(self, text):
        """Whether it shows in the access log, which is written with some delay."""
        return eventually(lambda: self.log.exists() and text in self.log.read_text())

    def metrics(self):
        with urllib.request.urlopen(f"{self.admin}/stats/prometheus", timeout=15) as page:
            return page.read().decode()

    def failed_verifications(self, what):
        """How often Envoy itself has ended a handshake over this, by the statistics of its clusters."""
        with urllib.request.urlopen(f"{self.admin}/stats?filter=ssl.fail_verify", timeout=15) as page:
            statistics = [line.rsplit(": ", 1) for line in page.read().decode().splitlines()]
        return sum(int(value) for name, value in statistics if name.endswith(f".ssl.{VERIFIED[what]}"))

    def await_contracts(self, idp):
        token = idp.token("portal", "orders.read")
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            answer = self.send(authorization=f"Bearer {token}")
            if answer.status == 200:
                return
            time.sleep(0.1)
        raise Failure(f"contracts were not loaded: {answer}\n{self.program.last_lines()}")


class Base:
    def __init__(self, name, world, registry, folder):
        self.name, self._world, self._folder = name, world, folder
        self._platform = BASES[name]
        if name in NATIVE:
            architecture = ARCHITECTURES[os.uname().machine]
            self._fetch = lambda image, file: registry.mount(image.removeprefix("registry.example.com/"), file, architecture)
        else:
            self._fetch = lambda image, digest: registry.fetch(image.removeprefix("registry.example.com/"), digest)
        self._documents, _ = manifests.read(folder_of(name))
        self._secrets = {"IDP_CLIENT_SECRET": world.secrets["gateway"]}

    def _control_plane(self, impostors=None, fetch=None):
        documents = manifests.Manifests(copy.deepcopy(self._documents)).replace(self._secrets, self._world.authority.pem)
        return self._platform.ControlPlane(documents, self._world, fetch or self._fetch, impostors or {})

    def check(self):
        print(f"\n{self.name}", flush=True)
        idp = self._world.idp
        control_plane = self._control_plane()
        proxy = Proxy(control_plane, self._folder, self.name.replace("/", "-"))
        proxy.await_contracts(idp)
        require(play(proxy.gateway, idp, HOST), "the demo's requests")
        self._preflight(proxy, control_plane.answers_preflight)
        self._strangers(proxy)
        for text in self._platform.LOGGED:
            require(proxy.logged(text), f"{text} in the access log")
        counted = envoy_gateway.COUNTED if self.name in NATIVE else self._platform.COUNTED
        require(eventually(lambda: counted in proxy.metrics()), f"{counted} in the metrics")
        proxy.program.stop()
        for what, impostors in self._world.impostors.items():
            self._unverified(what, self._control_plane(impostors))
        if self.name in DOWNLOADED:
            for what, impostors in self._world.false_modules.items():
                self._without_module(f"{what} where the module is", self._control_plane(impostors), NOT_DOWNLOADED, what)
        if self.name not in ("istio/envoy-filter", *NATIVE):  # there nobody fetches the module for the proxy
            self._without_module("the module cannot be had", self._control_plane(fetch=_nothing), self._platform.WITHOUT_MODULE)

    def _preflight(self, proxy, answered):
        origin = "https://shop.example.com"
        answer = proxy.send("OPTIONS", origin=origin, access_control_request_method="POST", x_client_id="forged")
        allowed = answer.headers.get("access-control-allow-origin")
        require(answer.status == 200 and (allowed == origin) == answered, f"a preflight request: {answer}")
        require("x-client-id" not in answer.body.get("headers", {}), "a preflight request has no identity")
        require(proxy.send("POST", origin=origin).status == 401, "the request after it needs a token")
        say("a preflight request is answered, and the request after it needs a token")

    def _strangers(self, proxy):
        """What the callouts use is not reachable from outside."""
        for host in ("idp.tessera.invalid", "contracts.tessera.invalid", "contracts.tessera.svc.cluster.local"):
            answer = ask(f"{proxy.gateway}/v1/contracts", headers={"host": host})
            require(answer.status in (401, 404), f"{host} is reachable from outside: {answer}")

    def _unverified(self, what, control_plane):
        proxy = Proxy(control_plane, self._folder, f"{self.name.replace('/', '-')}-unverified")
        answer = proxy.send(authorization=f"Bearer {self._world.idp.token('portal', 'orders.read')}")
        require((answer.status, answer.body.get("error")) == (503, "temporarily_unavailable"), f"{what}: {answer}")
        require("retry-after" in answer.headers, f"{what}: no retry-after")
        require(proxy.failed_verifications(what), f"{what}: Envoy has refused no certificate for it")
        require(proxy.logged("tessera.provider_unavailable"), f"{what}: the outcome in the access log")
        proxy.program.stop()
        say(f"{what}, which Envoy refuses: 503, nothing passes")

    def _without_module(self, what, control_plane, expected, unverified=None):
        proxy = Proxy(control_plane, self._folder, f"{self.name.replace('/', '-')}-without-module")
        token = self._world.idp.token("portal", "orders.read")
        answer = proxy.send(authorization=f"Bearer {token}")
        require(answer.status == expected, f"{what}: {answer}")
        require(not unverified or proxy.failed_verifications(unverified), f"{what}: Envoy has refused no certificate for it")
        proxy.program.stop()
        say(f"{what}: {expected}, nothing passes")


class BehindRegistry(Base):
    """A gateway of istio/gateway that polls the registry of kubernetes/registry, as the documents say."""

    def __init__(self, world, registry, folder):
        super().__init__("istio/gateway", world, registry, folder)
        deployed = DeployedRegistry(ROOT, folder)
        self._registry = deployed.registry
        self._documents += deployed.documents
        let_filter_poll(ROOT, self._documents)
        self._secrets |= {**deployed.secrets, AUTHORIZATION: f"Bearer {self._registry.publish()}"}
        world.addresses.update(deployed.addresses)

    def check(self):
        print(f"\n{FOLDER}, behind {self.name}", flush=True)
        contract, idp = self._registry.request_contract(), self._world.idp
        self._registry.act(contract, "approve")
        proxy = Proxy(self._control_plane(), self._folder, "behind-registry")
        proxy.await_contracts(idp)
        require(play(proxy.gateway, idp, HOST), "the demo's requests")
        self._registry.await_held_poll()
        self._registry.act(contract, "revoke", {"reason": "the application is gone"})
        token = idp.token("portal", "orders.read")
        require(eventually(lambda: proxy.send(authorization=f"Bearer {token}").status == 403), "a contract that was revoked")
        proxy.program.stop()
        say("a contract that was revoked is not in force any more")


def _nothing(*_):
    raise Refused("it cannot be had")


def folder_of(base):
    return ROOT / "target/manifests" / base


def require(good, what):
    if not good:
        raise Failure(f"not as documented: {what}")


def say(what):
    print(f"  ✓ {what}", flush=True)


def eventually(condition):
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    return None


def check_documents():
    """Kinds and members of all documents, then each base as `tessera check` sees it."""
    documents = [document for file in sorted((ROOT / "target/manifests").rglob("*.yaml"))
                 for document in yaml.safe_load_all(file.read_text()) if document]
    kinds = subprocess.run(["node", ROOT / "tests/deploy/kinds.mjs"], input=json.dumps(documents), text=True)
    require(kinds.returncode == 0, "the members of a manifest")
    for name in BASES:
        _, files = manifests.read(folder_of(name))
        command = subprocess.run([ROOT / "target/debug/tessera", "check", "--deny-warnings", *files])
        require(command.returncode == 0, f"{name} passes `tessera check --deny-warnings`")


def main():
    missing = [package for program, package in NEEDED.items() if not shutil.which(program)]
    if missing:
        sys.exit(f"deploy-check: missing: {', '.join(program for program in NEEDED if not shutil.which(program))}"
                 f" (on Debian: apt install {' '.join(missing)})")
    leave_nothing_behind()
    with tempfile.TemporaryDirectory(prefix="tessera-deploy-") as folder:
        folder = Path(folder)
        try:
            check_documents()
            registry = Registry(folder)
            module = ROOT / "target/tessera.wasm"
            images.check(registry, module.read_bytes())
            images.check_native(registry)
            world = World(ROOT, folder, module)
            shared, _ = manifests.read(folder_of("kubernetes"))
            data = {each["metadata"]["name"]: each["data"] for each in shared if each["kind"] == "ConfigMap"}
            world.start_servers((data["contracts"]["contracts.json"], data["contracts-nginx"]["default.conf"]))
            bases = sys.argv[1:] or [*BASES, FOLDER]
            for name in bases:
                base = BehindRegistry(world, registry, folder) if name == FOLDER else Base(name, world, registry, folder)
                base.check()
        except (Failure, AssertionError) as error:
            sys.exit(f"deploy-check: {error}")
        finally:
            Program.stop_all()
    print(f"\n{len(bases)} passed, 0 failed")


if __name__ == "__main__":
    main()
