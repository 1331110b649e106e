"""A client of the server, as an editor is one: started over pipes, spoken to in JSON-RPC.

One thread, no asyncio: a caller either waits for an answer, or puts the descriptors into a `select` of its
own. Imports are kept few, and what takes long is imported while the server starts.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from daytona_rpc.cli.failure import Refused, ServerGone, UsageFailure
from daytona_rpc.cli.process import Process

Message = dict[str, Any]

ANSWER_WITHIN_S = 60.0
_READ_BYTES = 1 << 18
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
        self._start()

    def _start(self) -> None:
        self.process = Process(self._options)
        # From here on the server is busy with its own start.
        import orjson

        from daytona_rpc.framing import FrameReader, frame

        self._dumps, self._loads, self._frame = orjson.dumps, orjson.loads, frame
        self._reader = FrameReader()
        self._unsent = bytearray()
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
        """Whether `flush` has something to do once its input is writable."""
        return bool(self._unsent)

    def post(self, method: str, params: Message | None = None) -> int:
        """Send a request and return its id.

        Raises:
            UsageFailure: the params hold text that is not Unicode.
        """
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params or {}})
        return self._number

    def _send(self, message: Message) -> None:
        try:
            body = self._dumps({"jsonrpc": "2.0", **message})
        except TypeError as error:  # half of a surrogate pair: a byte of an argument that is not UTF-8
            raise UsageFailure("arguments have to be UTF-8") from error
        self._unsent += self._frame(body)
        self.flush()

    def flush(self) -> None:
        """Send what fits without waiting. A server that is gone is noticed by reading."""
        with suppress(BlockingIOError):
            while self._unsent:
                try:
                    del self._unsent[: os.write(self.process.input, self._unsent)]
                except BrokenPipeError:
                    self._unsent.clear()

    # Hearing

    def receive(self) -> list[Message]:
        """What its output holds now: answers and notifications, in order.

        Raises:
            ServerGone: the server has ended.
        """
        try:
            data = os.read(self.process.output, _READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            how = "the server ended" if self.server else "the server does not start"
            raise ServerGone(how + self.process.obituary())
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

    def wait(self, until: float) -> list[Message]:
        """Wait for the next messages, until a time of `time.monotonic`.

        Raises:
            ServerGone: the server has ended, or said nothing for that long.
        """
        while (left := until - time.monotonic()) > 0:
            writes = [self.process.input] if self._unsent else []
            readable, writable, _ = select.select(
                [self.process.output, self.process.errors], writes, [], left
            )
            if writable:
                self.flush()
            if self.process.errors in readable:
                self.process.read_errors()
                if self.process.output not in readable:
                    time.sleep(0.001)  # a server that closed its stderr, or floods it
            if self.process.output in readable and (found := self.receive()):
                return found
        raise ServerGone("the server does not answer")

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
        until = time.monotonic() + timeout_s
        while len(found) < len(numbers):
            for message in self.wait(until):
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

    def close(self, wait_s: float = 0.0) -> None:
        """Leave the server: it ends when its input does, and what it has started goes on."""
        self.process.close(wait_s)

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
