"""What the server does for `command/...`."""

from __future__ import annotations

import binascii
import os
import shlex
from typing import Any

import attrs

from daytona_rpc import chunks, codec, errors, protocol
from daytona_rpc.followers import Followers
from daytona_rpc.handle import Handle
from daytona_rpc.host import paths, process
from daytona_rpc.host.logreader import LogReader
from daytona_rpc.registry import Registry

OUTPUT_BYTES = 1 << 20
"""The most of a synchronous command's output that its answer holds."""


class Commands:
    """The handlers of one connection."""

    def __init__(self, registry: Registry, followers: Followers, root: str) -> None:
        self._registry = registry
        self._followers = followers
        self._root = root

    # Running

    async def execute(self, params: protocol.ExecuteParams) -> protocol.CommandStatus:
        command_id = params.command_id or f"cmd-{os.urandom(6).hex()}"
        handle = await self._session(params, command_id)
        attachment = None
        if params.stream and self._followers.attached(command_id) is None:
            attachment = self._followers.expect(handle.id, command_id, handle.log_directory(command_id))
        try:
            raw = await handle.request("execute", spec=_spec(params, command_id), follow=params.stream)
        except BaseException:
            if attachment is not None:
                self._followers.detach(command_id)
            if handle.command(command_id) is None:
                paths.unlink(paths.claim_path(self._registry.state_dir, command_id))  # it never came to be
            raise
        status = codec.structure(raw, protocol.CommandStatus)
        if attachment is not None and status.status.final:
            # It had ended before this request: no news of it comes any more.
            self._followers.begin(attachment, status)
        if not params.run_async and status.status is not protocol.Status.FAILED:
            status = await self._followers.wait(command_id, None)
            if attachment is not None:
                await attachment.over
            if status.status is not protocol.Status.FAILED:
                output, truncated = self._tail(status)
                return attrs.evolve(status, output=output, output_truncated=truncated)
        if status.status is protocol.Status.FAILED:
            raise errors.CommandExecutionError(
                status.reason or "it could not be started",
                session_id=status.session_id,
                command_id=command_id,
            )
        return status

    async def _session(self, params: protocol.ExecuteParams, command_id: str) -> Handle:
        """The session the command belongs to, with its id claimed; one is made where none is named."""
        state_dir = self._registry.state_dir
        if params.session_id is not None:
            handle = self._registry.get(params.session_id)
            sandbox_id = handle.record["sandboxId"]
            if params.sandbox_id not in (None, sandbox_id):
                raise errors.InvalidParams("sandboxId", f"session {handle.id} is in sandbox {sandbox_id}")
            self._claim(command_id, handle.id)
            return handle
        owner = paths.owner_of(state_dir, command_id)
        if owner is None:
            cwd = self._absolute(params.cwd) if params.cwd else self._root
            session_id = f"run-{os.urandom(4).hex()}"
            # A directory that is not there fails the command, where the client looks for it.
            handle = await self._registry.create(
                session_id, cwd if os.path.isdir(cwd) else "/", None, auto=True
            )
            owner = paths.claim(state_dir, command_id, session_id)
            if owner == session_id:
                return handle
            await self._registry.delete(session_id)  # another server was quicker
        return self._registry.get(owner)

    def _claim(self, command_id: str, session_id: str) -> None:
        try:
            owner = paths.claim(self._registry.state_dir, command_id, session_id)
        except OSError as error:
            raise errors.HostUnavailable(f"{self._registry.state_dir}: {error.strerror}") from error
        if owner != session_id:
            raise errors.Conflict(
                f"command {command_id} belongs to session {owner}", session_id=owner, command_id=command_id
            )

    def _tail(self, status: protocol.CommandStatus) -> tuple[str, bool]:
        start = max(status.truncated_before, status.log_size - OUTPUT_BYTES)
        reader = self._reader(status.command_id)
        try:
            pieces = reader.read(start, status.log_size, OUTPUT_BYTES)
        finally:
            reader.close()
        data = b"".join(piece.data for piece in pieces)
        if start > 0:
            data = data.lstrip(bytes(range(0x80, 0xC0)))[:OUTPUT_BYTES] if data[:1] >= b"\x80" else data
        return data.decode("utf-8", "replace"), start > 0

    # Asking

    def status(self, params: protocol.CommandParams) -> protocol.CommandStatus:
        status = self._registry.status(params.command_id)
        if status.status.final:
            return status
        base, size = self._bounds(status)
        return attrs.evolve(status, log_size=size, truncated_before=base)

    async def list(self, params: protocol.CommandListParams) -> protocol.CommandList:
        if params.session_id is not None:
            handles = [self._registry.get(params.session_id)]
        else:
            handles = self._registry.handles()
        found = []
        for handle in handles:
            found += await self._registry.commands(handle)
        return protocol.CommandList(commands=found)

    async def wait(self, params: protocol.WaitParams) -> protocol.CommandStatus:
        handle = self._registry.owner(params.command_id)
        await handle.join()  # the end is heard of through its host
        timeout_s = None if params.timeout_ms is None else params.timeout_ms / 1000
        return await self._followers.wait(params.command_id, timeout_s)

    def logs(self, params: protocol.LogsParams) -> protocol.LogPage:
        status = self._registry.status(params.command_id)
        base, size = self._bounds(status)
        _check_offset(params.offset, size)
        reader = self._reader(params.command_id)
        try:
            pieces = list(chunks.split(reader.read(params.offset, size, params.limit), size))
        finally:
            reader.close()
        stamps = chunks.Stamps()
        found = [
            codec.structure(
                chunks.chunk(status.session_id, status.command_id, piece, stamps), protocol.LogChunk
            )
            for piece in pieces
        ]
        if pieces and pieces[0].offset > params.offset:
            found[0] = attrs.evolve(found[0], truncated_before=pieces[0].offset)
        if params.channel is not None:
            found = [chunk for chunk in found if chunk.channel is params.channel]
        return protocol.LogPage(
            chunks=found,
            next_offset=pieces[-1].offset + len(pieces[-1].data) if pieces else size,
            size=size,
            truncated_before=base,
            finished=status.status.final,
        )

    # Following

    async def attach(self, params: protocol.AttachParams) -> protocol.CommandStatus:
        status = self._registry.status(params.command_id)
        _check_offset(params.offset, self._bounds(status)[1])
        handle = self._registry.owner(params.command_id)
        attachment = self._followers.attach(status, handle.log_directory(params.command_id), params.offset)
        try:
            if not status.status.final and await handle.join():
                await handle.request("follow", commandId=params.command_id)
        except BaseException:
            self._followers.detach(params.command_id)
            raise
        status = self.status(protocol.CommandParams(command_id=params.command_id))
        self._followers.begin(attachment, status)
        return status

    def detach(self, params: protocol.CommandParams) -> None:
        self._registry.status(params.command_id)  # that there is such a command
        self._followers.detach(params.command_id)

    # Acting on a running command

    async def input(self, params: protocol.InputParams) -> None:
        data = params.data or ""
        is_base64 = params.encoding is protocol.Encoding.BASE64
        raw = binascii.a2b_base64(data) if is_base64 else data.encode()
        handle = self._running(params.command_id)
        await handle.request("input", commandId=params.command_id, data=raw.decode("latin-1"), eof=params.eof)

    async def stop(self, params: protocol.StopParams) -> protocol.CommandStatus:
        handle = self._running(params.command_id, lost=True)
        raw = await handle.request("stop", commandId=params.command_id, graceMs=params.grace_ms)
        return codec.structure(raw, protocol.CommandStatus)

    async def signal(self, params: protocol.SignalParams) -> None:
        number = process.signal_number(params.signal)
        if number is None:
            raise errors.InvalidParams("signal", "is no signal of this system")
        handle = self._running(params.command_id)
        await handle.request("signal", commandId=params.command_id, number=number)

    async def resize(self, params: protocol.ResizeParams) -> None:
        handle = self._running(params.command_id)
        await handle.request("resize", commandId=params.command_id, cols=params.cols, rows=params.rows)

    def _running(self, command_id: str, *, lost: bool = False) -> Handle:
        """The session of a command that has not ended; with `lost`, also of one nobody knows the end of."""
        status = self._registry.status(command_id)
        if status.status.final and not (lost and status.status is protocol.Status.LOST):
            raise errors.AlreadyFinished(
                f"command {command_id} has ended ({status.status.value})",
                session_id=status.session_id,
                command_id=command_id,
            )
        return self._registry.owner(command_id)

    def _reader(self, command_id: str) -> LogReader:
        return LogReader(self._registry.owner(command_id).log_directory(command_id))

    def _bounds(self, status: protocol.CommandStatus) -> tuple[int, int]:
        """The oldest offset kept, and the log's size."""
        if status.status.final:
            return status.truncated_before, status.log_size
        return self._reader(status.command_id).bounds()

    def _absolute(self, cwd: str) -> str:
        return os.path.normpath(os.path.join(self._root, os.path.expanduser(cwd)))


def _check_offset(offset: int, size: int) -> None:
    if offset > size:
        raise errors.InvalidParams("offset", f"is beyond the end of the log ({size})")


def _spec(params: protocol.ExecuteParams, command_id: str) -> dict[str, Any]:
    """The request in the host's words."""
    stdin = params.stdin
    if stdin is None:
        kept_open = params.run_async or params.tty is not None
        stdin = protocol.StdinState.OPEN if kept_open else protocol.StdinState.CLOSED
    return {
        "commandId": command_id,
        "command": params.command if params.argv is None else shlex.join(params.argv),
        "argv": params.argv,
        "cwd": None if params.cwd is None else os.path.expanduser(params.cwd),
        "env": params.env,
        "runAsync": params.run_async,
        "timeoutMs": params.timeout_ms,
        "tty": None if params.tty is None else codec.unstructure(params.tty),
        "stdin": stdin.value,
        "ready": None if params.ready is None else codec.unstructure(params.ready),
    }
