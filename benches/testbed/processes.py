"""Child processes that end with the benchmark, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import tempfile
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Children:
    """Starts processes and stops all of them, the last first, on leaving the `with` block."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen] = []
        self._directory = tempfile.TemporaryDirectory(prefix="tessera-bench-")
        self.directory = Path(self._directory.name)

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._running):
            self.stop(child)
        self._directory.cleanup()

    def start(
        self,
        *command: object,
        talks: bool = False,
        log: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> subprocess.Popen:
        """Starts `command` with `environment` beside ours; with `talks` its standard streams are pipes of text lines."""
        output = open(log, "wb") if log else subprocess.DEVNULL
        try:
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else output,
                stderr=None if talks else output,
                text=talks,
                env={**os.environ, **(environment or {})},
                # Ctrl-C is for the benchmark, which then stops its children in order.
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        finally:
            if log:
                output.close()
        self._running.append(child)
        return child

    def stop(self, child: subprocess.Popen) -> None:
        """Asks, waits five seconds, then insists."""
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()
        if child in self._running:
            self._running.remove(child)


def stop_on_sigterm() -> None:
    """SIGTERM unwinds like Ctrl-C does, so that children are stopped."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)


def pin(pid: int, cpu: int, *, only: str | None = None) -> None:
    """Keeps the threads of a process (those whose name starts with `only`) on one CPU, where there are several."""
    if (os.cpu_count() or 1) < 2:
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        if only is None or (task / "comm").read_text().startswith(only):
            os.sched_setaffinity(int(task.name), {cpu})


def resident_bytes(pid: int) -> tuple[int, int]:
    """Resident memory of a process: now, and the most it ever was."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )

    def size(name: str) -> int:
        return int(fields[name].split()[0]) * 1024

    return size("VmRSS"), size("VmHWM")
