"""Talks to the load generator: one line of JSON for each turn, one back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from . import processes
from .jwt import ProofKey


class Generator:
    """A running load generator; its connections stay open from turn to turn."""

    def __init__(self, children: processes.Children, program: Path) -> None:
        self._child = children.start(program, "generate", talks=True)

    @property
    def pid(self) -> int:
        return self._child.pid

    def turn(self, port: int, credential: object, **order: object) -> dict:
        """One turn; see `Order` in load/src/turn.rs for what can be asked."""
        order = {"port": port, "path": "/orders/1", "connections": 4, "credential": credential, **order}
        self._child.stdin.write(json.dumps(order) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended; its last words are above")
        return json.loads(line)

    def ask(self, port: int, credential: object, *, status: int = 200, **order: object) -> dict:
        """A turn in which every request must be answered with `status`."""
        outcome = self.turn(port, credential, **order)
        if outcome["failed"] or outcome["statuses"] not in ({}, {str(status): outcome["completed"]}):
            raise RuntimeError(
                f"expected status {status} only, got {outcome['statuses']} and {outcome['failed']} failures"
            )
        return outcome


def start_server(children: processes.Children, program: Path, *arguments: object) -> tuple[int, int]:
    """Starts one of the program's servers; its process id and port."""
    child = children.start(program, *arguments, talks=True)
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"{arguments[0]} did not start; its last words are above")
    return child.pid, int(line)


def fixed(token: str) -> dict:
    """Every request with this token."""
    return {"fixed": token}


def proved(token: str, key: ProofKey) -> dict:
    """Every request with this token and a DPoP proof of its own, made before the turn."""
    return {"proved": {"token": token, "key": str(key.path)}}


def proof(program: Path, token: str, key: ProofKey, path: str) -> str:
    """One DPoP proof, for a GET of `path`."""
    command = [str(program), "proof", "--key", str(key.path), "--token", token, "--path", path]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


def fresh(first: int, form: str = "good") -> dict:
    """Every request with a token of its own: numbers `first`, `first + 1`, …"""
    return {"fresh": {"form": form, "from": first}}


def among(first: int, count: int, form: str = "good") -> dict:
    """Every request with one of `count` tokens."""
    return {"among": {"form": form, "from": first, "count": count}}
