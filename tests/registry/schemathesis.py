"""Runs schemathesis against a served registry: no answer is a 5xx, and each is one that the OpenAPI document declares.

usage: schemathesis.py TESSERA-REGISTRY [OPTION OF SCHEMATHESIS]...
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.request

CONFIGURATION = """
public.url = "http://127.0.0.1:8080"
listen = {api = "127.0.0.1:0", feed = "127.0.0.1:0", ops = "127.0.0.1:0"}
database.url = "sqlite:registry.db"
sealing_keys = [{id = "k1", key = {env = "SEALING_KEY"}}]
limits = {requests_per_second = 100000, burst = 100000, failed_authentications = 100000}
"""
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "unsupported_method"
)
# In seconds: more finds more.
MAX_TIME = "100"
THINGS = [
    ("/groups", {"id": "team"}),
    ("/environments", {"id": "prod"}),
    ("/providers", {"id": "main", "kind": "manual"}),
    ("/apis", {"environment": "prod", "id": "pets", "group": "team", "title": "Pets"}),
    ("/apis/prod/pets/tiers", {"id": "gold"}),
]
# What an identifier in a path is, by the path's first segment; others are made up.
IDENTIFIERS = {
    "groups": {"id": "team"},
    "environments": {"id": "prod"},
    "providers": {"id": "main"},
    "apis": {"environment": "prod", "id": "pets", "tier": "gold"},
}


def call(url, token, body):
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def made(api, token):
    """One of everything, and what it is called in paths."""
    for path, body in THINGS:
        call(api + path, token, body)
    application = call(api + "/applications", token, {"group": "team", "name": "Shop"})["id"]
    brought = {"provider": "main", "client_id": "shop"}
    client = call(f"{api}/applications/{application}/clients", token, brought)["id"]
    request = {"environment": "prod", "api": "pets", "application": application, "tier": "gold"}
    contract = call(api + "/contracts", token, request)["id"]
    gateway = call(api + "/gateways", token, {"environment": "prod", "title": "Gateway"})["id"]
    ids = {"applications": application, "clients": client, "contracts": contract, "gateways": gateway}
    return {**IDENTIFIERS, **{kind: {"id": name} for kind, name in ids.items()}}


def configuration(api, identifiers):
    """Parameters that lead to what there is; what is deleted is made up, so that the rest stays."""
    with urllib.request.urlopen(api + "/openapi.json") as answer:
        paths = json.load(answer)["paths"]
    lines = ["[parameters]", '"header.If-Match" = "*"']
    for path in paths:
        known = identifiers.get(path.split("/")[1], {})
        parameters = [f'"path.{name}" = {json.dumps(known[name])}' for name in known if f"{{{name}}}" in path]
        if parameters:
            lines += ["[[operations]]", f"include-path = {json.dumps(path)}", 'exclude-method = "DELETE"']
            lines.append(f"parameters = {{ {', '.join(parameters)} }}")
    return "\n".join(lines) + "\n"


def address_of(log):
    for line in log:
        entry = json.loads(line)
        if entry.get("message") == "listening" and entry.get("listener") == "api":
            return entry["address"]
    sys.exit("the registry did not start")


def main(binary, *options):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "registry.toml"), "w") as file:
            file.write(CONFIGURATION)
        environment = dict(os.environ, SEALING_KEY=base64.b64encode(os.urandom(32)).decode())
        place = {"cwd": folder, "env": environment, "text": True}
        binary = os.path.abspath(binary)
        create = [binary, "token", "create", "--role", "admin"]
        token = subprocess.run(create, stdout=subprocess.PIPE, check=True, **place).stdout.strip()
        served = subprocess.Popen([binary, "serve"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **place)
        try:
            api = f"http://{address_of(served.stdout)}/api/v1"
            threading.Thread(target=lambda: [None for _ in served.stdout], daemon=True).start()
            with open(os.path.join(folder, "schemathesis.toml"), "w") as file:
                file.write(configuration(api, made(api, token)))
            installed = os.path.join(os.path.dirname(sys.executable), "schemathesis")
            command = [installed, "run", f"{api}/openapi.json", "--url", api, "--checks", CHECKS, "--max-time", MAX_TIME]
            # It would end its own token.
            command += ["--exclude-operation-id", "deleteToken", "--header", f"Authorization: Bearer {token}", *options]
            return subprocess.run(command, cwd=folder).returncode
        finally:
            served.terminate()
            served.wait(20)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
