"""One connection, from its first byte to the exit code.

The gate answers `initialize` with next to nothing imported, then loads the rest and hands it every
message that is due there. What is due nowhere it answers itself: broken frames and envelopes, requests
before `initialize` and after `shutdown`.

    def load(info, writer):                       # runs once, right after `initialize` is answered
        from daytona_rpc import rpc, server       # the expensive imports

        client = rpc.Client(info, writer)         # what server.py speaks to
        service = server.Server(client)           # the domain: method -> handler, and a close
        return rpc.Engine(client, service.handlers, close=service.close)

    in_fd, out_fd = stdio.claim()
    code = gate.serve(
        in_fd,
        out_fd,                                   # the same as in_fd for a socket
        describe=lambda info: {"capabilities": {...}, "serverInfo": {...}},
        load=load,
        client_process_id=options.client_process_id,
    )
    sys.exit(code)

The connection ends at `exit` (0 after `shutdown`, else 1), at the end of the input, when the client reads
no more, when its process is gone (all 0), and by a signal (128 and its number).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from daytona_rpc import envelope, errors, stdio
from daytona_rpc.envelope import InitializeInfo as InitializeInfo
from daytona_rpc.envelope import Message, Refused
from daytona_rpc.framing import FrameReader, FramingError, frame

if TYPE_CHECKING:
    from daytona_rpc.writer import Writer

PROCESS_POLL_S: Final = 3.0
INTERRUPTED: Final = 128 + 2


class Engine(Protocol):
    """What handles messages once the connection is open."""

    def handle(self, message: Message) -> None:
        """Take a request, notification or response whose envelope is right; never raises, never blocks."""

    async def close(self) -> None:
        """Answer what is not answered and end what was begun."""


Load = Callable[[InitializeInfo, "Writer"], Engine]
Describe = Callable[[InitializeInfo], Message]


class State(Enum):
    """Where the connection is in its life; it only ever moves forward."""

    NEW = "new"
    """Nothing but `initialize` is answered."""
    OPEN = "open"
    """Messages go to the engine."""
    SHUT = "shut"
    """`shutdown` is answered; begun requests may still end."""
    OVER = "over"
    """Nothing is read or written any more."""


class Gate:
    """The lifecycle of a connection, without any I/O."""

    def __init__(self, describe: Describe, send: Callable[[bytes], None]) -> None:
        self._describe = describe
        self.send = send
        self.note: Callable[..., None] = _silent
        """Where notes for the log go: `Logger.debug`, once logging is imported, which takes milliseconds."""
        self.loads: Callable[[bytes], Any] = envelope.loads
        self.engine: Engine | None = None
        self.info: InitializeInfo | None = None
        self.state = State.NEW
        self.code = 0

    def take(self, item: bytes | FramingError) -> None:
        """Answer a body, or hand it to the engine."""
        try:
            message = envelope.open_message(item, self.loads)
            method = message.get("method")
            if self.state is State.OPEN and method not in ("initialize", "shutdown", "exit"):
                if self.engine is not None:
                    self.engine.handle(message)
            elif "id" in message and method is not None:
                self._request(method, message["id"], message.get("params"))
            elif method == "exit":
                self.end(0 if self.state is State.SHUT else 1)
            elif self.state is State.SHUT and method in (None, "$/cancelRequest") and self.engine is not None:
                self.engine.handle(message)
            else:
                self.note("ignored %.80r in state %s", method, self.state.value)
        except Refused as refused:
            self.note("refused: %s", refused)
            self.send(refused.body)

    def end(self, code: int) -> None:
        """End the connection with this exit code, unless it has ended already."""
        if self.state is not State.OVER:
            self.code = code
            self._enter(State.OVER)

    def _enter(self, state: State) -> None:
        self.note("connection: %s -> %s", self.state.value, state.value)
        self.state = state

    def _request(self, method: str, msg_id: int | str, params: object) -> None:
        if self.state is State.NEW and method != "initialize":
            raise Refused(msg_id, errors.SERVER_NOT_INITIALIZED, "the first request must be initialize")
        if self.state is State.SHUT:
            raise Refused(msg_id, errors.INVALID_REQUEST, "the server is shut down")
        if method == "exit":
            raise Refused(msg_id, errors.METHOD_NOT_FOUND, "exit is a notification")
        if method == "shutdown":
            self._enter(State.SHUT)
            self.send(envelope.result(msg_id, None))
        elif self.state is State.OPEN:
            raise Refused(msg_id, errors.INVALID_REQUEST, "initialize was answered before")
        else:
            self._initialize(msg_id, params)

    def _initialize(self, msg_id: int | str, params: object) -> None:
        try:
            self.info = InitializeInfo(params)
            answer = envelope.result(msg_id, self._describe(self.info))
        except errors.InvalidParams as error:
            raise Refused(msg_id, error.code, error.message, error.data) from None
        except Exception as error:
            raise Refused(
                msg_id, errors.INTERNAL_ERROR, f"initialize failed: {type(error).__name__}"
            ) from None
        self._enter(State.OPEN)
        self.send(answer)


def _silent(text: str, *args: object) -> None:
    """There is no log yet."""


def serve(
    in_fd: int, out_fd: int, *, describe: Describe, load: Load, client_process_id: int | None = None
) -> int:
    """Serve one connection until it ends and return the exit code.

    `describe` makes the result of `initialize`, `load` the engine; both run once. The descriptors may be
    one and the same socket; they stay open. `client_process_id` is what `--clientProcessId` said.
    """
    frames = FrameReader()
    inbox: deque[bytes | FramingError] = deque()
    gate = Gate(describe, lambda body: stdio.write_all(out_fd, frame(body)))
    try:
        while gate.state is State.NEW:
            if inbox:
                gate.take(inbox.popleft())
            elif data := stdio.read_some(in_fd, PROCESS_POLL_S):
                inbox.extend(frames.feed(data))
            elif data == b"" or (client_process_id is not None and stdio.is_gone(client_process_id)):
                gate.end(0)
    except OSError:  # nobody reads
        gate.end(0)
    except KeyboardInterrupt:
        gate.end(INTERRUPTED)
    if gate.info is None or gate.state is State.OVER:
        return gate.code

    from daytona_rpc.connection import Connection

    return Connection(gate, in_fd, out_fd, frames, inbox).run(load, client_process_id)
