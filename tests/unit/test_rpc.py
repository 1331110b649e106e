"""The engine: every request is answered exactly once, however its handler ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any, cast

import orjson
import pytest

from daytona_rpc import errors, protocol, rpc
from daytona_rpc.envelope import InitializeInfo, Message
from daytona_rpc.writer import Writer

WAIT = {"commandId": "c"}
SECRET = "not-for-" + "the-log"  # in two parts, for the log may quote this file


class Wire:
    """Stands for the writer and keeps what was sent."""

    congested = False

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.sources: list[object] = []

    def send(self, body: bytes) -> None:
        self.sent.append(orjson.loads(body))

    def send_latest(self, key: object, make: Callable[[], bytes]) -> None:
        self.send(make())

    def add_source(self, source: object) -> None:
        self.sources.append(source)


class Peer:
    """An engine with these handlers, and the client it speaks to."""

    def __init__(self, handlers: dict[str, rpc.Handler], trace: str = "off", **options: Any) -> None:
        self.wire = Wire()
        writer = cast(Writer, self.wire)
        self.client = rpc.Client(InitializeInfo({"trace": trace}), writer)
        self.engine = rpc.Engine(self.client, writer, handlers, **options)

    def request(self, method: str, params: object = None, msg_id: int | str = 1) -> None:
        self.engine.handle({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})

    def notify(self, method: str, params: object = None) -> None:
        self.engine.handle({"jsonrpc": "2.0", "method": method, "params": params})

    def answer(self) -> Any:
        """The one message that was sent since the last look."""
        (message,) = self.wire.sent
        self.wire.sent.clear()
        return message

    def code(self) -> int:
        code: int = self.answer()["error"]["code"]
        return code


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def for_ever(params: object) -> None:
    await asyncio.sleep(3600)


@pytest.fixture(autouse=True)
def secrets_stay_out_of_the_log() -> Iterator[None]:
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage() + str(record.exc_info))  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield
    root.removeHandler(handler)
    root.setLevel(level)
    assert SECRET not in "".join(records)


async def test_a_plain_handler_is_answered_at_once() -> None:
    peer = Peer({"command/status": lambda params: params.command_id})
    for msg_id in (0, -5, 2**53, "", "1", "ä"):
        peer.request("command/status", WAIT, msg_id)
        assert peer.answer() == {"jsonrpc": "2.0", "id": msg_id, "result": "c"}


async def test_a_coroutine_is_answered_when_it_ends() -> None:
    event = asyncio.Event()

    async def wait(params: Any) -> protocol.SessionDeletion:
        await event.wait()
        return protocol.SessionDeletion(stopped=2)

    peer = Peer({"command/wait": wait})
    peer.request("command/wait", WAIT, "a")
    await turns()
    assert peer.wire.sent == []
    event.set()
    await turns()
    assert peer.answer() == {"jsonrpc": "2.0", "id": "a", "result": {"stopped": 2}}


async def test_a_handler_may_return_a_future() -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    peer = Peer({"command/wait": lambda params: future})
    peer.request("command/wait", WAIT)
    future.set_result(7)
    await turns()
    assert peer.answer()["result"] == 7


async def test_what_a_coroutine_leaves_to_be_sent_is_sent_after_its_answer() -> None:
    peer = Peer({})

    async def attach(params: object) -> None:
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(peer.client.notify, "later", {})

    peer.engine = rpc.Engine(peer.client, cast(Writer, peer.wire), {"command/attach": attach})
    peer.request("command/attach", WAIT)
    await turns()
    assert [message.get("method") for message in peer.wire.sent] == [None, "later"]


async def test_an_error_of_the_domain_keeps_code_message_and_data() -> None:
    def refuse(params: object) -> None:
        raise errors.NotFound("no such command", command_id="c")

    async def refuse_later(params: object) -> None:
        refuse(params)

    peer = Peer({"command/status": refuse, "command/wait": refuse_later})
    data = {"kind": "notFound", "retryable": False, "commandId": "c"}
    for method in ("command/status", "command/wait"):
        peer.request(method, WAIT)
        await turns()
        assert peer.answer()["error"] == {"code": 1001, "message": "no such command", "data": data}


async def test_a_bug_is_an_internal_error_and_its_places_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(params: object) -> None:
        raise ValueError(SECRET)

    async def fail_later(params: object) -> None:
        try:
            raise FileNotFoundError(2, SECRET, SECRET)
        except OSError as error:
            raise RuntimeError(SECRET) from error

    peer = Peer({"command/status": fail, "command/wait": fail_later})
    for method in ("command/status", "command/wait"):
        peer.request(method, WAIT)
        await turns()
        internal = {"code": errors.INTERNAL_ERROR, "message": str(errors.InternalError())}
        assert peer.answer()["error"] == internal
    assert "builtins.ValueError" in caplog.text
    assert "test_rpc.py" in caplog.text
    assert "FileNotFoundError (errno 2)" in caplog.text


@pytest.mark.parametrize(
    "result", [object(), {1: object()}, {"a": {1, 2}}, 2**70, "\ud800", float, lambda: 1]
)
async def test_a_result_that_is_no_json_is_an_internal_error(result: object) -> None:
    async def later(params: object) -> object:
        return result

    peer = Peer({"command/status": lambda params: result, "command/wait": later})
    for method in ("command/status", "command/wait"):
        peer.request(method, WAIT)
        await turns()
        assert peer.code() == errors.INTERNAL_ERROR


async def test_a_result_without_end_is_an_internal_error() -> None:
    result: list[object] = []
    result.append(result)
    peer = Peer({"command/status": lambda params: result})
    peer.request("command/status", WAIT)
    assert peer.code() == errors.INTERNAL_ERROR


@pytest.mark.parametrize(
    "method", ["nothing/known", "", "$/unknown", "command/list", "$/setTrace", "command/output"]
)
async def test_requests_that_no_handler_takes_are_unknown(method: str) -> None:
    peer = Peer({"command/status": lambda params: None})
    peer.request(method, {})
    assert peer.code() == errors.METHOD_NOT_FOUND


async def test_a_long_name_is_not_repeated_whole() -> None:
    peer = Peer({})
    peer.request("x" * 100_000)
    assert len(peer.answer()["error"]["message"]) < 200


async def test_notifications_that_nothing_takes_are_ignored() -> None:
    called: list[object] = []
    peer = Peer({"command/status": called.append})
    for method in ("nothing/known", "$/unknown", "command/status", ""):
        peer.notify(method, {SECRET: SECRET})
    for params in (None, [1], {}, {"id": None}, {"id": [1]}, {"id": 1.5}, {"id": "unknown"}, SECRET):
        peer.notify("$/cancelRequest", params)
        peer.notify("$/setTrace", params)
    assert peer.wire.sent == []
    assert called == []


@pytest.mark.parametrize("params", [[1], SECRET, 7, True, {"commandId": 7}])
async def test_params_of_the_wrong_type_are_invalid(params: object) -> None:
    peer = Peer({"command/status": lambda params: None})
    peer.request("command/status", params)
    assert peer.code() == errors.INVALID_PARAMS


@pytest.mark.parametrize(
    ("method", "params", "path"),
    [
        ("command/resize", {"commandId": "c", "cols": "80", "rows": 24}, "cols"),
        ("command/resize", {"commandId": "c", "cols": True, "rows": 24}, "cols"),
        ("command/execute", {"command": "a", "tty": {"cols": 80}}, "tty.rows"),
        ("command/execute", {"argv": ["a", 1]}, "argv[1]"),
        ("command/execute", {"command": "a", "env": {"PATH": 1}}, "env.PATH"),
        ("command/status", None, "commandId"),
        ("command/status", [], "commandId"),
    ],
)
async def test_a_wrong_field_is_named_by_its_wire_path(method: str, params: object, path: str) -> None:
    peer = Peer({method: lambda params: None})
    peer.request(method, params)
    error = peer.answer()["error"]
    assert (error["code"], error["data"]) == (errors.INVALID_PARAMS, {"path": path})


@pytest.mark.parametrize("params", [None, {}, [], {"unknown": 1}])
async def test_params_may_be_left_out_where_none_is_needed(params: object) -> None:
    peer = Peer({"sessions/list": lambda params: []})
    peer.request("sessions/list", params)
    assert peer.answer()["result"] == []


async def test_any_keys_of_an_environment_come_through() -> None:
    env = {"jsonrpc": "1.0", "2bad": "1", "MY-VAR": "2", "class": "3", "method": "x", "id": "4"}
    peer = Peer({"sessions/create": lambda params: params.env})
    peer.request("sessions/create", {"env": env})
    assert peer.answer()["result"] == env


@pytest.mark.parametrize("begun", [False, True])
async def test_a_cancelled_request_is_answered_at_once_and_its_handler_ends(begun: bool) -> None:
    ended: list[str] = []

    async def wait(params: object) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("cleaned up")

    peer = Peer({"command/wait": wait})
    peer.request("command/wait", WAIT, "a")
    if begun:
        await turns()
    peer.notify("$/cancelRequest", {"id": "a"})
    assert peer.code() == errors.REQUEST_CANCELLED
    peer.notify("$/cancelRequest", {"id": "a"})
    await turns()
    assert peer.wire.sent == []
    assert ended == (["cleaned up"] if begun else [])


@pytest.mark.parametrize("end", ["result", "error", "another wait"])
async def test_a_handler_that_outlives_its_cancelling_is_not_heard(end: str) -> None:
    async def stubborn(params: object) -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if end == "error":
                raise ValueError(SECRET) from None
            if end == "another wait":
                await asyncio.sleep(0.01)
        return "late"

    peer = Peer({"command/wait": stubborn, "command/status": lambda params: "second"})
    peer.request("command/wait", WAIT)
    await turns()
    peer.notify("$/cancelRequest", {"id": 1})
    assert peer.code() == errors.REQUEST_CANCELLED
    peer.request("command/wait", WAIT)  # the id is free again, and the old outcome is not its answer
    await asyncio.sleep(0.02)
    assert peer.wire.sent == []
    peer.notify("$/cancelRequest", {"id": 1})
    assert peer.code() == errors.REQUEST_CANCELLED
    await asyncio.sleep(0.02)


async def test_cancelling_before_and_after_does_nothing() -> None:
    peer = Peer({"command/status": lambda params: 1, "command/wait": for_ever})
    peer.notify("$/cancelRequest", {"id": 1})
    peer.request("command/status", WAIT)
    assert peer.answer()["result"] == 1
    peer.notify("$/cancelRequest", {"id": 1})
    peer.request("command/wait", WAIT, 1)
    peer.notify("$/cancelRequest", {"id": "1"})  # the same id as a string is another
    await turns()
    assert peer.wire.sent == []
    await peer.engine.close()


async def test_what_was_cancelled_from_within_is_an_internal_error() -> None:
    async def wait(params: object) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    peer = Peer({"command/wait": wait})
    peer.request("command/wait", WAIT)
    await turns()
    assert peer.code() == errors.INTERNAL_ERROR


async def test_an_id_in_use_is_refused_and_the_first_request_goes_on() -> None:
    event = asyncio.Event()

    async def wait(params: object) -> str:
        await event.wait()
        return "first"

    peer = Peer({"command/wait": wait, "command/status": lambda params: "second"})
    peer.request("command/wait", WAIT, 1)
    peer.request("command/status", WAIT, 1)
    assert peer.code() == errors.INVALID_REQUEST
    peer.request("command/status", WAIT, "1")
    assert peer.answer()["result"] == "second"
    event.set()
    await turns()
    assert peer.answer()["result"] == "first"


async def test_closing_answers_what_is_open_and_ends_the_rest() -> None:
    closed: list[str] = []

    async def wait(params: object) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            closed.append("handler")

    async def close() -> None:
        closed.append("server")

    peer = Peer({"command/wait": wait}, close=close)
    peer.request("command/wait", WAIT, "a")
    peer.request("command/wait", WAIT, "b")
    asked = asyncio.ensure_future(peer.client.request("window/showDocument", {"uri": "a:"}))
    await turns()
    await peer.engine.close()
    codes = {message["id"]: message["error"]["code"] for message in peer.wire.sent if "error" in message}
    assert codes == {"a": errors.REQUEST_CANCELLED, "b": errors.REQUEST_CANCELLED}
    assert closed == ["handler", "handler", "server"]
    with pytest.raises(rpc.ClientError):
        await asked


@pytest.mark.parametrize("trouble", ["fails", "hangs"])
async def test_a_server_that_cannot_close_does_not_keep_the_process(
    trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc, "CLOSE_S", 0.01)

    async def close() -> None:
        if trouble == "fails":
            raise ValueError(SECRET)
        await asyncio.sleep(3600)

    await Peer({}, close=close).engine.close()


async def test_a_request_of_ours_gets_the_client_s_answer() -> None:
    peer = Peer({})
    uri = protocol.ShowDocumentParams(uri="http://127.0.0.1:1/", external=True)
    asked = asyncio.ensure_future(peer.client.request("window/showDocument", uri))
    await turns()
    sent = peer.answer()
    msg_id = sent.pop("id")
    params = {"uri": "http://127.0.0.1:1/", "external": True}
    assert sent == {"jsonrpc": "2.0", "method": "window/showDocument", "params": params}
    peer.engine.handle({"jsonrpc": "2.0", "id": msg_id, "result": {"success": True}})
    peer.engine.handle({"jsonrpc": "2.0", "id": msg_id, "result": {"success": False}})
    assert await asked == protocol.ShowDocumentResult(success=True)
    assert peer.wire.sent == []


@pytest.mark.parametrize(
    "response",
    [
        {"error": {"code": -32601, "message": "no"}},
        {"error": {"code": 0, "message": 1}},
        {"error": None},
        {"error": "text"},
        {"result": None},
        {"result": {"success": "yes"}},
    ],
)
async def test_a_bad_answer_to_a_request_of_ours_is_a_client_error(response: Message) -> None:
    peer = Peer({})
    asked = asyncio.ensure_future(peer.client.request("window/showDocument", {"uri": "a:"}))
    await turns()
    peer.engine.handle({"jsonrpc": "2.0", "id": peer.answer()["id"], **response})
    with pytest.raises(rpc.ClientError):
        await asked


async def test_a_method_without_result_takes_any() -> None:
    peer = Peer({})
    asked = asyncio.ensure_future(peer.client.request("window/workDoneProgress/create", {"token": 1}))
    await turns()
    peer.engine.handle({"jsonrpc": "2.0", "id": peer.answer()["id"], "result": {"any": "thing"}})
    assert await asked is None


async def test_a_request_of_ours_that_is_given_up_is_cancelled_at_the_client() -> None:
    peer = Peer({})
    with pytest.raises(TimeoutError):
        await peer.client.request("window/showDocument", {"uri": "a:"}, timeout_s=0.01)
    request, cancel = peer.wire.sent
    assert cancel == {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": request["id"]}}
    peer.engine.handle({"jsonrpc": "2.0", "id": request["id"], "result": {"success": True}})


async def test_responses_to_nothing_are_ignored_whatever_they_hold() -> None:
    peer = Peer({"command/wait": for_ever})
    peer.request("command/wait", WAIT, "theirs")
    for msg_id in ("theirs", 1, None, [1], {"a": 1}, True):
        peer.engine.handle({"jsonrpc": "2.0", "id": msg_id, "result": SECRET})
        peer.engine.handle({"jsonrpc": "2.0", "id": msg_id, "error": {"message": SECRET}})
    peer.engine.handle({"jsonrpc": "2.0", "result": SECRET})
    await turns()
    assert peer.wire.sent == []
    await peer.engine.close()


async def test_a_trace_tells_of_each_answer_and_never_of_content() -> None:
    peer = Peer({"command/status": lambda params: SECRET}, trace="messages")
    peer.request("command/status", {"commandId": SECRET}, 7)
    result, trace = peer.wire.sent
    assert result["result"] == SECRET
    assert trace["method"] == "$/logTrace"
    assert set(trace["params"]) == {"message"}
    assert "command/status - (7)" in trace["params"]["message"]
    assert SECRET not in str(trace)
    peer.wire.sent.clear()
    peer.notify("$/setTrace", {"value": "verbose"})
    peer.request("nothing/known", {})
    assert "bytes" in peer.wire.sent[1]["params"]["verbose"]
    peer.wire.sent.clear()
    peer.notify("$/setTrace", {"value": "off"})
    peer.request("command/status", WAIT)
    peer.answer()


async def test_notifications_are_encoded_as_messages_are() -> None:
    peer = Peer({})
    ready = protocol.CommandReady(session_id="s", command_id="c", port=80)
    peer.client.notify("command/ready", ready)
    params = {"sessionId": "s", "commandId": "c", "port": 80}
    assert peer.answer() == {"jsonrpc": "2.0", "method": "command/ready", "params": params}
    peer.client.notify_latest("key", "command/ready", lambda: ready)
    assert peer.answer()["params"] == params


async def test_the_server_may_listen_to_notifications_of_the_client() -> None:
    heard: list[object] = []
    peer = Peer({"initialized": heard.append})
    peer.notify("initialized", {})
    assert heard == [protocol.NoParams()]

    def fail(params: object) -> None:
        raise ValueError(SECRET)

    peer = Peer({"initialized": fail})
    peer.notify("initialized", {})
    assert peer.wire.sent == []


async def test_handlers_of_methods_that_are_not_declared_are_a_mistake() -> None:
    with pytest.raises(KeyError):
        Peer({"command/unheardOf": lambda params: None})
