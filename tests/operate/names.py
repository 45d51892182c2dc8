"""Every name that docs/metrics.md allows, as an Envoy without `stats_tags` shows it, with values that are easily misread."""

import itertools
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROVIDERS = ["main", "a_result_good_by_host", "a_provider_b", "x_count", "result_error"]
VALUES = {
    "api": ["orders_v1_2", "a_api_b", "api_", "_", "x_outcome_allowed_api_y"],
    "provider": PROVIDERS,
    "level": ["worker", "shared"],
    "by": ["host", "module"],
    "version": ["0_1_0", "1_0_0_rc_1"],
}
RESULTS = {
    "tessera_cache": ["hit", "negative_hit", "miss", "coalesced", "stale"],
    "tessera_introspections": ["active", "inactive", "unavailable", "error"],
    "tessera_signatures": ["good", "bad"],
    "tessera_key_fetches": ["changed", "unchanged", "failed"],
    "tessera_proofs": ["good", "missing", "invalid", "replayed"],
    "tessera_contract_polls": ["changed", "unchanged", "failed"],
}


def patterns(root):
    """(name with its labels, kind) of each metric in docs/metrics.md."""
    return re.findall(r"^\| `(tessera_\S+)` \| (\w+) \|", (root / "docs/metrics.md").read_text(), re.MULTILINE)


def of_registry(root):
    """Those of the contract registry."""
    return re.findall(r"^\| `(tessera_registry_\w+)` \|", (root / "docs/registry-watching.md").read_text(), re.MULTILINE)


def outcomes(root):
    return re.findall(r"^\| `(\w+)` \|", (root / "docs/outcomes.md").read_text(), re.MULTILINE)


def named(root):
    """Each name without labels, and the labels that it must get."""
    made = {}
    for pattern, kind in patterns(root):
        metric, *pairs = re.split(r"\.(\w+)\.<\w+>", pattern)
        keys = pairs[::2]
        values = [{**VALUES, "outcome": outcomes(root), "result": RESULTS.get(metric)}[key] for key in keys]
        for chosen in itertools.product(*values):
            name = metric + "".join(f"_{key}_{value}" for key, value in zip(keys, chosen))
            found = dict(zip(keys, chosen))
            for ending, le in [("_bucket", "1"), ("_bucket", "+Inf"), ("_sum", None), ("_count", None)] if kind == "histogram" else [("", None)]:
                bound = {"le": le} if le else {}
                shown = name + ending + (f'{{le="{le}"}}' if le else "{}")
                made[shown] = frozenset({"__name__": metric + ending, **found, **bound}.items())
    return made


def serve(root):
    """A server that shows them; its `host:port`."""
    body = "".join(f"{name} 1\n" for name in named(root)).encode()

    class Stats(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stats)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"
