"""File descriptors of one connection: claimed from the process, read without blocking the event loop.

Nothing here imports asyncio, because `initialize` is answered before that import: `read_some` and
`write_all` are for that time, `Reader` and `writer.Writer` for all that follows.
"""

from __future__ import annotations

import fcntl
import os
import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

READ_BYTES: Final = 64 * 1024
"""A pipe's usual capacity, and small enough for malloc to serve without asking the kernel."""

_LOWEST_FD: Final = 3


def claim() -> tuple[int, int]:
    """Take stdin and stdout away from everything else and return them as (in_fd, out_fd).

    Afterwards fd 0 is /dev/null and fd 1 is stderr: a stray print, a library or a child process can
    neither eat a request nor put a byte on the wire. The returned descriptors are not inherited.
    """
    in_fd = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _LOWEST_FD)
    out_fd = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, _LOWEST_FD)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # stderr is closed
        os.dup2(null, 1)
        os.dup2(null, 2)
    if null > 2:
        os.close(null)
    return in_fd, out_fd


def read_some(fd: int, timeout_s: float) -> bytes | None:
    """Block for the next bytes, b"" at the end of the stream, None when the time is over."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if not poll.poll(timeout_s * 1000):
        return None
    try:
        return os.read(fd, READ_BYTES)
    except BlockingIOError:  # the descriptor came to us non-blocking and someone else was faster
        return None
    except OSError:  # ECONNRESET, or EIO from a terminal that hung up
        return b""


def write_all(fd: int, data: bytes) -> None:
    """Block until everything is written; raises OSError when the reader is gone."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:
            poll.poll()


def is_gone(process_id: int) -> bool:
    """Whether there is no such process; ids that name none are never gone."""
    try:
        if process_id > 0:
            os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False


class Reader:
    """Reads a descriptor on the event loop: pipes, sockets, terminals, and regular files too."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        on_data: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        """Start paused. `on_end` is called once, at the end of the stream or when the peer is gone."""
        self._loop = loop
        self._fd = fd
        self._on_data = on_data
        self._on_end = on_end
        self._paused = True
        self._ended = False
        self._was_blocking = os.get_blocking(fd)
        os.set_blocking(fd, False)

    def resume(self) -> None:
        """Read on."""
        if not self._paused or self._ended:
            return
        self._paused = False
        try:
            self._loop.add_reader(self._fd, self._read)
        except PermissionError:  # epoll refuses regular files and /dev/null: they are always readable
            self._loop.call_soon(self._read_file)

    def pause(self) -> None:
        """Leave the rest to the kernel's buffer, so that the client's writes block in time."""
        if not self._paused:
            self._paused = True
            self._loop.remove_reader(self._fd)

    def close(self) -> None:
        """Stop for good and leave the descriptor open, as blocking as it came."""
        self.pause()
        self._ended = True
        os.set_blocking(self._fd, self._was_blocking)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # ECONNRESET, or EIO from a terminal that hung up
            data = b""
        if data:
            self._on_data(data)
        else:
            self.pause()
            self._ended = True
            self._on_end()

    def _read_file(self) -> None:
        if not self._paused:
            self._read()
        if not self._paused:
            self._loop.call_soon(self._read_file)
