"""The open connection on the event loop: messages in, answers out, and every way it can end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import orjson

from daytona_rpc import stdio
from daytona_rpc.envelope import InitializeInfo
from daytona_rpc.framing import FrameReader, FramingError
from daytona_rpc.gate import PROCESS_POLL_S, Engine, Gate, Load, State
from daytona_rpc.writer import Writer

_log = logging.getLogger(__name__)

FINISH_S: Final = 1.0
"""How long the client may take to read the last answers."""

TURN_MESSAGES: Final = 64
"""Messages taken before the event loop sees to its other callbacks."""

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Connection:
    """Serves what is left of a connection once `initialize` is answered."""

    def __init__(
        self,
        gate: Gate,
        in_fd: int,
        out_fd: int,
        frames: FrameReader,
        inbox: deque[bytes | FramingError],
    ) -> None:
        """`frames` and `inbox` hold what came in behind `initialize`."""
        self._gate = gate
        self._in_fd = in_fd
        self._out_fd = out_fd
        self._frames = frames
        self._inbox = inbox
        self._over = asyncio.Event()

    def run(self, load: Load, client_process_id: int | None) -> int:
        """Serve until the connection is over and return the exit code."""
        return asyncio.run(self._run(load, client_process_id))

    async def _run(self, load: Load, client_process_id: int | None) -> int:
        gate, info = self._gate, self._gate.info
        assert info is not None
        loop = self._loop = asyncio.get_running_loop()
        self._writer = Writer(loop, self._out_fd, on_gone=self._end, on_congestion=self._on_congestion)
        self._reader = stdio.Reader(loop, self._in_fd, self._on_data, self._end)
        gate.send = self._writer.send
        gate.loads = orjson.loads
        gate.note = _log.debug
        watched = [pid for pid in {info.process_id, client_process_id} if pid is not None]
        watches = [ProcessWatch(loop, pid, self._end) for pid in watched]
        for number in SIGNALS:
            with suppress(ValueError, RuntimeError):  # not in the main thread
                loop.add_signal_handler(number, self._end, 128 + number)
        try:
            gate.engine = _load(load, info, self._writer)
            self._drain()
            await self._over.wait()
        finally:
            for watch in watches:
                watch.close()
            self._reader.close()
            if gate.engine is not None:
                await gate.engine.close()
            await self._writer.finish(FINISH_S)
            self._writer.close()
        return gate.code

    def _on_data(self, data: bytes) -> None:
        self._inbox.extend(self._frames.feed(data))
        self._drain()

    def _on_congestion(self, congested: bool) -> None:
        if congested:
            self._reader.pause()
        else:
            self._drain()

    def _drain(self) -> None:
        """Take what has come in, as long as the client reads the answers."""
        inbox, gate, writer = self._inbox, self._gate, self._writer
        if len(inbox) == 1 and not writer.congested:
            gate.take(inbox.popleft())
        elif inbox:
            writer.cork()
            for _ in range(TURN_MESSAGES):
                if not inbox or writer.congested or gate.state is State.OVER:
                    break
                gate.take(inbox.popleft())
            writer.uncork()
        if gate.state is State.OVER:
            self._over.set()
        elif writer.congested:
            self._reader.pause()  # `_on_congestion` goes on
        elif inbox:
            self._reader.pause()
            self._loop.call_soon(self._drain)
        else:
            self._reader.resume()

    def _end(self, code: int = 0) -> None:
        self._gate.end(code)
        self._over.set()


class ProcessWatch:
    """Tells once when a process is gone, or that it never was there."""

    def __init__(self, loop: asyncio.AbstractEventLoop, process_id: int, on_gone: Callable[[], None]) -> None:
        self._loop = loop
        self._process_id = process_id
        self._on_gone = on_gone
        self._fd = -1
        self._timer: asyncio.TimerHandle | None = None
        # A descriptor tells at once, and cannot mistake a later process of the same id for this one.
        try:
            self._fd = os.pidfd_open(process_id)
        except ProcessLookupError:
            loop.call_soon(on_gone)
        except (AttributeError, OSError, OverflowError):  # not Linux, an old kernel, or no id of a process
            self._poll()
        else:
            loop.add_reader(self._fd, self._tell)

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _poll(self) -> None:
        if stdio.is_gone(self._process_id):
            self._tell()
        else:
            self._timer = self._loop.call_later(PROCESS_POLL_S, self._poll)

    def _tell(self) -> None:
        _log.info("the client's process is gone")
        self.close()
        self._on_gone()


def _load(load: Load, info: InitializeInfo, writer: Writer) -> Engine:
    """Make the engine. Collecting garbage meanwhile would cost a quarter more time and find none."""
    gc.disable()
    try:
        return load(info, writer)
    finally:
        gc.freeze()  # what is there now stays: later collections need not look at it
        gc.enable()
