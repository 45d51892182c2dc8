"""Puts deliberate faults into a copy of the project, one at a time, and runs what has to find them.

    faults.py [NAME…]

Every fault is a text of one file and what stands in its place. One that compiles and that no test notices is an error.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "target" / "faults"
# Its own: cargo takes two folders with the same packages for one.
BUILT = ROOT / "target" / "faults-built"
FAULTS = json.loads((Path(__file__).parent / "faults.json").read_text())


def copy() -> None:
    """The project as it stands, without what is built."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            target = COPY / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)


def cargo(tests: list[str], *further: str) -> subprocess.CompletedProcess:
    environment = {"CARGO_TARGET_DIR": str(BUILT), "TESSERA_MODEL_HISTORIES": "10000", **os.environ}
    selected = [part for test in tests for part in ("--test", test)]
    return subprocess.run(
        ["cargo", "test", "--quiet", *selected, *further], cwd=COPY, env=environment, capture_output=True, text=True
    )


def reason(output: str) -> str:
    """What the test that failed says first."""
    lines = output.splitlines()
    for number, line in enumerate(lines):
        if "panicked at" in line:
            return " ".join(lines[number + 1 : number + 2])[:160]
    return (lines or ["no output"])[-1][:160]


def found(fault: dict) -> bool:
    file = COPY / fault["file"]
    sound = file.read_text()
    if sound.count(fault["text"]) != 1:
        sys.exit(f"{fault['name']}: {fault['file']} has {sound.count(fault['text'])} times {fault['text']!r}")
    try:
        file.write_text(sound.replace(fault["text"], fault["fault"]))
        built = cargo(fault["tests"], "--no-run")
        if built.returncode != 0:
            sys.exit(f"{fault['name']}: it does not compile\n{built.stderr}")
        run = cargo(fault["tests"])
        told = reason(run.stdout + run.stderr) if run.returncode else "NOT FOUND"
        print(f"{fault['name']}: {told}", flush=True)
        return run.returncode != 0
    finally:
        file.write_text(sound)


def main() -> None:
    wanted = sys.argv[1:]
    chosen = [fault for fault in FAULTS if not wanted or fault["name"] in wanted]
    copy()
    tests = sorted({test for fault in chosen for test in fault["tests"]})
    without = cargo(tests)
    if without.returncode != 0:
        sys.exit(f"they fail without a fault\n{without.stdout}{without.stderr}")
    missed = [fault["name"] for fault in chosen if not found(fault)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} faults are found")
    if missed:
        sys.exit(f"not found: {', '.join(missed)}")


main()
