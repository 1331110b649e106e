"""The event loop of a host: files to watch, timers, and children that end.

asyncio would do this and more, at twice the memory and four times the start-up of a whole host.
"""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import socket
import time
from functools import partial
from typing import Callable

Callback = Callable[[], None]

_UNWATCHED = (None, None)


class Timer:
    """A call to come; `cancel` makes it never come."""

    __slots__ = ("call", "due")

    def __init__(self, due: float, call: Callback) -> None:
        self.due = due
        self.call: Callback | None = call

    def cancel(self) -> None:
        self.call = None

    def __lt__(self, other: Timer) -> bool:
        return self.due < other.due


class Loop:
    """Runs callbacks on one thread; no callback may block."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[Timer] = []
        self._children: dict[int, Callable[[int], None]] = {}
        self._after: Callback | None = None
        self.on_error: Callable[[], None] | None = None
        """Called for an exception in a callback, while it is handled; the loop goes on."""
        self._running = True
        self._wake_read, self._wake_write = socket.socketpair()
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._selector.register(self._wake_read, selectors.EVENT_READ, (self._on_signal, None))

    def add_reader(self, fd: int, call: Callback) -> None:
        self._change(fd, read=call)

    def remove_reader(self, fd: int) -> None:
        self._change(fd, read=None)

    def add_writer(self, fd: int, call: Callback) -> None:
        self._change(fd, write=call)

    def remove_writer(self, fd: int) -> None:
        self._change(fd, write=None)

    def call_later(self, seconds: float, call: Callback) -> Timer:
        timer = Timer(time.monotonic() + seconds, call)
        heapq.heappush(self._timers, timer)
        return timer

    def watch_child(self, pid: int, call: Callable[[int], None]) -> None:
        """Call with the wait status once the child has ended; it is reaped then."""
        # Children are reaped between callbacks only: it cannot have been missed.
        self._children[pid] = call

    def after_each_turn(self, call: Callback) -> None:
        """Call once after all that was ready has been handled: the place to send what has gathered."""
        self._after = call

    def stop(self) -> None:
        self._running = False

    def run(self) -> None:
        while self._running:
            for key, mask in self._selector.select(self._timeout()):
                for side, event in enumerate((selectors.EVENT_READ, selectors.EVENT_WRITE)):
                    call = self._watched(key.fd)[side] if mask & event else None
                    if call is not None and call is key.data[side]:
                        self._call(call)
            self._run_timers()
            if self._after is not None:
                self._call(self._after)

    def _call(self, call: Callback) -> None:
        try:
            call()
        except Exception:
            if self.on_error is None:
                raise
            try:
                self.on_error()
            except Exception:
                pass  # where it cannot even be told, on a full disk, commands go on all the same

    def _timeout(self) -> float | None:
        while self._timers and self._timers[0].call is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0].due - time.monotonic()) if self._timers else None

    def _run_timers(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0].due <= now:
            call = heapq.heappop(self._timers).call
            if call is not None:
                self._call(call)

    def _on_signal(self) -> None:
        try:
            self._wake_read.recv(4096)
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            ended = self._children.pop(pid, None)
            if ended is not None:  # else an orphan we inherited
                self._call(partial(ended, status))

    _KEEP = object()

    def _change(self, fd: int, read: object = _KEEP, write: object = _KEEP) -> None:
        before = self._watched(fd)
        after = tuple(old if new is self._KEEP else new for old, new in zip(before, (read, write)))  # noqa: B905 (`strict` came with Python 3.10)
        events = (selectors.EVENT_READ if after[0] else 0) | (selectors.EVENT_WRITE if after[1] else 0)
        if before == _UNWATCHED:
            if events:
                self._selector.register(fd, events, after)
        elif events:
            self._selector.modify(fd, events, after)
        else:
            self._selector.unregister(fd)

    def _watched(self, fd: int) -> tuple[Callback | None, Callback | None]:
        """What to call for a descriptor now: a callback before it in the turn may have changed that."""
        try:
            found: tuple[Callback | None, Callback | None] = self._selector.get_key(fd).data
        except KeyError:
            return _UNWATCHED
        return found
