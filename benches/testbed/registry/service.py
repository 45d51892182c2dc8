"""The registry as a process, and requests to it on connections that stay open."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import secrets
import subprocess
import threading
import time
from pathlib import Path

import processes as demo

from .. import processes

_CONFIGURATION = """
listen = {{api = "127.0.0.1:0", feed = "127.0.0.1:0", ops = "127.0.0.1:0"}}
public.url = "http://127.0.0.1"
database.url = "{url}"
sealing_keys = [{{id = "bench", key = {{env = "REGISTRY_KEY"}}}}]
limits = {{requests_per_second = 100000, burst = 100000}}
"""


class Service:
    """The registry on a database."""

    def __init__(self, children: processes.Children, binary: Path, folder: Path, url: str) -> None:
        self._children, self._binary = children, binary
        self._config, self._log = folder / "registry.toml", folder / "registry.log"
        self._config.write_text(_CONFIGURATION.format(url=url))
        os.environ["REGISTRY_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()

    def command(self, *arguments: object) -> str:
        """What a command prints."""
        command = [str(part) for part in (self._binary, "--config", self._config, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"tessera-registry {arguments[0]} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def start(self) -> float:
        """Starts it, and says after how many seconds it was ready."""
        begun = time.monotonic()
        self._child = self._children.start(self._binary, "--config", self._config, "serve", log=self._log)
        demo.wait_until("the registry", self._child, self._is_ready, lambda: demo.last_lines(self._log), every=0.005)
        return time.monotonic() - begun

    def _is_ready(self) -> bool:
        listening = {}
        for line in self._log.read_text().splitlines():
            told = json.loads(line) if line.startswith("{") else {}
            if told.get("message") == "listening":
                listening[told["listener"]] = int(told["address"].rsplit(":", 1)[1])
        if len(listening) < 3:
            return False
        self.api, self.feed, self.ops = (listening[name] for name in ("api", "feed", "ops"))
        ready = Connection(self.ops)
        try:
            return ready.get("/readyz").status == 200
        except OSError:
            return False
        finally:
            ready.close()

    def stop(self) -> None:
        self._children.stop(self._child)

    @property
    def pid(self) -> int:
        return self._child.pid

    def held_polls(self) -> int:
        connection = Connection(self.ops)
        text = connection.get("/metrics").body.decode()
        connection.close()
        found = re.search(r"^tessera_registry_feed_held_polls (\d+)", text, re.MULTILINE)
        return int(found[1]) if found else 0

    def token(self, role: str) -> str:
        return self.command("token", "create", "--role", role)


class Answer:
    """What a request was answered with, and how long that took."""

    def __init__(self, status: int, headers: dict, body: bytes, seconds: float) -> None:
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    def json(self) -> dict:
        return json.loads(self.body)

    def next(self) -> str | None:
        """The target of the link to the next page."""
        found = re.match(r'<([^>]*)>; rel="next"', self.headers.get("link", ""))
        return found[1] if found else None


IDLE_SECONDS = 5
"""The service closes a connection that has been idle for longer, some time later."""


class Connection:
    """To one listener, with the bearer token of one caller."""

    def __init__(self, port: int, token: str | None = None, **headers: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"authorization": f"Bearer {token}", "if-match": "*", **headers} if token else headers
        self._used = time.monotonic()

    def get(self, target: str, expected: int = 200) -> Answer:
        return self._ask("GET", target, None, expected)

    def post(self, target: str, body: dict, expected: int = 200) -> Answer:
        return self._ask("POST", target, json.dumps(body), expected)

    def _ask(self, method: str, target: str, body: str | None, expected: int) -> Answer:
        headers = self._headers if body is None else {**self._headers, "content-type": "application/json"}
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._connection.close()
        begun = time.monotonic()
        self._connection.request(method, target, body, headers)
        response = self._connection.getresponse()
        told = response.read()
        self._used = time.monotonic()
        taken = self._used - begun
        if response.status != expected:
            raise RuntimeError(f"{method} {target}: {response.status} {told.decode(errors='replace')[:500]}")
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, told, taken)

    def close(self) -> None:
        self._connection.close()


class Growth:
    """How much the resident memory of a process grows during a `with` block, looked at a hundred times a second."""

    def __init__(self, pid: int) -> None:
        self._pid, self._ended = pid, threading.Event()

    def __enter__(self) -> "Growth":
        self.before = self._most = processes.resident_bytes(self._pid)[0]
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            self._most = max(self._most, processes.resident_bytes(self._pid)[0])

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.bytes = self._most - self.before
