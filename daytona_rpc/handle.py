"""The sidecar's hold on one session: what is known of it, and the link to its host while one lives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Protocol

from daytona_rpc import codec, errors, launcher, protocol
from daytona_rpc.host import paths, records, recovery
from daytona_rpc.link import HostLost, Link, Retired

_RETRY_S = 0.01
_STARTS = 5
_TRIES = 500  # for a host that ends while the next one is asked for; 5 s together


class Listener(Protocol):
    """Who is told what happens in the sessions."""

    def on_status(self, status: protocol.CommandStatus) -> None:
        """A command is in a new status. The final one comes once."""

    def on_output(self, command_id: str, size: int) -> None:
        """The log of a followed command has grown to `size` bytes."""

    def on_ready(self, ready: protocol.CommandReady) -> None:
        """A command has become ready."""

    def on_session(self, kind: protocol.ChangeKind, session: protocol.Session) -> None:
        """A session was made, changed or deleted."""

    def on_batch(self) -> None:
        """All that came in from a host at once has been told."""


class Handle:
    """One session directory.

    Running commands are mirrored here from the host's events, so most questions are answered without
    asking it; finished ones are read from disk. A host that dies is noticed by its closed connection.
    """

    def __init__(
        self, directory: str, record: dict[str, Any], listener: Listener, *, fresh: bool = False
    ) -> None:
        self.directory = directory
        self.record = record
        self.active: dict[str, protocol.CommandStatus] = {}
        """The commands that are queued or running."""
        self.deleted = False
        self._seen = set() if fresh else set(records.final_ids(directory))
        self._listener = listener
        self._link: Link | None = None
        self._linking = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._closed = False
        self._mending: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        return str(self.record["sessionId"])

    @property
    def linked(self) -> bool:
        return self._link is not None and not self._link.leaving

    def session(self, commands: list[protocol.CommandStatus] | None = None) -> protocol.Session:
        return protocol.Session(
            session_id=self.id,
            sandbox_id=self.record["sandboxId"],
            cwd=self.record["cwd"],
            shell=self.record["shell"],
            created_at=self.record["createdAt"],
            running=len(self.active),
            auto=self.record["auto"],
            limits=[],
            commands=commands,
        )

    async def join(self) -> bool:
        """Connect to the host if one lives; False where none does.

        Where none lives, commands that a dead one was running get their end.
        """
        if self.linked:
            return True
        async with self._linking:
            for _ in range(_TRIES):
                if self.linked:
                    return True
                if self._closed or self.deleted:
                    return False
                connection = launcher.connect(self.directory)
                if connection is not None:
                    try:
                        await self._open(connection)
                    except Retired:
                        continue
                    return True
                if self._recover():
                    return False
                # Its lock is held though it does not listen: it starts, or ends, or is mended by somebody.
                await asyncio.sleep(_RETRY_S)
        return False

    async def _linked(self) -> Link:
        """The link to the host, which is started where none lives."""
        for _ in range(_STARTS):
            if await self.join() and self._link is not None:
                return self._link
            if self.deleted:
                raise errors.NotFound(f"no session {self.id}", session_id=self.id)
            await launcher.start(self.directory)
        raise errors.HostUnavailable("the session host does not answer", session_id=self.id)

    async def prepare(self) -> None:
        """Have a host ready before the first command comes."""
        with suppress(errors.ApplicationError):
            async with self._turn:
                await self._linked()

    async def request(self, op: str, **fields: Any) -> Any:
        """Have the host do something; it is started where none lives.

        Raises:
            NotFound: the session was deleted meanwhile.
            HostUnavailable: the host cannot be started, or died before it answered.
            ApplicationError: the host refused.
        """
        for _ in range(_TRIES):
            try:
                # In turn: requests reach the host in the order in which they came in.
                async with self._turn:
                    answer = (await self._linked()).request(op, **fields)
                return await answer
            except Retired:
                await asyncio.sleep(_RETRY_S)
            except HostLost:
                raise errors.HostUnavailable(
                    "the session host ended before it answered", session_id=self.id
                ) from None
            except errors.ApplicationError as error:
                error.session_id = self.id
                error.command_id = fields.get("commandId") or fields.get("spec", {}).get("commandId")
                raise
        raise errors.HostUnavailable("the session host does not answer", session_id=self.id)

    def tell(self, op: str, **fields: Any) -> None:
        """As `request`, where nobody waits for it and a host that is gone need not be told."""
        if self._link is not None:
            self._link.tell(op, **fields)

    def close(self) -> None:
        """Let go of the session; its host and commands go on."""
        self._closed = True
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _open(self, connection: Any) -> None:
        link, hello = await Link.open(connection, self._on_event, self._on_lost, self._listener.on_batch)
        self._link = link
        self.record = hello["session"]
        known, self.active = self.active, {}
        for raw in hello["active"]:
            self._set(codec.structure(raw, protocol.CommandStatus), told=known)
        for raw in hello["ready"]:
            self._listener.on_ready(codec.structure(raw, protocol.CommandReady))
        self._settle({*known, *(set(records.final_ids(self.directory)) - self._seen)})

    def _set(
        self, status: protocol.CommandStatus, told: dict[str, protocol.CommandStatus] | None = None
    ) -> None:
        if status.status.final:
            self.active.pop(status.command_id, None)
        else:
            self.active[status.command_id] = status
        before = told.get(status.command_id) if told else None
        if before is None or (before.status, before.ready) != (status.status, status.ready):
            self._listener.on_status(status)

    def _settle(self, known: Collection[str]) -> None:
        """Tell the end of commands that ended while there was no link."""
        for command_id in known:
            if command_id not in self.active:
                raw = records.read_command(self.directory, command_id)
                if raw is not None and raw["status"] in records.FINAL:
                    self._listener.on_status(codec.structure(raw, protocol.CommandStatus))

    def _on_event(self, event: dict[str, Any]) -> None:
        if self.deleted:
            return  # what was on the way when it ended
        kind = event["e"]
        if kind == "log":
            self._listener.on_output(event["c"], event["n"])
        elif kind == "status":
            self._set(codec.structure(event["s"], protocol.CommandStatus))
        elif kind == "ready":
            self._listener.on_ready(codec.structure(event["r"], protocol.CommandReady))
        elif kind == "session":
            self.record = event["s"]
            self._listener.on_session(protocol.ChangeKind.CHANGED, self.session())
        elif kind == "deleted":
            self.gone()

    def gone(self) -> None:
        """The session is deleted."""
        if not self.deleted:
            self.deleted = True
            known, self.active = self.active, {}
            for status in known.values():
                self._listener.on_status(_stopped(status))
            self._listener.on_session(protocol.ChangeKind.DELETED, self.session())

    def _on_lost(self, orderly: bool) -> None:
        self._link = None
        self._seen = set(records.final_ids(self.directory))
        if not orderly and not self._recover():
            # Somebody else mends it, or runs its next host already.
            self._mending = asyncio.get_running_loop().create_task(self._mend())

    async def _mend(self) -> None:
        with suppress(errors.HostUnavailable):
            await self.join()

    def _recover(self) -> bool:
        """Give the commands of a dead host their end; False while somebody holds the session's lock."""
        try:
            held = recovery.lock(self.directory)
        except FileNotFoundError:
            self.gone()
            return True
        if held is None:
            return False
        try:
            lost = recovery.mark_lost(self.directory)
            with suppress(OSError):
                paths.unlink(os.path.join(self.directory, "sock"))  # so that nobody looks here again
        finally:
            os.close(held)
        known, self.active = self.active, {}
        self._settle({*known, *(record["commandId"] for record in lost)})
        return True

    def command(self, command_id: str) -> protocol.CommandStatus | None:
        """A command's status: from the mirror while it runs, else from disk."""
        status = self.active.get(command_id)
        if status is not None:
            return status
        raw = records.read_command(self.directory, command_id)
        return None if raw is None else codec.structure(raw, protocol.CommandStatus)

    def command_ids(self) -> set[str]:
        return {*self.active, *records.active_ids(self.directory), *records.final_ids(self.directory)}

    def log_directory(self, command_id: str) -> str:
        return paths.command_dir(self.directory, command_id)


def _stopped(status: protocol.CommandStatus) -> protocol.CommandStatus:
    """The end of a command whose session was deleted before its own end was told."""
    import attrs

    return attrs.evolve(status, status=protocol.Status.STOPPED, reason="stop")
