"""The image of `make image` in a registry, and other images that no fetcher takes."""

import json
from pathlib import Path

from processes import Failure
from image_registry import INDEXES, OCI_LAYER, Refused, layer
from urllib.error import HTTPError

ROOT = Path(__file__).resolve().parents[2]
NATIVE = "tessera-native"


def check(registry, module):
    layout = ROOT / "target/image"
    [manifest] = json.loads((layout / "index.json").read_text())["manifests"]
    digest, version = manifest["digest"].removeprefix("sha256:"), _version(layout, manifest)
    registry.push(layout, f"tessera:{version}")
    if registry.fetch(f"tessera:{version}", digest) != module:
        raise Failure("the image has another module")

    # Only the form differs from one that is taken.
    registry.put("sound", [(OCI_LAYER, layer(module))])
    if registry.fetch("sound:latest") != module:
        raise Failure("an image made by the test has another module")
    _refused(registry, "raw", "a layer that is the bare module", [("application/wasm", module)])
    _refused(registry, "zstd", "a layer in zstd", [("application/vnd.oci.image.layer.v1.tar+zstd", layer(module))])
    child = registry.put("index", [(OCI_LAYER, layer(module))])
    registry.put_manifest("index", {"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": [child]})
    _refused(registry, "index", "an index")
    _refused(registry, "tessera", "another digest", tag=version, expected="0" * 64)
    print(f"tessera:{version}@sha256:{digest} is pushed and fetched", flush=True)


def check_native(registry):
    """The image of `make native-image`: each platform has its own library."""
    layout = ROOT / "target/native-image"
    [index] = json.loads((layout / "index.json").read_text())["manifests"]
    registry.push(layout, f"{NATIVE}:0.1.0", "--all")
    for architecture, library in (("amd64", "libtessera-x86_64.so"), ("arm64", "libtessera-aarch64.so")):
        mounted = registry.mount(f"{NATIVE}:0.1.0@{index['digest']}", "libtessera.so", architecture)
        if mounted != (ROOT / "target/native-release" / library).read_bytes():
            raise Failure(f"the image has another library for {architecture}")
    try:
        registry.mount(f"{NATIVE}:0.1.0@sha256:{'0' * 64}", "libtessera.so", "amd64")
    except (Refused, HTTPError):
        print(f"{NATIVE}@{index['digest']} is pushed and mounted", flush=True)
        return
    raise Failure("a node would refuse another digest")


def _refused(registry, name, what, layers=None, tag="latest", expected=None):
    if layers:
        registry.put(name, layers)
    try:
        registry.fetch(f"{name}:{tag}", expected)
    except Refused:
        return
    raise Failure(f"fetchers would refuse {what}")


def _version(layout, manifest):
    content = json.loads((layout / "blobs/sha256" / manifest["digest"].removeprefix("sha256:")).read_text())
    return content["annotations"]["org.opencontainers.image.version"]
