"""The host's control socket: lines of JSON, any number of sidecars, none of them able to hurt.

    -> {"id": 1, "op": "execute", ...}
    <- {"id": 1, "r": {...}}  or  {"id": 1, "x": {"kind": ..., "message": ...}}
    <- {"e": "hello" | "status" | "log" | "ready" | "session" | "bye" | "deleted", ...}

Each request gets one answer. Events say how things stand, not each step on the way: for a sidecar that
does not read, only the newest status of each command and the newest size of each log are kept, so a
slow reader costs a bounded amount and never delays a command.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Callable

from .loop import Loop
from .records import Record

VERSION = 1
_encode = json.JSONEncoder(separators=(",", ":")).encode  # `json.dumps` would make one for each message
_LINE_MAX_BYTES = 64 << 20
_UNREAD_MAX_BYTES = 8 << 20  # answers a peer may leave unread before its requests wait
_PEERS_MAX = 256
_READ_BYTES = 256 << 10
_ACCEPT_AGAIN_S = 0.1

Answer = Callable[[Record], None]
Handler = Callable[["Peer", Record, Answer], None]


class Peer:
    """One connected sidecar."""

    def __init__(self, loop: Loop, connection: socket.socket, server: Control) -> None:
        self._loop = loop
        self._connection = connection
        self._fd = connection.fileno()
        self._server = server
        self._line = bytearray()
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._news: dict[tuple[str, ...], Callable[[], Record]] = {}
        self.following: set[str] = set()
        self._blocked = False
        self._closed = False
        connection.setblocking(False)
        loop.add_reader(self._fd, self._on_readable)

    def send(self, message: Record) -> None:
        """Send what no later message may replace, behind all news before it."""
        if self._news and not self._blocked:
            self._take_news()
        self._append(message)

    def _append(self, message: Record) -> None:
        if self._closed:
            return
        data = _encode(message).encode() + b"\n"
        self._out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes > _UNREAD_MAX_BYTES:
            self._loop.remove_reader(self._fd)

    def _take_news(self) -> None:
        news, self._news = self._news, {}
        for make in news.values():
            self._append(make())

    def tell(self, key: tuple[str, ...], make: Callable[[], Record]) -> None:
        """Send an event when there is room; a later one of the same key takes its place."""
        self._news.pop(key, None)
        self._news[key] = make

    def flush(self) -> None:
        """Send what has gathered, as far as the peer takes it."""
        if self._blocked or self._closed:
            return
        while self._out or self._news:
            if not self._out:
                self._take_news()
            data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            try:
                sent = self._connection.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.close()
                return
            was_full = self._out_bytes > _UNREAD_MAX_BYTES
            self._out_bytes -= sent
            self._out = [data[sent:]] if sent < len(data) else []
            if was_full and self._out_bytes <= _UNREAD_MAX_BYTES:
                self._loop.add_reader(self._fd, self._on_readable)
            if self._out:
                self._blocked = True
                self._loop.add_writer(self._fd, self._unblock)
                return

    def _unblock(self) -> None:
        self._blocked = False
        self._loop.remove_writer(self._fd)
        self.flush()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._connection.close()
            self._server.peers.discard(self)

    def _on_readable(self) -> None:
        try:
            data = self._connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        *lines, rest = data.split(b"\n")
        for line in lines:
            if self._closed:
                return
            self._line += line
            line, self._line = bytes(self._line), bytearray()
            self._on_line(line)
        self._line += rest
        if len(self._line) > _LINE_MAX_BYTES:
            self.close()

    def _on_line(self, line: bytes) -> None:
        try:
            request = json.loads(line)
            number, op = request["id"], request["op"]
            if not isinstance(number, int) or not isinstance(op, str):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            self.close()  # not one of ours, or broken: there is nobody to answer
            return
        self._server.handle(self, request, lambda answer: self.send({"id": number, **answer}))


class Control:
    """Listens on the session's socket and hands requests to `handle`."""

    def __init__(self, loop: Loop, directory: str, handle: Handler, hello: Callable[[], Record]) -> None:
        self._loop = loop
        self.path = os.path.join(directory, "sock")
        self.handle = handle
        self._hello = hello
        self.peers: set[Peer] = set()
        self._listener = listen(directory)
        loop.add_reader(self._listener.fileno(), self._accept)
        loop.after_each_turn(self.flush)

    def flush(self) -> None:
        for peer in list(self.peers):
            peer.flush()

    def tell(self, key: tuple[str, ...], make: Callable[[], Record]) -> None:
        """Tell every sidecar."""
        for peer in self.peers:
            peer.tell(key, make)

    def close(self) -> None:
        """Stop listening; who was about to connect is let in first, so that it learns why."""
        if self._listener.fileno() >= 0:
            self._accept()
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                pass

    def _accept_later(self) -> None:
        """Where no descriptor is free: who waits there would wake the loop again and again."""
        self._loop.remove_reader(self._listener.fileno())
        self._loop.call_later(_ACCEPT_AGAIN_S, self._accept_again)

    def _accept_again(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:
                self._accept_later()
                return
            if len(self.peers) >= _PEERS_MAX:
                connection.close()
                continue
            peer = Peer(self._loop, connection, self)
            self.peers.add(peer)
            peer.send({"e": "hello", "v": VERSION, **self._hello()})


def listen(directory: str) -> socket.socket:
    """Listen on `sock` in a directory, however long its path is."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    back = os.open(".", os.O_RDONLY)
    try:
        # A socket's path has room for some 100 bytes, so it is bound by its name alone.
        os.chdir(directory)
        try:
            os.unlink("sock")
        except FileNotFoundError:
            pass
        before = os.umask(0o177)
        try:
            listener.bind("sock")
        finally:
            os.umask(before)
        listener.listen(_PEERS_MAX * 2)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    finally:
        os.fchdir(back)
        os.close(back)
    return listener
