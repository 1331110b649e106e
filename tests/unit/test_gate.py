"""The gate: what is answered without an engine, and what reaches it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from daytona_rpc import codec, envelope, errors, protocol, stdio
from daytona_rpc.connection import ProcessWatch
from daytona_rpc.envelope import InitializeInfo, Message
from daytona_rpc.framing import BodyTooLarge, FramingError
from daytona_rpc.gate import Gate, State


class Echo:
    """An engine that keeps what it is handed."""

    def __init__(self) -> None:
        self.taken: list[Message] = []

    def handle(self, message: Message) -> None:
        self.taken.append(message)

    async def close(self) -> None:
        """Nothing was begun."""


class Bench:
    """A gate, its engine and what it answered."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.engine = Echo()
        self.gate = Gate(lambda info: {"serverInfo": {}}, lambda body: self.answers.append(json.loads(body)))
        self.gate.engine = self.engine

    def take(self, item: bytes | FramingError | object) -> Any:
        """The one answer to an item, None for none."""
        self.answers.clear()
        self.gate.take(item if isinstance(item, bytes | FramingError) else orjson.dumps(item))
        assert len(self.answers) <= 1
        return self.answers[0] if self.answers else None

    def code(self, item: bytes | FramingError | object, msg_id: object = None) -> int:
        """The code of the error an item with this id is answered with."""
        answer = self.take(item)
        assert answer["id"] == msg_id
        assert type(answer["id"]) is type(msg_id)
        assert answer["jsonrpc"] == "2.0"
        assert set(answer) == {"jsonrpc", "id", "error"}
        code: int = answer["error"]["code"]
        return code

    def request(self, method: str, params: object = None) -> Message:
        return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


@pytest.fixture
def new() -> Bench:
    return Bench()


@pytest.fixture(params=["json", "orjson"])
def opened(request: pytest.FixtureRequest) -> Bench:
    bench = Bench()
    bench.take(bench.request("initialize", {"capabilities": {}}))
    if request.param == "orjson":
        bench.gate.loads = orjson.loads
    return bench


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'"\xff"',
        b'{"jsonrpc":"2.0"}x',
        '{"jsonrpc":"2.0"}'.encode("utf-16"),
        b"[" * 100_000,
        FramingError("why"),
    ],
)
def test_what_is_no_json_is_a_parse_error_without_id(opened: Bench, body: bytes | FramingError) -> None:
    assert opened.code(body) == errors.PARSE_ERROR
    assert opened.engine.taken == []


@pytest.mark.parametrize(
    "message",
    [
        [],
        [{"jsonrpc": "2.0", "id": 1, "method": "m"}],
        "text",
        1,
        None,
        {},
        {"jsonrpc": "2.0"},
        {"jsonrpc": "2.0", "method": "m", "id": None},
        {"jsonrpc": "2.0", "method": "m", "id": True},
        {"jsonrpc": "2.0", "method": "m", "id": 1.5},
        {"jsonrpc": "2.0", "method": "m", "id": {}},
        {"jsonrpc": "2.0", "method": "m", "id": [1]},
        {"method": "m"},
        {"jsonrpc": "1.0", "method": "m"},
        {"jsonrpc": "2.0", "method": 1},
        {"jsonrpc": "2.0", "method": None},
    ],
)
def test_what_is_no_request_and_has_no_id_is_refused_without_id(opened: Bench, message: object) -> None:
    assert opened.code(message) == errors.INVALID_REQUEST
    assert opened.engine.taken == []


@pytest.mark.parametrize("msg_id", [0, -1, 7, 2**53, "", "7", "ä\n"])
@pytest.mark.parametrize(
    "message",
    [{"method": "m"}, {"jsonrpc": 2.0, "method": "m"}, {"jsonrpc": "2.0", "method": {}}, {"jsonrpc": "2.0"}],
)
def test_what_is_no_request_is_refused_with_its_id(opened: Bench, message: Message, msg_id: object) -> None:
    assert opened.code({**message, "id": msg_id}, msg_id) == errors.INVALID_REQUEST
    assert opened.engine.taken == []


@pytest.mark.parametrize(
    ("head", "msg_id"),
    [
        (b'{"jsonrpc":"2.0","id":12,"method":"m","params":{"', 12),
        (b' { "jsonrpc" : "2.0" , "method":"m", "id" : "a b" , "params"', "a b"),
        (b'{"id":-1,', -1),
        (b'{"params":{"id":1},"id":2', None),
        (b'{"jsonrpc":"2.0","id":12', None),
        (b'{"jsonrpc":"2.0","id":1.5,', None),
        (b'{"jsonrpc":"2.0","id":"\xff",', None),
        (b"", None),
    ],
)
def test_a_message_too_large_is_refused_with_its_id_if_that_is_sure(
    opened: Bench, head: bytes, msg_id: object
) -> None:
    assert opened.code(BodyTooLarge(10**9, head), msg_id) == errors.INVALID_REQUEST


@pytest.mark.parametrize(
    "response", [{"id": 1, "result": 1}, {"id": None, "error": {}}, {"id": 1.5, "result": 1}]
)
def test_a_response_is_never_answered(opened: Bench, response: Message) -> None:
    assert opened.take(response) is None
    assert opened.engine.taken == [response]


def test_before_initialize_requests_are_refused_and_notifications_ignored(new: Bench) -> None:
    assert new.code(new.request("command/status"), 1) == errors.SERVER_NOT_INITIALIZED
    assert new.code(new.request("shutdown"), 1) == errors.SERVER_NOT_INITIALIZED
    assert new.code(new.request("exit"), 1) == errors.SERVER_NOT_INITIALIZED
    for method in ("initialized", "initialize", "shutdown", "$/cancelRequest", "nothing/known"):
        assert new.take({"jsonrpc": "2.0", "method": method, "params": {}}) is None
    assert new.take({"jsonrpc": "2.0", "id": 1, "result": None}) is None
    assert new.engine.taken == []
    assert new.take(new.request("initialize", {})) == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"serverInfo": {}},
    }
    assert new.gate.state is State.OPEN


def test_a_refused_initialize_may_be_repeated(new: Bench) -> None:
    answer = new.take(new.request("initialize", {"processId": "7"}))
    error = {"code": errors.INVALID_PARAMS, "message": "processId: must be an integer"}
    assert answer["error"] == {**error, "data": {"path": "processId"}}
    assert "result" in new.take(new.request("initialize", {"processId": 7}))
    assert new.gate.info is not None
    assert new.gate.info.process_id == 7


def test_an_initialize_that_cannot_be_answered_is_an_internal_error() -> None:
    answers: list[bytes] = []
    gate = Gate(lambda info: {"a": object()}, answers.append)
    gate.take(b'{"jsonrpc":"2.0","id":1,"method":"initialize"}')
    assert json.loads(answers[0])["error"]["code"] == errors.INTERNAL_ERROR
    assert gate.state is State.NEW


def test_what_the_engine_is_for_reaches_it_unchanged(opened: Bench) -> None:
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "m", "params": {"jsonrpc": "1.0", "a": [{"jsonrpc": 1}]}},
        {"jsonrpc": "2.0", "id": "1", "method": "m", "params": {"2bad": 1, "MY-VAR": 2, "class": 3}},
        {"jsonrpc": "2.0", "id": 2, "method": "$/m", "params": "text"},
        {"jsonrpc": "2.0", "id": 3, "method": "m"},
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}},
        {"jsonrpc": "2.0", "id": "ours", "error": {"code": 1, "message": "no"}},
    ]
    for message in messages:
        assert opened.take(message) is None
    assert opened.engine.taken == messages


def test_a_second_initialize_is_refused(opened: Bench) -> None:
    assert opened.code(opened.request("initialize", {}), 1) == errors.INVALID_REQUEST
    assert opened.gate.state is State.OPEN


def test_exit_as_a_request_is_answered_and_shutdown_as_a_notification_is_not(opened: Bench) -> None:
    assert opened.code(opened.request("exit"), 1) == errors.METHOD_NOT_FOUND
    assert opened.take({"jsonrpc": "2.0", "method": "shutdown"}) is None
    assert opened.gate.state is State.OPEN


def test_after_shutdown_requests_are_refused_but_cancelling_and_exit_are_heard(opened: Bench) -> None:
    assert opened.take(opened.request("shutdown")) == {"jsonrpc": "2.0", "id": 1, "result": None}
    for method in ("shutdown", "initialize", "command/status", "exit"):
        assert opened.code(opened.request(method), 1) == errors.INVALID_REQUEST
    cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}}
    response = {"jsonrpc": "2.0", "id": "ours", "result": 1}
    for message in (cancel, response, {"jsonrpc": "2.0", "method": "$/setTrace", "params": {}}):
        assert opened.take(message) is None
    assert opened.engine.taken == [cancel, response]
    opened.take({"jsonrpc": "2.0", "method": "exit"})
    assert (opened.gate.state, opened.gate.code) == (State.OVER, 0)


def test_exit_without_shutdown_is_a_failure(opened: Bench) -> None:
    opened.take({"jsonrpc": "2.0", "method": "exit"})
    assert (opened.gate.state, opened.gate.code) == (State.OVER, 1)
    opened.gate.end(7)
    assert opened.gate.code == 1


WRONG: dict[str, list[Message]] = {
    "processId": [{"processId": "1"}, {"processId": 1.5}, {"processId": True}],
    "rootUri": [{"rootUri": 1}],
    "rootPath": [{"rootPath": {}}],
    "clientInfo": [{"clientInfo": "vim"}],
    "clientInfo.name": [{"clientInfo": {}}, {"clientInfo": {"name": 1}}],
    "clientInfo.version": [{"clientInfo": {"name": "a", "version": 9}}],
    "workspaceFolders": [{"workspaceFolders": {}}, {"workspaceFolders": "file:///"}],
    "workspaceFolders[1]": [{"workspaceFolders": [{"uri": "file:///"}, "file:///"]}],
    "workspaceFolders[0].uri": [{"workspaceFolders": [{}]}, {"workspaceFolders": [{"uri": None}]}],
    "workspaceFolders[0].name": [{"workspaceFolders": [{"uri": "file:///", "name": 1}]}],
    "initializationOptions": [{"initializationOptions": []}, {"initializationOptions": "a"}],
    "initializationOptions.sandboxId": [
        {"initializationOptions": {"sandboxId": 1}},
        {"initializationOptions": {"sandboxId": "../a"}},
        {"initializationOptions": {"sandboxId": ""}},
    ],
    "trace": [{"trace": 1}],
    "capabilities": [{"capabilities": []}, {"capabilities": 1}],
}


@pytest.mark.parametrize(("path", "params"), [(path, p) for path, all_ in WRONG.items() for p in all_])
def test_initialize_names_the_field_that_is_wrong_as_the_codec_does(path: str, params: Message) -> None:
    with pytest.raises(errors.InvalidParams) as by_hand:
        InitializeInfo(params)
    with pytest.raises(errors.InvalidParams) as by_codec:
        codec.structure(params, protocol.InitializeParams)
    assert path == by_hand.value.path == by_codec.value.path


@pytest.mark.parametrize(
    "params",
    [
        {},
        dict.fromkeys(
            ["processId", "clientInfo", "rootUri", "rootPath", "workspaceFolders", "trace", "capabilities"]
        ),
        {"trace": "a new word", "locale": 1, "initializationOptions": {"other": 1, "sandboxId": None}},
        {"workspaceFolders": [], "capabilities": {"window": 1}},
        {"processId": 10**12, "clientInfo": {"name": "vim", "version": None}},
    ],
)
def test_initialize_takes_what_the_codec_takes(params: Message) -> None:
    InitializeInfo(params)
    codec.structure(params, protocol.InitializeParams)


def test_initialize_is_kept_as_far_as_it_is_used() -> None:
    info = InitializeInfo(
        {
            "processId": 7,
            "clientInfo": {"name": "vim", "version": "1"},
            "rootUri": "file:///a",
            "workspaceFolders": [{"uri": "file:///b", "name": "b"}],
            "initializationOptions": {"sandboxId": "box", "apiKey": "secret"},
            "trace": "verbose",
            "capabilities": {"window": {"workDoneProgress": True, "showDocument": {"support": True}}},
        }
    )
    assert (info.process_id, info.root_uri, info.root_path, info.trace) == (7, "file:///a", None, "verbose")
    assert info.client_info == {"name": "vim", "version": "1"}
    assert info.workspace_folders == [{"uri": "file:///b", "name": "b"}]
    assert info.options == {"sandboxId": "box", "apiKey": "secret"}
    assert info.work_done_progress
    assert info.show_document
    assert "secret" not in repr(info)
    bare = InitializeInfo(None)
    assert (bare.trace, bare.work_done_progress, bare.show_document) == ("off", False, False)


def test_the_gate_imports_nothing_that_takes_long() -> None:
    code = "import sys; from daytona_rpc import gate; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert {"asyncio", "attr", "cattrs", "inspect", "logging", "lsprotocol", "orjson", "pygls"}.isdisjoint(
        modules.split()
    )


def test_errors_carry_their_data() -> None:
    body = envelope.error("a", 1001, "no", {"kind": "notFound"})
    expected = {"code": 1001, "message": "no", "data": {"kind": "notFound"}}
    assert json.loads(body) == {"jsonrpc": "2.0", "id": "a", "error": expected}


@pytest.fixture
async def child() -> AsyncIterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


async def gone(pid: int, timeout_s: float = 5) -> bool:
    """Whether a watch says so in time; it has to say it once."""
    told: list[bool] = []
    watch = ProcessWatch(asyncio.get_running_loop(), pid, lambda: told.append(True))
    try:
        async with asyncio.timeout(timeout_s):
            while not told:
                await asyncio.sleep(0.005)
    except TimeoutError:
        return False
    finally:
        watch.close()
        watch.close()
    await asyncio.sleep(0.01)
    assert told == [True]
    return True


async def test_the_end_of_a_process_is_told_at_once(child: subprocess.Popen[bytes]) -> None:
    told = asyncio.ensure_future(gone(child.pid))
    await asyncio.sleep(0.02)
    assert not told.done()
    child.kill()
    assert await told


async def test_a_process_that_was_gone_before_is_told_too(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    assert await gone(child.pid)


async def test_without_process_descriptors_the_process_is_polled(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    monkeypatch.setattr("daytona_rpc.connection.PROCESS_POLL_S", 0.02)
    assert not await gone(child.pid, 0.1)
    child.kill()
    child.wait()
    assert await gone(child.pid)


@pytest.mark.parametrize("pid", [0, -1, 2**40])
async def test_ids_of_no_process_are_not_watched(pid: int) -> None:
    assert not stdio.is_gone(pid)
    assert not await gone(pid, 0.05)
