"""The raw wire: what is malformed is answered as such, and what follows it is served."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from tests.harness import Client, Message
from tests.machine import Machine


def framed(body: bytes | Message, header: str = "Content-Length: {}\r\n\r\n") -> bytes:
    data = body if isinstance(body, bytes) else orjson.dumps({"jsonrpc": "2.0", **body})
    return header.format(len(data)).encode() + data


def alive(client: Client) -> bool:
    return [] == client.request("sessions/list")["sessions"]


def errors_without_id(client: Client) -> list[int]:
    return [m["error"]["code"] for m in client.received if "error" in m and m["id"] is None]


BROKEN = {
    "not JSON": (b"{", -32700),
    "empty": (b"", -32700),
    "not UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff"}',
    "half a surrogate pair": b'{"jsonrpc":"2.0","id":900,"method":"x","params":{"a":"\\ud800"}}',
    "batch": (b'[{"jsonrpc":"2.0","id":900,"method":"sandbox/list"}]', -32600),
    "empty batch": (b"[]", -32600),
    "string": (b'"hello"', -32600),
    "null": (b"null", -32600),
    "no method": (b'{"jsonrpc":"2.0"}', -32600),
    "another version": (b'{"jsonrpc":"1.0","method":"x","id":null}', -32600),
    "deep nesting": b"[" * 100_000,
    "id of a wrong type": (b'{"jsonrpc":"2.0","id":{"a":1},"method":"sandbox/list"}', -32600),
    "fractional id": (b'{"jsonrpc":"2.0","id":1.5,"method":"sandbox/list"}', -32600),
    "true as id": (b'{"jsonrpc":"2.0","id":true,"method":"sandbox/list"}', -32600),
}


@pytest.mark.requirement("TRN-6", "REQ-4")
@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_what_is_no_request_is_answered_as_such_and_the_next_is_served(machine: Machine, case: Any) -> None:
    body, code = case if isinstance(case, tuple) else (case, -32700)
    client = machine.client()
    client.raw(framed(body))
    assert alive(client)
    assert [code] == errors_without_id(client)


HEADERS = {
    "lower case": "content-length: {}\r\n\r\n",
    "upper case, no space": "CONTENT-LENGTH:{}\r\n\r\n",
    "content type first": "Content-Type: application/vscode-jsonrpc\r\nContent-Length: {}\r\n\r\n",
    "unknown header": "X-Trace: a: b\r\nContent-Length: {}\r\n\r\n",
    "more space": "Content-Length:   {}  \r\n\r\n",
}


@pytest.mark.requirement("TRN-3", "TRN-4")
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_headers_are_read_as_LSP_allows_them(machine: Machine, header: str) -> None:
    client = machine.client()
    client.raw(framed({"id": "é-1", "method": "sessions/list"}, header))
    assert {"jsonrpc": "2.0", "id": "é-1", "result": {"sessions": []}} == client.answer("é-1")
    assert alive(client)


@pytest.mark.requirement("TRN-5")
@pytest.mark.parametrize(
    "junk", [b"hello\r\n\r\n", b"Content-Length: x\r\n\r\n", b"Content-Length: -5\r\n\r\n", b"\0\xff\n" * 50]
)
def test_after_a_broken_header_the_next_message_is_served(machine: Machine, junk: bytes) -> None:
    client = machine.client()
    client.raw(junk)
    assert alive(client)
    assert -32700 in errors_without_id(client)


@pytest.mark.requirement("TRN-1")
def test_messages_may_come_in_any_pieces(machine: Machine) -> None:
    client = machine.client()
    for byte in framed({"id": "slow", "method": "sessions/list"}):
        client.raw(bytes([byte]))
    assert {"sessions": []} == client.result("slow")
    client.raw(b"".join(framed({"id": f"n{n}", "method": "sessions/list"}) for n in range(300)))
    assert [{"sessions": []}] * 300 == [client.result(f"n{n}") for n in range(300)]


@pytest.mark.requirement("TRN-2")
def test_a_large_message_is_taken(machine: Machine) -> None:
    client = machine.client()
    session = client.request("sessions/create")["sessionId"]
    data = "é" * 4_000_000
    assert (
        f"{len(data)}\n"
        == client.run(session, f"read -r text <<'END'\n{data}\nEND\necho ${{#text}}")["output"]
    )


@pytest.mark.requirement("LIFE-1", "LIFE-3")
def test_before_initialize_only_initialize_and_exit_are_served(machine: Machine) -> None:
    client = machine.client(initialize=False)
    assert -32002 == client.refused("sessions/list").code
    client.notify("$/setTrace", {"value": "off"})
    assert "daytona-rpc" == client.initialize()["serverInfo"]["name"]
    assert -32600 == client.refused("initialize", capabilities={}).code
    assert alive(client)


@pytest.mark.requirement("LIFE-2", "LIFE-4")
@pytest.mark.parametrize("params", [None, {}, {"unknown": 1}, {"capabilities": None, "processId": None}])
def test_initialize_needs_nothing(machine: Machine, params: Message | None) -> None:
    client = machine.client(initialize=False)
    message = {"id": "i", "method": "initialize"}
    client.send(message if params is None else {**message, "params": params})
    client.send({"id": "next", "method": "sessions/list"})
    assert {"sessions": []} == client.result("next")
    assert 1 == client.result("i")["capabilities"]["experimental"]["daytonaRpc"]["protocolVersion"]


def test_exit_without_initialize_ends_the_server(machine: Machine) -> None:
    client = machine.client(initialize=False)
    client.notify("exit")
    assert 1 == client.process.wait(10)


@pytest.mark.requirement("REQ-6")
@pytest.mark.parametrize("params", [[1], [[]], "text", 7, True])
def test_params_that_are_no_object_are_refused(machine: Machine, params: object) -> None:
    client = machine.client()
    client.send({"id": "bad", "method": "sessions/list", "params": params})
    assert client.answer("bad")["error"]["code"] in (-32602, -32600)
    assert alive(client)


@pytest.mark.requirement("REQ-2", "REQ-5")
def test_what_no_method_takes_is_answered_or_ignored(machine: Machine) -> None:
    client = machine.client()
    assert -32601 == client.refused("textDocument/hover").code
    assert -32601 == client.refused("").code
    client.notify("textDocument/didOpen")
    client.notify("$/unknown")
    client.send({"method": "sessions/create", "params": {"sessionId": "../x"}})
    client.send({"id": 10**6, "result": None})
    client.send({"id": "nobody asked", "error": {"code": 1, "message": "x"}})
    assert alive(client)
    assert [] == errors_without_id(client)


@pytest.mark.requirement("REQ-3")
def test_ids_are_echoed_with_their_type(machine: Machine) -> None:
    client = machine.client()
    for request_id in ("1", 1001, 0, -7, "", "x" * 1000, 2**53 - 1):
        client.send({"id": request_id, "method": "sessions/list"})
        answer = client.answer(request_id)
        assert (type(request_id), request_id) == (type(answer["id"]), answer["id"])


def test_an_environment_variable_named_jsonrpc_is_one(machine: Machine) -> None:
    client = machine.client()
    env = {"jsonrpc": "2.0", "method": "x", "id": "7", "params": "p"}
    session = client.request("sessions/create", {"env": env})["sessionId"]
    assert "2.0 x 7 p\n" == client.run(session, "echo $jsonrpc $method $id $params")["output"]


@pytest.mark.requirement("REQ-9", "REQ-10")
def test_unknown_fields_are_ignored_and_null_is_absent(machine: Machine) -> None:
    client = machine.client()
    params = {"sessionId": "s", "cwd": None, "env": None, "sandboxId": None, "new": {"in": "version 2"}}
    assert "s" == client.request("sessions/create", params)["sessionId"]


def test_initialize_is_answered_fast(machine: Machine) -> None:
    machine.client()  # so that what is imported has been compiled
    before = time.monotonic()
    machine.client()
    assert time.monotonic() - before < 3


@pytest.mark.requirement("LIFE-10")
def test_tracing_tells_of_messages_without_their_content(machine: Machine) -> None:
    client = machine.client()
    client.notify("$/setTrace", {"value": "verbose"})
    session = client.request("sessions/create")["sessionId"]
    client.run(session, "echo s3cr3t")
    client.wait_for(
        lambda message: (
            message.get("method") == "$/logTrace" and "command/execute" in message["params"]["message"]
        )
    )
    assert "s3cr3t" not in str(client.notifications("$/logTrace"))


@pytest.mark.requirement("TRN-7")
def test_a_message_beyond_64_mebibytes_is_refused_and_read_past(machine: Machine) -> None:
    client = machine.client()
    client.raw(framed(b'{"jsonrpc":"2.0","id":"big","method":"' + b"x" * (64 << 20) + b'"}'))
    assert alive(client)
    assert 1 == len([message for message in client.received if "error" in message])
