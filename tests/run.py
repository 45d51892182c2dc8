#!/usr/bin/env python3
"""Builds tests of the workspace, and runs their programs side by side.

    run.py tessera-core tessera-registry/crash …

Each argument is a package, or one target of it. Cargo unites the features of the packages that it is asked for: asked for
one package after the other, it compiles what they share again and again. And it runs one program after the other, though
most of ours wait for others: those that are named first are begun first. What one says is printed when it has ended.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# With the faults that the dynamic module's own tests ask for, nothing else is compiled otherwise.
UNITED = ["--workspace", "--features", "tessera-native/faults"]
CORES = os.cpu_count() or 1
# So many programs with so many threads each: most of them wait.
SIDE_BY_SIDE = CORES + 1
THREADS = str(2 * CORES)


def cargo(*arguments):
    """What cargo prints."""
    command = [os.environ.get("CARGO", "cargo"), *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout


def selector(target):
    """How cargo selects a target."""
    if target["kind"] == ["test"]:
        return "--test", target["name"]
    return ("--bins",) if target["kind"] == ["bin"] else ("--lib",)


def targets():
    """Everything with tests: by package and target, the folder, and how cargo selects it."""
    found = {}
    for package in json.loads(cargo("metadata", "--no-deps", "--format-version", "1"))["packages"]:
        for target in package["targets"]:
            if target["test"] and target["kind"] != ["custom-build"]:
                how = selector(target)
                key = (package["manifest_path"], how[0], target["name"])
                found[key] = (package["name"], target["name"], how)
    return found


def selected(found, names):
    """Those that were asked for, in that order."""
    keys = []
    for name in names:
        package, _, target = name.partition("/")
        of_name = [key for key, (its, name, _) in found.items() if its == package and target in ("", name)]
        if not of_name:
            sys.exit(f"run.py: {name}: the workspace has no such tests")
        keys += [key for key in of_name if key not in keys]
    return keys


def built(found, keys):
    """The program of each."""
    how = dict.fromkeys(found[key][2] for key in keys)
    lines = cargo("test", "--no-run", "--quiet", *UNITED, *(word for words in how for word in words),
                  "--message-format", "json-render-diagnostics").splitlines()
    programs = {}
    for message in map(json.loads, lines):
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            target = message["target"]
            programs[message["manifest_path"], selector(target)[0], target["name"]] = message["executable"]
    return {key: programs[key] for key in keys}


def run(key, program):
    """Whether it succeeds, how long it takes, and what it says."""
    folder = Path(key[0]).parent
    environment = {"RUST_TEST_THREADS": THREADS, **os.environ, "CARGO_MANIFEST_DIR": str(folder)}
    begun = time.monotonic()
    # A file, which nobody waits for whose end a server that outlives its test would keep open.
    with tempfile.TemporaryFile() as said:
        status = subprocess.call([program, "--quiet"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said,
                                 stderr=subprocess.STDOUT)
        seconds = time.monotonic() - begun
        said.seek(0)
        return status, seconds, said.read().decode(errors="replace")


def main(names):
    found = targets()
    keys = selected(found, names)
    failed = []
    programs = built(found, keys)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        running = {pool.submit(run, key, programs[key]): key for key in keys}
        for future in as_completed(running):
            package, target, _ = found[running[future]]
            name = package if target.replace("_", "-") == package else f"{package}/{target}"
            status, seconds, said = future.result()
            print(f"» {name}, {seconds:.0f} s{'' if status == 0 else f': ended with {status}'}{said.rstrip()}\n", flush=True)
            if status != 0:
                failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:] or sys.exit(__doc__))
