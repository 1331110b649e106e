"""What goes to our stdout and stderr: byte for byte, at once, and never so that a Ctrl-C has to wait."""

from __future__ import annotations

import os
import select
import stat
from collections import deque

from daytona_rpc.cli.terminal import is_raw, is_terminal

STDOUT = 1
STDERR = 2

ENOUGH_BYTES = 1 << 20
"""With so much unwritten, no more is read."""

_TURN_BYTES = 1 << 18


class Output:
    """Bytes on their way to two descriptors, in one order, as a reader of both would see them.

    A descriptor is written to only when it has room, as the descriptors stay blocking: they are shared
    with whoever started us.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, memoryview]] = deque()
        self._steps = {fd: _step(fd) for fd in (STDOUT, STDERR)}
        self.bytes = 0
        """How many are not written yet."""
        self.last = {STDOUT: b"\n", STDERR: b"\n"}
        """The last byte that was given to each."""

    @property
    def fd(self) -> int:
        """The descriptor that `write_some` needs to be writable; -1 for none."""
        return self._waiting[0][0] if self._waiting else -1

    @property
    def full(self) -> bool:
        return self.bytes >= ENOUGH_BYTES

    def put(self, fd: int, data: bytes) -> None:
        """Take bytes to write."""
        if data:
            self.last[fd] = data[-1:]
            self.bytes += len(data)
            self._waiting.append((fd, memoryview(data)))

    def line(self, fd: int, text: str) -> None:
        """Take a line of our own; on a terminal, raw or not, it does not go on where the command stopped."""
        end = b"\r\n" if is_raw(fd) else b"\n"
        if is_terminal(fd) and any(self.last[one] != b"\n" and is_terminal(one) for one in (STDOUT, STDERR)):
            self.put(fd, end)
        self.put(fd, text.encode("utf-8", "replace") + end)
        self.last = {STDOUT: b"\n", STDERR: b"\n"}

    def write_some(self) -> None:
        """Write while there is room, for one turn.

        Raises:
            BrokenPipeError: nobody reads any more.
            OSError: it cannot be written, for want of space as a rule.
        """
        turn = _TURN_BYTES
        while self._waiting and turn > 0:
            fd, data = self._waiting[0]
            if not select.select([], [fd], [], 0)[1]:
                return
            try:
                written = os.write(fd, data[: self._steps[fd]])
            except BlockingIOError:
                return  # it came to us non-blocking
            turn -= written
            self.bytes -= written
            if written == len(data):
                self._waiting.popleft()
            else:
                self._waiting[0] = fd, data[written:]

    def write_all(self) -> None:
        """Write all there is, however long that takes."""
        while self._waiting:
            select.select([], [self.fd], [])
            self.write_some()

    def discard(self) -> None:
        """Forget what is not written."""
        self._waiting.clear()
        self.bytes = 0


def _step(fd: int) -> int:
    """How much a descriptor that is writable takes without blocking."""
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return select.PIPE_BUF
    return _TURN_BYTES if stat.S_ISREG(mode) else select.PIPE_BUF
