"""An Envoy with listeners side by side: its configuration as plain dictionaries, and the running process."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path

import processes as demo

from . import processes, programs

_EXTENSIONS = "type.googleapis.com/envoy.extensions"
OUTCOME = "x-logged-outcome"


def wasm(module: Path, vm_id: str, configuration: str = "") -> dict:
    """A Proxy-Wasm filter with a VM of its own."""
    config = {
        "name": vm_id,
        "root_id": "",
        "vm_config": {
            "vm_id": vm_id,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": str(module)}},
        },
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
        "failure_policy": "FAIL_RELOAD",
    }
    return {
        "name": "envoy.filters.http.wasm",
        "typed_config": {"@type": f"{_EXTENSIONS}.filters.http.wasm.v3.Wasm", "config": config},
    }


def dynamic_module(name: str, configuration: str) -> dict:
    """A filter of the library `libtessera.so`, which Envoy loads into its own process."""
    options = {
        "dynamic_module_config": {"name": "tessera"},
        "filter_name": name,
        "filter_config": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
    }
    return native("dynamic_modules", "DynamicModuleFilter", **options)


def native(name: str, version: str, **options: object) -> dict:
    """One of Envoy's own HTTP filters; `name` is its extension's folder and `version` its message."""
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{_EXTENSIONS}.filters.http.{name}.v3.{version}", **options},
    }


def cluster(name: str, port: int) -> dict:
    """A static cluster of one loopback endpoint."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    unlimited = {"max_connections": 100000, "max_pending_requests": 100000, "max_requests": 100000}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "circuit_breakers": {"thresholds": [unlimited]},
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }


def listener(name: str, filters: list[dict], *, routes: int = 2) -> dict:
    """A chain of `filters`; it answers requests itself, except at `/orders/echo`, which goes to the cluster `echo`.

    Answers from the proxy itself keep an upstream's share out of the worker's CPU; the filters run all the same. The
    echo also tells what an access log would show of the outcome. `routes` is their number; those beyond two match nothing
    and are looked at first.
    """
    outcome = {"key": OUTCOME, "value": "%FILTER_STATE(wasm.tessera.outcome:PLAIN)%"}
    others = [
        {"match": {"prefix": f"/service-{number}/"}, "direct_response": {"status": 404}} for number in range(routes - 2)
    ]
    answered = [
        {
            "match": {"path": "/orders/echo"},
            "route": {"cluster": "echo"},
            "request_headers_to_add": [{"header": outcome, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
        },
        {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "ok"}}},
    ]
    manager = {
        "@type": f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": others + answered}]},
        "http_filters": [*filters, native("router", "Router")],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    return {"name": name, "address": address, "filter_chains": [chain]}


class Envoy:
    """A running Envoy."""

    def __init__(
        self,
        children: processes.Children,
        program: Path,
        listeners: list[dict],
        clusters: list[dict],
        *,
        workers: int = 1,
    ) -> None:
        self._children = children
        self._names = {entry["name"] for entry in listeners}
        directory = children.directory
        started = time.monotonic_ns()
        self._admin_file = directory / f"admin-{started}"
        self.log = directory / f"envoy-{started}.log"
        config = directory / f"envoy-{started}.json"
        admin = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}
        resources = {"listeners": listeners, "clusters": clusters}
        config.write_text(json.dumps({"admin": admin, "static_resources": resources}))
        self.started = time.monotonic()
        self._child = children.start(
            program, "--config-path", config, "--concurrency", workers, "--disable-hot-restart",
            "--log-level", "warning", "--admin-address-path", self._admin_file, log=self.log,
            environment={"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(programs.dynamic_module().parent)},
        )  # fmt: skip
        demo.wait_until("Envoy", self._child, lambda: self._is_live(workers), self.last_words, within=60, every=0.01)

    @property
    def pid(self) -> int:
        return self._child.pid

    def _is_live(self, workers: int) -> bool:
        if not self._admin_file.exists():
            return False
        try:
            statuses = json.loads(self.admin("/listeners?format=json"))["listener_statuses"]
            self.ports = {
                status["name"]: status["local_address"]["socket_address"]["port_value"] for status in statuses
            }
        except (OSError, KeyError):
            return False
        state = json.loads(self.admin("/server_info"))["state"]
        return state == "LIVE" and set(self.ports) == self._names and len(self.cpu_files()) == workers

    def last_words(self) -> str:
        return demo.last_lines(self.log, 20)

    def admin(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self._admin_file.read_text()}{path}", timeout=10) as answer:
            return answer.read().decode()

    def stat(self, name: str) -> int:
        """One counter or gauge by its full name; 0 while it does not exist."""
        for line in self.admin(f"/stats?filter=^{name}$").splitlines():
            return int(line.rsplit(": ", 1)[1])
        return 0

    def callouts(self, cluster_name: str) -> int:
        """Requests ever sent to a cluster."""
        return self.stat(f"cluster.{cluster_name}.upstream_rq_total")

    def main_cpu_file(self) -> str:
        """The `schedstat` file of the main thread."""
        return f"/proc/{self.pid}/task/{self.pid}/schedstat"

    def cpu_files(self) -> list[str]:
        """The `schedstat` files of the worker threads."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sorted(
            str(task / "schedstat")
            for task in tasks
            if (task / "comm").read_text().startswith("wrk:worker_")
        )

    def pin_worker(self) -> None:
        """The worker gets CPU 0 for itself; everything else of this process goes to CPU 1."""
        processes.pin(self.pid, 1)
        processes.pin(self.pid, 0, only="wrk:worker_")

    def resident_bytes(self) -> int:
        return processes.resident_bytes(self.pid)[0]

    def peak_resident_bytes(self) -> int:
        return processes.resident_bytes(self.pid)[1]

    def stop(self) -> None:
        self._children.stop(self._child)
