"""Whom what happens in the sessions is told to: attachments, waiting requests, and the client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from daytona_rpc import codec, errors, protocol
from daytona_rpc.attachment import Attachment
from daytona_rpc.framing import frame
from daytona_rpc.host import records

if TYPE_CHECKING:
    from daytona_rpc.registry import Registry
    from daytona_rpc.rpc import Client


class Followers:
    """The `Listener` of the registry.

    Of a command that the client is attached to, the final status is sent behind the last byte of its
    log; of any other at once.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._attachments: dict[str, Attachment] = {}
        self._waits: dict[str, set[asyncio.Future[protocol.CommandStatus]]] = {}
        self.registry: Registry

    # What the sessions tell

    def on_status(self, status: protocol.CommandStatus) -> None:
        command_id = status.command_id
        attachment = self._attachments.get(command_id)
        if status.status.final:
            self.registry.remember(status)
            if status.truncated_before and status.reason and records.LOG_INCOMPLETE in status.reason:
                self._warn(f"The log of {status.command_id} lost its beginning: {status.reason}")
            for future in self._waits.pop(command_id, ()):
                if not future.done():
                    future.set_result(status)
            if attachment is not None:
                attachment.finish(status)
                self._begin(attachment)
                return
        self._client.notify_latest(("command", command_id), "command/statusChanged", lambda: status)
        if attachment is not None:
            self._begin(attachment)

    def _warn(self, message: str) -> None:
        kind = protocol.MessageType.WARNING
        self._client.notify("window/showMessage", protocol.MessageParams(type=kind, message=message))

    def on_output(self, command_id: str, size: int) -> None:
        attachment = self._attachments.get(command_id)
        if attachment is not None:
            attachment.grew(size)
            self._client.wake(attachment)

    def on_ready(self, ready: protocol.CommandReady) -> None:
        self._client.notify("command/ready", ready)

    def on_session(self, kind: protocol.ChangeKind, session: protocol.Session) -> None:
        change = protocol.SessionChange(kind=kind, session=session)
        self._client.notify("sessions/changed", change)

    def on_batch(self) -> None:
        self._client.pump()

    # What the client asks for

    def expect(self, session_id: str, command_id: str, directory: str) -> Attachment:
        """Follow a command about to be started; its log is sent behind its first status."""
        return self._attach(Attachment(session_id, command_id, directory, 0, self._final_frame))

    def attach(self, status: protocol.CommandStatus, directory: str, offset: int) -> Attachment:
        """Follow a command from an offset; a second time, from the new offset on.

        Nothing is sent before `begin`.
        """
        self.detach(status.command_id)
        attachment = Attachment(status.session_id, status.command_id, directory, offset, self._final_frame)
        attachment.held = True
        return self._attach(attachment)

    def begin(self, attachment: Attachment, status: protocol.CommandStatus) -> None:
        """Send what there is, and what comes.

        The writer begins with it in the loop's next turn, behind the answer that is being made.
        """
        attachment.grew(status.log_size)
        if status.status.final:
            attachment.finish(status)
        attachment.held = False
        self._begin(attachment)

    def attached(self, command_id: str) -> Attachment | None:
        return self._attachments.get(command_id)

    def _attach(self, attachment: Attachment) -> Attachment:
        self._attachments[attachment.command_id] = attachment
        attachment.over.add_done_callback(lambda _: self._drop(attachment))
        return attachment

    def _begin(self, attachment: Attachment) -> None:
        if attachment.held or attachment.over.done():
            return
        if attachment.begun:
            self._client.wake(attachment)
        else:
            attachment.begun = True
            self._client.add_source(attachment)

    def detach(self, command_id: str) -> bool:
        attachment = self._attachments.pop(command_id, None)
        if attachment is None:
            return False
        self._client.remove_source(attachment)
        attachment.close()
        return True

    async def wait(self, command_id: str, timeout_s: float | None) -> protocol.CommandStatus:
        """The final status of a command, as soon as it has one.

        Raises:
            WaitTimeout: it did not end in time.
        """
        future: asyncio.Future[protocol.CommandStatus] = asyncio.get_running_loop().create_future()
        waits = self._waits.setdefault(command_id, set())
        waits.add(future)
        try:
            status = self.registry.status(command_id)
            if status.status.final:
                return status
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            raise errors.WaitTimeout(
                f"command {command_id} has not ended yet",
                session_id=self.registry.status(command_id).session_id,
                command_id=command_id,
            ) from None
        finally:
            waits.discard(future)

    def close(self) -> None:
        for command_id in list(self._attachments):
            self.detach(command_id)

    def _drop(self, attachment: Attachment) -> None:
        if self._attachments.get(attachment.command_id) is attachment:
            del self._attachments[attachment.command_id]
            self._client.remove_source(attachment)
            self.registry.unfollow(attachment.session_id, attachment.command_id)

    def _final_frame(self, status: protocol.CommandStatus) -> bytes:
        params = codec.unstructure(status)
        message = {"jsonrpc": "2.0", "method": "command/statusChanged", "params": params}
        return frame(orjson.dumps(message))
