"""Noticing that a command is ready: its port accepts, its URL answers, or a line appears."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import sys
from typing import Callable

from .loop import Loop, Timer
from .records import Record

_FIRST_S, _SLOWEST_S = 0.02, 0.25
_LINE_MAX_BYTES = 4096  # longer lines are matched by their beginning: no program announces itself later
_ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_LINE_ENDS = re.compile(rb"[\r\n]")


class Readiness:
    """The conditions of one command, of which the first that holds makes it ready.

    `done` is called once: with what was found, or with None when the time is over.
    """

    def __init__(self, loop: Loop, asked: Record, done: Callable[[Record | None], None]) -> None:
        self._done = done
        self._over = False
        self._lines = None if asked.get("pattern") is None else LineWatch(asked["pattern"])
        self._watches: list[PortWatch | UrlWatch] = []
        self._limit: Timer | None = None
        if asked.get("timeoutMs") is not None:
            self._limit = loop.call_later(asked["timeoutMs"] / 1000, lambda: self._finish(None))
        if asked.get("url") is not None:
            url = asked["url"]
            self._watches.append(UrlWatch(loop, url, lambda: self._finish({"url": url})))
        if asked.get("port") is not None:
            port = asked["port"]
            self._watches.append(PortWatch(loop, port, lambda: self._finish({"port": port})))

    def feed(self, channel: int, data: bytes) -> None:
        """Take what the command wrote."""
        line = self._lines.feed(channel, data) if self._lines is not None else None
        if line is not None:
            self._finish({"line": line})

    def cancel(self) -> None:
        """Look no further; `done` is not called any more."""
        self._over = True
        if self._limit is not None:
            self._limit.cancel()
        for watch in self._watches:
            watch.cancel()

    def _finish(self, found: Record | None) -> None:
        if not self._over:
            self.cancel()
            self._done(found)


class LineWatch:
    """Looks for a pattern in the lines of each channel, without their colours."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self._rest: dict[int, bytes] = {}

    def feed(self, channel: int, data: bytes) -> str | None:
        """The first line that matches, or None. A last line without its end counts too: prompts have none."""
        lines = _LINE_ENDS.split(self._rest.get(channel, b"") + data)
        self._rest[channel] = lines[-1][:_LINE_MAX_BYTES]
        for line in lines:
            text = _ESCAPES.sub(b"", line[:_LINE_MAX_BYTES]).decode("utf-8", "replace")
            if text and self._pattern.search(text):
                return text
        return None


class PortWatch:
    """Tries to connect to a port of this machine until something accepts."""

    def __init__(self, loop: Loop, port: int, found: Callable[[], None]) -> None:
        self._loop = loop
        self._port = port
        self._found = found
        self._delay_s = _FIRST_S
        self._trying: list[socket.socket] = []
        self._timer: Timer | None = loop.call_later(0, self._try)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._close()

    def _close(self) -> None:
        for attempt in self._trying:
            attempt.close()
        self._trying.clear()

    def _try(self) -> None:
        for attempt in self._trying:
            if attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and _connected(attempt):
                self._accepted()
                return
        self._close()
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                attempt = socket.socket(family, socket.SOCK_STREAM)
            except OSError:
                continue  # no IPv6 here
            attempt.setblocking(False)
            answer = attempt.connect_ex((address, self._port))
            if answer == 0 and _connected(attempt):
                attempt.close()
                self._accepted()
                return
            if answer == errno.EINPROGRESS:
                self._trying.append(attempt)
            else:
                attempt.close()
        self._timer = self._loop.call_later(self._delay_s, self._try)
        self._delay_s = min(_SLOWEST_S, self._delay_s * 1.5)

    def _accepted(self) -> None:
        self._close()
        self._found()


def _connected(attempt: socket.socket) -> bool:
    try:
        # A port in the ephemeral range can connect to itself; that is nobody's server.
        return bool(attempt.getpeername() != attempt.getsockname())
    except OSError:
        return False


class UrlWatch:
    """Asks for a URL until any HTTP answer comes, in a process of its own.

    Name look-ups block and TLS is heavy: neither belongs into the host.
    """

    def __init__(self, loop: Loop, url: str, found: Callable[[], None]) -> None:
        read, write = os.pipe()
        try:
            os.set_blocking(write, False)  # what does not fit into a pipe is no URL that anybody serves
            os.write(write, url.encode())  # not an argument: a URL can hold a token
            program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.py")
            null = (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)
            actions = [(os.POSIX_SPAWN_DUP2, read, 0), null, (os.POSIX_SPAWN_DUP2, 1, 2)]
            argv = [sys.executable, "-I", "-S", program]
            self._pid = os.posix_spawn(
                sys.executable, argv, dict(os.environ), file_actions=actions, setsid=True
            )
        finally:
            os.close(read)
            os.close(write)
        self._cancelled = False
        self._ended = False
        self._found = found
        loop.watch_child(self._pid, self._on_end)

    def cancel(self) -> None:
        self._cancelled = True
        if not self._ended:
            os.kill(self._pid, signal.SIGKILL)

    def _on_end(self, status: int) -> None:
        self._ended = True
        if not self._cancelled and status == 0:
            self._found()
