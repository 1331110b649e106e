"""A server on the real gate, writer and engine whose handlers misbehave on request.

The behaviour is chosen by the method; `commandId` and the like only carry data. Run by the tests of this
folder and by the measurements.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from daytona_rpc import gate, stdio
from daytona_rpc.envelope import InitializeInfo
from daytona_rpc.framing import notification

HEAVY = ("asyncio", "attr", "cattrs", "lsprotocol", "orjson", "pygls")


def describe(info: InitializeInfo) -> dict[str, Any]:
    return {"capabilities": {}, "serverInfo": {"name": [name for name in HEAVY if name in sys.modules]}}


def load(info: InitializeInfo, writer: Any) -> gate.Engine:
    import asyncio
    import logging
    import subprocess
    from collections.abc import Callable
    from functools import partial
    from pathlib import Path

    from daytona_rpc import errors, protocol, rpc

    log = logging.FileHandler(os.environ["LOG_FILE"]) if "LOG_FILE" in os.environ else logging.NullHandler()
    logging.basicConfig(handlers=[log], level=logging.DEBUG)
    client = rpc.Client(info, writer)

    class Flood:
        """A log without end, or of a number of chunks."""

        chunk = b"x" * int(os.environ.get("CHUNK_BYTES", "65536"))

        def __init__(self, count: int) -> None:
            self.left = count
            self.at = 0

        def pull(self, max_bytes: int) -> list[bytes]:
            pieces: list[bytes] = []
            size = 0
            while self.left and size < max_bytes:
                self.left -= 1
                self.at += 1
                pieces += notification("command/output", b'{"offset":%d,"data":"%b"}' % (self.at, self.chunk))
                size += len(self.chunk)
            return pieces

    flood = Flood(0)

    def nothing(params: Any) -> None:
        """Answer null."""

    async def wait(params: protocol.WaitParams) -> None:
        """Answer null after `timeoutMs`, or never."""
        if params.command_id == "swallows":  # a handler that does not let itself be cancelled
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    return
        if params.command_id == "breaks":
            try:
                await asyncio.sleep(3600)
            finally:
                raise ValueError("secret-of-cleanup")
        if params.command_id == "cancelled-within":
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
        await asyncio.sleep(3600 if params.timeout_ms is None else params.timeout_ms / 1000)

    def refuse(params: protocol.CommandParams) -> None:
        raise errors.NotFound("no such command", command_id=params.command_id)

    def fail(params: protocol.InputParams) -> None:
        raise ValueError(f"this quotes {params.data}")

    async def fail_later(params: protocol.SignalParams) -> None:
        await asyncio.sleep(0)
        raise KeyError(params.signal)

    def unencodable(params: Any) -> object:
        return {"a": object()}

    async def unencodable_later(params: Any) -> object:
        return {1, 2}

    def prints(params: Any) -> None:
        print("to nobody", flush=True)  # noqa: T201
        sys.stdout.write("to nobody\n")
        sys.stdout.flush()
        os.write(1, b"to nobody\n")
        subprocess.run(["sh", "-c", "cat; echo to nobody"], check=True)

    def stream(params: protocol.AttachParams) -> None:
        """Send so many chunks; the answer has to precede them."""
        flood.left += params.offset
        client.add_source(flood)
        client.wake(flood)

    def large(params: protocol.LogsParams) -> object:
        return "a" * (params.limit or 0)

    async def show(params: protocol.PreviewLinkParams) -> object:
        """Ask the client, and say how that ended."""
        try:
            asked = protocol.ShowDocumentParams(uri="http://127.0.0.1:1/")
            shown = await client.request("window/showDocument", asked, timeout_s=params.expires_in_seconds)
        except (rpc.ClientError, TimeoutError) as error:
            return f"{type(error).__name__} {error}"
        return shown.success

    def news(params: protocol.ResizeParams) -> None:
        """Tell of a key so many times."""
        for n in range(params.cols):
            client.notify_latest("key", "command/statusChanged", partial(dict, n=n))

    async def close() -> None:
        if closed := os.environ.get("CLOSED_FILE"):
            Path(closed).write_text("closed")

    handlers: dict[str, Callable[[Any], Any]] = {
        "command/status": nothing,
        "command/wait": wait,
        "command/detach": refuse,
        "command/input": fail,
        "command/signal": fail_later,
        "sandbox/list": unencodable,
        "sandbox/get": unencodable_later,
        "sessions/list": prints,
        "sessions/create": lambda params: params.env,
        "command/attach": stream,
        "command/logs": large,
        "command/resize": news,
        "sandbox/previewLink": show,
    }
    return rpc.Engine(client, writer, handlers, close=close)


if __name__ == "__main__":
    in_fd, out_fd = (int(sys.argv[1]),) * 2 if len(sys.argv) > 1 else stdio.claim()
    pid = os.environ.get("CLIENT_PROCESS_ID")
    sys.exit(
        gate.serve(in_fd, out_fd, describe=describe, load=load, client_process_id=int(pid) if pid else None)
    )
