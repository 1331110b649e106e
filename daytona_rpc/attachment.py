"""One client following one command's log.

Nothing is queued here: a frame is made from the log on disk when the writer has room for it. A client
that does not read therefore costs one position, however much the command writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import orjson

from daytona_rpc import chunks, protocol
from daytona_rpc.framing import notification
from daytona_rpc.host.logreader import LogReader, Piece


class Attachment:
    """A source of the writer (see `writer.Source`): chunks in order, then the final status."""

    def __init__(
        self,
        session_id: str,
        command_id: str,
        directory: str,
        offset: int,
        final_frame: Callable[[protocol.CommandStatus], bytes],
    ) -> None:
        self.session_id = session_id
        self.command_id = command_id
        self.held = False
        """Whether nothing may be sent yet."""
        self.begun = False
        """Whether the writer knows it."""
        self._reader = LogReader(directory)
        self._offset = offset
        self._told = offset
        """Where the client expects the next chunk."""
        self._size = 0
        self._final: protocol.CommandStatus | None = None
        self._final_frame = final_frame
        self._stamps = chunks.Stamps()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once all has been handed to the writer, or nothing more will be."""

    def grew(self, size: int) -> None:
        """The log has `size` bytes now."""
        self._size = max(self._size, size)

    def finish(self, status: protocol.CommandStatus) -> None:
        """The command is over: its status follows its last byte."""
        self._final = status
        self._size = status.log_size

    def close(self) -> None:
        """Send no more."""
        self._reader.close()
        if not self.over.done():
            self.over.set_result(None)

    def pull(self, max_bytes: int) -> list[bytes]:
        """The next frames, of about `max_bytes`."""
        if self.over.done():
            return []
        frames: list[bytes] = []
        if self._offset < self._size:
            pieces = self._reader.read(self._offset, self._size, max_bytes)
            for piece in chunks.split(pieces, self._size):
                frames += self._frame(piece)
            if not frames:
                self._offset = self._size  # dropped, all of it
        if not frames and self._final is not None:
            frames = [self._final_frame(self._final)]
            self.close()
        return frames

    def _frame(self, piece: Piece) -> list[bytes]:
        chunk = chunks.chunk(self.session_id, self.command_id, piece, self._stamps)
        if piece.offset > self._told:
            chunk["truncatedBefore"] = piece.offset
        self._offset = self._told = piece.offset + len(piece.data)
        return notification("command/output", orjson.dumps(chunk))
