"""A registry that is filled, and what the sections of the benchmark ask of it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from .. import processes
from . import filling
from .databases import Postgresql, Sqlite
from .files import Files
from .figures import Figure
from .service import Connection, Service


PATIENCE_S = 30


class Bed:
    """One database with a registry on it. What is measured goes to `figures`."""

    def __init__(
        self,
        children: processes.Children,
        binary: Path,
        database: type[Sqlite] | type[Postgresql],
        contracts: int,
        *,
        quick: bool,
    ) -> None:
        self.children, self.binary, self.quick = children, binary, quick
        self.shape = filling.Shape(contracts)
        self.figures: list[Figure] = []
        folder = children.directory / database.name
        folder.mkdir()
        self.files = Files(children, folder / "nginx")
        self.database = database(children, folder)
        self.service = Service(children, binary, folder, self.database.url)
        self._active: dict[str, bool] = {}
        self._tokens: dict[str, str] = {}
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """A line of progress."""
        print(f"[{self.database.name} {time.monotonic() - self._began:6.1f} s] {text}", file=sys.stderr, flush=True)

    def rounds(self, usual: int) -> int:
        return max(3, usual // 10) if self.quick else usual

    def told(self, what: str, value: float, unit: str, limit: float | None = None, **more: object) -> None:
        figure = Figure(what, self.database.name, value, unit, limit, **more)
        self.say(" | ".join(figure.cells()))
        self.figures.append(figure)

    def fill(self, export: Path) -> None:
        """With the registry's own `import`."""
        self.say(f"importing {self.shape.contracts:,} contracts")
        begun = time.monotonic()
        self.service.command("import", export)
        self.told(f"`import` of {self.shape.contracts:,} contracts", time.monotonic() - begun, "s")
        self.service.command("release", "--yes")
        self.database.settle()
        self.told("database after it", self.database.bytes() / (1 << 20), "MiB")

    def caller(self, role: str) -> Connection:
        """A connection to the administration API by somebody with this role."""
        if role not in self._tokens:
            self._tokens[role] = self.service.token(role)
        return Connection(self.service.api, self._tokens[role])

    def begin(self) -> None:
        """The service and one gateway."""
        self.started_s = self.service.start()
        admin = self.caller("admin")
        gateway = admin.post("/api/v1/gateways", {"environment": filling.ENVIRONMENT, "title": "Bench"}, 201).json()
        token = admin.post(f"/api/v1/gateways/{gateway['id']}/tokens", {}, 201).json()
        self.gateway_token = token["token"]

    def gateway(self) -> Connection:
        return Connection(self.service.feed, self.gateway_token)

    def await_held(self) -> None:
        """Until a gateway's poll is held."""
        end = time.monotonic() + PATIENCE_S
        while not self.service.held_polls():
            if time.monotonic() > end:
                raise RuntimeError(f"no poll is held after {PATIENCE_S} s")
            time.sleep(0.02)

    def cursor(self) -> str:
        """Where the feed stands."""
        return self.gateway().get("/v1/contracts").json()["cursor"]

    def change(self, admin: Connection, contract: str) -> None:
        """Suspends a contract, or has it go on."""
        is_active = self._active.get(contract, True)
        verb, body = ("suspend", {"reason": "bench"}) if is_active else ("resume", {})
        admin.post(f"/api/v1/contracts/{contract}/{verb}", body)
        self._active[contract] = not is_active

    def active_contracts(self, count: int) -> list[str]:
        """Contracts that are active at first, of many applications."""
        step = max(1, self.shape.applications // count)
        return [self.shape.contract_id(number * step, 3) for number in range(count)]
