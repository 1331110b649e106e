"""The server one writes in an afternoon on stock pygls: what the rows are compared with.

Nothing here is tuned and nothing is held back: the documented API, an asyncio subprocess per command, one
task per output stream, and one notification for what each read returns.
"""

from __future__ import annotations

import asyncio
import codecs
import itertools
import sys
from typing import Any

from pygls.lsp.server import LanguageServer

READ_BYTES = 65536
BY_LINE = "--by-line" in sys.argv
"""Whether to read as asyncio's own examples do, line by line, each its own notification."""

server = LanguageServer("stock", "1.0")
_ids = itertools.count(1)
_commands: dict[str, Command] = {}


class Command:
    """A shell command and what is known of it."""

    def __init__(self, text: str) -> None:
        self.id = f"cmd-{next(_ids)}"
        self.text = text
        self.status = "running"
        self.exit_code: int | None = None
        self.log_size = 0
        self.process: asyncio.subprocess.Process
        self.task: asyncio.Task[None]

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_shell(
            self.text,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.task = asyncio.create_task(self._follow())

    def describe(self) -> dict[str, Any]:
        return {
            "commandId": self.id,
            "command": self.text,
            "status": self.status,
            "exitCode": self.exit_code,
            "logSize": self.log_size,
        }

    async def _follow(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        await asyncio.gather(
            self._pump("stdout", self.process.stdout), self._pump("stderr", self.process.stderr)
        )
        self.exit_code = await self.process.wait()
        self.status = "completed"
        server.protocol.notify("command/statusChanged", self.describe())

    async def _pump(self, channel: str, stream: asyncio.StreamReader) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := await (stream.readline() if BY_LINE else stream.read(READ_BYTES)):
            self.log_size += len(data)
            chunk = {"commandId": self.id, "channel": channel, "data": decoder.decode(data)}
            server.protocol.notify("command/output", chunk)


@server.feature("command/execute")
async def execute(params: Any) -> dict[str, Any]:
    command = Command(params.command)
    await command.start()
    _commands[command.id] = command
    return command.describe()


@server.feature("command/status")
def status(params: Any) -> dict[str, Any]:
    return _commands[params.commandId].describe()


if __name__ == "__main__":
    server.start_io()
