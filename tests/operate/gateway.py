"""The demo's Envoy with more to measure: further APIs, JWTs, proofs of possession, polled contracts, stale answers."""

import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "envoy/demo"))

from demo import Demo, replaced  # noqa: E402
from processes import Program, free_ports  # noqa: E402
from scenario import ask  # noqa: E402

JWTS = "https://orders-jwt.example.com"  # a resource for which the authorization server issues JWTs

PROVIDER = """\
                      issuer: {issuer}
                      jwt: {{algorithms: [RS256], keys: {{url: {issuer}/jwks, cluster: idp, refresh: 1s}}}}
"""
APIS = """\
                    - {id: orders v1.2, match: {paths: [/v1.2/]}}
                    - {id: a_api_b, match: {paths: [/a-b/]}, contract: none}
                    cache: {max_ttl: 5s, negative_ttl: 10m, stale_if_error: 10m}
"""
SOURCE = """\
                      source: {{url: http://127.0.0.1:{port}/v1/contracts, cluster: contracts, refresh: 200ms}}
"""
CLUSTER = """\
  - name: contracts
    type: STATIC
    load_assignment:
      cluster_name: contracts
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}]}}]
"""
CONTRACTS = [{"api": api, "client_id": client, "tier": "gold"}
             for api in ("orders-v1", "orders v1.2") for client in ("portal", "wallet")]
UNREADABLE = {"client_id": "of no API"}


class Gateway(Demo):
    """One Envoy and all that it needs. With one worker, so that two of them count the same."""

    workers = 1

    def __init__(self, folder, is_tagged):
        Path(folder).mkdir()
        super().__init__(folder)
        self.is_tagged = is_tagged
        self.secrets["wallet"] = self.secrets["portal"]
        [self._contracts_port] = free_ports(1)
        self.contracts = f"http://127.0.0.1:{self._contracts_port}/v1/contracts"

    def start(self):
        document = self.folder / "contracts.json"
        document.write_text(json.dumps({"contracts": [*CONTRACTS, UNREADABLE]}))
        source = Program("the contract source", [sys.executable, self.root / "envoy/demo/contracts.py", document,
                                                 self._contracts_port], self.folder / "contracts.log")
        source.wait_until(lambda: answers(self.contracts))
        super().start()
        self.proofs = Proofs(self.root / "tests/oidc-provider")

    def _clients(self):
        wallet = {"id": "wallet", "secret": self.secrets["wallet"], "scope": "orders.read", "dpop": True}
        return [*super()._clients(), wallet]

    def _config(self, port, admin_port):
        contract = "                      - {api: orders-v1, client_id: portal, tier: gold}\n"
        contracts = "                    contracts:\n                      inline:\n"
        text = replaced(super()._config(port, admin_port), {
            "                      introspection:\n": PROVIDER.format(issuer=self.idp.url) + "                      introspection:\n",
            contracts: APIS + contracts,
            contract: contract + SOURCE.format(port=self._contracts_port),
        })
        return (stats_config(self.root) if self.is_tagged else "") + text + CLUSTER.format(port=self._contracts_port)

    def put_contracts(self, contracts):
        ask(self.contracts, "PUT", data=json.dumps({"contracts": contracts}).encode())


class Proofs:
    """A DPoP client (RFC 9449) with one key."""

    def __init__(self, folder):
        self._process = subprocess.Popen(["node", "dpop.mjs"], cwd=folder, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def make(self, method, url, token=None):
        self._process.stdin.write(json.dumps({"method": method, "url": url, "token": token}) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


def stats_config(root):
    """That of envoy.full.yaml."""
    text = (root / "envoy/envoy.full.yaml").read_text()
    return re.search(r"^stats_config:\n(?:  .*\n)+", text, re.MULTILINE)[0]


def answers(url):
    try:
        return ask(url).status == 200
    except OSError:
        return False
