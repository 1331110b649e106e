"""A client of the server, as an editor is one: started over pipes, spoken to in JSON-RPC.

One thread, no asyncio: a caller either waits for an answer, or puts the descriptors into a `select` of its
own. Imports are kept few, and what takes long is imported while the server starts.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from daytona_rpc.cli.failure import Failure, Refused, ServerGone

Message = dict[str, Any]

ANSWER_WITHIN_S = 60.0
_READ_BYTES = 1 << 18
_PIPE_BYTES = 1 << 20
_END_WITHIN_S = 2.0
_LAST_WORDS_BYTES = 4096
_METHOD_NOT_FOUND = -32601


class Client:
    """A server process, and what is said with it.

    Nothing is waited for at the start: requests may be posted at once.
    """

    def __init__(self, options: list[str]) -> None:
        """Start a server with `options`, which say where its state and its log are."""
        self._options = options
        self.on_message: Callable[[str], None] = lambda text: None
        """Gets what the server wants its user to read."""
        self._number = 0
        self._pid = 0
        self.input = self.output = self.errors = -1
        self._start()

    def _start(self) -> None:
        self.input, self.output, self.errors, self._pid = _spawn(self._options)
        # From here on the server is busy with its own start.
        import orjson

        from daytona_rpc.framing import FrameReader, frame

        self._dumps, self._loads, self._frame = orjson.dumps, orjson.loads, frame
        self._reader = FrameReader()
        self._unsent = bytearray()
        self._last_words = b""
        self._initialized = self.post(
            "initialize",
            {"processId": os.getpid(), "clientInfo": {"name": "daytona-rpc"}, "capabilities": {}},
        )
        self.server: Message = {}
        self._send({"method": "initialized", "params": {}})

    def restart(self) -> None:
        """Start another server in place of one that is gone; nothing of the old one is answered any more."""
        self.close()
        self._start()

    # Saying

    @property
    def unsent(self) -> bool:
        """Whether `flush` has something to do once `input` is writable."""
        return bool(self._unsent)

    def post(self, method: str, params: Message | None = None) -> int:
        """Send a request and return its id.

        Raises:
            Failure: the params hold text that is not Unicode.
        """
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params or {}})
        return self._number

    def _send(self, message: Message) -> None:
        try:
            body = self._dumps({"jsonrpc": "2.0", **message})
        except TypeError as error:  # half of a surrogate pair: a byte of an argument that is not UTF-8
            raise Failure("arguments have to be UTF-8") from error
        self._unsent += self._frame(body)
        self.flush()

    def flush(self) -> None:
        """Send what fits without waiting. A server that is gone is noticed by reading."""
        with suppress(BlockingIOError):
            while self._unsent:
                try:
                    del self._unsent[: os.write(self.input, self._unsent)]
                except BrokenPipeError:
                    self._unsent.clear()

    # Hearing

    def receive(self) -> list[Message]:
        """What `output` holds now: answers and notifications, in order.

        Raises:
            ServerGone: the server has ended.
        """
        try:
            data = os.read(self.output, _READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            raise ServerGone(self._obituary())
        found = []
        for body in self._reader.feed(data):
            if not isinstance(body, bytes):
                raise ServerGone(f"the server does not speak the protocol: {body}")
            message: Message = self._loads(body)
            if "method" not in message:
                if message["id"] == self._initialized:
                    self._greeted(message)
                else:
                    found.append(message)
            elif "id" in message:
                error = {"code": _METHOD_NOT_FOUND, "message": "a command line cannot do that"}
                self._send({"id": message["id"], "error": error})
            elif message["method"] == "window/showMessage":
                self.on_message(message["params"]["message"])
            else:
                found.append(message)
        return found

    def _greeted(self, message: Message) -> None:
        if "error" in message:
            raise ServerGone(f"the server does not start: {message['error']['message']}")
        self.server = message["result"]

    def read_errors(self) -> None:
        """Keep the last of what the server wrote on its stderr: mostly nothing."""
        with suppress(BlockingIOError):
            while data := os.read(self.errors, _LAST_WORDS_BYTES):
                self._last_words = (self._last_words + data)[-_LAST_WORDS_BYTES:]

    def wait(self, timeout_s: float) -> list[Message]:
        """Wait for the next messages.

        Raises:
            ServerGone: the server has ended, or said nothing for that long.
        """
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            writes = [self.input] if self._unsent else []
            readable, writable, _ = select.select([self.output, self.errors], writes, [], left)
            if writable:
                self.flush()
            if self.errors in readable:
                self.read_errors()
                if self.output not in readable:
                    time.sleep(0.001)  # a server that closed its stderr, or floods it
            if self.output in readable and (found := self.receive()):
                return found
        raise ServerGone(f"the server has not answered for {timeout_s:.0f} s")

    def answer(self, number: int, timeout_s: float = ANSWER_WITHIN_S) -> Any:
        """The result of a posted request; notifications that come before it are dropped.

        Raises:
            Refused: the answer is an error.
            ServerGone: there is none.
        """
        return self.answers([number], timeout_s)[0]()

    def answers(self, numbers: list[int], timeout_s: float = ANSWER_WITHIN_S) -> list[Callable[[], Any]]:
        """The answers to posted requests, each as a function that returns its result or raises `Refused`."""
        found: dict[int, Message] = {}
        while len(found) < len(numbers):
            for message in self.wait(timeout_s):
                if "method" not in message and message["id"] in numbers:
                    found[message["id"]] = message
        return [lambda message=found[number]: result(message) for number in numbers]  # type: ignore[misc]

    def request(self, method: str, params: Message | None = None, timeout_s: float = ANSWER_WITHIN_S) -> Any:
        """Send a request and wait for its result; notifications that come before it are dropped.

        Raises:
            Refused: the answer is an error.
            ServerGone: there is none.
        """
        return self.answer(self.post(method, params), timeout_s)

    # The end

    def _obituary(self) -> str:
        """Why the server is gone, as far as can be seen."""
        status = self._reap(_END_WITHIN_S)
        self.read_errors()
        lines = self._last_words.decode("utf-8", "replace").strip().splitlines()
        reason = f": {lines[-1]}" if lines else ""
        how = "ended" if self.server else "did not start"
        if status is not None and status < 0:
            return f"the server {how}, killed by signal {-status}{reason}"
        return f"the server {how}{reason}" if status in (None, 0) else f"the server {how} ({status}){reason}"

    def _reap(self, timeout_s: float) -> int | None:
        """The server's exit code, negative for a signal; None while it lives."""
        end = time.monotonic() + timeout_s
        while self._pid:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._pid = 0
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= end:
                break
            time.sleep(0.002)
        return None

    def close(self, wait_s: float = 0.0) -> None:
        """Leave the server: it ends when its input does, and what it has started goes on."""
        for fd in (self.input, self.output, self.errors):
            if fd >= 0:
                os.close(fd)
        self.input = self.output = self.errors = -1
        self._reap(wait_s)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def result(message: Message) -> Any:
    """The result in an answer.

    Raises:
        Refused: it holds an error.
    """
    if "error" in message:
        raise Refused(message["error"])
    return message["result"]


def _spawn(options: list[str]) -> tuple[int, int, int, int]:
    """Start a server; its stdin, stdout and stderr, and its process id."""
    # `-P`: a file of the current directory must not stand in for a module of ours.
    argv = [sys.executable, "-P", "-m", "daytona_rpc", "--stdio", *options]
    _keep_to_ourselves()
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate((in_read, out_write, err_write))]
    try:
        # A process session of its own: Ctrl-C on our terminal is not meant for it.
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions, setsid=True)
    except OSError as error:
        raise ServerGone(f"the server cannot be started: {error.strerror}") from error
    finally:
        for fd in (in_read, out_write, err_write):
            os.close(fd)
    for fd in (in_write, out_read, err_read):
        os.set_blocking(fd, False)
    _widen(out_read)
    return in_write, out_read, err_read, pid


def _keep_to_ourselves() -> None:
    """Hand on no descriptor that our caller left open: hosts live long, and a lock would live with them."""
    with suppress(OSError):
        for name in os.listdir("/dev/fd"):
            if int(name) > 2:
                with suppress(OSError):  # the one that listed them
                    os.set_inheritable(int(name), False)


def _widen(pipe: int) -> None:
    """Let more fit into a pipe, so that long logs need fewer turns."""
    import fcntl

    with suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
