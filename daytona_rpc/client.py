"""The client, as the rest of the server sees it: told things, asked things, fed with logs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from daytona_rpc import codec, errors
from daytona_rpc.envelope import InitializeInfo
from daytona_rpc.protocol import METHODS
from daytona_rpc.writer import Source, Writer

if TYPE_CHECKING:
    from daytona_rpc.rpc import Engine


class ClientError(Exception):
    """The client answered a request of ours with an error or with nonsense, or is gone."""


class Client:
    """The other end of the connection. Nothing here blocks, and nothing but `request` waits."""

    def __init__(self, info: InitializeInfo, writer: Writer) -> None:
        self.info = info
        """What the client said in `initialize`."""
        self.trace = info.trace
        """How much it wants to read in `$/logTrace`."""
        self.engine: Engine | None = None
        """Set by the engine; until then the client cannot be asked."""
        self._writer = writer

    @property
    def congested(self) -> bool:
        """Whether so much is unread that the client's requests are left unread too."""
        return self._writer.congested

    def notify(self, method: str, params: object) -> None:
        """Send a notification. For news that can pile up unread there is `notify_latest`."""
        self._writer.send(notification(method, params))

    def notify_latest(self, key: Hashable, method: str, make_params: Callable[[], object]) -> None:
        """Send a notification; while there is no room, only the latest one of each key is kept."""
        self._writer.send_latest(key, lambda: notification(method, make_params()))

    def add_source(self, source: Source) -> None:
        """Begin to pull frames from the source, after what the current callback answers or sends."""
        self._writer.add_source(source)

    def wake(self, source: Source) -> None:
        """Pull from the source again: it has something."""
        self._writer.wake(source)

    def pump(self) -> None:
        """Send what sources have, without waiting for the loop's next turn."""
        self._writer.pump()

    def remove_source(self, source: Source) -> None:
        """Pull no more from the source."""
        self._writer.remove_source(source)

    async def request(self, method: str, params: object, *, timeout_s: float | None = None) -> Any:
        """Ask the client; return its answer as the result class of the method.

        When this is cancelled or takes too long, the client is told that it need not answer any more.

        Raises:
            ClientError: it answered with an error or with nonsense, or is gone.
            TimeoutError: it did not answer in time.
        """
        if self.engine is None:
            raise ClientError(f"{method}: the connection is not open")
        raw = await asyncio.wait_for(self.engine.ask(method, params), timeout_s)
        cls = METHODS[method].result
        try:
            return None if cls is None else codec.structure(raw, cls)
        except errors.InvalidParams as error:
            raise ClientError(f"{method}: {error}") from None


def notification(method: str, params: object) -> bytes:
    """The body of a notification."""
    return b'{"jsonrpc":"2.0","method":"%b","params":%b}' % (method.encode(), codec.dumps(params))
