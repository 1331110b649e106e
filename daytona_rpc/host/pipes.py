"""The two ends of a command's pipes that are not its log: what it is given, and what nobody reads."""

from __future__ import annotations

import os
from typing import Callable

from .loop import Loop

_HELD_BYTES = 1 << 20  # input beyond this is acknowledged only as the command takes it
_READ_BYTES = 256 << 10
_TERMINAL_EOF = b"\x04"


class Input:
    """Feeds a command's standard input, or its terminal, as it takes it."""

    def __init__(self, loop: Loop, fd: int, *, terminal: bool) -> None:
        self._loop = loop
        self._fd = fd
        self._terminal = terminal
        self._waiting: list[tuple[memoryview, Callable[[], None] | None]] = []
        self._bytes = 0
        self._ends = False

    def write(self, data: bytes, done: Callable[[], None]) -> None:
        """Give it input; `done` is called once there is room for more, or nobody reads it any more."""
        self._bytes += len(data)
        held = self._bytes > _HELD_BYTES
        if data:
            self._waiting.append((memoryview(data), done if held else None))
        if not (data and held):
            done()
        self._feed()

    def end(self) -> None:
        """Let the command read the end of file behind what was written."""
        if self._terminal:
            self._bytes += 1
            self._waiting.append((memoryview(_TERMINAL_EOF), None))
        else:
            self._ends = True
        self._feed()

    def close(self) -> None:
        """Give it nothing more. A terminal's descriptor is closed with its output."""
        waiting, self._waiting = self._waiting, []
        self._bytes = 0
        if self._fd >= 0:
            self._loop.remove_writer(self._fd)
            if not self._terminal:
                os.close(self._fd)
            self._fd = -1
        for _, done in waiting:
            if done is not None:
                done()

    def _feed(self) -> None:
        while self._waiting and self._fd >= 0:
            data, done = self._waiting[0]
            try:
                written = os.write(self._fd, data)
            except BlockingIOError:
                self._loop.add_writer(self._fd, self._feed)
                return
            except OSError:
                self.close()  # it does not read any more
                return
            self._bytes -= written
            if written < len(data):
                self._waiting[0] = (data[written:], done)
            else:
                self._waiting.pop(0)
                if done is not None:
                    done()
        if self._fd < 0:
            self.close()
            return
        self._loop.remove_writer(self._fd)
        if self._ends:
            self.close()


class Sink:
    """Reads a descriptor to its end and forgets what it reads.

    A child that outlived its command still writes there; a closed pipe would kill it.
    """

    alive = 0
    """How many there are; while there is one, the host must stay."""

    def __init__(self, loop: Loop, fd: int) -> None:
        self._loop = loop
        self._fd = fd
        Sink.alive += 1
        loop.add_reader(fd, self._discard)

    def _discard(self) -> None:
        try:
            more = bool(os.read(self._fd, _READ_BYTES))
        except BlockingIOError:
            return
        except OSError:
            more = False
        if not more:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            Sink.alive -= 1
