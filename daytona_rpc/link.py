"""The sidecar's end of a host's control socket: requests with their answers, and events."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import orjson

from daytona_rpc import errors

_HELLO_WITHIN_S = 5.0


class Retired(Exception):
    """The host is ending and did nothing for this request: it can be sent to the next one."""


class HostLost(Exception):
    """The host went away with the request unanswered: whether it was carried out is not known."""


class Link(asyncio.Protocol):
    """One connection to a host.

    `on_event` gets each event, `on_batch` is called when all that has come in is handled, and `on_lost`
    once at the end: with True where the host ended in order (it had nothing running), with False where
    it died.
    """

    def __init__(
        self,
        on_event: Callable[[dict[str, Any]], None],
        on_lost: Callable[[bool], None],
        on_batch: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_event = on_event
        self._on_batch = on_batch
        self._on_lost = on_lost
        self._hello: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._rest = bytearray()
        self._transport: asyncio.Transport | None = None
        self.leaving = False
        """Whether the host has said that it ends."""

    @classmethod
    async def open(
        cls,
        connection: socket.socket,
        on_event: Callable[[dict[str, Any]], None],
        on_lost: Callable[[bool], None],
        on_batch: Callable[[], None] = lambda: None,
    ) -> tuple[Link, dict[str, Any]]:
        """Take over a connection and wait for the host's greeting.

        Raises:
            Retired: the host ended before it greeted.
            HostUnavailable: it lives and does not greet.
        """
        loop = asyncio.get_running_loop()
        _, link = await loop.create_unix_connection(lambda: cls(on_event, on_lost, on_batch), sock=connection)
        try:
            return link, await asyncio.wait_for(link._hello, _HELLO_WITHIN_S)
        except HostLost:
            link.close()
            raise Retired from None
        except TimeoutError:
            link.close()
            raise errors.HostUnavailable("the session host does not answer") from None
        except asyncio.CancelledError:
            link.close()
            raise

    def request(self, op: str, **fields: Any) -> asyncio.Future[Any]:
        """Send a request; the future gets its result.

        Raises:
            Retired: the host is ending; nothing was sent. The future may raise it too.
            HostLost: (the future) the host died before it answered.
            ApplicationError: (the future) the host refused.
        """
        if self._transport is None or self.leaving:
            raise Retired
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        self._transport.write(orjson.dumps({"id": self._number, "op": op, **fields}) + b"\n")
        return answer

    def tell(self, op: str, **fields: Any) -> None:
        """Send a request whose answer nobody needs."""
        if self._transport is not None and not self.leaving:
            self._number += 1
            self._transport.write(orjson.dumps({"id": self._number, "op": op, **fields}) + b"\n")

    def close(self) -> None:
        """Leave; the host and its commands go on."""
        self._on_event = self._on_lost = self._on_batch = _ignore
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            if self._rest:
                self._rest += line
                line, self._rest = bytes(self._rest), bytearray()
            message = orjson.loads(line)
            if "id" in message:
                self._on_answer(message)
            elif message["e"] == "hello":
                if not self._hello.done():
                    self._hello.set_result(message)
            elif message["e"] in ("bye", "deleted"):
                self.leaving = True
                self._on_event(message)
                self._close_when_answered()
            else:
                self._on_event(message)
        self._rest += rest
        self._on_batch()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        for future in (self._hello, *self._answers.values()):
            if not future.done():
                future.set_exception(HostLost())
                future.exception()  # seen: whoever waits still gets it, and nobody else is warned
        self._answers.clear()
        self._on_lost(self.leaving)

    def _on_answer(self, message: dict[str, Any]) -> None:
        future = self._answers.pop(message["id"], None)
        if future is not None and not future.done():
            if "r" in message:
                future.set_result(message["r"])
            elif message["x"]["kind"] == "retired":
                future.set_exception(Retired())
            else:
                future.set_exception(errors.by_kind(message["x"]["kind"])(message["x"]["message"]))
        self._close_when_answered()

    def _close_when_answered(self) -> None:
        if self.leaving and not self._answers and self._transport is not None:
            self._transport.close()


def _ignore(*_: object) -> None:
    pass
