"""What is measured: ours, the servers it is compared with, and the floor under all of them."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.clients import Client, Gone

HERE = Path(__file__).parent
INSTALL_S = 120.0
HOSTS_END_S = 10.0


class Missing(Exception):
    """A subject cannot be measured here; the text says why."""


@dataclass(frozen=True)
class Subject:
    """A server, or the floor: something that answers requests or whose output is read."""

    name: str
    argv: tuple[str, ...]
    executes: bool = True
    """Whether it knows `command/execute`; else its commands are run and read without a server."""
    keeps_sessions: bool = False
    """Whether its sessions have to be deleted."""


OURS = Subject("ours", (sys.executable, "-m", "daytona_rpc", "--stdio"), keeps_sessions=True)
STOCK = Subject("stock", (sys.executable, str(HERE / "stock_server.py")))
STOCK_BY_LINE = Subject("stock by line", (*STOCK.argv, "--by-line"))
NODE = Subject("node", ("node", str(HERE / "node_server.mjs")))
FLOOR = Subject("floor", (sys.executable, str(HERE / "bare_server.py")), executes=False)
SUBJECTS = (OURS, STOCK, NODE, FLOOR)


class Bench:
    """The place where the subjects run: a directory of its own, of which nothing is left."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.work = root / "work"
        self.work.mkdir()
        self._numbers = itertools.count(1)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("DAYTONA_")}

    @contextlib.contextmanager
    def client(self, subject: Subject) -> Iterator[Client]:
        """A fresh server with a state directory of its own."""
        state = self.root / f"state-{next(self._numbers)}"
        client = Client(subject.argv, {**self.env, "DAYTONA_RPC_STATE_DIR": str(state)}, self.work)
        try:
            yield client
            if subject.keeps_sessions:
                client.delete_sessions()
        finally:
            children = psutil.Process(client.process.pid).children(recursive=True)
            client.close()
            for child in children:  # commands that nobody stopped; hosts are no children
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.terminate()
            if subject.keeps_sessions:
                self._sweep(state)

    @contextlib.contextmanager
    def pipe(self, command: str) -> Iterator[int]:
        """A command run in a shell without any server, and the pipe with its output."""
        read, write = os.pipe()
        process = subprocess.Popen(["/bin/sh", "-c", command], stdout=write, env=self.env, cwd=self.work)
        os.close(write)
        try:
            yield read
        finally:
            os.close(read)
            process.terminate()
            process.wait()

    def hosts(self, state: Path | None = None) -> list[psutil.Process]:
        """The session hosts under the state directory, or under any of ours."""
        mark = f"{state or self.root}/"
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and any(word.startswith(mark) for word in process.cmdline()):
                    found.append(process)
        return found

    def _sweep(self, state: Path) -> None:
        """Wait for the hosts to end, and end what does not, by its id: only a measurement that failed."""
        until = time.monotonic() + HOSTS_END_S
        while hosts := self.hosts(state):
            if time.monotonic() > until:
                for host in hosts:
                    with contextlib.suppress(psutil.Error):
                        for process in (*host.children(recursive=True), host):
                            process.kill()
            time.sleep(0.005)
        shutil.rmtree(state, ignore_errors=True)


def check(bench: Bench, subject: Subject) -> None:
    """Start the subject once: what it needs is installed and its files are in the cache from then on.

    Raises:
        Missing: it cannot be measured.
    """
    if subject is NODE:
        _install_node_modules()
    try:
        with bench.client(subject) as client:
            client.initialize()
            if subject.executes:
                client.send(client.execute_request("echo"))
                next(client.outputs())
    except (OSError, Gone) as error:
        raise Missing(f"{' '.join(subject.argv)}: {error}") from error


def _install_node_modules() -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Missing(f"there is no {program}")
    installed, wanted = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= wanted.stat().st_mtime:
        return
    argv: Sequence[str] = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    try:
        done = subprocess.run(argv, cwd=HERE, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        raise Missing(f"npm ci took more than {INSTALL_S:.0f} s") from None
    if done.returncode != 0:
        raise Missing(f"npm ci failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    os.utime(installed)
