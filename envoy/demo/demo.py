"""Tessera at work: real Envoy with the built module, a real authorization server, an upstream.

    make demo          shows what happens to six requests, then stays up to be tried
    make demo-check    the same without staying; fails when a request does not end as it must

Or against services that already run, as docker-compose.yaml starts them:

    demo.py --check --gateway http://envoy:8080 --authorization-server http://idp:4000
"""

import argparse
import json
import os
import re
import secrets
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from processes import READY_WITHIN, Failure, Program, free_ports, leave_nothing_behind
from scenario import RESOURCE, AuthorizationServer, ask, play, rows
import upstream

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "target/tessera.wasm"
IDP = ROOT / "tests/oidc-provider/server.mjs"
CLIENTS = ("portal", "guest")


class Demo:
    """Everything that the demo runs."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.secrets = {name: secrets.token_urlsafe(24) for name in ("gateway", *CLIENTS)}
        self.idp_program = None
        self.idp = None

    def start(self):
        self._upstream = upstream.serve()
        threading.Thread(target=self._upstream.serve_forever, daemon=True).start()
        self.start_idp()
        self.gateway_port, self.admin_port = free_ports(2)
        self.gateway = f"http://127.0.0.1:{self.gateway_port}"
        self._start_envoy()

    def start_idp(self):
        """Start the authorization server: on any free port at first, on the same one later."""
        port = self.idp.url.rsplit(":", 1)[1] if self.idp else "0"
        clients = [{"id": "gateway", "secret": self.secrets["gateway"]}]
        clients += [{"id": name, "secret": self.secrets[name], "scope": "orders.read orders.write"} for name in CLIENTS]
        program = Program("the authorization server", ["node", IDP, "--port", port], self.folder / "idp.log",
                          {"OIDC_CLIENTS": json.dumps(clients)})
        ready = program.wait_until(lambda: re.search(r"^ready (\S+)$", program.log.read_text(), re.MULTILINE))
        self.idp_program, self.idp = program, AuthorizationServer(ready[1], self.secrets)

    def stop_idp(self):
        self.idp_program.stop()

    def _start_envoy(self):
        config = self.folder / "envoy.yaml"
        config.write_text(self._config())
        envoy = os.environ.get("TESSERA_ENVOY") or ROOT / ".venv/bin/envoy"
        self.envoy = Program(
            "Envoy", [envoy, "--config-path", config, "--concurrency", "2", "--log-level", "warning", "--disable-hot-restart"],
            self.folder / "envoy.log", {"IDP_CLIENT_SECRET": self.secrets["gateway"]})
        self.envoy.wait_until(lambda: answers(f"http://127.0.0.1:{self.admin_port}/ready"))

    def _config(self):
        """envoy/envoy.yaml with this machine's addresses in the place of those of the containers."""
        idp_port = self.idp.url.rsplit(":", 1)[1]
        replacements = {
            "/plugin.wasm": str(MODULE),
            "0.0.0.0, port_value: 8080": f"127.0.0.1, port_value: {self.gateway_port}",
            "port_value: 9901": f"port_value: {self.admin_port}",
            "address: upstream, port_value: 9000": f"address: 127.0.0.1, port_value: {self._upstream.server_port}",
            "address: idp, port_value: 4000": f"address: 127.0.0.1, port_value: {idp_port}",
            "http://idp:4000/": f"{self.idp.url}/",
        }
        text = (ROOT / "envoy/envoy.yaml").read_text()
        for old, new in replacements.items():
            if text.count(old) != 1:
                raise Failure(f"envoy/envoy.yaml must contain {old!r} once")
            text = text.replace(old, new)
        return text

    def invite(self):
        """Print what to try. The tokens are those of the authorization server that runs now."""
        good, guest = self.idp.token("portal", "orders.read"), self.idp.token("guest", "orders.read")
        orders = f"{self.gateway}/orders/7"
        print(f"""
Envoy, the authorization server and the upstream are up. Try:

  curl -i {orders}   # 401
  curl -i {orders} -H 'Authorization: Bearer {good}'   # 200
  curl -i {orders} -H 'Authorization: Bearer {good}' -X POST   # 403: it may only read
  curl -i {orders} -H 'Authorization: Bearer {guest}'   # 403: no contract

A new token, and how to revoke it (a token in use may work on for up to cache.max_ttl):

  curl -u portal:{self.secrets['portal']} {self.idp.url}/token \\
    -d grant_type=client_credentials -d scope='orders.read orders.write' -d resource={RESOURCE}
  curl -u portal:{self.secrets['portal']} {self.idp.url}/token/revocation -d token=TOKEN

What was decided:  curl -s 'http://127.0.0.1:{self.admin_port}/stats?filter=tessera'
Envoy's log:       {self.folder}/envoy.log

Ctrl-C stops everything.""", flush=True)

    def stay(self):
        """Until Ctrl-C, or until a part ends by itself."""
        while True:
            for program in (self.envoy, self.idp_program):
                if program.ended():
                    raise Failure(f"{program.name} ended:\n{program.last_lines()}")
            threading.Event().wait(1)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def listens(url):
    """Whether anything answers at `url`, with whatever status."""
    try:
        ask(url)
        return True
    except OSError:
        return False


def run_here(check):
    """Start everything on this machine; true when all requests ended as they must."""
    if not MODULE.exists():
        raise Failure("target/tessera.wasm is missing: run `make module`")
    leave_nothing_behind()
    with tempfile.TemporaryDirectory(prefix="tessera-demo-") as folder:
        demo = Demo(folder)
        try:
            demo.start()
            good = play(demo.gateway, rows(demo.idp, demo.stop_idp))
            if good:
                print("\nAll as expected.")
            else:
                print(f"\nThe last lines of Envoy's log:\n{demo.envoy.last_lines()}")
            if not check:
                demo.start_idp()
                demo.invite()
                try:
                    demo.stay()
                except KeyboardInterrupt:
                    print("\nStopped.")
            return good
        finally:
            Program.stop_all()


def run_there(gateway, authorization_server):
    """The same requests against services that run already; their secrets come from the environment."""
    idp = AuthorizationServer(authorization_server, {name: os.environ[f"{name.upper()}_SECRET"] for name in CLIENTS})
    discovery = f"{authorization_server}/.well-known/openid-configuration"
    deadline = time.monotonic() + READY_WITHIN
    while not (listens(gateway) and answers(discovery)):
        if time.monotonic() > deadline:
            raise Failure(f"{gateway} or {authorization_server} does not answer")
        time.sleep(0.2)
    good = play(gateway, rows(idp))
    if good:
        print("\nAll as expected.")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="do not stay up")
    parser.add_argument("--gateway", metavar="URL")
    parser.add_argument("--authorization-server", metavar="URL")
    options = parser.parse_args()
    try:
        if options.gateway:
            good = run_there(options.gateway, options.authorization_server)
        else:
            good = run_here(options.check)
    except (Failure, RuntimeError, OSError) as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    if not good:
        sys.exit("demo: not all requests ended as they must")


if __name__ == "__main__":
    main()
