"""Keys and JWTs made for one run, with the openssl command: an issuer's, and the key that a client proves."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import time
from pathlib import Path

LENGTH = 900
"""Characters of the token: about what authorization servers issue."""


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _run(openssl: Path, *arguments: object, text: bytes = b"") -> bytes:
    command = [str(openssl), *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, check=True).stdout


class ProofKey:
    """The P-256 key of a client whose tokens are bound to it by DPoP."""

    def __init__(self, openssl: Path, directory: Path) -> None:
        pem, self.path = directory / "proof.pem", directory / "proof.der"
        _run(openssl, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", pem)
        _run(openssl, "pkcs8", "-topk8", "-nocrypt", "-in", pem, "-outform", "DER", "-out", self.path)
        point = _run(openssl, "pkey", "-in", pem, "-pubout", "-outform", "DER")[-64:]
        x, y = _base64url(point[:32]), _base64url(point[32:])
        # In this order, and without spaces (RFC 7638 §3.2).
        members = json.dumps({"crv": "P-256", "kty": "EC", "x": x, "y": y}, separators=(",", ":"))
        self.thumbprint = _base64url(hashlib.sha256(members.encode()).digest())


class Issuer:
    """Signs tokens that Envoy's jwt_authn can check with `jwks`."""

    name = "https://idp.example.com"

    def __init__(self, openssl: Path, directory: Path) -> None:
        self._openssl = openssl
        self._key, self._ed25519 = directory / "issuer.pem", directory / "ed25519.pem"
        self._run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self._key)
        self._run("genpkey", "-algorithm", "ED25519", "-out", self._ed25519)
        modulus = self._run("rsa", "-in", self._key, "-noout", "-modulus").decode().strip().split("=")[1]
        point = self._run("pkey", "-in", self._ed25519, "-pubout", "-outform", "DER")[-32:]
        rsa = {"kty": "RSA", "use": "sig", "kid": "bench", "e": "AQAB", "n": _base64url(bytes.fromhex(modulus))}
        edwards = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "edwards", "x": _base64url(point)}
        self.jwks = json.dumps({"keys": [rsa, edwards]})

    def _run(self, *arguments: object, text: bytes = b"") -> bytes:
        return _run(self._openssl, *arguments, text=text)

    def token(self, algorithm: str = "RS256") -> str:
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
        is_edwards = algorithm == "EdDSA"
        key_id = "edwards" if is_edwards else "bench"
        head = _base64url(json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": key_id}).encode())
        signature = ((64 if is_edwards else 256) * 4 + 2) // 3
        room = (LENGTH - len(head) - signature - 2) * 3 // 4
        claims["groups"] = "g" * (room - len(json.dumps(claims)))
        signed = f"{head}.{_base64url(json.dumps(claims).encode())}"
        return f"{signed}.{_base64url(self._signature(algorithm, signed.encode()))}"

    def _signature(self, algorithm: str, text: bytes) -> bytes:
        if algorithm == "EdDSA":
            # It is read from a file: the text is hashed twice.
            path = self._ed25519.with_suffix(".txt")
            path.write_bytes(text)
            return self._run("pkeyutl", "-sign", "-rawin", "-inkey", self._ed25519, "-in", path)
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if algorithm == "PS256" else []
        return self._run("dgst", "-sha256", *pss, "-sign", self._key, text=text)
