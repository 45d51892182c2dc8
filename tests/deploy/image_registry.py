"""A registry on this machine, and a client of it with the rules of the fetchers of Istio and Envoy Gateway."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import urllib.error
import urllib.parse
import urllib.request

from processes import Program, free_ports

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
WASM_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm"
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")


class Refused(Exception):
    """No image that the fetchers take."""


class Registry:
    def __init__(self, folder):
        [port] = free_ports(1)
        self.host = f"127.0.0.1:{port}"
        configuration = folder / "registry.yml"
        configuration.write_text(json.dumps({
            "version": 0.1, "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
            "http": {"addr": self.host},
        }))
        program = Program("the registry", ["docker-registry", "serve", configuration], folder / "registry.log")
        program.wait_until(lambda: self._is_up())

    def _is_up(self):
        try:
            return self._get("/v2/")
        except OSError:
            return None

    def push(self, layout, name, *arguments):
        """With skopeo, as the documentation says."""
        subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", *arguments,
                        f"oci:{layout}", f"docker://{self.host}/{name}"], check=True)

    def put(self, name, layers, media_type=OCI):
        """An image with these layers, each a pair of media type and content."""
        def descriptor(kind, content):
            self._put_blob(name, content)
            return {"mediaType": kind, "digest": digest(content), "size": len(content)}
        manifest = {"schemaVersion": 2, "mediaType": media_type,
                    "config": descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
                    "layers": [descriptor(*layer) for layer in layers]}
        return self.put_manifest(name, manifest)

    def put_manifest(self, name, manifest):
        content = json.dumps(manifest).encode()
        self._send("PUT", f"/v2/{name}/manifests/latest", content, {"content-type": manifest["mediaType"]})
        return {"mediaType": manifest["mediaType"], "digest": digest(content), "size": len(content)}

    def _put_blob(self, name, content):
        location = self._send("POST", f"/v2/{name}/blobs/uploads/", b"").headers["location"]
        query = ("&" if "?" in location else "?") + urllib.parse.urlencode({"digest": digest(content)})
        self._send("PUT", urllib.parse.urlsplit(location)._replace(scheme="", netloc="").geturl() + query, content,
                   {"content-type": "application/octet-stream"})

    def fetch(self, reference, expected=None):
        """The module in the image `NAME:TAG`; `expected` is the digest of its manifest."""
        name, _, tag = reference.rpartition(":")
        answer = self._get(f"/v2/{name}/manifests/{tag}", {"accept": ", ".join((DOCKER, OCI, *INDEXES))})
        content = answer.read()
        if expected and digest(content) != f"sha256:{expected}":
            raise Refused(f"{reference} is {digest(content)}, not sha256:{expected}")
        if answer.headers["content-type"] in INDEXES:
            raise Refused("an index")
        manifest = json.loads(content)
        blob = lambda layer: self._blob(name, layer["digest"])
        layers, docker = manifest["layers"], manifest.get("mediaType") == DOCKER
        if layers and layers[-1]["mediaType"] == (DOCKER_LAYER if docker else OCI_LAYER):
            return _module_in(blob(layers[-1]))
        raw = [layer for layer in layers if layer["mediaType"] == WASM_LAYER]
        if not docker and len(layers) == 2 and raw:
            return blob(raw[0])
        raise Refused(f"layers {[layer['mediaType'] for layer in layers]}")

    def mount(self, reference, path, architecture):
        """A file of the image `NAME:TAG@DIGEST`, as a node mounts it whose processor that is."""
        name, which = reference.partition(":")[0], reference.partition("@")[2]
        index = json.loads(self._manifest(name, which))
        [image] = [each["digest"] for each in index["manifests"] if each["platform"] == {"architecture": architecture, "os": "linux"}]
        [only] = json.loads(self._manifest(name, image))["layers"]
        assert only["mediaType"] == OCI_LAYER
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(self._blob(name, only["digest"])))) as archive:
            return archive.extractfile(path).read()

    def _manifest(self, name, which):
        content = self._get(f"/v2/{name}/manifests/{which}", {"accept": ", ".join((OCI, *INDEXES))}).read()
        if digest(content) != which:
            raise Refused(f"{name} has nothing that is {which}")
        return content

    def _blob(self, name, which):
        content = self._get(f"/v2/{name}/blobs/{which}").read()
        if digest(content) != which:
            raise Refused(f"a blob is not {which}")
        return content

    def _get(self, path, headers=None):
        return self._send("GET", path, None, headers)

    def _send(self, method, path, content, headers=None):
        request = urllib.request.Request(f"http://{self.host}{path}", content, headers or {}, method=method)
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=15)


def _module_in(layer):
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
        for member in archive:
            if member.name.rpartition("/")[2] == "plugin.wasm":
                return archive.extractfile(member).read()
    raise Refused("no plugin.wasm in the layer")


def layer(module):
    """What a compat image has as its last layer."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as files:
        member = tarfile.TarInfo("plugin.wasm")
        member.size = len(module)
        files.addfile(member, io.BytesIO(module))
    return gzip.compress(archive.getvalue())


def digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
