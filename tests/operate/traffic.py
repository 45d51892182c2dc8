"""Requests that move every panel of the dashboard; the same to each gateway, so that all must count the same."""

import os
import threading
from contextlib import redirect_stdout

from gateway import CONTRACTS, JWTS
from prometheus import GATEWAYS
from scenario import ask, play, rows

ROUNDS_OF_AN_OUTAGE = 100  # at most


class Traffic:
    def __init__(self, gateways, prometheus):
        self._gateways, self._prometheus = gateways, prometheus

    def run(self, rounds):
        """So many rounds, one a scrape, three quarters of them before an outage of the authorization server."""
        sent = sum(demo(gateway) for gateway in self._gateways)
        clients = [Client(gateway, rounds + ROUNDS_OF_AN_OUTAGE) for gateway in self._gateways]
        first = rounds * 3 // 4
        for number in range(first):
            self._round(clients)
            if number == first // 3:
                self._change_contracts(CONTRACTS[:1])
            if number == first // 2:
                self._change_contracts(CONTRACTS)
                self._wait_long(clients)
        for gateway in self._gateways:
            gateway.idp.go_down()
        self._prometheus.wait_for("stale answers", lambda: self._round(clients) or self._are_stale())
        for gateway in self._gateways:
            gateway.idp.come_up()
        for number in range(rounds - first):
            self._round(clients)
        sent += sum(client.sent for client in clients)
        self._prometheus.wait_for(
            f"{sent} requests", lambda: self._prometheus.instant(f"sum(tessera_requests{{{GATEWAYS}}})") == {frozenset(): sent})

    def _round(self, clients):
        for client in clients:
            client.requests()
        self._prometheus.wait_for_scrape()

    def _are_stale(self):
        return self._count(f'tessera_cache{{{GATEWAYS}, result="stale"}} >= 3') == len(self._gateways)

    def _count(self, expression):
        """Of the series, over all gateways."""
        return self._prometheus.instant(f"count({expression})").get(frozenset())

    def _change_contracts(self, contracts):
        for gateway in self._gateways:
            gateway.put_contracts(contracts)
        # One is in the configuration, and the same as the first here.
        wanted = f'tessera_contracts{{{GATEWAYS}}} == {len(contracts)}'
        self._prometheus.wait_for(f"{len(contracts)} contracts", lambda: self._count(wanted) == len(self._gateways))

    def _wait_long(self, clients):
        """One call each that is in flight until Prometheus has seen it."""
        waiting = [threading.Thread(target=client.ask_anew) for client in clients]
        for gateway in self._gateways:
            gateway.idp_program.pause()
        try:
            for each in waiting:
                each.start()
            self._prometheus.wait_for(
                "calls in flight", lambda: self._count(f"tessera_in_flight{{{GATEWAYS}}} >= 1") == len(clients))
        finally:
            for gateway in self._gateways:
                gateway.idp_program.go_on()
            for each in waiting:
                each.join()


class Client:
    """Whoever calls one gateway. Tokens that an outage needs are fetched before it."""

    def __init__(self, gateway, rounds):
        self._gateway, self.sent = gateway, 0
        idp = gateway.idp
        self._known, self._guest, self._revoked, self._anew = (
            idp.token(client, "orders.read") for client in ("portal", "guest", "portal", "portal"))
        idp.revoke("portal", self._revoked)
        self._jwt = idp.token("portal", "orders.read", JWTS)
        proof = gateway.proofs.make("POST", f"{idp.url}/token")
        self._bound = idp.token("wallet", "orders.read", headers={"dpop": proof})
        self._fresh = [idp.token("portal", "orders.read") for _ in range(rounds)]

    def ask_anew(self):
        self._send("/orders/7", self._anew)

    def requests(self):
        url = f"{self._gateway.gateway}/orders/7"
        proof = self._gateway.proofs.make("GET", url, self._bound)
        forged = self._jwt[:-8] + "AAAAAAAA"
        for token in [self._known] * 6 + [self._guest, self._revoked, self._jwt, forged, self._fresh.pop(), None]:
            self._send("/orders/7", token)
        self._send("/orders/7", self._known, method="POST")
        self._send("/v1.2/", self._known)
        self._send("/a-b/", self._known)
        self._send("/nowhere/", self._known)
        for headers in ({"dpop": proof}, {"dpop": proof}, {}):
            self._send("/orders/7", self._bound, headers, scheme="DPoP")

    def _send(self, path, token, headers=None, method="GET", scheme="Bearer"):
        self.sent += 1
        credential = {"authorization": f"{scheme} {token}"} if token else {}
        ask(self._gateway.gateway + path, method, {**credential, **(headers or {})}, form={} if method == "POST" else None)


def demo(gateway):
    """The demo's own requests, which must end as they do there; how many they are."""
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        good, count = play(gateway.gateway, gateway.idp), len(rows(gateway.idp))
    assert good, "the demo's requests did not end as they must: make demo-check shows them"
    return count
