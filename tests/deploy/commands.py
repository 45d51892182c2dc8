"""The commands of other programs that the documents show, run as they stand there but for the addresses.

    make deploy-check

`cli/tests/documents.rs` has the list of all, with where each is run, or why nowhere."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "envoy/demo"))

from demo import Demo, replaced
from image_registry import Registry
from processes import Failure, Program, free_ports, leave_nothing_behind
from scenario import ask

ORDERS = "/orders/17"
CONTRACTS_AUTH = "Bearer contracts-demo"

ACTIVE = '"active":true'
GRANTED = '"access_token":"'


def commands(scene):
    """Each line as the documents show it, what takes the place of parts of it, and what it must print."""
    admin = {"localhost:9901": scene.demo.admin}
    validated = "OK"
    api, flex = {"https://api.example.com": scene.demo.gateway}, {"http://localhost:8080/shop/orders/v2/17": scene.demo.gateway + ORDERS}
    token = scene.demo.idp.url + "/token"
    introspection = {
        "https://idp.example.com/oauth2/introspect": f"{token}/introspection", "SECRET": scene.secret("gateway"),
        "token=TOKEN": f"token={scene.token}"}
    return [
        ("envoy --mode validate -c envoy.yaml", {}, validated),
        ("IDP_CLIENT_SECRET=… envoy --mode validate -c envoy.yaml", {}, validated),
        ("curl -i https://api.example.com/orders/1", api, "HTTP/1.1 401 "),
        ('curl -i https://api.example.com/orders/1 -H "authorization: Bearer $TOKEN"', api, "HTTP/1.1 200 "),
        ("curl -i http://localhost:8080/shop/orders/v2/17", flex, "HTTP/1.1 401 "),
        ('curl -i http://localhost:8080/shop/orders/v2/17 -H "authorization: Bearer $TOKEN"', flex, "HTTP/1.1 200 "),
        ("curl -s localhost:9901/clusters | grep '^idp::'", admin, "idp::"),
        ("curl -s localhost:9901/stats | grep '^cluster.idp.'", admin, "cluster.idp.membership_total: 1"),
        (r"curl -s localhost:9901/stats | grep -E 'cluster\.idp\.(ssl\.(fail|connection)|upstream_cx_connect_fail)'", admin,
         "cluster.idp.upstream_cx_connect_fail: 0"),
        ("curl -u gateway:SECRET https://idp.example.com/oauth2/introspect -d token=TOKEN -d token_type_hint=access_token",
         introspection, ACTIVE),
        ("curl -s https://login.example.com/realms/shop/protocol/openid-connect/token -u portal:$SECRET"
         " -d grant_type=client_credentials -d scope=orders.read",
         {"https://login.example.com/realms/shop/protocol/openid-connect/token": token}, GRANTED),
        ("curl -s https://example.okta.com/oauth2/default/v1/token -u $CLIENT_ID:$SECRET"
         " -d grant_type=client_credentials -d scope=orders.read",
         {"https://example.okta.com/oauth2/default/v1/token": token}, GRANTED),
        ("curl -X PUT localhost:4100/v1/contracts -H 'authorization: Bearer contracts-demo' -d '{\"contracts\": []}'",
         {"localhost:4100": scene.contracts, "curl": "curl -i"}, "HTTP/1.1 204 "),
        ("skopeo copy --preserve-digests oci:target/image docker://registry.example.com/tessera:0.1.0",
         {"registry.example.com": scene.registry.host, "oci:target/image": f"oci:{ROOT}/target/image",
          # Over HTTP, and under no policy of this machine.
          "skopeo copy": "skopeo --insecure-policy copy --dest-tls-verify=false"}, "Writing manifest"),
        ("skopeo copy --all --preserve-digests oci:target/native-image docker://registry.example.com/tessera-native:0.1.0",
         {"registry.example.com": scene.registry.host, "oci:target/native-image": f"oci:{ROOT}/target/native-image",
          "skopeo copy": "skopeo --insecure-policy copy --dest-tls-verify=false"}, "Writing manifest list"),
    ]


class Scene:
    """The demo with its servers, and a folder with the files that the commands name."""

    def __init__(self, folder):
        self.folder = folder
        self.demo = Demo(folder)
        self.demo.start()
        self.token = self.demo.idp.token("portal", "orders.read")
        self.registry = Registry(folder)
        self.contracts = self._start_contracts()
        envoy = replaced((ROOT / "envoy/envoy.yaml").read_text(), {"/plugin.wasm": str(self.demo.module)})
        (folder / "envoy.yaml").write_text(envoy)
        (folder / "bin").mkdir()
        (folder / "bin/envoy").symlink_to(os.environ.get("TESSERA_ENVOY") or ROOT / ".venv/bin/envoy")

    def _start_contracts(self):
        document = self.folder / "contracts.json"
        document.write_text(json.dumps({"contracts": [{"api": "orders-v1", "client_id": "portal"}]}))
        [port] = free_ports(1)
        program = Program("the contract source", [sys.executable, ROOT / "envoy/demo/contracts.py", document, port],
                          self.folder / "contracts.log", {"CONTRACTS_AUTH": CONTRACTS_AUTH})
        address = f"127.0.0.1:{port}"
        program.wait_until(lambda: _served(address) is not None)
        return address

    def secret(self, client):
        """As it stands behind the client's name in HTTP Basic."""
        return self.demo.idp.credentials(client).split(":", 1)[1]

    def run(self, line):
        environment = {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": str(self.folder), "IDP_CLIENT_SECRET": self.secret("gateway"),
            "TOKEN": self.token, "CLIENT_ID": "portal", "SECRET": self.secret("portal")}
        return subprocess.run(["sh", "-c", line], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)

    def check(self, line, replacements, expected):
        command = line
        for old, new in replacements.items():
            if old not in command:
                raise Failure(f"{line}: there is no {old}")
            command = command.replace(old, new)
        ran = self.run(command)
        if ran.returncode != 0 or expected not in ran.stdout + ran.stderr:
            raise Failure(f"{line}\nended with {ran.returncode}, and not {expected!r}:\n{ran.stdout}{ran.stderr}")
        print(f"  ✓ {line}", flush=True)


def _served(address):
    try:
        return ask(f"http://{address}/v1/contracts", headers={"authorization": CONTRACTS_AUTH}).body.get("contracts")
    except OSError:
        return None


def documented():
    """The lines of all documents; those that go on in the next are one."""
    lines = set()
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "envoy").glob("*.md")]:
        text = "".join(piece.lstrip(" ") for piece in file.read_text().split("\\\n"))
        lines |= {" ".join(line.split()) for line in text.splitlines()}
    return lines


def main():
    leave_nothing_behind()
    print("\ncommands of the documents", flush=True)
    with tempfile.TemporaryDirectory(prefix="tessera-commands-") as folder:
        try:
            scene, shown = Scene(Path(folder)), documented()
            all_commands = commands(scene)
            for line, replacements, expected in all_commands:
                if line not in shown:
                    raise Failure(f"no document shows: {line}")
                scene.check(line, replacements, expected)
            if _served(scene.contracts) != []:
                raise Failure("the contract source still serves what it had")
        except (Failure, subprocess.TimeoutExpired) as error:
            sys.exit(f"deploy-check: {error}")
        finally:
            Program.stop_all()
    print(f"\n{len(all_commands)} passed, 0 failed")


if __name__ == "__main__":
    main()
