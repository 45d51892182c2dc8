"""Prometheus from Debian, with the files that we ship, and what it is asked."""

import json
import time
import urllib.parse
import urllib.request

from processes import Program, free_ports
from scenario import ask

GATEWAYS = 'job=~"tagged|untagged"'  # each Envoy once
INTERVAL = 1  # seconds between two scrapes, and between two evaluations of a rule
WITHIN = 90  # seconds


class Prometheus:
    def __init__(self, folder, root, tagged, untagged, names, registry):
        """Scrapes an Envoy with `stats_tags`, one without, names that stand in no Envoy, and a contract registry: `host:port` each."""
        self._root = root
        relabel = (root / "envoy/prometheus/relabel.yaml").read_text()
        jobs = [job("tagged", tagged), job("untagged", untagged, relabel), job("both", tagged, relabel), job("names", names, relabel),
                job("registry", registry, path="/metrics")]
        self._jobs = len(jobs)
        config = folder / "prometheus.yaml"
        config.write_text(f"global: {{scrape_interval: {INTERVAL}s, evaluation_interval: {INTERVAL}s}}\n"
                          f"rule_files: [{root}/envoy/prometheus/rules.yaml, {root}/envoy/prometheus/registry-rules.yaml]\nscrape_configs:\n" + "".join(jobs))
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        program = Program("Prometheus", [
            "prometheus", "--config.file", config, "--storage.tsdb.path", folder / "prometheus",
            "--web.listen-address", f"127.0.0.1:{port}", "--log.level", "warn"], folder / "prometheus.log")
        program.wait_until(self._is_ready)

    def _is_ready(self):
        try:
            return ask(self.url + "/-/ready").status == 200
        except OSError:
            return False

    def _get(self, path, **parameters):
        answer = ask(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}").body
        if answer.get("status") != "success":
            raise ValueError(f"{parameters}: {answer.get('error')}")
        return answer["data"]

    def instant(self, expression):
        """The value of each series, by its labels."""
        found = self._get("query", query=expression)["result"]
        return {labels(each["metric"]): float(each["value"][1]) for each in found}

    def range(self, expression, start, end):
        """The samples of each series, as {time: value}, with its labels."""
        found = self._get("query_range", query=expression, start=start, end=end, step=INTERVAL)["result"]
        return [(each["metric"], {float(at): float(value) for at, value in each["values"]}) for each in found]

    def series(self, selector, start, end):
        found = self._get("series", **{"match[]": selector, "start": start, "end": end})
        return {labels(each) for each in found}

    def rules(self):
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def wait_for(self, what, seen):
        """Until `seen()` is true, and its answer."""
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline:
            answer = seen()
            if answer:
                return answer
            time.sleep(0.05)
        raise AssertionError(f"within {WITHIN} s, Prometheus did not see {what}")

    def wait_for_scrape(self):
        """Until all have been scraped once more."""
        now = time.time()
        oldest = f"min(timestamp(up == 1)) and count(up == 1) == {self._jobs}"
        self.wait_for("a scrape", lambda: self.instant(oldest).get(frozenset(), 0) > now)


def labels(metric):
    """The labels of a series that do not say where it came from."""
    return frozenset((name, value) for name, value in metric.items() if name not in ("job", "instance"))


def job(name, target, relabel=None, path="/stats/prometheus"):
    lines = [f"- job_name: {name}", f"  metrics_path: {path}", f"  static_configs: [{{targets: ['{target}']}}]"]
    if relabel:
        lines += ["  metric_relabel_configs:", *(f"  {line}" for line in relabel.splitlines())]
    return "\n".join(lines) + "\n"
