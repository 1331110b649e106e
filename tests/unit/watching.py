"""Registries on one state directory, each with a record of what it was told."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

from daytona_rpc import protocol
from daytona_rpc.handle import Handle
from daytona_rpc.registry import Registry

WITHIN_S = 20.0


def spec(text: str, **fields: Any) -> dict[str, Any]:
    """What the host is asked to execute: shell text, in the background."""
    return {
        "commandId": f"c-{os.urandom(4).hex()}",
        "command": text,
        "argv": None,
        "cwd": None,
        "env": None,
        "runAsync": True,
        "timeoutMs": None,
        "tty": None,
        "stdin": "closed",
        "ready": None,
        **fields,
    }


class Watched:
    """A registry and what it told."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self.told: list[protocol.CommandStatus] = []
        self.sizes: dict[str, int] = {}
        self.ready: list[protocol.CommandReady] = []
        self.changes: list[tuple[protocol.ChangeKind, str]] = []
        self.registry = Registry(watching.state, self)

    # the registry's listener

    def on_status(self, status: protocol.CommandStatus) -> None:
        self.told.append(status)

    def on_output(self, command_id: str, size: int) -> None:
        self.sizes[command_id] = size

    def on_ready(self, ready: protocol.CommandReady) -> None:
        self.ready.append(ready)

    def on_batch(self) -> None:
        """Nothing gathers here."""

    def on_session(self, kind: protocol.ChangeKind, session: protocol.Session) -> None:
        self.changes.append((kind, session.session_id))

    # what a test asks

    def statuses(self, command_id: str) -> list[protocol.Status]:
        return [status.status for status in self.told if status.command_id == command_id]

    def ended(self) -> set[str]:
        return {status.command_id for status in self.told if status.status.final}

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                await asyncio.sleep(0.005)

    async def create(self, session_id: str, *, prepare: bool = True, auto: bool = False) -> Handle:
        """Make a session; its host is up afterwards, unless it is not to be prepared."""
        handle = await self.registry.create(session_id, "/", {}, auto=auto)
        preparing = list(self.registry._preparing)
        if not prepare:
            for task in preparing:
                task.cancel()
        await asyncio.gather(*preparing, return_exceptions=True)
        return handle

    async def another(self) -> Watched:
        """A second registry on the same state directory."""
        return await self._watching.open()


class Watching:
    """A state directory; all its sessions are deleted at the end."""

    def __init__(self, state: str) -> None:
        self.state = state
        self._opened: list[Watched] = []

    async def open(self) -> Watched:
        watched = Watched(self)
        self._opened.append(watched)
        watched.registry.open()
        await watched.registry.start()
        return watched

    def hosts(self) -> list[int]:
        """The pids of the session hosts that live."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        if self.state.encode() + b"/" in file.read():
                            found.append(int(name))
                except OSError:
                    continue
        return found

    async def dispose(self) -> None:
        for watched in self._opened:
            watched.registry.close()
        last = Watched(self)
        last.registry.open()
        await last.registry.start()
        for handle in last.registry.handles():
            await last.registry.delete(handle.id)
        last.registry.close()
        async with asyncio.timeout(WITHIN_S):
            while self.hosts():
                await asyncio.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL to every host."""
        for pid in self.hosts():
            os.kill(pid, signal.SIGKILL)
