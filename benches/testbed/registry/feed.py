"""What gateways ask for: changes, everything, and polls that are held."""

from __future__ import annotations

import selectors
import socket
import time

from .. import processes
from .bed import Bed
from .figures import MIB, p99
from .service import Connection, Growth

CHANGES = 100
HELD = 1000


def measure_start(bed: Bed) -> None:
    """The start, and what the process holds when nothing has been asked of it."""
    seconds = [bed.started_s]
    for _ in range(bed.rounds(5) - 1):
        bed.service.stop()
        seconds.append(bed.service.start())
    # The slowest of them.
    bed.told("ready after start", max(seconds), "s", 1)
    time.sleep(2)
    bed.told("resident memory when idle", processes.resident_bytes(bed.service.pid)[0] / MIB, "MiB", 50)
    bed.told("the program", bed.binary.stat().st_size / 1e6, "MB", 40)


def measure_delta(bed: Bed) -> None:
    """Polls of a gateway that has missed a hundred changes."""
    cursor, admin = bed.cursor(), bed.caller("admin")
    for contract in bed.active_contracts(CHANGES):
        bed.change(admin, contract)
    gateway, files = bed.gateway(), Connection(bed.files.port)
    delta = gateway.get(f"/v1/contracts?since={cursor}")
    if len(delta.json()["changes"]) != CHANGES:
        raise RuntimeError(f"{CHANGES} changes were made, {len(delta.json()['changes'])} are told")
    bed.files.put("delta", delta.body)
    taken, floor = [], []
    for _ in range(bed.rounds(1000)):
        taken.append(gateway.get(f"/v1/contracts?since={cursor}").seconds * 1000)
        floor.append(files.get("/delta").seconds * 1000)
    bed.told(f"delta of {CHANGES} changes, p99", p99(taken), "ms", 20, floor=p99(floor))


def measure_snapshot(bed: Bed) -> None:
    """The whole set, page by page, and what the process grows by meanwhile."""
    gateway = bed.gateway()
    with Growth(bed.service.pid) as growth:
        begun, rows, pages = time.monotonic(), 0, 0
        target: str | None = "/v1/contracts"
        while target:
            page = gateway.get(target)
            target = page.next()
            rows += page.body.count(b'"client_id":')
            bed.files.put(f"page-{pages}", page.body)
            pages += 1
        taken = time.monotonic() - begun
    if rows != bed.shape.rows():
        raise RuntimeError(f"the snapshot has {rows} rows instead of {bed.shape.rows()}")
    files, begun = Connection(bed.files.port), time.monotonic()
    for number in range(pages):
        files.get(f"/page-{number}")
    floor = time.monotonic() - begun
    bed.told(f"snapshot of {rows:,} rows in {pages} pages", taken, "s", 15, floor=floor)
    bed.told("memory growing by it", growth.bytes / MIB, "MiB", 64)


def measure_held(bed: Bed) -> None:
    """A thousand polls that wait for one change."""
    admin, contract = bed.caller("admin"), bed.active_contracts(2)[1]
    taken = []
    for _ in range(bed.rounds(5)):
        request = f"GET /v1/contracts?since={bed.cursor()} HTTP/1.1\r\nhost: bench\r\nprefer: wait=60\r\n"
        waiting = _Crowd(bed.service.feed, f"{request}authorization: Bearer {bed.gateway_token}\r\n\r\n")
        waiting.send()
        deadline = time.monotonic() + 60
        while bed.service.held_polls() < HELD:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{bed.service.held_polls()} polls are held instead of {HELD}")
            time.sleep(0.05)
        bed.change(admin, contract)
        committed = time.monotonic()
        taken.append(waiting.answered(b'"changes":[{') - committed)
    bed.files.put("held", b'{"changes":[{}]}')
    floor = []
    for _ in range(bed.rounds(5)):
        crowd = _Crowd(bed.files.port, "GET /held HTTP/1.1\r\nhost: bench\r\n\r\n")
        begun = time.monotonic()
        crowd.send()
        floor.append(crowd.answered(b'"changes":[{') - begun)
    bed.told(f"last of {HELD:,} held polls answered after the commit", max(taken), "s", 1, floor=max(floor))


class _Crowd:
    """Connections that all ask the same at once, in one thread."""

    def __init__(self, port: int, request: str) -> None:
        self._request = request.encode()
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(HELD)]

    def send(self) -> None:
        for each in self._sockets:
            each.sendall(self._request)

    def answered(self, expected: bytes) -> float:
        """When the last of them had its answer."""
        waiting = selectors.DefaultSelector()
        for each in self._sockets:
            waiting.register(each, selectors.EVENT_READ, bytearray())
        last, left = 0.0, len(self._sockets)
        while left:
            ready = waiting.select(timeout=60)
            if not ready:
                raise RuntimeError(f"{left} of {HELD} held polls were not answered")
            for key, _ in ready:
                key.data.extend(key.fileobj.recv(65536) or b"\r\n\r\n(closed)")
                if not _is_whole(key.data):
                    continue
                if not key.data.startswith(b"HTTP/1.1 200") or expected not in key.data:
                    raise RuntimeError(f"a held poll was answered with {bytes(key.data[:300])!r}")
                last, left = time.monotonic(), left - 1
                waiting.unregister(key.fileobj)
        waiting.close()
        for each in self._sockets:
            each.close()
        return last


def _is_whole(answer: bytes) -> bool:
    head, found, body = bytes(answer).partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return body.endswith(b"(closed)")
