"""Finds or builds the programs that the benchmarks run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCHES = ROOT / "benches"
TARGET = ROOT / "target" / "benches"


def stop_with(message: str) -> None:
    """Ends the benchmark with a message that says what to do."""
    sys.exit(f"benches: {message}")


def _cargo(*arguments: object, cwd: Path) -> None:
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)} if cwd != ROOT else dict(os.environ)
    command = ["cargo", *map(str, arguments)]
    if subprocess.run(command, cwd=cwd, env=environment).returncode != 0:
        stop_with(f"`{' '.join(command)}` failed in {cwd.relative_to(ROOT) or '.'}")


def load() -> Path:
    """The load generator and stand-in servers."""
    _cargo("build", "--quiet", "--release", "--locked", cwd=BENCHES / "load")
    return TARGET / "release" / "load"


def floor() -> Path:
    """The filter that does next to nothing, pruned as the module is."""
    _cargo("build", "--quiet", "--release", "--locked", "--target", "wasm32-wasip1", cwd=BENCHES / "floor")
    built, pruned = TARGET / "wasm32-wasip1" / "release" / "floor.wasm", TARGET / "floor.wasm"
    _cargo("xtask", "prune", built, pruned, cwd=ROOT)
    return pruned


def module() -> Path:
    """The module under test: built by `cargo xtask module`, or named by TESSERA_MODULE."""
    path = Path(os.environ.get("TESSERA_MODULE", ROOT / "target" / "tessera.wasm"))
    if not path.is_file():
        stop_with(f"{path} is missing: run `make module`, or measure the other rows with --without-tessera")
    return path


def dynamic_module() -> Path:
    """The same for Envoy's own process, as `cargo xtask native` builds it; Envoy looks for it in its folder."""
    return ROOT / "target" / "libtessera.so"


def needs_dynamic_module() -> None:
    """Stops where it was not built."""
    if not dynamic_module().is_file():
        stop_with(f"{dynamic_module()} is missing: run `make native`, or choose rows and sections without it")


def before(path: Path) -> Path:
    """The module that the module under test is compared with."""
    if not path.is_file():
        stop_with(f"{path} is missing: --before takes a module as `make module` builds it")
    return path.resolve()


def envoy() -> Path:
    """Envoy: TESSERA_ENVOY, ENVOY, the checkout's own, or the PATH's."""
    named = os.environ.get("TESSERA_ENVOY") or os.environ.get("ENVOY")
    candidates = [named] if named else [str(ROOT / ".venv/bin/envoy"), shutil.which("envoy")]
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    stop_with("no Envoy: run `make setup`, or name one in TESSERA_ENVOY")
    raise AssertionError


def nginx() -> Path | None:
    """nginx, if the machine has it; Debian keeps it where only root looks."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def openssl() -> Path:
    """The openssl command, which makes the run's RSA key and signs its JWT."""
    found = shutil.which("openssl")
    if not found:
        stop_with("the openssl command is missing (on Debian: apt install openssl)")
    return Path(str(found))
