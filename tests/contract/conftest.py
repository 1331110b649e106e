"""The backends that keep the promises, and what a test needs of one.

A test speaks the protocol and knows nothing of files or processes of this machine: what it runs comes from
`backend.line`, where it runs from `backend.directory`. One server serves the tests of a module; after each
test all sessions are deleted and nothing may be left of them.
"""

from __future__ import annotations

import itertools
import shlex
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Client, eventually
from tests.machine import Machine

SCRIPTS = Path(__file__).parents[1] / "scripts"


class LocalBackend:
    """Commands run on this machine."""

    sandbox_id = "local"
    python = sys.executable
    shell = "/bin/bash"

    def __init__(self, root: Path) -> None:
        self.machine = Machine(root)
        self._numbers = itertools.count()
        self._main: Client | None = None

    def client(self) -> Client:
        """One more editor."""
        return self.machine.client()

    def main(self) -> Client:
        """The editor most tests use; a new one when a test has ended the last."""
        if self._main is None or self._main.gone:
            self._main = self.client()
        return self._main

    def directory(self) -> str:
        """A new, empty directory in the sandbox, as `pwd` shows it."""
        directory = self.machine.work.resolve() / f"directory {next(self._numbers)}"
        directory.mkdir()
        return str(directory)

    def argv(self, script: str, *args: object) -> list[str]:
        """The arguments that run one of `tests/scripts` in the sandbox."""
        return [self.python, str(SCRIPTS / script), *map(str, args)]

    def line(self, script: str, *args: object) -> str:
        """The shell text that runs one of `tests/scripts` in the sandbox."""
        return shlex.join(self.argv(script, *args))

    def free_port(self) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def tidy(self) -> None:
        """Delete all sessions; only the servers may still run."""
        self.machine.delete_sessions(self.main())
        servers = {client.process.pid for client in self.machine.clients}
        eventually(
            lambda: self.machine.processes().keys() <= servers, what=f"{self.machine.processes()} left"
        )
        eventually(lambda: not self.machine.leftovers(), what=f"{self.machine.leftovers()} left")


BACKENDS = {"local": LocalBackend}


@pytest.fixture(scope="module", params=list(BACKENDS))
def shared_backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalBackend]:
    backend = BACKENDS[request.param](tmp_path_factory.mktemp(request.param))
    yield backend
    backend.machine.sweep()


@pytest.fixture
def backend(shared_backend: LocalBackend) -> Iterator[LocalBackend]:
    main = shared_backend.main()
    main.received.clear()
    yield shared_backend
    main.resume()
    shared_backend.tidy()


@pytest.fixture
def client(backend: LocalBackend) -> Client:
    return backend.main()


@pytest.fixture
def second_client(backend: LocalBackend) -> Iterator[Client]:
    client = backend.client()
    yield client
    client.close()


@pytest.fixture
def session(backend: LocalBackend, client: Client) -> str:
    """A new session in an empty directory."""
    params = {"sandboxId": backend.sandbox_id, "cwd": backend.directory()}
    return str(client.request("sessions/create", params)["sessionId"])
