"""The seam around pygls: the only module that touches its internals.

pygls keeps the table of handlers, sends our requests and matches the client's responses to them. How a
message gets to its handler and an answer out is replaced here, because stock pygls leaves requests that
it cannot decode unanswered, has one table for both sides' ids, blocks on a full pipe and logs bodies.

A request is answered exactly once: with its handler's result or error, or by `$/cancelRequest`, after
which the outcome of the handler is dropped. Log records name method, id, duration and size, never content.
Of an exception that nobody expected they hold its type and where it came from; its text may quote params.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from inspect import CORO_CREATED, getcoroutinestate
from time import perf_counter
from typing import Any, Final

import cattrs
import orjson
from lsprotocol.types import ResponseError
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.protocol.json_rpc import JsonRPCProtocol
from pygls.server import JsonRPCServer

from daytona_rpc import codec, envelope, errors
from daytona_rpc.client import Client as Client
from daytona_rpc.client import ClientError as ClientError
from daytona_rpc.envelope import Id, Message
from daytona_rpc.protocol import METHODS, Method
from daytona_rpc.writer import Writer

_log = logging.getLogger(__name__)
logging.getLogger("pygls").setLevel(logging.CRITICAL)  # its records hold params and results

Handler = Callable[[Any], Any]
"""Takes the decoded params; returns the result or an awaitable of it; raises `errors.RpcError`."""

CLOSE_S: Final = 2.0
"""How long cancelled handlers may take to clean up at the end, and then the server to close."""

MAX_LOGGED_LINES: Final = 100


class Engine(JsonRPCProtocol):
    """Gives each message to its handler and sends the answers (see `gate.Engine`)."""

    def __init__(
        self,
        client: Client,
        writer: Writer,
        handlers: Mapping[str, Handler],
        *,
        close: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """`handlers` serve requests and notifications; `close` runs when the connection ends."""
        server = JsonRPCServer(JsonRPCProtocol, cattrs.Converter)
        super().__init__(server, cattrs.Converter())
        server.protocol = self
        self._client = client
        self._out = writer
        self._close = close
        self._calls: dict[Id, _Call] = {}  # the client's requests; pygls' `_request_futures` are ours
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: dict[str, Handler] = {
            "initialized": _ignore,
            "$/setTrace": _decoding(METHODS["$/setTrace"], self._set_trace),
            "$/cancelRequest": _decoding(METHODS["$/cancelRequest"], self._cancel),
        }
        self._asked = 0
        self._loop = asyncio.get_running_loop()
        for name, handler in handlers.items():
            if METHODS[name].kind == "request":
                self.fm.add_builtin_feature(name, _decoding(METHODS[name], handler))
            else:
                self._listeners[name] = _decoding(METHODS[name], handler)
        client.engine = self

    def handle(self, message: Message) -> None:
        """Take a message whose envelope is right."""
        method = message.get("method")
        if method is None:
            self._take_response(message)
        elif "id" in message:
            self._handle_request(message["id"], method, message.get("params"))
        else:
            self._handle_notification(method, message.get("params"))

    async def ask(self, method: str, params: object) -> Any:
        """Send a request to the client; return the result as it came."""
        self._asked += 1
        msg_id = f"daytona-rpc-{self._asked}"
        try:
            return await self.send_request_async(method, params, msg_id=msg_id)
        except JsonRpcException as error:
            raise ClientError(f"{method}: {error.code} {error.message}") from None
        except asyncio.CancelledError:
            self._client.notify("$/cancelRequest", {"id": msg_id})
            raise
        finally:
            self._request_futures.pop(msg_id, None)
            self._result_types.pop(msg_id, None)

    async def close(self) -> None:
        """Answer what is not answered, cancel what still runs, then end what the handlers began."""
        for msg_id in list(self._calls):
            self._end_call(msg_id)
        for future in list(self._request_futures.values()):
            if not future.done():
                future.set_exception(JsonRpcException("the connection is over"))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)
        if self._close is not None:
            try:
                await asyncio.wait_for(self._close(), CLOSE_S)
            except Exception as error:
                _log.error("closing failed: %s", _places(error))

    def _handle_request(self, msg_id: Id, method: str, params: object) -> None:
        started = perf_counter()
        try:
            if msg_id in self._calls:
                raise _IdInUse()
            outcome = self._get_handler(method)(params)
        except Exception as error:
            self._answer(msg_id, method, started, self._failure(msg_id, method, error))
            return
        # `inspect.isawaitable` costs a microsecond.
        if hasattr(type(outcome), "__await__"):
            self._begin(_Call(msg_id, method, started, outcome))
        else:
            self._answer(msg_id, method, started, self._success(msg_id, method, outcome))

    def _handle_notification(self, method: str, params: object) -> None:
        listener = self._listeners.get(method)
        if listener is None:
            _log.debug("ignored the unknown notification %.80r", method)
            return
        try:
            outcome = listener(params)
        except errors.RpcError as error:
            _log.warning("ignored the notification %s: %s", method, error)
        except Exception as error:
            _log.error("the notification %s failed: %s", method, _places(error))
        else:
            assert not hasattr(type(outcome), "__await__"), "listeners are plain functions"

    def _take_response(self, message: Message) -> None:
        msg_id = message.get("id")
        if type(msg_id) is not str or msg_id not in self._request_futures:
            _log.debug("ignored a response to no request of ours")
            return
        problem = None
        if "error" in message:
            raw = message["error"] if type(message["error"]) is dict else {}
            code, text = raw.get("code"), raw.get("message")
            problem = ResponseError(
                code=code if type(code) is int else errors.INTERNAL_ERROR,
                message=text if type(text) is str else "no message",
            )
        self._handle_response(msg_id, message.get("result"), problem)

    def _begin(self, call: _Call) -> None:
        self._calls[call.msg_id] = call
        call.task = self._loop.create_task(self._conclude(call), name=call.method)
        self._tasks.add(call.task)
        call.task.add_done_callback(self._tasks.discard)

    async def _conclude(self, call: _Call) -> None:
        # The answer is sent from here and not from a callback of the task: what the handler left to be
        # sent later (`Client.add_source`) would come first.
        msg_id, method = call.msg_id, call.method
        try:
            body = self._success(msg_id, method, await call.outcome)
        except asyncio.CancelledError as error:
            if self._calls.get(msg_id) is not call:
                raise
            body = self._failure(msg_id, method, error)  # something it waited for was cancelled
        except Exception as error:
            body = self._failure(msg_id, method, error)
        if self._calls.get(msg_id) is call:
            del self._calls[msg_id]
            self._answer(msg_id, method, call.started, body)

    def _cancel(self, params: Any) -> None:
        if params.id in self._calls:
            self._end_call(params.id)

    def _end_call(self, msg_id: Id) -> None:
        call = self._calls.pop(msg_id)
        cancelled = errors.RequestCancelled()
        self._answer(msg_id, call.method, call.started, self._failure(msg_id, call.method, cancelled))
        call.task.cancel()
        if isinstance(call.outcome, Coroutine) and getcoroutinestate(call.outcome) == CORO_CREATED:
            call.outcome.close()  # the task will not get to it

    def _set_trace(self, params: Any) -> None:
        self._client.trace = params.value.value

    def _success(self, msg_id: Id, method: str, outcome: object) -> bytes:
        try:
            result = b"null" if outcome is None else codec.dumps(outcome)
        except Exception as error:
            return self._failure(msg_id, method, error)
        return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (orjson.dumps(msg_id), result)

    def _failure(self, msg_id: Id, method: str, error: BaseException) -> bytes:
        if isinstance(error, JsonRpcMethodNotFound):
            return envelope.error(msg_id, errors.METHOD_NOT_FOUND, f"unknown method {method:.80}")
        if isinstance(error, _IdInUse):
            return envelope.error(msg_id, errors.INVALID_REQUEST, "the id is that of an unanswered request")
        if not isinstance(error, errors.RpcError):
            _log.error("%s failed: %s", method, _places(error))
            error = errors.InternalError()
        return envelope.error(msg_id, error.code, error.message, error.data)

    def _answer(self, msg_id: Id, method: str, started: float, body: bytes) -> None:
        self._out.send(body)
        if _log.isEnabledFor(logging.DEBUG):
            took_ms = (perf_counter() - started) * 1000
            _log.debug("%.80r %.80r: %d bytes after %.3f ms", method, msg_id, len(body), took_ms)
        if self._client.trace != "off":
            self._trace(msg_id, method, started, body)

    def _trace(self, msg_id: Id, method: str, started: float, body: bytes) -> None:
        took_ms = (perf_counter() - started) * 1000
        line = {"message": f"Answered '{method:.80} - ({msg_id!s:.80})' after {took_ms:.1f} ms"}
        if self._client.trace == "verbose":
            line["verbose"] = f"{len(body)} bytes"
        self._client.notify("$/logTrace", line)

    def _send_data(self, data: Any) -> None:
        # Only `send_request` comes here: answers and notifications have shorter ways to the writer.
        params = codec.unstructure(data.params)
        self._out.send(
            orjson.dumps({"jsonrpc": "2.0", "id": data.id, "method": data.method, "params": params})
        )


class _IdInUse(Exception):
    """The client gave a second request the id of one that is not answered yet."""


class _Call:
    """A request whose handler has not ended."""

    __slots__ = ("method", "msg_id", "outcome", "started", "task")

    def __init__(self, msg_id: Id, method: str, started: float, outcome: Awaitable[Any]) -> None:
        self.msg_id = msg_id
        self.method = method
        self.started = started
        self.outcome = outcome
        self.task: asyncio.Task[None]


def _decoding(method: Method, handler: Handler) -> Handler:
    """The handler, taking params as they came. Its class is looked up at the first call: not all are used."""
    cls: type[Any] | None = None

    def handle(params: object) -> Any:
        nonlocal cls
        if cls is None:
            cls = method.params
            assert cls is not None, method.name
        return handler(codec.structure(envelope.object_of(params), cls))

    return handle


def _ignore(params: object) -> None:
    pass


def _places(error: BaseException) -> str:
    """The exception's type and where it was raised, and the same of what led to it, without their texts."""
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(lines) < MAX_LOGGED_LINES:
        number = f" (errno {cause.errno})" if isinstance(cause, OSError) and cause.errno is not None else ""
        lines.append(f"{type(cause).__module__}.{type(cause).__qualname__}{number}")
        lines += [line.rstrip() for line in traceback.format_tb(cause.__traceback__, limit=-20)]
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(lines)
