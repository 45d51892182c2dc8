"""Programs that are started, waited for, and never left behind: the demo's, and what the benchmarks share of it."""

import atexit
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

READY_WITHIN = 60  # seconds
STOPPED_WITHIN = 5  # seconds; then it is killed


class Failure(RuntimeError):
    """A part of the demo did not start; the text says which and why."""


class Program:
    """A running program in a process group of its own, its output in a file."""

    _running = []

    def __init__(self, name, command, log, env=None):
        self.name, self.log = name, Path(log)
        with self.log.open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, start_new_session=True)
            except FileNotFoundError:
                raise Failure(f"{name} could not be started: {command[0]} is missing; `make setup` says how it is got") from None
            except OSError as error:
                raise Failure(f"{name} could not be started: {error}") from error
        Program._running.append(self)

    def wait_until(self, ready, within=READY_WITHIN):
        """The first true answer of `ready`. Raises Failure when the program ends first, or takes too long."""
        return wait_until(self.name, self._process, ready, self.last_lines, within)

    def pause(self):
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self):
        os.killpg(self._process.pid, signal.SIGCONT)

    def ended(self):
        return self._process.poll() is not None

    def last_lines(self, count=12):
        return last_lines(self.log, count)

    def stop(self):
        if self in Program._running:
            Program._running.remove(self)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, sign)
            except ProcessLookupError:
                pass
            try:
                self._process.wait(STOPPED_WITHIN)
                return
            except subprocess.TimeoutExpired:
                continue

    @classmethod
    def stop_all(cls):
        for program in reversed(list(cls._running)):
            program.stop()


def wait_until(name, process, ready, words, within=READY_WITHIN, every=0.05):
    """The first true answer of `ready`, which is asked again and again, for `within` seconds at most.

    Raises Failure, with the last `words` of the program, when it ends first or takes too long."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        answer = ready()
        if answer:
            return answer
        if process.poll() is not None:
            raise Failure(f"{name} ended with status {process.returncode}:\n{words()}")
        time.sleep(every)
    raise Failure(f"{name} was not ready after {within} s:\n{words()}")


def last_lines(log, count=12):
    """The last lines of a program's log."""
    lines = log.read_text(errors="replace").splitlines()[-count:]
    return "\n".join(f"    {line[:300]}" for line in lines) or "    (it printed nothing)"


def leave_nothing_behind():
    """Stop all programs at the end of this one, however it ends."""
    atexit.register(Program.stop_all)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _: sys.exit(128 + number))


def free_ports(count):
    """Ports of the loopback address that nothing listens on, below those that the system gives away of its own accord:
    nobody gets one before the program does that it is for."""
    found = []
    while len(found) < count:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found
