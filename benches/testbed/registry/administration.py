"""What people ask for: changes of contracts, and lists."""

from __future__ import annotations

import threading
import time

from . import filling
from .bed import Bed
from .figures import p99
from .service import Connection

SECONDS = 10
LIMITS = {"PostgreSQL": 200, "SQLite": 80}
FOLLOWED = 5
"""Pages of a list that are asked for one after another."""


def measure_changes(bed: Bed) -> None:
    """Contracts that are suspended and resumed by several writers, each change durable when it is answered."""
    cursor, writers = bed.cursor(), bed.database.writers
    contracts = bed.active_contracts(writers * 10)
    done = [0] * writers
    end = time.monotonic() + (2 if bed.quick else SECONDS)
    begun = time.monotonic()
    taken: list[float] = []
    troubles: list[BaseException] = []

    def write(number: int) -> None:
        admin = bed.caller("admin")
        mine = contracts[number::writers]
        try:
            while time.monotonic() < end:
                started = time.monotonic()
                bed.change(admin, mine[done[number] % len(mine)])
                taken.append((time.monotonic() - started) * 1000)
                done[number] += 1
        except Exception as trouble:
            troubles.append(trouble)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - begun
    if troubles:
        raise troubles[0]
    told = int(bed.cursor().split(".")[1]) - int(cursor.split(".")[1])
    if told != sum(done):
        raise RuntimeError(f"{sum(done)} changes were answered, the feed moved by {told}")
    floor = bed.database.changes_each_second()
    what = f"contract changes by {writers} writers"
    bed.told(what, sum(done) / seconds, "/s", LIMITS[bed.database.name], floor=floor, is_rate=True)
    bed.told("one of them, p99", p99(taken), "ms")


def lists(bed: Bed) -> list[tuple[str, str]]:
    """Callers and what they ask for."""
    shape = bed.shape
    some = shape.applications // 3
    team, small = shape.application_team(some), filling.SMALL_TEAM
    api = f"environment={filling.ENVIRONMENT}&api={shape.bound_api(some, 3)[0]}"
    duties = [f"{group}:{duty}" for group in (team, small) for duty in ("owner", "developer")]
    everybody, auditors = ["admin", "root:auditor", *duties], [f"{group}:auditor" for group in ("root", team, small)]
    for_all = [
        "/contracts", "/contracts?order=desc", "/contracts?status=active", "/contracts?status=pending",
        "/contracts?status=revoked", "/contracts?inbox=true", f"/contracts?{api}", f"/contracts?{api}&status=pending",
        f"/contracts?application={shape.application_id(some)}", "/contracts?limit=200",
        "/applications", "/applications?order=desc", f"/applications?group={small}", "/applications?q=application+77",
        "/apis", "/apis?lifecycle=draft", "/apis?q=title+777", "/groups",
    ]  # fmt: skip
    for_auditors = [
        "/audit", "/audit?order=desc", f"/audit?subject=contract:{shape.contract_id(some, 3)}",
        "/audit?actor=user:nobody", "/audit?action=contract.adopt",
        "/audit?from=2025-07-01T00:00:00Z&to=2025-07-02T00:00:00Z",
    ]  # fmt: skip
    for_admins = ["/gateways", "/tokens", "/tasks", f"/applications/{shape.application_id(some)}/clients"]
    return [
        *((caller, path) for caller in everybody for path in for_all),
        *((caller, path) for caller in ("admin", *auditors) for path in for_auditors),
        *(("admin", path) for path in for_admins),
    ]


def measure_lists(bed: Bed) -> None:
    """Every list, with its next pages, by callers who may read everything, a part, or next to nothing."""
    connections: dict[str, Connection] = {}
    everything: list[float] = []
    slowest: dict[tuple[str, str], float] = {}
    for caller, path in lists(bed):
        connection = connections.setdefault(caller, bed.caller(caller))
        taken: list[float] = []
        for _ in range(bed.rounds(20)):
            target: str | None = f"/api/v1{path}"
            for _ in range(FOLLOWED):
                if target:
                    answer = connection.get(target)
                    taken.append(answer.seconds * 1000)
                    target = answer.next()
        everything += taken
        slowest[caller, path] = p99(taken)
    applications = range(0, bed.shape.applications, max(1, bed.shape.applications // 200))
    after = [bed.shape.contract_id(number, 0) for number in applications]
    floor = p99(bed.database.list_ms(after))
    bed.told(f"{len(slowest)} lists with their next pages, p99", p99(everything), "ms", 50, floor=floor)
    (caller, path), worst = max(slowest.items(), key=lambda entry: entry[1])
    bed.told(f"slowest of them, p99: `{path}` by `{caller}`", worst, "ms", 50, floor=floor)
    for (caller, path), value in sorted(slowest.items(), key=lambda entry: -entry[1])[:12]:
        bed.say(f"    {value:8.1f} ms  {caller}  {path}")
