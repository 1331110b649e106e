"""The one client that measures every server: blocking, fast, and an ordinary pipe on either side.

It decodes each body it receives, as an editor has to, and does nothing else with it.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

_BUFFER_BYTES = 4 << 20
_READ_BYTES = 1 << 20
_END_S = 10.0

Message = dict[str, Any]


class Gone(Exception):
    """The server's output ended, or it answered with an error."""


class Client:
    """A server process and the connection to it."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._ids = 0

    # Out

    def send(self, *messages: Message) -> None:
        """Send messages with one write."""
        bodies = [orjson.dumps({"jsonrpc": "2.0", **message}) for message in messages]
        data = b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies)
        while data:
            data = data[os.write(self._in, data) :]

    def request(self, method: str, params: object = None) -> Message:
        """A request with the next id, to be sent."""
        self._ids += 1
        return {"id": self._ids, "method": method, "params": {} if params is None else params}

    # In

    def receive(self) -> Message:
        """The next message."""
        buffer = self._buffer
        while True:
            head = buffer.find(b"\r\n\r\n", self._start, self._end)
            if head >= 0:
                at = buffer.find(b"Content-Length: ", self._start, head) + 16
                line_end = buffer.find(b"\r", at, head + 1)
                stop = head + 4 + int(buffer[at:line_end])
                if stop <= self._end:
                    self._start = stop
                    message: Message = orjson.loads(self._view[head + 4 : stop])
                    return message
            self._fill()

    def waiting(self) -> bool:
        """Whether something can be received without waiting long."""
        return self._start < self._end or bool(select.select([self._out], [], [], 0)[0])

    def answer(self, request: Message, within_s: float = math.inf) -> Any:
        """The result of a request; what comes before it is decoded and dropped.

        Raises:
            TimeoutError: other messages came for so long.
        """
        until = time.perf_counter() + within_s
        while True:
            message = self.receive()
            if time.perf_counter() > until:
                raise TimeoutError(f"{request['method']}: no answer within {within_s:g} s")
            if message.get("id") == request["id"] and "method" not in message:
                if "error" in message:
                    raise Gone(f"{request['method']}: {message['error']}")
                return message["result"]

    def call(self, method: str, params: object = None, within_s: float = math.inf) -> Any:
        request = self.request(method, params)
        self.send(request)
        return self.answer(request, within_s)

    def outputs(self, limit_bytes: int | None = None) -> Iterator[str]:
        """The text of each `command/output`, until so much has come or the command is over."""
        got = 0
        while limit_bytes is None or got < limit_bytes:
            message = self.receive()
            if "error" in message:
                raise Gone(f"request {message['id']}: {message['error']}")
            method = message.get("method")
            if method == "command/output":
                text: str = message["params"]["data"]
                got += len(text)  # the programs write ASCII
                yield text
            elif method == "command/statusChanged" and message["params"]["exitCode"] is not None:
                break
        if limit_bytes is not None and got != limit_bytes:
            raise Gone(f"{got} bytes of output instead of {limit_bytes}")

    def _fill(self) -> None:
        rest = self._end - self._start
        if rest == 0:
            self._start = self._end = 0
        elif len(self._buffer) - self._end < _READ_BYTES:
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        count = os.readv(self._out, [self._view[self._end : self._end + _READ_BYTES]])
        if count == 0:
            raise Gone("the server ended")
        self._end += count

    # Life

    def initialize_request(self) -> Message:
        return self.request("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {}})

    def initialize(self) -> None:
        request = self.initialize_request()
        self.send(request)
        self.answer(request)
        self.send({"method": "initialized", "params": {}})

    def execute_request(self, command: str) -> Message:
        return self.request("command/execute", {"command": command, "runAsync": True})

    def execute(self, command: str) -> str:
        """Start a shell command; its id."""
        request = self.execute_request(command)
        self.send(request)
        return str(self.answer(request)["commandId"])

    def delete_sessions(self) -> None:
        """Leave no session, host or log behind."""
        for session in self.call("sessions/list")["sessions"]:
            self.call("sessions/delete", {"sessionId": session["sessionId"]})

    def close(self) -> None:
        """End the server: by its input's end, and by its process id where that is not enough."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()  # who is in the middle of a flood learns it this way
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            try:
                self.process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
