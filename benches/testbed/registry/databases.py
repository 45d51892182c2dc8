"""The databases that the registry runs on, each with what a bare statement costs there."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import processes as demo

from .. import processes
from ..programs import stop_with

FLOOR_S = 3
"""How long a floor is measured."""
_LIST = "SELECT id, body FROM contracts WHERE organisation = 'default' AND id > '{after}' ORDER BY id LIMIT 51"


class Sqlite:
    """A file; the floors are asked by Python's own binding."""

    name, writers = "SQLite", 4

    def __init__(self, _children: processes.Children, folder: Path) -> None:
        self._file = folder / "registry.db"
        self.url = f"sqlite:{self._file}"

    def settle(self) -> None:
        """What a server does by itself within minutes of being filled."""

    def bytes(self) -> int:
        return self._file.stat().st_size

    def changes_each_second(self) -> float:
        """Durable changes of one row."""
        done = 0
        connection = sqlite3.connect(self._file.with_name("floor.db"), isolation_level=None)
        connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
            "CREATE TABLE IF NOT EXISTS floor (n BIGINT); DELETE FROM floor; INSERT INTO floor VALUES (0)"
        )
        end = time.monotonic() + FLOOR_S
        while time.monotonic() < end:
            connection.execute("UPDATE floor SET n = n + 1")
            done += 1
        connection.close()
        return done / FLOOR_S

    def list_ms(self, after: list[str]) -> list[float]:
        """Reading a page of contracts, beyond each of these."""
        connection, taken = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True), []
        for identifier in after:
            begun = time.monotonic()
            connection.execute(_LIST.format(after=identifier)).fetchall()
            taken.append((time.monotonic() - begun) * 1000)
        connection.close()
        return taken


class Postgresql:
    """A server of Debian's package with its own settings; the floors are asked by pgbench."""

    name, writers = "PostgreSQL", 16

    def __init__(self, children: processes.Children, folder: Path) -> None:
        self._bin = _programs()
        self._folder = folder / "postgresql"
        self._folder.mkdir()
        # PostgreSQL refuses to run as root.
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        if self._as:
            shutil.chown(self._folder, "postgres")
            for above in (folder, *folder.parents):
                if above.stat().st_uid == os.getuid() and not above.stat().st_mode & 1:
                    above.chmod(above.stat().st_mode | 0o111)
        (port,) = demo.free_ports(1)
        data = self._folder / "data"
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", data)
        log = folder / "postgresql.log"
        options = ["-k", self._folder, "-h", "127.0.0.1", "-p", port, "-c", "max_connections=100"]
        server = children.start(*self._as, self._bin / "postgres", "-D", data, *options, log=log)
        self.url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        demo.wait_until("PostgreSQL", server, self._answers, lambda: demo.last_lines(log), within=30)

    def _answers(self) -> bool:
        return subprocess.run([self._bin / "pg_isready", "-q", "-d", self.url]).returncode == 0

    def _run(self, program: str, *arguments: object, text: str | None = None) -> str:
        command = [str(part) for part in (*self._as, self._bin / program, *arguments)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd="/")
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr}")
        return done.stdout

    def settle(self) -> None:
        """What a server does by itself within minutes of being filled."""
        self._run("psql", "-d", self.url, "-qc", "VACUUM ANALYZE")

    def bytes(self) -> int:
        asked = "SELECT pg_database_size(current_database())"
        return int(self._run("psql", "-d", self.url, "-Atc", asked))

    def changes_each_second(self) -> float:
        """Durable changes of one row, by as many writers as the registry has then."""
        self._run("psql", "-d", self.url, "-qc", "CREATE TABLE IF NOT EXISTS floor (n BIGINT); DELETE FROM floor; "
                  "INSERT INTO floor VALUES (0)")  # fmt: skip
        lines = self._bench("UPDATE floor SET n = n + 1;", f"-c{self.writers}", f"-T{FLOOR_S}")
        return len(lines) / FLOOR_S

    def list_ms(self, after: list[str]) -> list[float]:
        """Reading a page of contracts, beyond each of these."""
        statements = ";\n".join(_LIST.format(after=identifier) for identifier in after)
        out = self._run("psql", "-d", self.url, "-q", text=f"\\timing on\n\\o /dev/null\n{statements};\n")
        return [float(line.split()[1]) for line in out.splitlines() if line.startswith("Time:")]

    def _bench(self, statement: str, *options: str) -> list[str]:
        """A line for each transaction."""
        for old in self._folder.glob("floor.*"):
            old.unlink()
        script = self._folder / "statement.sql"
        script.write_text(statement)
        script.chmod(0o644)
        prefix = ["-l", f"--log-prefix={self._folder}/floor"]
        self._run("pgbench", "-n", "-f", script, *options, *prefix, self.url)
        return [line for log in self._folder.glob("floor.*") for line in log.read_text().splitlines()]


def _programs() -> Path:
    """Of the latest release of Debian's packages, else of the one in the PATH: where `make` looks for it, too."""
    releases = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    releases.sort(key=lambda path: int(path.parent.name), reverse=True)
    for folder in [*releases, *map(Path, os.get_exec_path())]:
        if (folder / "initdb").is_file():
            return folder
    stop_with("PostgreSQL is missing (on Debian: apt-get install --no-install-recommends postgresql)")


KINDS = {"sqlite": Sqlite, "postgresql": Postgresql}
