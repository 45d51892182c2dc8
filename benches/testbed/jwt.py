"""An RSA key and an RS256 JWT made for one run, with the openssl command."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from pathlib import Path

LENGTH = 900
"""Characters of the token: about what authorization servers issue."""


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Signs tokens that Envoy's jwt_authn can check with `jwks`."""

    name = "https://idp.example.com"

    def __init__(self, openssl: Path, directory: Path) -> None:
        self._openssl = openssl
        self._key = directory / "issuer.pem"
        self._run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self._key)
        modulus = self._run("rsa", "-in", self._key, "-noout", "-modulus").decode().strip().split("=")[1]
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "bench", "e": "AQAB"}
        self.jwks = json.dumps({"keys": [{**key, "n": _base64url(bytes.fromhex(modulus))}]})

    def _run(self, *arguments: object, text: bytes = b"") -> bytes:
        command = [str(self._openssl), *map(str, arguments)]
        return subprocess.run(command, input=text, capture_output=True, check=True).stdout

    def token(self) -> str:
        """A token of client `portal` and tier `gold`, valid for a day, `LENGTH` characters long."""
        now = int(time.time())
        claims = {
            "iss": self.name,
            "sub": "portal",
            "aud": "https://api.example.com",
            "client_id": "portal",
            "tier": "gold",
            "scope": "orders.read",
            "iat": now,
            "exp": now + 86400,
            "groups": "",
        }
        head = _base64url(json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": "bench"}).encode())
        signature = (256 * 4 + 2) // 3
        room = (LENGTH - len(head) - signature - 2) * 3 // 4
        claims["groups"] = "g" * (room - len(json.dumps(claims)))
        signed = f"{head}.{_base64url(json.dumps(claims).encode())}"
        return f"{signed}.{_base64url(self._run('dgst', '-sha256', '-sign', self._key, text=signed.encode()))}"
