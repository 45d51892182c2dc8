"""What stands around the proxy: an authorization server behind TLS, a contract source, module servers, an upstream."""

import hashlib
import json
import re
import secrets
import subprocess
import threading

import upstream
from processes import Program, free_ports
from scenario import AuthorizationServer

CLIENTS = ("portal", "guest")
IDP = ("idp.example.com", 443)
# Where a proxy downloads the module: from a server of the user, or from the controller of Envoy Gateway.
MODULES = (("modules.example.com", 443), ("envoy-gateway", 18002))


class Authority:
    """A CA of the test, made with openssl."""

    def __init__(self, folder, name):
        self._folder, self._name = folder, name
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", f"/CN={name}", "-keyout", self._file("key"), "-out", self._file("crt"))
        self.pem = self._file("crt").read_text()

    def certificate(self, *hosts):
        """The files of a certificate for these hosts and of its key."""
        host = hosts[0]
        base = self._folder / f"{self._name}-{host}"
        key, request, certificate, extensions = (base.with_name(f"{base.name}.{end}") for end in ("key", "csr", "crt", "ext"))
        extensions.write_text(f"subjectAltName={','.join(f'DNS:{name}' for name in hosts)}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={host}",
                      "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self._file("crt"), "-CAkey", self._file("key"), "-days", "2",
                      "-CAcreateserial", "-extfile", extensions, "-out", certificate)
        return certificate, key

    def _file(self, end):
        return self._folder / f"{self._name}.{end}"

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class World:
    def __init__(self, root, folder, module):
        self.folder, self._module = folder, module
        self.secrets = {name: secrets.token_urlsafe(24) for name in ("gateway", *CLIENTS)}
        self.authority, self._other_authority = Authority(folder, "ca"), Authority(folder, "other-ca")
        self._start_upstream()
        self._start_idp(root)

    def _start_upstream(self):
        server = upstream.serve()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.upstream = server.server_port

    def _start_idp(self, root):
        clients = [{"id": "gateway", "secret": self.secrets["gateway"]}]
        clients += [{"id": name, "secret": self.secrets[name], "scope": "orders.read orders.write"} for name in CLIENTS]
        program = Program(
            "the authorization server",
            ["node", root / "tests/oidc-provider/server.mjs", "--control", "0", "--issuer", "https://idp.example.com"],
            self.folder / "idp.log", {"OIDC_CLIENTS": json.dumps(clients)})
        ready = program.wait_until(lambda: re.search(r"^control (\S+)\nready (\S+)$", program.log.read_text(), re.MULTILINE))
        self.idp = AuthorizationServer(ready[2], ready[1], self.secrets)

    def library(self, content):
        """A file with this dynamic module, which Envoy can load."""
        file = self.folder / f"{hashlib.sha256(content).hexdigest()}.so"
        file.write_bytes(content)
        return str(file)

    def start_servers(self, contracts):
        """nginx in all its parts; `contracts` are the data of the two ConfigMaps of envoy/kubernetes."""
        document, site = contracts
        idp, misnamed, untrusted, modules, modules_misnamed, modules_untrusted, source = free_ports(7)
        (self.folder / "contracts.json").write_text(document)
        site = _replaced(site, {"listen 8080": f"listen 127.0.0.1:{source}", "/contracts/contracts.json": str(self.folder / "contracts.json")})
        module = f"location = /tessera.wasm {{ alias {self._module}; }}"
        introspection = f"location = /oauth2/introspect {{ proxy_pass {self.idp.url}/token/introspection; }}"
        servers = [_tls(idp, self.authority, introspection, "idp.example.com"),
                   _tls(misnamed, self.authority, introspection, "elsewhere.example.com"),
                   _tls(untrusted, self._other_authority, introspection, "idp.example.com"),
                   _tls(modules, self.authority, module, *(host for host, _ in MODULES)),
                   _tls(modules_misnamed, self.authority, module, "elsewhere.example.com"),
                   _tls(modules_untrusted, self._other_authority, module, *(host for host, _ in MODULES)), site]
        temporary = "".join(f"{each}_temp_path {self.folder}/nginx-{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = self.folder / "nginx.conf"
        configuration.write_text(f"daemon off; user root; pid {self.folder}/nginx.pid; error_log stderr; events {{}}\n"
                                 f"http {{ access_log off; {temporary}\n" + "\n".join(servers) + "\n}\n")
        program = Program("nginx", ["nginx", "-p", self.folder, "-c", configuration], self.folder / "nginx.log")
        program.wait_until(lambda: (self.folder / "nginx.pid").exists())
        # What takes the place of the authorization server, and of a server that has the module.
        self.impostors = {what: {IDP: port} for what, port in (("a wrong CA", untrusted), ("a wrong name", misnamed))}
        self.false_modules = {what: dict.fromkeys(MODULES, port) for what, port in (
            ("a wrong CA", modules_untrusted), ("a wrong name", modules_misnamed))}
        self.addresses = {IDP: idp, **dict.fromkeys(MODULES, modules), ("contracts.tessera.svc.cluster.local", 8080): source}


def _tls(port, authority, location, *hosts):
    certificate, key = authority.certificate(*hosts)
    return f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key}; {location} }}"


def _replaced(text, replacements):
    for old, new in replacements.items():
        assert text.count(old) == 1, f"{old!r} must be there once"
        text = text.replace(old, new)
    return text
