"""The Grafana dashboard: what it asks, whether Grafana takes it, and its picture."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from prometheus import INTERVAL

HERE = Path(__file__).parent
RATE_INTERVAL = 10 * INTERVAL  # Envoy tells what its histograms took every 5 s
WIDTH = 1100


@dataclass
class Panel:
    title: str
    kind: str
    place: dict
    unit: str
    is_stacked: bool
    queries: list  # of (legend, expression)


def read(root, name):
    return (root / f"envoy/grafana/{name}.json").read_text()


def panels(root, name="tessera"):
    """In the order of the dashboard; rows have no queries."""
    for panel in json.loads(read(root, name))["panels"]:
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        yield Panel(panel["title"], panel["type"], panel["gridPos"], defaults.get("unit", ""),
                    defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal",
                    [(target["legendFormat"], target["expr"]) for target in panel.get("targets", [])])


def filled_in(expression, job):
    """With values of the dashboard's variables."""
    return expression.replace("$__rate_interval", f"{RATE_INTERVAL}s").replace("$job", job)


MISTAKES = [('"type": "timeseries"', '"type": "timeserie"'), ('"gridPos"', '"gridPosition"'), ('"drawStyle"', '"drawstyle"'),
            ('"placement": "right"', '"placement": "left"'), ('"expr"', '"expression"'), ('"schemaVersion"', '"schema"')]


def check_types(root, name):
    """By TypeScript, as a literal of the types of `@grafana/schema`; and that it would find a mistake."""
    text, folder = read(root, name), root / f"target/operate/types/{name}"
    folder.mkdir(parents=True, exist_ok=True)
    variants = {"dashboard": text, **{f"mistake_{number}": text.replace(*change, 1) for number, change in enumerate(MISTAKES)}}
    for variant, text in variants.items():
        (folder / f"{variant}.ts").write_text(
            f"import type {{ Written }} from '../../../../tests/operate/dashboard_types';\nexport const it: Written = {text};\n")
    done = subprocess.run([HERE / "node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext",
                           "--moduleResolution", "bundler", *(folder / f"{variant}.ts" for variant in variants)], capture_output=True, text=True)
    refused = set(re.findall(r"(\w+)\.ts\(", done.stdout))
    assert refused == set(variants) - {"dashboard"}, done.stdout or done.stderr


def draw(root, drawn, times, file):
    """The picture of `drawn`, pairs of a panel and its answers, as a PNG."""
    content = json.dumps({"width": WIDTH, "times": times, "step": INTERVAL, "panels": [content_of(*each) for each in drawn]})
    parts = {name: (HERE / "node_modules/uplot/dist" / name).read_text() for name in ("uPlot.iife.min.js", "uPlot.min.css")}
    page = (HERE / "picture.html").read_text()
    for name, text in {**parts, "content": content.replace("<", "\\u003c")}.items():
        page = page.replace(f"/* {name} */", text)
    html = root / "target/operate/dashboard.html"
    html.write_text(page)
    height = int(re.search(r'data-height="(\d+)"', chromium(html, "--dump-dom"))[1])
    chromium(html, f"--screenshot={file}", f"--window-size={WIDTH},{height}")
    assert file.read_bytes().startswith(b"\x89PNG"), file


def content_of(panel, answers):
    lines = []
    for legend, found in answers:
        for metric, samples in found:
            name = re.sub(r"{{(\w+)}}", lambda label: metric.get(label[1], ""), legend)
            lines.append({"name": name, "samples": {at: value for at, value in samples.items() if value == value}})
    return {"title": panel.title, "kind": panel.kind, "place": panel.place, "unit": panel.unit, "stacked": panel.is_stacked, "lines": lines}


def chromium(html, *arguments):
    done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                           "--disable-background-networking", "--disable-component-update", "--disable-sync",
                           "--hide-scrollbars", f"--user-data-dir={html.parent}/chromium", *map(str, arguments), html.as_uri()],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
