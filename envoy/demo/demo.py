"""Tessera at work: real Envoy with the built module, a real authorization server, an upstream.

    make demo          shows what happens to eight requests, then stays up to be tried
    make demo-check    the same without staying; fails when a request does not end as it must

With `HOST=native` Envoy runs the dynamic module instead of the Wasm module.

Or against services that already run, as the tour of docker-compose.yaml does.
"""

import argparse
import json
import os
import re
import secrets
import shlex
import sys
import tempfile
import threading
import time
from pathlib import Path

from processes import READY_WITHIN, Failure, Program, free_ports, leave_nothing_behind
from scenario import RESOURCE, AuthorizationServer, ask, play
import upstream

CLIENTS = ("portal", "guest")
# What Envoy runs the filter in: the example for it, the path of the module there, where it is, what names another one, and
# what builds it.
HOSTS = {
    "wasm": ("envoy.yaml", "/plugin.wasm", "target/tessera.wasm", "TESSERA_MODULE", "make module"),
    "native": ("native.yaml", "/libtessera.so", "target/libtessera.so", "TESSERA_NATIVE", "make native"),
}


class Demo:
    """Everything that the demo runs."""

    workers = 2

    def __init__(self, folder, host="wasm"):
        self.folder = Path(folder)
        # In a container this file stands alone.
        self.root = Path(__file__).resolve().parents[2]
        self.example, self._module_there, module, variable, build = HOSTS[host]
        self.module = self.root / (os.environ.get(variable) or module)
        if not self.module.exists():
            raise Failure(f"{module} is missing: run `{build}`")
        self.secrets = {name: secrets.token_urlsafe(24) for name in ("gateway", *CLIENTS)}

    def start(self):
        self._upstream = upstream.serve()
        threading.Thread(target=self._upstream.serve_forever, daemon=True).start()
        self._start_idp()
        gateway_port, admin_port = free_ports(2)
        self.gateway, self.admin = f"http://127.0.0.1:{gateway_port}", f"http://127.0.0.1:{admin_port}"
        self._start_envoy(gateway_port, admin_port)

    def _start_idp(self):
        self.idp_program = Program(
            "the authorization server", ["node", self.root / "tests/oidc-provider/server.mjs", "--control", "0"],
            self.folder / "idp.log", {"OIDC_CLIENTS": json.dumps(self._clients())})
        log = self.idp_program.log
        ready = self.idp_program.wait_until(
            lambda: re.search(r"^control (\S+)\nready (\S+)$", log.read_text(), re.MULTILINE))
        self.idp = AuthorizationServer(ready[2], ready[1], self.secrets)

    def _clients(self):
        clients = [{"id": name, "secret": self.secrets[name], "scope": "orders.read orders.write"} for name in CLIENTS]
        return [{"id": "gateway", "secret": self.secrets["gateway"]}, *clients]

    def _start_envoy(self, port, admin_port):
        config = self.folder / "envoy.yaml"
        config.write_text(self._config(port, admin_port))
        envoy = os.environ.get("TESSERA_ENVOY") or self.root / ".venv/bin/envoy"
        self.envoy = Program(
            "Envoy", [envoy, "--config-path", config, "--concurrency", self.workers, "--log-level", "warning", "--disable-hot-restart"],
            self.folder / "envoy.log", self._environment())
        self.envoy.wait_until(lambda: status(f"{self.admin}/ready") == 200)

    def _environment(self):
        """What Envoy's configuration takes from the environment."""
        return {"IDP_CLIENT_SECRET": self.secrets["gateway"]}

    def _config(self, port, admin_port):
        """The example with this machine's addresses in the place of those of the containers."""
        idp_port = self.idp.url.rsplit(":", 1)[1]
        replacements = {
            self._module_there: str(self.module),
            "0.0.0.0, port_value: 8080": f"127.0.0.1, port_value: {port}",
            "port_value: 9901": f"port_value: {admin_port}",
            "address: upstream, port_value: 9000": f"address: 127.0.0.1, port_value: {self._upstream.server_port}",
            "address: idp, port_value: 4000": f"address: 127.0.0.1, port_value: {idp_port}",
            "http://idp:4000/": f"{self.idp.url}/",
        }
        text = (self.root / "envoy" / self.example).read_text()
        # A busy machine may take its time.
        call = re.search(r"\n +cluster: idp\n", text)[0]
        replacements[call] = call + call.strip("\n").replace("cluster: idp", "timeout: 60s\n")
        return replaced(text, replacements)

    def stay(self):
        """Until Ctrl-C, or until a part ends by itself."""
        while True:
            for program in (self.envoy, self.idp_program):
                if program.ended():
                    raise Failure(f"{program.name} ended:\n{program.last_lines()}")
            threading.Event().wait(1)


def replaced(text, replacements):
    """An example, with each key of `replacements` replaced by its value."""
    for old, new in replacements.items():
        if text.count(old) != 1:
            raise Failure(f"the example must contain {old!r} once")
        text = text.replace(old, new)
    return text


def invite(idp, gateway, authorization_server, admin):
    """Print what to try, at addresses that the reader's machine knows."""
    good, guest = idp.token("portal", "orders.read"), idp.token("guest", "orders.read")
    orders, portal = f"{gateway}/orders/7", shlex.quote(idp.credentials("portal"))
    print(f"""
Envoy, the authorization server and the upstream are up. Try:

  curl -i {orders}   # 401
  curl -i {orders} -H 'Authorization: Bearer {good}'   # 200
  curl -i {orders} -H 'Authorization: Bearer {good}' -X POST   # 403: it may only read
  curl -i {orders} -H 'Authorization: Bearer {guest}'   # 403: no contract

A new token, and how to revoke it (a token in use may work on for up to cache.max_ttl):

  curl -u {portal} {authorization_server}/token \\
    -d grant_type=client_credentials -d scope='orders.read orders.write' -d resource={RESOURCE}
  curl -u {portal} {authorization_server}/token/revocation -d token=TOKEN

What was decided:  curl -s '{admin}/stats?filter=tessera'""")


def status(url):
    """The status with which `url` answers; None where nothing does."""
    try:
        return ask(url).status
    except OSError:
        return None


def run_here(check, host):
    """Start everything on this machine; true when all requests ended as they must."""
    leave_nothing_behind()
    with tempfile.TemporaryDirectory(prefix="tessera-demo-") as folder:
        demo = Demo(folder, host)
        try:
            demo.start()
            good = play(demo.gateway, demo.idp)
            if not good:
                print(f"\nThe last lines of Envoy's log:\n{demo.envoy.last_lines()}")
            if not check:
                invite(demo.idp, demo.gateway, demo.idp.url, demo.admin)
                print(f"Envoy's log:       {demo.envoy.log}\n\nCtrl-C stops everything.", flush=True)
                try:
                    demo.stay()
                except KeyboardInterrupt:
                    print("\nStopped.")
            return good
        finally:
            Program.stop_all()


def run_there(options):
    """The same requests against services that run already; their secrets come from the environment."""
    idp = AuthorizationServer(options.authorization_server, options.control,
                              {name: os.environ[f"{name.upper()}_SECRET"] for name in CLIENTS})
    await_services(options.gateway, idp)
    good = play(options.gateway, idp)
    invite(idp, options.gateway_here or options.gateway, options.authorization_server_here or idp.url, options.admin_here)
    compose = "docker compose -f envoy/docker-compose.yaml"
    print(f"Envoy's log:       {compose} logs envoy\nClean up:          {compose} --profile tour down --rmi local", flush=True)
    return good


def await_services(gateway, idp):
    """Until a good token is answered for; contracts may have to be loaded first."""
    deadline = time.monotonic() + READY_WITHIN
    token, answered = None, None
    while time.monotonic() < deadline:
        try:
            token = token or idp.token("portal", "orders.read")
            answered = ask(f"{gateway}/orders/7", headers={"authorization": f"Bearer {token}"}).status
        except OSError as error:
            answered = error
        if isinstance(answered, int) and answered < 500:
            return
        time.sleep(0.2)
    raise Failure(f"{gateway} and {idp.url} were not ready after {READY_WITHIN} s: {answered}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="do not stay up")
    parser.add_argument("--host", choices=HOSTS, default=os.environ.get("TESSERA_HOST") or "wasm", help="what runs the filter")
    there = parser.add_argument_group("services that already run")
    for name, meaning in {
        "--gateway": "Envoy", "--authorization-server": "the authorization server", "--control": "its control port",
        "--gateway-here": "Envoy, for who reads this", "--authorization-server-here": "likewise",
        "--admin-here": "Envoy's admin page, likewise",
    }.items():
        there.add_argument(name, metavar="URL", help=meaning)
    options = parser.parse_args()
    end_with(lambda: run_there(options) if options.gateway else run_here(options.check, options.host))


def end_with(play):
    """Run `play`, and end this program by what came of it."""
    try:
        good = play()
    except (Failure, RuntimeError, OSError) as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    if not good:
        sys.exit("demo: not all requests ended as they must")


if __name__ == "__main__":
    main()
