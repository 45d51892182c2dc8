"""Contracts at work: real Envoy with the built module, a real authorization server, an upstream, and the registry, which
makes the contracts and serves them to Envoy.

    make demo-contracts          shows a contract from its request to its end, then stays up to be tried
    make demo-contracts-check    the same without staying; fails when something does not end as it must
"""

import argparse
import base64
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from demo import Demo, end_with, replaced
from processes import Failure, Program, leave_nothing_behind
from scenario import Paint, ask

IN_FORCE_WITHIN = 1  # seconds, from the answer of the registry to that of Envoy
PATIENCE = 60  # seconds: a machine that does much else may take longer

CONFIGURATION = """
listen = {{api = "127.0.0.1:0", feed = "127.0.0.1:0", ops = "127.0.0.1:0"}}
public.url = "http://127.0.0.1"
database.url = "sqlite:{database}"
sealing_keys = [{{id = "demo", key = {{env = "REGISTRY_KEY"}}}}]
"""


def text(url):
    """What `url` answers with."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=PATIENCE) as response:
        return response.read().decode()


class Registry:
    """The registry on SQLite, and its administration API."""

    def __init__(self, binary, folder, configuration=None, env=None):
        self.binary, self.config = binary, folder / "registry.toml"
        self.config.write_text(configuration or CONFIGURATION.format(database=folder / "registry.db"))
        self._env = env or {"REGISTRY_KEY": base64.b64encode(secrets.token_bytes(32)).decode()}
        self.program = Program("the registry", [binary, "--config", self.config, "serve"], folder / "registry.log", self._env)
        listening = self.program.wait_until(self._listening)
        self.api, self.feed, self.ops = listening["api"], listening["feed"], listening["ops"]

    def _listening(self):
        lines = [json.loads(line) for line in self.program.log.read_text().splitlines() if line.startswith("{")]
        found = {line["listener"]: line["address"] for line in lines if line.get("message") == "listening"}
        return found if len(found) == 3 else None

    def await_held_poll(self):
        """Until a gateway waits for the next change: one that comes sooner is told with the next poll, a second later."""
        metrics = f"http://{self.ops}/metrics"
        held = re.compile(r"^tessera_registry_feed_held_polls [1-9]", re.MULTILINE)
        self.program.wait_until(lambda: held.search(text(metrics)))

    def command(self, *arguments):
        """What a command of the registry prints."""
        done = subprocess.run([self.binary, "--config", self.config, *arguments], env={**os.environ, **self._env},
                              capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise Failure(f"tessera-registry {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def call(self, token, method, path, body=None, expected=(200, 201)):
        """One call of the administration API; the thing that it answers with."""
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "if-match": "*"}
        data = json.dumps({} if body is None else body).encode() if method != "GET" else None
        answer = ask(f"http://{self.api}/api/v1{path}", method, headers, data=data)
        if answer.status not in expected:
            raise Failure(f"{method} {path}: {answer.status} {answer.body}")
        return answer.body


    def publish(self):
        """The catalogue, by its admin: one environment, its provider, an API with a tier, and a gateway, whose token this
        gives back."""
        roles = {"admin": "admin", "owner": "root:owner", "developer": "root:developer"}
        self.tokens = {name: self.command("token", "create", "--role", role) for name, role in roles.items()}
        call = lambda path, body=None: self.call(self.tokens["admin"], "POST", path, body)
        call("/environments", {"id": "production"})
        call("/providers", {"id": "main", "title": "The authorization server", "kind": "manual"})
        call("/apis", {"environment": "production", "id": "orders-v1", "group": "root", "title": "Orders"})
        call("/apis/production/orders-v1/tiers", {"id": "gold", "title": "Gold"})
        gateway = call("/gateways", {"environment": "production", "title": "Envoy"})
        return call(f"/gateways/{gateway['id']}/tokens")["token"]

    def request_contract(self):
        """The developer's application, its client vouched for, and its request for access."""
        admin, developer = self.tokens["admin"], self.tokens["developer"]
        application = self.call(developer, "POST", "/applications", {"group": "root", "name": "Portal"})
        client = {"provider": "main", "client_id": "portal"}
        self.call(admin, "POST", f"/applications/{application['id']}/clients", client)
        request = {"environment": "production", "api": "orders-v1", "application": application["id"], "tier": "gold",
                   "reason": "orders of our customers"}
        return self.call(developer, "POST", "/contracts", request)

    def act(self, contract, action, body=None):
        """What the owner of the API does with it."""
        return self.call(self.tokens["owner"], "POST", f"/contracts/{contract['id']}/{action}", body)


def built(root):
    """The registry's program."""
    binary = Path(os.environ.get("TESSERA_REGISTRY") or root / "target/debug/tessera-registry")
    if not binary.exists():
        raise Failure(f"{binary} is missing: run `cargo build -p tessera-registry`")
    return binary


class ContractDemo(Demo):
    """The demo, with its contracts from the registry."""

    def __init__(self, folder):
        super().__init__(folder)
        self.registry = Registry(built(self.root), self.folder)
        self.secrets["feed"] = self.registry.publish()

    def _environment(self):
        return {**super()._environment(), "CONTRACTS_AUTH": f"Bearer {self.secrets['feed']}"}

    def _config(self, port, admin_port):
        source = ("source: {url: http://registry/v1/contracts, cluster: registry, refresh: 1s, timeout: 25s,"
                  " headers: {authorization: {env: CONTRACTS_AUTH}, prefer: \"wait=20\"}}")
        feed_port = self.registry.feed.rsplit(":", 1)[1]
        cluster = f"""  - name: registry
    type: STATIC
    load_assignment:
      cluster_name: registry
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {feed_port}}}}}}}}}]}}]
"""
        inline = "inline:\n                      - {api: orders-v1, client_id: portal, tier: gold}"
        config = replaced(super()._config(port, admin_port), {
            "[IDP_CLIENT_SECRET]": "[IDP_CLIENT_SECRET, CONTRACTS_AUTH]", inline: source})
        return config + cluster


class Story:
    """A contract from its request to its end; each step with what Envoy must answer afterwards."""

    def __init__(self, demo):
        self.demo, self.good = demo, True
        self.token = demo.idp.token("portal", "orders.read")
        self.paint = Paint(sys.stdout.isatty() and "NO_COLOR" not in os.environ)

    def tell(self):
        registry = self.demo.registry
        print(self.paint.bold(f"    {'what happens at the registry':<52} {'expected':>8}  {'got':>4}  {'within':>8}"))
        self._step("nothing yet", 403, lambda: None)
        contract = registry.request_contract()
        self._step(f"a developer requests access: {contract['status']}, waits for {', '.join(contract['waiting_for'])}",
                   403, lambda: None)
        took = []
        for action, status, body in (("approve", 200, {}), ("suspend", 403, {"reason": "unpaid"}), ("resume", 200, {}),
                                     ("revoke", 403, {"reason": "the application is gone"})):
            took += [self._step(f"the owner says {action}", status, lambda: registry.act(contract, action, body))]
        # What else the machine does makes some of them longer.
        if statistics.median(took) > IN_FORCE_WITHIN:
            print(f"\nHalf of them were not in force within {IN_FORCE_WITHIN} s.")
            self.good = False
        print("\nAll as expected." if self.good else "\nNot all as expected.", flush=True)
        return self.good

    def _step(self, title, expected, act):
        self.demo.registry.await_held_poll()
        act()
        begun = time.monotonic()
        while True:
            answer = ask(f"{self.demo.gateway}/orders/7", headers={"authorization": f"Bearer {self.token}"})
            took = time.monotonic() - begun
            if answer.status == expected or took > PATIENCE:
                break
            time.sleep(0.01)
        fits = answer.status == expected
        self.good = self.good and fits
        mark = self.paint.green("✓") if fits else self.paint.red("✗")
        print(f"  {mark} {title:<52} {expected:>8}  {answer.status:>4}  {took * 1000:>5.0f} ms", flush=True)
        return took


def invite(demo):
    """Print what to try."""
    registry = demo.registry
    print(f"""
Everything is up. Try, in a shell:

  admin={registry.tokens['admin']}
  token={demo.idp.token('portal', 'orders.read')}
  curl -i {demo.gateway}/orders/7 -H "Authorization: Bearer $token"
  curl -s http://{registry.api}/api/v1/contracts -H "Authorization: Bearer $admin"
  curl -s http://{registry.api}/api/v1/audit -H "Authorization: Bearer $admin"
  curl -s http://{registry.feed}/v1/contracts -H "Authorization: Bearer {demo.secrets['feed']}"

The registry's API:   http://{registry.api}/api/v1/openapi.json
The registry's log:   {registry.program.log}
Envoy's log:          {demo.envoy.log}

Ctrl-C stops everything.""", flush=True)


def run(check):
    leave_nothing_behind()
    with tempfile.TemporaryDirectory(prefix="tessera-contracts-") as folder:
        try:
            demo = ContractDemo(folder)
            demo.start()
            good = Story(demo).tell()
            if not good:
                print(f"\nThe last lines of Envoy's log:\n{demo.envoy.last_lines()}")
                print(f"\nThe last lines of the registry's log:\n{demo.registry.program.last_lines()}")
            if not check:
                invite(demo)
                try:
                    demo.stay()
                except KeyboardInterrupt:
                    print("\nStopped.")
            return good
        finally:
            Program.stop_all()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="do not stay up")
    options = parser.parse_args()
    end_with(lambda: run(options.check))


if __name__ == "__main__":
    main()
