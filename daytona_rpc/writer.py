"""The one writer of a connection: it never blocks the event loop and holds a bounded number of bytes.

What leaves first is decided late, each time the kernel has taken everything before:

1. control frames (answers, notifications), in the order they were sent;
2. the latest notification of each key (`send_latest`);
3. log chunks, pulled from sources in turn, so that a chunk exists only once there is room for it.

An answer therefore overtakes all log chunks but the one being written and what lies in the pipe.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections import deque
from collections.abc import Callable, Hashable
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from daytona_rpc.framing import frame, header

if TYPE_CHECKING:
    import asyncio

_log = logging.getLogger(__name__)

PULL_BYTES: Final = 64 * 1024
"""About how much one source may write before it is the next one's turn."""

PASS_S: Final = 0.0005
"""How long sources are pulled before the event loop sees to its other callbacks, requests among them."""

HIGH_WATER: Final = 4 * 1024 * 1024
LOW_WATER: Final = 1024 * 1024
"""Bytes of unread answers at which reading requests stops, and at which it goes on."""

HARD_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of unread answers and notifications at which the client is given up as gone."""

PIPE_BYTES: Final = 128 * 1024
"""The pipe's capacity, which an answer has to wait for under a flood of logs.

Measured with a client that reads and does no more, two cores: 64 KiB carry 650 MB/s (p99 of an answer
0.4 ms), 128 KiB 960 MB/s (0.4 ms), 256 KiB 1,120 MB/s (0.6 ms), 1 MiB no more (10 ms). A client that
parses at 80 MB/s sees an answer after 1.2 ms, 1.7 ms, 3.3 ms, 12 ms (p50).
"""

_IOV_MAX: Final = min(os.sysconf("SC_IOV_MAX"), 1024)


class Source(Protocol):
    """Something with a stream of its own to send, such as one attached log."""

    def pull(self, max_bytes: int) -> list[bytes]:
        """Return the next frames, of about `max_bytes` in all, or [] for nothing until woken.

        One frame may lie in several pieces, but the last piece ends a frame.
        """


class Writer:
    """Writes frames to a descriptor as it has room."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        *,
        on_gone: Callable[[], None],
        on_congestion: Callable[[bool], None],
    ) -> None:
        """`on_gone`: nobody reads any more; `on_congestion`: stop (True) or go on (False) reading."""
        self._loop = loop
        self._fd = fd
        self._on_gone = on_gone
        self._on_congestion = on_congestion
        self._out: deque[bytes | memoryview] = deque()  # begun, or next
        self._unsent = 0  # bytes of it
        self._latest: dict[Hashable, Callable[[], bytes]] = {}
        self._sources: dict[Source, bool] = {}  # whether it is in `_ready`
        self._ready: deque[Source] = deque()
        self._watching = False
        self._scheduled = False
        self._corked = False
        self._drained: asyncio.Future[None] | None = None
        self.congested = False
        self.gone = False
        self._was_blocking = os.get_blocking(fd)
        os.set_blocking(fd, False)
        _set_pipe_size(fd)

    def send(self, body: bytes) -> None:
        """Send a control frame, at once if nothing is before it."""
        if self.gone:
            return
        # A large body goes out as it is, a small one is cheaper copied than written as a second piece.
        pieces = [frame(body)] if len(body) <= PULL_BYTES else [header(body), body]
        idle = not self._out
        self._append(pieces)
        if idle and not self._corked and self._write():
            return
        if self._unsent > HARD_LIMIT:
            _log.error("the client has left %d bytes unread: giving it up", self._unsent)
            self._lose()
        elif self._unsent > HIGH_WATER and not self.congested:
            self.congested = True
            self._on_congestion(True)

    def send_latest(self, key: Hashable, make: Callable[[], bytes]) -> None:
        """Send what `make` returns; while there is no room, only the latest `make` of each key is kept."""
        if self._out or self._corked:
            self._latest[key] = make
            self._schedule()
        else:
            self.send(make())

    def cork(self) -> None:
        """Hold frames back, to write those of several messages at once; `uncork` has to follow soon."""
        self._corked = True

    def uncork(self) -> None:
        """Write what was held back."""
        self._corked = False
        if self._out and not self._watching:
            self._write()

    def add_source(self, source: Source) -> None:
        """Begin to pull from the source, after the current callback."""
        self._sources[source] = False
        self.wake(source)

    def wake(self, source: Source) -> None:
        """Say that the source has something again; unknown sources are ignored."""
        if self._sources.get(source) is False:
            self._sources[source] = True
            self._ready.append(source)
            self._schedule()

    def pump(self) -> None:
        """Write now what is scheduled for the loop's next turn; for the end of a callback without answer."""
        if self._scheduled and not self._watching and not self._corked:
            self._pump()

    def remove_source(self, source: Source) -> None:
        """Pull no more from the source; what it returned before is still sent."""
        if self._sources.pop(source, False):
            self._ready.remove(source)

    async def finish(self, timeout_s: float) -> bool:
        """Pull no more and wait until the rest is with the kernel; False if that took too long."""
        self._sources.clear()
        self._ready.clear()
        if self._out or self._latest:
            self._schedule()
            self._drained = self._loop.create_future()
            timer = self._loop.call_later(timeout_s, self._set_drained)
            await self._drained
            timer.cancel()
        return not (self._out or self._latest or self.gone)

    def close(self) -> None:
        """Drop what is left and leave the descriptor open, as blocking as it came."""
        self._lose(tell=False)
        os.set_blocking(self._fd, self._was_blocking)

    def _append(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            if piece:  # `writev` would report 0 bytes written for ever
                self._out.append(piece)
                self._unsent += len(piece)

    def _pump(self) -> None:
        """Write what is there, then pull, until the kernel takes no more or it is others' turn."""
        self._scheduled = False
        end = self._loop.time() + PASS_S
        while self._out or self._fill():
            if not self._write():
                return
            if self._loop.time() > end:
                self._schedule()  # does nothing while watching: the descriptor is still writable
                return
        self._unwatch()

    def _fill(self) -> bool:
        """Make the next frames; False when there are none."""
        if self._latest:
            latest, self._latest = self._latest, {}
            for make in latest.values():
                try:
                    self._append([frame(make())])
                except Exception as error:
                    _log.error("a notification could not be made: %s", type(error).__name__)
        while not self._out and self._ready:
            source = self._ready.popleft()
            self._sources[source] = False
            try:
                pieces = source.pull(PULL_BYTES)
            except Exception as error:
                _log.error("a source failed and is removed: %s", type(error).__name__)
                self._sources.pop(source, None)
                continue
            if pieces:
                self._append(pieces)
                if self._sources.get(source) is False:
                    self._sources[source] = True
                    self._ready.append(source)
        return bool(self._out)

    def _write(self) -> bool:
        """Write what the kernel takes; False when that was not all, and the rest waits for room."""
        out = self._out
        while out:
            pieces = list(islice(out, _IOV_MAX))
            try:
                written = os.writev(self._fd, pieces) if len(pieces) > 1 else os.write(self._fd, pieces[0])
            except BlockingIOError:
                written = 0
            except OSError as error:  # EPIPE, ECONNRESET
                _log.info("the client reads no more: %s", error.strerror)
                self._lose()
                return True
            self._unsent -= written
            for piece in pieces:
                if written < len(piece):
                    out[0] = memoryview(piece)[written:]
                    self._settle()
                    self._watch()
                    return False
                written -= len(piece)
                out.popleft()
        self._settle()
        return True

    def _settle(self) -> None:
        """Tell those who wait for room that there is some."""
        if self.congested and self._unsent < LOW_WATER:
            self.congested = False
            self._loop.call_soon(self._on_congestion, False)
        if self._drained is not None and not (self._out or self._latest):
            self._set_drained()

    def _set_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _schedule(self) -> None:
        if not self._scheduled and not self._watching and not self.gone:
            self._scheduled = True
            self._loop.call_soon(self._pump)

    def _watch(self) -> None:
        if self._watching:
            return
        try:
            self._loop.add_writer(self._fd, self._pump)
            self._watching = True
        except PermissionError:  # epoll refuses a regular file, which never lacks room
            os.set_blocking(self._fd, True)
            self._schedule()

    def _unwatch(self) -> None:
        if self._watching:
            self._watching = False
            self._loop.remove_writer(self._fd)

    def _lose(self, *, tell: bool = True) -> None:
        if self.gone:
            return
        self.gone = True
        self._unwatch()
        self._out.clear()
        self._latest.clear()
        self._sources.clear()
        self._ready.clear()
        self._unsent = 0
        self._set_drained()
        if tell:
            self._on_gone()


def _set_pipe_size(fd: int) -> None:
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # a socket, a file, or the user's pipes are over their limit
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
