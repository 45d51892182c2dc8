"""The contract registry with something to tell in each of its metrics."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "envoy/demo"))

from contract_registry import Registry  # noqa: E402

SCRAPES = 4
HELD = 2  # seconds
NOBODY = "http://127.0.0.1:1"  # nobody listens there


class Watched:
    def __init__(self, root, folder):
        self._registry = Registry(os.environ.get("TESSERA_REGISTRY") or root / "target/debug/tessera-registry", folder)
        self.ops = self._registry.ops
        self._admin = self._registry.command("token", "create", "--role", "admin")
        self._call("POST", "/environments", {"id": "production"})
        self._call("POST", "/providers", {
            "id": "main", "title": "The authorization server", "kind": "manual", "issuer": NOBODY,
            "introspection": {"client_id": "registry", "credential": "secret"},
        })
        # Nobody registers clients there.
        self._call("POST", "/providers", {
            "id": "dynamic", "title": "The one with tokens", "kind": "dcr", "issuer": NOBODY,
            "authorization": {"type": "one_time"},
        })
        self._call("POST", "/providers/dynamic/registration-tokens", {"tokens": ["one", "two"]})
        self._call("POST", "/apis", {"environment": "production", "id": "orders-v1", "group": "root", "title": "Orders"})
        self._call("POST", "/apis/production/orders-v1/tiers", {"id": "gold", "title": "Gold"})
        application = self._call("POST", "/applications", {"group": "root", "name": "Portal"})["id"]
        self._call("POST", "/contracts", {"environment": "production", "api": "orders-v1", "application": application, "tier": "gold"})
        developer = self._registry.command("token", "create", "--role", "root:developer")
        brought = {"provider": "main", "client_id": "portal"}
        client = self._registry.call(developer, "POST", f"/applications/{application}/clients", brought)["id"]
        # Its provider is asked, and is away.
        self._prove = lambda: self._registry.call(
            developer, "POST", f"/clients/{client}/prove", {"access_token": "any"}, expected=(503,))
        gateway = self._call("POST", "/gateways", {"environment": "production", "title": "Envoy"})["id"]
        self._token = self._call("POST", f"/gateways/{gateway}/tokens")["token"]

    def _call(self, *call):
        return self._registry.call(self._admin, *call)

    def _poll(self, query, token, **headers):
        """Status and body; nobody polls twice with one connection."""
        asked = urllib.request.Request(f"http://{self._registry.feed}/v1/contracts{query}",
                                       headers={"authorization": f"Bearer {token}", **headers})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=HELD + 10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def exercise(self, wait_for_scrape):
        """Some of each kind of request, for as many scrapes as a rate needs."""
        status, body = self._poll("", self._token)
        assert status == 200, body
        cursor = body.split('"cursor":"')[1].split('"')[0]
        assert self._poll("", "trg_unknown")[0] == 401
        for _ in range(SCRAPES):
            self._call("GET", "/contracts")
            self._prove()
            self._poll(f"?since={cursor}", self._token)
            wait_for_scrape()
        assert self._poll(f"?since={cursor}", self._token, prefer=f"wait={HELD}")[0] == 200
