"""Clients that send what they should not: each request is answered once, and what follows is served."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import orjson
import psutil
import pytest

from daytona_rpc import errors
from daytona_rpc.framing import MAX_BODY, frame
from tests.harness import Client, Message, RpcFailure
from tests.peers.conftest import SERVER, Connect

STATUS = {"commandId": "c"}


def body(method: str, params: object = None, **more: object) -> bytes:
    return frame(orjson.dumps({"jsonrpc": "2.0", "method": method, "params": params or {}, **more}))


def refusals(client: Client) -> list[int]:
    """Codes of the errors that had no id."""
    return [m["error"]["code"] for m in client.received if "error" in m and m["id"] is None]


def served(client: Client) -> bool:
    return client.request("command/status", STATUS) is None


def test_initialize_is_answered_before_anything_heavy_is_imported(connect: Connect) -> None:
    client = connect(initialize=False)
    assert client.initialize()["serverInfo"]["name"] == []
    assert served(client)


def test_what_comes_with_initialize_is_answered_in_order(connect: Connect) -> None:
    client = connect(initialize=False)
    early = body("command/status", STATUS, id="early")
    late = b"".join(body("command/status", STATUS, id=n) for n in range(1000, 1200))
    client.raw(early + b"{" + body("initialize", id="i") + body("initialized") + late + b"Content-")
    client.raw(b"Length: 2\r\n\r\n[]")
    assert served(client)
    client.answer(1199)
    ids = [message["id"] for message in client.received]
    assert ids[:3] == ["early", None, "i"]
    assert ids[3:203] == list(range(1000, 1200))
    assert client.answer("early")["error"]["code"] == errors.SERVER_NOT_INITIALIZED
    assert refusals(client) == [errors.PARSE_ERROR, errors.INVALID_REQUEST]


def test_a_message_in_single_bytes_is_served(client: Client) -> None:
    for byte in body("command/status", STATUS, id="slow"):
        client.raw(bytes([byte]))
    assert client.result("slow") is None


def test_after_a_broken_header_the_next_message_is_served(client: Client) -> None:
    for broken in (b"nonsense\r\n\r\n", b"Content-Length: x\r\n\r\n{}", b"\0\xff\n" * 50, b"x" * 20_000):
        client.raw(broken)
        assert served(client)
    assert refusals(client) == [errors.PARSE_ERROR] * 4


def test_a_body_that_is_too_large_is_refused_without_being_kept(client: Client) -> None:
    assert served(client)
    before = psutil.Process(client.process.pid).memory_info().rss
    head = b'{"jsonrpc":"2.0","id":"large","method":"command/input","params":{"data":"'
    client.raw(b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 100) + head)
    for _ in range(64):
        client.raw(b"x" * (MAX_BODY // 64))
    client.raw(b"x" * (100 - len(head)))
    with pytest.raises(RpcFailure) as refused:
        client.result("large")
    assert refused.value.code == errors.INVALID_REQUEST
    assert served(client)
    assert psutil.Process(client.process.pid).memory_info().rss - before < 16 * 1024 * 1024


def test_a_large_body_is_served(client: Client) -> None:
    env = {"A": "x" * 20_000_000}
    assert client.request("sessions/create", {"env": env}) == env


def test_prints_of_handlers_and_children_stay_off_the_wire(client: Client, tmp_path: Path) -> None:
    assert client.request("sessions/list") is None
    assert served(client)
    stderr = tmp_path / "stderr-0"
    assert stderr.read_text() == "to nobody\n" * 4
    stderr.write_bytes(b"")


def test_each_way_a_handler_ends_is_one_answer(client: Client) -> None:
    codes = {
        "command/detach": errors.NotFound.code,
        "command/input": errors.INTERNAL_ERROR,
        "command/signal": errors.INTERNAL_ERROR,
        "sandbox/list": errors.INTERNAL_ERROR,
        "command/list": errors.METHOD_NOT_FOUND,
    }
    params = {"commandId": "c", "data": "a", "signal": "SIGTERM"}
    assert codes == {method: client.refused(method, **params).code for method in codes}
    assert client.refused("command/status", commandId=7).data == {"path": "commandId"}
    for trouble in ("breaks", "swallows", "other"):
        request = client.send_request("command/wait", {"commandId": trouble})
        client.notify("$/cancelRequest", {"id": request})
        assert client.answer(request)["error"]["code"] == errors.REQUEST_CANCELLED
    assert client.refused("command/wait", commandId="cancelled-within").code == errors.INTERNAL_ERROR
    assert served(client)


def test_cancelling_in_the_same_write_as_the_request_ends_it(client: Client) -> None:
    cancel = body("$/cancelRequest", {"id": "w"})
    client.raw(cancel + body("command/wait", STATUS, id="w") + cancel + cancel)
    assert client.answer("w")["error"]["code"] == errors.REQUEST_CANCELLED
    client.raw(body("command/status", STATUS, id="s") + body("$/cancelRequest", {"id": "s"}))
    assert client.result("s") is None
    assert served(client)


def test_the_server_s_own_requests_end_with_the_client_s_answer(client: Client) -> None:
    # The harness answers each request with null, which is no ShowDocumentResult.
    answer = client.request("sandbox/previewLink", {"port": 1})
    assert answer.startswith("ClientError window/showDocument")
    for response in ({"id": "x", "result": 1}, {"id": None, "error": {"code": 1, "message": ""}}):
        client.send(response)
    assert served(client)
    assert refusals(client) == []


def test_the_log_holds_no_content(connect: Connect, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client = connect(LOG_FILE=str(log))
    secret = "s3cr3t"
    client.refused("command/input", commandId="c", data=secret)
    client.refused("command/signal", commandId="c", signal=secret)
    client.refused("command/status", commandId={secret: secret})
    client.request("sessions/create", {"env": {secret: secret}})
    client.request("sandbox/previewLink", {"port": 1})
    client.notify("$/setTrace", {"value": secret})
    client.notify("$/unknown", {"value": secret})
    client.raw(frame(b'{"secret": "s3cr3t"') + b"s3cr3t: s3cr3t\r\n\r\n")
    client.send({"id": "daytona-rpc-99", "result": secret, "error": secret})
    client.refused("command/wait", commandId="breaks", timeoutMs=secret)
    client.close()
    text = log.read_text()
    assert secret not in text
    assert "s3cr3t" not in "".join(map(str, client.received[1:4]))
    assert "command/input" in text
    assert "ValueError" in text


def test_answers_never_hold_a_traceback(client: Client) -> None:
    for method in ("command/input", "command/signal", "sandbox/list"):
        failure = client.refused(method, commandId="c", data="text", signal="text")
        assert "text" not in failure.message
        assert failure.data is None


MESSAGES: list[Message] = [
    {"id": 1, "method": "initialize", "params": {"capabilities": {}}},
    {"id": 2, "method": "command/status", "params": STATUS},
    {"id": 3, "method": "shutdown"},
    {"method": "exit"},
]


def script() -> bytes:
    return b"".join(frame(orjson.dumps({"jsonrpc": "2.0", **message})) for message in MESSAGES)


def ids(data: bytes) -> list[int]:
    return [orjson.loads(part.split(b"\r\n\r\n")[1])["id"] for part in data.split(b"Content-Length: ")[1:]]


def test_requests_from_a_file_are_answered_to_a_file(tmp_path: Path, env: dict[str, str]) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(script())
    with source.open() as stdin, target.open("w") as stdout:
        done = subprocess.run(SERVER, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=env, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    assert ids(target.read_bytes()) == [1, 2, 3]


def test_without_stderr_the_wire_is_clean_too(env: dict[str, str]) -> None:
    closed = ("sh", "-c", 'exec "$0" "$@" 2>&-', *SERVER)
    messages = script().replace(b"command/status", b"sessions/list\r")  # the same length
    messages = messages.replace(b"sessions/list\r", b"sessions/list ")
    done = subprocess.run(closed, input=messages, stdout=subprocess.PIPE, env=env, timeout=30)
    assert done.returncode == 0
    assert ids(done.stdout) == [1, 2, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="signals by number")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_server_in_order(connect: Connect, tmp_path: Path, number: int) -> None:
    closed = tmp_path / "closed"
    client = connect(CLOSED_FILE=str(closed))
    waiting = client.send_request("command/wait", STATUS)
    assert served(client)
    client.process.send_signal(number)
    assert client.answer(waiting)["error"]["code"] == errors.REQUEST_CANCELLED
    assert client.process.wait(10) == 128 + number
    assert closed.read_text() == "closed"
