"""What every section of a benchmark needs: the programs, the children, the load, and where to say how far it is."""

from __future__ import annotations

import contextlib
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import envoy, processes, programs
from .generator import Generator


class Bed:
    """Programs found or built, and one running load generator."""

    def __init__(
        self,
        children: processes.Children,
        *,
        with_tessera: bool,
        before: Path | None,
        pairs_only: bool,
        row_keys: list[str] | None,
        quick: bool,
        rounds: int | None,
    ) -> None:
        self.children = children
        self.pairs_only = pairs_only
        self.row_keys = row_keys
        self.quick = quick
        self._rounds = rounds
        self._began = time.monotonic()
        # Before anything is built: what is missing is told at once.
        self.envoy_program = programs.envoy()
        self.module = programs.module() if with_tessera else None
        self.before = programs.before(before) if before else None
        self.nginx = programs.nginx()
        self.say("building the load generator and the floor filter")
        self.load = programs.load()
        self.floor = programs.floor()
        self.generator = Generator(children, self.load)
        processes.pin(self.generator.pid, 1)

    def say(self, text: str) -> None:
        """A line of progress."""
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", file=sys.stderr, flush=True)

    def rounds(self, usual: int) -> int:
        """How many rounds to run: what was asked for, or few when quick, or the usual number."""
        return self._rounds or (3 if self.quick else usual)

    def tessera_module(self) -> Path:
        """The module, in a section that cannot do without it."""
        if self.module is None:
            raise RuntimeError("this section measures the module itself; it cannot run without it")
        return self.module

    @contextlib.contextmanager
    def envoy(self, listeners: list[dict], clusters: list[dict], *, workers: int = 1) -> Iterator[envoy.Envoy]:
        """An Envoy for the time of a `with` block; a single worker gets a CPU for itself."""
        proxy = envoy.Envoy(self.children, self.envoy_program, listeners, clusters, workers=workers)
        if workers == 1:
            proxy.pin_worker()
        try:
            yield proxy
        except RuntimeError as problem:
            raise RuntimeError(f"{problem}\nEnvoy's last words:\n{proxy.last_words()}") from problem
        finally:
            proxy.stop()

    def shuffled_rounds(self, things: list, rounds: int, title: str) -> Iterator[list]:
        """Round after round, every thing once, each time in another order that is the same in every run."""
        order = random.Random(1)
        told = time.monotonic()
        for number in range(rounds):
            if time.monotonic() - told > 5:
                told = time.monotonic()
                self.say(f"{title}: round {number} of {rounds}")
            yield order.sample(things, len(things))
