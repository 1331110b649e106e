"""Clients of `server.py`, each with a process of its own that has to end with its test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.harness import Client

SERVER = (sys.executable, str(Path(__file__).with_name("server.py")))
ROOT = Path(__file__).parents[2]


class Connect(Protocol):
    """Starts a server; `initialize` unless told not to; the rest are environment variables."""

    def __call__(self, *, initialize: bool = True, **env: str) -> Client: ...


@pytest.fixture
def env() -> dict[str, str]:
    """The environment of a server."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@pytest.fixture
def connect(tmp_path: Path, env: dict[str, str]) -> Iterator[Connect]:
    clients: list[Client] = []

    def start(*, initialize: bool = True, **more: str) -> Client:
        client = Client(SERVER, {**env, **more}, tmp_path, tmp_path / f"stderr-{len(clients)}")
        clients.append(client)
        if initialize:
            client.initialize()
        return client

    yield start
    for client in clients:
        client.dispose()


@pytest.fixture
def client(connect: Callable[[], Client]) -> Client:
    return connect()
