"""What is shipped to watch Tessera with, tried on a real Prometheus that scrapes the demo's Envoy.

    python3 check.py [--picture FILE]

With --picture, more requests are sent, and the picture of the dashboard goes there.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import names
from gateway import Gateway
from palette import with_few_colours
from processes import Program, leave_nothing_behind
from prometheus import Prometheus
from registry import Watched
from traffic import Traffic
import dashboard

ROOT = Path(__file__).resolve().parents[2]
# Rule files, each with the page of its runbook.
RULES = {"rules": "runbook", "registry-rules": "registry-watching"}
DASHBOARDS = ["tessera", "registry"]
ROUNDS = 8
ROUNDS_OF_A_PICTURE = 60


# ---- files alone ----

def promtool_accepts_the_rules():
    for file in RULES:
        run("promtool", "check", "rules", "--lint=all", "--lint-fatal", path(file))


def promtool_sees_each_alert_fire_and_stay_quiet():
    for file in RULES:
        tests = path(f"{file}.test")
        run("promtool", "test", "rules", tests)
        expected = re.findall(r"alertname: (\w+)\n?\s*,? *exp_alerts:( \[\])?", tests.read_text())
        for alert in alerts(file):
            for quiet, what in [("", "firing"), (" []", "quiet")]:
                assert (alert, quiet) in expected, f"{tests.name} has no {what} case of {alert}"


def each_alert_and_outcome_is_in_the_runbook():
    for file, page in RULES.items():
        text = (ROOT / f"docs/{page}.md").read_text()
        headings = {heading.lower() for heading in re.findall(r"^## (\w+)$", text, re.MULTILINE)}
        named = re.findall(rf"runbook: docs/{page}.md#(\w+)", path(file).read_text())
        assert named == [alert.lower() for alert in alerts(file)], f"the alerts name {named}"
        assert set(named) <= headings, f"without a section: {set(named) - headings}"
    runbook = (ROOT / "docs/runbook.md").read_text()
    told = re.findall(r"^\| `(\w+)` \|", runbook, re.MULTILINE)
    assert told == names.outcomes(ROOT), f"the runbook has {told}"


def the_dashboard_shows_each_metric():
    documented = {"tessera": {pattern.split(".")[0] for pattern, _ in names.patterns(ROOT)}, "registry": set(names.of_registry(ROOT))}
    for name in DASHBOARDS:
        shown = " ".join(expression for panel in dashboard.panels(ROOT, name) for _, expression in panel.queries)
        missing = {metric for metric in documented[name] if not re.search(rf"\b{metric}(_bucket)?\b", shown)}
        assert len(documented[name]) > 10 and not missing, missing


def the_dashboard_has_the_types_of_grafana():
    for name in DASHBOARDS:
        dashboard.check_types(ROOT, name)


# ---- with Prometheus ----

def relabelled_names_have_the_documented_labels(seen):
    expected = set(names.named(ROOT).values())
    found = seen.series("names")
    assert found == expected, f"missing: {show(expected - found)}\nnot expected: {show(found - expected)}"


def tags_and_relabelling_make_the_same_series(seen):
    of = {job: seen.series(job) for job in ("tagged", "untagged")}
    tagged = {underscored(each) for each in of["tagged"]}
    assert len(tagged) == len(of["tagged"]) > 50, show(of["tagged"])
    assert tagged == of["untagged"], f"only with tags: {show(tagged - of['untagged'])}\nonly relabelled: {show(of['untagged'] - tagged)}"
    apis = {dict(each).get("api") for each in of["tagged"]} - {None}
    assert apis == {"orders-v1", "orders_v1_2", "a_api_b", "-"}, apis
    counts = {job: seen.prometheus.instant(f'tessera_requests{{job="{job}"}}') for job in of}
    tagged = {underscored(series): count for series, count in counts["tagged"].items()}
    assert tagged == counts["untagged"], f"{tagged}\n{counts['untagged']}"


def relabelling_leaves_tags_alone(seen):
    assert seen.series("both") == seen.series("tagged"), show(seen.series("both") ^ seen.series("tagged"))


def each_rule_is_evaluated(seen):
    rules = seen.prometheus.wait_for("its rules evaluated", lambda: all_known(seen.prometheus.rules()))
    assert sorted(rule["name"] for rule in rules) == sorted(alert for file in RULES for alert in alerts(file))
    wrong = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"]
    assert not wrong, wrong


def each_panel_has_data(seen):
    for job in ("tagged", "untagged", "registry"):
        name = "registry" if job == "registry" else "tessera"
        empty = [f"{panel.title}: {legend}" for panel in dashboard.panels(ROOT, name) for legend, expression in panel.queries
                 if not any(values == values for _, samples in seen.panel(expression, job) for values in samples.values())]
        assert not empty, f"{job}: {empty}"


def the_picture_is_drawn(seen):
    file = ROOT / "target/operate/dashboard.png"
    drawn = [(panel, [(legend, seen.panel(expression, "untagged")) for legend, expression in panel.queries])
             for panel in dashboard.panels(ROOT)]
    dashboard.draw(ROOT, drawn, (seen.start, seen.end), file)
    if seen.picture:
        seen.picture.write_bytes(with_few_colours(file.read_bytes()))


class Seen:
    """Two gateways and a registry, what was asked of them, and the Prometheus that watched."""

    def __init__(self, folder, picture):
        self.picture = picture
        gateways = [Gateway(folder / name, name == "tagged") for name in ("tagged", "untagged")]
        for gateway in gateways:
            gateway.start()
        targets = [gateway.admin.removeprefix("http://") for gateway in gateways]
        registry = Watched(ROOT, folder)
        self.prometheus = Prometheus(folder, ROOT, *targets, names.serve(ROOT), registry.ops)
        self.start = time.time()
        registry.exercise(self.prometheus.wait_for_scrape)
        Traffic(gateways, self.prometheus).run(ROUNDS_OF_A_PICTURE if picture else ROUNDS)
        self.end = time.time()

    def series(self, job):
        return self.prometheus.series(f'{{job="{job}", __name__=~"tessera.*"}}', self.start, self.end)

    def panel(self, expression, job):
        return self.prometheus.range(dashboard.filled_in(expression, job), self.start, self.end)


def path(file):
    return ROOT / f"envoy/prometheus/{file}.yaml"


def alerts(file):
    return re.findall(r"^  - alert: (\w+)$", path(file).read_text(), re.MULTILINE)


def all_known(rules):
    return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None


def underscored(series):
    return frozenset((name, value.replace("-", "_")) for name, value in series)


def show(series):
    return "\n".join(str(dict(each)) for each in series)


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def attempt(check, *seen):
    name = check.__name__.replace("_", " ")
    try:
        check(*seen)
    except Exception as error:
        print(f"  ✗ {name}\n{error if isinstance(error, AssertionError) else traceback.format_exc()}", flush=True)
        return False
    print(f"  ✓ {name}", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, metavar="FILE")
    picture = parser.parse_args().picture
    leave_nothing_behind()
    of_files = [promtool_accepts_the_rules, promtool_sees_each_alert_fire_and_stay_quiet,
                each_alert_and_outcome_is_in_the_runbook, the_dashboard_shows_each_metric,
                the_dashboard_has_the_types_of_grafana]
    of_metrics = [relabelled_names_have_the_documented_labels, tags_and_relabelling_make_the_same_series,
                  relabelling_leaves_tags_alone, each_rule_is_evaluated, each_panel_has_data, the_picture_is_drawn]
    results = [attempt(check) for check in of_files]
    try:
        with tempfile.TemporaryDirectory(prefix="tessera-operate-") as folder:
            try:
                seen = Seen(Path(folder), picture)
                results += [attempt(check, seen) for check in of_metrics]
            finally:
                Program.stop_all()
    except (AssertionError, RuntimeError, OSError) as error:
        sys.exit(f"operate: {error}")
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
