"""A strict client of the real server over stdio.

It trusts nothing it receives: a malformed frame, a second answer to one request, a gap or an overlap in a
log is an `AssertionError` in the test that asks.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

SERVER = (sys.executable, "-m", "daytona_rpc", "--stdio")
FINAL = frozenset({"completed", "stopped", "failed", "lost"})
Message = dict[str, Any]


class RpcFailure(Exception):
    """The server answered a request with an error."""

    def __init__(self, error: Message) -> None:
        super().__init__(f"{error['code']} {error['message']} {error.get('data')}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: Any = error.get("data")


class ServerGone(Exception):
    """The server's stdout ended while a request or a wait was open."""


def decode(chunk: Message) -> bytes:
    """The bytes of one LogChunk."""
    if chunk["encoding"] == "base64":
        return base64.b64decode(chunk["data"], validate=True)
    assert chunk["encoding"] == "utf8", chunk["encoding"]
    return str(chunk["data"]).encode()


def assemble(chunks: Iterable[Message], start: int | None = None) -> bytes:
    """The bytes of `chunks`, which must follow each other without gap, overlap or empty chunk."""
    parts: list[bytes] = []
    at = start
    for chunk in chunks:
        data = decode(chunk)
        at = chunk["offset"] if at is None else at
        assert at == chunk["offset"], f"expected offset {at}, got {chunk['offset']}"
        assert data, f"empty chunk at {at}"
        at += len(data)
        parts.append(data)
    return b"".join(parts)


def eventually(condition: Callable[[], Any], timeout_s: float = 10, what: str = "") -> Any:
    """The first true value of `condition`, for what no message announces: processes, files, sockets."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what or condition}"
        time.sleep(0.01)
    return value


def take_frames(buffer: bytearray) -> Iterable[bytes]:
    """Take the bodies of the whole frames at the front of `buffer`; anything but a frame is refused."""
    while (end := buffer.find(b"\r\n\r\n")) >= 0:
        name, _, length = bytes(buffer[:end]).partition(b": ")
        assert name == b"Content-Length", f"not a header: {bytes(buffer[:end])[:200]!r}"
        stop = end + 4 + int(length)
        if len(buffer) < stop:
            return
        yield bytes(buffer[end + 4 : stop])
        del buffer[:stop]
    assert len(buffer) < 200, f"not a header: {bytes(buffer)[:200]!r}"


class Client:
    """One editor: a server process and everything it said, in the order it said it."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, stderr: Path) -> None:
        self._stderr = stderr
        with stderr.open("wb") as errors:
            self.process = subprocess.Popen(
                argv,
                env=env,
                cwd=cwd,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._ids = itertools.count(1)
        self._answers: dict[Any, Message] = {}
        self._changed = threading.Condition()
        self._may_read = threading.Event()
        self._may_read.set()
        self.received: list[Message] = []
        self.fault: BaseException | None = None
        self.gone = False
        self._reader = threading.Thread(target=self._read, name=f"reader of {self.process.pid}", daemon=True)
        self._reader.start()

    # -- what the server says

    def _read(self) -> None:
        buffer = bytearray()
        try:
            while self._may_read.wait() and (data := os.read(self._stdout.fileno(), 1 << 20)):
                buffer += data
                for body in take_frames(buffer):
                    self._receive(orjson.loads(body))
        except BaseException as error:  # whatever it is, the test that waits has to see it
            self.fault = error
        finally:
            with self._changed:
                self.gone = True
                self._changed.notify_all()

    def _receive(self, message: Message) -> None:
        assert message["jsonrpc"] == "2.0", message
        with self._changed:
            self.received.append(message)
            if "method" not in message:
                assert message["id"] is None or message["id"] not in self._answers, f"second answer {message}"
                assert ("result" in message) != ("error" in message), message
                self._answers[message["id"]] = message
            self._changed.notify_all()
        if "method" in message and "id" in message:
            self.send({"id": message["id"], "result": None})

    def pause(self) -> None:
        """Play a client that does not read: at most one more read of the pipe happens."""
        self._may_read.clear()

    def resume(self) -> None:
        self._may_read.set()

    def wait_for(self, predicate: Callable[[Message], Any], timeout_s: float = 20, since: int = 0) -> Message:
        """The first message from index `since` on for which `predicate` holds."""
        index, deadline = since, time.monotonic() + timeout_s
        while True:
            with self._changed:
                while index == len(self.received):
                    if self.gone:
                        raise ServerGone(f"exit code {self.process.poll()}") from self.fault
                    assert self._changed.wait(deadline - time.monotonic()), "no such message within the bound"
            for message in self.received[index:]:
                index += 1
                if predicate(message):
                    return message
            assert time.monotonic() < deadline, "no such message within the bound"

    def wait_notification(self, method: str, timeout_s: float = 20, since: int = 0, **fields: Any) -> Message:
        """The params of the first `method` notification whose params hold all `fields`."""

        def fits(message: Message) -> bool:
            params = message.get("params", {})
            return message.get("method") == method and all(params.get(k) == v for k, v in fields.items())

        params: Message = self.wait_for(fits, timeout_s, since)["params"]
        return params

    def notifications(self, method: str, since: int = 0, **fields: Any) -> list[Message]:
        """The params of all `method` notifications so far whose params hold all `fields`."""
        found = (m["params"] for m in self.received[since:] if m.get("method") == method and "id" not in m)
        return [params for params in found if all(params.get(k) == v for k, v in fields.items())]

    # -- what the client says

    def raw(self, data: bytes) -> None:
        self._stdin.write(data) if data else None

    def send(self, message: Message) -> None:
        body = orjson.dumps({"jsonrpc": "2.0", **message})
        with contextlib.suppress(BrokenPipeError):  # the wait for the answer then says that it is gone
            self.raw(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"method": method, "params": {} if params is None else params})

    def send_request(self, method: str, params: Any = None) -> int:
        request_id = next(self._ids)
        self.send({"id": request_id, "method": method, "params": {} if params is None else params})
        return request_id

    def answer(self, request_id: Any, timeout_s: float = 20) -> Message:
        """The whole response message to a request."""
        with self._changed:
            self._changed.wait_for(lambda: request_id in self._answers or self.gone, timeout_s)
            if request_id in self._answers:
                return self._answers[request_id]
            if self.gone:
                raise ServerGone(f"exit code {self.process.poll()}") from self.fault
        raise AssertionError(f"request {request_id} not answered within {timeout_s} s")

    def result(self, request_id: Any, timeout_s: float = 20) -> Any:
        answer = self.answer(request_id, timeout_s)
        if "error" in answer:
            raise RpcFailure(answer["error"])
        return answer["result"]

    def request(self, method: str, params: Any = None, timeout_s: float = 20) -> Any:
        return self.result(self.send_request(method, params), timeout_s)

    def refused(self, method: str, **params: Any) -> RpcFailure:
        """The error that a request is answered with."""
        try:
            result = self.request(method, params)
        except RpcFailure as failure:
            return failure
        raise AssertionError(f"{method} was answered with {result}")

    # -- commands

    def initialize(self, **params: Any) -> Any:
        result = self.request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": {}, **params}
        )
        self.notify("initialized")
        return result

    def run(self, session_id: str, what: str | list[str], timeout_s: float = 20, **params: Any) -> Message:
        """Execute shell text, or an argument list, and await its end."""
        text = {"command": what} if isinstance(what, str) else {"argv": what}
        params = {"sessionId": session_id, **text, **params}
        result: Message = self.request("command/execute", params, timeout_s)
        return result

    def start(self, session_id: str, what: str | list[str], **params: Any) -> str:
        """Execute shell text, or an argument list, in the background; its command id."""
        return str(self.run(session_id, what, runAsync=True, **params)["commandId"])

    def status(self, command_id: str) -> Message:
        result: Message = self.request("command/status", {"commandId": command_id})
        return result

    def wait_finished(self, command_id: str, timeout_s: float = 20) -> Message:
        """The final `command/statusChanged` of a command: all its output has been received before it."""

        def final(message: Message) -> bool:
            return (
                message.get("method") == "command/statusChanged"
                and message["params"]["commandId"] == command_id
                and message["params"]["status"] in FINAL
            )

        params: Message = self.wait_for(final, timeout_s)["params"]
        return params

    def output(self, command_id: str, channel: str | None = None, since: int = 0) -> bytes:
        """What arrived of a command's log as notifications, strictly; then the part of one channel."""
        chunks = self.notifications("command/output", since, commandId=command_id)
        whole = assemble(chunks)
        return whole if channel is None else b"".join(decode(c) for c in chunks if c["channel"] == channel)

    def wait_output(self, command_id: str, part: bytes, timeout_s: float = 20, since: int = 0) -> bytes:
        """The output so far, once it holds `part`."""
        got = bytearray()

        def holds(message: Message) -> bool:
            if message.get("method") != "command/output" or message["params"]["commandId"] != command_id:
                return False
            got.extend(decode(message["params"]))
            return part in got

        self.wait_for(holds, timeout_s, since)
        return bytes(got)

    def log(self, command_id: str, offset: int = 0, **params: Any) -> bytes:
        """The log as `command/logs` tells it, page by page to its present end, strictly."""
        parts: list[bytes] = []
        while True:
            page = self.request("command/logs", {"commandId": command_id, "offset": offset, **params})
            parts.append(assemble(page["chunks"], offset))
            assert offset + len(parts[-1]) == page["nextOffset"]
            if page["nextOffset"] == page["size"]:
                return b"".join(parts)
            assert page["nextOffset"] > offset, "a page without progress"
            offset = page["nextOffset"]

    # -- the end

    def end_input(self) -> None:
        self._stdin.close()

    def kill(self) -> None:
        """SIGKILL: the server has no time for anything."""
        self.process.kill()
        self.dispose()

    def close(self, exit_code: int = 0) -> None:
        """Shut down as LSP says; assert the exit code and that the server was quiet on stderr."""
        try:
            self.resume()
            self.request("shutdown")
            self.notify("exit")
            assert exit_code == self.process.wait(20)
        finally:
            self.dispose()

    def dispose(self) -> None:
        """Leave nothing of the client; assert that the wire and stderr were clean."""
        self.resume()
        with contextlib.suppress(OSError):
            self._stdin.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        self._reader.join(20)
        self._stdout.close()
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        assert self._stderr.read_bytes() == b"", "the server wrote on stderr"
